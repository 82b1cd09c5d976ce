package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.data.Position;
import dev.upcycle.data.RowPlace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Where a run stands, as a checkpoint's `state.json` keeps it.
///
/// @param stage index of the stage
/// @param stageStep steps of the stage that were taken
/// @param step steps of the run that were taken
/// @param progress whether the stage is done
/// @param share of the peak rates at the last step
/// @param position of the data
/// @param measured the step of the run after which the stage was measured last; 0 before
/// @param best measurement of the stage so far
record RunState(
    int stage,
    long stageStep,
    long step,
    Progress progress,
    double share,
    Position position,
    long measured,
    Optional<Best> best) {
  static final String FILE_NAME = "state.json";

  private static final String SCHEMA = "upcycle/checkpoint/1";

  /// Whether a stage goes on.
  enum Progress {
    RUNNING,
    ENDED
  }

  /// The best measurement of a stage.
  ///
  /// @param step of the run
  /// @param worse measurements since
  record Best(long step, double loss, int worse) {}

  /// A stage at its beginning.
  ///
  /// @param stage its index
  /// @param step steps of the run that were taken before
  /// @param share of the peak rates at the last of them
  static RunState begin(int stage, long step, double share, Position position) {
    return new RunState(stage, 0, step, Progress.RUNNING, share, position, 0, Optional.empty());
  }

  RunState at(Progress other) {
    return new RunState(stage, stageStep, step, other, share, position, measured, best);
  }

  /// With what was read meanwhile.
  RunState reading(Position read) {
    return new RunState(stage, stageStep, step, progress, share, read, measured, best);
  }

  /// One step later.
  RunState after(double stepShare, Position read) {
    return new RunState(stage, stageStep + 1, step + 1, progress, stepShare, read, measured, best);
  }

  /// After a measurement of this step.
  RunState measured(double loss) {
    Best next =
        best.filter(before -> before.loss() <= loss)
            .map(before -> new Best(before.step(), before.loss(), before.worse() + 1))
            .orElse(new Best(step, loss, 0));
    return new RunState(stage, stageStep, step, progress, share, position, step, Optional.of(next));
  }

  byte[] toJson() {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("schema", SCHEMA);
    json.put("stage", stage).put("stage_step", stageStep).put("step", step);
    json.put("ended", progress == Progress.ENDED).put("share", share);
    json.put("measured", measured);
    json.putObject("position")
        .put("epoch", position.epoch())
        .put("next", position.next())
        .set("skipped", skipped());
    best.ifPresent(found ->
        json.putObject("best")
            .put("step", found.step())
            .put("loss", found.loss())
            .put("worse", found.worse()));
    return json.toPrettyString().concat("\n").getBytes(UTF_8);
  }

  private ArrayNode skipped() {
    ArrayNode rows = JsonMapper.shared().createArrayNode();
    position
        .skipped()
        .forEach(row -> rows.addObject().put("file", row.file()).put("row", row.row()));
    return rows;
  }

  private static List<RowPlace> skipped(JsonNode rows) {
    return rows.valueStream()
        .map(row -> new RowPlace(row.path("file").asString(), row.path("row").asLong()))
        .toList();
  }

  /// Of a checkpoint.
  static RunState of(Path checkpoint) {
    return read(checkpoint.resolve(FILE_NAME));
  }

  private static RunState read(Path file) {
    JsonNode json = RunFolder.json(file);
    if (!json.path("schema").asString("").equals(SCHEMA)) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          "%s does not say where a run stands: expected schema %s; begin another run"
              .formatted(file, SCHEMA));
    }
    JsonNode at = json.path("position");
    JsonNode best = json.path("best");
    return new RunState(
        json.path("stage").asInt(),
        json.path("stage_step").asLong(),
        json.path("step").asLong(),
        json.path("ended").asBoolean() ? Progress.ENDED : Progress.RUNNING,
        json.path("share").asDouble(),
        new Position(
            at.path("epoch").asLong(), at.path("next").asLong(), skipped(at.path("skipped"))),
        json.path("measured").asLong(),
        best.isMissingNode()
            ? Optional.empty()
            : Optional.of(
                new Best(
                    best.path("step").asLong(),
                    best.path("loss").asDouble(),
                    best.path("worse").asInt())));
  }
}
