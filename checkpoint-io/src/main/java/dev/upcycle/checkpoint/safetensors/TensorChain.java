package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Collects the tensors of a header and requires that their data follow one another from 0 to the
/// end of the file, without a hole or an overlap.
final class TensorChain {
  private static final Comparator<PlacedTensor> BY_PLACE =
      Comparator.comparingLong(PlacedTensor::begin).thenComparingLong(PlacedTensor::end);

  private final SourceFile file;
  private final int headerBytes;
  private final HeaderFaults faults;
  private final List<PlacedTensor> tensors = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private long unclaimed;

  /// @param headerBytes length field and JSON
  TensorChain(SourceFile file, int headerBytes, HeaderFaults faults) {
    this.file = file;
    this.headerBytes = headerBytes;
    this.faults = faults;
    this.unclaimed = dataBytes();
  }

  void add(PlacedTensor tensor) {
    if (!names.add(tensor.name())) {
      throw faults.tensor(
          CheckpointFault.DUPLICATE_TENSOR, tensor.name(), "is twice in the header, expected once");
    }
    tensors.add(tensor);
    unclaimed -= tensor.bytes();
    // Fails before a hostile header of millions of aliases is held in memory.
    if (unclaimed < 0) {
      tensors.sort(BY_PLACE);
      throw findOverlap().orElseGet(() -> tooShort(tensors.getLast()));
    }
  }

  /// The tensors in the order of their data.
  List<TensorEntry> close() {
    tensors.sort(BY_PLACE);
    List<TensorEntry> entries = new ArrayList<>(tensors.size());
    long end = 0;
    for (PlacedTensor tensor : tensors) {
      if (tensor.begin() != end) {
        throw outOfChain(tensor, end);
      }
      end = tensor.end();
      entries.add(
          new TensorEntry(tensor.spec(), file.path(), Math.addExact(headerBytes, tensor.begin())));
    }
    if (end > dataBytes()) {
      throw tooShort(tensors.getLast());
    }
    if (end < dataBytes()) {
      throw faults.file(
          CheckpointFault.DATA_TOO_LONG,
          String.format(
              Locale.ROOT,
              "the tensors' data end at byte %,d, but the file has %,d bytes of data; the file is damaged: download it again",
              end,
              dataBytes()));
    }
    return entries;
  }

  private Optional<CheckpointFormatException> findOverlap() {
    long end = 0;
    for (PlacedTensor tensor : tensors) {
      if (tensor.begin() < end) {
        return Optional.of(outOfChain(tensor, end));
      }
      end = tensor.end();
    }
    return Optional.empty();
  }

  private CheckpointFormatException outOfChain(PlacedTensor tensor, long end) {
    CheckpointFault fault;
    if (tensor.begin() < end) {
      fault = CheckpointFault.OVERLAP;
    } else if (end == 0) {
      fault = CheckpointFault.FIRST_OFFSET_NOT_ZERO;
    } else {
      fault = CheckpointFault.HOLE;
    }
    return faults.tensor(
        fault,
        tensor.name(),
        String.format(
            Locale.ROOT,
            "begins at byte %,d of the data, expected %,d, where the tensor before it ends",
            tensor.begin(),
            end));
  }

  private CheckpointFormatException tooShort(PlacedTensor last) {
    return faults.file(
        CheckpointFault.DATA_TOO_SHORT,
        String.format(
            Locale.ROOT,
            "tensor '%s' ends at byte %,d of the data, but the file has %,d bytes of data; it is cut short: download it again",
            last.name(),
            last.end(),
            dataBytes()));
  }

  private long dataBytes() {
    return file.bytes() - headerBytes;
  }
}
