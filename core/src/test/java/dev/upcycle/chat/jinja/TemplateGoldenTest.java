package dev.upcycle.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Held against what jinja2, as transformers sets it up, made of the same templates.
class TemplateGoldenTest {
  private static final String FOLDER = "/dev/upcycle/fixtures/golden/chat/";
  private static final JsonNode GOLDEN = JsonMapper.shared().readTree(resource("templates.json"));
  private static final LocalDateTime NOW =
      LocalDateTime.parse(GOLDEN.get("now").stringValue());

  /// What jinja2 renders and we refuse: names that begin with an underscore, which it makes
  /// undefined; Python's own types behind functions; an argument that Python takes from anyone.
  private static final Set<String> REFUSED_HERE =
      Set.of();

  private static String resource(String name) {
    try (InputStream in = TemplateGoldenTest.class.getResourceAsStream(FOLDER + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static Stream<JsonNode> cases() {
    return GOLDEN.get("cases").values().stream();
  }

  static Stream<JsonNode> probes() {
    return GOLDEN.get("probes").values().stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void templateRendersAsJinjaDoes(JsonNode golden) {
    JsonNode conversation =
        GOLDEN.get("conversations").get(golden.get("conversation").stringValue());
    Map<String, Value> variables = new LinkedHashMap<>();
    variables.put("messages", JsonValues.of(conversation.get("messages")));
    variables.put("tools", tools(conversation));
    variables.put("documents", Value.None.NONE);
    variables.put(
        "add_generation_prompt", Value.of(golden.get("generation_prompt").booleanValue()));
    variables.put("bos_token", Value.of("<s>"));
    variables.put("eos_token", Value.of("</s>"));
    variables.put("unk_token", Value.of("<unk>"));
    String name = golden.get("template").stringValue();

    expect(golden, () -> Template.parse(name, resource("templates/" + name)), variables);
  }

  private static Value tools(JsonNode conversation) {
    JsonNode tools = conversation.get("tools");
    return tools == null ? Value.None.NONE : JsonValues.of(tools);
  }

  @ParameterizedTest
  @MethodSource("probes")
  void constructMeansWhatItMeansInJinja(JsonNode probe) {
    Map<String, Value> variables = new LinkedHashMap<>();
    GOLDEN
        .get("variables")
        .properties()
        .forEach(entry -> variables.put(entry.getKey(), JsonValues.of(entry.getValue())));

    expect(probe, () -> Template.parse("probe", probe.get("source").stringValue()), variables);
  }

  @Test
  void goldenHoldsBothRenderingsAndRefusals() {
    assertThat(List.of(cases().filter(c -> c.has("text")).count(), cases().count()))
        .isEqualTo(List.of(0L, 440L));
  }

  private static void expect(
      JsonNode golden, java.util.function.Supplier<Template> template, Map<String, Value> variables) {
    String outcome;
    List<List<Integer>> spans = List.of();
    try {
      Template.Rendering rendering = template.get().render(variables, NOW);
      outcome = "text: " + rendering.text();
      spans = rendering.generated().stream().map(s -> List.of(s.start(), s.end())).toList();
    } catch (TemplateException e) {
      outcome = "error";
      assertThat(e.position()).describedAs(e.getMessage()).isPresent();
      if (golden.has("text")) {
        outcome = "error: " + e.getMessage();
      }
    }
    String expected = golden.has("text") ? "text: " + golden.get("text").stringValue() : "error";
    assertThat(outcome).describedAs(golden.toString()).isEqualTo(expected);
    if (golden.has("spans")) {
      assertThat(spans).hasToString(golden.get("spans").toString().replace(",", ", "));
    }
  }
}
