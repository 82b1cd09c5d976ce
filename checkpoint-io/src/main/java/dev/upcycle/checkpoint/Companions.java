package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  static Companions of(Listing listing) {
    List<Path> files = new ArrayList<>();
    for (String name : listing.matching(CARRIED)) {
      Path file = listing.path(name);
      if (Files.isRegularFile(file)) {
        requireContent(file);
        files.add(file);
      }
    }
    List<String> notes =
        listing.has(MORE_TEMPLATES)
            ? List.of(MORE_TEMPLATES + " is passed over: only files beside the weights are carried")
            : List.of();
    return new Companions(List.copyOf(files), notes);
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
