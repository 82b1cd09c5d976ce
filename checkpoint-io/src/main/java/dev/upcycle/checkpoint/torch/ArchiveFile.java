package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.WeightsChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/// Opens a torch archive: what kind it is, its directory, its pickle.
///
/// Checksums: torch computes them unless told not to, and then writes 0. Those of the small entries
/// are checked where they are not 0. Those of the storages are not, as in torch itself: that would
/// read the whole file before its first use.
final class ArchiveFile {
  private static final byte[] ZIP = {'P', 'K', 3, 4};
  private static final byte[] LEGACY =
      HexFormat.of().parseHex("80028a0a6cfc9c46f9206aa85019"); // PROTO 2, LONG1, magic number
  private static final byte[] TAR = "ustar".getBytes(StandardCharsets.US_ASCII);
  private static final int TAR_MAGIC_AT = 257;
  private static final Pattern PAGE =
      Pattern.compile("\\s*<(!doctype|html|head|\\?xml)", Pattern.CASE_INSENSITIVE);
  private static final String PICKLE = "data.pkl";
  private static final String BYTE_ORDER = "byteorder";

  private final Path file;
  private final FileChannel channel;
  private final ArchiveFaults faults;

  private ArchiveFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
    this.faults = new ArchiveFaults(file);
  }

  static TorchArchive read(Path file) {
    return WeightsChannel.read(
        file, "torch archive", channel -> new ArchiveFile(file, channel).read());
  }

  private TorchArchive read() throws IOException {
    requireZip();
    Map<String, Member> members = belowRoot(ArchiveDirectory.read(channel, faults));
    requireLittleEndian(members.get(BYTE_ORDER));
    Member entry = members.get(PICKLE);
    if (entry == null) {
      throw missing(PICKLE);
    }
    byte[] pickle = pickle(entry);
    StateDict state = StateDict.of(PickleReader.read(pickle, faults), faults);
    SourceFile source =
        new SourceFile(
            file, channel.size(), Files.getLastModifiedTime(file).toInstant(), Sha256.hex(pickle));
    return new TorchArchive(
        source, new TensorPlaces(file, members, faults).of(state), state.notes());
  }

  private void requireZip() throws IOException {
    byte[] start = new byte[(int) Math.min(channel.size(), TAR_MAGIC_AT + TAR.length)];
    ArchiveDirectory.readFully(channel, ByteBuffer.wrap(start), 0);
    boolean tar =
        start.length == TAR_MAGIC_AT + TAR.length
            && Arrays.equals(TAR, Arrays.copyOfRange(start, TAR_MAGIC_AT, start.length));
    if (tar || startsWith(start, LEGACY)) {
      throw faults.of(
          CheckpointFault.TORCH_LEGACY_FORMAT,
          "is in torch's format of before 1.6, which is not read",
          faults.resave());
    }
    if (pickle(start)) {
      throw faults.of(
          CheckpointFault.BARE_PICKLE,
          "is a bare pickle of Python, expected the zip archive that torch.save writes",
          "reading it means running it: ask its author for safetensors");
    }
    if (PAGE.matcher(new String(start, StandardCharsets.ISO_8859_1)).lookingAt()) {
      throw faults.of(
          CheckpointFault.WEB_PAGE,
          "is a web page, such as a login or an error, not weights",
          "download it again: its site may ask for a login or for its terms to be accepted");
    }
    if (!startsWith(start, ZIP)) {
      throw faults.of(
          CheckpointFault.NOT_A_TORCH_ARCHIVE,
          "does not begin as the zip archive that torch.save writes",
          ArchiveFaults.DOWNLOAD);
    }
  }

  /// Protocols 2 to 5 begin with their number.
  private static boolean pickle(byte[] start) {
    return start.length > 2 && start[0] == (byte) 0x80 && start[1] >= 2 && start[1] <= 5;
  }

  private static boolean startsWith(byte[] bytes, byte[] start) {
    return bytes.length >= start.length && Arrays.equals(start, Arrays.copyOf(bytes, start.length));
  }

  /// The entries by their names below the directory that holds `data.pkl`, whatever its name.
  private Map<String, Member> belowRoot(Map<String, Member> members) {
    List<String> roots =
        members.keySet().stream()
            .filter(
                name -> name.endsWith("/" + PICKLE) && name.indexOf('/') == name.lastIndexOf('/'))
            .map(name -> name.substring(0, name.indexOf('/') + 1))
            .toList();
    if (roots.size() != 1) {
      throw roots.isEmpty()
          ? missing(PICKLE)
          : faults.of(
              CheckpointFault.NOT_A_TORCH_ARCHIVE,
              String.format(
                  Locale.ROOT,
                  "holds data.pkl in %,d directories, such as %s",
                  roots.size(),
                  String.join(", ", roots.subList(0, 2))),
              ArchiveFaults.DOWNLOAD);
    }
    String root = roots.getFirst();
    Map<String, Member> below = new HashMap<>();
    members.forEach((name, member) -> {
      if (name.startsWith(root)) {
        below.put(name.substring(root.length()), member);
      }
    });
    return below;
  }

  private void requireLittleEndian(@Nullable Member member) throws IOException {
    if (member == null) {
      return;
    }
    String order =
        new String(bytes(member, Limits.SMALL_ENTRY_BYTES), StandardCharsets.UTF_8).strip();
    if (!order.equals("little")) {
      throw faults.of(
          CheckpointFault.BIG_ENDIAN,
          "stores its tensors in byte order '" + order + "', expected little",
          faults.resave());
    }
  }

  private byte[] pickle(Member member) throws IOException {
    return bytes(member, Limits.PICKLE_BYTES);
  }

  private byte[] bytes(Member member, int limit) throws IOException {
    if (member.bytes() > limit) {
      throw faults.of(
          CheckpointFault.PICKLE_TOO_LARGE,
          String.format(
              Locale.ROOT,
              "entry '%s' has %,d bytes, expected at most %,d",
              member.name(),
              member.bytes(),
              limit),
          ArchiveFaults.DISTRUST);
    }
    byte[] bytes = new byte[(int) member.bytes()];
    ArchiveDirectory.readFully(channel, ByteBuffer.wrap(bytes), member.offset());
    CRC32 crc = new CRC32();
    crc.update(bytes);
    if (member.crc() != 0 && member.crc() != crc.getValue()) {
      throw faults.of(
          CheckpointFault.WRONG_CRC,
          String.format(
              Locale.ROOT,
              "entry '%s' has the checksum %08x, but the directory gives %08x",
              member.name(),
              crc.getValue(),
              member.crc()),
          ArchiveFaults.DOWNLOAD);
    }
    return bytes;
  }

  private CheckpointFormatException missing(String name) {
    return faults.of(
        CheckpointFault.MISSING_ENTRY,
        "has no entry " + name + ", which torch.save always writes",
        "it is another kind of zip archive, or damaged: download it again");
  }
}
