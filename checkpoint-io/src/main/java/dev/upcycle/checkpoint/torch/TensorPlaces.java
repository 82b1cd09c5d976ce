package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.torch.PickleValue.Storage;
import dev.upcycle.checkpoint.torch.PickleValue.View;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Where in the file each tensor lies: its storage's entry, its offset, its strides; requires that
/// it stays within its storage and that no two of its elements are the same bytes.
final class TensorPlaces {
  private final Path file;
  private final Map<String, Member> members;
  private final ArchiveFaults faults;

  /// @param members by their names below the archive's root
  TensorPlaces(Path file, Map<String, Member> members, ArchiveFaults faults) {
    this.file = file;
    this.members = members;
    this.faults = faults;
  }

  /// The tensors in the order of their data.
  List<TensorEntry> of(StateDict state) {
    List<TensorEntry> entries = new ArrayList<>();
    state.tensors().forEach((name, view) -> entries.add(entry(name, view)));
    entries.sort(Comparator.comparingLong(TensorEntry::offset));
    return entries;
  }

  private TensorEntry entry(String name, View view) {
    try {
      requireNumbers(name, view);
      Shape shape = new Shape(view.sizes());
      TensorSpec spec = new TensorSpec(name, view.dtype(), shape);
      Member member = member(name, view.storage());
      if (shape.elements() == 0) {
        return new TensorEntry(spec, file, member.offset());
      }
      requireApart(name, view);
      long first = Math.multiplyExact(view.offset(), (long) view.dtype().bits() / Byte.SIZE);
      TensorEntry entry =
          new TensorEntry(spec, file, Math.addExact(member.offset(), first), view.strides());
      if (entry.extent() > member.bytes() - first) {
        throw outside(name, view, member);
      }
      return entry;
    } catch (ArithmeticException e) {
      throw fault(
          CheckpointFault.SIZE_OVERFLOW,
          name,
          String.format(
              Locale.ROOT,
              "is %s of %s by strides %s, expected a size that can be counted in 64 bits",
              view.sizes(),
              view.dtype(),
              view.strides()));
    }
  }

  private void requireNumbers(String name, View view) {
    boolean sound =
        view.offset() >= 0
            && view.sizes().size() == view.strides().size()
            && view.sizes().stream().allMatch(size -> size >= 0)
            && view.strides().stream().allMatch(stride -> stride >= 0);
    if (!sound) {
      throw fault(
          CheckpointFault.BAD_VIEW,
          name,
          String.format(
              Locale.ROOT,
              "has the offset %d, sizes %s and strides %s, expected none below zero and a stride for each size",
              view.offset(),
              view.sizes(),
              view.strides()));
    }
  }

  private Member member(String name, Storage storage) {
    Member member = members.get("data/" + storage.key());
    if (member == null) {
      throw fault(
          CheckpointFault.MISSING_ENTRY,
          name,
          "lies in the storage '" + storage.key() + "', which the archive lacks");
    }
    long bytes = Math.multiplyExact(storage.elements(), (long) bytes(storage.type()));
    if (bytes != member.bytes()) {
      throw fault(
          CheckpointFault.STORAGE_SIZE,
          name,
          String.format(
              Locale.ROOT,
              "lies in the storage '%s' of %d elements of %s, expected %,d bytes, but the archive has %,d",
              storage.key(),
              storage.elements(),
              storage.type(),
              bytes,
              member.bytes()));
    }
    return member;
  }

  private static int bytes(DType dtype) {
    return dtype.bits() / Byte.SIZE;
  }

  /// Requires that along ever larger strides each step passes all that the smaller ones reach.
  private void requireApart(String name, View view) {
    List<Integer> axes = new ArrayList<>();
    for (int axis = 0; axis < view.sizes().size(); axis++) {
      if (view.sizes().get(axis) > 1) {
        axes.add(axis);
      }
    }
    axes.sort(Comparator.comparing(axis -> view.strides().get(axis)));
    long reached = 0;
    for (int axis : axes) {
      long stride = view.strides().get(axis);
      if (stride <= reached) {
        throw fault(
            CheckpointFault.OVERLAPPING_VIEW,
            name,
            String.format(
                Locale.ROOT,
                "has sizes %s and strides %s, by which elements share bytes, expected each to have its own",
                view.sizes(),
                view.strides()),
            "an expanded tensor: save it after .contiguous()");
      }
      reached = Math.addExact(reached, Math.multiplyExact(view.sizes().get(axis) - 1, stride));
    }
  }

  private CheckpointFormatException outside(String name, View view, Member member) {
    return fault(
        CheckpointFault.VIEW_OUTSIDE_STORAGE,
        name,
        String.format(
            Locale.ROOT,
            "is %s by strides %s of %s from element %d on, which passes the %,d bytes of its storage '%s'",
            view.sizes(),
            view.strides(),
            view.dtype(),
            view.offset(),
            member.bytes(),
            view.storage().key()));
  }

  private CheckpointFormatException fault(CheckpointFault fault, String name, String what) {
    return fault(fault, name, what, ArchiveFaults.DOWNLOAD);
  }

  private CheckpointFormatException fault(
      CheckpointFault fault, String name, String what, String remedy) {
    return faults.of(fault, "tensor '" + name + "' " + what, remedy);
  }
}
