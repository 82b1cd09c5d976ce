package dev.upcycle.sample;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.TensorFile;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.RouterInit;
import dev.upcycle.recipe.Setting;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Routers that fit a tiny model, for recipes whose own file fits the model that they are meant
/// for.
final class TinyRouters {
  private static final String FILE = "router.safetensors";

  private TinyRouters() {}

  /// The recipe with a file of routers for this tiny model, if it takes routers from a file.
  ///
  /// @param directory where the file is made
  static ResolvedRecipe fit(RecipeText text, ResolvedRecipe resolved, Path dense, Path directory) {
    Recipe recipe = resolved.recipe();
    boolean fromFile =
        recipe.language().map(component -> component.router().init()).orElse(new RouterInit.Zero())
            instanceof RouterInit.File;
    if (!fromFile) {
      return resolved;
    }
    ModelConfig config = Checkpoint.open(dense).config();
    TensorFile.write(directory.resolve(FILE), specs(recipe, config), TinyRouters::drawn);
    Setting path = Setting.parse("language.router.init.path=" + FILE).relativeTo(directory);
    return Recipes.resolve(text, List.of(path), Map.of());
  }

  private static List<TensorSpec> specs(Recipe recipe, ModelConfig config) {
    Architecture target =
        Architecture.require(
            recipe.target().equals("auto")
                ? Architecture.require(config.modelType()).upcyclesTo().getFirst()
                : recipe.target());
    long experts = recipe.language().map(Component::experts).orElseThrow().count();
    Shape shape = new Shape(List.of(experts, config.requireLong("hidden_size")));
    return IntStream.range(0, Math.toIntExact(config.requireLong("num_hidden_layers")))
        .mapToObj(
            layer -> target.template(Role.ROUTER).name(OptionalInt.of(layer), OptionalInt.empty()))
        .map(name -> new TensorSpec(name, DType.F32, shape))
        .toList();
  }

  private static ByteBuffer drawn(TensorSpec tensor) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(tensor.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    SplitMix64 random = SplitMix64.of(tensor.name());
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextSigned());
    }
    return bytes.flip();
  }
}
