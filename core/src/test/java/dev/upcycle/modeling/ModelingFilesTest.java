package dev.upcycle.modeling;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The Python files that go into a converted directory, as resources. That they load in
/// transformers is shown by `test-fixtures/interop/check_modeling.py`.
class ModelingFilesTest {
  private static final Path RESULTS =
      Path.of(System.getProperty("upcycle.root"), "test-fixtures/interop/results/modeling.json");
  private static final Pattern SIBLING = Pattern.compile("(?m)^from \\.(\\w+) import ");

  /// Relative error of float32 outputs, see PRECISION.md.
  private static final double TOLERANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "modeling_clip_moe.py",
        "modeling_siglip_moe.py",
        "modeling_vit_moe.py",
        "modeling_llava_moe.py",
        "sparse_moe.py"
      })
  void fileIsAsciiAndBeginsWithItsLicence(String name) throws IOException {
    byte[] bytes = bytesOf(name);

    assertThat(StandardCharsets.US_ASCII.newEncoder().canEncode(text(bytes))).isTrue();
    assertThat(text(bytes)).startsWith("# SPDX-License-Identifier: Apache-2.0\n").endsWith("\n");
    assertThat(text(bytes)).doesNotContain("\r");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "modeling_clip_moe.py",
        "modeling_siglip_moe.py",
        "modeling_vit_moe.py",
        "modeling_llava_moe.py"
      })
  void everySiblingThatAFileImportsIsNamedInItsOpening(String name) throws IOException {
    String source = text(bytesOf(name));
    String opening = source.substring(0, source.indexOf("\"\"\"\n\nfrom"));
    List<String> siblings =
        SIBLING.matcher(source).results().map(ModelingFilesTest::fileOf).toList();

    assertThat(siblings).contains("sparse_moe.py");
    assertThat(siblings).allSatisfy(sibling -> assertThat(bytesOf(sibling)).isNotEmpty());
    assertThat(siblings).allSatisfy(sibling -> assertThat(opening).contains(sibling));
  }

  @Test
  void filesAreTheOnesThatTransformersLoaded() throws IOException, NoSuchAlgorithmException {
    JsonNode results = JsonMapper.shared().readTree(RESULTS);
    Map<String, String> recorded = new TreeMap<>();
    Map<String, String> found = new TreeMap<>();
    for (Map.Entry<String, JsonNode> file : results.required("files").properties()) {
      recorded.put(file.getKey(), file.getValue().asString());
      found.put(file.getKey(), sha256(bytesOf(file.getKey())));
    }

    assertThat(results.required("passed").booleanValue()).isTrue();
    assertThat(recorded).hasSize(5).isEqualTo(found);
  }

  @Test
  void recordedErrorsAreWithinTheTolerance() {
    JsonNode cases = JsonMapper.shared().readTree(RESULTS).required("cases");

    assertThat(cases.size()).isGreaterThanOrEqualTo(20);
    assertThat(cases.findValues("relative_error"))
        .hasSize(8 * cases.size())
        .allSatisfy(error -> assertThat(error.doubleValue()).isBetween(0.0, TOLERANCE));
  }

  private static String fileOf(MatchResult match) {
    return match.group(1) + ".py";
  }

  private static byte[] bytesOf(String name) throws IOException {
    try (InputStream file = ModelingFilesTest.class.getResourceAsStream(name)) {
      assertThat(file).as(name).isNotNull();
      return file.readAllBytes();
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}
