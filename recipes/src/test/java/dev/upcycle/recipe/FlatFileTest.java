package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlatFileTest {
  private static ResolvedRecipe read(String yaml) {
    return Recipes.resolve(new RecipeText("mine.yaml", yaml), List.of(), Map.of());
  }

  @Test
  void theFlatFileHoldsEveryValue() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            Recipes.equivalent(Part.LANGUAGE, "mistral", "mixtral"), List.of(), Map.of());
    assertThat(resolved.yaml())
        .isEqualTo(
            """
            recipe: 1
            name: mistral-auto
            source:
              language: mistral
            target: mixtral
            seed: 42
            language:
              layers: all
              experts:
                count: 8
                per_token: 2
                init:
                  kind: copy
              router:
                kind: top_k
                init:
                  kind: normal
                  std: 0.02
            output:
              dtype: source
              max_shard_size: 5GB
              config: {}
            """);
  }

  @Test
  void everyValueIsFoundByItsKeyPath() {
    ResolvedRecipe resolved =
        read(
            """
            recipe: 1
            language: {experts: {count: 4, per_token: 2}}
            train:
              defaults: {steps: 2, data: {path: "/data/a: b.txt"}}
              stages:
                - {name: first, rates: {"*norm*": 1.0e-3, "\\"x: y\\"": 1.0e-4}}
                - {name: second, upcycle: [language], rates: {all: 1.0e-3}}
            """);
    assertThat(resolved.values().keySet()).containsExactlyElementsOf(resolved.origins().keySet());
    assertThat(resolved.values())
        .containsEntry("recipe", "1")
        .containsEntry("train.stages.0.name", "first")
        .containsEntry("train.stages.0.data.path", "\"/data/a: b.txt\"")
        .containsEntry("train.stages.1.upcycle", "language")
        .containsEntry("train.stages.1.rates.all", "0.001")
        .containsValue("1.0E-4");
  }

  @Test
  void eachValueTellsItsOrigin() {
    ResolvedRecipe resolved =
        Recipes.resolve(
            new RecipeText("mine.yaml", "recipe: 1\nlanguage:\n  layers: {last: 2}\n"),
            List.of(
                Setting.flag("--experts", "language.experts.count", "4"),
                Setting.parse("output.config={a: 1}")),
            Map.of("UPCYCLE_SEED", "1"));
    assertThat(resolved.yamlWithOrigins())
        .isEqualTo(
            """
            recipe: 1              # recipe mine.yaml:1
            name: unnamed          # default
            target: auto           # default
            seed: 1                # environment UPCYCLE_SEED
            language:
              layers:
                last: 2            # recipe mine.yaml:3
              experts:
                count: 4           # flag --experts
                per_token: 2       # default
                init:
                  kind: copy       # default
              router:
                kind: top_k        # default
                init:
                  kind: normal     # default
                  std: 0.02        # default
            output:
              dtype: source        # default
              max_shard_size: 5GB  # default
              config:
                a: 1               # --set
            """);
  }

  @Test
  void theFileWithOriginsIsTheSameRecipe() {
    ResolvedRecipe resolved = read("recipe: 1\nlanguage: {}\noutput: {config: {a: 'x: #y'}}");
    assertThat(read(resolved.yamlWithOrigins()).recipe()).isEqualTo(resolved.recipe());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "recipe: 1",
        "recipe: 1\nlanguage: {layers: [3, 1, 2]}",
        "recipe: 1\nlanguage: {layers: {every: 2, offset: 1}}",
        "recipe: 1\nlanguage: {layers: {every: 3}}",
        "recipe: 1\nlanguage: {layers: {last: 8}}",
        "recipe: 1\nlanguage: {layers: {range: [8, 24]}}",
        "recipe: 1\nlanguage: {router: {init: {kind: zero}}}",
        "recipe: 1\nlanguage: {router: {init: {kind: uniform, bound: 1e-300}}}",
        "recipe: 1\nlanguage: {router: {init: {std: 3}}}",
        "recipe: 1\nseed: -9223372036854775808\nsource: {language: [llama, mistral]}",
        "recipe: 1\noutput: {dtype: bf16, max_shard_size: 1234567}",
        "recipe: 1\noutput: {max_shard_size: 3GiB}",
        """
        recipe: 1
        output:
          config:
            a: {b: {c: [1, 2.0, null, true, {d: e}], "f.g": {}}, h: ~}
            "": ["", " x", "1", "true", "~", "a: b", "#", "\\ttab\\n\\u0085\\u2028\\U0001F600"]
            "yes": no
            "1": 99999999999999999999
            '<': "- x"
            "key: with #": 1.5e300
        """,
      })
  void readingTheFlatFileGivesAnEqualRecipeAndTheSameText(String yaml) {
    ResolvedRecipe first = read(yaml);
    ResolvedRecipe second = read(first.yaml());
    assertThat(second.recipe()).isEqualTo(first.recipe());
    assertThat(second.yaml()).isEqualTo(first.yaml());
    assertThat(second.sha256()).isEqualTo(first.sha256());
    assertThat(second.origins().sequencedKeySet()).isEqualTo(first.origins().sequencedKeySet());
  }

  @Test
  void aShippedRecipeKeepsItsHash() {
    ResolvedRecipe resolved =
        Recipes.resolve(Recipes.text("mistral-8x2", Path.of("")), List.of(), Map.of());
    assertThat(resolved.sha256())
        .isEqualTo("c082204ea9341df870c20340a51166fb90f4ecd258d4b223d5a769f5031217aa");
  }

  @Test
  void configValuesKeepTheirTypes() {
    assertThat(read("recipe: 1\noutput: {config: {a: 1, b: 1.0, c: '1', d: [true]}}").recipe())
        .extracting(recipe -> recipe.output().config())
        .isEqualTo(Map.of("a", 1L, "b", 1.0, "c", "1", "d", List.of(true)));
  }

  @Test
  void aRecipeWithoutLanguageStaysDense() {
    assertThat(read("recipe: 1").recipe().language()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 999, 1000, 1024, 1_000_000, 5_000_000_000L, 5L << 30, Long.MAX_VALUE})
  void sizesAreWrittenAsTheyAreRead(long bytes) {
    assertThat(ByteSize.parse(ByteSize.format(bytes))).contains(bytes);
  }
}
