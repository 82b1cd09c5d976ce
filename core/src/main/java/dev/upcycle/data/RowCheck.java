package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.image.DecodingRules;
import dev.upcycle.image.ImageDecoder;
import dev.upcycle.image.ImageException;
import dev.upcycle.recipe.DataSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;

/// Reads every row of a stage's data without a model: whether it is one, whether its turns are
/// those of the template, and whether its image opens. Nothing is tokenised.
public final class RowCheck {
  private static final ImageDecoder DECODER = new ImageDecoder(DecodingRules.DEFAULT);

  private final DataSettings settings;
  private final RowFile rows;

  private RowCheck(DataSettings settings, RowFile rows) {
    this.settings = settings;
    this.rows = rows;
  }

  /// Checks rows; the report has no tokens, lengths or example.
  ///
  /// @param progress is told how many rows are done
  /// @throws DataException when the file itself cannot be read
  public static DataReport run(DataSettings settings, int threads, LongConsumer progress)
      throws InterruptedException {
    try (RowFile rows = RowFile.open(settings.path())) {
      return new RowCheck(settings, rows).run(threads, progress);
    }
  }

  private DataReport run(int threads, LongConsumer progress) throws InterruptedException {
    BadRows bad = new BadRows();
    long images = 0;
    try (Ahead<Boolean> seen =
        new Ahead<>(
            LongStream.range(0, rows.rows())
                .<Callable<Boolean>>mapToObj(row -> () -> hasImage(row))
                .iterator(),
            threads,
            4 * threads)) {
      for (long done = 1; seen.hasNext(); done++) {
        try {
          images += seen.next() ? 1 : 0;
        } catch (DataException e) {
          bad.add(e);
        }
        progress.accept(done);
      }
    }
    long good = rows.rows() - bad.places().size();
    return new DataReport(
        rows.rows(), good, 0, 0, 0, images, List.of(), bad.first(), bad.places(), Optional.empty());
  }

  private boolean hasImage(long row) {
    try {
      return hasImage(rows.row(row));
    } catch (ChatException | ImageException e) {
      throw DataException.ofRow(rows.file(), row, String.valueOf(e.getMessage()));
    }
  }

  private boolean hasImage(DataRow row) {
    switch (settings.template()) {
      case TEXT -> row.requireText();
      case CHAT -> row.requireConversation("chat");
      case PLAIN, MISTRAL_INSTRUCT_SYSTEM, V1 -> {
        LlavaTemplate template = StageData.llava(settings.template()).orElseThrow();
        Conversation conversation = row.requireConversation(template.key());
        template.text(conversation);
        conversation.image().ifPresent(this::requireImage);
      }
    }
    return row.hasImage();
  }

  private void requireImage(String name) {
    Path folder =
        settings
            .images()
            .orElseThrow(
                () -> new ImageException("has an image, and no folder of images is given"));
    DECODER.read(folder.resolve(name));
  }
}
