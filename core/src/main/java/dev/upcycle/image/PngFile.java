package dev.upcycle.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

/// A PNG file taken apart, each chunk held against its checksum.
///
/// The colours' own chunks are all that the decoder is given, so that profiles, gamma, texts and
/// transparency, which Pillow's RGB leaves out too, can neither change a sample nor cost memory.
final class PngFile {
  /// What a sample or index stands for, and which bits per sample it may have, as a set: each
  /// allowed number is a power of two.
  enum Colours {
    GRAY(0, 1, 1 | 2 | 4 | 8),
    RGB(2, 3, 8 | 16),
    PALETTE(3, 1, 1 | 2 | 4 | 8),
    GRAY_ALPHA(4, 2, 8 | 16),
    RGBA(6, 4, 8 | 16);

    private final int code;
    private final int bands;
    private final int depths;

    Colours(int code, int bands, int depths) {
      this.code = code;
      this.bands = bands;
      this.depths = depths;
    }

    int bands() {
      return bands;
    }
  }

  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int FRAME = 12;
  private static final int IHDR = 13;
  private static final int GRAY_16 = 0x1000;

  private final String name;
  private final ByteArrayOutputStream essential = new ByteArrayOutputStream();
  private ByteBuffer header = ByteBuffer.allocate(0);
  private Colours colours = Colours.GRAY;
  private byte[] palette = {};
  private byte[] exif = {};
  private boolean pixels;

  private PngFile(String name) {
    this.name = name;
  }

  static boolean begins(byte[] bytes) {
    return bytes.length >= SIGNATURE.length
        && Arrays.equals(bytes, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length);
  }

  static PngFile parse(byte[] bytes, String name) {
    PngFile file = new PngFile(name);
    file.essential.writeBytes(SIGNATURE);
    int at = SIGNATURE.length;
    while (at >= 0) {
      at = file.readChunk(bytes, at);
    }
    if (!file.pixels) {
      throw file.corrupt("it has no picture data (IDAT)");
    }
    if (file.colours == Colours.PALETTE && file.palette.length == 0) {
      throw file.corrupt("it has no palette (PLTE)");
    }
    return file;
  }

  String name() {
    return name;
  }

  long width() {
    return Integer.toUnsignedLong(header.getInt(0));
  }

  long height() {
    return Integer.toUnsignedLong(header.getInt(4));
  }

  int depth() {
    return header.get(8);
  }

  Colours colours() {
    return colours;
  }

  /// Red, green and blue of each entry.
  byte[] palette() {
    return palette;
  }

  /// The TIFF structure of the last `eXIf` chunk; empty when there is none.
  byte[] exif() {
    return exif;
  }

  /// A PNG of the same samples without anything else.
  byte[] essential() {
    return essential.toByteArray();
  }

  ImageException corrupt(String what) {
    return new ImageException(
        name + ": a corrupt PNG: " + what + "; copy or download the file again");
  }

  /// Reads the chunk here; gives where the next begins, or -1 after the last.
  private int readChunk(byte[] bytes, int start) {
    if (bytes.length - start < FRAME) {
      throw corrupt("it ends early, without its last chunk (IEND)");
    }
    ByteBuffer chunks = ByteBuffer.wrap(bytes);
    long length = Integer.toUnsignedLong(chunks.getInt(start));
    String type = new String(bytes, start + 4, 4, StandardCharsets.ISO_8859_1);
    if (length > bytes.length - start - FRAME) {
      throw corrupt(
          "chunk "
              + printable(type)
              + " at byte "
              + start
              + " has "
              + length
              + " bytes, but the file ends early");
    }
    int end = start + FRAME + (int) length;
    CRC32 crc = new CRC32();
    crc.update(bytes, start + 4, (int) length + 4);
    if ((int) crc.getValue() != chunks.getInt(end - 4)) {
      throw corrupt("the checksum of chunk " + printable(type) + " at byte " + start + " is wrong");
    }
    return take(type, Arrays.copyOfRange(bytes, start, end)) ? end : -1;
  }

  /// Keeps what counts; false at the end.
  private boolean take(String type, byte[] chunk) {
    if (header.capacity() == 0 && !type.equals("IHDR")) {
      throw corrupt("its first chunk is " + printable(type) + ", expected IHDR");
    }
    byte[] data = Arrays.copyOfRange(chunk, 8, chunk.length - 4);
    switch (type) {
      case "IHDR" -> readHeader(data);
      case "PLTE" -> readPalette(data);
      case "IDAT" -> pixels = true;
      case "eXIf" -> exif = data;
      case "IEND" -> {
        essential.writeBytes(chunk);
        return false;
      }
      default -> {
        if (Character.isUpperCase(type.charAt(0))) {
          throw corrupt("chunk " + printable(type) + " is essential and not known");
        }
        return true;
      }
    }
    if (!type.equals("eXIf")) {
      essential.writeBytes(chunk);
    }
    return true;
  }

  private void readHeader(byte[] data) {
    if (header.capacity() != 0 || data.length != IHDR) {
      throw corrupt("its IHDR comes twice or is not 13 bytes long");
    }
    header = ByteBuffer.wrap(data);
    if (((depth() << 8) | data[9]) == GRAY_16) {
      throw new ImageException(
          name
              + ": a 16-bit gray PNG, which is not read, since Pillow's RGB makes all but its"
              + " darkest values white; save it with 8 bits");
    }
    colours =
        Arrays.stream(Colours.values())
            .filter(each -> each.code == data[9])
            .filter(each -> Integer.bitCount(depth()) == 1 && (each.depths & depth()) != 0)
            .findFirst()
            .orElseThrow(() -> corrupt("colour type " + data[9] + " of " + depth() + " bits"));
  }

  private void readPalette(byte[] data) {
    if (palette.length != 0 || data.length == 0 || data.length > 768 || data.length % 3 != 0) {
      throw corrupt("its palette comes twice or has " + data.length + " bytes");
    }
    palette = data;
  }

  private static String printable(String type) {
    return type.replaceAll("[^A-Za-z]", "?");
  }
}
