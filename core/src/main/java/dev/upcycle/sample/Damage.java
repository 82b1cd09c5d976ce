package dev.upcycle.sample;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.Set;

/// Something done to a checkpoint's bytes that verification must catch.
@FunctionalInterface
interface Damage {
  /// Does it, and names the tensors that are wrong from then on.
  Set<String> inflict(Checkpoint target);

  /// Flips the lowest bit of a byte in the middle of one expert's down projection.
  static Set<String> flipByte(Checkpoint target) {
    TensorEntry victim = expert(target, Role.EXPERT_DOWN);
    try (RandomAccessFile file = new RandomAccessFile(victim.file().toFile(), "rw")) {
      long position = victim.offset() + victim.bytes() / 2;
      file.seek(position);
      int before = file.read();
      file.seek(position);
      file.write(before ^ 1);
    } catch (IOException e) {
      throw new ResourceException("cannot damage the copy: " + e.getMessage(), e);
    }
    return Set.of(victim.name());
  }

  /// Puts one expert's first matrix in the place of its second, and the reverse: gate and up, or up
  /// and down where there is no gate.
  static Set<String> swapMatrices(Checkpoint target) {
    boolean gated = experts(target).family().has(Role.EXPERT_GATE);
    TensorEntry first = expert(target, gated ? Role.EXPERT_GATE : Role.EXPERT_UP);
    TensorEntry second = expert(target, gated ? Role.EXPERT_UP : Role.EXPERT_DOWN);
    byte[] bytes = read(first);
    write(first, read(second));
    write(second, bytes);
    return Set.of(first.name(), second.name());
  }

  private static ModelPart experts(Checkpoint target) {
    return Composition.written(target.config(), target.tensors().keySet()).parts().stream()
        .filter(part -> part.family().mixtureOfExperts())
        .findFirst()
        .orElseThrow();
  }

  /// The first tensor of a role.
  private static TensorEntry expert(Checkpoint target, Role role) {
    return experts(target).slots().stream()
        .filter(slot -> slot.role() == role)
        .findFirst()
        .map(slot -> target.require(slot.name()))
        .orElseThrow();
  }

  private static byte[] read(TensorEntry tensor) {
    try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "r")) {
      byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
      file.seek(tensor.offset());
      file.readFully(bytes);
      return bytes;
    } catch (IOException e) {
      throw new ResourceException("cannot damage the copy: " + e.getMessage(), e);
    }
  }

  private static void write(TensorEntry tensor, byte[] bytes) {
    try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "rw")) {
      file.seek(tensor.offset());
      file.write(bytes);
    } catch (IOException e) {
      throw new ResourceException("cannot damage the copy: " + e.getMessage(), e);
    }
  }
}
