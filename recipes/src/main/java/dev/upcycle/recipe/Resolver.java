package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/// Takes a recipe through the layers of precedence.
final class Resolver {
  private static final KeyPath EXTENDS = KeyPath.ROOT.child("extends");
  private static final KeyPath VERSION = KeyPath.ROOT.child("recipe");

  private final List<Complaint> complaints = new ArrayList<>();
  private boolean readable = true;

  ResolvedRecipe resolve(RecipeText text, List<Setting> given, Map<String, String> environment) {
    Node.Mapping root =
        settings(Node.Mapping.empty(Place.DEFAULT), Environment.settings(environment));
    root = Overlay.merge(Format.ROOT, root, file(text));
    root = settings(root, weakestFirst(given));
    if (!readable) {
      throw new RecipeException(complaints);
    }
    Leaves leaves = checked(root);
    if (!complaints.isEmpty()) {
      throw new RecipeException(inFileOrder());
    }
    String flat = leaves.yaml();
    if (flat.length() > YamlReader.LONGEST_TEXT) {
      throw new RecipeException(List.of(tooLong(text, flat)));
    }
    return new ResolvedRecipe(RecipeBuilder.build(leaves), leaves.origins(), flat);
  }

  /// The flat file is read again wherever the recipe is taken from an output.
  private static Complaint tooLong(RecipeText text, String flat) {
    return new Complaint(
        text.source(),
        0,
        0,
        "",
        "with every value written out it has "
            + flat.length()
            + " characters; expected a recipe of at most "
            + YamlReader.LONGEST_TEXT);
  }

  private Leaves checked(Node.Mapping root) {
    List<Complaint> ofDefaults = StageDefaults.complaints(root);
    List<Complaint> ofRest = new ArrayList<>();
    Leaves leaves = Checker.check(StageDefaults.into(root), ofRest);
    ofRest.addAll(TrainRules.complaints(leaves));
    complaints.addAll(ofDefaults);
    ofRest.stream()
        .filter(complaint -> !StageDefaults.repeats(complaint, ofDefaults))
        .forEach(complaints::add);
    return leaves;
  }

  private static List<Setting> weakestFirst(List<Setting> settings) {
    return settings.stream()
        .sorted(Comparator.comparing((Setting s) -> s.origin().kind()).reversed())
        .toList();
  }

  /// Sources in the order in which they first complained, each from top to bottom.
  private List<Complaint> inFileOrder() {
    List<String> sources = complaints.stream().map(Complaint::source).distinct().toList();
    return complaints.stream()
        .sorted(
            Comparator.comparingInt((Complaint c) -> sources.indexOf(c.source()))
                .thenComparingInt(Complaint::line)
                .thenComparingInt(Complaint::column))
        .toList();
  }

  private Node.Mapping file(RecipeText text) {
    Node.Mapping child = mapping(text);
    Node.Entry reference = child.entries().get("extends");
    if (reference == null) {
      return child;
    }
    Node.Mapping own = child.without("extends");
    return parent(reference.value(), text)
        .map(parent -> Overlay.merge(Format.ROOT, parent, own))
        .orElse(own);
  }

  private Node.Mapping mapping(RecipeText text) {
    Speaker speaker = new Speaker.RecipeFile(text.source());
    Optional<Node> root = YamlReader.read(text.yaml(), speaker, complaints);
    readable &= root.isPresent();
    Node node = root.orElse(Node.Mapping.empty(speaker.at(1, 1)));
    if (RelativePaths.resolve(Format.ROOT, node, text.directory()) instanceof Node.Mapping map) {
      return map;
    }
    readable = false;
    complaints.add(
        node.place()
            .complaint(
                KeyPath.ROOT,
                "found " + node.shown() + "; expected a map that begins with `recipe: 1`"));
    return Node.Mapping.empty(node.place());
  }

  private Optional<Node.Mapping> parent(Node reference, RecipeText child) {
    if (reference instanceof Node.Refused) {
      return Optional.empty();
    }
    Leaf type = (Leaf) Format.find(EXTENDS).orElseThrow();
    Optional<Object> name = type.read(reference);
    if (name.isEmpty()) {
      complaints.add(
          reference
              .place()
              .complaint(EXTENDS, "found " + reference.shown() + "; expected " + type.expected()));
      return Optional.empty();
    }
    try {
      Node.Mapping parent = mapping(Library.text((String) name.get(), child.directory()));
      return Optional.of(values(parent));
    } catch (RecipeException e) {
      e.complaints().stream()
          .map(c -> reference.place().complaint(EXTENDS, c.source() + ": " + c.message()))
          .forEach(complaints::add);
      return Optional.empty();
    }
  }

  /// The parent's values, after a look at the two keys that it has for itself.
  private Node.Mapping values(Node.Mapping parent) {
    Node.Entry version = parent.entries().get("recipe");
    Leaf type = (Leaf) Format.find(VERSION).orElseThrow();
    if (version != null && type.read(version.value()).isEmpty()) {
      complaints.add(mismatch(VERSION, version.value(), type));
    }
    Node.Entry grandparent = parent.entries().get("extends");
    if (grandparent != null) {
      complaints.add(
          grandparent
              .keyPlace()
              .complaint(
                  EXTENDS,
                  "a recipe that others extend cannot extend one itself; write its values out"));
    }
    return parent.without("extends").without("recipe");
  }

  private static Complaint mismatch(KeyPath path, Node node, Leaf type) {
    return node.place().complaint(path, "found " + node.shown() + "; expected " + type.expected());
  }

  private Node.Mapping settings(Node.Mapping root, List<Setting> settings) {
    Node.Mapping changed = root;
    for (Setting setting : settings) {
      KeyPath path = KeyPath.parse(setting.keyPath());
      Speaker speaker = new Speaker.OneLine(setting.origin(), setting.shown());
      Optional<Node> value = YamlReader.read(setting.yaml(), speaker, complaints);
      Node.Mapping before = changed;
      Optional<String> wrong =
          wrongPath(path, setting.keyPath()).or(() -> Overlay.findGap(before, path));
      if (wrong.isPresent()) {
        complaints.add(new Complaint(setting.shown(), 0, 0, setting.keyPath(), wrong.get()));
      } else if (value.isPresent()) {
        Shape shape = Format.find(path).orElseThrow();
        Node absolute = RelativePaths.resolve(shape, value.get(), setting.directory());
        changed = Overlay.set(changed, path.segments(), absolute);
      }
    }
    return changed;
  }

  private static Optional<String> wrongPath(KeyPath path, String given) {
    if (path.equals(EXTENDS)) {
      return Optional.of("is read in a recipe file only; name that recipe itself instead");
    }
    if (!path.segments().isEmpty() && Format.find(path).isPresent()) {
      return Optional.empty();
    }
    List<String> known = Format.paths();
    List<String> ends = known.stream().filter(p -> p.endsWith("." + given)).toList();
    return Optional.of(
        ends.isEmpty()
            ? "no such key path" + NearestName.hint(given, known)
            : "no such key path; did you mean " + String.join(" or ", ends) + "?");
  }

  /// The variables that recipes read.
  static final class Environment {
    /// Key paths by variable.
    static final SequencedMap<String, String> PATHS = paths();

    private Environment() {}

    private static SequencedMap<String, String> paths() {
      SequencedMap<String, String> paths = new LinkedHashMap<>();
      paths.put("UPCYCLE_SEED", "seed");
      paths.put("UPCYCLE_DTYPE", "output.dtype");
      paths.put("UPCYCLE_MAX_SHARD_SIZE", "output.max_shard_size");
      return paths;
    }

    /// The settings that an environment makes; an empty variable counts as absent.
    static List<Setting> settings(Map<String, String> environment) {
      return PATHS.entrySet().stream()
          .filter(e -> !environment.getOrDefault(e.getKey(), "").isBlank())
          .map(e ->
              new Setting(
                  new Origin(Origin.Kind.ENVIRONMENT, e.getKey()),
                  e.getValue(),
                  environment.getOrDefault(e.getKey(), "")))
          .toList();
    }
  }
}
