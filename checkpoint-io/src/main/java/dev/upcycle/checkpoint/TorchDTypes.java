package dev.upcycle.checkpoint;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/// The two keys in which a config names torch's spelling of its dtype: `dtype` (transformers 5) and
/// `torch_dtype` (transformers 4).
final class TorchDTypes {
  private static final String NEW_KEY = "dtype";
  private static final String OLD_KEY = "torch_dtype";
  private static final String PREFIX = "torch.";

  private static final Map<DType, String> SPELLINGS =
      Map.of(
          DType.F64, "float64",
          DType.F32, "float32",
          DType.F16, "float16",
          DType.BF16, "bfloat16",
          DType.F8_E4M3, "float8_e4m3fn",
          DType.F8_E5M2, "float8_e5m2");

  private static final Map<String, DType> BY_SPELLING =
      SPELLINGS.entrySet().stream()
          .collect(Collectors.toUnmodifiableMap(Map.Entry::getValue, Map.Entry::getKey));

  private TorchDTypes() {}

  static Optional<DType> read(ModelConfig config) {
    Optional<DType> fresh = read(config, NEW_KEY);
    Optional<DType> old = read(config, OLD_KEY);
    if (fresh.isPresent() && old.isPresent() && !fresh.equals(old)) {
      throw config.disagreement(
          String.format(Locale.ROOT, "'%s' is %s", NEW_KEY, SPELLINGS.get(fresh.get())),
          String.format(Locale.ROOT, "'%s' is %s", OLD_KEY, SPELLINGS.get(old.get())));
    }
    return fresh.or(() -> old);
  }

  static void write(ObjectNode json, DType dtype) {
    String spelling = SPELLINGS.get(dtype);
    if (spelling == null) {
      throw new IllegalArgumentException("no model is run in " + dtype);
    }
    json.put(NEW_KEY, spelling);
    json.put(OLD_KEY, spelling);
  }

  private static Optional<DType> read(ModelConfig config, String key) {
    return config
        .findString(key)
        .map(text -> {
          String spelling = text.startsWith(PREFIX) ? text.substring(PREFIX.length()) : text;
          DType dtype = BY_SPELLING.get(spelling);
          if (dtype == null) {
            throw config.bad(key, "one of " + BY_SPELLING.keySet().stream().sorted().toList());
          }
          return dtype;
        });
  }
}
