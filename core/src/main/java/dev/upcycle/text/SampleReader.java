package dev.upcycle.text;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.data.DataException;
import dev.upcycle.data.DataRow;
import dev.upcycle.data.RowFile;
import dev.upcycle.evaluate.LabelledSample;
import dev.upcycle.image.ImageException;
import dev.upcycle.kernels.tensor.Tensor;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Rows of LLaVA's data as a model reads them, masked by one of LLaVA's templates.
public final class SampleReader {
  private final ImageReading reading;
  private final LlavaTemplate template;
  private final Path images;
  private final PixelReader pictures;
  private final long padding;

  /// @param images the folder that rows name their images from
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the checkpoint's preprocessing
  ///   cannot be followed
  public SampleReader(ImageReading reading, LlavaTemplate template, Path images) {
    this.reading = reading;
    this.template = template;
    this.images = images;
    this.pictures = reading.pictures();
    this.padding = reading.llava().language().config().findLong("pad_token_id").orElse(0);
  }

  /// Reads a row; the pixels belong to the caller's scope.
  ///
  /// @throws DataException naming file, row and reason when the row cannot be used
  public LabelledSample read(RowFile file, long row) {
    Conversation conversation =
        switch (file.row(row)) {
          case DataRow.Talk talk -> talk.conversation();
          case DataRow.Text _ ->
              throw DataException.ofRow(file.file(), row, "is a text, expected a conversation");
        };
    try {
      LabelledTokens tokens =
          template.tokens(conversation, reading.opened().tokenizer()::encode, padding);
      reading.opened().inVocabulary(tokens.ids());
      requirePlaces(conversation, ImageReading.images(tokens.ids()));
      return new LabelledSample(
          reading.spliced(tokens.ids()), reading.splicedLabels(tokens), pixels(conversation));
    } catch (ChatException | ImageException e) {
      throw DataException.ofRow(file.file(), row, String.valueOf(e.getMessage()));
    }
  }

  private static void requirePlaces(Conversation conversation, long places) {
    long named = conversation.image().isPresent() ? 1 : 0;
    if (places != named) {
      throw new ChatException(
          "it has %d %s and names %d images".formatted(places, ImageReading.MARK, named));
    }
  }

  private @Nullable Tensor pixels(Conversation conversation) {
    if (conversation.image().isEmpty()) {
      return null;
    }
    try {
      return pictures.read(List.of(images.resolve(conversation.image().get())));
    } catch (InvalidPathException e) {
      throw new ImageException(conversation.image().get() + ": is no path", e);
    }
  }
}
