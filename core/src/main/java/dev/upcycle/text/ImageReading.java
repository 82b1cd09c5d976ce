package dev.upcycle.text;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.ChatTemplate;
import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.model.LlavaModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// Texts with images as a LLaVA reads them.
///
/// Until [#spliced] an image is one [LabelledTokens#IMAGE] among the ids.
///
/// @param opened a model that has a [LlavaModel]
/// @param llava it
public record ImageReading(TextModel opened, LlavaModel llava) {
  /// Marks the place of an image in a text.
  public static final String MARK = "<image>";

  /// Of a model that looks at images; empty for any other.
  public static Optional<ImageReading> find(TextModel opened) {
    return opened.findLlava().map(llava -> new ImageReading(opened, llava));
  }

  /// How the model's pictures are prepared.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when its checkpoint does not say, or
  ///   says what cannot be followed
  public PixelReader pictures() {
    Checkpoint checkpoint = opened.checkpoint();
    return PixelReader.of(checkpoint.directory(), checkpoint.config(), llava.vision().pixels());
  }

  /// How many places of a text are for images.
  public static long marks(String text) {
    return text.split(MARK, -1).length - 1L;
  }

  /// The ids of a text as it stands.
  public List<Long> encode(String text) {
    List<Long> mark = opened.tokenizer().encodeAsWritten(MARK);
    return mark.equals(List.of(llava.imageToken()))
        ? marked(opened.tokenizer().encode(text))
        : inVocabulary(LlavaTemplate.pieces(text, opened.tokenizer()::encode));
  }

  /// The ids of a user's message by one of LLaVA's templates, the beginning of the answer included.
  ///
  /// @param message with a mark for each image
  public List<Long> ask(String message, LlavaTemplate template) {
    return inVocabulary(template.question(message, opened.tokenizer()::encode));
  }

  /// The ids of a conversation by the model's own chat template, the beginning of the answer
  /// included.
  ///
  /// @throws ChatException when there is no template, or it does not write a mark for each image
  public List<Long> ask(Conversation conversation) {
    ChatTemplate template = ChatTemplate.require(opened.checkpoint().directory());
    String text = template.renderSeeing(conversation);
    List<Long> mark = opened.tokenizer().encodeAsWritten(MARK);
    return mark.equals(List.of(llava.imageToken()))
        ? marked(opened.tokenizer().encodeAsWritten(text))
        : inVocabulary(LlavaTemplate.pieces(text, opened.tokenizer()::encodeAsWritten));
  }

  /// The ids with a mark in each place of the model's own token for images.
  private List<Long> marked(List<Long> ids) {
    return inVocabulary(
        ids.stream().map(id -> id == llava.imageToken() ? LabelledTokens.IMAGE : id).toList());
  }

  private List<Long> inVocabulary(List<Long> ids) {
    opened.inVocabulary(ids);
    return ids;
  }

  /// The ids with as many places for each image as it has features.
  public List<Long> spliced(List<Long> ids) {
    List<Long> spliced = new ArrayList<>();
    for (long id : ids) {
      if (id == LabelledTokens.IMAGE) {
        spliced.addAll(Collections.nCopies(llava.placesPerImage(), llava.imageToken()));
      } else {
        spliced.add(id);
      }
    }
    return spliced;
  }

  /// The labels of spliced ids: no place of an image is learned.
  public List<Long> splicedLabels(LabelledTokens tokens) {
    List<Long> spliced = new ArrayList<>();
    for (int i = 0; i < tokens.ids().size(); i++) {
      if (tokens.ids().get(i) == LabelledTokens.IMAGE) {
        spliced.addAll(Collections.nCopies(llava.placesPerImage(), LabelledTokens.IGNORED));
      } else {
        spliced.add(tokens.labels().get(i));
      }
    }
    return spliced;
  }

  /// How many images a text's ids have places for.
  public static long images(List<Long> ids) {
    return ids.stream().filter(id -> id == LabelledTokens.IMAGE).count();
  }
}
