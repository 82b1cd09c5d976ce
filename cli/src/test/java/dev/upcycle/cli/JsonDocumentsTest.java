package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What `docs/json.md` says of a command's document is what the command prints.
class JsonDocumentsTest {
  private static final Path PAGE = Path.of(System.getProperty("upcycle.root"), "docs/json.md");
  private static final Pattern NAME = Pattern.compile("`([a-z_0-9]+)`");

  /// Members that only some models have: these of a Mixture-of-Experts.
  private static final Set<String> SOMETIMES = Set.of("experts");

  @TempDir private Path folder;

  @BeforeEach
  void makeModel() throws IOException {
    Files.writeString(folder.resolve("text.txt"), "The Rays of Light which fall upon a Prism.\n");
    Files.writeString(
        folder.resolve("tune.yaml"),
        """
        recipe: 1
        train: {stages: [{name: tune, rates: {all: 1.0e-5}, data: {path: text.txt}}]}
        """);
    TinyModel.write(
        Recipes.resolve(Recipes.text("mistral-8x2", folder), List.of(), Map.of()).recipe(),
        folder.resolve("dense"));
  }

  @Test
  void everyDocumentHasTheMembersThatAreDocumented() throws IOException {
    Map<String, JsonNode> printed = new TreeMap<>();
    for (String line :
        List.of(
            "inspect ./dense",
            "plan mistral-8x2 --model ./dense",
            "convert mistral-8x2 --model ./dense --out ./moe",
            "verify ./dense ./moe",
            "densify ./moe --out ./again",
            "recipe ls",
            "smoke mistral-4x2",
            "bench convert --size 13MB --pairs 1",
            "quickstart",
            "quickstart cumo --brief",
            "eval ./upcycle-quickstart/moe --text ./text.txt --against ./upcycle-quickstart/dense",
            "generate ./upcycle-quickstart/moe --prompt light --max-tokens 2",
            "route ./upcycle-quickstart/moe --text a=./text.txt --text b=./text.txt",
            "calibrate ./upcycle-quickstart/dense --kind centroid --experts 2 --text ./text.txt"
                + " --out router.safetensors",
            "data check ./tune.yaml --model ./upcycle-quickstart/dense",
            "train ./tune.yaml --model ./upcycle-quickstart/dense --out ./run",
            "bench data --turns 1",
            "doctor")) {
      JsonNode document = run(0, line);
      printed.put(document.get("schema").asString(), document);
    }

    Map<String, List<Set<String>>> documented = documented();

    assertThat(printed.keySet()).isEqualTo(documented.keySet());
    printed.forEach((schema, document) ->
        assertThat(documented.get(schema))
            .as(schema)
            .anySatisfy(row -> assertDocumented(document, row)));
  }

  @Test
  void measuredTrainingRunHasTheMembersThatAreDocumented() throws IOException {
    JsonNode document =
        run(0, "bench train --layers 1 --hidden 32 --seq 8 --every 2 --turns 1 -j 1");

    assertThat(documented().get("upcycle/bench/1"))
        .anySatisfy(row -> assertDocumented(document, row));
    assertThat(document.get("turns").get(0).propertyNames())
        .containsExactly(
            "seconds",
            "cpu_seconds",
            "bare_seconds",
            "bare_cpu_seconds",
            "ratio",
            "cpu_ratio",
            "stall");
    assertThat(document.get("images").propertyNames())
        .containsExactly("prepared_per_second", "consumed_per_second", "ratio");
  }

  private static void assertDocumented(JsonNode document, Set<String> row) {
    Set<String> members = new TreeSet<>(document.propertyNames());
    members.remove("schema");
    Set<String> missing = new TreeSet<>(row);
    missing.removeAll(members);
    missing.removeAll(SOMETIMES);
    assertThat(missing).as("documented and not printed").isEmpty();
    members.removeAll(row);
    assertThat(members).as("printed and not documented").isEmpty();
  }

  @Test
  void membersOfListsAndObjectsAreDocumentedToo() throws IOException {
    JsonNode plan = run(0, "plan mistral-8x2 --model ./dense");
    String row = row("upcycle/plan/1");
    for (String list : List.of("files", "provenance", "consumers", "notes")) {
      for (String member : plan.get(list).get(0).propertyNames()) {
        assertThat(row).as(list).contains("`" + member + "`");
      }
    }
  }

  @Test
  void failureOfVerifyIsOneDocumentAndExitCodeFive() throws IOException {
    run(0, "convert mistral-8x2 --model ./dense --out ./moe");
    Path weights = folder.resolve("moe/model.safetensors");
    byte[] last = {0x55, 0x55};
    try (var channel = Files.newByteChannel(weights, StandardOpenOption.WRITE)) {
      channel.position(Files.size(weights) - last.length).write(java.nio.ByteBuffer.wrap(last));
    }

    JsonNode report = run(5, "verify ./dense ./moe");

    assertThat(report.get("schema").asString()).isEqualTo("upcycle/verify/1");
    assertThat(report.get("passed").asBoolean()).isFalse();
    assertThat(report.get("failures").get(0).propertyNames())
        .containsExactlyInAnyOrder("check", "tensor", "message");
  }

  // The reader refuses whatever follows the first document.
  private JsonNode run(int code, String line) {
    Session.Outcome outcome = Session.in(folder).run(ShellLine.split(line + " --json"));
    assertThat(outcome.code()).describedAs(line + "\n" + outcome.err()).isEqualTo(code);
    return JsonMapper.builder()
        .enable(tools.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build()
        .readTree(outcome.out());
  }

  private static String row(String schema) throws IOException {
    return Files.readAllLines(PAGE).stream()
        .filter(line -> line.startsWith("| `" + schema + "`"))
        .findFirst()
        .orElseThrow();
  }

  // The members of each schema's own level, a set for each kind of document that it has: what
  // stands outside parentheses and after a colon or
  // semicolon there is prose.
  private static Map<String, List<Set<String>>> documented() throws IOException {
    Map<String, List<Set<String>>> documented = new TreeMap<>();
    for (String line : Files.readAllLines(PAGE)) {
      if (line.startsWith("| `upcycle/")) {
        String schema = line.substring(3, line.indexOf('`', 3));
        String members = line.substring(line.indexOf('|', 3) + 1);
        while (members.contains("(")) {
          members = members.replaceAll("\\([^()]*\\)", "");
        }
        Set<String> names = new TreeSet<>();
        Matcher matcher = NAME.matcher(members.replaceAll(";.*", ""));
        while (matcher.find()) {
          names.add(matcher.group(1));
        }
        documented.computeIfAbsent(schema, _ -> new ArrayList<>()).add(names);
      }
    }
    return documented;
  }
}
