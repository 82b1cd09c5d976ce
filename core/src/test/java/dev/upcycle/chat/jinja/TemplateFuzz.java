package dev.upcycle.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/// Fuzz target: whatever a chat template does, it is refused at a place in it, or renders within
/// its limits, and the same twice.
public final class TemplateFuzz {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);
  private static final Map<String, Value> VARIABLES =
      Map.of(
          "messages",
          json(
              """
              [{"role": "system", "content": "Be brief."},
               {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Hé 😀?"}]},
               {"role": "assistant", "content": " <b>1</b>\\n"},
               {"role": "user", "content": ""}]
              """),
          "tools",
          json(
              """
              [{"type": "function",
                "function": {"name": "f", "parameters": {"a": [1, 2.5, null, true]}}}]
              """),
          "add_generation_prompt",
          Value.of(true),
          "bos_token",
          Value.of("<s>"),
          "eos_token",
          Value.of("</s>"),
          "number",
          json("-7"),
          "real",
          json("1e300"));

  private TemplateFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input);
  }

  /// What refused the template; empty when it was rendered.
  static Optional<TemplateException> check(byte[] input) {
    String source = new String(input, StandardCharsets.UTF_8);
    Template template;
    Template.Rendering rendering;
    try {
      template = Template.parse("fuzzed.jinja", source);
      rendering = template.render(VARIABLES, NOW);
    } catch (TemplateException e) {
      requirePlace(e, source);
      return Optional.of(e);
    }
    assertThat(rendering.text().length()).isLessThanOrEqualTo((int) Budget.UNITS);
    int end = 0;
    for (Template.Span span : rendering.generated()) {
      assertThat(span.start()).isGreaterThanOrEqualTo(end);
      end = span.end();
    }
    assertThat(end).isLessThanOrEqualTo(rendering.text().length());
    assertThat(template.render(VARIABLES, NOW)).isEqualTo(rendering);
    return Optional.empty();
  }

  private static void requirePlace(TemplateException refusal, String source) {
    assertThat(refusal).hasMessageStartingWith("fuzzed.jinja, line ");
    Position position = refusal.position().orElseThrow();
    long lines = source.chars().filter(c -> c == '\n' || c == '\r').count() + 1;
    assertThat((long) position.line()).isBetween(1L, lines);
    assertThat(position.column()).isBetween(1, source.length() + 1);
  }

  private static Value json(String text) {
    return JsonValues.of(JsonMapper.shared().readTree(text));
  }
}
