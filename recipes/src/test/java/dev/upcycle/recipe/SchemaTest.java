package dev.upcycle.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLSchema;

class SchemaTest {
  private static final JsonNode SCHEMA = JsonMapper.shared().readTree(Recipes.schema());
  private static final Schema VALIDATOR =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(SCHEMA);

  private static final YAMLMapper YAML =
      YAMLMapper.builder(YAMLFactory.builder().yamlSchema(YAMLSchema.CORE).build())
          .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static boolean schemaAccepts(String yaml) {
    return VALIDATOR.validate(YAML.readTree(yaml)).isEmpty();
  }

  private static boolean readerAccepts(String yaml) {
    try {
      Recipes.resolve(new RecipeText("corpus", yaml), List.of(), Map.of());
      return true;
    } catch (RecipeException e) {
      return false;
    }
  }

  /// One recipe, on top of `recipe: 1`, per line.
  static List<String> valid() {
    return recipes(
        """
        {}
        name: a
        name: Mistral-8x7B_v0.1
        extends: mistral-8x2
        source: {}
        source: {language: auto}
        source: {language: llama}
        source: {language: [llama]}
        source: {language: [llama, mistral]}
        target: mixtral
        target: auto
        seed: 0
        seed: -9223372036854775808
        seed: 9223372036854775807
        language: {}
        language: {layers: all}
        language: {layers: [0]}
        language: {layers: [8, 4, 0]}
        language: {layers: {every: 2}}
        language: {layers: {every: 2, offset: 1}}
        language: {layers: {every: 1, offset: 0}}
        language: {layers: {last: 8}}
        vision: {layers: {except_last: 1}}
        vision: {router: {init: {kind: torch_linear}}}
        vision: {scales: [1]}
        vision: {scales: [1, 3]}
        target: llava_moe
        connector: {}
        source: {vision: [clip, vit], connector: mlp}
        language: {layers: {range: [0, 1]}}
        language: {experts: {}}
        language: {experts: {count: 2}}
        language: {experts: {count: 65536, per_token: 65536}}
        language: {experts: {count: 1, per_token: 1}}
        language: {experts: {init: {}}}
        language: {experts: {init: {kind: copy}}}
        language: {router: {}}
        language: {router: {kind: top_k}}
        language: {router: {init: {}}}
        language: {router: {init: {kind: zero}}}
        language: {router: {init: {kind: normal}}}
        language: {router: {init: {kind: normal, std: 1}}}
        language: {router: {init: {std: 1e-4}}}
        language: {router: {init: {kind: uniform}}}
        language: {router: {init: {kind: uniform, bound: 0.5}}}
        language: {router: {init: {kind: file, path: /models/router.safetensors}}}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}}]}
        train: {defaults: {rates: {all: 0.1}, data: {path: /d}}, stages: [{name: a, rates: {b: 1}, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1e-5, "*.gate.*": 0}, data: {path: /d}}, {name: b, carry: {schedule: keep, moments: copy, data: keep}, rates: {routers: 1}, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1}, optimizer: {betas: [0, 0.5], epsilon: 1e-6, weight_decay: 0.1, no_decay: []}, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1}, schedule: {kind: constant, cooldown: 0.2, warmup: {kind: log, ratio: 0.03}}, clip_norm: 1, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1}, schedule: {final: 0.1}, clip_norm: none, batch: 4, micro_batch: 2, epochs: 2, steps: 9, precision: bf16, recompute: layers, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1}, losses: {balance: {kind: per_layer, weight: 0.1}, router_z: {weight: 0.01}}, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d, images: /i, template: v1, image_aspect: pad, max_tokens: 8, sampler: modality_length}, ema: 0.999, validate: {path: /v, every: 5, rows: 9, patience: 2, result: best}, checkpoint: {every: 5, keep_every: 10}}]}
        output: {}
        output: {dtype: source}
        output: {dtype: bf16}
        output: {max_shard_size: 5GB}
        output: {max_shard_size: 100KiB}
        output: {max_shard_size: 1B}
        output: {max_shard_size: 5000000000}
        output: {config: {}}
        output: {config: {a: null, b: [1, {c: d}], e: {f: true}}}
        """);
  }

  static List<String> invalid() {
    return recipes(
        """
        nam: a
        name: 5
        name: ""
        name: a b
        name: -a
        name: null
        name: [a]
        extends: 5
        extends: ""
        source: mistral
        source: {vision: mistral}
        source: {connector: [mlp, auto]}
        source: {language: gpt2}
        source: {language: []}
        source: {language: [auto]}
        source: {language: [llama, llama]}
        source: {language: {base: llama}}
        target: mixtrl
        vision: {scales: 1}
        vision: {scales: []}
        vision: {scales: [3, 1]}
        vision: {scales: [1, 1]}
        vision: {scales: [1, 33]}
        language: {scales: [1]}
        target: true
        seed: x
        seed: 1.5
        seed: 9223372036854775808
        seed: -9223372036854775809
        language: null
        language: all
        language: {experts: 8}
        language: {layer: all}
        language: {layers: some}
        language: {layers: 3}
        language: {layers: []}
        language: {layers: [1, 1]}
        language: {layers: [-1]}
        language: {layers: ["1"]}
        language: {layers: {}}
        language: {layers: {offset: 1}}
        language: {layers: {every: 0}}
        language: {layers: {every: 2, last: 2}}
        language: {layers: {last: 2, offset: 1}}
        language: {layers: {last: 0}}
        language: {layers: {range: [1]}}
        language: {layers: {range: [1, 1]}}
        language: {layers: {range: [1, 2, 3]}}
        language: {layers: {first: 2}}
        language: {experts: {count: 0}}
        language: {experts: {count: "8"}}
        language: {experts: {count: 65537}}
        language: {experts: {per_token: 0}}
        language: {experts: {init: copy}}
        language: {experts: {init: {kind: noise}}}
        language: {experts: {init: {kind: copy, from: code}}}
        language: {experts: {shared: {}}}
        language: {router: top_k}
        language: {router: {kind: expert_choice}}
        language: {router: {init: zero}}
        language: {router: {init: {kind: zero, std: 1}}}
        language: {router: {init: {kind: normal, bound: 1}}}
        language: {router: {init: {bound: 1}}}
        language: {router: {init: {kind: uniform, std: 1}}}
        language: {router: {init: {std: 0}}}
        language: {router: {init: {std: -1}}}
        language: {router: {init: {std: "1"}}}
        language: {router: {init: {std: .inf}}}
        language: {router: {init: {kind: uniform, bound: 0}}}
        language: {router: {init: {kind: file}}}
        language: {router: {init: {kind: file, path: 5}}}
        language: {router: {init: {kind: file, path: " "}}}
        language: {router: {init: {kind: file, path: /r, std: 1}}}
        language: {router: {init: {kind: zero, path: /r}}}
        language: {router: {init: {path: /r}}}
        vision: {layer: all}
        connector: {layers: all}
        vision: {layers: {except_last: 0}}
        vision: {layers: {except_last: 1, last: 1}}
        vision: {router: {init: {kind: torch_linear, bound: 1}}}
        train: {}
        train: {stages: []}
        train: {stages: {}}
        train: {stages: [{}]}
        train: {stages: [{name: a, rates: {}, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: -1}, data: {path: /d}}]}
        train: {stages: [{name: a, rate: {all: 1}, data: {path: /d}}]}
        train: {defaults: {name: a}, stages: [{name: a, rates: {all: 1}, data: {path: /d}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, optimizer: {betas: [0.9]}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, optimizer: {betas: [0.9, 1]}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, optimizer: {no_decay: a}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, schedule: cosine}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, schedule: {cooldown: 0.1}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, schedule: {kind: constant, final: 0.1}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, schedule: {final: 2}}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, clip_norm: 0}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, batch: 0}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, precision: f16}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, upcycle: [text]}]}
        train: {stages: [{name: a, rates: {all: 1}, data: {path: /d}, losses: {balance: {kind: mean}}}]}
        output: {dtype: float32}
        output: {dtype: null}
        output: {max_shard_size: 0}
        output: {max_shard_size: 5gb}
        output: {max_shard_size: 05GB}
        output: {max_shard_size: "5 GB"}
        output: {max_shard_size: 1.5GB}
        output: {max_shard_size: "5"}
        output: {config: 5}
        output: {config: []}
        output: {shards: 5}
        """);
  }

  /// What a JSON Schema cannot say, or sees too late: the YAML's own form, relations between
  /// values, other files, and numbers that JSON does not tell apart.
  static List<String> beyondTheSchema() {
    return List.of(
        "recipe: 1\nlanguage: {experts: {count: 2, per_token: 3}}",
        "recipe: 1\nlanguage: {layers: {range: [2, 1]}}",
        stages("{name: a, rates: {all: 1}, data: {path: /d}, batch: 3, micro_batch: 2}"),
        stages("{name: a, rates: {all: 1}, data: {path: /d}, upcycle: language}"),
        stages("{name: a, rates: {all: 1}, data: {path: /d}, carry: {schedule: keep}}"),
        stages("{name: a, rates: {all: 0}, data: {path: /d}}"),
        stages("{name: a, rates: {all: 1}, data: {path: /d}, validate: {every: 5}}"),
        stages("{name: a, rates: {all: 1}, data: {}}"),
        stages("{name: a, rates: {all: 1}}"),
        stages("{name: a, data: {path: /d}}"),
        "recipe: 1\nlanguage: {experts: {count: 8.0}}",
        "recipe: 1.0",
        "recipe: 1\nlanguage: {experts: {count: 010}}",
        "recipe: 1\noutput: {max_shard_size: 9999999999TB}",
        "recipe: 1\nextends: no-such-recipe",
        "recipe: 1\nextends: no-such-file.yaml",
        "recipe: 1\nlanguage: {router: {init: {kind: file, path: of-no-folder.safetensors}}}",
        "recipe: 1\nseed: &anchor 5",
        "recipe: 1\nname: !!str a",
        "recipe: 1\nseed: 1\nseed: 1",
        "recipe: 1\n---\nrecipe: 1");
  }

  private static List<String> recipes(String lines) {
    return lines.lines().map(l -> l.equals("{}") ? "recipe: 1" : "recipe: 1\n" + l).toList();
  }

  private static String stages(String item) {
    return "recipe: 1\ntrain: {stages: [" + item + "]}";
  }

  @ParameterizedTest
  @MethodSource("valid")
  void bothAcceptAValidRecipe(String yaml) {
    assertThat(readerAccepts(yaml)).as("reader").isTrue();
    assertThat(schemaAccepts(yaml)).as("schema").isTrue();
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void bothRefuseAnInvalidRecipe(String yaml) {
    assertThat(readerAccepts(yaml)).as("reader").isFalse();
    assertThat(schemaAccepts(yaml)).as("schema").isFalse();
  }

  @ParameterizedTest
  @MethodSource("beyondTheSchema")
  void onlyTheReaderRefusesWhatNoSchemaCanSay(String yaml) {
    assertThat(readerAccepts(yaml)).as("reader").isFalse();
    assertThat(schemaAccepts(yaml)).as("schema").isTrue();
  }

  @Test
  void bothRefuseARecipeWithoutVersion() {
    assertThat(readerAccepts("name: a")).isFalse();
    assertThat(schemaAccepts("name: a")).isFalse();
    assertThat(readerAccepts("recipe: 2")).isFalse();
    assertThat(schemaAccepts("recipe: 2")).isFalse();
  }

  @ParameterizedTest
  @MethodSource("dev.upcycle.recipe.ShippedRecipesTest#shipped")
  void bothAcceptEveryShippedRecipe(String name) {
    RecipeText text = Recipes.text(name, Path.of(""));
    assertThat(Recipes.resolve(text, List.of(), Map.of()).recipe().name()).isEqualTo(name);
    assertThat(schemaAccepts(text.yaml())).isTrue();
  }

  @Test
  void theSchemaKnowsTheKeysOfTheReaderAndNoOthers() {
    assertThat(properties().keySet()).containsExactlyInAnyOrderElementsOf(Format.paths());
  }

  @Test
  void everyKeyOfTheSchemaExplainsItself() {
    properties()
        .forEach((path, property) -> {
          assertThat(property.path("title").asString("")).as("title of " + path).isNotBlank();
          assertThat(property.path("description").asString(""))
              .as("description of " + path)
              .isNotBlank();
        });
  }

  @Test
  void theSchemaStatesTheReadersDefaults() {
    Map<String, String> stated = new TreeMap<>();
    properties()
        .forEach((path, property) -> {
          JsonNode fallback = property.path("default");
          if (fallback.isArray()) {
            List<String> items = fallback.valueStream().map(JsonNode::asString).toList();
            stated.put(path, items.toString());
          } else if (fallback.isValueNode() && !fallback.isMissingNode()) {
            stated.put(path, fallback.asString());
          } else if (fallback.isArray()) {
            stated.put(path, fallback.toString());
          }
        });
    Map<String, String> defaults = new TreeMap<>();
    Format.defaults().forEach((path, value) -> defaults.put(path, value.toString()));
    assertThat(stated).isEqualTo(defaults);
  }

  @Test
  void everyMapOfTheSchemaIsClosedButTheFreeOne() {
    List<String> open = new ArrayList<>();
    properties()
        .forEach((path, property) -> {
          boolean map = property.path("type").asString("").equals("object");
          if (map && !property.path("additionalProperties").isBoolean()) {
            open.add(path);
          }
        });
    assertThat(open)
        .containsExactly("train.defaults.rates", "train.stages.*.rates", "output.config");
  }

  /// Every property of the schema by key path, references followed.
  private static Map<String, JsonNode> properties() {
    Map<String, JsonNode> found = new LinkedHashMap<>();
    collect("", SCHEMA, found);
    return found;
  }

  private static void collect(String path, JsonNode schema, Map<String, JsonNode> found) {
    schema
        .path("properties")
        .properties()
        .forEach(entry -> {
          String child = path.isEmpty() ? entry.getKey() : path + "." + entry.getKey();
          JsonNode property = referred(entry.getValue());
          found.put(child, property);
          collect(child, property, found);
          JsonNode item = property.path("items");
          if (item.has("properties")) {
            found.put(child + ".*", item);
            collect(child + ".*", item, found);
          }
          property.path("oneOf").forEach(option -> collect(child, referred(option), found));
        });
  }

  private static JsonNode referred(JsonNode schema) {
    return Optional.of(schema.path("$ref").asString(""))
        .filter(reference -> !reference.isEmpty())
        .map(reference -> SCHEMA.at(reference.substring(1)))
        .orElse(schema);
  }
}
