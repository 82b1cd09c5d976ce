package dev.upcycle.recipe;

import java.util.Map;
import java.util.Optional;

/// How the result is stored.
///
/// @param dtype the dtype of floating-point tensors; empty keeps the source's
/// @param maxShardBytes limit of the tensor bytes of one file
/// @param config keys to set in the target's `config.json`, over what the conversion derives
public record Output(Optional<StoredDType> dtype, long maxShardBytes, Map<String, Object> config) {
  /// Takes a copy that keeps the order.
  public Output {
    config = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(config));
  }

  /// A dtype that floating-point tensors can be stored in.
  public enum StoredDType {
    F32,
    BF16,
    F16
  }
}
