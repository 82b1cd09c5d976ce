package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Manifest.TensorOrigin;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// Where a model with experts comes from: the manifest of its conversion, and which tensors are
/// still those of the dense model.
///
/// @param manifest tells of the model that the run began with, or of the dense one behind that
/// @param frozen names of the tensors that come from there and that no stage has trained
record Lineage(Manifest manifest, Set<String> frozen) {
  Lineage {
    frozen = Set.copyOf(frozen);
  }

  /// Of a model that a conversion or a run wrote; empty where no manifest beside it tells of its
  /// tensors.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the manifest is malformed
  static Optional<Lineage> beside(Checkpoint model) {
    if (!Files.isRegularFile(model.directory().resolve(Manifest.FILE_NAME))) {
      return Optional.empty();
    }
    Manifest manifest = Manifest.read(model.directory());
    Set<String> told =
        manifest.tensors().stream().map(TensorOrigin::name).collect(Collectors.toSet());
    if (!told.equals(model.tensors().keySet())) {
      return Optional.empty();
    }
    Set<String> frozen = manifest.frozen().orElseGet(() -> copied(manifest.tensors(), _ -> true));
    return Optional.of(new Lineage(manifest, frozen));
  }

  /// Of a model that a stage made experts of, when no model before it had any.
  ///
  /// @param conversion the stage's own manifest, which tells of the model of the stage before
  /// @param source what the run began with
  /// @param trained names of the tensors that the stages before have trained
  static Lineage of(Manifest conversion, Checkpoint source, Set<String> trained) {
    return new Lineage(
        conversion.from(source), copied(conversion.tensors(), from -> !trained.contains(from)));
  }

  /// Of this model with more experts.
  ///
  /// @param conversion the manifest that tells how they were made of this model
  Lineage then(Manifest conversion) {
    Map<String, TensorOrigin> before =
        manifest.tensors().stream()
            .collect(Collectors.toMap(TensorOrigin::name, Function.identity()));
    List<TensorOrigin> tensors =
        conversion.tensors().stream().map(origin -> behind(origin, before)).toList();
    Set<String> kept = copied(conversion.tensors(), frozen::contains);
    return new Lineage(conversion.behind(manifest, tensors), kept);
  }

  private static TensorOrigin behind(TensorOrigin origin, Map<String, TensorOrigin> before) {
    Optional<TensorOrigin> earlier = origin.from().map(before::get);
    return earlier
        .filter(first -> first.from().isEmpty() || !first.kind().equals(Manifest.PASSED_THROUGH))
        .map(first -> new TensorOrigin(origin.name(), origin.role(), first.kind(), first.from()))
        .orElseGet(() ->
            new TensorOrigin(
                origin.name(), origin.role(), origin.kind(), earlier.flatMap(TensorOrigin::from)));
  }

  private static Set<String> copied(List<TensorOrigin> tensors, Predicate<String> from) {
    return tensors.stream()
        .filter(origin -> origin.from().filter(from).isPresent())
        .map(TensorOrigin::name)
        .collect(Collectors.toSet());
  }

  /// The manifest of this model once some of its tensors trained.
  ///
  /// @param files that lie in its folder
  Manifest trained(Set<String> trained, Set<String> files) {
    Set<String> kept = new HashSet<>(frozen);
    kept.removeAll(trained);
    return manifest.trained(List.copyOf(new TreeSet<>(files)), kept);
  }
}
