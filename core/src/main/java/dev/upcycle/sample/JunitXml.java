package dev.upcycle.sample;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// The results of a smoke run as the XML that continuous-integration servers read: a test suite per
/// recipe, a test case per stage.
public final class JunitXml {
  private JunitXml() {}

  /// The document.
  public static String render(List<SmokeResult> results) {
    Map<String, List<SmokeResult>> suites = new LinkedHashMap<>();
    for (SmokeResult result : results) {
      suites.merge(result.recipe(), List.of(result), JunitXml::joined);
    }
    StringBuilder xml = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.append("<testsuites name=\"upcycle smoke\" ").append(counts(results)).append(">\n");
    suites.forEach((recipe, cases) -> {
      xml.append("  <testsuite name=\"").append(escape(recipe)).append("\" ");
      xml.append(counts(cases)).append(">\n");
      cases.forEach(result -> xml.append(testCase(result)));
      xml.append("  </testsuite>\n");
    });
    return xml.append("</testsuites>\n").toString();
  }

  private static List<SmokeResult> joined(List<SmokeResult> left, List<SmokeResult> right) {
    return Stream.concat(left.stream(), right.stream()).toList();
  }

  private static String counts(List<SmokeResult> results) {
    return String.format(
        Locale.ROOT,
        "tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"%s\"",
        results.size(),
        count(results, SmokeResult.Outcome.FAILED),
        count(results, SmokeResult.Outcome.SKIPPED),
        seconds(results.stream().mapToLong(SmokeResult::millis).sum()));
  }

  private static long count(List<SmokeResult> results, SmokeResult.Outcome outcome) {
    return results.stream().filter(result -> result.outcome() == outcome).count();
  }

  private static String testCase(SmokeResult result) {
    String opening =
        String.format(
            Locale.ROOT,
            "    <testcase classname=\"%s\" name=\"%s\" time=\"%s\"",
            escape(result.recipe()),
            escape(result.stage().title()),
            seconds(result.millis()));
    String detail = escape(result.detail());
    return switch (result.outcome()) {
      case PASSED -> opening + "/>\n";
      case FAILED -> opening + "><failure message=\"" + detail + "\"/></testcase>\n";
      case SKIPPED -> opening + "><skipped message=\"" + detail + "\"/></testcase>\n";
    };
  }

  private static String seconds(long millis) {
    return String.format(Locale.ROOT, "%.3f", millis / 1000.0);
  }

  /// Escapes for an attribute; what XML 1.0 cannot hold (section 2.2) becomes U+FFFD.
  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(point -> {
          switch (point) {
            case '&' -> escaped.append("&amp;");
            case '<' -> escaped.append("&lt;");
            case '>' -> escaped.append("&gt;");
            case '"' -> escaped.append("&quot;");
            case '\n', '\r', '\t' -> escaped.append("&#").append(point).append(';');
            default -> escaped.appendCodePoint(allowed(point) ? point : 0xfffd);
          }
        });
    return escaped.toString();
  }

  private static boolean allowed(int point) {
    return (point >= 0x20 && point <= 0xd7ff)
        || (point >= 0xe000 && point <= 0xfffd)
        || point >= 0x10000;
  }
}
