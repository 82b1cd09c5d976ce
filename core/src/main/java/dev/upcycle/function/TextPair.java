package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.SideBySide.Stacks;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.model.TextTowerWalk;
import dev.upcycle.recipe.Part;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// Two text towers.
///
/// @param directory of the dense one, whose tokenizer may lie there
record TextPair(TextTowerWalk dense, TextTowerWalk target, Path directory) implements ModelPair {
  static TextPair open(Checkpoint dense, Checkpoint target, ModelOptions options) {
    return new TextPair(
        TextTowerWalk.open(dense, options), TextTowerWalk.open(target, options), dense.directory());
  }

  private Stacks stacks() {
    return Stacks.all(Optional.empty(), dense.stack(), target.stack());
  }

  @Override
  public Optional<String> mismatch() {
    return mismatch(dense, target, stacks());
  }

  static Optional<String> mismatch(TextTowerWalk dense, TextTowerWalk target, Stacks stacks) {
    return stacks
        .mismatch()
        .or(() -> SideBySide.mismatch("vocabulary", dense.vocab(), target.vocab()));
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
    ProbeTokens tokens = tokens(dense, directory);
    Tensor ids = tokens.ids();
    States begin = walk.begin("embeddings", ids, dense::embed, target::embed);
    try (States end = walk.walk(stacks(), begin);
        TensorScope _ = TensorScope.open()) {
      walk.result(
          "pooled",
          end.views()
              .ends(hidden -> dense.pooled(hidden, ids), hidden -> target.pooled(hidden, ids)));
    }
    return new Inputs(tokens.count(), 0, Inputs.Origin.NOISE);
  }

  /// Texts for a tower, each with its end where the tower looks for one.
  static ProbeTokens tokens(TextTowerWalk tower, Path directory) {
    OptionalLong positions = tower.config().findLong("max_position_embeddings");
    OptionalLong end = tower.findEnd();
    ProbeTokens tokens =
        ProbeTokens.of(new ProbeTokens.Vocabulary(tower.vocab(), positions, end), directory);
    return end.isPresent() ? tokens.endingIn(end.getAsLong()) : tokens;
  }
}
