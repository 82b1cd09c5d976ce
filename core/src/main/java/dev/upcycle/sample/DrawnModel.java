package dev.upcycle.sample;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.checkpoint.write.TensorFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A model for [DrawnData]: a CLIP of three layers, a connector of two scales and a Mistral of four
/// layers in CuMo's dense form, half a million numbers that have learned nothing.
public final class DrawnModel {
  private static final String CONFIG = "config.json";
  private static final String PREPROCESSOR = "preprocessor_config.json";

  /// The recipe of CuMo's three stages.
  public static final String STAGES = "cumo.yaml";

  /// The recipe of the third stage without experts.
  public static final String DENSE = "dense-continued.yaml";

  /// The recipe of the third stage for a model that has experts already.
  public static final String SPARSE = "experts-from-scratch.yaml";

  private DrawnModel() {}

  /// Writes it with its tokenizer, the same bytes every time.
  ///
  /// @param directory is made if it is not there
  /// @throws ResourceException when it cannot be written
  public static void writeTo(Path directory) {
    ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(text(CONFIG));
    json.put("vocab_size", DrawnTokenizer.vocabulary());
    ModelConfig config = ModelConfig.of(json);
    DrawnTokenizer.writeTo(directory);
    put(directory.resolve(CONFIG), config.toJson());
    put(directory.resolve(PREPROCESSOR), text(PREPROCESSOR).getBytes(StandardCharsets.UTF_8));
    Map<String, TensorSlot> slots =
        Composition.written(config, Set.of())
            .slots()
            .collect(Collectors.toMap(TensorSlot::name, Function.identity()));
    TensorFile.write(
        directory.resolve("model.safetensors"),
        slots.values().stream().map(slot -> slot.spec(DType.F32)).toList(),
        tensor -> FreshWeights.of(Objects.requireNonNull(slots.get(tensor.name()))));
  }

  /// Writes the recipes, which read [DrawnData] in a folder `data` beside them.
  public static void writeRecipesTo(Path directory, List<String> names) {
    for (String name : names) {
      put(directory.resolve(name), text(name).getBytes(StandardCharsets.UTF_8));
    }
  }

  /// Makes a copy of a model with experts in which these know nothing: as if they had been put
  /// there without a dense network to copy.
  ///
  /// @param upcycled in float32
  /// @param directory of the copy
  public static void copyWithoutExperts(Path upcycled, Path directory) {
    Directories.copyFiles(upcycled, directory);
    Checkpoint copy = Checkpoint.open(directory);
    Composition.read(copy.config(), copy.tensors().keySet())
        .slots()
        .filter(slot -> slot.role().isExpert())
        .forEach(slot -> overwrite(copy.require(slot.name()), slot));
  }

  private static void overwrite(TensorEntry tensor, TensorSlot slot) {
    byte[] bytes = FreshWeights.of(slot).array();
    if (bytes.length != tensor.bytes()) {
      throw new IllegalArgumentException(
          "%s has %d bytes, expected %d: float32"
              .formatted(tensor.name(), tensor.bytes(), bytes.length));
    }
    try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "rw")) {
      file.seek(tensor.offset());
      file.write(bytes);
    } catch (IOException e) {
      throw ResourceException.refused(tensor.file(), e);
    }
  }

  private static void put(Path file, byte[] bytes) {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw ResourceException.refused(file, e);
    }
  }

  private static String text(String name) {
    try (InputStream in = DrawnModel.class.getResourceAsStream("cumo/" + name)) {
      if (in == null) {
        throw new IllegalStateException(name + " of the drawn model is not embedded");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new ResourceException("cannot read " + name + " of the drawn model: " + e, e);
    }
  }
}
