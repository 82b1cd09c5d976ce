package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.dialect.ClipMoe;
import dev.upcycle.plan.Fidelity;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RouterInit;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The target's `README.md`: front matter that says nothing that is not known, then what was done.
final class ModelCard {
  private final UpcyclePlan plan;
  private final Checkpoint source;

  ModelCard(UpcyclePlan plan, Checkpoint source) {
    this.plan = plan;
    this.source = source;
  }

  String text() {
    Map<Part, Component> components = plan.recipe().recipe().components();
    StringBuilder card = new StringBuilder("---\n");
    Optional<String> base = HubId.of(source.directory());
    base.ifPresent(id -> card.append("base_model:\n- ").append(id).append('\n'));
    Licence.of(source.directory())
        .ifPresent(id -> card.append("license: ").append(id).append('\n'));
    card.append(
        (ClipMoe.is(plan.target().modelType()) ? "" : "library_name: transformers\n")
            + pipeline().map(tag -> "pipeline_tag: " + tag + "\n").orElse(""));
    card.append("tags:\n- moe\n- upcycling\n---\n\n");
    card.append(
        String.format(
            Locale.ROOT,
            """
            # %s: %s

            A dense %s%s, made into a Mixture-of-Experts (%s) by `upcycle` %s.
            **It is not trained yet:** all experts of a layer are equal copies of the dense
            feed-forward network, and the routers are untrained (%s). %s

            - Recipe: `%s`, seed %d; see `recipe.yaml`.
            - Where every tensor comes from: `upcycle.json`.
            - Weights outside the feed-forward networks are the dense model's%s.
            """,
            plan.recipe().recipe().name(),
            join(components, ModelCard::experts),
            plan.source().modelType(),
            base.map(id -> " (" + id + ")").orElse(""),
            plan.target().className(),
            ToolVersion.text(),
            join(components, ModelCard::router),
            function(plan.fidelity()),
            plan.recipe().recipe().name(),
            plan.recipe().recipe().seed(),
            plan.fidelity().roundedTo().map(dtype -> ", rounded to " + dtype).orElse("")));
    return card.toString();
  }

  private Optional<String> pipeline() {
    if (plan.target().decodes()) {
      return Optional.of("text-generation");
    }
    return plan.target().rule(Part.CONNECTOR).map(rule -> "image-text-to-text");
  }

  private static String experts(Component component) {
    return component.experts().count()
        + " experts, "
        + component.experts().perToken()
        + " per token";
  }

  /// What is said of each part, once where it is the same.
  private static String join(Map<Part, Component> components, Function<Component, String> text) {
    List<String> all = components.values().stream().map(text).distinct().toList();
    return all.size() == 1
        ? all.getFirst()
        : components.entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(entry -> entry.getKey().key() + " " + text.apply(entry.getValue()))
            .collect(Collectors.joining("; "));
  }

  private static String function(Fidelity fidelity) {
    if (!fidelity.overrides().isEmpty()) {
      String changes =
          fidelity.overrides().stream()
              .map(one ->
                  String.format(
                      Locale.ROOT, "`%s` is %s, was %s", one.key(), one.wanted(), one.dense()))
              .collect(Collectors.joining("; "));
      return "The recipe changes\nthe config ("
          + changes
          + "), so it does **not** compute what the"
          + " dense model\ncomputes.";
    }
    return fidelity
        .roundedTo()
        .map(dtype ->
            String.format(
                Locale.ROOT,
                "It computes what the dense model,\nits weights rounded to %s, computes, at a higher cost, until training parts the experts.",
                dtype))
        .orElse(
            "It computes what the dense model\n"
                + "computes, at a higher cost, until training parts the experts.");
  }

  private static String router(Component component) {
    return switch (component.router().init()) {
      case RouterInit.Zero() -> "all zero";
      case RouterInit.Normal(double std) -> "normal, std " + std;
      case RouterInit.Uniform(double bound) -> "uniform, bound " + bound;
      case RouterInit.File(Path path) -> "taken from `" + path.getFileName() + "`";
      case RouterInit.TorchLinear() -> "uniform up to 1/sqrt(width)";
    };
  }

  /// The name of a model on the hub, known only where the local Hugging Face cache says it.
  static final class HubId {
    private static final String PREFIX = "models--";

    private HubId() {}

    /// From a directory such as `models--org--name/snapshots/0123abc`.
    static Optional<String> of(Path directory) {
      Path snapshots = directory.toAbsolutePath().normalize().getParent();
      if (snapshots == null || !snapshots.endsWith("snapshots") || snapshots.getParent() == null) {
        return Optional.empty();
      }
      String name = snapshots.getParent().getFileName().toString();
      return name.startsWith(PREFIX)
          ? Optional.of(name.substring(PREFIX.length()).replace("--", "/"))
          : Optional.empty();
    }
  }
}
