package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.MappedFile;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What transformers computes for one tiny model.
///
/// @param directory of the values
/// @param json the numbers
/// @param values the tensors
public record GoldenCase(Path directory, JsonNode json, Checkpoint values) {
  private static final Path GOLDEN =
      Path.of(System.getProperty("upcycle.root"))
          .resolve("test-fixtures/src/main/resources/dev/upcycle/fixtures/golden");

  private static final Path LOGITS = GOLDEN.resolve("logits");
  private static final Path VISION = GOLDEN.resolve("vision");

  /// The decoders.
  static List<String> names() throws IOException {
    return names(LOGITS);
  }

  /// Towers and compositions.
  static List<String> visionNames() throws IOException {
    return names(VISION);
  }

  private static List<String> names(Path cases) throws IOException {
    try (Stream<Path> folders = Files.list(cases)) {
      return folders.map(folder -> String.valueOf(folder.getFileName())).sorted().toList();
    }
  }

  /// The names of the cases that have experts.
  static List<String> withExperts() throws IOException {
    return names().stream().filter(name -> read(name).json().has("routing")).toList();
  }

  /// The names of the cases that have gradients.
  static List<String> withGradients() throws IOException {
    return names().stream().filter(name -> !read(name).gradients().isEmpty()).toList();
  }

  static GoldenCase read(String name) {
    return read(LOGITS.resolve(name));
  }

  /// A tower or a composition.
  public static GoldenCase vision(String name) {
    return read(VISION.resolve(name));
  }

  private static GoldenCase read(Path folder) {
    return new GoldenCase(
        folder,
        JsonMapper.shared().readTree(folder.resolve("golden.json")),
        Checkpoint.openFile(folder.resolve("golden.safetensors")));
  }

  public Path model() {
    return directory.resolve(json.required("model").asString()).normalize();
  }

  public Checkpoint checkpoint() {
    return Checkpoint.open(model());
  }

  double number(String key) {
    return json.required(key).asDouble();
  }

  /// `[2, seq]`.
  public Tensor ids() {
    return tensor("ids");
  }

  boolean has(String name) {
    return values.find(name).isPresent();
  }

  public Tensor tensor(String name) {
    TensorEntry entry = values.require(name);
    long[] shape = entry.shape().dimensions().stream().mapToLong(Long::longValue).toArray();
    DType dtype = DType.valueOf(entry.dtype().name());
    try (MappedFile file = MappedFile.open(entry.file())) {
      return file.tensor(entry.offset(), dtype, shape);
    }
  }

  /// The names of the parameters whose gradients are there.
  List<String> gradients() {
    String prefix = "gradient.";
    return values.tensors().keySet().stream()
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()))
        .toList();
  }

  long[] prompt() {
    return longs(json.required("generation").required("prompt"));
  }

  long[] generated() {
    return longs(json.required("generation").required("generated"));
  }

  private static long[] longs(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).mapToLong(JsonNode::asLong).toArray();
  }

  /// A batch of one sequence.
  static Tensor batch(long... ids) {
    return Tensors.of(ids).view(1, ids.length);
  }

  /// The house's measure of agreement, `max|a - b| / max|a|`, in float32.
  static double relativeError(Tensor a, Tensor b) {
    Tensor wide = a.to(DType.F32);
    return wide.minus(b.to(DType.F32)).abs().max().item() / wide.abs().max().item();
  }
}
