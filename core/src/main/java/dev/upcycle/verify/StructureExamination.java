package dev.upcycle.verify;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Output.StoredDType;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.verify.Verifier.Expectation;
import java.util.Locale;
import java.util.Optional;

/// Are exactly the tensors there that the config calls for, in the right shapes and dtypes?
final class StructureExamination implements Examination {
  private final Expectation expectation;

  StructureExamination(Expectation expectation) {
    this.expectation = expectation;
  }

  @Override
  public void examine(Subject subject, Findings findings) {
    for (ExpectedTensor expected : subject.expected().all()) {
      findings.covered(CheckKind.NAMES);
      Optional<TensorEntry> actual = subject.target().find(expected.name());
      if (actual.isEmpty()) {
        findings.failed(
            CheckKind.NAMES,
            expected.name(),
            "missing: config.json calls for it, no weights file holds it");
        continue;
      }
      shape(expected, actual.get(), findings);
      dtype(expected, actual.get(), subject, findings);
    }
    for (TensorEntry actual : subject.target().tensors().values()) {
      if (subject.expected().find(actual.name()).isEmpty()) {
        findings.covered(CheckKind.NAMES);
        findings.failed(
            CheckKind.NAMES,
            actual.name(),
            String.format(
                Locale.ROOT,
                "left over: a %s of this config.json holds no such tensor",
                subject.family().modelType()));
      }
    }
  }

  private static void shape(ExpectedTensor expected, TensorEntry actual, Findings findings) {
    findings.covered(CheckKind.SHAPES);
    if (!actual.shape().equals(expected.shape())) {
      findings.failed(
          CheckKind.SHAPES,
          expected.name(),
          String.format(
              Locale.ROOT,
              "shape expected %s by config.json, actual %s",
              expected.shape(),
              actual.shape()));
    }
  }

  private void dtype(
      ExpectedTensor expected, TensorEntry actual, Subject subject, Findings findings) {
    findings.covered(CheckKind.DTYPES);
    Optional<DType> stored = subject.recipe().flatMap(StructureExamination::storedDType);
    Optional<DType> source =
        subject
            .source()
            .flatMap(dense -> expected.source().flatMap(dense::find))
            .map(TensorEntry::dtype);
    Optional<DType> wanted =
        mayHaveTrained(expected, subject)
            ? Optional.empty()
            : source
                .filter(dtype -> !RoundToNearestEven.isFloat(dtype))
                .or(() -> stored)
                .or(() -> source);
    if (wanted.isPresent() && actual.dtype() != wanted.get()) {
      findings.failed(
          CheckKind.DTYPES,
          expected.name(),
          String.format(
              Locale.ROOT,
              "dtype expected %s, as %s says, actual %s",
              wanted.get(),
              stored.isPresent() ? "recipe.yaml" : "the source",
              actual.dtype()));
    } else if (wanted.isEmpty() && !RoundToNearestEven.isFloat(actual.dtype())) {
      findings.failed(
          CheckKind.DTYPES,
          expected.name(),
          "dtype expected a floating-point one, actual " + actual.dtype());
    }
  }

  /// What trained has the type in which it trained.
  private boolean mayHaveTrained(ExpectedTensor expected, Subject subject) {
    return switch (expectation) {
      case CONVERTED -> false;
      case TRAINED ->
          subject.manifest().frozen().filter(names -> names.contains(expected.name())).isEmpty();
    };
  }

  private static Optional<DType> storedDType(Recipe recipe) {
    return recipe.output().dtype().map(StructureExamination::dtype);
  }

  private static DType dtype(StoredDType stored) {
    return switch (stored) {
      case F32 -> DType.F32;
      case BF16 -> DType.BF16;
      case F16 -> DType.F16;
    };
  }
}
