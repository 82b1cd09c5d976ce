package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.SideBySide.Stacks;
import dev.upcycle.model.LayerWalk;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// Two decoders.
///
/// @param directory of the dense one, whose tokenizer may lie there
record DecoderPair(LayerWalk dense, LayerWalk target, Path directory) implements ModelPair {
  static DecoderPair open(Checkpoint dense, Checkpoint target, ModelOptions options) {
    return new DecoderPair(
        LayerWalk.open(dense, options), LayerWalk.open(target, options), dense.directory());
  }

  private Stacks stacks() {
    return Stacks.all(Optional.empty(), dense.stack(), target.stack());
  }

  @Override
  public Optional<String> mismatch() {
    return stacks()
        .mismatch()
        .or(() -> SideBySide.mismatch("vocabulary", dense.vocab(), target.vocab()));
  }

  @Override
  public boolean renormalises(Optional<Part> part) {
    return target.stack().renormalises();
  }

  @Override
  public int steps() {
    return dense.layers();
  }

  @Override
  public Inputs walk(SideBySide walk, ProbePixels pixels) throws InterruptedException {
    ProbeTokens tokens =
        ProbeTokens.of(
            new ProbeTokens.Vocabulary(
                dense.vocab(),
                dense.config().findLong("max_position_embeddings"),
                OptionalLong.empty()),
            directory);
    States begin = walk.begin("embeddings", tokens.ids(), dense::embed, target::embed);
    try (States end = walk.walk(stacks(), begin)) {
      HeadComparison head = new HeadComparison(dense, target, tokens.labels(OptionalLong.empty()));
      head.compare(end);
      walk.result(head);
    }
    return new Inputs(tokens.count(), 0, Inputs.Origin.NOISE);
  }
}
