package dev.upcycle.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.data.Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoutingPageTest {
  private static RoutingPreview preview(String text, String label) {
    List<List<Choice>> choices =
        List.of(List.of(new Choice(1, 0.75), new Choice(0, 0.25)), List.of(new Choice(1, 1)));
    return new RoutingPreview(
        "a <model> & \"more\"",
        List.of(
            new RoutedText(
                new LabelledText(
                    label, List.of(new Tokenizer.Token(5, text), new Tokenizer.Token(6, "b"))),
                List.of(new RoutedLayer(3, 3, choices)))));
  }

  @Test
  void whatComesFromOutsideIsEscaped() {
    String page =
        RoutingPage.of(preview("</script><img src=x onerror=alert(1)>", "<b>'label'</b>"));

    assertThat(page).doesNotContain("<img").doesNotContain("<b>'").doesNotContain("<model>");
    assertThat(page).contains("&lt;img src=x").contains("&lt;b&gt;&#39;label");
  }

  @Test
  void placeholdersInATextAreText() {
    assertThat(RoutingPage.of(preview("{{data}}", "{{heatmap}}"))).contains("&#123;&#123;data}}");
  }

  @Test
  void pageNeedsNothingElse() {
    String page = RoutingPage.of(preview("a", "text"));

    assertThat(page).doesNotContain("http://").doesNotContain("https://").doesNotContain("src=");
    assertThat(page).doesNotContain("{{");
  }

  @Test
  void loadsAndWeightsOfEveryTokenAreInThePage() {
    String page = RoutingPage.of(preview("a", "text"));

    assertThat(page).contains("layer 3, expert 1: 2 of 3").contains("[[1,0.75],[0,0.25]]");
    assertThat(page).contains("load dead");
  }

  @ParameterizedTest
  @CsvSource({"16, false", "17, true"})
  void moreExpertsThanColoursAreSaid(int experts, boolean said) {
    List<List<Choice>> choices = List.of(List.of(new Choice(0, 1)));
    LabelledText text = new LabelledText("t", List.of(new Tokenizer.Token(5, "a")));
    RoutedText routed = new RoutedText(text, List.of(new RoutedLayer(0, experts, choices)));

    String page = RoutingPage.of(new RoutingPreview("m", List.of(routed)));

    assertThat(page.contains("colours repeat after 16 experts")).isEqualTo(said);
  }

  @Test
  void equalPreviewsGiveEqualPages() {
    assertThat(RoutingPage.of(preview("a", "t"))).isEqualTo(RoutingPage.of(preview("a", "t")));
  }

  @Test
  void onlyOneLabelHasNoMutualInformation() {
    assertThat(preview("a", "t").mutualInformation(3)).isEmpty();
  }
}
