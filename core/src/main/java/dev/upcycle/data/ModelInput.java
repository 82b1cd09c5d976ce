package dev.upcycle.data;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.chat.ChatTemplate;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.image.Preprocessing;
import dev.upcycle.recipe.Part;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/// What a model reads and how: its tokenizer, its vocabulary, its templates, its images.
///
/// Owns the tokenizer until it is closed.
///
/// @param directory where the tokenizer's files lie
/// @param tokenizer text to ids
/// @param vocabulary its ids
/// @param positions the most tokens that it was made for, where its config says so
/// @param images empty where it takes none
public record ModelInput(
    Path directory,
    Tokenizer tokenizer,
    Vocabulary vocabulary,
    OptionalLong positions,
    Optional<ImageInput> images)
    implements AutoCloseable {

  /// The ids that a model knows.
  ///
  /// @param size how many
  /// @param end of a text, where its config names one
  /// @param padding what fills sequences up
  public record Vocabulary(long size, OptionalLong end, long padding) {
    /// As a config says; sequences are filled up with 0 where it names nothing for that.
    public static Vocabulary of(ModelConfig config) {
      return new Vocabulary(
          config.requireLong("vocab_size"),
          id(config, "eos_token_id"),
          id(config, "pad_token_id").orElse(0));
    }

    private static OptionalLong id(ModelConfig config, String key) {
      JsonNode value = config.json().path(key);
      JsonNode first = value.isArray() ? value.path(0) : value;
      boolean known = first.isIntegralNumber() && first.longValue() >= 0;
      return known ? OptionalLong.of(first.longValue()) : OptionalLong.empty();
    }
  }

  /// Reads what lies in a model's directory; its weights are not opened.
  ///
  /// @throws TokenizerException when there is no tokenizer
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when its configs are wrong
  public static ModelInput open(Path directory) {
    ModelConfig config = ModelConfig.read(directory.resolve("config.json"));
    return of(config, _ -> directory);
  }

  /// Reads what lies beside a model, which may be put together from others.
  ///
  /// @throws TokenizerException when there is no tokenizer
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when its configs are wrong
  public static ModelInput of(Checkpoint model) {
    return of(
        model.config(),
        name ->
            model.companions().stream()
                .filter(file -> file.endsWith(name))
                .findFirst()
                .flatMap(file -> Optional.ofNullable(file.getParent()))
                .orElse(model.directory()));
  }

  /// @param folders where a file of this name lies
  private static ModelInput of(ModelConfig config, Function<String, Path> folders) {
    ModelConfig words = words(config);
    Optional<ImageInput> images = ImageInput.find(folders.apply(Preprocessing.FILE_NAME), config);
    Path texts = folders.apply(Tokenizer.FILE_NAME);
    return new ModelInput(
        texts, Tokenizer.require(texts), Vocabulary.of(words), positions(config), images);
  }

  /// The config of what reads texts.
  private static ModelConfig words(ModelConfig config) {
    Optional<ModelPart> language = Composition.read(config, Set.of()).find(Part.LANGUAGE);
    return language
        .map(part -> part.family().complete(part.config()))
        .orElseGet(() -> Architecture.require(config.modelType()).complete(config));
  }

  /// The most tokens that a model was made for, where its config says so.
  public static OptionalLong positions(ModelConfig config) {
    return words(config).findLong("max_position_embeddings");
  }

  /// Its own chat template.
  ///
  /// @throws dev.upcycle.chat.ChatException when it has none
  public ChatTemplate requireChatTemplate() {
    return ChatTemplate.require(directory);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
