package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What decides a run's bytes beside the machine: recipe, model, data.
///
/// @param recipe the flat file
/// @param files hashes by what the files are
record RunIdentity(String recipe, SequencedMap<String, String> files) {
  private static final String SCHEMA = "upcycle/run/1";
  private static final int BUFFER_BYTES = 1 << 16;

  static RunIdentity of(Checkpoint model, ResolvedRecipe recipe, List<Stage> stages) {
    SequencedMap<String, String> files = new LinkedHashMap<>();
    model
        .files()
        .forEach(file -> files.put("model file " + model.label(file), sha256(file.path())));
    TreeSet<Path> data = new TreeSet<>();
    for (Stage stage : stages) {
      data.add(stage.data().path());
      stage.validation().stream()
          .flatMap(validation -> validation.sources().stream())
          .map(DataSettings::path)
          .forEach(data::add);
    }
    data.forEach(path -> files.put("data file " + path, sha256(path)));
    return new RunIdentity(recipe.yaml(), files);
  }

  private static String sha256(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, "cannot read " + file + ": " + e, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  ObjectNode json() {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("schema", SCHEMA);
    ObjectNode named = json.putObject("files");
    files.forEach(named::put);
    return json;
  }

  /// Refuses to go on with a run that began with something else.
  ///
  /// @throws OutputException naming everything that differs
  void requireSame(String begunRecipe, JsonNode begun) {
    List<String> changes = new ArrayList<>();
    List<String> before = begunRecipe.lines().toList();
    List<String> now = recipe.lines().toList();
    for (int line = 0; line < Math.max(before.size(), now.size()); line++) {
      String old = line < before.size() ? before.get(line) : "nothing";
      String given = line < now.size() ? now.get(line) : "nothing";
      if (!old.equals(given)) {
        changes.add("the recipe: was `%s`, is `%s`".formatted(old.strip(), given.strip()));
        break;
      }
    }
    for (Map.Entry<String, String> file : files.entrySet()) {
      if (!begun.path("files").path(file.getKey()).asString("").equals(file.getValue())) {
        changes.add(file.getKey() + " is not what the run began with");
      }
    }
    if (!changes.isEmpty()) {
      throw new OutputException(
          "the run cannot go on: %s; give what it began with, begin another run, or go on all the same: --resume --accept-changes"
              .formatted(String.join("; ", changes)));
    }
  }
}
