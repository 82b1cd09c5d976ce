package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.convert.Manifest;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.LayerWalk;
import java.util.List;
import java.util.Optional;

/// Walks the dense model and the target side by side, a layer of each at a time in float32, so that
/// models larger than memory can be compared.
///
/// The target's layers read two things at once: the dense model's states, which shows what each
/// layer alone gets wrong, and the target's own, which shows what adds up.
public final class FunctionVerifier {
  /// Of every relative error, times the root of the number of layers; PRECISION.md has the reason.
  private static final double BOUND_PER_ROOT_LAYER = 1e-6;

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

  /// Why functions cannot be verified on this machine; empty when they can.
  public static Optional<String> unavailable() {
    LibTorch.Probe probe = LibTorch.probe();
    return probe.loadable()
        ? Optional.empty()
        : Optional.of("LibTorch does not load: " + probe.loadProblem().orElse("unknown reason"));
  }

  /// Why two models cannot be compared layer by layer; empty when they can.
  public static Optional<String> mismatch(Checkpoint dense, Checkpoint target) {
    for (String key : List.of("num_hidden_layers", "vocab_size", "hidden_size")) {
      long ours = dense.config().requireLong(key);
      long theirs = target.config().requireLong(key);
      if (ours != theirs) {
        return Optional.of("%s is %d, the dense model's %d".formatted(key, theirs, ours));
      }
    }
    return Optional.empty();
  }

  /// Compares two models that [#mismatch] finds nothing against.
  ///
  /// @throws CheckpointFormatException when either cannot be bound to its family
  public static FunctionReport verify(
      Checkpoint dense, Checkpoint target, Expectation expectation, Listener listener)
      throws InterruptedException {
    Optional<String> objection =
        switch (expectation) {
          case CONVERTED ->
              Preservation.objection(dense, target, Manifest.read(target.directory()));
          case TRAINED -> Optional.of("the target was trained since");
        };
    LayerWalk denseWalk = LayerWalk.open(dense, Device.CPU);
    LayerWalk targetWalk = LayerWalk.open(target, Device.CPU);
    ProbeTokens tokens = ProbeTokens.of(denseWalk.vocab(), dense.config(), dense.directory());
    SideBySide walk = new SideBySide(denseWalk, targetWalk, tokens);
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      double bound = BOUND_PER_ROOT_LAYER * Math.sqrt(denseWalk.layers());
      FunctionReport.Outcome outcome = walk.walk(listener);
      return new FunctionReport(tokens.count(), bound, outcome, objection.orElse(null));
    }
  }
}
