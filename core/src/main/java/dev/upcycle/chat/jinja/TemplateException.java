package dev.upcycle.chat.jinja;

import java.util.Optional;

/// A template is wrong, does something that is not covered, goes past a limit, or refuses the
/// conversation itself.
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Optional<Position> position;

  /// @param template the template's name
  /// @param position where in it
  public TemplateException(String template, Position position, String message) {
    super(
        "%s, line %d, column %d: %s"
            .formatted(template, position.line(), position.column(), message));
    this.position = Optional.of(position);
  }

  /// Where in the template.
  public Optional<Position> position() {
    return position == null ? Optional.empty() : position;
  }
}
