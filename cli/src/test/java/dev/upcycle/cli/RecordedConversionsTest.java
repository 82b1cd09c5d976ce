package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.Session.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Holds conversions against the hashes of the outputs that were loaded in transformers.
///
/// The figures of `docs/interop.md` hold for exactly these bytes: when a conversion changes, they
/// have to be measured again (`test-fixtures/interop/run_checks.py` and `check_converted.py`).
class RecordedConversionsTest {
  private static final Path ROOT = Path.of(System.getProperty("upcycle.root"));
  private static final Path RESULTS = ROOT.resolve("test-fixtures/interop/results");
  private static final Path GOLDEN =
      ROOT.resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden");
  private static final Path SAMPLE =
      ROOT.resolve("core/src/main/resources/dev/upcycle/sample/dense");

  /// Its weights are too large to keep here; `docs/interop.md` says how to make them.
  private static final String FETCHED_SOURCE = "smollm2";

  /// The recipe whose results transformers' own LLaVA loads.
  private static final String WITHOUT_CODE_OF_OURS = "llava-4x2";

  /// What no loader reads: the model card and the tool's own records.
  private static final Set<String> NOT_LOADED = Set.of("README.md", "recipe.yaml", "upcycle.json");

  /// Relative error of float32 logits, see PRECISION.md.
  private static final double TOLERANCE = 1e-5;

  /// A flipped expert moves amplified logits by about their own size.
  private static final double SMALLEST_CONTROL = 0.5;

  /// One expert of one layer of a tower, of which the other outputs tell less.
  private static final double SMALLEST_VISION_CONTROL = 0.1;

  @TempDir private Path work;

  /// A recorded conversion.
  record Recorded(String name, Path source, List<String> arguments, Map<String, String> hashes) {
    @Override
    public String toString() {
      return name;
    }
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void conversionGivesTheBytesThatTransformersLoaded(Recorded recorded)
      throws IOException, NoSuchAlgorithmException {
    Path out = work.resolve("out");
    List<String> line = new ArrayList<>(recorded.arguments());
    line.addAll(List.of("--model", recorded.source().toString(), "--out", out.toString()));

    Outcome outcome = Session.in(work).run(line);

    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(hashes(out)).isEqualTo(recorded.hashes());
  }

  @ParameterizedTest
  @ValueSource(strings = {"decoders", "converted"})
  void bothGenerationsLoadedThem(String file) {
    assertThat(results(file).get("passed").booleanValue()).isTrue();
    assertThat(results(file).at("/versions/v4/transformers").stringValue()).isEqualTo("4.57.6");
    assertThat(results(file).at("/versions/v5/transformers").stringValue()).isEqualTo("5.23.0");
  }

  @Test
  void everyRecordedDecoderPassedInBothGenerationsAndItsControlFailed() {
    assertThat(names("decoders")).hasSize(35).contains("sample", FETCHED_SOURCE);
    for (JsonNode entry : results("decoders").get("cases")) {
      for (String generation : List.of("v4", "v5")) {
        assertThat(entry.get(generation).get("passed").booleanValue()).isTrue();
        assertThat(entry.get(generation).get("relative_error").doubleValue()).isLessThan(TOLERANCE);
        JsonNode control = entry.get(generation + "_negative_control");
        assertThat(control.get("failed").booleanValue()).isTrue();
        assertThat(control.get("relative_error").doubleValue()).isGreaterThan(SMALLEST_CONTROL);
      }
    }
  }

  @Test
  void everyRecordedVisionModelPassedInBothGenerationsAndItsExpertsLearn() {
    assertThat(names("converted"))
        .hasSize(13)
        .contains("clip-both-towers", "siglip-vision", "vit-classifier", "llava-all-three");
    for (JsonNode entry : results("converted").get("cases")) {
      assertThat(entry.get("faults")).isEmpty();
      for (String load : List.of("loaded_by_v4", "loaded_by_v5")) {
        JsonNode loaded = entry.get(load);
        assertThat(loaded.get("relative_error").doubleValue()).isLessThan(TOLERANCE);
        assertThat(loaded.get("saved_again_the_same").booleanValue()).isTrue();
        if (!entry.get("arguments").get(1).stringValue().equals(WITHOUT_CODE_OF_OURS)) {
          assertThat(loaded.get("negative_control").doubleValue())
              .isGreaterThan(SMALLEST_VISION_CONTROL);
          assertThat(loaded.at("/experts/with_gradient").intValue()).isPositive();
        }
      }
    }
  }

  static Stream<Recorded> recorded() {
    return Stream.concat(
        cases("decoders")
            .filter(entry -> !entry.get("source").stringValue().equals(FETCHED_SOURCE))
            .map(entry -> recorded(entry, source(entry.get("source").stringValue()))),
        cases("converted")
            .map(entry ->
                recorded(
                    entry,
                    GOLDEN.resolve(
                        "vision/%s/model".formatted(entry.get("source").stringValue())))));
  }

  private static Path source(String decoder) {
    return decoder.equals("sample") ? SAMPLE : GOLDEN.resolve("decoders").resolve(decoder);
  }

  private static Stream<String> names(String file) {
    return cases(file).map(entry -> entry.get("name").stringValue());
  }

  private static Stream<JsonNode> cases(String file) {
    return results(file).get("cases").valueStream();
  }

  private static Recorded recorded(JsonNode entry, Path source) {
    Map<String, String> hashes = new TreeMap<>();
    entry
        .get("files")
        .forEachEntry((file, hash) -> {
          if (!NOT_LOADED.contains(file)) {
            hashes.put(file, hash.stringValue());
          }
        });
    return new Recorded(
        entry.get("name").stringValue(),
        source,
        entry.get("arguments").valueStream().map(JsonNode::stringValue).toList(),
        hashes);
  }

  private static JsonNode results(String file) {
    return JsonMapper.shared().readTree(RESULTS.resolve(file + ".json"));
  }

  private static Map<String, String> hashes(Path directory)
      throws IOException, NoSuchAlgorithmException {
    Map<String, String> hashes = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (!NOT_LOADED.contains(name)) {
          byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
          hashes.put(name, HexFormat.of().formatHex(digest));
        }
      }
    }
    return hashes;
  }
}
