package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.DType;
import java.util.ArrayList;
import java.util.List;

/// What a pickle holds, as far as weights need it. Containers may hold themselves: nothing here may
/// be walked without a limit.
sealed interface PickleValue {
  /// Values without content.
  enum Constant implements PickleValue {
    NONE,
    TRUE,
    FALSE,
    /// Something that no tensor depends on, such as a device.
    IGNORED,
    /// The mark of the stack.
    MARK
  }

  /// A whole number.
  record Whole(long value) implements PickleValue {}

  /// A text.
  record Text(String value) implements PickleValue {}

  /// A function or class of the list of those that are known.
  record Name(TorchGlobal global) implements PickleValue {}

  /// A class of storages.
  ///
  /// @param elements the element type and its bytes; plain bytes when the storage names none
  record StorageType(DType elements) implements PickleValue {}

  /// An element type, such as `torch.uint16`.
  record ElementType(DType dtype) implements PickleValue {}

  /// A run of bytes of the archive.
  ///
  /// @param type of the elements that it was written with
  /// @param key which entry holds it
  /// @param elements how many there are
  record Storage(DType type, String key, long elements) implements PickleValue {}

  /// A tensor: a view of a storage.
  ///
  /// @param offset of the first element, in elements
  /// @param strides in elements
  record View(Storage storage, DType dtype, long offset, List<Long> sizes, List<Long> strides)
      implements PickleValue {
    public View {
      sizes = List.copyOf(sizes);
      strides = List.copyOf(strides);
    }
  }

  /// A tuple.
  record Tuple(List<PickleValue> items) implements PickleValue {
    public Tuple {
      items = List.copyOf(items);
    }
  }

  /// A list, which grows.
  final class Sequence implements PickleValue {
    final List<PickleValue> items = new ArrayList<>(0);
  }

  /// A dictionary, which grows; whether a key comes twice is for the reader to see.
  final class Dictionary implements PickleValue {
    final List<Item> items = new ArrayList<>(0);

    /// A key and its value.
    record Item(PickleValue key, PickleValue value) {}
  }
}
