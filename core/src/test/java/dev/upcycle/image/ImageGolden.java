package dev.upcycle.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The values that `make_images_golden.py` stored.
final class ImageGolden {
  private static final JsonNode INDEX = JsonMapper.builder().build().readTree(bytes("index.json"));

  private ImageGolden() {}

  static List<JsonNode> cases(String kind) {
    return INDEX.get(kind).valueStream().toList();
  }

  static JsonNode find(String kind, String key, String value) {
    return cases(kind).stream()
        .filter(each -> each.get(key).asString().equals(value))
        .findFirst()
        .orElseThrow();
  }

  static byte[] bytes(String file) {
    try (InputStream in = ImageGolden.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("no golden file " + file);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static RgbImage image(String file, long offset, int width, int height) {
    int from = Math.toIntExact(offset);
    return RgbImage.of(
        width, height, Arrays.copyOfRange(bytes(file), from, from + 3 * width * height));
  }

  static ImageTensor tensor(String file, long offset, int... shape) {
    ByteBuffer raw = ByteBuffer.wrap(bytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[shape[0] * shape[1] * shape[2]];
    raw.position(Math.toIntExact(offset)).asFloatBuffer().get(values);
    return ImageTensor.of(shape[0], shape[1], shape[2], values);
  }

  /// A stored source by its size, of the list `sources` or `pictures`.
  static RgbImage source(String list, JsonNode size) {
    for (JsonNode each : cases(list)) {
      if (each.get("size").equals(size)) {
        return image(
            "sources.bin",
            each.get("offset").longValue(),
            size.get(0).intValue(),
            size.get(1).intValue());
      }
    }
    return large(size.get(0).intValue(), size.get(1).intValue());
  }

  /// The same as the script's function of this name.
  static RgbImage large(int width, int height) {
    byte[] samples = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = 3 * (y * width + x);
        samples[at] = (byte) (x * 7 + y * 3);
        samples[at + 1] = (byte) (x * y / 16);
        samples[at + 2] = (byte) ((x * x + y * y) / 64);
      }
    }
    return RgbImage.of(width, height, samples);
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static byte[] littleEndian(float[] values) {
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    return raw.array();
  }

  /// The largest distance of two samples, or none where the sizes differ.
  static @Nullable Integer distance(RgbImage first, RgbImage second) {
    if (first.width() != second.width() || first.height() != second.height()) {
      return null;
    }
    byte[] left = first.samples();
    byte[] right = second.samples();
    int most = 0;
    for (int i = 0; i < left.length; i++) {
      most = Math.max(most, Math.abs((left[i] & 0xff) - (right[i] & 0xff)));
    }
    return most;
  }
}
