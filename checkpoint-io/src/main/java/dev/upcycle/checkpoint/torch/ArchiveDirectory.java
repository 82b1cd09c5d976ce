package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/// Reads the directory of a zip archive and requires that every entry is stored, alone in its
/// bytes, and within the file.
final class ArchiveDirectory {
  private static final Pattern SCRIPT = Pattern.compile("[^/]*/(constants\\.pkl|code/.*)");
  private static final int LOCAL_HEADER_BYTES = 30;
  private static final int LOCAL_SIGNATURE = 0x04034b50;
  private static final int NAME_LENGTH_AT = 26;
  private static final int EXTRA_LENGTH_AT = 28;

  private final FileChannel channel;
  private final ArchiveFaults faults;

  private ArchiveDirectory(FileChannel channel, ArchiveFaults faults) {
    this.channel = channel;
    this.faults = faults;
  }

  /// The entries by their whole names.
  static Map<String, Member> read(FileChannel channel, ArchiveFaults faults) throws IOException {
    return new ArchiveDirectory(channel, faults).members();
  }

  private Map<String, Member> members() throws IOException {
    Map<String, Member> members = new LinkedHashMap<>();
    List<ZipArchiveEntry> entries = entries();
    requireNoScript(entries);
    for (ZipArchiveEntry entry : entries) {
      requireName(entry);
      if (members.put(entry.getName(), member(entry)) != null) {
        throw entryFault(CheckpointFault.DUPLICATE_ENTRY, entry, "comes twice");
      }
    }
    requireApart(members);
    return members;
  }

  private List<ZipArchiveEntry> entries() {
    BoundedChannel bounded = new BoundedChannel(channel, Limits.DIRECTORY_BYTES);
    List<ZipArchiveEntry> entries;
    try (ZipFile zip =
        ZipFile.builder().setSeekableByteChannel(bounded).setIgnoreLocalFileHeader(true).get()) {
      entries = Collections.list(zip.getEntries());
    } catch (IOException | RuntimeException e) {
      // The library meets some malformed fields with unchecked exceptions.
      throw unreadable(e);
    }
    if (entries.size() > Limits.ENTRIES) {
      throw faults.of(
          CheckpointFault.ARCHIVE_TOO_LARGE,
          String.format(
              Locale.ROOT,
              "the archive has %,d entries, expected at most %,d",
              entries.size(),
              Limits.ENTRIES),
          ArchiveFaults.DISTRUST);
    }
    return entries;
  }

  private CheckpointFormatException unreadable(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof BoundedChannel.Exhausted) {
        return faults.of(
            CheckpointFault.ARCHIVE_TOO_LARGE,
            String.format(
                Locale.ROOT,
                "the archive's directory is larger than %,d bytes",
                Limits.DIRECTORY_BYTES),
            ArchiveFaults.DISTRUST,
            failure);
      }
    }
    return faults.of(
        CheckpointFault.BAD_ARCHIVE_DIRECTORY,
        "the archive's directory cannot be read (" + failure.getMessage() + ")",
        ArchiveFaults.DOWNLOAD,
        failure);
  }

  /// A program may be compressed, so this comes before what is asked of single entries.
  private void requireNoScript(List<ZipArchiveEntry> entries) {
    if (entries.stream().anyMatch(entry -> SCRIPT.matcher(entry.getName()).matches())) {
      throw faults.of(
          CheckpointFault.TORCH_SCRIPT,
          "is a TorchScript program, expected weights alone",
          faults.resaveScript());
    }
  }

  /// No entry is ever unpacked; a name that leads elsewhere shows that torch did not write it.
  private void requireName(ZipArchiveEntry entry) {
    String name = entry.getName();
    boolean plain =
        !name.isEmpty()
            && name.chars().noneMatch(c -> c < ' ' || c == '\\' || c == ':')
            && Arrays.stream(name.split("/", -1))
                .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
    if (!plain) {
      throw entryFault(
          CheckpointFault.BAD_ENTRY_NAME, entry, "has a name that leads out of the archive");
    }
  }

  private Member member(ZipArchiveEntry entry) throws IOException {
    if (entry.getMethod() != ZipArchiveEntry.STORED
        || entry.getSize() != entry.getCompressedSize()
        || entry.getGeneralPurposeBit().usesEncryption()) {
      throw faults.of(
          CheckpointFault.ENTRY_NOT_STORED,
          String.format(
              Locale.ROOT,
              "entry '%s' is compressed or encrypted (method %d, %,d bytes of %,d), expected it stored as torch.save does",
              entry.getName(),
              entry.getMethod(),
              entry.getCompressedSize(),
              entry.getSize()),
          faults.resave());
    }
    long header = entry.getLocalHeaderOffset();
    long offset = dataOffset(entry, header);
    if (entry.getSize() < 0 || entry.getSize() > channel.size() - offset) {
      throw entryFault(
          CheckpointFault.BAD_ENTRY,
          entry,
          String.format(
              Locale.ROOT,
              "has %,d bytes at %,d, past the end of the file",
              entry.getSize(),
              offset));
    }
    return new Member(entry.getName(), header, offset, entry.getSize(), entry.getCrc());
  }

  /// Where the data begins: after the local header, whose name must be the directory's.
  private long dataOffset(ZipArchiveEntry entry, long header) throws IOException {
    byte[] expected = entry.getRawName();
    ByteBuffer local =
        ByteBuffer.allocate(LOCAL_HEADER_BYTES + expected.length).order(ByteOrder.LITTLE_ENDIAN);
    if (header < 0 || header > channel.size() - local.capacity()) {
      throw badHeader(entry, header);
    }
    readFully(channel, local, header);
    int nameBytes = Short.toUnsignedInt(local.getShort(NAME_LENGTH_AT));
    boolean agrees =
        local.getInt(0) == LOCAL_SIGNATURE
            && nameBytes == expected.length
            && Arrays.equals(
                expected, Arrays.copyOfRange(local.array(), LOCAL_HEADER_BYTES, local.capacity()));
    if (!agrees) {
      throw badHeader(entry, header);
    }
    int extraBytes = Short.toUnsignedInt(local.getShort(EXTRA_LENGTH_AT));
    long offset = header + local.capacity() + extraBytes;
    if (offset > channel.size()) {
      throw badHeader(entry, header);
    }
    return offset;
  }

  private CheckpointFormatException badHeader(ZipArchiveEntry entry, long header) {
    return entryFault(
        CheckpointFault.BAD_ENTRY,
        entry,
        String.format(Locale.ROOT, "has no header of that name at byte %,d", header));
  }

  private void requireApart(Map<String, Member> members) {
    List<Member> sorted = new ArrayList<>(members.values());
    sorted.sort(Comparator.comparingLong(Member::header));
    for (int i = 1; i < sorted.size(); i++) {
      Member before = sorted.get(i - 1);
      Member after = sorted.get(i);
      if (after.header() < before.end()) {
        throw faults.of(
            CheckpointFault.OVERLAPPING_ENTRIES,
            String.format(
                Locale.ROOT,
                "the bytes of the entries '%s' and '%s' overlap",
                before.name(),
                after.name()),
            ArchiveFaults.DISTRUST);
      }
    }
  }

  private CheckpointFormatException entryFault(
      CheckpointFault fault, ZipArchiveEntry entry, String what) {
    String name =
        entry
            .getName()
            .codePoints()
            .map(c -> Character.isISOControl(c) ? '?' : c)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return faults.of(fault, "entry '" + name + "' " + what, ArchiveFaults.DOWNLOAD);
  }

  /// Fills the buffer from this byte of the file on.
  static void readFully(FileChannel channel, ByteBuffer into, long from) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into, from + into.position()) < 0) {
        throw new IOException("the file became shorter while it was read");
      }
    }
    into.flip();
  }
}
