package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ConnectorWalk;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import java.util.Optional;

/// Two connectors, which see noise in the place of an image's features.
record ConnectorPair(ConnectorWalk dense, ConnectorWalk target) implements ModelPair {
  private static final int IMAGES = 2;
  private static final int PLACES = 64;
  private static final long SEED = 20260101;

  static ConnectorPair open(Checkpoint dense, Checkpoint target, ModelOptions options) {
    return new ConnectorPair(
        ConnectorWalk.open(dense, options), ConnectorWalk.open(target, options));
  }

  @Override
  public Optional<String> mismatch() {
    return mismatch(dense, target);
  }

  static Optional<String> mismatch(ConnectorWalk dense, ConnectorWalk target) {
    return SideBySide.mismatch("connector: input width", dense.input(), target.input())
        .or(() -> SideBySide.mismatch("connector: width", dense.hidden(), target.hidden()));
  }

  @Override
  public boolean renormalises(Optional<Part> part) {
    return target.renormalises();
  }

  @Override
  public int steps() {
    return 1;
  }

  @Override
  public Inputs walk(SideBySide walk, ProbePixels pixels) throws InterruptedException {
    Tensor features = Tensors.normal(SEED, IMAGES, PLACES, dense.input());
    try (States end = walk.walk(dense, target, States.of(features, features, features))) {
      walk.result("features", end.views());
    }
    return new Inputs(0, IMAGES, Inputs.Origin.NOISE);
  }
}
