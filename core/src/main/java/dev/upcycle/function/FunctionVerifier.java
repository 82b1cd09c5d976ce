package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.function.FunctionVerifier.Obstacle.Cause;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Walks the dense model and the target side by side, a layer of each at a time in float32, so that
/// models larger than memory can be compared.
///
/// The target's layers read two things at once: the dense model's states, which shows what each
/// layer alone gets wrong, and the target's own, which shows what adds up.
public final class FunctionVerifier {
  /// Of the relative error that a layer makes by itself; PRECISION.md has the reason.
  private static final double BOUND = 1e-6;

  /// Hears how far a verification is.
  @FunctionalInterface
  public interface Listener {
    /// So many of so many layers are done.
    void advanced(int done, int total);
  }

  /// What is expected of the target's function.
  public enum Expectation {
    /// As converted: where it should compute what the dense model computes, it must.
    CONVERTED,
    /// Trained since: the distance is reported.
    TRAINED
  }

  private FunctionVerifier() {}

  /// Why two models are not compared.
  ///
  /// @param cause whose fault it is
  public record Obstacle(Cause cause, String message) {
    /// Whose fault it is.
    public enum Cause {
      /// LibTorch does not load here.
      MACHINE,
      /// The models are not both run here, or are not of one shape.
      MODELS,
      /// The dense model binds and the target does not.
      TARGET
    }
  }

  /// What to ask of two models.
  ///
  /// @param expectation of the target's function
  /// @param images files that both look at; without any they look at noise
  public record Question(Expectation expectation, List<Path> images) {
    /// Takes a copy.
    public Question {
      images = List.copyOf(images);
    }
  }

  /// Whether such a model looks at images.
  public static boolean sees(Checkpoint checkpoint) {
    return ModelPair.Kind.of(checkpoint).sees();
  }

  /// Why two models cannot be compared layer by layer on this machine; empty when they can.
  public static Optional<Obstacle> obstacle(Checkpoint dense, Checkpoint target) {
    LibTorch.Probe probe = LibTorch.probe();
    if (!probe.loadable()) {
      String reason = probe.loadProblem().orElse("unknown reason");
      return Optional.of(new Obstacle(Cause.MACHINE, "LibTorch does not load: " + reason));
    }
    try {
      Optional<String> mismatch =
          ModelPair.differentKinds(dense, target).or(() -> ModelPair.open(dense, dense).mismatch());
      if (mismatch.isPresent()) {
        return mismatch.map(message -> new Obstacle(Cause.MODELS, message));
      }
    } catch (CheckpointFormatException e) {
      return Optional.of(
          new Obstacle(Cause.MODELS, "the dense model is not bound: " + e.getMessage()));
    }
    try {
      return ModelPair.open(dense, target)
          .mismatch()
          .map(message -> new Obstacle(Cause.MODELS, message));
    } catch (CheckpointFormatException e) {
      return Optional.of(new Obstacle(Cause.TARGET, "the target is not bound: " + e.getMessage()));
    }
  }

  /// Compares two models that [#obstacle] finds nothing against.
  ///
  /// @throws CheckpointFormatException when the images' preprocessing cannot be followed
  /// @throws dev.upcycle.image.ImageException when an image cannot be read
  public static FunctionReport verify(
      Checkpoint dense, Checkpoint target, Question question, Listener listener)
      throws InterruptedException {
    ModelPair pair = ModelPair.open(dense, target);
    Judgement judgement =
        switch (question.expectation()) {
          case CONVERTED -> Preservation.of(dense, target, pair);
          case TRAINED -> new Judgement.None("the target was trained since");
        };
    return compare(pair, judgement, new ProbePixels(question.images()), listener);
  }

  /// Walks two models and holds what is judged against its bounds.
  static FunctionReport compare(
      ModelPair pair, Judgement judgement, ProbePixels pixels, Listener listener)
      throws InterruptedException {
    SideBySide walk =
        new SideBySide(pair.steps(), new SideBySide.Terms(judgement, BOUND), listener);
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      FunctionReport.Inputs inputs = pair.walk(walk, pixels);
      return new FunctionReport(inputs, BOUND, walk.outcome(), judgement);
    }
  }
}
