package dev.upcycle.convert;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.TensorFile;
import dev.upcycle.plan.DenseSource;
import dev.upcycle.plan.SeedTree;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RouterInit;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A connector of two layers that has learned nothing, filled as PyTorch fills linear layers:
/// weights and biases uniform up to `1 / sqrt(width)`.
///
/// @param input width of the image features of all scales
/// @param hidden width of the decoder
/// @param dtype of its tensors
/// @param seed of the recipe; each tensor is drawn by its name
public record FreshConnector(long input, long hidden, DType dtype, long seed) {
  /// The one that a recipe wants between two models.
  ///
  /// @param vision where the image tower lies
  /// @param language where the decoder lies
  /// @param recipe whose scales of the image tower say how wide its features are
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when one of them does not open
  public static FreshConnector between(Path vision, Path language, Recipe recipe) {
    int scales =
        recipe.component(Part.VISION).map(Component::scales).orElse(Component.ONE_SCALE).size();
    Checkpoint decoder = DenseSource.assemble(Map.of(Part.LANGUAGE, language));
    return new FreshConnector(
        Math.multiplyExact(
            width(DenseSource.assemble(Map.of(Part.VISION, vision)), Part.VISION), (long) scales),
        width(decoder, Part.LANGUAGE),
        decoder.config().dtype().orElse(DType.F32),
        recipe.seed());
  }

  private static long width(Checkpoint model, Part part) {
    return Composition.read(model.config(), model.tensors().keySet())
        .find(part)
        .orElseThrow(() ->
            new CheckpointFormatException(
                CheckpointFault.BAD_CONFIG_VALUE,
                "%s is a %s, which has no part %s"
                    .formatted(model.directory(), model.config().modelType(), part.key())))
        .dimensions()
        .hidden();
  }

  /// Writes it by LLaVA's names without a prefix, `0.weight` to `2.bias`; equal bytes every time.
  ///
  /// @throws dev.upcycle.checkpoint.write.ResourceException when it cannot be written
  public void write(Path file) {
    TensorFile.write(
        file,
        List.of(
            spec("0.weight", hidden, input),
            spec("0.bias", hidden),
            spec("2.weight", hidden, hidden),
            spec("2.bias", hidden)),
        this::draw);
  }

  private TensorSpec spec(String name, Long... shape) {
    return new TensorSpec(name, dtype, new Shape(List.of(shape)));
  }

  private ByteBuffer draw(TensorSpec tensor) {
    long width = tensor.name().startsWith("0.") ? input : hidden;
    double bound = 1 / Math.sqrt((double) width);
    long own = new SeedTree(seed).seed("connector." + tensor.name());
    return new RouterDraw(new RouterInit.Uniform(bound), own, dtype)
        .bytes(0, Math.toIntExact(tensor.shape().elements()));
  }
}
