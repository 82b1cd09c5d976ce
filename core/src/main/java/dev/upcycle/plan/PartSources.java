package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ImageFeatures;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.TowerState;
import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The tensors of a dense model, part by part, each held against its part's templates.
///
/// @param composition the dense model's parts
/// @param matches one per part, in the same order
/// @param strays what no part has a tensor for
record PartSources(Composition composition, List<SourceMatch> matches, List<String> strays) {
  /// @param targets the families that the parts become, in the same order
  static PartSources of(SourceTensors source, Composition composition, List<Architecture> targets) {
    Map<ModelPart, List<TensorEntry>> claimed = new HashMap<>();
    List<String> strays = new ArrayList<>();
    for (TensorEntry entry : source.entries()) {
      Optional<ModelPart> owner = composition.owner(entry.name());
      if (owner.isPresent()) {
        claimed.computeIfAbsent(owner.get(), part -> new ArrayList<>()).add(entry);
      } else {
        strays.add(stray(entry, composition));
      }
    }
    List<SourceMatch> matches = new ArrayList<>();
    for (int i = 0; i < targets.size(); i++) {
      ModelPart part = composition.parts().get(i);
      matches.add(
          new SourceMatch(source, part, targets.get(i), claimed.getOrDefault(part, List.of())));
    }
    return new PartSources(composition, List.copyOf(matches), List.copyOf(strays));
  }

  /// What is said of a tensor that no part has.
  static String stray(TensorEntry entry, Composition composition) {
    return String.format(
        Locale.ROOT,
        "%s %s: no %s tensor has this name; the nearest is %s. Dropping it would change the model",
        entry.name(),
        entry.shape(),
        composition.whole().modelType(),
        NearestTemplate.of(entry.name(), composition));
  }

  /// Everything that stands in the way.
  List<String> obstacles() {
    List<String> obstacles = new ArrayList<>();
    SourceReview.fault(() -> TowerState.find(composition)).ifPresent(obstacles::add);
    SourceReview.fault(() -> ImageFeatures.find(composition)).ifPresent(obstacles::add);
    for (ModelPart part : composition.parts()) {
      obstacles.addAll(
          part.family().decodes() ? SourceReview.ofDecoder(part) : SourceReview.ofOther(part));
    }
    obstacles.addAll(strays);
    matches.forEach(match -> obstacles.addAll(match.reasons()));
    return List.copyOf(obstacles);
  }

  /// Every tensor that can go.
  List<Discarded> discarded() {
    return matches.stream().flatMap(match -> match.discarded().stream()).toList();
  }
}
