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

/// Two CLIPs or SigLIPs, both towers of each.
///
/// @param source the dense one's checkpoint
record ClipPair(ClipWalk dense, ClipWalk target, Checkpoint source) implements ModelPair {
  private static final String EMBEDDED_IMAGES = "image embeddings";
  private static final String EMBEDDED_TEXTS = "text embeddings";

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
  public boolean renormalises(Optional<Part> part) {
    return part.equals(Optional.of(Part.VISION))
        ? target.vision().stack().renormalises()
        : target.text().stack().renormalises();
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
    States looking =
        walk.begin(EMBEDDED_IMAGES, seen, dense.vision()::embed, target.vision()::embed);
    try (States images = walk.walk(vision(), looking)) {
      States reading = walk.begin(EMBEDDED_TEXTS, ids, dense.text()::embed, target.text()::embed);
      try (States texts = walk.walk(text(), reading);
          TensorScope _ = TensorScope.open()) {
        Views<ClipWalk.Match> match =
            images
                .views()
                .with(texts.views(), Both::new)
                .ends(both -> match(dense, both, ids), both -> match(target, both, ids));
        walk.result("image vectors", match.map(ClipWalk.Match::images));
        walk.result("text vectors", match.map(ClipWalk.Match::texts));
        walk.result("logits", match.map(ClipWalk.Match::logits));
      }
    }
    return new Inputs(tokens.count(), pixels.count(), pixels.origin());
  }

  /// The states after both towers' last layers.
  private record Both(Tensor images, Tensor texts) {}

  private static ClipWalk.Match match(ClipWalk model, Both both, Tensor ids) {
    return model.match(
        model.vision().head(both.images()).findPooled().orElseThrow(),
        model.text().pooled(both.texts(), ids));
  }
}
