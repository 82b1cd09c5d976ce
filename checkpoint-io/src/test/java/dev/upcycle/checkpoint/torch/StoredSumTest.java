package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The checksums that an archive keeps of its entries.
class StoredSumTest {
  private static final byte[] STORAGE = "sixteen bytes of".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;

  private Path archive() throws IOException {
    Path file = folder.resolve("model.bin");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      ZipEntry entry = new ZipEntry("archive/data/0");
      CRC32 crc = new CRC32();
      crc.update(STORAGE);
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(STORAGE.length);
      entry.setCrc(crc.getValue());
      zip.putNextEntry(entry);
      zip.write(STORAGE);
      zip.closeEntry();
    }
    return file;
  }

  @Test
  void theSumOfSoundBytesAgrees() throws IOException {
    assertThat(StoredSum.of(archive()))
        .singleElement()
        .satisfies(sum -> {
          assertThat(sum.entry()).isEqualTo("archive/data/0");
          assertThat(sum.bytes()).isEqualTo(STORAGE.length);
          assertThat(sum.actual()).isEqualTo(sum.expected());
        });
  }

  @Test
  void theSumOfAChangedByteDoesNot() throws IOException {
    Path file = archive();
    List<StoredSum> sums = StoredSum.of(file);
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) sums.getFirst().offset() + 3] ^= 1;
    Files.write(file, bytes);

    assertThat(sums.getFirst().actual()).isNotEqualTo(sums.getFirst().expected());
  }

  @Test
  void anEntryWithoutASumIsPassedOver() throws IOException {
    Path file = archive();
    byte[] bytes = Files.readAllBytes(file);
    int directory = indexOf(bytes, new byte[] {'P', 'K', 1, 2});
    for (int at = directory + 16; at < directory + 20; at++) {
      bytes[at] = 0;
    }
    Files.write(file, bytes);

    assertThat(StoredSum.of(file)).isEmpty();
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int i = 0; i + wanted.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
        return i;
      }
    }
    throw new IllegalStateException("no directory");
  }
}
