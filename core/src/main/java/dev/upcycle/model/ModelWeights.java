package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// All weights of a model in memory; owns them until it is closed.
final class ModelWeights implements AutoCloseable {
  private final TensorScope owner = TensorScope.detached();
  private final SequencedMap<String, Tensor> byFamilyName = new LinkedHashMap<>();
  private final SequencedMap<String, Tensor> byStoredName = new LinkedHashMap<>();

  private ModelWeights() {}

  static ModelWeights load(CheckpointBinding binding, ModelOptions options) {
    ModelWeights weights = new ModelWeights();
    try (WeightLoader loader = new WeightLoader(options)) {
      binding
          .entries()
          .forEach((name, entry) -> {
            try (TensorScope _ = TensorScope.open()) {
              Tensor tensor = weights.owner.hold(loader.load(entry));
              weights.byFamilyName.put(name, tensor);
              weights.byStoredName.put(entry.name(), tensor);
            }
          });
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
    return weights;
  }

  /// By the names that the family's templates give.
  WeightTable table() {
    return new WeightTable(byFamilyName);
  }

  /// By the names in the checkpoint's files, in state dict order.
  SequencedMap<String, Tensor> parameters() {
    return Collections.unmodifiableSequencedMap(byStoredName);
  }

  @Override
  public void close() {
    owner.close();
  }
}
