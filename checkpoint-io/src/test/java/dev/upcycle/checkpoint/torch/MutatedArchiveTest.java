package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Random damage to what torch wrote is read or refused, never a surprise; what is read lies within
/// the file.
class MutatedArchiveTest {
  private static final int ROUNDS = 6000;
  private static final byte[] OPCODES =
      "(.cRbQNJKMGX)t]aeu}shjqr0123o\0\n\u0080\u0085\u0086\u0087\u0088\u008a\u0081\u00ff"
          .getBytes(StandardCharsets.ISO_8859_1);
  private static final byte[] DIRECTORY_NAME = "/data.pkl".getBytes(StandardCharsets.US_ASCII);
  private static final int CRC_BEFORE_NAME = 46 - 16;

  @TempDir Path folder;

  @Test
  void damagedArchiveIsReadOrRefusedByName() throws IOException {
    List<byte[]> sound = new ArrayList<>();
    for (Path file : TorchResources.archives("golden")) {
      sound.add(withoutChecksum(Files.readAllBytes(file)));
    }
    Map<CheckpointFault, Integer> faults = new EnumMap<>(CheckpointFault.class);
    int accepted = 0;
    Path file = folder.resolve("damaged.bin");
    SplittableRandom random = new SplittableRandom(20_261_123);
    for (int round = 0; round < ROUNDS; round++) {
      Files.write(file, damaged(sound.get(random.nextInt(sound.size())), random));
      try {
        TorchArchive.read(file).tensors().forEach(MutatedArchiveTest::readWhole);
        accepted++;
      } catch (CheckpointFormatException e) {
        faults.merge(e.fault(), 1, Integer::sum);
      }
    }
    assertThat(accepted).isPositive().isLessThan(ROUNDS);
    assertThat(faults.keySet()).hasSizeGreaterThan(15);
  }

  private static void readWhole(TensorEntry entry) {
    if (entry.bytes() > 0) {
      try (GatheredTensor tensor = GatheredTensor.open(entry)) {
        tensor.read(0, ByteBuffer.allocate((int) entry.bytes()));
      }
    }
  }

  /// The archive with no checksum of its pickle, so that damage reaches the pickle's reader.
  private static byte[] withoutChecksum(byte[] archive) {
    byte[] bytes = archive.clone();
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    int name = text.lastIndexOf(new String(DIRECTORY_NAME, StandardCharsets.US_ASCII));
    int start = text.lastIndexOf("PK\1\2", name);
    assertThat(name - start).isGreaterThanOrEqualTo(46);
    Arrays.fill(bytes, start + 46 - CRC_BEFORE_NAME, start + 46 - CRC_BEFORE_NAME + 4, (byte) 0);
    return bytes;
  }

  private static byte[] damaged(byte[] sound, SplittableRandom random) {
    byte[] bytes = sound.clone();
    if (random.nextInt(12) == 0) {
      return Arrays.copyOf(bytes, random.nextInt(bytes.length + 4));
    }
    int pickleEnd = Math.min(bytes.length, 1_500);
    int directory = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("PK\1\2");
    int flips = 1 + random.nextInt(3);
    for (int flip = 0; flip < flips; flip++) {
      int at =
          random.nextInt(3) == 0
              ? directory + random.nextInt(bytes.length - directory)
              : random.nextInt(pickleEnd);
      bytes[at] =
          random.nextBoolean()
              ? OPCODES[random.nextInt(OPCODES.length)]
              : (byte) (bytes[at] ^ 1 << random.nextInt(8));
    }
    return bytes;
  }
}
