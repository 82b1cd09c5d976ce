package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.recipe.Stage;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What a stage left.
///
/// @param stage itself
/// @param state after its last step
/// @param result the checkpoint of its last step, or of its best measurement
record StageEnd(Stage stage, RunState state, Path result) {
  /// Of a stage whose end is the newest checkpoint of a run.
  static StageEnd of(Stage stage, RunState state, RunFolder folder) {
    boolean best =
        stage.validation().filter(each -> each.result() == Stage.Result.BEST).isPresent();
    long step = best ? state.best().map(RunState.Best::step).orElse(state.step()) : state.step();
    return new StageEnd(stage, state, folder.checkpoints().checkpoint(step));
  }

  /// The model's folder: averaged where the stage keeps averages.
  Path model() {
    return result.resolve(
        stage.updates().average().isPresent() ? StageCheckpoints.AVERAGE : StageCheckpoints.MODEL);
  }

  /// Which model it is, as `training.json` keeps it.
  byte[] origin() {
    RunState at = RunState.of(result);
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("schema", "upcycle/trained/1");
    json.put("stage", stage.name()).put("step", at.step()).put("last_step", state.step());
    json.put("averaged", stage.updates().average().isPresent());
    at.best()
        .filter(best -> best.step() == at.step())
        .ifPresent(best -> json.put("validation_loss", best.loss()));
    return json.toPrettyString().concat("\n").getBytes(UTF_8);
  }
}
