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
        word(path("name")),
        new Source(sources()),
        word(path("target")),
        whole(path("seed")),
        components(),
        output());
  }

  private Map<Part, List<String>> sources() {
    Map<Part, List<String>> sources = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      KeyPath path = path("source", part.key());
      if (leaves.find(path).isPresent()) {
        sources.put(part, words(path));
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
            ? counts(path.child("scales"))
            : Component.ONE_SCALE,
        new Experts(
            count(experts.child("count")),
            count(experts.child("per_token")),
            expertInit(experts.child("init"))),
        router(path.child("router")));
  }

  private ExpertInit expertInit(KeyPath path) {
    String kind = word(path.child("kind"));
    return switch (kind) {
      case "copy" -> new ExpertInit.Copy();
      default -> throw new IllegalStateException("unchecked " + path + " " + kind);
    };
  }

  private Router router(KeyPath path) {
    KeyPath init = path.child("init");
    String kind = word(init.child("kind"));
    return new Router(
        switch (kind) {
          case "zero" -> new RouterInit.Zero();
          case "normal" -> new RouterInit.Normal(number(init.child("std")));
          case "uniform" -> new RouterInit.Uniform(number(init.child("bound")));
          case "file" -> new RouterInit.File((Path) value(init.child("path")));
          case "torch_linear" -> new RouterInit.TorchLinear();
          default -> throw new IllegalStateException("unchecked " + init + " " + kind);
        });
  }

  private LayerSelection layers(KeyPath path) {
    if (leaves.find(path.child("every")).isPresent()) {
      return new LayerSelection.Every(count(path.child("every")), count(path.child("offset")));
    }
    if (leaves.find(path.child("last")).isPresent()) {
      return new LayerSelection.Last(count(path.child("last")));
    }
    if (leaves.find(path.child("except_last")).isPresent()) {
      return new LayerSelection.ExceptLast(count(path.child("except_last")));
    }
    if (leaves.find(path.child("range")).isPresent()) {
      List<Integer> ends = counts(path.child("range"));
      return new LayerSelection.Range(ends.get(0), ends.get(1));
    }
    boolean listed = leaves.find(path).map(found -> found.value() instanceof List<?>).orElse(false);
    return listed ? new LayerSelection.Listed(counts(path)) : new LayerSelection.All();
  }

  private Output output() {
    String dtype = word(path("output", "dtype"));
    return new Output(
        dtype.equals("source")
            ? Optional.empty()
            : Optional.of(Output.StoredDType.valueOf(dtype.toUpperCase(Locale.ROOT))),
        whole(path("output", "max_shard_size")),
        leaves.free(path("output", "config")));
  }

  private static KeyPath path(String... segments) {
    return new KeyPath(List.of(segments));
  }

  private Object value(KeyPath path) {
    return leaves.find(path).orElseThrow(() -> new IllegalStateException("no " + path)).value();
  }

  private String word(KeyPath path) {
    return (String) value(path);
  }

  private List<String> words(KeyPath path) {
    return ((List<?>) value(path)).stream().map(String.class::cast).toList();
  }

  private long whole(KeyPath path) {
    return (Long) value(path);
  }

  private int count(KeyPath path) {
    return Math.toIntExact(whole(path));
  }

  private List<Integer> counts(KeyPath path) {
    return ((List<?>) value(path)).stream().map(i -> Math.toIntExact((Long) i)).toList();
  }

  private double number(KeyPath path) {
    return (Double) value(path);
  }
}
