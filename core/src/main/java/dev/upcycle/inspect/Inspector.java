package dev.upcycle.inspect;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.estimate.Parameters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedMap;
import tools.jackson.databind.node.JsonNodeFactory;

/// Looks at a checkpoint's headers and config; reads no weights.
public final class Inspector {
  private final Checkpoint checkpoint;
  private final ModelConfig config;
  private final Optional<Architecture> family;
  private final Optional<Composition> composition;
  private final List<String> notes;

  private Inspector(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.config =
        checkpoint
            .findConfig()
            .orElseGet(() -> ModelConfig.of(JsonNodeFactory.instance.objectNode()));
    this.notes = new ArrayList<>(checkpoint.notes());
    if (checkpoint.findConfig().isEmpty()) {
      notes.add("there is no config.json beside the weights: only the headers are told");
    }
    this.family = config.findString("model_type").flatMap(Architecture::find);
    this.composition = family.flatMap(known -> composition());
  }

  /// Inspects a checkpoint of any family; of one that is not known, or of a single file without a
  /// config beside it, it tells what headers tell.
  public static Inspection inspect(Checkpoint checkpoint) {
    return new Inspector(checkpoint).inspect();
  }

  private Optional<Composition> composition() {
    try {
      Composition found = Composition.read(config, checkpoint.tensors().keySet());
      found.parts().forEach(ModelPart::dimensions);
      return Optional.of(found);
    } catch (CheckpointFormatException e) {
      notes.add(e.getMessage());
      return Optional.empty();
    }
  }

  private Inspection inspect() {
    Collection<TensorEntry> entries = checkpoint.tensors().values();
    SequencedMap<DType, Inspection.DTypeShare> dtypes = dtypes(entries);
    List<FeedForwards> feedForwards =
        composition.map(found -> FeedForwards.of(entries, found)).orElse(List.of());
    return new Inspection(
        config.findString("model_type").orElse("unknown"),
        config.strings("architectures").stream()
            .findFirst()
            .or(() -> family.map(Architecture::className)),
        parameters(entries),
        dtypes.values().stream().mapToLong(Inspection.DTypeShare::bytes).sum(),
        dtypes,
        composition.flatMap(Inspector::sizes),
        tied(),
        feedForwards.stream().flatMap(part -> part.groups().stream()).toList(),
        experts(feedForwards),
        files(entries),
        Verdicts.of(checkpoint, family),
        notes);
  }

  private Parameters parameters(Collection<TensorEntry> entries) {
    List<TensorSpec> specs = entries.stream().map(TensorEntry::spec).toList();
    return composition
        .map(found -> Parameters.of(specs, found))
        .orElseGet(() -> Parameters.of(specs));
  }

  private static SequencedMap<DType, Inspection.DTypeShare> dtypes(
      Collection<TensorEntry> entries) {
    Map<DType, Inspection.DTypeShare> shares = new EnumMap<>(DType.class);
    for (TensorEntry entry : entries) {
      Inspection.DTypeShare before =
          shares.getOrDefault(entry.dtype(), new Inspection.DTypeShare(0, 0, 0));
      shares.put(entry.dtype(), before.plus(entry.shape().elements(), entry.bytes()));
    }
    return new LinkedHashMap<>(shares);
  }

  /// Those of a model of one family that has layers with attention.
  private static Optional<Inspection.Sizes> sizes(Composition composition) {
    Dimensions sizes = composition.parts().getFirst().dimensions();
    if (!sizes.symbols().containsKey("heads")) {
      return Optional.empty();
    }
    return Optional.of(
        new Inspection.Sizes(
            sizes.layers(),
            sizes.hidden(),
            sizes.intermediate(),
            sizes.heads(),
            sizes.kvHeads(),
            sizes.headDim(),
            sizes.symbols().containsKey("vocab")
                ? OptionalLong.of(sizes.vocab())
                : OptionalLong.empty()));
  }

  private Optional<Boolean> tied() {
    ModelConfig complete = family.map(known -> known.complete(config)).orElse(config);
    return complete.findBoolean("tie_word_embeddings");
  }

  private static Optional<Inspection.ExpertLayout> experts(List<FeedForwards> feedForwards) {
    return feedForwards.stream().flatMap(part -> part.experts().stream()).findFirst();
  }

  private List<Inspection.WeightsFile> files(Collection<TensorEntry> entries) {
    Map<Path, Integer> tensors = new HashMap<>();
    entries.forEach(entry -> tensors.merge(entry.file(), 1, Integer::sum));
    List<Inspection.WeightsFile> files = new ArrayList<>();
    for (SourceFile file : checkpoint.files()) {
      files.add(
          new Inspection.WeightsFile(
              checkpoint.label(file), file.bytes(), tensors.getOrDefault(file.path(), 0)));
    }
    return files;
  }
}
