package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/// Applies experts to the tokens that a routing assigns to them, `[T, H]` to `[T, H]`.
public sealed interface Experts {
  /// The weighted sum of each token's experts.
  Tensor forward(Tensor x, Routing routing);

  /// The definition: each expert in turn adds its part to its tokens. The faster forms must match
  /// it.
  record Reference(ExpertWeights weights) implements Experts {
    @Override
    public Tensor forward(Tensor x, Routing routing) {
      Tensor sum = Tensors.zerosLike(x, x.shape());
      List<FeedForward> networks = weights.networks();
      for (int expert = 0; expert < networks.size(); expert++) {
        Tensor mine = routing.experts().isEqualTo(expert).nonzero().squeeze(1);
        if (mine.elements() > 0) {
          Tensor tokens = routing.tokens().indexSelect(0, mine);
          Tensor result = networks.get(expert).forward(x.indexSelect(0, tokens));
          Tensor weight = routing.weights().indexSelect(0, mine).to(x.dtype()).unsqueeze(1);
          sum = sum.indexAdd(0, tokens, result.times(weight));
        }
      }
      return sum;
    }
  }

  /// Tokens sorted by expert, split once, an expert at a time; fastest on the CPU. The split is the
  /// only point at which it needs the counts on the host.
  record Sorted(ExpertWeights weights) implements Experts {
    @Override
    public Tensor forward(Tensor x, Routing routing) {
      Dispatcher dispatcher = new Dispatcher(routing);
      List<FeedForward> networks = weights.networks();
      List<Tensor> parts = dispatcher.gather(x).split(0, routing.counts());
      List<Tensor> results = new ArrayList<>(parts.size());
      for (int expert = 0; expert < parts.size(); expert++) {
        if (parts.get(expert).size(0) > 0) {
          results.add(networks.get(expert).forward(parts.get(expert)));
        }
      }
      return dispatcher.combine(
          results.isEmpty() ? Tensors.zerosLike(x, 0, x.size(1)) : Tensors.concat(results, 0));
    }
  }

  /// One grouped product per projection.
  ///
  /// Nothing waits for a GPU of compute capability 9.0 or 10.0 in bfloat16. Elsewhere LibTorch
  /// reads the groups' ends on the host once per product, forward and backward. The rows of `up`
  /// and `down` must fill whole steps of 16 bytes, as [#accepts] tells.
  record Grouped(ExpertWeights.Stacked weights) implements Experts {
    private static final long STEP_BYTES = 16;

    /// Whether rows of these weights have widths that grouped products can take.
    static boolean accepts(Tensor up, Tensor down) {
      return fillsSteps(up) && fillsSteps(down);
    }

    private static boolean fillsSteps(Tensor matrices) {
      return matrices.size(-1) * matrices.dtype().bytes() % STEP_BYTES == 0;
    }

    @Override
    public Tensor forward(Tensor x, Routing routing) {
      Dispatcher dispatcher = new Dispatcher(routing);
      Tensor ends = routing.ends();
      Tensor rows = dispatcher.gather(x);
      Tensor up = Functions.groupedMatmul(rows, weights.up().transpose(1, 2), ends);
      ExpertWeights.Biases biases = weights.biases();
      if (biases != null) {
        up = up.plus(biases.up().indexSelect(0, routing.experts()));
      }
      Tensor inner = weights.form().activate(up);
      Tensor down = Functions.groupedMatmul(inner, weights.down().transpose(1, 2), ends);
      if (biases != null) {
        down = down.plus(biases.down().indexSelect(0, routing.experts()));
      }
      return dispatcher.combine(down);
    }
  }

  /// Grouped products of weights that lie apart: stacked anew in each pass, which a GPU's memory
  /// does in less time than the host needs to read the counts. Costs a second copy of a layer's
  /// weights while the pass, and its backward, last.
  record Stacking(ExpertWeights.Separate weights) implements Experts {
    @Override
    public Tensor forward(Tensor x, Routing routing) {
      return new Grouped(weights.stack()).forward(x, routing);
    }
  }

  /// The form for where the weights are and what they are: on a GPU grouped products in bfloat16,
  /// where they need no numbers on the host, else the sorted loop, which needs them once.
  static Experts fastest(ExpertWeights weights) {
    return fastest(weights, weights.down().device().kind());
  }

  /// The same as if the weights were on a device of this kind.
  static Experts fastest(ExpertWeights weights, Device.Kind kind) {
    return switch (kind) {
      case CPU -> new Sorted(weights);
      case CUDA ->
          groups(weights)
              ? switch (weights) {
                case ExpertWeights.Separate separate -> new Stacking(separate);
                case ExpertWeights.Stacked stacked -> new Grouped(stacked);
              }
              : new Sorted(weights);
    };
  }

  private static boolean groups(ExpertWeights weights) {
    boolean stacked =
        switch (weights) {
          case ExpertWeights.Separate separate -> separate.stacks();
          case ExpertWeights.Stacked _ -> true;
        };
    return stacked
        && weights.down().dtype() == DType.BF16
        && Grouped.accepts(weights.up(), weights.down());
  }
}
