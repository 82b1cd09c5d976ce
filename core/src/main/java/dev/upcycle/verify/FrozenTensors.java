package dev.upcycle.verify;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.convert.Manifest;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The tensors that a training run kept frozen, as the manifest's list `frozen` names them.
final class FrozenTensors {
  private FrozenTensors() {}

  /// Their names; none where the manifest has no such list, as after a conversion.
  ///
  /// @throws CheckpointFormatException when the list is not one of names
  static Set<String> read(Path directory) {
    Path file = directory.resolve(Manifest.FILE_NAME);
    try {
      JsonNode frozen = JsonMapper.shared().readTree(file).path("frozen");
      if (!frozen.isMissingNode() && !frozen.isArray()) {
        throw malformed(file, "frozen is not a list");
      }
      Set<String> names = new HashSet<>();
      for (JsonNode name : frozen) {
        if (!name.isString()) {
          throw malformed(file, "frozen holds " + name + ", expected names of tensors");
        }
        names.add(name.stringValue());
      }
      return names;
    } catch (JacksonException e) {
      throw malformed(file, e.getOriginalMessage());
    }
  }

  private static CheckpointFormatException malformed(Path file, String what) {
    return new CheckpointFormatException(CheckpointFault.BAD_CONFIG, file + ": " + what);
  }
}
