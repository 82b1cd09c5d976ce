package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.function.FunctionReport.Errors;
import dev.upcycle.function.FunctionReport.Failure;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.FunctionReport.Layer;
import dev.upcycle.function.FunctionReport.Outcome;
import dev.upcycle.function.FunctionReport.Place;
import dev.upcycle.function.FunctionReport.Result;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FunctionReportTest {
  private static final double BOUND = 1e-6;

  private static Layer layer(Part part, int index, Errors errors) {
    return new Layer(new Place(Optional.of(part), index), errors, null, null);
  }

  private static FunctionReport report(Layer... layers) {
    return new FunctionReport(
        new Inputs(64, 2, Inputs.Origin.NOISE),
        BOUND,
        new Outcome(
            List.of(layers), List.of(new Result("logits", new Errors(0, 0, 0))), null, null),
        new Judgement.All());
  }

  @Test
  void errorsThatAddUpAreLaidToTheLayerThatErrsMostByItself() {
    FunctionReport report =
        report(
            layer(Part.VISION, 0, new Errors(3e-7, 3e-7, 1e-6)),
            layer(Part.VISION, 1, new Errors(5e-7, 2e-6, 4e-6)),
            layer(Part.LANGUAGE, 0, new Errors(0, 9e-6, 4e-6)));

    assertThat(report.failures())
        .containsExactly(
            new Failure(
                "vision layer 1",
                "errs most by itself of the layers up to language layer 0, where errors have added"
                    + " up to 9.00e-06, expected at most 4.00e-06"));
  }

  @Test
  void errorsThatAddUpMayBeAsLargeAsTheDenseModelMakesAdmittedOnes() {
    Errors within = new Errors(5e-7, 9e-6, 1e-5);

    assertThat(report(layer(Part.VISION, 0, within)).failures()).isEmpty();
  }

  @Test
  void layerAloneIsHeldAgainstTheBoundWhateverTheDenseModelMakesOfErrors() {
    Errors beyond = new Errors(2e-6, 2e-6, 1e-3);

    assertThat(report(layer(Part.VISION, 0, beyond)).failures())
        .extracting(Failure::subject)
        .containsExactly("vision layer 0");
  }

  @Test
  void numbersAreWrittenAlikeEverywhere() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertThat(report(layer(Part.VISION, 0, new Errors(2.5e-6, 0, 0))).failures())
          .singleElement()
          .satisfies(failure -> assertThat(failure.message()).contains("2.50e-06"));
    } finally {
      Locale.setDefault(before);
    }
  }
}
