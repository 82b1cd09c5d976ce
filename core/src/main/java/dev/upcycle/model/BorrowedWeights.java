package dev.upcycle.model;

import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.MappedFile;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/// Weights of a checkpoint that are in memory only while something is computed with them; records
/// no graph.
///
/// @param binding where they are
/// @param options the type and the device they are brought to
record BorrowedWeights(CheckpointBinding binding, ModelOptions options) {
  /// Computes with some weights.
  ///
  /// @param names what the family calls them
  /// @param use keeps in its scope what shall outlive it
  <T> T with(List<String> names, WeightChange change, BiFunction<WeightTable, TensorScope, T> use) {
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        WeightLoader loader = new WeightLoader(options)) {
      Map<String, Tensor> weights = new HashMap<>();
      names.forEach(name -> weights.put(name, change.of(name, loader.load(binding.require(name)))));
      return use.apply(new WeightTable(weights), scope);
    }
  }

  /// Rows of a table, `[batch, seq, hidden]`; only they are read where the table lies in row-major
  /// order.
  ///
  /// @param ids `[batch, seq]`, 64-bit
  Tensor rows(String name, Tensor ids) {
    TensorEntry entry = binding.require(name);
    try (TensorScope scope = TensorScope.open();
        Gradients.Pause _ = Gradients.pause();
        MappedFile file = MappedFile.open(entry.file());
        WeightLoader loader = new WeightLoader(new ModelOptions(Device.CPU, options.compute()))) {
      Tensor table =
          entry.contiguous()
              ? file.tensor(
                  entry.offset(),
                  WeightLoader.dtype(entry),
                  entry.shape().dimension(0),
                  entry.shape().dimension(1))
              : loader.load(entry);
      Tensor rows = Functions.embedding(table, ids.to(Device.CPU));
      return scope.keep(rows.to(options.compute()).to(options.device()));
    }
  }
}
