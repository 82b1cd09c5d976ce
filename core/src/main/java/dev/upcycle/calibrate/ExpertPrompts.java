package dev.upcycle.calibrate;

import java.util.List;

/// What an expert should take, and what not.
///
/// @param name for messages
/// @param positive texts that it should take, at least one
/// @param negative texts that it should not
public record ExpertPrompts(String name, List<String> positive, List<String> negative) {
  /// Takes copies; refuses an expert without text.
  public ExpertPrompts {
    positive = List.copyOf(positive);
    negative = List.copyOf(negative);
    if (positive.isEmpty()) {
      throw new CalibrationException(name + ": no text that it should take");
    }
  }
}
