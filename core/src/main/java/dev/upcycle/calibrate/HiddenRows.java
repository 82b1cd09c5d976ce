package dev.upcycle.calibrate;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.List;

/// Rows that are mean states of texts; sums on the host, in double.
final class HiddenRows {
  private HiddenRows() {}

  /// The mean of each expert's passages, less the mean of those that it should not take,
  /// normalised.
  ///
  /// @param states `[1, seq, hidden]` for each passage
  static RouterRows unit(List<Passage> passages, List<Tensor> states, RouterKind.Tokens tokens) {
    int experts = passages.stream().mapToInt(Passage::expert).max().orElse(-1) + 1;
    int hidden = Math.toIntExact(states.getFirst().size(-1));
    double[][] rows = new double[experts][hidden];
    for (int i = 0; i < passages.size(); i++) {
      Passage passage = passages.get(i);
      double sign =
          switch (passage.stance()) {
            case FOR -> 1;
            case AGAINST -> -1;
          };
      double weight = sign / alike(passage, passages);
      add(weight, state(states.get(i), tokens), rows[passage.expert()]);
    }
    return RouterRows.unit(rows);
  }

  /// How many passages share one mean.
  private static long alike(Passage passage, List<Passage> passages) {
    return passages.stream()
        .filter(other -> other.expert() == passage.expert() && other.stance() == passage.stance())
        .count();
  }

  private static void add(double factor, float[] state, double[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += factor * state[i];
    }
  }

  private static float[] state(Tensor states, RouterKind.Tokens tokens) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor rows = states.squeeze(0).to(Device.CPU).to(DType.F32);
      return switch (tokens) {
        case ALL -> rows.mean(0).toFloats();
        case LAST -> rows.narrow(0, rows.size(0) - 1, 1).squeeze(0).contiguous().toFloats();
      };
    }
  }
}
