package dev.upcycle.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDateTime;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateRefusalTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 6, 9, 5);

  private static String render(String source) {
    return Template.parse("t.jinja", source).render(Map.of(), NOW).text();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "a{% include 'x' %}; 1; 5; the statement 'include' is not covered here",
        "{% extends 'x' %}; 1; 4; the statement 'extends' is not covered here",
        "{% block x %}{% endblock %}; 1; 4; the statement 'block' is not covered here",
        "{% import 'x' as y %}; 1; 4; the statement 'import' is not covered here",
        "{% autoescape true %}; 1; 4; the statement 'autoescape' is not covered here",
        "{% for a in b recursive %}; 1; 15; a recursive loop is not covered here",
        "{{ 1|xmlattr }}; 1; 6; the filter 'xmlattr' is not covered here",
        "{{ ['a']|map('xmlattr')|list }}; 1; 10; the filter 'xmlattr' is not covered here",
        "{{ 1 is sameas 1 }}; 1; 9; the test 'sameas' is not covered here",
        "{{ 'a'.encode() }}; 1; 8; the string method 'encode' is not covered here",
        "{{ '%s' % 1 }}; 1; 9; formatting text with '%' is not covered here",
        "{{ lipsum() }}; 1; 4; 'lipsum' is not covered here",
        "{{ loop }} x {{ x.y }}; 1; 19; 'x' is undefined",
        "{{ 'é𝄞' ~ nothing.more }}; 1; 19; 'nothing' is undefined",
        "{{ raise_exception('no way') }}; 1; 19; the template refuses: no way",
        "{{ strftime_now('%Q') }}; 1; 16; '%Q' of strftime_now is not covered here",
        "{{ range }}; 1; 1; writing out a value of type function is not covered here",
        "{% if true %}; 1; 14; the template ends where 'elif' or 'else' or 'endif' is missing",
        "{{ 'abc }}; 1; 4; the string is never closed",
        "{{ 1 ? 2 }}; 1; 6; unexpected character '?'",
        "{% break %}; 1; 4; 'break' outside a loop's own body",
      })
  void refusalNamesTheConstructAndItsPlace(String source, int line, int column, String message) {
    assertThatThrownBy(() -> render(source))
        .isInstanceOf(TemplateException.class)
        .hasMessage("t.jinja, line %d, column %d: %s".formatted(line, column, message));
  }

  @Test
  void linesAreCounted() {
    assertThatThrownBy(() -> render("a\r\nb\n  {{ x.y }}"))
        .hasMessageStartingWith("t.jinja, line 3, column 8: ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ [].__class__.__base__ }}",
        "{{ range.__globals__ }}",
        "{{ [''] | map(attribute='__class__') | list }}",
        "{% set n = namespace() %}{% set n.__class__ = 1 %}",
        "{{ namespace(__x=1) }}",
        "{{ ''|attr('__class__') }}",
      })
  void attributesThatBeginWithAnUnderscoreAreNeverGivenOut(String source) {
    assertThatThrownBy(() -> render(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageMatching("(?s).*(underscore|'attr' is not covered).*");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
        "{{ 'x' * 99999999999 }}",
        "{{ [1] * 99999999999 }}",
        "{{ range(100001) }}",
        "{{ 10 ** 99999 }}",
        "{{ 2 ** 99999999999999 }}",
        "{% set n = namespace(t='xx') %}{% for i in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor"
            + " %}",
        "{% set n = namespace(t='xx') %}{% for i in range(99) %}{% set n.t = n.t.replace('x', 'xx')"
            + " %}{% endfor %}",
        "{% set n = namespace(t=[1]) %}{% for i in range(99) %}{% set n.t = [n.t, n.t] %}{% endfor"
            + " %}{{ n.t }}",
        "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(99) %}{% set n.a = [n.a, n.a] %}"
            + "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}",
        "{% set n = namespace(t=[1]) %}{% for i in range(9999) %}{% set n.t = [n.t] %}{% endfor %}"
            + "{{ n.t }}",
        "{% set n = namespace(t=[1]) %}{% for i in range(9999) %}{% set n.t = [n.t] %}{% endfor %}"
            + "{{ n.t|tojson }}",
        "{{ ('a ' * 4000000).split() }}",
        "{{ ('a ' * 4000000).rsplit(' ') }}",
        "{{ ('a' * 60000000).count('a') }}",
        "{% set t = 'é😀' * 10000000 %}{% for i in range(100000) %}{{ t|length }}{% endfor %}",
        "{% set t = ['é😀' * 10000000] * 100000 %}{{ t|map('length')|sum }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
      })
  void hostileTemplateEndsAtALimit(String source) {
    assertThatThrownBy(() -> render(source)).isInstanceOf(TemplateException.class);
  }

  @Test
  void deepNestingIsRefused() {
    for (String open : new String[] {"(", "[", "not ", "-", "{1:", "x if "}) {
      assertThatThrownBy(() -> render("{{ " + open.repeat(50_000) + " }}"))
          .isInstanceOf(TemplateException.class);
    }
    assertThatThrownBy(() -> render("{% if true %}".repeat(50_000)))
        .isInstanceOf(TemplateException.class);
    assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(50_000) + " }}"))
        .isInstanceOf(TemplateException.class);
    assertThatThrownBy(() -> render("{{ ''" + ".upper()".repeat(50_000) + " }}"))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void longStringsWithManyEscapesAreRead() {
    assertThat(render("{{ '" + "\\n".repeat(100_000) + "' }}")).hasSize(100_000);
  }

  @Test
  void oneMebibyteIsTheLongestTemplate() {
    assertThatThrownBy(() -> render("x".repeat((1 << 20) + 1)))
        .hasMessageContaining("at most 1,048,576 are read");
  }

  @Test
  void ordinaryWorkStaysWithinTheLimits() {
    assertThat(render("{% for i in range(10000) %}{{ i % 10 }}{% endfor %}")).hasSize(10_000);
  }
}
