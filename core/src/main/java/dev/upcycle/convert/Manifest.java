package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.SourceFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

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
/// @param files everything that was written into the directory, this file included
/// @param tensors one per target tensor, in state dict order
/// @param discarded source tensors left out, with the reason
/// @param frozen of a model that was trained since, the tensors that come from the source and that
///   no stage trained; of no other
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
    List<LeftOut> discarded,
    Optional<Set<String>> frozen) {
  /// The file's name in a target directory.
  public static final String FILE_NAME = "upcycle.json";

  /// The kind of a tensor that is the source's own.
  public static final String PASSED_THROUGH = "pass_through";

  /// Takes copies.
  public Manifest {
    sourceParts = List.copyOf(sourceParts);
    sourceFiles = List.copyOf(sourceFiles);
    routerFiles = List.copyOf(routerFiles);
    files = List.copyOf(files);
    tensors = List.copyOf(tensors);
    discarded = List.copyOf(discarded);
    frozen = frozen.map(Set::copyOf);
  }

  /// A part of a dense composition.
  ///
  /// @param part its key in a recipe
  /// @param family its model type
  public record SourcePart(String part, String family) {}

  /// A weights file of the source.
  public record SourceShard(String name, long bytes, String headerSha256) {
    /// Those of a model.
    static List<SourceShard> of(Checkpoint model) {
      return model.files().stream().map(file -> of(file, model)).toList();
    }

    private static SourceShard of(SourceFile file, Checkpoint model) {
      return new SourceShard(model.label(file), file.bytes(), file.headerSha256());
    }
  }

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

  /// This manifest, told of another source whose tensors have the same names.
  public Manifest from(Checkpoint source) {
    return new Manifest(
        toolVersion,
        recipeName,
        recipeSha256,
        seed,
        source.config().modelType(),
        Optional.of(source.config()),
        targetFamily,
        sourceParts,
        SourceShard.of(source),
        routerFiles,
        files,
        tensors,
        discarded,
        frozen);
  }

  /// This manifest, told of the source behind its own.
  ///
  /// @param first tells how its own source was made
  /// @param origins of the target's tensors in that source
  public Manifest behind(Manifest first, List<TensorOrigin> origins) {
    List<LeftOut> leftOut = new ArrayList<>(first.discarded);
    leftOut.addAll(discarded);
    List<RouterSource> routers = new ArrayList<>(first.routerFiles);
    routers.addAll(routerFiles);
    return new Manifest(
        toolVersion,
        recipeName,
        recipeSha256,
        seed,
        first.sourceFamily,
        first.sourceConfig,
        targetFamily,
        first.sourceParts,
        first.sourceFiles,
        routers,
        files,
        origins,
        leftOut,
        frozen);
  }

  /// This manifest, of the model that training made of the target.
  ///
  /// @param present everything that lies in its directory, this file included
  /// @param untrained tensors that come from the source and that nothing trained
  public Manifest trained(List<String> present, Set<String> untrained) {
    return new Manifest(
        toolVersion,
        recipeName,
        recipeSha256,
        seed,
        sourceFamily,
        sourceConfig,
        targetFamily,
        sourceParts,
        sourceFiles,
        routerFiles,
        present,
        tensors,
        discarded,
        Optional.of(untrained));
  }

  /// This manifest, of a directory with one more file.
  public Manifest with(String file) {
    List<String> more = Stream.concat(files.stream(), Stream.of(file)).sorted().toList();
    return trained(more, frozen.orElse(Set.of()));
  }

  /// The file's bytes, schema `upcycle/manifest/1`.
  public byte[] toJson() {
    return ManifestJson.write(this);
  }
}
