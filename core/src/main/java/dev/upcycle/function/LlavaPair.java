package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.SideBySide.Stacks;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.LlavaWalk;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Two LLaVAs: tower, connector and decoder of each.
///
/// @param source the dense one's checkpoint
record LlavaPair(LlavaWalk dense, LlavaWalk target, Checkpoint source) implements ModelPair {
  static LlavaPair open(Checkpoint dense, Checkpoint target, ModelOptions options) {
    return new LlavaPair(LlavaWalk.open(dense, options), LlavaWalk.open(target, options), dense);
  }

  private Stacks vision() {
    return new Stacks(
        Optional.of(Part.VISION),
        dense.vision().stack(),
        target.vision().stack(),
        dense.towerLayers());
  }

  private Stacks language() {
    return Stacks.all(
        Optional.of(Part.LANGUAGE), dense.language().stack(), target.language().stack());
  }

  @Override
  public Optional<String> mismatch() {
    return vision()
        .mismatch()
        .or(() ->
            SideBySide.mismatch(
                "image size", dense.vision().pixels().side(), target.vision().pixels().side()))
        .or(() ->
            SideBySide.mismatch(
                "state of the tower that is used", dense.towerLayers(), target.towerLayers()))
        .or(this::otherScales)
        .or(() -> ConnectorPair.mismatch(dense.connector(), target.connector()))
        .or(() -> language().mismatch())
        .or(() ->
            SideBySide.mismatch("vocabulary", dense.language().vocab(), target.language().vocab()))
        .or(this::otherToken);
  }

  private Optional<String> otherScales() {
    return dense.scales().equals(target.scales())
        ? Optional.empty()
        : Optional.of(
            "scales are %s, the dense model's %s".formatted(target.scales(), dense.scales()));
  }

  /// A negative token is no word of either model's texts, whatever the other calls an image.
  private Optional<String> otherToken() {
    return dense.imageToken() < 0 || target.imageToken() < 0
        ? Optional.empty()
        : SideBySide.mismatch("image token", dense.imageToken(), target.imageToken());
  }

  @Override
  public boolean renormalises(Optional<Part> part) {
    return switch (part.orElse(Part.LANGUAGE)) {
      case VISION -> target.vision().stack().renormalises();
      case CONNECTOR -> target.connector().renormalises();
      case LANGUAGE -> target.language().stack().renormalises();
    };
  }

  @Override
  public int steps() {
    return dense.towerLayers() * dense.scales().size() + 1 + dense.language().layers();
  }

  @Override
  public Inputs walk(SideBySide walk, ProbePixels pixels) throws InterruptedException {
    long reserved = Math.max(dense.imageToken(), target.imageToken());
    ProbeTokens texts =
        ProbeTokens.of(
            new ProbeTokens.Vocabulary(
                dense.language().vocab(),
                dense.language().config().findLong("max_position_embeddings"),
                OptionalLong.of(reserved)),
            source.directory());
    try (TensorScope _ = TensorScope.open();
        States features = walk.walk(dense.connector(), target.connector(), seen(walk, pixels))) {
      walk.result("features", features.views());
      int places = Math.toIntExact(features.dense().size(1));
      ProbeTokens tokens = texts.around(pixels.count(), places, dense.imageToken());
      ProbeTokens theirs = texts.around(pixels.count(), places, target.imageToken());
      Views<Tensor> spliced =
          features
              .views()
              .ends(
                  images -> dense.spliced(tokens.ids(), images),
                  images -> target.spliced(theirs.ids(), images));
      try (States end = walk.walk(language(), walk.begin("spliced embeddings", spliced))) {
        HeadComparison head =
            new HeadComparison(
                dense.language(),
                target.language(),
                tokens.labels(OptionalLong.of(dense.imageToken())));
        head.compare(end);
        walk.result(head);
      }
      return new Inputs(
          tokens.count() - (long) pixels.count() * places, pixels.count(), pixels.origin());
    }
  }

  /// What both connectors read: the tower is walked once for each scale.
  private States seen(SideBySide walk, ProbePixels pixels) throws InterruptedException {
    Tensor images = pixels.read(source, dense.vision().pixels());
    List<States> scales = new ArrayList<>();
    try {
      for (Tensor view : dense.views(images)) {
        States begin =
            walk.begin("image embeddings", view, dense.vision()::embed, target.vision()::embed);
        scales.add(walk.walk(vision(), begin));
      }
      long count = images.size(0);
      return States.of(
          dense.seen(scales.stream().map(States::dense).toList(), count),
          target.seen(scales.stream().map(States::target).toList(), count),
          dense.seen(scales.stream().map(States::perturbed).toList(), count));
    } finally {
      scales.forEach(States::close);
    }
  }
}
