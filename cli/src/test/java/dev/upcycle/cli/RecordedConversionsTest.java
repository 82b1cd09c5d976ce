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
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Holds conversions against the hashes of the outputs that were loaded in transformers.
///
/// The figures of `docs/interop.md` hold for exactly these bytes: when a conversion changes, they
/// have to be measured again (`test-fixtures/interop/run_checks.py`).
class RecordedConversionsTest {
  private static final Path ROOT = Path.of(System.getProperty("upcycle.root"));
  private static final Path RESULTS = ROOT.resolve("test-fixtures/interop/results/decoders.json");
  private static final Path FIXTURES =
      ROOT.resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/decoders");
  private static final Path SAMPLE =
      ROOT.resolve("core/src/main/resources/dev/upcycle/sample/dense");

  /// Its weights are too large to keep here; `docs/interop.md` says how to make them.
  private static final String FETCHED_SOURCE = "smollm2";

  /// What no loader reads: the model card and the tool's own records.
  private static final Set<String> NOT_LOADED = Set.of("README.md", "recipe.yaml", "upcycle.json");

  /// Relative error of float32 logits, see PRECISION.md.
  private static final double TOLERANCE = 1e-5;

  /// A flipped expert moves amplified logits by about their own size.
  private static final double SMALLEST_CONTROL = 0.5;

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

  @Test
  void everyRecordedCasePassedInBothGenerationsAndItsControlFailed() {
    assertThat(results().get("cases").valueStream().map(entry -> entry.get("name").stringValue()))
        .hasSize(35)
        .contains("sample", FETCHED_SOURCE);
    assertThat(results().at("/versions/v4/transformers").stringValue()).isEqualTo("4.57.6");
    assertThat(results().at("/versions/v5/transformers").stringValue()).isEqualTo("5.23.0");
    for (JsonNode entry : results().get("cases")) {
      for (String generation : List.of("v4", "v5")) {
        assertThat(entry.get(generation).get("passed").booleanValue()).isTrue();
        assertThat(entry.get(generation).get("relative_error").doubleValue()).isLessThan(TOLERANCE);
        JsonNode control = entry.get(generation + "_negative_control");
        assertThat(control.get("failed").booleanValue()).isTrue();
        assertThat(control.get("relative_error").doubleValue()).isGreaterThan(SMALLEST_CONTROL);
      }
    }
  }

  static Stream<Recorded> recorded() {
    return results()
        .get("cases")
        .valueStream()
        .filter(entry -> !entry.get("source").stringValue().equals(FETCHED_SOURCE))
        .map(RecordedConversionsTest::recorded);
  }

  private static Recorded recorded(JsonNode entry) {
    String source = entry.get("source").stringValue();
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
        source.equals("sample") ? SAMPLE : FIXTURES.resolve(source),
        entry.get("arguments").valueStream().map(JsonNode::stringValue).toList(),
        hashes);
  }

  private static JsonNode results() {
    return JsonMapper.shared().readTree(RESULTS);
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
