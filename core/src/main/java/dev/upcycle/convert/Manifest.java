package dev.upcycle.convert;

import dev.upcycle.checkpoint.ModelConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// `upcycle.json`: where every tensor and file of a target comes from.
///
/// Holds no path and no time, so that equal inputs give equal bytes.
///
/// @param toolVersion version of the tool that wrote it
/// @param recipeName the recipe's name
/// @param recipeSha256 hash of the resolved recipe, which lies beside as `recipe.yaml`
/// @param seed the recipe's seed
/// @param sourceFamily dense model type
/// @param sourceConfig the dense model's config; manifests of earlier versions have none
/// @param targetFamily model type of the result
/// @param sourceParts the parts of a dense composition
/// @param sourceFiles the weights files that went in, by name, size and header hash
/// @param routerFiles the files that routers were taken from, by name, size and hash
/// @param files everything that the conversion wrote into the directory, this file included
/// @param tensors one per target tensor, in state dict order
/// @param discarded source tensors left out, with the reason
public record Manifest(
    String toolVersion,
    String recipeName,
    String recipeSha256,
    long seed,
    String sourceFamily,
    Optional<ModelConfig> sourceConfig,
    String targetFamily,
    List<SourcePart> sourceParts,
    List<SourceShard> sourceFiles,
    List<RouterSource> routerFiles,
    List<String> files,
    List<TensorOrigin> tensors,
    List<LeftOut> discarded) {
  /// The file's name in a target directory.
  public static final String FILE_NAME = "upcycle.json";

  /// Takes copies.
  public Manifest {
    sourceParts = List.copyOf(sourceParts);
    sourceFiles = List.copyOf(sourceFiles);
    routerFiles = List.copyOf(routerFiles);
    files = List.copyOf(files);
    tensors = List.copyOf(tensors);
    discarded = List.copyOf(discarded);
  }

  /// A part of a dense composition.
  ///
  /// @param part its key in a recipe
  /// @param family its model type
  public record SourcePart(String part, String family) {}

  /// A weights file of the source.
  public record SourceShard(String name, long bytes, String headerSha256) {}

  /// A file that routers were taken from; the hash is that of all of its bytes.
  public record RouterSource(String name, long bytes, String sha256) {}

  /// Where a target tensor comes from.
  ///
  /// @param name the target tensor
  /// @param role what it does, lower case
  /// @param kind `pass_through`, `copy_to_expert`, `new_router` or `router_from_file`
  /// @param from the source tensor, absent for a router
  public record TensorOrigin(String name, String role, String kind, Optional<String> from) {}

  /// A source tensor that the target does not hold.
  public record LeftOut(String name, String reason) {}

  /// Reads a target's manifest.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when it is missing or malformed
  public static Manifest read(Path directory) {
    return ManifestJson.read(directory.resolve(FILE_NAME));
  }

  /// The file's bytes, schema `upcycle/manifest/1`.
  public byte[] toJson() {
    return ManifestJson.write(this);
  }
}
