package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.SideBySide.Stacks;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.model.TowerWalk;
import dev.upcycle.model.VisionOutput;
import dev.upcycle.recipe.Part;
import java.util.Optional;

/// Two image towers.
///
/// @param source the dense one's checkpoint
record TowerPair(TowerWalk dense, TowerWalk target, Checkpoint source) implements ModelPair {
  static TowerPair open(Checkpoint dense, Checkpoint target, ModelOptions options) {
    return new TowerPair(TowerWalk.open(dense, options), TowerWalk.open(target, options), dense);
  }

  private Stacks stacks() {
    return Stacks.all(Optional.empty(), dense.stack(), target.stack());
  }

  @Override
  public Optional<String> mismatch() {
    return stacks()
        .mismatch()
        .or(() -> SideBySide.mismatch("image size", dense.pixels().side(), target.pixels().side()));
  }

  @Override
  public boolean renormalises(Optional<Part> part) {
    return target.stack().renormalises();
  }

  @Override
  public int steps() {
    return dense.stack().layers();
  }

  @Override
  public Inputs walk(SideBySide walk, ProbePixels pixels) throws InterruptedException {
    Tensor seen = pixels.read(source, dense.pixels());
    States begin = walk.begin("embeddings", seen, dense::embed, target::embed);
    try (States end = walk.walk(stacks(), begin);
        TensorScope _ = TensorScope.open()) {
      Views<VisionOutput> ends = end.views().ends(dense::head, target::head);
      walk.result("states", ends.map(VisionOutput::hidden));
      if (ends.dense().findPooled().isPresent() && ends.target().findPooled().isPresent()) {
        walk.result("pooled", ends.map(output -> output.findPooled().orElseThrow()));
      }
    }
    return new Inputs(0, pixels.count(), pixels.origin());
  }
}
