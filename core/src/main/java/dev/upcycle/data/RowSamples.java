package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.chat.Turn;
import dev.upcycle.chat.jinja.TemplateException;
import dev.upcycle.image.ImageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A sample for every row of a file.
public final class RowSamples implements SampleSet {
  private final RowFile rows;
  private final RowEncoding encoding;
  private final Limits limits;
  private final Optional<Pictures> pictures;

  RowSamples(RowFile rows, RowEncoding encoding, Limits limits, Optional<Pictures> pictures) {
    this.rows = rows;
    this.encoding = encoding;
    this.limits = limits;
    this.pictures = pictures;
  }

  /// What fits.
  ///
  /// @param maxTokens the longest sequence, places of images included
  /// @param tooLong what becomes of a longer one
  /// @param vocab how many ids the model knows
  record Limits(int maxTokens, TooLong tooLong, long vocab) {}

  /// What becomes of a row that is too long.
  enum TooLong {
    /// Its end is cut off, after the places of images were put in: LLaVA's way.
    CUT,
    /// It is an error.
    REFUSED
  }

  /// Where images come from and where they go.
  record Pictures(ImageFolder folder, Splice splice) {}

  @Override
  public int size() {
    return Math.toIntExact(rows.rows());
  }

  @Override
  public Sample sample(int index) {
    try {
      return made(index, rows.row(index));
    } catch (ChatException
        | TemplateException
        | TokenizerException
        | ImageException
        | IllegalArgumentException e) {
      throw bad(index, String.valueOf(e.getMessage()));
    }
  }

  private Sample made(int index, DataRow row) {
    Tokens tokens = encoding.tokens(row);
    Optional<String> image = image(row);
    long marks = Arrays.stream(tokens.ids()).filter(id -> id == LabelledTokens.IMAGE).count();
    if (marks != (image.isPresent() ? 1 : 0)) {
      throw bad(
          index,
          image.isPresent()
              ? "has an image, and its text has <image> %d times, expected once".formatted(marks)
              : "its text has <image>, but it has no image");
    }
    if (image.isEmpty()) {
      return new Sample(index, fitting(index, tokens), Sample.Picture.NONE, tokens.length());
    }
    Pictures known =
        pictures.orElseThrow(() ->
            bad(index, "has an image, and the model takes none or no folder of images is given"));
    Tokens whole = known.splice().into(tokens);
    Tokens fitting = fitting(index, whole);
    return new Sample(
        index,
        fitting,
        new Sample.Picture(
            Optional.of(known.folder().read(image.orElseThrow())), known.splice().places(fitting)),
        whole.length());
  }

  private static Optional<String> image(DataRow row) {
    return switch (row) {
      case DataRow.Talk(String _, Conversation conversation) -> conversation.image();
      case DataRow.Text _ -> Optional.empty();
    };
  }

  private Tokens fitting(int index, Tokens tokens) {
    for (long id : tokens.ids()) {
      if (id >= limits.vocab() && !isPlace(id)) {
        throw bad(
            index,
            "the tokenizer gives token %d, the model's vocabulary has %d"
                .formatted(id, limits.vocab()));
      }
    }
    boolean tooLong = tokens.length() > limits.maxTokens();
    if (tooLong && limits.tooLong() == TooLong.REFUSED) {
      throw bad(
          index,
          "%d tokens, at most %d fit; raise max_tokens or shorten it"
              .formatted(tokens.length(), limits.maxTokens()));
    }
    Tokens fitting = tooLong ? tokens.first(limits.maxTokens()) : tokens;
    if (fitting.learned() == 0) {
      throw bad(
          index,
          "no token is learned"
              + (tooLong && tokens.learned() > 0
                  ? " of the first %d, and it has %d".formatted(limits.maxTokens(), tokens.length())
                  : "; it has no answer"));
    }
    return fitting;
  }

  /// What keeps a place free need not be in the vocabulary.
  private boolean isPlace(long id) {
    return pictures.filter(known -> known.splice().placeholder() == id).isPresent();
  }

  private DataException bad(int index, String reason) {
    return DataException.ofRow(rows.file(), index, reason);
  }

  /// LLaVA's measure: words between blanks. A bad row, which is met when its turn comes, counts as
  /// one word.
  @Override
  public List<Integer> lengths() {
    List<Integer> lengths = new ArrayList<>(size());
    for (int index = 0; index < size(); index++) {
      lengths.add(length(index));
    }
    return lengths;
  }

  private int length(int index) {
    try {
      return switch (rows.row(index)) {
        case DataRow.Text(String text) -> -words(text);
        case DataRow.Talk(String _, Conversation conversation) -> {
          int sum =
              conversation.turns().stream().map(Turn::content).mapToInt(RowSamples::words).sum();
          yield conversation.image().isPresent() ? Math.max(1, sum) : -Math.max(1, sum);
        }
      };
    } catch (DataException e) {
      return -1;
    }
  }

  private static int words(String text) {
    String inner = text.strip();
    return inner.isEmpty() ? 1 : inner.split("\\s+").length;
  }

  @Override
  public List<DataException> skipped() {
    return List.of();
  }

  @Override
  public void close() {
    rows.close();
  }
}
