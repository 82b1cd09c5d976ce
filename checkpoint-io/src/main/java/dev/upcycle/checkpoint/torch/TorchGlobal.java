package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The functions and classes that a pickle of weights may name. None is ever imported: each is
/// interpreted here.
enum TorchGlobal {
  ORDERED_DICT("collections.OrderedDict"),
  REBUILD_TENSOR("torch._utils._rebuild_tensor"),
  REBUILD_TENSOR_V2("torch._utils._rebuild_tensor_v2"),
  REBUILD_TENSOR_V3("torch._utils._rebuild_tensor_v3"),
  REBUILD_PARAMETER("torch._utils._rebuild_parameter"),
  REBUILD_PARAMETER_WITH_STATE("torch._utils._rebuild_parameter_with_state"),
  REBUILD_FROM_TYPE("torch._tensor._rebuild_from_type_v2"),
  TENSOR("torch.Tensor"),
  PARAMETER("torch.nn.parameter.Parameter"),
  SIZE("torch.Size"),
  DEVICE("torch.device");

  private static final Map<String, TorchGlobal> BY_NAME =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(global -> global.path, Function.identity()));

  private static final Map<String, DType> STORAGES =
      Map.ofEntries(
          Map.entry("torch.BoolStorage", DType.BOOL),
          Map.entry("torch.ByteStorage", DType.U8),
          Map.entry("torch.CharStorage", DType.I8),
          Map.entry("torch.ShortStorage", DType.I16),
          Map.entry("torch.IntStorage", DType.I32),
          Map.entry("torch.LongStorage", DType.I64),
          Map.entry("torch.HalfStorage", DType.F16),
          Map.entry("torch.BFloat16Storage", DType.BF16),
          Map.entry("torch.FloatStorage", DType.F32),
          Map.entry("torch.DoubleStorage", DType.F64),
          Map.entry("torch.ComplexFloatStorage", DType.C64),
          Map.entry("torch.storage.UntypedStorage", DType.U8));

  private static final Map<String, DType> ELEMENTS =
      Map.ofEntries(
          Map.entry("torch.bool", DType.BOOL),
          Map.entry("torch.uint8", DType.U8),
          Map.entry("torch.int8", DType.I8),
          Map.entry("torch.int16", DType.I16),
          Map.entry("torch.uint16", DType.U16),
          Map.entry("torch.int32", DType.I32),
          Map.entry("torch.uint32", DType.U32),
          Map.entry("torch.int64", DType.I64),
          Map.entry("torch.uint64", DType.U64),
          Map.entry("torch.float16", DType.F16),
          Map.entry("torch.bfloat16", DType.BF16),
          Map.entry("torch.float32", DType.F32),
          Map.entry("torch.float64", DType.F64),
          Map.entry("torch.complex64", DType.C64),
          Map.entry("torch.float8_e4m3fn", DType.F8_E4M3),
          Map.entry("torch.float8_e5m2", DType.F8_E5M2),
          Map.entry("torch.float8_e4m3fnuz", DType.F8_E4M3FNUZ),
          Map.entry("torch.float8_e5m2fnuz", DType.F8_E5M2FNUZ),
          Map.entry("torch.float8_e8m0fnu", DType.F8_E8M0));

  private final String path;

  TorchGlobal(String path) {
    this.path = path;
  }

  /// Module and name, as Python writes them.
  String path() {
    return path;
  }

  /// What this module and name stand for in a pickle of weights.
  static Optional<PickleValue> find(String path) {
    if (STORAGES.containsKey(path)) {
      return Optional.ofNullable(STORAGES.get(path)).map(PickleValue.StorageType::new);
    }
    if (ELEMENTS.containsKey(path)) {
      return Optional.ofNullable(ELEMENTS.get(path)).map(PickleValue.ElementType::new);
    }
    return Optional.ofNullable(BY_NAME.get(path)).map(PickleValue.Name::new);
  }
}
