package dev.upcycle.sample;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorTemplate;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.OptionalInt;
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

  /// Puts one expert's gate projection in the place of its up projection, and the reverse.
  static Set<String> swapGateAndUp(Checkpoint target) {
    TensorEntry gate = expert(target, Role.EXPERT_GATE);
    TensorEntry up = expert(target, Role.EXPERT_UP);
    byte[] gateBytes = read(gate);
    write(gate, read(up));
    write(up, gateBytes);
    return Set.of(gate.name(), up.name());
  }

  private static TensorEntry expert(Checkpoint target, Role role) {
    Architecture family = Architecture.require(target.config().modelType());
    TensorTemplate template = family.template(role);
    return target.require(template.name(OptionalInt.of(0), OptionalInt.of(0)));
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
