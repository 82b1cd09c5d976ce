package dev.upcycle.train;

import dev.upcycle.checkpoint.write.Durability;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Stage;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/// The checkpoints of a stage: copied between two steps, written while the next ones are computed.
///
/// One is written at a time; the next copy waits for it. Owns the copies and the thread that
/// writes; closing waits for what is in work.
final class StageCheckpoints implements AutoCloseable {
  /// The folder of a checkpoint that holds the model.
  static final String MODEL = "model";

  /// The folder that holds the model of averaged weights, where a stage keeps averages.
  static final String AVERAGE = "average";

  private static final String OPTIMIZER = "optimizer.safetensors";
  private static final String AVERAGED = ".average";

  private final RunFolder folder;
  private final Optional<Integer> keepEvery;
  private final StageModel model;
  private final Optional<MovingAverage> average;
  private final HostCopies weights = new HostCopies();
  private final HostCopies states = new HostCopies();
  private final ExecutorService writer =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("checkpoint-writer").factory());
  private Optional<Future<Path>> pending = Optional.empty();
  private Optional<RunState> taken = Optional.empty();

  StageCheckpoints(
      RunFolder folder, Stage stage, StageModel model, Optional<MovingAverage> average) {
    this.folder = folder;
    this.keepEvery = stage.checkpoints().keepEvery();
    this.model = model;
    this.average = average;
  }

  /// Overwrites moments, masters and averages with those of a checkpoint of this stage.
  void restore(Path checkpoint, RunState at) {
    OptimizerFile.restore(checkpoint.resolve(OPTIMIZER), live());
    taken = Optional.of(at);
  }

  /// The optimizer's file of a checkpoint.
  static Path optimizer(Path checkpoint) {
    return checkpoint.resolve(OPTIMIZER);
  }

  /// Takes a copy of a state and begins to write it; does nothing where it was the last to be
  /// taken.
  ///
  /// @throws dev.upcycle.checkpoint.write.ResourceException when the one before was not written
  void save(RunState state) {
    if (taken.filter(state::equals).isPresent()) {
      return;
    }
    await();
    taken = Optional.of(state);
    SequencedMap<String, Tensor> model = weights.take(this.model.optimizer().parameters());
    SequencedMap<String, Tensor> rest = states.take(live());
    pending = Optional.of(writer.submit(() -> written(state, model, rest)));
  }

  /// All that a checkpoint holds beside the model, by the names that it has there.
  private SequencedMap<String, Tensor> live() {
    SequencedMap<String, Tensor> parts = OptimizerFile.parts(model.moments());
    average.ifPresent(
        kept -> kept.tensors().forEach((name, tensor) -> parts.put(name + AVERAGED, tensor)));
    return parts;
  }

  private Path written(RunState state, Map<String, Tensor> model, Map<String, Tensor> rest) {
    Path saved =
        folder
            .checkpoints()
            .save(
                state.step(),
                unfinished -> {
                  this.model.files().write(unfinished.resolve(MODEL), model);
                  if (average.isPresent()) {
                    this.model.files().write(unfinished.resolve(AVERAGE), averages(rest));
                  }
                  OptimizerFile.write(unfinished.resolve(OPTIMIZER), rest);
                  Durability.write(unfinished.resolve(RunState.FILE_NAME), state.toJson());
                });
    long best = state.best().map(RunState.Best::step).orElse(-1L);
    folder
        .checkpoints()
        .prune(step ->
            step == best
                || keepEvery.filter(every -> step % every == 0).isPresent()
                || needs(folder.checkpoints().checkpoint(step), state));
    return saved;
  }

  /// Whether the stage, which goes on, began with the model of a checkpoint: what is frozen is read
  /// there, and what goes along with a model.
  private boolean needs(Path checkpoint, RunState state) {
    return state.progress() == RunState.Progress.RUNNING
        && model.base().directory().toAbsolutePath().startsWith(checkpoint.toAbsolutePath());
  }

  private static Map<String, Tensor> averages(Map<String, Tensor> rest) {
    return rest.entrySet().stream()
        .filter(part -> part.getKey().endsWith(AVERAGED))
        .collect(
            Collectors.toMap(
                part -> part.getKey().substring(0, part.getKey().length() - AVERAGED.length()),
                Map.Entry::getValue));
  }

  /// The checkpoint that was written since this was last asked; does not wait.
  ///
  /// @throws dev.upcycle.checkpoint.write.ResourceException when it could not be
  Optional<Path> finished() {
    return pending.filter(Future::isDone).isPresent() ? await() : Optional.empty();
  }

  /// Waits for what is in work, also where the thread is interrupted.
  ///
  /// @throws dev.upcycle.checkpoint.write.ResourceException when it could not be written
  Optional<Path> await() {
    if (pending.isEmpty()) {
      return Optional.empty();
    }
    Future<Path> work = pending.get();
    pending = Optional.empty();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return Optional.of(work.get());
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      throw rethrown(e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static RuntimeException rethrown(ExecutionException e) {
    return switch (e.getCause()) {
      case RuntimeException fault -> fault;
      case Error fault -> throw fault;
      case null, default -> new IllegalStateException("writing a checkpoint failed", e);
    };
  }

  @Override
  public void close() {
    writer.shutdown();
    boolean interrupted = false;
    while (true) {
      try {
        if (writer.awaitTermination(1, TimeUnit.DAYS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    weights.close();
    states.close();
  }
}
