package dev.upcycle.sample;

/// How one stage of a recipe's smoke run went.
///
/// @param recipe the recipe's name or file
/// @param stage what was tried
/// @param outcome how it went
/// @param detail why it failed or was skipped, what was caught; may be empty
/// @param millis how long it took
public record SmokeResult(String recipe, Stage stage, Outcome outcome, String detail, long millis) {
  /// What a smoke run tries, in this order.
  public enum Stage {
    /// Read the recipe.
    READ("read recipe"),
    /// Write a tiny dense model of its architecture.
    MAKE("make tiny model"),
    /// Convert it.
    CONVERT("convert"),
    /// Verify the result, which must pass.
    VERIFY("verify"),
    /// Flip one byte of one expert, which verification must catch by name.
    CATCH_FLIPPED_BYTE("catch a flipped byte"),
    /// Swap gate and up of one expert, which verification must catch by name.
    CATCH_SWAPPED_MATRICES("catch swapped matrices");

    private final String title;

    Stage(String title) {
      this.title = title;
    }

    /// As shown to the user.
    public String title() {
      return title;
    }
  }

  /// How a stage went.
  public enum Outcome {
    PASSED,
    FAILED,
    /// Not tried, since an earlier stage failed.
    SKIPPED
  }
}
