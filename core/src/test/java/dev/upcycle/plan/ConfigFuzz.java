package dev.upcycle.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Fuzz target: whatever a `config.json` says, it is refused by one of the documented exceptions,
/// or a plan from it alone holds every tensor that the target's own config promises, counted in
/// bytes, and comes out the same twice.
public final class ConfigFuzz {
  /// Layers times experts that are still planned: a larger model is only measured, for speed.
  private static final long MOST_PLANNED = 200;

  private ConfigFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input, Path.of(Objects.requireNonNull(System.getProperty("upcycle.fuzz.folder"))));
  }

  /// What refused the config; empty when it was read and, if small, planned.
  static Optional<RuntimeException> check(byte[] input, Path folder) {
    try {
      ModelConfig config = ModelConfig.read(Files.write(folder.resolve("config.json"), input));
      Path again = folder.resolve("again.json");
      requireSameAgain(config, again);
      Composition dense = Composition.read(config, Set.of());
      if (size(dense) <= MOST_PLANNED) {
        UpcyclePlan plan = Planner.plan(config, recipe(dense));
        requirePlan(plan, again);
        assertThat(Planner.plan(config, recipe(dense)).sha256()).isEqualTo(plan.sha256());
      }
      return Optional.empty();
    } catch (CheckpointFormatException | PlanException | RecipeException e) {
      assertThat(e.getMessage()).isNotBlank();
      return Optional.of(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void requireSameAgain(ModelConfig config, Path again) throws IOException {
    ModelConfig both = config.withBothSpellings(10_000);
    assertThat(both.rope(1).theta()).isEqualTo(config.rope(10_000).theta());
    assertThat(both.rope(1).type()).isEqualTo(config.rope(10_000).type());
    assertThat(both.withBothSpellings(1).toJson()).isEqualTo(both.toJson());
    assertThat(both.dtype()).isEqualTo(config.dtype());
    assertThat(written(both, again).toJson()).isEqualTo(both.toJson());
  }

  /// What `--experts` and `--topk` ask for, of each part that can have experts.
  private static ResolvedRecipe recipe(Composition dense) {
    StringBuilder yaml = new StringBuilder("recipe: 1\ntarget: auto\n");
    dense.parts().stream()
        .filter(part -> !part.family().upcyclesTo().isEmpty())
        .flatMap(part -> part.part().stream())
        .distinct()
        .map(Part::key)
        .forEach(key -> yaml.append(key).append(": {experts: {count: 3, per_token: 2}}\n"));
    return Recipes.resolve(new RecipeText("fuzzed", yaml.toString()), List.of(), Map.of());
  }

  private static long size(Composition composition) {
    return composition.parts().stream()
        .map(ModelPart::dimensions)
        .mapToLong(part -> Math.max(1L, part.layers()) * part.experts())
        .max()
        .orElse(0);
  }

  private static void requirePlan(UpcyclePlan plan, Path again) throws IOException {
    List<TensorSpec> tensors = plan.tensors();
    Set<String> names = tensors.stream().map(TensorSpec::name).collect(Collectors.toSet());
    assertThat(names).hasSameSizeAs(tensors);
    ModelConfig target = written(plan.targetConfig(), again);
    Stream<TensorSlot> promised = Composition.written(target, Set.of()).slots();
    assertThat(promised.map(TensorSlot::name).filter(name -> !names.contains(name))).isEmpty();
    assertThat(plan.layout().tensorBytes())
        .isEqualTo(tensors.stream().mapToLong(TensorSpec::bytes).reduce(0, Math::addExact));
    assertThat(plan.layout().fileBytes()).isGreaterThan(plan.layout().tensorBytes());
  }

  private static ModelConfig written(ModelConfig config, Path file) throws IOException {
    return ModelConfig.read(Files.write(file, config.toJson()));
  }
}
