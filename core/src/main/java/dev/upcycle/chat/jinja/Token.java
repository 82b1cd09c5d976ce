package dev.upcycle.chat.jinja;

/// A piece of a template.
///
/// @param kind what it is
/// @param text its characters; of a string what they mean
/// @param at where it begins
record Token(Kind kind, String text, Position at) {
  enum Kind {
    DATA,
    PRINT_BEGIN,
    PRINT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind expected) {
    return kind == expected;
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  /// How messages call it.
  String shown() {
    return switch (kind) {
      case DATA -> "text";
      case PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, OPERATOR, NAME, INTEGER, FLOAT ->
          "'" + text + "'";
      case STRING -> "a string";
      case END -> "the end of the template";
    };
  }
}
