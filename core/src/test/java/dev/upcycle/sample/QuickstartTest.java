package dev.upcycle.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.convert.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
  @TempDir Path directory;

  @Test
  void theSampleBecomesAVerifiedMixtureOfExpertsWithTheGoldenBytes() throws IOException {
    Path out = directory.resolve("quick");

    Quickstart.Result result = Quickstart.run(out, Progress.SILENT);

    assertThat(result.report().failures()).isEmpty();
    assertThat(result.dense()).isEqualTo(out.resolve("dense"));
    assertThat(result.target()).isEqualTo(out.resolve("moe"));
    assertThat(result.denseParameters()).isEqualTo(1_050_496);
    assertThat(result.targetParameters())
        .isEqualTo(1_050_496 + 3 * 4 * 3 * 128 * 512 + 4 * 4 * 128);
    assertThat(Golden.hashes(result.target()))
        .as("what consumers load; the other files name the version of the tool")
        .containsAll(Golden.read("quickstart.sha256"));
  }

  @Test
  void twoRunsGiveTheSameBytesInEveryFile() throws IOException {
    Quickstart.Result one = Quickstart.run(directory.resolve("one"), Progress.SILENT);
    Quickstart.Result two = Quickstart.run(directory.resolve("two"), Progress.SILENT);

    assertThat(Golden.hashes(one.target())).isEqualTo(Golden.hashes(two.target()));
  }

  @Test
  void theNextCommandsNameWhatIsThere() {
    Quickstart.Result result = Quickstart.run(directory, Progress.SILENT);

    assertThat(result.nextCommands())
        .contains(
            List.of("verify", result.dense().toString(), result.target().toString()),
            List.of("inspect", result.target().toString()));
  }

  @Test
  void aDirectoryThatIsNotEmptyIsRefusedAndLeftAlone() throws IOException {
    Files.writeString(directory.resolve("mine.txt"), "mine");

    assertThatThrownBy(() -> Quickstart.run(directory, Progress.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("mine.txt");
    assertThat(directory.resolve("dense")).doesNotExist();
  }

  @Test
  void aFileIsRefused() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "mine");

    assertThatThrownBy(() -> Quickstart.run(file, Progress.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is a file");
  }
}
