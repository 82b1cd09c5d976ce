package dev.upcycle.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.train.TrainListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainedQuickstartTest {
  private static final TrainedQuickstart.Settings SHORT =
      new TrainedQuickstart.Settings(Optional.of(4), 1);

  @TempDir Path directory;

  @Test
  void theTrainedSampleHasExpertsPredictsBetterAndSaysSomethingElse() throws Exception {
    Path out = directory.resolve("quick");

    TrainedQuickstart.Result result = TrainedQuickstart.run(out, SHORT, TrainListener.SILENT);

    assertThat(result.steps()).isEqualTo(4);
    assertThat(Checkpoint.open(result.after().model()).config().modelType()).isEqualTo("mixtral");
    assertThat(result.after().loss()).isLessThan(result.before().loss());
    assertThat(result.before().text()).startsWith(TrainedQuickstart.PROMPT);
    assertThat(result.after().text())
        .startsWith(TrainedQuickstart.PROMPT)
        .isNotEqualTo(result.before().text());
    String trained = Files.readString(out.resolve("train.txt"));
    String measured = Files.readString(out.resolve("measure.txt"));
    assertThat(trained + measured).isEqualTo(Files.readString(out.resolve("dense/held-out.txt")));
    assertThat(measured).hasSizeBetween(5_000, 10_000);
  }

  @Test
  void aDirectoryThatIsNotEmptyIsRefusedAndLeftAlone() throws IOException {
    Files.writeString(directory.resolve("mine.txt"), "mine");

    assertThatThrownBy(() -> TrainedQuickstart.run(directory, SHORT, TrainListener.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("mine.txt");
    assertThat(directory.resolve("dense")).doesNotExist();
  }
}
