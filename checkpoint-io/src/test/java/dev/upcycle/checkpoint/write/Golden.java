package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Golden files that other libraries made.
final class Golden {
  private static final String ROOT = "/dev/upcycle/fixtures/golden/";

  private Golden() {}

  static byte[] bytes(String path) {
    try (InputStream in = Objects.requireNonNull(Golden.class.getResourceAsStream(ROOT + path))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new AssertionError(path, e);
    }
  }

  static JsonNode json(String path) {
    return JsonMapper.builder().build().readTree(bytes(path));
  }
}
