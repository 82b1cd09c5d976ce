package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.dialect.ClipMoe;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RecipeException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/// What CLIP-MoE's form cannot say: its loader is told one number of blocks, of experts and of
/// experts per token for both towers, and takes the last blocks of each; a text tower of fewer
/// blocks has experts in all of them.
///
/// @param dense the source's parts
/// @param recipe what is asked for
/// @param complain hears a key path and what is wrong there
record ClipMoeCheck(Composition dense, Recipe recipe, BiConsumer<String, String> complain) {
  void examine(Architecture whole) {
    if (!ClipMoe.is(whole.modelType())) {
      return;
    }
    for (Part part : List.of(Part.LANGUAGE, Part.VISION)) {
      if (recipe.component(part).isEmpty()) {
        complain.accept(
            part.key(),
            "absent, but CLIP-MoE has experts in both towers; give the section, or choose another"
                + " target");
      }
    }
    Optional<Component> text = recipe.component(Part.LANGUAGE);
    Optional<Component> vision = recipe.component(Part.VISION);
    if (text.isPresent() && vision.isPresent()) {
      counts(text.get().experts(), vision.get().experts());
      blocks(text.get(), vision.get());
    }
  }

  private void counts(Experts text, Experts vision) {
    if (text.count() != vision.count() || text.perToken() != vision.perToken()) {
      complain.accept(
          "language.experts",
          String.format(
              Locale.ROOT,
              "%d experts, %d per token, but vision has %d, %d per token, and CLIP-MoE has one"
                  + " number of each for both towers",
              text.count(),
              text.perToken(),
              vision.count(),
              vision.perToken()));
    }
  }

  private void blocks(Component text, Component vision) {
    int imageBlocks = layers(Part.VISION);
    int textBlocks = layers(Part.LANGUAGE);
    int chosen = chosen(vision, imageBlocks).size();
    last("vision.layers", chosen(vision, imageBlocks), imageBlocks, chosen);
    last("language.layers", chosen(text, textBlocks), textBlocks, Math.min(chosen, textBlocks));
  }

  private void last(String key, List<Integer> chosen, int layers, int wanted) {
    List<Integer> expected = IntStream.range(layers - wanted, layers).boxed().toList();
    if (!chosen.isEmpty() && !chosen.equals(expected)) {
      complain.accept(
          key,
          String.format(
              Locale.ROOT,
              "chooses blocks %s of %d, but CLIP-MoE has experts in the last blocks of each tower,"
                  + " as many as vision has; --set '%s={last: %d}'",
              chosen,
              layers,
              key,
              wanted));
    }
  }

  private int layers(Part part) {
    return dense.find(part).map(ModelPart::dimensions).orElseThrow().layers();
  }

  /// None where the choice itself is wrong, which is told elsewhere.
  private static List<Integer> chosen(Component component, int layers) {
    try {
      return component.layers().of(layers);
    } catch (RecipeException e) {
      return List.of();
    }
  }
}
