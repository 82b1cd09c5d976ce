package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComplaintsTest {
  /// The complaints about a recipe file `mine.yaml`.
  private static List<String> about(String yaml) {
    RecipeException thrown =
        catchThrowableOfType(
            RecipeException.class,
            () -> Recipes.resolve(new RecipeText("mine.yaml", yaml), List.of(), Map.of()));
    assertThat(thrown).as("an exception about%n%s", yaml).isNotNull();
    return thrown.complaints().stream().map(Complaint::toString).toList();
  }

  private static void assertOnly(String yaml, String complaint) {
    assertThat(about(yaml)).containsExactly(complaint);
  }

  @Test
  void allComplaintsComeAtOnceInTheOrderOfTheFile() {
    assertThat(
            about(
                """
                recipe: 1
                name: my recipe
                target: mixtrl
                language:
                  layer: all
                  experts:
                    count: 0
                    init: copy
                  router:
                    init: {kind: zero, std: 0.1}
                output: {dtype: float32}
                serve: {}
                """))
        .containsExactly(
            "mine.yaml:2:7: name: found the text \"my recipe\"; expected a text of letters, digits,"
                + " dots, dashes and underscores, 96 at most, that begins with a letter or digit",
            "mine.yaml:3:9: target: found mixtrl; expected one of mixtral, llava, llava_moe, cumo,"
                + " openai_clip_moe, auto; did you mean mixtral?",
            "mine.yaml:5:3: language.layer: unknown key; did you mean layers?",
            "mine.yaml:7:12: language.experts.count: found 0; expected an integer from 1 to 65536",
            "mine.yaml:8:11: language.experts.init: found copy; expected a map, always, such as"
                + " {kind: copy}",
            "mine.yaml:10:24: language.router.init.std: does not apply to kind zero, only to"
                + " normal; drop it, or replace the whole map: language.router.init={kind: zero}",
            "mine.yaml:11:17: output.dtype: found float32; expected one of source, f32, bf16, f16;"
                + " did you mean f32?",
            "mine.yaml:12:1: serve: unknown key; known here: recipe, extends, name, source, target,"
                + " seed, language, vision, connector, train, output");
  }

  @Test
  void complaintsOfTheFileAndOfSettingsComeTogether() {
    RecipeException thrown =
        catchThrowableOfType(
            RecipeException.class,
            () ->
                Recipes.resolve(
                    new RecipeText("mine.yaml", "recipe: 1\nseed: x"),
                    List.of(Setting.parse("no.where=1"), Setting.parse("target=x")),
                    Map.of("UPCYCLE_DTYPE", "f64")));
    assertThat(thrown.complaints())
        .extracting(Complaint::source)
        .containsExactlyInAnyOrder(
            "mine.yaml", "--set no.where=1", "--set target=x", "UPCYCLE_DTYPE=f64");
  }

  @Test
  void aMissingVersionIsAsked() {
    assertOnly(
        "name: a",
        "mine.yaml:1:1: recipe: missing; every recipe begins with the version of its format,"
            + " `recipe: 1`");
  }

  @Test
  void anotherVersionIsRefused() {
    assertOnly("recipe: 2", "mine.yaml:1:9: recipe: found 2; expected 1");
  }

  @Test
  void aQuotedNumberIsNoNumber() {
    assertOnly(
        "recipe: 1\nlanguage: {experts: {count: '8'}}",
        "mine.yaml:2:29: language.experts.count: found the text \"8\"; expected an integer from 1"
            + " to 65536; drop the quotes");
  }

  @Test
  void aNumberIsNoName() {
    assertThat(about("recipe: 1\nname: 1.5").getFirst()).endsWith("; put it in quotes");
  }

  @Test
  void moreExpertsPerTokenThanExpertsNamesBothOrigins() {
    RecipeException thrown =
        catchThrowableOfType(
            RecipeException.class,
            () ->
                Recipes.resolve(
                    new RecipeText(
                        "mine.yaml", "recipe: 1\nlanguage:\n  experts:\n    per_token: 4"),
                    List.of(Setting.flag("--experts", "language.experts.count", "3")),
                    Map.of()));
    assertThat(thrown)
        .hasMessage(
            "mine.yaml:4:16: language.experts.per_token: found 4 (recipe mine.yaml:4) of 3 experts"
                + " (flag --experts); expected at most the count");
  }

  @Test
  void aDefaultThatNoLongerFitsIsBlamedOnWhatWasGiven() {
    assertOnly(
        "recipe: 1\nlanguage: {experts: {count: 1}}",
        "mine.yaml:2:29: language.experts.per_token: found 2 (default) of 1 experts (recipe"
            + " mine.yaml:2); expected at most the count");
  }

  @Test
  void aKeyInTheWrongPlaceIsToldItsPlace() {
    assertOnly(
        "recipe: 1\nmax_shard_size: 5GB",
        "mine.yaml:2:1: max_shard_size: unknown key here; it stands at output.max_shard_size");
  }

  @Test
  void anUnknownKindDoesNotMakeKnownKeysWrong() {
    assertOnly(
        "recipe: 1\nlanguage: {router: {init: {kind: norml, std: 1}}}",
        "mine.yaml:2:34: language.router.init.kind: found norml; expected one of zero, normal,"
            + " uniform, file, torch_linear; did you mean normal?");
  }

  @Test
  void whatTheReaderRefusedIsComplainedAboutOnce() {
    assertThat(about("recipe: 1\nseed: *a\nlanguage: {layers: [0, *b]}")).hasSize(2);
  }

  @Test
  void aKeyWithoutValueIsNothing() {
    assertOnly(
        "recipe: 1\nlanguage:",
        "mine.yaml:2:10: language: found nothing; expected a map with the keys layers, experts,"
            + " router");
  }

  @Test
  void twoFormsOfLayersAreOneTooMany() {
    assertThat(about("recipe: 1\nlanguage: {layers: {last: 2, every: 2}}").getFirst())
        .startsWith("mine.yaml:2:20: language.layers: found a map with every and last; expected");
  }

  @Test
  void anOffsetAppliesToEveryOnly() {
    assertOnly(
        "recipe: 1\nlanguage: {layers: {last: 2, offset: 1}}",
        "mine.yaml:2:30: language.layers.offset: does not apply to last, only to every; drop it");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          language.layers                | 0
          language.layers                | al
          language.layers                | []
          language.layers                | [1, 1]
          language.layers                | [-1]
          language.layers                | {every: 0}
          language.layers                | {last: 0}
          language.layers                | {range: [3, 3]}
          language.layers                | {range: [1]}
          language.layers                | {}
          language.experts.per_token     | 0
          language.experts.count         | 1.5
          language.experts.count         | true
          language.experts.count         | 65537
          language.experts.count         | 0x1FFFFFFFFFFFFFFFFF
          language.experts.init          | [{kind: copy}]
          language.router.kind           | expert_choice
          language.router.init.std       | 0
          language.router.init.std       | -1
          language.router.init.std       | .inf
          language.router.init.std       | .nan
          language.router.init.std       | 1e999
          seed                           | 9223372036854775808
          seed                           | 1.0
          output.max_shard_size          | 0
          output.max_shard_size          | 0GB
          output.max_shard_size          | 5gb
          output.max_shard_size          | 5 GB
          output.max_shard_size          | 9999999999999TB
          output.max_shard_size          | -5
          output.config                  | 5
          output.config.a                | .nan
          source.language                | []
          source.language                | [llama, auto]
          source.language                | [llama, llama]
          source.language                | gpt2
          name                           | ~
          name                           | []
          """)
  void aWrongValueIsOneComplaintAtItsPath(String path, String value) {
    RecipeException thrown =
        catchThrowableOfType(
            RecipeException.class,
            () ->
                Recipes.resolve(
                    new RecipeText("mine.yaml", "recipe: 1\nlanguage: {}"),
                    List.of(Setting.parse(path + "=" + value)),
                    Map.of()));
    assertThat(thrown).isNotNull();
    assertThat(thrown.complaints()).hasSize(1);
    assertThat(thrown.complaints().getFirst().keyPath()).startsWith(path);
    assertThat(thrown.complaints().getFirst().message()).contains("expected");
  }

  @ParameterizedTest
  @CsvSource({
    "experts, experst",
    "max_shard_size, max-shard-size",
    "per_token, perToken",
    "bf16, bfloat16",
    "f32, float32",
    "count, Count"
  })
  void theNearestNameIsFound(String meant, String given) {
    List<String> known = List.of("experts", "max_shard_size", "per_token", "bf16", "f32", "count");
    assertThat(NearestName.of(given, known)).contains(meant);
  }

  @Test
  void nothingIsNearToAnotherWord() {
    assertThat(NearestName.of("banana", Format.paths())).isEmpty();
  }
}
