package dev.upcycle.text;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.data.TokenizerException;
import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// A decoder, or a LLaVA around one, with its weights in memory and its tokenizer; owns both until
/// it is closed.
public final class TextModel implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final DecoderModel model;
  private final @Nullable LlavaModel llava;
  private final Tokenizer tokenizer;

  /// @param llava that the decoder stands in, if it does
  private TextModel(
      Checkpoint checkpoint, DecoderModel model, @Nullable LlavaModel llava, Tokenizer tokenizer) {
    this.checkpoint = checkpoint;
    this.model = model;
    this.llava = llava;
    this.tokenizer = tokenizer;
  }

  /// Opens a model's directory.
  ///
  /// @param device `auto`, `cpu`, `cuda` or `cuda:<index>`
  /// @param compute `f32` or `bf16`
  /// @throws ResourceShortage when LibTorch does not load or the device is not there
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the weights do not fit
  /// @throws TokenizerException when there is no tokenizer that can be read
  public static TextModel open(Path directory, String device, String compute) {
    return open(directory, options(device, compute));
  }

  /// Opens a model's directory.
  ///
  /// @param options from [#options], where the device is known to be there
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the weights do not fit
  /// @throws TokenizerException when there is no tokenizer that can be read
  public static TextModel open(Path directory, ModelOptions options) {
    Checkpoint checkpoint = Checkpoint.open(directory);
    requireText(checkpoint);
    Tokenizer tokenizer = Tokenizer.require(checkpoint.directory());
    try {
      if (LlavaModel.fits(checkpoint)) {
        LlavaModel llava = LlavaModel.open(checkpoint, options);
        return new TextModel(checkpoint, llava.language(), llava, tokenizer);
      }
      return new TextModel(checkpoint, DecoderModel.open(checkpoint, options), null, tokenizer);
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /// Whether a checkpoint's config is that of a decoder, or of a LLaVA around one.
  ///
  /// @throws CheckpointFormatException when its family is not known
  public static boolean fits(Checkpoint checkpoint) {
    return Architecture.require(checkpoint.config().modelType()).decodes()
        || LlavaModel.fits(checkpoint);
  }

  /// Said before a tokenizer is missed that such a model never had.
  private static void requireText(Checkpoint checkpoint) {
    if (!fits(checkpoint)) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "%s is a %s, expected a decoder or a LLaVA, which go on with a text; verify and bench run this one"
              .formatted(checkpoint.directory(), checkpoint.config().modelType()));
    }
  }

  /// Where to compute and in what type, once it is sure that both are there.
  ///
  /// @param device `auto`, `cpu`, `cuda` or `cuda:<index>`
  /// @param compute `f32` or `bf16`
  /// @throws ResourceShortage when LibTorch does not load or the device is not there
  public static ModelOptions options(String device, String compute) {
    LibTorch.Probe probe = LibTorch.probe();
    if (!probe.loadable()) {
      throw new ResourceShortage(
          "LibTorch does not load: " + probe.loadProblem().orElse("unknown reason"));
    }
    try {
      return ModelOptions.of(device, compute);
    } catch (KernelException e) {
      throw new ResourceShortage(String.valueOf(e.getMessage()), e);
    }
  }

  /// Its headers and config.
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /// The network; a LLaVA's decoder.
  public DecoderModel model() {
    return model;
  }

  /// The whole that looks at images; empty for a decoder alone.
  public Optional<LlavaModel> findLlava() {
    return Optional.ofNullable(llava);
  }

  /// The tokenizer.
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /// The most tokens that it was made for, where its config says so.
  public OptionalLong positions() {
    return model.config().findLong("max_position_embeddings");
  }

  /// Size of its vocabulary.
  public long vocab() {
    return model.dimensions().vocab();
  }

  /// The ids of a text.
  ///
  /// @throws TokenizerException when one lies outside the model's vocabulary
  public List<Long> encode(String text) {
    return inVocabulary(tokenizer.encode(text));
  }

  /// The ids of a text that spells its special tokens itself, such as a rendered chat.
  ///
  /// @throws TokenizerException when one lies outside the model's vocabulary
  public List<Long> encodeAsWritten(String text) {
    return inVocabulary(tokenizer.encodeAsWritten(text));
  }

  /// The ids of a text, for long ones.
  ///
  /// @throws TokenizerException when one lies outside the model's vocabulary
  public long[] ids(String text) {
    long[] ids = tokenizer.ids(text);
    for (long id : ids) {
      requireInVocabulary(id);
    }
    return ids;
  }

  List<Long> inVocabulary(List<Long> ids) {
    ids.forEach(this::requireInVocabulary);
    return ids;
  }

  private void requireInVocabulary(long id) {
    if (id >= vocab()) {
      throw new TokenizerException(
          "%s: its %s gives token %d, the model's vocabulary has %d"
              .formatted(checkpoint.directory(), Tokenizer.FILE_NAME, id, vocab()));
    }
  }

  @Override
  public void close() {
    try (tokenizer) {
      if (llava == null) {
        model.close();
      } else {
        llava.close();
      }
    }
  }
}
