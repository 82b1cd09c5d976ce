package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.torch.PickleValue.Dictionary;
import dev.upcycle.checkpoint.torch.PickleValue.Text;
import dev.upcycle.checkpoint.torch.PickleValue.Tuple;
import dev.upcycle.checkpoint.torch.PickleValue.View;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/// Finds the tensors by name in what a pickle holds: a dictionary of them, or one in another under
/// a usual key; drops the prefixes that wrappers of torch put before every name.
///
/// @param tensors in the dictionary's order
/// @param notes what was passed over
record StateDict(SequencedMap<String, View> tensors, List<String> notes) {
  private static final List<String> WRAPPERS =
      List.of("state_dict", "model_state_dict", "model_state", "model", "module");
  private static final List<String> PREFIXES = List.of("module.", "_orig_mod.");
  private static final int SHOWN = 5;

  static StateDict of(PickleValue root, ArchiveFaults faults) {
    List<String> notes = new ArrayList<>();
    Dictionary dictionary = asDictionary(root, faults);
    for (int level = 0; ; level++) {
      Optional<Dictionary.Item> wrapped = wrapped(dictionary, faults);
      if (wrapped.isEmpty()) {
        break;
      }
      if (level == Limits.WRAPPERS) {
        throw none(
            String.format(
                Locale.ROOT, "nests its tensors deeper than %d dictionaries", Limits.WRAPPERS),
            faults);
      }
      passedOver(dictionary, wrapped.get(), notes);
      dictionary = (Dictionary) wrapped.get().value();
    }
    return new StateDict(unprefixed(tensors(dictionary, notes, faults), notes), notes);
  }

  private static Dictionary asDictionary(PickleValue value, ArchiveFaults faults) {
    if (value instanceof Dictionary dictionary) {
      return dictionary;
    }
    throw none("holds something else than a dictionary of tensors", faults);
  }

  /// The dictionary under one of the usual keys.
  private static Optional<Dictionary.Item> wrapped(Dictionary dictionary, ArchiveFaults faults) {
    List<Dictionary.Item> found =
        dictionary.items.stream()
            .filter(item ->
                item.value() instanceof Dictionary
                    && item.key() instanceof Text(String key)
                    && WRAPPERS.contains(key))
            .toList();
    if (found.size() > 1) {
      throw none(
          "holds several dictionaries that can be the model: "
              + String.join(", ", found.stream().map(StateDict::name).toList()),
          faults);
    }
    return found.stream().findFirst();
  }

  private static void passedOver(
      Dictionary dictionary, Dictionary.Item chosen, List<String> notes) {
    List<String> others =
        dictionary.items.stream()
            .map(StateDict::name)
            .filter(name -> !name.equals(name(chosen)))
            .toList();
    if (!others.isEmpty()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "beside %s in the pickle, %s is passed over",
              name(chosen),
              listed(others)));
    }
  }

  private static SequencedMap<String, View> tensors(
      Dictionary dictionary, List<String> notes, ArchiveFaults faults) {
    SequencedMap<String, View> tensors = new LinkedHashMap<>();
    List<String> others = new ArrayList<>();
    for (Dictionary.Item item : dictionary.items) {
      if (item.key() instanceof Text(String name) && item.value() instanceof View view) {
        if (tensors.put(name, view) != null) {
          throw faults.of(
              CheckpointFault.DUPLICATE_TENSOR,
              "tensor '" + name + "' comes twice in the pickle",
              ArchiveFaults.DOWNLOAD);
        }
      } else if (item.value() instanceof Dictionary
          || item.value() instanceof PickleValue.Sequence
          || item.value() instanceof Tuple
          || item.value() instanceof View) {
        throw none(
            name(item)
                + " holds more than a tensor, expected names and tensors, or one dictionary of"
                + " them under "
                + String.join(", ", WRAPPERS),
            faults);
      } else {
        others.add(name(item));
      }
    }
    if (tensors.isEmpty()) {
      throw none("holds no tensor", faults);
    }
    if (!others.isEmpty()) {
      notes.add(listed(others) + " in the pickle is passed over: it is no tensor");
    }
    return tensors;
  }

  private static SequencedMap<String, View> unprefixed(
      SequencedMap<String, View> tensors, List<String> notes) {
    Set<String> dropped = new LinkedHashSet<>();
    int from = 0;
    Optional<String> prefix = prefix(tensors.keySet(), from);
    while (prefix.isPresent()) {
      dropped.add(prefix.get());
      from += prefix.get().length();
      prefix = prefix(tensors.keySet(), from);
    }
    dropped.forEach(
        each -> notes.add("every name in the pickle begins with '" + each + "', which is dropped"));
    SequencedMap<String, View> shorter = new LinkedHashMap<>();
    for (Map.Entry<String, View> tensor : tensors.entrySet()) {
      shorter.put(tensor.getKey().substring(from), tensor.getValue());
    }
    return shorter;
  }

  /// The prefix that every name has from this character on, before something else.
  private static Optional<String> prefix(Set<String> names, int from) {
    return PREFIXES.stream()
        .filter(prefix ->
            names.stream()
                .allMatch(name ->
                    name.startsWith(prefix, from) && name.length() > from + prefix.length()))
        .findFirst();
  }

  private static String name(Dictionary.Item item) {
    return item.key() instanceof Text(String key) ? "'" + key + "'" : "an item without a name";
  }

  private static String listed(List<String> names) {
    return String.join(", ", names.subList(0, Math.min(SHOWN, names.size())))
        + (names.size() > SHOWN
            ? String.format(Locale.ROOT, " and %,d more", names.size() - SHOWN)
            : "");
  }

  private static CheckpointFormatException none(String what, ArchiveFaults faults) {
    return faults.of(
        CheckpointFault.NO_STATE_DICT,
        "the pickle " + what,
        "save the model's tensors alone: torch.save(model.state_dict(), 'pytorch_model.bin')");
  }
}
