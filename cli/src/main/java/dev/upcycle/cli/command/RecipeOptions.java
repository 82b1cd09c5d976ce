package dev.upcycle.cli.command;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.plan.Families;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Which recipe, and what differs from it.
final class RecipeOptions {
  /// Spellings of `--dtype`: the recipe's own, and those of the frameworks.
  enum Dtype {
    SOURCE,
    F32,
    BF16,
    F16;

    static Dtype of(String text) {
      return switch (text.toLowerCase(Locale.ROOT)) {
        case "source" -> SOURCE;
        case "f32", "float32" -> F32;
        case "bf16", "bfloat16" -> BF16;
        case "f16", "float16" -> F16;
        default ->
            throw new picocli.CommandLine.TypeConversionException(
                "'" + text + "' is not one of source, f32, bf16, f16");
      };
    }
  }

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "RECIPE",
      description =
          "A shipped recipe's name (see: upcycle recipe ls) or a file. Without one the model's"
              + " family is detected and the equivalent recipe printed.")
  private @Nullable String recipe;

  @Option(
      names = "--experts",
      paramLabel = "N",
      description = "Experts per layer, in every part that has any (language.experts.count).")
  private @Nullable Integer experts;

  @Option(
      names = "--per-token",
      paramLabel = "K",
      description = "Experts that a token uses, likewise (language.experts.per_token).")
  private @Nullable Integer perToken;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      converter = DtypeConverter.class,
      completionCandidates = DtypeNames.class,
      description = "Store floating-point tensors as source, f32, bf16 or f16 (output.dtype).")
  private @Nullable Dtype dtype;

  @Option(names = "--seed", paramLabel = "N", description = "Root of every random number (seed).")
  private @Nullable Long seed;

  @Option(
      names = "--max-shard-size",
      paramLabel = "SIZE",
      description = "Limit of one weights file in bytes, such as 5GB (output.max_shard_size).")
  private @Nullable String maxShardSize;

  @Mixin private SettingsOption sets = new SettingsOption();

  /// Parses [Dtype].
  static final class DtypeConverter implements picocli.CommandLine.ITypeConverter<Dtype> {
    @Override
    public Dtype convert(String value) {
      return Dtype.of(value);
    }
  }

  /// What shell completion offers.
  static final class DtypeNames extends ArrayList<String> {
    private static final long serialVersionUID = 1;

    DtypeNames() {
      super(List.of("source", "f32", "bf16", "f16"));
    }
  }

  /// The recipe through every layer of precedence, for a model of this config.
  ResolvedRecipe resolve(ModelConfig model, Surroundings surroundings, Terminal terminal) {
    if (recipe != null) {
      return resolve(Recipes.text(recipe, surroundings.workingDirectory()), surroundings);
    }
    Families.refusal(model)
        .ifPresent(reason -> {
          throw new PlanException(List.of(reason));
        });
    ResolvedRecipe resolved = resolve(equivalent(model), surroundings);
    terminal.note("no recipe given; this one is equivalent:\n" + resolved.yaml().stripTrailing());
    return resolved;
  }

  /// The part that is most of the model: of a LLaVA its decoder, of a CLIP its image tower.
  private static RecipeText equivalent(ModelConfig model) {
    Architecture whole = Architecture.require(model.modelType());
    boolean seeing = whole.rule(Part.CONNECTOR).isPresent();
    Part part = whole.part().orElse(seeing ? Part.LANGUAGE : Part.VISION);
    Architecture family =
        Composition.read(model, Set.of()).find(part).map(ModelPart::family).orElse(whole);
    if (seeing && family.upcyclesTo().isEmpty()) {
      throw new UsageException(
          "without a recipe the decoder of a "
              + whole.modelType()
              + " becomes experts, and a "
              + family.modelType()
              + " cannot; choose a recipe: clip-vit-4x2 or siglip-4x2 for its image tower,"
              + " connector-4x2 for its connector");
    }
    return Recipes.equivalent(part, family.shortName(), "auto");
  }

  private ResolvedRecipe resolve(RecipeText text, Surroundings surroundings) {
    Set<Part> parts = EnumSet.of(Part.LANGUAGE);
    if (experts != null || perToken != null) {
      Set<Part> own = Recipes.resolve(text, List.of(), Map.of()).recipe().components().keySet();
      parts = own.isEmpty() ? parts : own;
    }
    return Recipes.resolve(text, settings(parts, surroundings), surroundings.environment());
  }

  private List<Setting> settings(Set<Part> parts, Surroundings surroundings) {
    List<Setting> settings = new ArrayList<>(sets.settings(surroundings.workingDirectory()));
    for (Part part : parts.stream().sorted().toList()) {
      flag(settings, "--experts", part.key() + ".experts.count", experts);
      flag(settings, "--per-token", part.key() + ".experts.per_token", perToken);
    }
    flag(
        settings,
        "--dtype",
        "output.dtype",
        dtype == null ? null : dtype.name().toLowerCase(Locale.ROOT));
    flag(settings, "--seed", "seed", seed);
    flag(settings, "--max-shard-size", "output.max_shard_size", maxShardSize);
    return settings;
  }

  private static void flag(
      List<Setting> settings, String flag, String keyPath, @Nullable Object value) {
    if (value != null) {
      settings.add(new Setting(new Origin(Origin.Kind.FLAG, flag), keyPath, value.toString()));
    }
  }
}
