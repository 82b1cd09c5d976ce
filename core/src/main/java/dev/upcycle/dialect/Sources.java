package dev.upcycle.dialect;

import dev.upcycle.arch.ConnectorShapes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.TensorEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Opens models, whichever project named their tensors.
///
/// A CLIP of OpenAI or open_clip comes out with the names, shapes and config that Hugging Face
/// gives it: the rows of its stacked queries, keys and values are three tensors, and its
/// projections are transposed, all where they lie in the files. A [ClipMoe] is opened by the same
/// rules, under its own config.
public final class Sources {
  private Sources() {}

  /// Opens what [Checkpoint#open] opens, and a CLIP of OpenAI or open_clip or a connector without a
  /// `config.json`.
  ///
  /// @throws CheckpointFormatException naming what is missing, corrupt or unsupported
  public static Checkpoint open(Path model) {
    Checkpoint opened = translated(Checkpoint.openWeights(model));
    if (opened.findConfig().isEmpty()) {
      ConnectorShapes.objection(opened)
          .ifPresent(objection -> {
            throw new CheckpointFormatException(
                CheckpointFault.BAD_CONNECTOR,
                model
                    + " holds the linear layers of a connector, but "
                    + objection
                    + "; give the file as its training wrote it");
          });
    }
    opened.config();
    return opened;
  }

  /// A checkpoint under Hugging Face's names; itself where it has them already, or none that are
  /// known. Of a connector without a config, the shapes say all; a tower without its last norm is
  /// CuMo's.
  ///
  /// @throws CheckpointFormatException when it is a CLIP of a kind that Hugging Face's class is not
  public static Checkpoint translated(Checkpoint stored) {
    if (stored.findConfig().filter(config -> ClipMoe.is(config.modelType())).isPresent()) {
      OpenClipNames names = new OpenClipNames(ClipMoe.LAYOUT);
      return stored.readAs(
          stored.config(),
          stored.tensors().values().stream().flatMap(entry -> names.views(entry).stream()).toList(),
          List.of());
    }
    return OpenClipLayout.find(stored.tensors().keySet())
        .map(layout -> translated(stored, layout))
        .orElseGet(() -> CumoTower.configured(ConnectorShapes.configured(stored)));
  }

  private static Checkpoint translated(Checkpoint stored, OpenClipLayout layout) {
    OpenClipNames names = new OpenClipNames(layout);
    OpenClipConfig config = OpenClipConfig.of(stored, layout);
    List<TensorEntry> tensors = new ArrayList<>();
    List<String> notes = new ArrayList<>(config.assumptions());
    for (TensorEntry entry : stored.tensors().values()) {
      Optional<String> reason = names.dispensable(entry.name());
      reason.ifPresentOrElse(
          why -> notes.add(entry.name() + " is left out: " + why),
          () -> tensors.addAll(names.views(entry)));
    }
    return stored.readAs(config.config(), tensors, notes);
  }
}
