package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// Reads the arguments of opcodes; state: the place in the pickle. Nothing is allocated before it
/// is known to fit.
final class PickleCursor {
  private static final int MOST_NAME_BYTES = 512;

  private final ByteBuffer pickle;
  private final ArchiveFaults faults;
  private int opcodeAt;

  PickleCursor(byte[] pickle, ArchiveFaults faults) {
    this.pickle = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
    this.faults = faults;
  }

  /// The next opcode, of those that have a name.
  Opcode opcode() {
    opcodeAt = pickle.position();
    int code = unsignedByte();
    return Opcode.find(code)
        .orElseThrow(() ->
            fault(
                CheckpointFault.PICKLE_OPCODE,
                String.format(Locale.ROOT, "has the byte 0x%02x, which is no opcode", code),
                ArchiveFaults.DOWNLOAD));
  }

  int unsignedByte() {
    return Byte.toUnsignedInt(need(Byte.BYTES).get());
  }

  int unsignedShort() {
    return Short.toUnsignedInt(need(Short.BYTES).getShort());
  }

  int signedInt() {
    return need(Integer.BYTES).getInt();
  }

  long unsignedInt() {
    return Integer.toUnsignedLong(signedInt());
  }

  void skipDouble() {
    need(Double.BYTES).getDouble();
  }

  /// A little-endian number in two's complement, its length before it.
  long number() {
    int length = unsignedByte();
    if (length > Limits.NUMBER_BYTES) {
      throw limit(length, "bytes of a number", Limits.NUMBER_BYTES);
    }
    need(length);
    long value = 0;
    for (int i = 0; i < length; i++) {
      value |= Byte.toUnsignedLong(pickle.get()) << (Byte.SIZE * i);
    }
    int unused = Long.SIZE - Byte.SIZE * length;
    return length == 0 ? 0 : value << unused >> unused;
  }

  /// UTF-8 of so many bytes.
  String text(long length) {
    if (length > Limits.TEXT_BYTES) {
      throw limit(length, "bytes of a text", Limits.TEXT_BYTES);
    }
    ByteBuffer bytes = need(length).slice(pickle.position(), (int) length);
    pickle.position(pickle.position() + (int) length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw faults.of(
          CheckpointFault.PICKLE_MALFORMED,
          at() + "has a text that is not UTF-8",
          ArchiveFaults.DOWNLOAD,
          e);
    }
  }

  /// Characters up to a line's end.
  String line() {
    int start = pickle.position();
    while (unsignedByte() != '\n') {
      if (pickle.position() - start > MOST_NAME_BYTES) {
        throw limit(pickle.position() - start, "bytes of a name", MOST_NAME_BYTES);
      }
    }
    byte[] bytes = new byte[pickle.position() - 1 - start];
    pickle.get(start, bytes);
    return printable(new String(bytes, StandardCharsets.UTF_8));
  }

  /// Requires that nothing follows.
  void requireEnd() {
    if (pickle.hasRemaining()) {
      throw fault(
          CheckpointFault.PICKLE_CUT_SHORT,
          String.format(Locale.ROOT, "is followed by %,d bytes more", pickle.remaining()),
          ArchiveFaults.DOWNLOAD);
    }
  }

  /// Words of the archive that holds the pickle.
  ArchiveFaults faults() {
    return faults;
  }

  /// A fault of the opcode read last.
  CheckpointFormatException fault(CheckpointFault fault, String what, String remedy) {
    return faults.of(fault, at() + what, remedy);
  }

  /// A number past one of [Limits].
  CheckpointFormatException limit(long found, String what, long limit) {
    return fault(
        CheckpointFault.PICKLE_LIMIT,
        String.format(Locale.ROOT, "asks for %,d %s, expected at most %,d", found, what, limit),
        ArchiveFaults.DISTRUST);
  }

  /// The opcodes do not fit together.
  CheckpointFormatException malformed(String what) {
    return fault(CheckpointFault.PICKLE_MALFORMED, what, ArchiveFaults.DOWNLOAD);
  }

  private String at() {
    String name =
        opcodeAt < pickle.limit()
            ? Opcode.find(Byte.toUnsignedInt(pickle.get(opcodeAt)))
                .map(opcode -> opcode + " ")
                .orElse("")
            : "";
    return String.format(Locale.ROOT, "data.pkl: %sat byte %,d ", name, opcodeAt);
  }

  private ByteBuffer need(long bytes) {
    if (bytes > pickle.remaining()) {
      throw fault(
          CheckpointFault.PICKLE_CUT_SHORT,
          String.format(
              Locale.ROOT,
              "needs %,d bytes, but %,d are left, expected STOP at the end",
              bytes,
              pickle.remaining()),
          ArchiveFaults.DOWNLOAD);
    }
    return pickle;
  }

  private static String printable(String name) {
    return name.codePoints()
        .map(c -> Character.isISOControl(c) ? '?' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
