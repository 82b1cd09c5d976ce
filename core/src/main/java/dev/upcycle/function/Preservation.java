package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Manifest.TensorOrigin;
import java.util.Optional;
import java.util.Set;

/// Should a target compute what its source computes?
///
/// It should when every expert is a copy of the dense network, the chosen experts' weights sum to
/// 1, and no weight was rounded.
final class Preservation {
  private static final Set<String> PRESERVING =
      Set.of("pass_through", "copy_to_expert", "new_router", "router_from_file");

  private Preservation() {}

  /// Why it need not; empty when it should.
  ///
  /// @param pair both models bound
  static Optional<String> objection(Checkpoint dense, Checkpoint target, ModelPair pair) {
    Manifest manifest = Manifest.read(target.directory());
    Optional<String> changed =
        manifest.tensors().stream()
            .filter(origin -> !PRESERVING.contains(origin.kind()))
            .map(origin -> origin.name() + " is " + origin.kind() + ", not a copy")
            .findFirst();
    if (changed.isPresent()) {
      return changed;
    }
    if (!pair.renormalises()) {
      return Optional.of("the chosen experts' weights need not sum to 1");
    }
    return manifest.tensors().stream()
        .filter(origin -> rounded(origin, dense, target))
        .map(origin ->
            "%s was rounded from %s to %s"
                .formatted(
                    origin.name(),
                    dense.require(origin.from().orElseThrow()).dtype(),
                    target.require(origin.name()).dtype()))
        .findFirst();
  }

  private static boolean rounded(TensorOrigin origin, Checkpoint dense, Checkpoint target) {
    Optional<DType> from = origin.from().flatMap(dense::find).map(TensorEntry::dtype);
    Optional<DType> to = target.find(origin.name()).map(TensorEntry::dtype);
    return from.isPresent()
        && to.isPresent()
        && !from.equals(to)
        && from.get().bits() >= to.get().bits();
  }
}
