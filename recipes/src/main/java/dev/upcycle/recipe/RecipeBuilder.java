package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Turns checked values into a [Recipe].
final class RecipeBuilder {
  private final Leaves leaves;

  private RecipeBuilder(Leaves leaves) {
    this.leaves = leaves;
  }

  static Recipe build(Leaves leaves) {
    return new RecipeBuilder(leaves).recipe();
  }

  private Recipe recipe() {
    return new Recipe(
        leaves.word(path("name")),
        new Source(sources()),
        leaves.word(path("target")),
        leaves.whole(path("seed")),
        components(),
        TrainBuilder.build(leaves),
        output());
  }

  private Map<Part, List<String>> sources() {
    Map<Part, List<String>> sources = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      KeyPath path = path("source", part.key());
      if (leaves.find(path).isPresent()) {
        sources.put(part, leaves.words(path));
      }
    }
    return sources;
  }

  private Map<Part, Component> components() {
    Map<Part, Component> components = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      KeyPath path = KeyPath.ROOT.child(part.key());
      if (leaves.has(path)) {
        components.put(part, component(path));
      }
    }
    return components;
  }

  private Component component(KeyPath path) {
    KeyPath experts = path.child("experts");
    return new Component(
        layers(path.child("layers")),
        leaves.find(path.child("scales")).isPresent()
            ? leaves.counts(path.child("scales"))
            : Component.ONE_SCALE,
        new Experts(
            leaves.count(experts.child("count")),
            leaves.count(experts.child("per_token")),
            expertInit(experts.child("init"))),
        router(path.child("router")));
  }

  private ExpertInit expertInit(KeyPath path) {
    String kind = leaves.word(path.child("kind"));
    return switch (kind) {
      case "copy" -> new ExpertInit.Copy();
      default -> throw new IllegalStateException("unchecked " + path + " " + kind);
    };
  }

  private Router router(KeyPath path) {
    KeyPath init = path.child("init");
    String kind = leaves.word(init.child("kind"));
    return new Router(
        switch (kind) {
          case "zero" -> new RouterInit.Zero();
          case "normal" -> new RouterInit.Normal(leaves.number(init.child("std")));
          case "uniform" -> new RouterInit.Uniform(leaves.number(init.child("bound")));
          case "file" -> new RouterInit.File((Path) leaves.value(init.child("path")));
          case "torch_linear" -> new RouterInit.TorchLinear();
          default -> throw new IllegalStateException("unchecked " + init + " " + kind);
        });
  }

  private LayerSelection layers(KeyPath path) {
    if (leaves.find(path.child("every")).isPresent()) {
      return new LayerSelection.Every(
          leaves.count(path.child("every")), leaves.count(path.child("offset")));
    }
    if (leaves.find(path.child("last")).isPresent()) {
      return new LayerSelection.Last(leaves.count(path.child("last")));
    }
    if (leaves.find(path.child("except_last")).isPresent()) {
      return new LayerSelection.ExceptLast(leaves.count(path.child("except_last")));
    }
    if (leaves.find(path.child("range")).isPresent()) {
      List<Integer> ends = leaves.counts(path.child("range"));
      return new LayerSelection.Range(ends.get(0), ends.get(1));
    }
    boolean listed = leaves.find(path).map(found -> found.value() instanceof List<?>).orElse(false);
    return listed ? new LayerSelection.Listed(leaves.counts(path)) : new LayerSelection.All();
  }

  private Output output() {
    String dtype = leaves.word(path("output", "dtype"));
    return new Output(
        dtype.equals("source")
            ? Optional.empty()
            : Optional.of(Output.StoredDType.valueOf(dtype.toUpperCase(Locale.ROOT))),
        leaves.whole(path("output", "max_shard_size")),
        leaves.free(path("output", "config")));
  }

  private static KeyPath path(String... segments) {
    return new KeyPath(List.of(segments));
  }
}
