package dev.upcycle.sample;

import dev.upcycle.chat.Turn;
import java.util.ArrayList;
import java.util.List;

/// What is said about scenes, and a little that is not about pictures at all.
final class SceneTalks {
  private static final List<String> NUMBERS =
      List.of(
          "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
          "eleven", "twelve");

  private SceneTalks() {}

  /// What can be asked about a scene.
  enum Question {
    COLOUR,
    SHAPE,
    PLACE;

    String asked(Scene scene) {
      return switch (this) {
        case COLOUR -> "What colour is the shape?";
        case SHAPE -> "Which shape is it?";
        case PLACE -> "Where is the %s?".formatted(scene.shape().word());
      };
    }

    String answer(Scene scene) {
      return switch (this) {
        case COLOUR -> scene.colour().word();
        case SHAPE -> scene.shape().word();
        case PLACE -> scene.place().word();
      };
    }
  }

  /// A question nobody reads, and a caption.
  static List<Turn> caption(Scene scene) {
    return List.of(
        user("Describe the image.\n<image>"),
        assistant(
            "a %s %s at the %s"
                .formatted(scene.colour().word(), scene.shape().word(), scene.place().word())));
  }

  /// A caption of two sentences.
  static List<Turn> description(Scene scene) {
    return List.of(
        user("<image>\nDescribe the image in detail."),
        assistant(
            "The image shows one shape, a %s. It is %s and lies at the %s."
                .formatted(scene.shape().word(), scene.colour().word(), scene.place().word())));
  }

  /// Questions and answers, the image before the first.
  static List<Turn> answers(Scene scene, List<Question> questions) {
    List<Turn> turns = new ArrayList<>();
    for (Question question : questions) {
      String image = turns.isEmpty() ? "<image>\n" : "";
      turns.add(user(image + question.asked(scene)));
      turns.add(assistant(question.answer(scene)));
    }
    return turns;
  }

  /// Talks without an image, always the same.
  static List<List<Turn>> withoutImage() {
    List<List<Turn>> talks = new ArrayList<>();
    for (Scene.Shape shape : Scene.Shape.values()) {
      talks.add(
          talk("How many corners has a %s?".formatted(shape.word()), NUMBERS.get(shape.corners())));
      talks.add(talk("Is %s a colour or a shape?".formatted(shape.word()), "a shape"));
    }
    for (Scene.Colour colour : Scene.Colour.values()) {
      talks.add(talk("Is %s a colour or a shape?".formatted(colour.word()), "a colour"));
      for (Scene.Colour other : Scene.Colour.values()) {
        if (other != colour) {
          String first = colour.word().compareTo(other.word()) < 0 ? colour.word() : other.word();
          talks.add(
              talk(
                  "Which comes first in the alphabet, %s or %s?"
                      .formatted(colour.word(), other.word()),
                  first));
        }
      }
    }
    for (int number = 0; number + 1 < NUMBERS.size(); number++) {
      talks.add(
          talk("What comes after %s?".formatted(NUMBERS.get(number)), NUMBERS.get(number + 1)));
    }
    return talks;
  }

  private static List<Turn> talk(String question, String answer) {
    return List.of(user(question), assistant(answer));
  }

  private static Turn user(String text) {
    return new Turn(Turn.Role.USER, text);
  }

  private static Turn assistant(String text) {
    return new Turn(Turn.Role.ASSISTANT, text);
  }
}
