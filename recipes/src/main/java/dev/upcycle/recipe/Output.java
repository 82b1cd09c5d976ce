package dev.upcycle.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How the result is stored.
///
/// @param dtype the dtype of floating-point tensors; empty keeps the source's
/// @param maxShardBytes limit of the tensor bytes of one file, positive
/// @param config keys to set in the target's `config.json`, over what the conversion derives: null,
///   Boolean, String, Long, BigInteger, Double, and lists and maps of such
public record Output(
    Optional<StoredDType> dtype, long maxShardBytes, Map<String, @Nullable Object> config) {
  /// Takes a copy that keeps the order; refuses a limit below one byte.
  public Output {
    if (maxShardBytes < 1) {
      throw new IllegalArgumentException("maxShardBytes " + maxShardBytes);
    }
    config = Collections.unmodifiableMap(new LinkedHashMap<>(config));
  }

  /// A dtype that floating-point tensors can be stored in.
  public enum StoredDType {
    F32,
    BF16,
    F16
  }
}
