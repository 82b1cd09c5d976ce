package dev.upcycle.dialect;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Where in a CLIP of OpenAI or open_clip the towers' names begin.
///
/// @param vision what stands before the image tower's names; nothing where it is alone
/// @param text what stands before the text tower's names; empty where there is none
public record OpenClipLayout(String vision, Optional<String> text) {
  /// The layout of a checkpoint that has such an image tower; empty for any other.
  ///
  /// @throws CheckpointFormatException when it is a CLIP of another kind of image tower
  public static Optional<OpenClipLayout> find(Set<String> names) {
    refuseOtherTowers(names);
    return Stream.of("visual.", "")
        .filter(prefix ->
            names.contains(prefix + "conv1.weight") && names.contains(prefix + "class_embedding"))
        .findFirst()
        .map(prefix ->
            new OpenClipLayout(prefix, prefix.isEmpty() ? Optional.empty() : text(names)));
  }

  private static Optional<String> text(Set<String> names) {
    return Stream.of("", "text.")
        .filter(prefix -> names.contains(prefix + "token_embedding.weight"))
        .findFirst();
  }

  private static void refuseOtherTowers(Set<String> names) {
    String kind =
        names.contains("visual.attnpool.positional_embedding")
            ? "a ResNet, which has no feed-forward networks to make experts of"
            : names.stream().anyMatch(name -> name.startsWith("visual.trunk."))
                ? "one of timm's, whose names are not read"
                : "";
    if (!kind.isEmpty()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "the image tower of this CLIP is "
              + kind
              + "; expected a vision transformer of OpenAI's or open_clip's own, or a model that"
              + " transformers saved");
    }
  }
}
