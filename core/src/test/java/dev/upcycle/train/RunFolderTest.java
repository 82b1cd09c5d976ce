package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.plan.PlanException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a run may find in its folder, what it refuses to go on with, and what it leaves.
class RunFolderTest {
  private static final String ONE_STAGE =
      Runs.TWO_STAGES.replaceAll("(?m)^.*name: sparse.*\n", "").replace("steps: 4", "steps: 2");

  @TempDir Path folder;
  private Runs runs;
  private Path out;

  @BeforeEach
  void prepare() {
    runs = new Runs(folder);
    out = folder.resolve("run");
  }

  private void go(TrainRun.Request request, TrainRun.Mode mode, RunChange... allowed) {
    TrainRun.run(request, new TrainRun.Place(out, mode, Set.of(allowed)), TrainListener.SILENT);
  }

  private void begin() {
    go(runs.request(ONE_STAGE), TrainRun.Mode.FRESH);
  }

  private void refuses(String message) {
    assertThatThrownBy(() -> go(runs.request(ONE_STAGE), TrainRun.Mode.RESUME))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"final/thesis.txt", "recipe.yaml", "checkpoints/step-1/notes.txt"})
  void aFolderThatNoRunMadeIsNotGoneOnWith(String own) throws IOException {
    Files.createDirectories(out.resolve(own).getParent());
    Files.writeString(out.resolve(own), "mine");
    refuses("and no run of train; name another --out");
    assertThat(out.resolve(own)).hasContent("mine");
    assertThat(out.resolve("run.json")).doesNotExist();
  }

  @Test
  void aStartThatWasKilledAtItsFirstFileIsGoneOnWith() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve(".lock"), "");
    Files.writeString(out.resolve("run.json.tmp"), "{\"sch");
    go(runs.request(ONE_STAGE), TrainRun.Mode.RESUME);
    assertThat(out.resolve("final/model.safetensors")).exists();
  }

  @Test
  void whatSomebodyLaidBesideTheResultIsNotRemoved() throws IOException {
    begin();
    Files.writeString(out.resolve("final/thesis.txt"), "mine");
    refuses("holds what the run did not write: thesis.txt");
    assertThat(out.resolve("final/thesis.txt")).hasContent("mine");
  }

  @Test
  void aModelWithOtherNumbersIsRefusedByName() throws IOException {
    begin();
    Path weights = folder.resolve("dense/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length / 2] ^= 1;
    Files.write(weights, bytes);
    refuses("model file model.safetensors is not what the run began with");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizer.json", "config.json"})
  void aChangedFileBesideTheWeightsIsRefusedByName(String name) throws IOException {
    begin();
    Path file = folder.resolve("dense").resolve(name);
    String text = Files.readString(file);
    int end = text.lastIndexOf('}');
    Files.writeString(file, text.substring(0, end) + ", \"other\": 1}");
    refuses("model file " + name + " is not what the run began with");
  }

  @Test
  void aChatTemplateThatWasNotThereIsRefusedByName() throws IOException {
    begin();
    Files.writeString(folder.resolve("dense/chat_template.jinja"), "{{ messages }}");
    refuses("model file chat_template.jinja was not there when the run began");
  }

  @Test
  void aChangedFileOfRoutersIsRefusedByName() throws IOException {
    Path routers = Files.writeString(folder.resolve("routers.safetensors"), "one");
    TrainRun.Request request =
        runs.request(
            ONE_STAGE, "language.router.init={kind: file, path: \"%s\"}".formatted(routers));
    go(request, TrainRun.Mode.FRESH);
    Files.writeString(routers, "two");
    assertThatThrownBy(() -> go(request, TrainRun.Mode.RESUME))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("routers.safetensors of routers is not what the run began with");
  }

  @Test
  void allThatChangedIsNamedAndAllowedByItsKind() throws IOException {
    begin();
    TrainRun.Request other =
        runs.request(ONE_STAGE, "train.stages.0.clip_norm=2", "train.stages.0.ema=0.5", "seed=7");
    assertThatThrownBy(() -> go(other, TrainRun.Mode.RESUME, RunChange.MODEL, RunChange.DATA))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("recipe: seed was 42, is 7")
        .hasMessageContaining("train.stages.0.clip_norm of stage dense was 1.0, is 2.0")
        .hasMessageContaining("train.stages.0.ema of stage dense was 0.0, is 0.5")
        .hasMessageEndingWith("or go on all the same: --allow-changed recipe");
  }

  @Test
  void whatIsAllowedGoesOnAndIsKeptInTheFolder() throws IOException {
    begin();
    String longer = ONE_STAGE + "    - {name: more, steps: 1, carry: {moments: copy}}\n";
    go(runs.request(longer), TrainRun.Mode.RESUME, RunChange.RECIPE);
    assertThat(out.resolve("checkpoints/step-3")).isDirectory();
    assertThat(out.resolve("run.json"))
        .content()
        .contains("\"after_step\" : 2")
        .contains("train.stages.1.name of stage more was absent, is more");
    assertThat(out.resolve("recipe.yaml")).content().contains("- name: more");
    go(runs.request(longer), TrainRun.Mode.RESUME);
  }

  @Test
  void aRunFileThatIsNotWholeIsToldAsThat() throws IOException {
    begin();
    Files.writeString(out.resolve("run.json"), "");
    assertThatThrownBy(() -> go(runs.request(ONE_STAGE), TrainRun.Mode.RESUME))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("run.json")
        .hasMessageContaining("begin another run");
  }

  @Test
  void aRefusalLetsTheLockGo() throws IOException {
    begin();
    String other = ONE_STAGE.replace("clip_norm: 1", "clip_norm: 2");
    assertThatThrownBy(() -> go(runs.request(other), TrainRun.Mode.RESUME))
        .isInstanceOf(OutputException.class);
    go(runs.request(ONE_STAGE), TrainRun.Mode.RESUME);
  }

  @Test
  void aStartThatFailsBeforeItsFirstStepLeavesNoFolder() {
    TrainRun.Request wrong = runs.request(ONE_STAGE, "train.defaults.rates={\"*.mpl.*\": 1}");
    assertThatThrownBy(() -> go(wrong, TrainRun.Mode.FRESH)).isInstanceOf(PlanException.class);
    assertThat(out).doesNotExist();
  }

  @Test
  void aStartThatFailsBeforeItsFirstStepLeavesAnEmptyFolderEmpty() throws IOException {
    Files.createDirectories(out);
    TrainRun.Request wrong = runs.request(ONE_STAGE, "train.defaults.rates={\"*.mpl.*\": 1}");
    assertThatThrownBy(() -> go(wrong, TrainRun.Mode.FRESH)).isInstanceOf(PlanException.class);
    assertThat(out).isEmptyDirectory();
  }

  @Test
  void samplesOfALargeTensorSeeItsBeginningItsEndAndWhatLiesBetween() {
    byte[] tensor = new byte[(1 << 20) + 1];
    byte[] zeros = RunInputs.blocks(MemorySegment.ofArray(tensor));
    assertThat(zeros.length).isLessThan(tensor.length / 10);
    for (int at : new int[] {0, tensor.length - 1, (tensor.length - (1 << 12)) / 3}) {
      tensor[at] = 1;
      assertThat(RunInputs.blocks(MemorySegment.ofArray(tensor)))
          .as("byte " + at)
          .isNotEqualTo(zeros);
      tensor[at] = 0;
    }
  }
}
