package dev.upcycle.verify;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Progress;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;

/// Holds a target against an expectation of its own: the target's config, the templates' roles and
/// the manifest, never the planner.
public final class Verifier {
  private Verifier() {}

  /// What is expected of the weights.
  public enum Expectation {
    /// As converted: every copied tensor equals its source.
    CONVERTED,
    /// Trained since: everything is finite, and only tensors that the manifest's list `frozen`
    /// names equal their source.
    TRAINED
  }

  /// Verifies a target directory, against its source when one is given.
  ///
  /// @throws CheckpointFormatException when the source, or a directory that is no conversion's
  ///   result, cannot be read
  public static VerifyReport verify(
      Optional<Path> source, Path target, Expectation expectation, Progress progress) {
    return verifyOpened(source.map(OpenClipOrigins::open), target, expectation, progress);
  }

  /// Verifies a target directory, against its opened source when one is given.
  ///
  /// @throws CheckpointFormatException when a directory that is no conversion's result cannot be
  ///   read
  public static VerifyReport verifyOpened(
      Optional<Checkpoint> dense, Path target, Expectation expectation, Progress progress) {
    try {
      return verify(dense, Checkpoint.open(target), Manifest.read(target), expectation, progress);
    } catch (CheckpointFormatException e) {
      if (!Files.isRegularFile(target.resolve(Manifest.FILE_NAME))) {
        throw e;
      }
      // It says that a conversion made it, so what cannot be read of it is a check that failed.
      Findings findings = new Findings();
      findings.covered(CheckKind.FILES);
      findings.failed(CheckKind.FILES, target.toString(), String.valueOf(e.getMessage()));
      return findings.report(name -> 0);
    }
  }

  private static VerifyReport verify(
      Optional<Checkpoint> dense,
      Checkpoint stored,
      Manifest manifest,
      Expectation expectation,
      Progress progress) {
    Path target = stored.directory();
    Findings findings = new Findings();
    stored.notes().forEach(findings::remark);
    Composition parts = Composition.written(stored.config(), stored.tensors().keySet());
    Optional<String> absurdity = absurdity(stored, parts);
    if (absurdity.isPresent()) {
      findings.covered(CheckKind.CONFIG);
      findings.failed(CheckKind.CONFIG, "config.json", absurdity.get());
      return findings.report(name -> 0);
    }
    Checkpoint checkpoint = OpenClipOrigins.target(stored, parts);
    Optional<Recipe> recipe = RecipeBeside.read(target, manifest, findings);
    Composition denseParts =
        dense
            .map(opened -> Composition.read(opened.config(), opened.tensors().keySet()))
            .orElseGet(() -> SourceParts.of(parts, manifest));
    if (!kinds(parts).equals(kinds(denseParts))) {
      findings.covered(CheckKind.SOURCE);
      findings.failed(
          CheckKind.SOURCE,
          "config.json",
          String.format(
              Locale.ROOT,
              "%s says that a %s went in, the source is a %s",
              Manifest.FILE_NAME,
              manifest.sourceFamily(),
              denseParts.whole().modelType()));
      return findings.report(name -> 0);
    }
    ExpectedTensors expected = ExpectedTensors.derive(parts, denseParts);
    Subject subject = new Subject(checkpoint, parts, denseParts, dense, manifest, recipe, expected);
    for (Examination examination : examinations(subject, stored, expectation, progress)) {
      examination.examine(subject, findings);
    }
    List<String> order = new ArrayList<>(expected.byName().keySet());
    return findings.report(position(order));
  }

  private static List<Optional<Part>> kinds(Composition composition) {
    return composition.parts().stream().map(ModelPart::part).toList();
  }

  private static List<Examination> examinations(
      Subject subject, Checkpoint stored, Expectation expectation, Progress progress) {
    List<Examination> structure =
        List.of(
            new StructureExamination(expectation),
            new FileExamination(stored),
            subject.parts().whole().decodes()
                ? decoderConfig(expectation)
                : new TowerConfigExamination(decoderConfig(expectation)),
            new SingleConfigExamination(),
            new ModelingExamination(),
            new ManifestExamination());
    List<Examination> weights =
        switch (expectation) {
          case CONVERTED ->
              List.of(
                  new ChecksumExamination(),
                  new CompanionExamination(),
                  new LeftOutExamination(),
                  RouterExamination.converted(),
                  new RouterFileExamination(),
                  new WeightExamination(progress));
          case TRAINED -> List.of(RouterExamination.trained(), new TrainedExamination(progress));
        };
    List<Examination> all = new ArrayList<>(structure);
    all.addAll(weights);
    return all;
  }

  private static ConfigExamination decoderConfig(Expectation expectation) {
    return switch (expectation) {
      case CONVERTED -> ConfigExamination.converted();
      case TRAINED -> ConfigExamination.trained();
    };
  }

  /// Says why no expectation can be derived, before a hostile config makes it a large one.
  private static Optional<String> absurdity(Checkpoint target, Composition parts) {
    if (!parts.mixtureOfExperts()) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "model_type %s has no experts, expected the result of a conversion",
              parts.whole().modelType()));
    }
    for (ModelPart part : parts.parts()) {
      Optional<String> found = absurdity(target, part);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> absurdity(Checkpoint target, ModelPart part) {
    Dimensions dimensions;
    try {
      dimensions = part.dimensions();
    } catch (CheckpointFormatException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
    long calledFor = Math.multiplyExact((long) dimensions.layers(), dimensions.experts());
    return calledFor <= target.tensors().size()
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "calls for %d layers of %d experts, the weights files hold %d tensors in all",
                dimensions.layers(),
                dimensions.experts(),
                target.tensors().size()));
  }

  private static ToIntFunction<String> position(List<String> order) {
    Map<String, Integer> positions = new HashMap<>();
    order.forEach(name -> positions.put(name, positions.size()));
    return name -> positions.getOrDefault(name, Integer.MAX_VALUE);
  }
}
