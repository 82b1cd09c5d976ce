package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the machine refuses ends training with 6.
class TrainResourcesTest {
  private static final int BLOCK_BYTES = 512;
  private static final String RECIPE =
      """
      recipe: 1
      train:
        defaults:
          batch: 2
          steps: 2
          data: {path: dense/held-out.txt, max_tokens: 32}
        stages:
          - {name: norms, rates: {"*norm*": 1.0e-3}}
          - {name: all, rates: {all: 1.0e-3}}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void prepare() throws IOException {
    SampleModel.writeTo(folder.resolve("dense"));
    Files.writeString(folder.resolve("tune.yaml"), RECIPE);
  }

  private static List<String> train(String out) {
    return List.of("train", "./tune.yaml", "--model", "./dense", "--out", out);
  }

  @Test
  void aFolderThatCannotBeMadeIsNamed() {
    Session.Outcome outcome = Session.in(folder).run(train("./tune.yaml/run"));
    assertThat(outcome.code()).isEqualTo(6);
    assertThat(outcome.err()).contains("cannot write " + folder.resolve("./tune.yaml/run"));
  }

  @Test
  void aFullDiskLeavesTheLastCheckpointWhole() throws Exception {
    assertThat(Session.in(folder).run(train("./whole")).code()).isZero();
    // Moments are the largest file; those of the first stage pass, those of the second do not.
    long most =
        Files.size(folder.resolve("whole/checkpoints/step-4/optimizer.safetensors")) - BLOCK_BYTES;
    Process limited = limited(most, train("./full"));
    assertThat(limited.waitFor()).isEqualTo(6);
    assertThat(Files.readString(folder.resolve("log")))
        .contains("File too large")
        .contains("the last whole checkpoint is ")
        .contains("full/checkpoints/step-2: go on with --resume");
    assertThat(folder.resolve("full/final")).doesNotExist();

    List<String> resumed = new ArrayList<>(train("./full"));
    resumed.add("--resume");
    assertThat(Session.in(folder).run(resumed).code()).isZero();
    assertThat(folder.resolve("full/final/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("whole/final/model.safetensors"));
  }

  /// The program as a process that may write no larger file: the system refuses in the middle, as a
  /// full disk does.
  private Process limited(long bytes, List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "sh", "-c", "ulimit -f %d; exec \"$@\"".formatted(bytes / BLOCK_BYTES), "limited"));
    command.addAll(ChildJvm.command(Main.class, List.of(), arguments));
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("log").toFile())
        .start();
  }
}
