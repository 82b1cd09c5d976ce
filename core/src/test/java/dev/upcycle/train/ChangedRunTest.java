package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.data.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A run that goes on with something else than it began with.
class ChangedRunTest {
  private static final String RECIPE =
      """
      recipe: 1
      train:
        defaults:
          rates: {all: 1.0e-3}
          batch: 2
          steps: 4
          data: {path: rows.txt, max_tokens: 16}
        stages:
          - {name: first}
          - {name: second}
      """;

  private static final Set<RunChange> ALL = Set.of(RunChange.values());

  @TempDir Path folder;
  private Runs runs;

  /// Begins a run that ends after its second step.
  @BeforeEach
  void begin() throws IOException {
    runs = new Runs(folder);
    TrainRun.Request request = prepared();
    TrainListener interrupting =
        new TrainListener() {
          @Override
          public void stepped(StepReport step) {
            if (step.step() == 2) {
              Thread.currentThread().interrupt();
            }
          }
        };
    assertThatThrownBy(() -> TrainRun.run(request, run(), TrainRun.Mode.FRESH, interrupting))
        .isInstanceOf(CancellationException.class);
  }

  private TrainRun.Request prepared() throws IOException {
    TrainRun.Request request = runs.request(RECIPE);
    Files.copy(folder.resolve("dense/held-out.txt"), folder.resolve("rows.txt"));
    return request;
  }

  private Path run() {
    return folder.resolve("run");
  }

  private List<Double> goOn(Set<RunChange> allowed, String recipe, String... settings) {
    List<Double> rates = new ArrayList<>();
    TrainListener heard =
        new TrainListener() {
          @Override
          public void stepped(StepReport step) {
            rates.add(step.rate());
          }
        };
    TrainRun.Place place = new TrainRun.Place(run(), TrainRun.Mode.RESUME, allowed);
    TrainRun.run(runs.request(recipe, settings), place, heard);
    return rates;
  }

  @Test
  void anotherRecipeIsRefusedWithTheFlagThatAcceptsIt() {
    assertThatThrownBy(() -> goOn(Set.of(), RECIPE, "train.defaults.rates={all: 1.0e-4}"))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("rates")
        .hasMessageEndingWith("or go on all the same: --allow-changed recipe");
  }

  @Test
  void anotherRecipeThatIsAcceptedHoldsFromThereOn() {
    String lower = "train.defaults.rates={all: 1.0e-4}";
    List<Double> rates = goOn(ALL, RECIPE, lower);
    assertThat(rates).hasSize(6).allSatisfy(rate -> assertThat(rate).isLessThanOrEqualTo(1e-4));
    assertThat(goOn(Set.of(), RECIPE, lower)).isEmpty();
    assertThatThrownBy(() -> goOn(Set.of(), RECIPE)).isInstanceOf(OutputException.class);
  }

  @Test
  void otherDataThatAreAcceptedAreRead() throws IOException {
    Files.writeString(folder.resolve("rows.txt"), "Light is refracted by Prisms. ".repeat(40));
    assertThat(goOn(ALL, RECIPE)).hasSize(6);
  }

  @Test
  void dataThatEndBeforeThePlaceAreRefused() throws IOException {
    Files.writeString(folder.resolve("rows.txt"), "Light is refracted.");
    assertThatThrownBy(() -> goOn(ALL, RECIPE))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("rows.txt: the run stands at sequence 4, and there are ");
  }

  @Test
  void aStageThatWasBegunKeepsItsName() {
    String renamed = RECIPE.replace("name: first", "name: other");
    assertThatThrownBy(() -> goOn(ALL, renamed))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("its stage 1 is now called other");
    assertThat(goOn(ALL, RECIPE.replace("name: second", "name: other"))).hasSize(6);
  }
}
