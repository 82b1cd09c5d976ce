package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.SideBySide.Stacks;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.ClipWalk;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import java.util.Optional;

/// Two CLIPs, both towers of each.
///
/// @param source the dense one's checkpoint
record ClipPair(ClipWalk dense, ClipWalk target, Checkpoint source) implements ModelPair {
  static ClipPair open(Checkpoint dense, Checkpoint target, ModelOptions options) {
    return new ClipPair(ClipWalk.open(dense, options), ClipWalk.open(target, options), dense);
  }

  private Stacks vision() {
    return Stacks.all(Optional.of(Part.VISION), dense.vision().stack(), target.vision().stack());
  }

  private Stacks text() {
    return Stacks.all(Optional.of(Part.LANGUAGE), dense.text().stack(), target.text().stack());
  }

  @Override
  public Optional<String> mismatch() {
    return vision()
        .mismatch()
        .or(() ->
            SideBySide.mismatch(
                "image size", dense.vision().pixels().side(), target.vision().pixels().side()))
        .or(() -> TextPair.mismatch(dense.text(), target.text(), text()));
  }

  @Override
  public boolean renormalises() {
    return target.vision().stack().renormalises() && target.text().stack().renormalises();
  }

  @Override
  public int steps() {
    return dense.vision().stack().layers() + dense.text().stack().layers();
  }

  @Override
  public Inputs walk(SideBySide walk, ProbePixels pixels) throws InterruptedException {
    Tensor seen = pixels.read(source, dense.vision().pixels());
    ProbeTokens tokens = TextPair.tokens(dense.text(), source.directory());
    Tensor ids = tokens.ids();
    try (States images =
            walk.walk(vision(), States.of(dense.vision()::embed, target.vision()::embed, seen));
        States texts =
            walk.walk(text(), States.of(dense.text()::embed, target.text()::embed, ids));
        TensorScope _ = TensorScope.open()) {
      ClipWalk.Match ours = match(dense, images.dense(), texts.dense(), ids);
      ClipWalk.Match theirs = match(target, images.target(), texts.target(), ids);
      walk.result("image vectors", ours.images(), theirs.images());
      walk.result("text vectors", ours.texts(), theirs.texts());
      walk.result("logits", ours.logits(), theirs.logits());
    }
    return new Inputs(tokens.count(), pixels.count(), pixels.origin());
  }

  private static ClipWalk.Match match(ClipWalk model, Tensor images, Tensor texts, Tensor ids) {
    return model.match(
        model.vision().head(images).findPooled().orElseThrow(), model.text().pooled(texts, ids));
  }
}
