package dev.upcycle.route;

import dev.upcycle.evaluate.ExpertLoad;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A preview as one HTML page that needs nothing else: no other file, no network.
///
/// Everything that comes from a model or a text is escaped; equal previews give equal bytes.
public final class RoutingPage {
  /// By which a page is known again.
  static final String MARK = "<meta name=\"generator\" content=\"upcycle route\">";

  private static final String TEMPLATE = "page.html";

  /// How many the page's style has.
  private static final int COLOURS = 16;

  private RoutingPage() {}

  /// The page.
  ///
  /// @param preview of a model that has experts
  public static String of(RoutingPreview preview) {
    return template()
        .replace("{{model}}", escaped(preview.model()))
        .replace("{{summary}}", summary(preview))
        .replace("{{heatmap}}", heatMap(preview))
        .replace("{{texts}}", texts(preview))
        .replace("{{data}}", data(preview));
  }

  private static String template() {
    try (InputStream in = RoutingPage.class.getResourceAsStream(TEMPLATE)) {
      if (in == null) {
        throw new IllegalStateException(TEMPLATE + " is not embedded");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String summary(RoutingPreview preview) {
    int tokens = preview.texts().stream().mapToInt(text -> text.text().tokens().size()).sum();
    List<ExpertLoad> loads = preview.loads();
    long dead = loads.stream().mapToLong(load -> load.dead().size()).sum();
    String repeat =
        experts(loads) > COLOURS ? " · colours repeat after %d experts".formatted(COLOURS) : "";
    return "%,d tokens · %d layers with experts · %d experts without a token%s"
        .formatted(tokens, loads.size(), dead, repeat);
  }

  private static int experts(List<ExpertLoad> loads) {
    return loads.stream().mapToInt(load -> load.counts().size()).max().orElse(0);
  }

  private static String heatMap(RoutingPreview preview) {
    List<ExpertLoad> loads = preview.loads();
    int experts = experts(loads);
    StringBuilder html = new StringBuilder("<table class=\"heat\"><thead><tr><th>layer</th>");
    for (int expert = 0; expert < experts; expert++) {
      html.append("<th class=\"key e").append(expert % COLOURS).append("\">").append(expert);
      html.append("</th>");
    }
    html.append("<th>evenness</th><th>peak</th><th>about the label</th></tr></thead><tbody>\n");
    for (ExpertLoad load : loads) {
      html.append("<tr><th>").append(load.layer()).append("</th>");
      for (int expert = 0; expert < experts; expert++) {
        html.append(expert < load.counts().size() ? cell(load, expert) : "<td></td>");
      }
      html.append("<td>").append(number("%.3f", load.evenness())).append("</td><td>");
      html.append(number("%.2f", load.peak())).append("</td><td>");
      var told = preview.mutualInformation(load.layer());
      html.append(told.isPresent() ? number("%.4f nat", told.getAsDouble()) : "–");
      html.append("</td></tr>\n");
    }
    return html.append("</tbody></table>").toString();
  }

  /// Balance is half of the scale, twice the share at balance is its end.
  private static String cell(ExpertLoad load, int expert) {
    double relative = load.share(expert) * load.counts().size();
    double strength = Math.min(1, relative / 2);
    return "<td class=\"load%s\" style=\"--s:%s\" title=\"layer %d, expert %d: %d of %d\">%s</td>"
        .formatted(
            load.counts().get(expert) == 0 ? " dead" : "",
            number("%.3f", strength),
            load.layer(),
            expert,
            load.counts().get(expert),
            load.assignments(),
            number("%.1f", 100 * load.share(expert)));
  }

  private static String texts(RoutingPreview preview) {
    StringBuilder html = new StringBuilder();
    for (RoutedText text : preview.texts()) {
      html.append("<section><h3>").append(escaped(text.text().label())).append("</h3>");
      html.append("<p class=\"text\">");
      text.text()
          .tokens()
          .forEach(token ->
              html.append("<span class=\"t\">").append(shown(token.text())).append("</span>"));
      html.append("</p><div class=\"grid\"></div></section>\n");
    }
    return html.toString();
  }

  private static String shown(String text) {
    return text.isEmpty() ? "·" : escaped(text).replace("\n", "⏎\n");
  }

  /// Per text, per layer, per token: experts and weights.
  private static String data(RoutingPreview preview) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    ArrayNode layers = root.putArray("layers");
    preview.loads().forEach(load -> layers.add(load.layer()));
    ArrayNode texts = root.putArray("texts");
    for (RoutedText text : preview.texts()) {
      ArrayNode ofText = texts.addArray();
      for (RoutedLayer layer : text.layers()) {
        ArrayNode ofLayer = ofText.addArray();
        layer.choices().forEach(each -> add(each, ofLayer.addArray()));
      }
    }
    // A text in a script element ends at the first "</script", whatever the quotes around it.
    return JsonMapper.shared().writeValueAsString(root).replace("<", "\\u003c");
  }

  private static void add(List<Choice> choices, ArrayNode to) {
    choices.forEach(
        choice -> to.addArray().add(choice.expert()).add(Math.round(choice.weight() * 1e4) / 1e4));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  static String escaped(String text) {
    return text.codePoints()
        .mapToObj(point ->
            switch (point) {
              case '&' -> "&amp;";
              case '<' -> "&lt;";
              case '>' -> "&gt;";
              case '"' -> "&quot;";
              case '\'' -> "&#39;";
              case '{' -> "&#123;";
              default ->
                  Character.isISOControl(point) && point != '\n' && point != '\t'
                      ? "\uFFFD"
                      : Character.toString(point);
            })
        .collect(Collectors.joining());
  }
}
