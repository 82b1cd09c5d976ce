package dev.upcycle.sample;

import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LlavaTemplate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The tokenizer of [DrawnData]: every word of the data and of the templates' own text is a token.
public final class DrawnTokenizer {
  private static final WordTokenizer WORDS = WordTokenizer.of(texts());

  private DrawnTokenizer() {}

  private static List<String> texts() {
    List<String> texts = new ArrayList<>();
    for (Conversation talk : DrawnData.talks()) {
      texts.addAll(pieces(LlavaTemplate.MISTRAL_INSTRUCT_SYSTEM.text(talk)));
      texts.addAll(pieces(LlavaTemplate.V1.text(talk)));
      if (talk.image().isPresent() && talk.turns().size() == 2) {
        texts.addAll(pieces(LlavaTemplate.PLAIN.text(talk)));
      }
    }
    return texts;
  }

  /// What lies between special tokens.
  static List<String> pieces(String text) {
    return List.of(text.split("<s>|</s>|<image>"));
  }

  /// How many ids it has.
  public static int vocabulary() {
    return WORDS.vocabulary();
  }

  /// The id of the first token of a text.
  public static int beginning() {
    return WordTokenizer.SPECIAL.indexOf("<s>");
  }

  /// The id that ends a text.
  public static int end() {
    return WordTokenizer.SPECIAL.indexOf("</s>");
  }

  /// The id that keeps a place free for a feature of an image.
  public static int image() {
    return WordTokenizer.SPECIAL.indexOf("<image>");
  }

  /// The id that fills sequences up.
  public static int padding() {
    return WordTokenizer.SPECIAL.indexOf("<unk>");
  }

  /// Writes `tokenizer.json` and `tokenizer_config.json` into a directory.
  ///
  /// @throws dev.upcycle.checkpoint.write.ResourceException when they cannot be written
  public static void writeTo(Path directory) {
    WORDS.writeTo(directory);
  }
}
