package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class YamlReaderTest {
  private static final Speaker FILE = new Speaker.RecipeFile("f.yaml");

  private static List<String> complaints(String yaml) {
    List<Complaint> complaints = new ArrayList<>();
    YamlReader.read(yaml, FILE, complaints);
    return complaints.stream().map(Complaint::toString).toList();
  }

  private static Map<String, Object> values(String yaml) {
    List<Complaint> complaints = new ArrayList<>();
    Node node = YamlReader.read(yaml, FILE, complaints).orElseThrow();
    assertThat(complaints).isEmpty();
    return ((Node.Mapping) node).plainMap();
  }

  @Test
  void valuesAreTypedByTheCoreSchema() {
    assertThat(values("{a: 0o17, b: 0x1F, c: 1e-4, d: 1_000, e: 5GB, f: 2026-01-01, g: '017'}"))
        .isEqualTo(
            Map.of(
                "a",
                15L,
                "b",
                31L,
                "c",
                1e-4,
                "d",
                "1_000",
                "e",
                "5GB",
                "f",
                "2026-01-01",
                "g",
                "017"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"yes", "no", "on", "off", "Y", "n"})
  void yesAndNoAreTexts(String text) {
    assertThat(values("a: " + text)).isEqualTo(Map.of("a", text));
  }

  @Test
  void integersBeyondALongStayExact() {
    assertThat(values("a: 99999999999999999999"))
        .isEqualTo(Map.of("a", new BigInteger("99999999999999999999")));
  }

  private static final String EXPECTED = "; expected the value written out, without reuse or type";

  @ParameterizedTest
  @ValueSource(strings = {"{c: 1, d: 2}", "[1]", "1", "'1'", "text", "\n  c: 1\n  d: 2", "|\n  x"})
  void anAnchorIsRefusedOnceAtItsPlace(String value) {
    assertThat(complaints("a: 1\nb: &x " + value))
        .containsExactly("f.yaml:2:4: b: found the anchor &x" + EXPECTED);
  }

  @Test
  void anAnchorBehindWideCharactersIsRefusedAtItsPlace() {
    assertThat(complaints("a: 😀é😀\nb: ['😀', &x 1]"))
        .containsExactly("f.yaml:2:10: b: found the anchor &x" + EXPECTED);
  }

  @Test
  void anAnchoredKeyIsRefusedOnce() {
    assertThat(complaints("&x a: 1")).containsExactly("f.yaml:1:1: found the anchor &x" + EXPECTED);
    assertThat(complaints("{b: 1, &x a: 1}"))
        .containsExactly("f.yaml:1:8: a: found the anchor &x" + EXPECTED);
  }

  @Test
  void anAliasIsRefusedAtItsPlace() {
    assertThat(complaints("a: [1, *x]"))
        .containsExactly("f.yaml:1:8: a: found the alias *x" + EXPECTED);
  }

  @Test
  void quotedTextMayBeginWithAnyCharacter() {
    assertThat(values("{a: '&x', b: \"*x\", c: '!x', '&d': 1}"))
        .isEqualTo(Map.of("a", "&x", "b", "*x", "c", "!x", "&d", 1L));
  }

  @Test
  void aMergeKeyIsRefused() {
    assertThat(complaints("<<: {a: 1}"))
        .containsExactly(
            "f.yaml:1:1: <<: merge keys are refused; write the keys out, or use extends");
  }

  @ParameterizedTest
  @ValueSource(strings = {"!!str 5", "!mine {b: 1}", "! 5", "!!set {b}", "!!seq [1]"})
  void aTagIsRefusedOnce(String value) {
    assertThat(complaints("a: " + value))
        .singleElement()
        .asString()
        .contains("f.yaml:1:4: a: found the tag ");
  }

  @Test
  void aDuplicateKeyNamesTheFirst() {
    assertThat(complaints("a: 1\nb: 2\na: 3"))
        .containsExactly("f.yaml:3:1: a: given twice; the first is in line 1; keep one");
  }

  @ParameterizedTest
  @ValueSource(strings = {"017", "-017", "+00"})
  void leadingZerosAreRefused(String integer) {
    assertThat(complaints("a: " + integer))
        .singleElement()
        .asString()
        .startsWith("f.yaml:1:4: a: found " + integer + "; expected no leading zeros");
  }

  @ParameterizedTest
  @ValueSource(strings = {"08", "-09", "0189"})
  void leadingZerosBeforeEightAndNineAreRefused(String integer) {
    assertThat(complaints("a: " + integer))
        .singleElement()
        .asString()
        .startsWith("f.yaml:1:4: found a number with leading zeros; expected none");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a: 1\n---\nb: 2\n", "a: 1\n---\n"})
  void aSecondDocumentIsRefused(String yaml) {
    assertThat(complaints(yaml)).singleElement().asString().contains("found a second document");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "# only a comment\n"})
  void nothingIsRefused(String yaml) {
    assertThat(complaints(yaml)).singleElement().asString().contains("found nothing");
  }

  @Test
  void brokenYamlIsNamedWithItsPlace() {
    assertThat(complaints("a: [1, 2"))
        .containsExactly(
            "f.yaml:1:9: not YAML: while parsing a flow sequence: expected ',' or ']', but got"
                + " <stream end>");
  }

  @Test
  void aTabAsIndentationIsNamedWithItsPlace() {
    assertThat(complaints("a:\n\tb: 1"))
        .singleElement()
        .asString()
        .startsWith("f.yaml:2:1: not YAML: ");
  }

  @Test
  void aControlCharacterIsNamedWithItsPlace() {
    assertThat(complaints("a: 1\nb: x\u0007y"))
        .singleElement()
        .asString()
        .startsWith("f.yaml:2:5: found the character U+0007; expected printable text");
  }

  @Test
  void aMapAsKeyIsNamed() {
    assertThat(complaints("? [a, b]\n: c")).singleElement().asString().contains("property name");
  }

  @ParameterizedTest
  @ValueSource(ints = {YamlReader.DEEPEST, 400, 5_000})
  void deepNestingIsRefused(int depth) {
    assertThat(complaints("a: " + "[".repeat(depth) + "]".repeat(depth)))
        .containsExactly("f.yaml:1:35: nested deeper than 32 maps and lists");
  }

  @Test
  void theDeepestAllowedNestingIsRead() {
    int depth = YamlReader.DEEPEST - 1;
    assertThat(complaints("a: " + "[".repeat(depth) + "]".repeat(depth))).isEmpty();
  }

  @Test
  void aHugeTextIsRefused() {
    assertThat(complaints("a: 1\n" + "#".repeat(YamlReader.LONGEST_TEXT)))
        .singleElement()
        .asString()
        .contains("expected a recipe of at most 1048576");
  }

  @Test
  void aLongKeyIsRefused() {
    assertThat(complaints("x".repeat(YamlReader.LONGEST_KEY + 1) + ": 1"))
        .containsExactly("f.yaml:1:1: a key of 129 characters; expected at most 128");
  }
}
