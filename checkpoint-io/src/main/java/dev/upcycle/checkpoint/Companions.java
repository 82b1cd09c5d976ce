package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// The files beside the weights that hold of a converted model too: tokenizer, chat template,
/// generation config, preprocessors, licence.
///
/// @param files in the order of their names
/// @param notes what was passed over
record Companions(List<Path> files, List<String> notes) {
  private static final Pattern CARRIED =
      Pattern.compile(
          "generation_config\\.json"
              + "|tokenizer[^/]*\\.(json|model|txt)|tokenizer\\.model\\.v\\d+"
              + "|special_tokens_map\\.json|added_tokens\\.json|vocab\\.(json|txt)|merges\\.txt"
              + "|spiece\\.model|sentencepiece\\.bpe\\.model"
              + "|chat_template\\.(jinja|json)"
              + "|(video_)?preprocessor_config\\.json|processor_config\\.json"
              + "|(LICENSE|LICENCE|NOTICE)[^/]*");

  private static final String MORE_TEMPLATES = "additional_chat_templates";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final String NEW_TOKENIZER = "TokenizersBackend";

  static Companions of(Listing listing) {
    List<Path> files = new ArrayList<>();
    for (String name : listing.matching(CARRIED)) {
      Path file = listing.path(name);
      if (Files.isRegularFile(file)) {
        requireContent(file);
        files.add(file);
      }
    }
    List<String> notes = new ArrayList<>();
    if (listing.has(MORE_TEMPLATES)) {
      notes.add(MORE_TEMPLATES + " is passed over: only files beside the weights are carried");
    }
    if (listing.has(TOKENIZER_CONFIG)) {
      tokenizerNote(listing.path(TOKENIZER_CONFIG)).ifPresent(notes::add);
    }
    return new Companions(List.copyOf(files), List.copyOf(notes));
  }

  /// What stands in the way of older readers of the tokenizer.
  private static Optional<String> tokenizerNote(Path file) {
    try {
      String name =
          JsonFile.read(file, CheckpointFault.UNREADABLE, CheckpointFault.BAD_CONFIG)
              .path("tokenizer_class")
              .asString("");
      return name.equals(NEW_TOKENIZER)
          ? Optional.of(
              ("%s names tokenizer_class %s, as transformers 5 writes it; transformers 4.57 cannot"
                      + " load such a tokenizer. PreTrainedTokenizerFast in its place loads in both")
                  .formatted(TOKENIZER_CONFIG, NEW_TOKENIZER))
          : Optional.empty();
    } catch (CheckpointFormatException e) {
      return Optional.empty(); // carried as it is: conversion does not depend on it
    }
  }

  private static void requireContent(Path file) {
    try {
      GitLfsPointer.refuse(file);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, file + ": cannot be read (" + e + ")", e);
    }
  }
}
