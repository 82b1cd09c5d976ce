package dev.upcycle.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Random damage to a sound file is read or refused, never a surprise.
class MutatedHeaderTest {
  private static final int ROUNDS = 6000;
  private static final byte[] SOUND =
      SafetensorsBytes.of(
              "{\"__metadata__\":{\"format\":\"pt\"},"
                  + "\"é.\\u00e9\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                  + "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[16,22]},"
                  + "\"c\":{\"shape\":[0,7],\"extra\":[1,{}],\"dtype\":\"F4\",\"data_offsets\":[22,22]}}  ")
          .withData(22)
          .bytes();

  private static final byte[] TOKENS =
      "{}[]\",:0123456789-+.eE\\u\0\t \u00ff".getBytes(StandardCharsets.ISO_8859_1);

  @TempDir Path folder;

  @Test
  void damagedFileIsReadOrRefusedByName() throws IOException {
    Map<CheckpointFault, Integer> faults = new EnumMap<>(CheckpointFault.class);
    int accepted = 0;
    Path file = folder.resolve("damaged.safetensors");
    SplittableRandom random = new SplittableRandom(20_260_101);
    for (int round = 0; round < ROUNDS; round++) {
      Files.write(file, damaged(random));
      try {
        SafetensorsHeader.read(file);
        accepted++;
      } catch (CheckpointFormatException e) {
        faults.merge(e.fault(), 1, Integer::sum);
      }
    }
    assertThat(accepted).isPositive().isLessThan(ROUNDS);
    assertThat(faults.keySet()).hasSizeGreaterThan(15);
  }

  private static byte[] damaged(SplittableRandom random) {
    byte[] bytes = SOUND.clone();
    if (random.nextInt(8) == 0) {
      return Arrays.copyOf(bytes, random.nextInt(bytes.length + 4));
    }
    int flips = 1 + random.nextInt(3);
    for (int flip = 0; flip < flips; flip++) {
      int at = random.nextInt(4) == 0 ? random.nextInt(8) : random.nextInt(bytes.length);
      bytes[at] =
          random.nextBoolean()
              ? TOKENS[random.nextInt(TOKENS.length)]
              : (byte) (bytes[at] ^ 1 << random.nextInt(8));
    }
    return bytes;
  }
}
