package dev.upcycle.dialect;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/// A tensor as the files of a family hold it, and the tensors by Hugging Face's names inside it.
///
/// All families but [ClipMoe] hold each tensor under the name that it has here.
///
/// @param spec name, dtype and shape in the file
/// @param pieces what lies in it, in the order of its bytes, without gaps
public record StoredTensor(TensorSpec spec, List<Piece> pieces) {
  /// Takes a copy.
  public StoredTensor {
    pieces = List.copyOf(pieces);
  }

  /// A tensor inside another one.
  ///
  /// @param name by Hugging Face
  /// @param offset bytes before it
  /// @param order of its elements
  public record Piece(String name, long offset, Order order) {
    /// What fills the piece, read in the order in which the piece holds it.
    public TensorEntry read(TensorEntry source) {
      return switch (order) {
        case ROWS -> source;
        case TRANSPOSED -> source.transposed();
      };
    }
  }

  /// In which order a file holds the elements.
  public enum Order {
    ROWS,
    TRANSPOSED
  }

  /// How the files of a family hold these tensors.
  ///
  /// @param tensors by Hugging Face's names, in state dict order
  /// @throws CheckpointFormatException when queries, keys and values of a layer, which lie in one
  ///   tensor there, differ in dtype
  public static List<StoredTensor> of(String modelType, List<TensorSpec> tensors) {
    if (!ClipMoe.is(modelType)) {
      return tensors.stream()
          .map(spec -> new StoredTensor(spec, List.of(new Piece(spec.name(), 0, Order.ROWS))))
          .toList();
    }
    Map<String, TensorSpec> specs =
        tensors.stream().collect(Collectors.toMap(TensorSpec::name, Function.identity()));
    Map<String, StoredTensor> stored = new LinkedHashMap<>();
    for (TensorSpec spec : tensors) {
      ClipMoeName name = ClipMoeName.of(spec.name());
      stored.computeIfAbsent(name.stored(), key -> of(name, specs));
    }
    return List.copyOf(stored.values());
  }

  private static StoredTensor of(ClipMoeName name, Map<String, TensorSpec> specs) {
    List<TensorSpec> parts = name.parts().stream().map(part -> require(part, specs)).toList();
    TensorSpec first = parts.getFirst();
    List<Long> sizes = new ArrayList<>(first.shape().dimensions());
    Order order = name.transposed() && sizes.size() == 2 ? Order.TRANSPOSED : Order.ROWS;
    if (order == Order.TRANSPOSED) {
      sizes = sizes.reversed();
    }
    if (parts.size() > 1) {
      requireAlike(name, parts);
      sizes.set(0, Math.multiplyExact(sizes.getFirst(), parts.size()));
    }
    List<Piece> pieces = new ArrayList<>();
    long offset = 0;
    for (TensorSpec part : parts) {
      pieces.add(new Piece(part.name(), offset, order));
      offset = Math.addExact(offset, part.bytes());
    }
    return new StoredTensor(new TensorSpec(name.stored(), first.dtype(), new Shape(sizes)), pieces);
  }

  private static TensorSpec require(String name, Map<String, TensorSpec> specs) {
    TensorSpec spec = specs.get(name);
    if (spec == null) {
      throw new IllegalArgumentException("no tensor " + name + " to stack");
    }
    return spec;
  }

  private static void requireAlike(ClipMoeName name, List<TensorSpec> parts) {
    List<String> dtypes = parts.stream().map(part -> part.dtype().toString()).distinct().toList();
    if (dtypes.size() > 1) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          name.stored()
              + " holds queries, keys and values, which the source stores as "
              + String.join(" and ", dtypes)
              + ", expected one dtype; --set output.dtype=f32 makes them one");
    }
  }
}
