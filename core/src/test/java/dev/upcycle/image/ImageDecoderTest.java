package dev.upcycle.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.image.DecodingRules.Orientation;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ImageDecoderTest {
  /// The last byte of a PNG's first chunk: after the signature, its length and type.
  private static final int INTERLACE_AT = 28;

  private static final ImageDecoder DECODER = new ImageDecoder(DecodingRules.DEFAULT);

  static List<String> files() {
    return ImageGolden.cases("decode").stream().map(each -> each.get("file").asString()).toList();
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyStoredFileHasPillowsSamples(String name) {
    RgbImage expected = expected(ImageGolden.find("decode", "file", name));
    RgbImage decoded = DECODER.decode(file(name), name);
    assertThat(ImageGolden.distance(decoded, expected)).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exif-1.jpg",
        "exif-2.jpg",
        "exif-3.jpg",
        "exif-4.jpg",
        "exif-5.jpg",
        "exif-6.jpg",
        "exif-7.jpg",
        "exif-8.jpg",
        "exif-6.png"
      })
  void uprightTurnsAsExifTransposeDoes(String name) {
    JsonNode golden = ImageGolden.find("decode", "file", name);
    RgbImage expected =
        ImageGolden.image(
            "decoded.bin",
            golden.get("upright").longValue(),
            golden.get("upright_width").intValue(),
            golden.get("upright_height").intValue());
    DecodingRules rules = DecodingRules.DEFAULT.with(Orientation.UPRIGHT);
    RgbImage decoded = new ImageDecoder(rules).decode(file(name), name);
    assertThat(decoded).isEqualTo(expected);
    assertThat(decoded.equals(DECODER.decode(file(name), name)))
        .isEqualTo(name.equals("exif-1.jpg"));
  }

  @Test
  void javasOwnConversionOfGrayIsNotPillows() throws IOException {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(file("gray.png")));
    byte[] expected = expected(ImageGolden.find("decode", "file", "gray.png")).samples();
    int most = 0;
    for (int i = 0; i < expected.length; i += 3) {
      int rgb = image.getRGB(i / 3 % image.getWidth(), i / 3 / image.getWidth());
      most = Math.max(most, Math.abs((rgb & 0xff) - (expected[i] & 0xff)));
    }
    assertThat(most).isGreaterThan(20);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rgb.png", "gray.png"})
  void anInterlacedPngHasThePixelsOfThePlainOne(String name) throws IOException {
    byte[] interlaced = interlaced(file(name));
    assertThat(file(name)[INTERLACE_AT]).isZero();
    assertThat(interlaced[INTERLACE_AT]).isOne();
    assertThat(DECODER.decode(interlaced, name)).isEqualTo(DECODER.decode(file(name), name));
  }

  private static byte[] interlaced(byte[] png) throws IOException {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    ImageWriteParam param = writer.getDefaultWriteParam();
    param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ImageOutputStream stream = ImageIO.createImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, null), param);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  @Test
  void aFileIsReadByItsContentAndNotItsName(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("picture.txt"), file("rgb.png"));
    assertThat(DECODER.read(file)).isEqualTo(DECODER.decode(file("rgb.png"), "rgb.png"));
  }

  @Test
  void aMissingFileIsNamed(@TempDir Path folder) {
    refused(() -> DECODER.read(folder.resolve("none.jpg")), "none.jpg: there is no such file");
  }

  @Test
  void aDirectoryIsRefused(@TempDir Path folder) {
    refused(() -> DECODER.read(folder), "is not a file");
  }

  @Test
  void aFileOverTheLimitIsRefusedUnread(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("a.png"), new byte[11]);
    ImageDecoder decoder = new ImageDecoder(new DecodingRules(Orientation.AS_STORED, 100, 10));
    refused(() -> decoder.read(file), "11 bytes, the limit is 10");
  }

  @Test
  void otherFormatsAreRefusedByName() {
    refusedBytes("GIF89a and more", "is GIF");
    refusedBytes("BM and more", "is BMP");
    refusedBytes("RIFF\1\2\3\4WEBPVP8 ", "is WebP");
    refusedBytes("II*\0 and more", "is TIFF");
    refusedBytes("\0\0\0\34ftypavif", "is AVIF");
    refusedBytes("", "is empty");
    refusedBytes("plain text", "is no image that is known here");
  }

  @Test
  void sixteenBitGrayIsRefusedByName() {
    byte[] png = file("gray.png");
    png[24] = 16;
    refused(() -> DECODER.decode(resealed(png), "a.png"), "a.png: a 16-bit gray PNG");
  }

  @Test
  void kindsOfJpegThatAreNotReadAreRefusedByName() {
    refused(() -> DECODER.decode(frame(0xc3), "a.jpg"), "a.jpg: a lossless JPEG");
    refused(() -> DECODER.decode(frame(0xc9), "a.jpg"), "arithmetic coding");
    refused(() -> DECODER.decode(frame(0xc5), "a.jpg"), "hierarchical");
    byte[] deep = file("baseline-444.jpg");
    deep[indexOf(deep, 0xc0) + 3] = 12;
    refused(() -> DECODER.decode(deep, "a.jpg"), "12 bits per sample");
  }

  @Test
  void aSmallFileThatAsksForGigabytesIsRefusedByItsHeader() {
    byte[] jpeg = file("baseline-444.jpg");
    int at = indexOf(jpeg, 0xc0);
    Arrays.fill(jpeg, at + 4, at + 8, (byte) 0xff);
    refused(() -> DECODER.decode(jpeg, "a.jpg"), "65535 x 65535 pixels, the limit is 89478485");
    byte[] png = file("rgb.png");
    Arrays.fill(png, 16, 24, (byte) 0xff);
    refused(() -> DECODER.decode(resealed(png), "a.png"), "4294967295 x 4294967295 pixels");
  }

  @Test
  void theLimitOfPixelsIsInclusive() {
    byte[] png = file("rgb.png");
    DecodingRules enough = new DecodingRules(Orientation.AS_STORED, 29 * 23, 1 << 20);
    assertThat(new ImageDecoder(enough).decode(png, "a.png").width()).isEqualTo(29);
    DecodingRules less = new DecodingRules(Orientation.AS_STORED, 29 * 23 - 1, 1 << 20);
    refused(() -> new ImageDecoder(less).decode(png, "a.png"), "29 x 23 pixels");
  }

  @Test
  void aPngWithAWrongChecksumIsRefused() {
    byte[] png = file("rgb.png");
    png[60] ^= 1;
    refused(() -> DECODER.decode(png, "a.png"), "the checksum of chunk IDAT at byte 33 is wrong");
  }

  @Test
  void aPixelBeyondThePaletteIsRefused() {
    byte[] png = file("palette-13.png");
    int at = 33;
    // 12 of 13 colours stay: the chunk's length, its bytes and its checksum are rewritten
    byte[] shorter = new byte[png.length - 3];
    System.arraycopy(png, 0, shorter, 0, at + 8 + 36);
    System.arraycopy(png, at + 8 + 39, shorter, at + 8 + 36, png.length - at - 8 - 39);
    shorter[at + 3] = 36;
    reseal(shorter, at);
    refused(() -> DECODER.decode(shorter, "a.png"), "colour 12, but the palette ends at 11");
  }

  @ParameterizedTest
  @ValueSource(strings = {"baseline-420.jpg", "progressive-420.jpg", "rgb.png", "gray.jpg"})
  void aFileThatEndsEarlyIsRefused(String name) {
    byte[] whole = file(name);
    for (double share : new double[] {0.1, 0.5, 0.9}) {
      byte[] half = Arrays.copyOf(whole, (int) (whole.length * share));
      refused(() -> DECODER.decode(half, name), name);
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void damagedFilesDecodeOrAreRefusedAndNothingElse(String name) {
    Random random = new Random(name.hashCode());
    byte[] whole = file(name);
    int refusals = 0;
    for (int turn = 0; turn < 60; turn++) {
      byte[] damaged = whole.clone();
      for (int hits = 1 + random.nextInt(4); hits > 0; hits--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      DecodingRules small = new DecodingRules(Orientation.UPRIGHT, 1 << 20, 1 << 20);
      try {
        assertThat(new ImageDecoder(small).decode(damaged, name).width()).isPositive();
      } catch (ImageException e) {
        assertThat(e).hasMessageContaining(name);
        refusals++;
      }
    }
    assertThat(refusals).isPositive();
  }

  private static void refusedBytes(String content, String message) {
    byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
    refused(() -> DECODER.decode(bytes, "a"), "a: " + message);
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(ImageException.class).hasMessageContaining(message);
  }

  private static RgbImage expected(JsonNode golden) {
    return ImageGolden.image(
        "decoded.bin",
        golden.get("offset").longValue(),
        golden.get("width").intValue(),
        golden.get("height").intValue());
  }

  private static byte[] file(String name) {
    return ImageGolden.bytes("files/" + name);
  }

  private static byte[] frame(int marker) {
    byte[] jpeg = file("baseline-444.jpg");
    jpeg[indexOf(jpeg, 0xc0)] = (byte) marker;
    return jpeg;
  }

  /// Where this marker's second byte is.
  private static int indexOf(byte[] jpeg, int marker) {
    List<Integer> found = new ArrayList<>();
    for (int i = 1; i < jpeg.length; i++) {
      if ((jpeg[i - 1] & 0xff) == 0xff && (jpeg[i] & 0xff) == marker) {
        found.add(i);
      }
    }
    return found.getFirst();
  }

  /// A PNG with its header's checksum made right again.
  private static byte[] resealed(byte[] png) {
    reseal(png, 8);
    return png;
  }

  private static void reseal(byte[] png, int chunk) {
    int length = ((png[chunk + 2] & 0xff) << 8) | (png[chunk + 3] & 0xff);
    CRC32 crc = new CRC32();
    crc.update(png, chunk + 4, length + 4);
    for (int i = 0; i < 4; i++) {
      png[chunk + 8 + length + i] = (byte) (crc.getValue() >> (24 - 8 * i));
    }
  }
}
