package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What decides a run's bytes beside the machine: recipe, model, data.
///
/// @param recipe the flat file
/// @param files what tells each from others, by what the files are
record RunIdentity(String recipe, SequencedMap<String, String> files) {
  private static final String SCHEMA = "upcycle/run/1";

  static RunIdentity of(Checkpoint model, ResolvedRecipe recipe, List<Stage> stages) {
    return new RunIdentity(recipe.yaml(), RunInputs.of(model, recipe.recipe(), stages));
  }

  /// Something that is not as it was when the run began.
  private record Change(RunChange kind, String what) {}

  /// The file's bytes for a run that begins.
  byte[] toJson() {
    return bytes(json());
  }

  private ObjectNode json() {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("schema", SCHEMA).put("recipe", recipe);
    ObjectNode named = json.putObject("files");
    files.forEach(named::put);
    return json;
  }

  private static byte[] bytes(JsonNode json) {
    return json.toPrettyString().concat("\n").getBytes(StandardCharsets.UTF_8);
  }

  /// The file's bytes for a run that goes on, which keep what was changed on the way.
  ///
  /// @param begun the file as it is
  /// @param step after which it goes on
  /// @param allowed what may have changed
  /// @throws OutputException naming everything else that differs
  byte[] goingOn(JsonNode begun, long step, Set<RunChange> allowed) {
    if (!begun.path("schema").asString("").equals(SCHEMA) || !begun.path("recipe").isString()) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          "run.json does not say what the run began with: expected schema %s with `recipe` and"
                  .formatted(SCHEMA)
              + " `files`; begin another run");
    }
    List<Change> changes = changes(begun);
    List<Change> refused =
        changes.stream().filter(change -> !allowed.contains(change.kind())).toList();
    if (!refused.isEmpty()) {
      throw refusal(refused);
    }
    ObjectNode json = json();
    ArrayNode log = json.putArray("changes");
    begun.path("changes").forEach(log::add);
    if (!changes.isEmpty()) {
      ArrayNode what = log.addObject().put("after_step", step).putArray("what");
      changes.forEach(change -> what.add(change.what()));
    }
    if (log.isEmpty()) {
      json.remove("changes");
    }
    return bytes(json);
  }

  private List<Change> changes(JsonNode begun) {
    List<Change> changes = new ArrayList<>();
    RecipeDifference.between(begun.path("recipe").asString(""), recipe)
        .forEach(what -> changes.add(new Change(RunChange.RECIPE, what)));
    SequencedSet<String> names = new LinkedHashSet<>(files.keySet());
    names.addAll(begun.path("files").propertyNames());
    for (String name : names) {
      String before = begun.path("files").path(name).asString("");
      String now = files.getOrDefault(name, "");
      if (!before.equals(now)) {
        RunChange kind = name.startsWith(RunChange.MODEL.word()) ? RunChange.MODEL : RunChange.DATA;
        changes.add(new Change(kind, name + said(before, now)));
      }
    }
    return changes;
  }

  private static String said(String before, String now) {
    return now.isEmpty()
        ? " is no longer there"
        : before.isEmpty()
            ? " was not there when the run began"
            : " is not what the run began with";
  }

  private static OutputException refusal(List<Change> refused) {
    Set<RunChange> kinds = EnumSet.noneOf(RunChange.class);
    refused.forEach(change -> kinds.add(change.kind()));
    return new OutputException(
        "the run cannot go on: %s; give what it began with, begin another run, or go on all the same: %s"
            .formatted(
                refused.stream().map(Change::what).collect(Collectors.joining("; ")),
                kinds.stream()
                    .map(kind -> "--allow-changed " + kind.word())
                    .collect(Collectors.joining(" "))));
  }
}
