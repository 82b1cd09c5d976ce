package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.WeightsChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;

/// The checksum that an archive keeps of one of its entries, and the bytes that it is of.
///
/// @param file the archive
/// @param entry its name there
/// @param offset where its first byte lies, from the start of the file
/// @param bytes how many there are
/// @param expected their CRC-32 by the archive's directory
public record StoredSum(Path file, String entry, long offset, long bytes, long expected) {
  private static final int WINDOW = 1 << 20;

  /// Those of an archive; none of entries for which the directory holds zero, as torch writes where
  /// it computes none.
  ///
  /// @throws CheckpointFormatException when the directory cannot be read
  public static List<StoredSum> of(Path archive) {
    return WeightsChannel.read(
        archive,
        "torch archive",
        channel ->
            ArchiveDirectory.read(channel, new ArchiveFaults(archive)).values().stream()
                .filter(member -> member.crc() != 0)
                .map(member ->
                    new StoredSum(
                        archive, member.name(), member.offset(), member.bytes(), member.crc()))
                .toList());
  }

  /// The checksum of the bytes as they are; reads them all, a window at a time.
  ///
  /// @throws CheckpointFormatException when they cannot be read
  public long actual() {
    return WeightsChannel.read(file, "torch archive", this::sum);
  }

  private long sum(FileChannel channel) throws IOException {
    CRC32 crc = new CRC32();
    ByteBuffer window = ByteBuffer.allocate(WINDOW);
    for (long done = 0; done < bytes; done += window.limit()) {
      window.clear().limit((int) Math.min(WINDOW, bytes - done));
      ArchiveDirectory.readFully(channel, window, offset + done);
      crc.update(window);
      window.flip();
    }
    return crc.getValue();
  }
}
