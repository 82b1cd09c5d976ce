package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Which tokens of a batch are of which modality; computed once and used by every layer.
///
/// @param groups indices of each modality's tokens, ascending
/// @param places where each token is when the groups stand one after the other, `[T]`
public record ModalityIndex(List<Tensor> groups, Tensor places) {
  /// Keeps the groups as they are.
  public ModalityIndex {
    groups = List.copyOf(groups);
  }

  /// From each token's modality.
  ///
  /// @param modalities each from 0 to `count - 1`
  /// @throws KernelException when a number is outside that range
  public static ModalityIndex of(int[] modalities, int count, Device device) {
    List<Tensor> groups = new ArrayList<>(count);
    long[] places = new long[modalities.length];
    int next = 0;
    for (int modality = 0; modality < count; modality++) {
      int wanted = modality;
      int[] members =
          IntStream.range(0, modalities.length).filter(i -> modalities[i] == wanted).toArray();
      for (int member : members) {
        places[member] = next++;
      }
      groups.add(Tensors.of(Arrays.stream(members).asLongStream().toArray()).send(device));
    }
    if (next != modalities.length) {
      throw new KernelException(
          "%d of %d tokens have a modality outside 0 … %d"
              .formatted(modalities.length - next, modalities.length, count - 1));
    }
    return new ModalityIndex(groups, Tensors.of(places).send(device));
  }
}
