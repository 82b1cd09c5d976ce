package dev.upcycle.sample;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.sample.SmokeResult.Outcome;
import dev.upcycle.sample.SmokeResult.Stage;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

class JunitXmlTest {
  private static final String NASTY = "a <b> & \"c\"\n\u0001\ud83d\ude00\ud800 'd' ]]>";

  @Test
  void everyRecipeIsASuiteAndEveryStageACase() throws Exception {
    Document document =
        parse(
            result("one", Stage.READ, Outcome.PASSED, ""),
            result("one", Stage.CONVERT, Outcome.FAILED, "no"),
            result("one", Stage.VERIFY, Outcome.SKIPPED, "an earlier stage failed"),
            result("two", Stage.READ, Outcome.PASSED, ""));

    Element first = (Element) document.getElementsByTagName("testsuite").item(0);
    assertThat(document.getElementsByTagName("testsuite").getLength()).isEqualTo(2);
    assertThat(first.getAttribute("name")).isEqualTo("one");
    assertThat(first.getAttribute("tests")).isEqualTo("3");
    assertThat(first.getAttribute("failures")).isEqualTo("1");
    assertThat(first.getAttribute("skipped")).isEqualTo("1");
    assertThat(first.getAttribute("time")).isEqualTo("4.500");
    assertThat(first.getElementsByTagName("testcase").getLength()).isEqualTo(3);
  }

  @Test
  void whatXmlCannotHoldIsReplacedAndTheRestSurvives() throws Exception {
    Document document = parse(result(NASTY, Stage.CONVERT, Outcome.FAILED, NASTY));

    Element failure = (Element) document.getElementsByTagName("failure").item(0);
    assertThat(failure.getAttribute("message"))
        .isEqualTo("a <b> & \"c\"\n\ufffd\ud83d\ude00\ufffd 'd' ]]>");
  }

  @Test
  void noResultsAreADocumentToo() throws Exception {
    assertThat(parse().getDocumentElement().getAttribute("tests")).isEqualTo("0");
  }

  private static SmokeResult result(String recipe, Stage stage, Outcome outcome, String detail) {
    return new SmokeResult(recipe, stage, outcome, detail, 1500);
  }

  private static Document parse(SmokeResult... results) throws Exception {
    String xml = JunitXml.render(List.of(results));
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)));
  }
}
