package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// The files beside the weights that hold of a converted model too: tokenizer, chat template,
/// generation config, preprocessors, licence.
///
/// A file that is a symbolic link is carried only when it leads to a file of the same directory or,
/// in the Hugging Face cache, to the blobs of the same repository: a link to elsewhere would
/// publish a file that its owner never put into the model.
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

  /// Far above real ones: the largest known `tokenizer.json` has about 33 MB. They are read whole.
  private static final long MAX_BYTES = 100_000_000;

  private static final String SNAPSHOTS = "snapshots";
  private static final String BLOBS = "blobs";
  private static final String MORE_TEMPLATES = "additional_chat_templates";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final String NEW_TOKENIZER = "TokenizersBackend";

  static Companions of(Listing listing) {
    List<Path> files = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    for (String name : listing.matching(CARRIED)) {
      Path file = listing.path(name);
      if (Files.isRegularFile(file)) {
        requireCarriable(listing.directory(), file);
        files.add(file);
      } else {
        notes.add(name + " is passed over: it is not a regular file");
      }
    }
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
              String.format(
                  Locale.ROOT,
                  "%s names tokenizer_class %s, as transformers 5 writes it; transformers 4.57 cannot"
                      + " load such a tokenizer. PreTrainedTokenizerFast in its place loads in both",
                  TOKENIZER_CONFIG,
                  NEW_TOKENIZER))
          : Optional.empty();
    } catch (CheckpointFormatException e) {
      return Optional.empty(); // carried as it is: conversion does not depend on it
    }
  }

  private static void requireCarriable(Path directory, Path file) {
    try {
      requireOwn(directory.toRealPath(), file);
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw new CheckpointFormatException(
            CheckpointFault.COMPANION_TOO_LARGE,
            String.format(
                Locale.ROOT,
                "%s: is %,d bytes, expected at most %,d for a file that is carried along; move it away",
                file,
                bytes,
                MAX_BYTES));
      }
      GitLfsPointer.refuse(file);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, file + ": cannot be read (" + e + ")", e);
    }
  }

  private static void requireOwn(Path directory, Path file) throws IOException {
    Path content = file.toRealPath();
    if (!directory.equals(content.getParent())
        && findBlobs(directory).stream().noneMatch(content::startsWith)) {
      throw new CheckpointFormatException(
          CheckpointFault.COMPANION_OUTSIDE_DIRECTORY,
          String.format(
              Locale.ROOT,
              "%s: is a link to %s, outside the model; put the file itself in that place, or remove the link",
              file,
              content));
    }
  }

  /// The blobs of the repository, when this is a snapshot in the cache or lies in one.
  private static Optional<Path> findBlobs(Path directory) {
    for (Path at = directory; at != null; at = at.getParent()) {
      if (at.endsWith(SNAPSHOTS)) {
        return Optional.of(at.resolveSibling(BLOBS));
      }
    }
    return Optional.empty();
  }
}
