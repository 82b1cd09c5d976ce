package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.Optional;

/// What a stage reads.
///
/// @param path of the rows, absolute: LLaVA's `.json`, `.jsonl`, or plain text
/// @param images the folder that rows name images in, absolute; empty where there are none
/// @param template how a conversation becomes text and labels
/// @param aspect what becomes of images that are not square
/// @param maxTokens the longest sequence
/// @param sampler in which order rows come
public record DataSettings(
    Path path,
    Optional<Path> images,
    Template template,
    Aspect aspect,
    int maxTokens,
    Sampling sampler) {

  /// The same settings for other rows.
  public DataSettings at(Path other) {
    return new DataSettings(other, images, template, aspect, maxTokens, sampler);
  }

  /// How a row becomes text and labels.
  public enum Template {
    /// Rows of text; all of it is learned.
    TEXT,
    /// The model's own chat template.
    CHAT,
    PLAIN,
    MISTRAL_INSTRUCT_SYSTEM,
    V1
  }

  /// What becomes of images that are not square.
  public enum Aspect {
    SQUARE,
    PAD
  }

  /// In which order rows come.
  public enum Sampling {
    RANDOM,
    /// Batches of rows of one modality and of like length.
    MODALITY_LENGTH
  }
}
