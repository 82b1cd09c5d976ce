package dev.upcycle.chat;

/// What one side says.
///
/// @param role who
/// @param content what
public record Turn(Role role, String content) {
  /// Who speaks.
  public enum Role {
    SYSTEM("system"),
    USER("user"),
    ASSISTANT("assistant");

    private final String key;

    Role(String key) {
      this.key = key;
    }

    /// What templates and data files call it.
    public String key() {
      return key;
    }
  }
}
