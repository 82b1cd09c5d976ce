package dev.upcycle.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A JPEG file's header taken apart.
///
/// Which colours the components are is decided here, by libjpeg's rules, since the JDK's decoder
/// has others of its own. What it is given holds no application segments and no comments, so that
/// profiles and thumbnails can neither change a sample nor fail.
final class JpegFile {
  /// What the components are.
  enum Colours {
    GRAY,
    RGB,
    YCC,
    CMYK,
    YCCK
  }

  /// One component of the frame.
  ///
  /// @param id its number in the file
  /// @param horizontal how many samples beside one another its unit has
  /// @param vertical how many below one another
  record Component(int id, int horizontal, int vertical) {}

  private static final int SOS = 0xda;
  private static final int EOI = 0xd9;
  private static final int APP0 = 0xe0;
  private static final int APP1 = 0xe1;
  private static final int APP14 = 0xee;
  private static final int APP15 = 0xef;
  private static final int COM = 0xfe;
  private static final int NO_ADOBE = -1;
  private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.ISO_8859_1);
  private static final byte[] JFIF = "JFIF\0".getBytes(StandardCharsets.ISO_8859_1);
  private static final byte[] ADOBE = "Adobe".getBytes(StandardCharsets.ISO_8859_1);

  private final String name;
  private final byte[] bytes;
  private final ByteArrayOutputStream essential = new ByteArrayOutputStream();
  private final List<Component> components = new ArrayList<>();
  private int width;
  private int height;
  private int adobe = NO_ADOBE;
  private boolean jfif;
  private byte[] exif = {};

  private JpegFile(byte[] bytes, String name) {
    this.bytes = bytes;
    this.name = name;
  }

  static boolean begins(byte[] bytes) {
    return bytes.length >= 3
        && (bytes[0] & 0xff) == 0xff
        && (bytes[1] & 0xff) == 0xd8
        && (bytes[2] & 0xff) == 0xff;
  }

  static JpegFile parse(byte[] bytes, String name) {
    JpegFile file = new JpegFile(bytes, name);
    file.essential.write(bytes, 0, 2);
    int at = 2;
    while (at >= 0) {
      at = file.segment(at);
    }
    return file;
  }

  String name() {
    return name;
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  List<Component> components() {
    return components;
  }

  /// The TIFF structure of the first Exif segment; empty when there is none.
  byte[] exif() {
    return exif;
  }

  /// A JPEG of the same samples without application segments and comments.
  byte[] essential() {
    return essential.toByteArray();
  }

  /// libjpeg's rules: a JFIF mark wins, then Adobe's, then the components' numbers.
  Colours colours() {
    return switch (components.size()) {
      case 1 -> Colours.GRAY;
      case 4 -> adobe == NO_ADOBE || adobe == 0 ? Colours.CMYK : Colours.YCCK;
      default -> isRgb() ? Colours.RGB : Colours.YCC;
    };
  }

  private boolean isRgb() {
    if (jfif) {
      return false;
    }
    if (adobe != NO_ADOBE) {
      return adobe == 0;
    }
    return components.stream()
        .map(Component::id)
        .toList()
        .equals(List.of((int) 'R', (int) 'G', (int) 'B'));
  }

  ImageException corrupt(String what) {
    return new ImageException(
        name + ": a corrupt JPEG: " + what + "; copy or download the file again");
  }

  private ImageException unsupported(String what) {
    return new ImageException(
        name + ": " + what + ", which is not read; save it as a baseline or progressive JPEG");
  }

  /// Reads the segment here; gives where the next begins, or -1 when the picture data follow.
  private int segment(int from) {
    int at = from;
    while (at < bytes.length && (bytes[at] & 0xff) != 0xff) {
      at++; // libjpeg steps over stray bytes, with a warning that nobody minds
    }
    while (at < bytes.length && (bytes[at] & 0xff) == 0xff) {
      at++;
    }
    if (at + 2 >= bytes.length) {
      throw corrupt("it ends before its picture data");
    }
    int marker = bytes[at] & 0xff;
    if (marker == EOI) {
      throw corrupt("it has no picture data");
    }
    if (marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      return at + 1;
    }
    int end = at + 1 + word(at + 1);
    if (end < at + 3 || end > bytes.length) {
      throw corrupt("the segment at byte " + (at - 1) + " passes the end of the file");
    }
    return take(marker, at + 1, end);
  }

  private int take(int marker, int start, int end) {
    if ((marker >= APP0 && marker <= APP15) || marker == COM) {
      application(marker, start + 2, end);
      return end;
    }
    if (isFrame(marker)) {
      frame(marker, start, end);
    }
    essential.write(0xff);
    essential.write(marker);
    if (marker != SOS) {
      essential.write(bytes, start, end - start);
      return end;
    }
    if (components.isEmpty()) {
      throw corrupt("its picture data come before its frame header");
    }
    requireEnd(end);
    essential.write(bytes, start, bytes.length - start);
    return -1;
  }

  /// libjpeg fills up what is missing and goes on; Pillow refuses such a file, and so does this.
  /// Inside the coded data a byte of 0xff is always followed by 0, so the end mark is unmistakable.
  private void requireEnd(int from) {
    for (int at = from; at + 1 < bytes.length; at++) {
      if ((bytes[at] & 0xff) == 0xff && (bytes[at + 1] & 0xff) == EOI) {
        return;
      }
    }
    throw corrupt("it ends early, without its end mark (EOI)");
  }

  private void application(int marker, int start, int end) {
    if (marker == APP0 && starts(JFIF, start, end)) {
      jfif = true;
    } else if (marker == APP14 && starts(ADOBE, start, end) && end - start >= 12) {
      adobe = bytes[start + 11] & 0xff;
    } else if (marker == APP1 && starts(EXIF, start, end) && exif.length == 0) {
      exif = Arrays.copyOfRange(bytes, start + EXIF.length, end);
    }
  }

  private boolean starts(byte[] mark, int start, int end) {
    return end - start >= mark.length
        && Arrays.equals(bytes, start, start + mark.length, mark, 0, mark.length);
  }

  /// Start of frame: all of 0xc0 to 0xcf but the tables of Huffman and arithmetic coding and the
  /// reserved one.
  private static boolean isFrame(int marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
  }

  private void frame(int marker, int start, int end) {
    switch (marker) {
      case 0xc0, 0xc1, 0xc2 -> {}
      case 0xc3 -> throw unsupported("a lossless JPEG");
      case 0xc5, 0xc6, 0xc7 -> throw unsupported("a hierarchical JPEG");
      default -> throw unsupported("a JPEG with arithmetic coding");
    }
    if (!components.isEmpty() || end - start < 8) {
      throw corrupt("its frame header comes twice or is cut off");
    }
    int depth = bytes[start + 2] & 0xff;
    int count = bytes[start + 7] & 0xff;
    if (depth != 8) {
      throw unsupported("a JPEG of " + depth + " bits per sample");
    }
    if (count != 1 && count != 3 && count != 4) {
      throw unsupported("a JPEG of " + count + " components");
    }
    height = word(start + 3);
    width = word(start + 5);
    if (end - start != 8 + 3 * count) {
      throw corrupt(
          "its frame header has " + (end - start) + " bytes for " + count + " components");
    }
    for (int at = start + 8; at < end; at += 3) {
      int sampling = bytes[at + 1] & 0xff;
      components.add(new Component(bytes[at] & 0xff, sampling >> 4, sampling & 0xf));
    }
  }

  private int word(int at) {
    return ((bytes[at] & 0xff) << 8) | (bytes[at + 1] & 0xff);
  }
}
