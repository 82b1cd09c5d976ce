package dev.upcycle.function;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Manifest.TensorOrigin;
import dev.upcycle.function.FunctionReport.Place;
import dev.upcycle.recipe.Part;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Should a target compute what its source computes?
///
/// A layer should when every expert is a copy of the dense network, the chosen experts' weights sum
/// to 1, and no weight was rounded; the whole should when every layer and what stands around them
/// should.
final class Preservation {
  private static final Set<String> PRESERVING =
      Set.of("pass_through", "copy_to_expert", "new_router", "router_from_file");

  private final Checkpoint dense;
  private final Checkpoint target;
  private final ModelPair pair;
  private final Composition composition;

  private Preservation(Checkpoint dense, Checkpoint target, ModelPair pair) {
    this.dense = dense;
    this.target = target;
    this.pair = pair;
    this.composition = Composition.read(target.config(), target.tensors().sequencedKeySet());
  }

  /// What can be held against a target as it was converted.
  ///
  /// @param pair both models bound
  static Judgement of(Checkpoint dense, Checkpoint target, ModelPair pair) {
    return new Preservation(dense, target, pair).judge(Manifest.read(target.directory()));
  }

  private Judgement judge(Manifest manifest) {
    Map<Place, String> exempt = new HashMap<>();
    Optional<String> first = Optional.empty();
    for (TensorOrigin origin : manifest.tensors()) {
      Optional<String> objection = objection(origin);
      if (objection.isPresent()) {
        first = first.or(() -> objection);
        place(origin.name()).ifPresent(place -> exempt.putIfAbsent(place, objection.get()));
      }
    }
    return first
        .<Judgement>map(because -> new Judgement.Untouched(because, exempt))
        .orElseGet(Judgement.All::new);
  }

  private Optional<String> objection(TensorOrigin origin) {
    if (!PRESERVING.contains(origin.kind())) {
      return Optional.of(origin.name() + " is " + origin.kind() + ", not a copy");
    }
    if (isRouter(origin) && !pair.renormalises(owner(origin.name()).flatMap(ModelPart::part))) {
      return Optional.of("the chosen experts' weights need not sum to 1");
    }
    return rounded(origin)
        ? Optional.of(
            "%s was rounded from %s to %s"
                .formatted(
                    origin.name(),
                    dense.require(origin.from().orElseThrow()).dtype(),
                    target.require(origin.name()).dtype()))
        : Optional.empty();
  }

  private boolean isRouter(TensorOrigin origin) {
    return owner(origin.name())
        .flatMap(part -> part.match(origin.name()))
        .filter(match -> match.template().role() == Role.ROUTER)
        .isPresent();
  }

  private Optional<ModelPart> owner(String name) {
    return composition.owner(name);
  }

  /// The layer that has a tensor; empty for what stands before and behind the layers.
  private Optional<Place> place(String name) {
    ModelPart part = owner(name).orElse(null);
    if (part == null) {
      return Optional.empty();
    }
    boolean whole = composition.parts().size() == 1;
    if (part.part().equals(Optional.of(Part.CONNECTOR))) {
      return Optional.of(new Place(part.part(), 0));
    }
    return part.match(name)
        .flatMap(match -> match.layer().stream().boxed().findFirst())
        .map(layer -> new Place(whole ? Optional.empty() : part.part(), layer));
  }

  private boolean rounded(TensorOrigin origin) {
    Optional<DType> from = origin.from().flatMap(dense::find).map(TensorEntry::dtype);
    Optional<DType> to = target.find(origin.name()).map(TensorEntry::dtype);
    return from.isPresent()
        && to.isPresent()
        && !from.equals(to)
        && from.get().bits() >= to.get().bits();
  }
}
