package dev.upcycle.recipe;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Where recipes are found: among the shipped ones by name, else in files.
final class Library {
  /// Sorted; a test holds the list against the folder of resources.
  static final List<String> SHIPPED =
      List.of(
          "clip-moe-b16-4x2",
          "clip-up-b16",
          "clip-vit-4x2",
          "connector-4x2",
          "cumo-mistral-4x7b",
          "cumo-mistral-7b",
          "cumo-mistral-7b-train",
          "llama-4x2",
          "llama-8x2",
          "llava-4x2",
          "mistral-4x2",
          "mistral-8x2",
          "moe-llava-1.5-7b",
          "siglip-4x2",
          "vit-4x2");

  private static final String SCHEMA = "recipe.schema.json";

  private Library() {}

  static String schema() {
    return resource(SCHEMA);
  }

  /// The text behind a name or a path.
  ///
  /// @throws RecipeException where there is none, or it is no UTF-8 text
  static RecipeText text(String nameOrPath, Optional<Path> directory) {
    if (SHIPPED.contains(nameOrPath)) {
      return new RecipeText(nameOrPath, resource("shipped/" + nameOrPath + ".yaml"), directory);
    }
    if (!isPath(nameOrPath)) {
      throw complaint(nameOrPath, unknownName(nameOrPath, directory));
    }
    if (directory.isEmpty()) {
      throw complaint(
          nameOrPath,
          "a relative path needs a file that it is relative to; shipped recipes: " + SHIPPED);
    }
    return file(nameOrPath, directory.get());
  }

  private static boolean isPath(String nameOrPath) {
    return nameOrPath.indexOf('/') >= 0
        || nameOrPath.contains(java.io.File.separator)
        || nameOrPath.endsWith(".yaml")
        || nameOrPath.endsWith(".yml");
  }

  private static String unknownName(String name, Optional<Path> directory) {
    boolean isFile = directory.flatMap(d -> find(name, d)).map(Files::isRegularFile).orElse(false);
    String remedy =
        isFile ? "; for the file of this name write ./" + name : NearestName.hint(name, SHIPPED);
    return "no shipped recipe has this name"
        + remedy
        + "; shipped: "
        + String.join(", ", SHIPPED)
        + "; a file's path holds a separator or ends in .yaml";
  }

  private static Optional<Path> find(String path, Path directory) {
    try {
      return Optional.of(directory.resolve(path));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static RecipeText file(String path, Path directory) {
    Path file = find(path, directory).orElseThrow(() -> complaint(path, "not the path of a file"));
    if (!Files.isRegularFile(file)) {
      String what = Files.isDirectory(file) ? "a folder; expected a file" : "no such file";
      throw complaint(path, what + shippedOfThatName(file));
    }
    try {
      long size = Files.size(file);
      if (size > 4L * YamlReader.LONGEST_TEXT) {
        throw complaint(path, "found " + size + " bytes, which is no recipe");
      }
      String text = decode(path, Files.readAllBytes(file));
      Path parent = file.toAbsolutePath().normalize().getParent();
      return new RecipeText(path, text, Optional.ofNullable(parent));
    } catch (IOException e) {
      throw complaint(path, "cannot be read: " + e);
    }
  }

  private static String shippedOfThatName(Path file) {
    Path last = file.getFileName();
    String stem = last == null ? "" : last.toString().replaceFirst("\\.ya?ml$", "");
    return SHIPPED.contains(stem)
        ? "; the shipped recipe is named without path and ending: " + stem
        : NearestName.of(stem, SHIPPED).map(n -> "; shipped is " + n).orElse("");
  }

  private static String decode(String path, byte[] bytes) {
    if (startsWith(bytes, 0xEF, 0xBB, 0xBF)) {
      throw complaint(path, "begins with a byte order mark; save it as UTF-8 without one");
    }
    boolean wide =
        startsWith(bytes, 0xFF, 0xFE)
            || startsWith(bytes, 0xFE, 0xFF)
            || (bytes.length > 1 && (bytes[0] == 0 || bytes[1] == 0));
    if (wide) {
      throw complaint(path, "looks like UTF-16 or UTF-32; save it as UTF-8");
    }
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw complaint(path, "is not UTF-8 text; save it as UTF-8");
    }
  }

  private static boolean startsWith(byte[] bytes, int... prefix) {
    if (bytes.length < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (Byte.toUnsignedInt(bytes[i]) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  private static RecipeException complaint(String source, String message) {
    return new RecipeException(List.of(new Complaint(source, 0, 0, "", message)));
  }

  private static String resource(String name) {
    try (InputStream in = Library.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the build left out the resource " + name);
      }
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
