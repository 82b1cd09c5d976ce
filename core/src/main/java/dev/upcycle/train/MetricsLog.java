package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.recipe.Part;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A stage's `metrics.jsonl` and its events for TensorBoard.
///
/// The lines hold no time, so that a run that was killed and went on leaves the same file.
final class MetricsLog implements AutoCloseable {
  private static final String FILE_NAME = "metrics.jsonl";
  private static final JsonMapper JSON = JsonMapper.shared();

  private final Path file;
  private final BufferedWriter lines;
  private final EventFile events;

  private MetricsLog(Path file, BufferedWriter lines, EventFile events) {
    this.file = file;
    this.lines = lines;
    this.events = events;
  }

  /// Goes on after a step of the run; what an earlier process wrote about later ones goes.
  static MetricsLog after(long step, Path folder) {
    Path file = folder.resolve(FILE_NAME);
    try {
      Files.createDirectories(folder);
      keep(file, step);
      return new MetricsLog(
          file,
          Files.newBufferedWriter(
              file, UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
          EventFile.after(step, folder));
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  private static void keep(Path file, long step) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    List<String> kept = new ArrayList<>();
    for (String line : Files.readAllLines(file, UTF_8)) {
      // A killed process may leave half a line at the end.
      if (line.endsWith("}") && JSON.readTree(line).path("step").asLong() <= step) {
        kept.add(line + "\n");
      }
    }
    Path fresh = file.resolveSibling(FILE_NAME + ".fresh");
    Files.writeString(fresh, String.join("", kept));
    Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  void add(StepReport step) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", step.losses().total());
    values.put("cross_entropy", step.losses().crossEntropy());
    SequencedMap<Part, RouterMeasures> routers = step.losses().routers();
    routers.forEach((part, measures) -> {
      String prefix = routers.keySet().equals(Set.of(Part.LANGUAGE)) ? "" : part.key() + ".";
      values.put(prefix + "balance", measures.balance());
      values.put(prefix + "router_z", measures.routerZ());
    });
    if (!routers.isEmpty()) {
      values.put("largest_share", step.losses().largestShare());
    }
    values.put("gradient_norm", step.gradientNorm());
    values.put("learning_rate", step.rate());
    ObjectNode line = begin(step.step()).put("stage_step", step.stageStep());
    line.put("tokens", step.tokens()).put("epoch", step.epoch());
    values.forEach(line::put);
    write(line);
    events.add(step.step(), values);
  }

  void addValidation(long step, ValidationLoss loss) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("validation_loss", loss.mean());
    if (loss.sources().size() > 1) {
      loss.sources().forEach((name, value) -> values.put("validation_loss." + name, value));
    }
    ObjectNode line = begin(step);
    values.forEach(line::put);
    write(line);
    events.add(step, values);
  }

  private static ObjectNode begin(long step) {
    return JSON.createObjectNode().put("step", step);
  }

  private void write(JsonNode line) {
    try {
      lines.write(line + "\n");
      lines.flush();
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  private static ResourceException failed(Path file, IOException e) {
    return new ResourceException("cannot write " + file + ": " + e, e);
  }

  @Override
  public void close() {
    try {
      lines.close();
    } catch (IOException e) {
      throw failed(file, e);
    } finally {
      events.close();
    }
  }
}
