package dev.upcycle.train;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// Heads that a config ties to the embedding and that lie in the files all the same: no weight of
/// their own trains, and they stay equal to the one that does.
final class TiedHeads {
  private TiedHeads() {}

  /// The embedding of each such head, by the names in the files.
  ///
  /// @param stored the names that are there
  static Map<String, String> of(Composition model, Set<String> stored) {
    Map<String, String> tied = new HashMap<>();
    for (ModelPart part : model.parts()) {
      Architecture family = part.family();
      if (!family.decodes()
          || family.expects(family.template(Role.LM_HEAD), family.complete(part.config()))) {
        continue;
      }
      String head = part.naming().outer(family.template(Role.LM_HEAD).pattern());
      if (stored.contains(head)) {
        tied.put(head, part.naming().outer(family.template(Role.EMBEDDING).pattern()));
      }
    }
    return Map.copyOf(tied);
  }
}
