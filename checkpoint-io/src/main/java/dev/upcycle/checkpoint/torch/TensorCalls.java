package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.torch.PickleValue.Constant;
import dev.upcycle.checkpoint.torch.PickleValue.Dictionary;
import dev.upcycle.checkpoint.torch.PickleValue.ElementType;
import dev.upcycle.checkpoint.torch.PickleValue.Name;
import dev.upcycle.checkpoint.torch.PickleValue.Sequence;
import dev.upcycle.checkpoint.torch.PickleValue.Storage;
import dev.upcycle.checkpoint.torch.PickleValue.StorageType;
import dev.upcycle.checkpoint.torch.PickleValue.Text;
import dev.upcycle.checkpoint.torch.PickleValue.Tuple;
import dev.upcycle.checkpoint.torch.PickleValue.View;
import dev.upcycle.checkpoint.torch.PickleValue.Whole;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What the calls of a pickle of weights mean (torch, `torch/_utils.py`): views of storages.
final class TensorCalls {
  private static final String METADATA = "_metadata";

  private final PickleCursor cursor;

  TensorCalls(PickleCursor cursor) {
    this.cursor = cursor;
  }

  /// The value of a call.
  PickleValue call(PickleValue function, PickleValue arguments) {
    if (!(function instanceof Name name)) {
      throw fault("calls " + describe(function) + ", expected a function");
    }
    TorchGlobal global = name.global();
    if (!(arguments instanceof Tuple(List<PickleValue> given))) {
      throw fault("calls " + global.path() + " with " + describe(arguments));
    }
    return switch (global) {
      case ORDERED_DICT -> {
        requireCount(global, given, 0, 0);
        yield new Dictionary();
      }
      case REBUILD_TENSOR -> {
        requireCount(global, given, 4, 4);
        yield view(global, given);
      }
      case REBUILD_TENSOR_V2 -> {
        requireCount(global, given, 6, 7);
        requirePlain(global, given.subList(6, given.size()));
        yield view(global, given);
      }
      case REBUILD_TENSOR_V3 -> {
        requireCount(global, given, 7, 8);
        requirePlain(global, given.subList(7, given.size()));
        yield retyped(view(global, given), given.get(6));
      }
      case REBUILD_PARAMETER -> {
        requireCount(global, given, 3, 3);
        yield requireView(global, given.getFirst());
      }
      case REBUILD_PARAMETER_WITH_STATE -> {
        requireCount(global, given, 4, 4);
        yield requireView(global, given.getFirst());
      }
      case REBUILD_FROM_TYPE -> fromType(global, given);
      case SIZE -> {
        requireCount(global, given, 1, 1);
        yield given.getFirst();
      }
      case DEVICE -> Constant.IGNORED;
      case TENSOR, PARAMETER ->
          throw fault("calls " + global.path() + ", expected one of the functions that rebuild it");
    };
  }

  /// A tensor of the type Tensor or Parameter that carries attributes, which no weight depends on.
  private PickleValue fromType(TorchGlobal global, List<PickleValue> given) {
    requireCount(global, given, 4, 4);
    boolean tensor =
        given.get(1) instanceof Name(TorchGlobal type)
            && (type == TorchGlobal.TENSOR || type == TorchGlobal.PARAMETER);
    boolean rebuilt =
        given.get(0) instanceof Name(TorchGlobal function)
            && switch (function) {
              case REBUILD_TENSOR, REBUILD_TENSOR_V2, REBUILD_TENSOR_V3, REBUILD_PARAMETER -> true;
              case ORDERED_DICT,
                  REBUILD_PARAMETER_WITH_STATE,
                  REBUILD_FROM_TYPE,
                  TENSOR,
                  PARAMETER,
                  SIZE,
                  DEVICE ->
                  false;
            };
    if (!tensor || !rebuilt) {
      throw fault(
          String.format(
              Locale.ROOT,
              "calls %s of %s by %s, expected a tensor and a function that rebuilds one",
              global.path(),
              describe(given.get(1)),
              describe(given.get(0))));
    }
    return call(given.get(0), given.get(2));
  }

  private View view(TorchGlobal global, List<PickleValue> given) {
    if (!(given.get(0) instanceof Storage storage)
        || !(given.get(1) instanceof Whole(long offset))) {
      throw fault(
          String.format(
              Locale.ROOT,
              "calls %s with %s and %s, expected a storage and an offset",
              global.path(),
              describe(given.get(0)),
              describe(given.get(1))));
    }
    return new View(
        storage,
        storage.type(),
        offset,
        numbers(global, given.get(2)),
        numbers(global, given.get(3)));
  }

  private View retyped(View view, PickleValue type) {
    if (!(type instanceof ElementType(DType dtype))) {
      throw fault("names " + describe(type) + ", expected an element type");
    }
    return new View(view.storage(), dtype, view.offset(), view.sizes(), view.strides());
  }

  private List<Long> numbers(TorchGlobal global, PickleValue value) {
    if (!(value instanceof Tuple(List<PickleValue> items))) {
      throw fault("calls " + global.path() + " with " + describe(value) + ", expected a tuple");
    }
    if (items.size() > Limits.DIMENSIONS) {
      throw cursor.limit(items.size(), "dimensions", Limits.DIMENSIONS);
    }
    List<Long> numbers = new ArrayList<>(items.size());
    for (PickleValue item : items) {
      if (!(item instanceof Whole(long number))) {
        throw fault(
            "calls " + global.path() + " with " + describe(item) + ", expected a whole number");
      }
      numbers.add(number);
    }
    return numbers;
  }

  /// Requires metadata, where it is there, to say nothing: it would mean a conjugate or a negated
  /// view.
  private void requirePlain(TorchGlobal global, List<PickleValue> metadata) {
    for (PickleValue value : metadata) {
      if (value != Constant.NONE && !(value instanceof Dictionary said && said.items.isEmpty())) {
        throw fault("calls " + global.path() + " with metadata, which is not read");
      }
    }
  }

  private View requireView(TorchGlobal global, PickleValue value) {
    if (value instanceof View view) {
      return view;
    }
    throw fault("calls " + global.path() + " with " + describe(value) + ", expected a tensor");
  }

  private void requireCount(TorchGlobal global, List<PickleValue> given, int least, int most) {
    if (given.size() < least || given.size() > most) {
      throw fault(
          String.format(Locale.ROOT, "calls %s with %d arguments", global.path(), given.size()));
    }
  }

  /// The storage that a persistent id names: `("storage", type, key, location, elements)`.
  Storage storage(PickleValue id) {
    if (id instanceof Tuple(List<PickleValue> parts)
        && parts.size() == 5
        && parts.get(0) instanceof Text(String kind)
        && kind.equals("storage")
        && parts.get(2) instanceof Text(String key)
        && parts.get(3) instanceof Text
        && parts.get(4) instanceof Whole(long elements)) {
      if (!(parts.get(1) instanceof StorageType(DType type))) {
        throw cursor.fault(
            CheckpointFault.TORCH_DTYPE,
            "names " + describe(parts.get(1)) + " as the type of a storage",
            ArchiveFaults.DOWNLOAD);
      }
      return new Storage(type, key, elements);
    }
    throw cursor.malformed("names " + describe(id) + ", expected the five parts of a storage");
  }

  /// Requires attributes to be what a module's state dict carries beside its tensors: its
  /// `_metadata`, which no weight depends on. One entry at most, so that a pickle that sets the
  /// same million attributes again and again takes no time.
  void requireHarmless(PickleValue state, PickleValue object) {
    boolean harmless =
        object instanceof Dictionary
            && state instanceof Dictionary attributes
            && (attributes.items.isEmpty()
                || (attributes.items.size() == 1
                    && attributes.items.getFirst().key() instanceof Text(String key)
                    && key.equals(METADATA)));
    if (!harmless) {
      throw cursor.fault(
          CheckpointFault.PICKLE_ATTRIBUTES,
          String.format(
              Locale.ROOT,
              "sets attributes of %s by %s, expected %s of a state dict at most",
              describe(object),
              describe(state),
              METADATA),
          ArchiveFaults.DISTRUST);
    }
  }

  private CheckpointFormatException fault(String what) {
    return cursor.fault(CheckpointFault.PICKLE_CALL, what, ArchiveFaults.DISTRUST);
  }

  private static String describe(PickleValue value) {
    return switch (value) {
      case Constant constant -> constant.name().toLowerCase(Locale.ROOT);
      case Whole(long number) -> "the number " + number;
      case Text _ -> "a text";
      case Name(TorchGlobal global) -> global.path();
      case StorageType _ -> "a class of storages";
      case ElementType(DType dtype) -> "the element type " + dtype;
      case Storage _ -> "a storage";
      case View _ -> "a tensor";
      case Tuple(List<PickleValue> items) -> "a tuple of " + items.size();
      case Sequence list -> "a list of " + list.items.size();
      case Dictionary dictionary -> "a dictionary of " + dictionary.items.size();
    };
  }
}
