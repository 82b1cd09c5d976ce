package dev.upcycle.kernels.ffn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@ExtendWith(ScopePerTest.class)
class FeedForwardTest {
  private static final int HIDDEN = 3;
  private static final int INNER = 5;
  private final Tensor x = Tensors.normal(1, 1, HIDDEN);
  private final Linear gate =
      new Linear(Tensors.normal(2, INNER, HIDDEN), Tensors.normal(3, INNER));
  private final Linear up = new Linear(Tensors.normal(4, INNER, HIDDEN), Tensors.normal(5, INNER));
  private final Linear down =
      new Linear(Tensors.normal(6, HIDDEN, INNER), Tensors.normal(7, HIDDEN));

  private static DoubleUnaryOperator reference(Activation activation) {
    return switch (activation) {
      case SILU -> v -> v / (1 + Math.exp(-v));
      case GELU -> v -> 0.5 * v * (1 + erf(v / Math.sqrt(2)));
      case GELU_TANH ->
          v -> 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
      case QUICK_GELU -> v -> v / (1 + Math.exp(-1.702 * v));
      case TANH -> Math::tanh;
    };
  }

  /// By Simpson's rule.
  private static double erf(double x) {
    int steps = 2000;
    double width = x / steps;
    double sum = 1 + Math.exp(-x * x);
    for (int i = 1; i < steps; i++) {
      sum += (i % 2 == 0 ? 2 : 4) * Math.exp(-(i * width) * (i * width));
    }
    return 2 / Math.sqrt(Math.PI) * sum * width / 3;
  }

  private static double[] linear(Linear map, double[] input) {
    float[] weight = map.weight().toFloats();
    Tensor bias = map.bias();
    int rows = (int) map.weight().size(0);
    double[] output = new double[rows];
    for (int row = 0; row < rows; row++) {
      output[row] = bias == null ? 0 : bias.toFloats()[row];
      for (int column = 0; column < input.length; column++) {
        output[row] += weight[row * input.length + column] * input[column];
      }
    }
    return output;
  }

  private double[] input() {
    float[] values = x.toFloats();
    return new double[] {values[0], values[1], values[2]};
  }

  private static void assertClose(Tensor actual, double[] expected) {
    float[] values = actual.toFloats();
    assertThat(values).hasSameSizeAs(expected);
    for (int i = 0; i < values.length; i++) {
      assertThat((double) values[i]).isCloseTo(expected[i], Offset.offset(1e-5));
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void aGatedNetworkMultipliesTheActivatedGateWithUp(Activation activation) {
    double[] inner = linear(up, input());
    double[] gates = linear(gate, input());
    for (int i = 0; i < INNER; i++) {
      inner[i] *= reference(activation).applyAsDouble(gates[i]);
    }
    assertClose(new FeedForward.Gated(gate, up, down, activation).forward(x), linear(down, inner));
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void aTwoLayerNetworkActivatesBetweenItsMaps(Activation activation) {
    double[] inner = linear(up, input());
    for (int i = 0; i < INNER; i++) {
      inner[i] = reference(activation).applyAsDouble(inner[i]);
    }
    assertClose(new FeedForward.TwoLayer(up, down, activation).forward(x), linear(down, inner));
  }

  @Test
  void aFusedNetworkHasTheGatesRowsFirst() {
    Tensor weight = Tensors.concat(List.of(gate.weight(), up.weight()), 0);
    Tensor separate =
        new FeedForward.Gated(
                Linear.of(gate.weight()), Linear.of(up.weight()), down, Activation.SILU)
            .forward(x);
    Tensor fused = new FeedForward.FusedGated(Linear.of(weight), down, Activation.SILU).forward(x);
    assertThat(fused.minus(separate).abs().max().item()).isLessThan(1e-6);
  }
}
