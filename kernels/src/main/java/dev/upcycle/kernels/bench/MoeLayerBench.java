package dev.upcycle.kernels.bench;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/// Forward and backward of a layer of experts beside a dense feed-forward network that does as many
/// multiplications per token, in turns in one run, so that their ratio survives a noisy machine.
public final class MoeLayerBench {
  private MoeLayerBench() {}

  /// What is measured.
  ///
  /// @param shape of the layer
  /// @param form how the weights lie
  /// @param precision of weights and tokens
  /// @param load how tokens fall on experts
  public record Setting(LayerShape shape, Form form, DType precision, Load load) {}

  /// Sizes of the layer and its batch.
  ///
  /// @param experts how many there are
  /// @param perToken how many a token uses
  public record LayerShape(long tokens, long hidden, long intermediate, int experts, int perToken) {
    /// 4096 tokens, hidden 512, intermediate 1792, 8 experts of which a token uses 2.
    public static LayerShape usual() {
      return new LayerShape(4096, 512, 1792, 8, 2);
    }
  }

  /// How the weights of both networks lie in memory.
  public enum Form {
    /// A tensor per projection of each expert, as checkpoints have them and models bind them.
    SEPARATE,
    /// A tensor per projection of all experts, with the gate above the rest of the first.
    STACKED
  }

  /// How tokens fall on experts.
  public enum Load {
    /// As a random router sends them.
    EVEN,
    /// Most to one expert, next to none to another.
    SKEWED
  }

  /// What was measured.
  ///
  /// @param turns of the dense network and the layer of experts
  /// @param counts assignments per expert
  public record Result(Setting setting, Turns turns, List<Long> counts) {
    /// Keeps the counts as they are.
    public Result {
      counts = List.copyOf(counts);
    }
  }

  /// Measures on a device.
  ///
  /// @param counted how many turns count, after those that warm up
  /// @param turned hears of every turn that is done, warm-up included
  public static Result run(Setting setting, Device device, int counted, IntConsumer turned) {
    try (TensorScope _ = TensorScope.open()) {
      LayerSides sides = new LayerSides(setting, device);
      Turns turns =
          Turns.alternate(
              new Turns.Sides(setting.shape().tokens(), sides::dense, sides::sparse),
              counted,
              turned);
      return new Result(setting, turns, Arrays.stream(sides.counts()).boxed().toList());
    }
  }
}
