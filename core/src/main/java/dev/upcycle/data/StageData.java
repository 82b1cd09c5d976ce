package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.data.Batch.WithoutImage;
import dev.upcycle.image.Preprocessing;
import dev.upcycle.recipe.DataSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Opens the data of a recipe's stage for a model.
///
/// Rows of template `text` are packed and cut at the end of each sequence. Conversations are packed
/// whole for a model that does not see, and are a sequence each for one that does. One by a
/// template of LLaVA's is cut where it is too long by itself, as LLaVA does; one by the model's own
/// template is refused.
///
/// @param settings of the stage
/// @param model that reads it
public record StageData(DataSettings settings, ModelInput model) {
  /// The samples; the file stays open until they are closed.
  ///
  /// @param threads that tokenise rows before they are packed
  /// @param skip how many bad rows are passed over while rows are packed
  /// @throws DataException when the file cannot be read, or a row that is packed is bad
  public SampleSet open(int threads, SkipLimit skip) throws InterruptedException {
    RowEncoding encoding = encoding();
    RowFile rows = RowFile.open(settings.path());
    TokenisedRows.Work work = new TokenisedRows.Work(threads, skip);
    return switch (encoding) {
      case RowEncoding.Plain plain ->
          PackedTexts.of(
              rows,
              plain,
              new PackedTexts.Packing(settings.maxTokens(), model.vocabulary().size(), work));
      case RowEncoding.Conversing conversing -> of(samples(rows, conversing), work);
    };
  }

  private RowSamples samples(RowFile rows, RowEncoding.Conversing encoding) {
    return switch (encoding) {
      case RowEncoding.Llava _ ->
          new RowSamples(rows, encoding, limits(RowSamples.TooLong.CUT), pictures());
      case RowEncoding.Chat _ ->
          new RowSamples(rows, encoding, limits(RowSamples.TooLong.REFUSED), Optional.empty());
    };
  }

  /// Opens the file, the folder of images and the template, so that what is wrong with them is
  /// known before training; and reads the first row, where that may not be bad.
  ///
  /// @param skip how many bad rows are passed over
  /// @throws DataException when file or folder is not there, or the row is bad
  /// @throws dev.upcycle.chat.ChatException as [#encoding]
  public void requireBeginning(SkipLimit skip) {
    RowEncoding encoding = encoding();
    for (Path folder : settings.images().stream().toList()) {
      if (!Files.isDirectory(folder)) {
        throw DataException.ofFile(
            folder, Files.exists(folder) ? "is no folder of images" : "there is no such folder");
      }
    }
    try (RowFile rows = RowFile.open(settings.path())) {
      if (skip.equals(SkipLimit.NONE)) {
        try {
          first(rows, encoding);
        } catch (DataException e) {
          skip.pass(e, 0);
        }
      }
    }
  }

  /// A text may be a whole book, so it is not tokenised.
  private void first(RowFile rows, RowEncoding encoding) {
    switch (encoding) {
      case RowEncoding.Plain _ -> {
        try {
          rows.row(0).requireText();
        } catch (ChatException e) {
          throw DataException.ofRow(rows.file(), 0, String.valueOf(e.getMessage()));
        }
      }
      case RowEncoding.Conversing conversing -> samples(rows, conversing).sample(0);
    }
  }

  /// A model that sees gets a picture for each row, so that rows cannot share a sequence.
  private SampleSet of(RowSamples rows, TokenisedRows.Work work) throws InterruptedException {
    return model.images().isPresent() ? rows : PackedRows.of(rows, settings.maxTokens(), work);
  }

  /// How rows become tokens.
  ///
  /// @throws dev.upcycle.chat.ChatException when the model has no template of its own, and its own
  ///   is asked for
  public RowEncoding encoding() {
    return switch (settings.template()) {
      case TEXT -> new RowEncoding.Plain(model.tokenizer(), model.vocabulary().end());
      case CHAT -> new RowEncoding.Chat(model.requireChatTemplate(), model.tokenizer());
      case PLAIN, MISTRAL_INSTRUCT_SYSTEM, V1 ->
          new RowEncoding.Llava(llava(settings.template()).orElseThrow(), model.tokenizer());
    };
  }

  /// The template of LLaVA's that a recipe names; empty where it names another.
  static Optional<LlavaTemplate> llava(DataSettings.Template template) {
    return switch (template) {
      case TEXT, CHAT -> Optional.empty();
      case PLAIN -> Optional.of(LlavaTemplate.PLAIN);
      case MISTRAL_INSTRUCT_SYSTEM -> Optional.of(LlavaTemplate.MISTRAL_INSTRUCT_SYSTEM);
      case V1 -> Optional.of(LlavaTemplate.V1);
    };
  }

  private RowSamples.Limits limits(RowSamples.TooLong tooLong) {
    return new RowSamples.Limits(settings.maxTokens(), tooLong, model.vocabulary().size());
  }

  private Optional<RowSamples.Pictures> pictures() {
    return model
        .images()
        .flatMap(input ->
            settings
                .images()
                .map(folder ->
                    new RowSamples.Pictures(
                        new ImageFolder(folder, preprocessing(input), input.side()),
                        input.splice())));
  }

  private Preprocessing preprocessing(ImageInput input) {
    return switch (settings.aspect()) {
      case SQUARE -> input.preprocessing();
      case PAD -> input.preprocessing().paddedToSquare();
    };
  }

  /// In which order its samples come.
  ///
  /// @param batch samples of an optimizer step
  public SampleOrder order(SampleSet samples, int batch, long seed) {
    return switch (settings.sampler()) {
      case RANDOM -> new SampleOrder.Shuffled(samples.size(), seed);
      case MODALITY_LENGTH -> new SampleOrder.ByModalityAndLength(samples.lengths(), batch, seed);
    };
  }

  /// How its samples become a batch: one without an image gives zeros to a model that sees, as CuMo
  /// has it.
  public Batch.Collation collation() {
    return new Batch.Collation(
        model.vocabulary().padding(),
        model
            .images()
            .<WithoutImage>map(input -> new WithoutImage.Zeros(input.side()))
            .orElseGet(WithoutImage.Nothing::new));
  }
}
