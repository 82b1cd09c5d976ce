package dev.upcycle.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
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
  private static final LocalDateTime NOW = LocalDateTime.parse(GOLDEN.get("now").stringValue());

  /// What jinja2 renders and we refuse by name: the address of a function, and an identity.
  private static final Set<String> REFUSED_HERE =
      Set.of(
          "{{ d.items }}|{{ d['items'] }}|{{ d.keys() | list }}|{{ d['keys'] }}",
          "{{ 'a' is sameas 'a' }}");

  private static String resource(String name) {
    try (InputStream in = TemplateGoldenTest.class.getResourceAsStream(FOLDER + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
  void goldenHoldsRenderingsAndRefusals() {
    assertThat(cases().filter(golden -> golden.has("text")).count()).isEqualTo(376);
    assertThat(cases().filter(golden -> golden.has("error")).count()).isEqualTo(64);
    assertThat(probes().filter(probe -> probe.has("error")).count()).isGreaterThan(40);
  }

  private static void expect(
      JsonNode golden, Supplier<Template> template, Map<String, Value> variables) {
    String expected = expected(golden);
    String outcome;
    List<List<Integer>> spans = List.of();
    try {
      Template.Rendering rendering = template.get().render(variables, NOW);
      outcome = "text: " + rendering.text();
      spans = rendering.generated().stream().map(span -> places(rendering, span)).toList();
    } catch (TemplateException e) {
      outcome = expected.equals("error") ? "error" : "error: " + e.getMessage();
      assertThat(e.position()).describedAs(e.getMessage()).isPresent();
    }
    assertThat(outcome).describedAs(golden.toString()).isEqualTo(expected);
    if (golden.has("spans")) {
      assertThat(spans).hasToString(golden.get("spans").toString().replace(",", ", "));
    }
  }

  private static String expected(JsonNode golden) {
    boolean refused =
        golden.has("error") || REFUSED_HERE.contains(golden.path("source").asString(""));
    return refused ? "error" : "text: " + golden.get("text").stringValue();
  }

  // Python counts code points.
  private static List<Integer> places(Template.Rendering rendering, Template.Span span) {
    String text = rendering.text();
    return List.of(text.codePointCount(0, span.start()), text.codePointCount(0, span.end()));
  }
}
