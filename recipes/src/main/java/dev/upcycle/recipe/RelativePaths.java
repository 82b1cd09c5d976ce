package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/// Makes the paths of files that a recipe names absolute while it is still known who named them: a
/// child and the recipe that it extends may lie in different folders.
final class RelativePaths {
  private RelativePaths() {}

  /// The node with every path in it absolute; without a directory as it was.
  static Node resolve(Shape shape, Node node, Optional<Path> directory) {
    return directory.map(base -> resolve(shape, node, base)).orElse(node);
  }

  private static Node resolve(Shape shape, Node node, Path base) {
    return switch (node) {
      case Node.Mapping map -> resolve(shape, map, base);
      case Node.Scalar scalar
          when (shape instanceof Leaf.FilePath || shape instanceof Leaf.FilePaths)
              && scalar.value() instanceof String ->
          Leaf.FilePath.path(scalar.text())
              .map(path -> base.resolve(path).toAbsolutePath().normalize().toString())
              .<Node>map(path -> new Node.Scalar(scalar.place(), path, path))
              .orElse(scalar);
      case Node.Sequence list when shape instanceof Shape.Items items ->
          new Node.Sequence(
              list.place(),
              list.items().stream().map(item -> resolve(items.item(), item, base)).toList());
      case Node.Sequence list when shape instanceof Leaf.FilePaths ->
          new Node.Sequence(
              list.place(),
              list.items().stream().map(item -> resolve(Leaf.FilePaths.EACH, item, base)).toList());
      case Node.Scalar _, Node.Sequence _, Node.Refused _ -> node;
    };
  }

  private static Node.Mapping resolve(Shape shape, Node.Mapping map, Path base) {
    SequencedMap<String, Node.Entry> entries = new LinkedHashMap<>();
    map.entries()
        .forEach((name, entry) -> {
          Node value =
              shape
                  .child(name)
                  .map(child -> resolve(child, entry.value(), base))
                  .orElse(entry.value());
          entries.put(name, new Node.Entry(entry.keyPlace(), value));
        });
    return new Node.Mapping(map.place(), entries);
  }
}
