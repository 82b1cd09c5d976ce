package dev.upcycle.convert;

import dev.upcycle.arch.Modeling;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Everything of a target but its weights: what the source's files carry along, the recipe, the
/// model card, the manifest and, last, the config.
final class SmallFiles {
  private static final String CONFIG = "config.json";
  private static final String RECIPE = "recipe.yaml";
  private static final String CARD = "README.md";

  private final UpcyclePlan plan;
  private final Checkpoint source;

  SmallFiles(UpcyclePlan plan, Checkpoint source) {
    this.plan = plan;
    this.source = source;
  }

  void put(CheckpointWriter writer) {
    CarriedFiles carried = CarriedFiles.of(source, plan.target().modeling());
    carried.put(writer);
    writer.put(RECIPE, plan.recipe().yaml().getBytes(StandardCharsets.UTF_8));
    writer.put(CARD, new ModelCard(plan, source).text().getBytes(StandardCharsets.UTF_8));
    writer.put(Manifest.FILE_NAME, manifest(carried).toJson());
    modelling().forEach(name -> writer.put(name, Modeling.read(name)));
    writer.put(CONFIG, plan.targetConfig().toJson());
  }

  /// The modelling files that the target's config names.
  private List<String> modelling() {
    return plan.target().modeling().map(Modeling::files).orElse(List.of());
  }

  private Manifest manifest(CarriedFiles carried) {
    List<String> files = new ArrayList<>();
    plan.layout().shards().forEach(shard -> files.add(shard.fileName()));
    if (plan.layout().index().isPresent()) {
      files.add(ShardLayout.INDEX_FILE_NAME);
    }
    files.addAll(carried.files().keySet());
    files.addAll(CarriedFiles.OWN);
    files.addAll(modelling());
    return new Manifest(
        ToolVersion.text(),
        plan.recipe().recipe().name(),
        plan.recipe().sha256(),
        plan.recipe().recipe().seed(),
        plan.source().modelType(),
        Optional.of(source.config()),
        plan.target().modelType(),
        plan.sourceParts().stream()
            .map(part ->
                new Manifest.SourcePart(part.part().orElseThrow().key(), part.family().modelType()))
            .toList(),
        Manifest.SourceShard.of(source),
        plan.routerFiles().stream()
            .map(file ->
                new Manifest.RouterSource(file.name(), file.source().bytes(), file.sha256()))
            .toList(),
        files.stream().sorted().toList(),
        plan.steps().stream().map(SmallFiles::origin).toList(),
        plan.discarded().stream()
            .map(one -> new Manifest.LeftOut(one.name(), one.reason()))
            .toList(),
        Optional.empty());
  }

  private static Manifest.TensorOrigin origin(TensorStep step) {
    String role = step.role().name().toLowerCase(Locale.ROOT);
    String name = step.target().name();
    return switch (step) {
      case TensorStep.PassThrough s ->
          new Manifest.TensorOrigin(
              name, role, Manifest.PASSED_THROUGH, Optional.of(s.source().name()));
      case TensorStep.CopyToExpert s ->
          new Manifest.TensorOrigin(name, role, "copy_to_expert", Optional.of(s.source().name()));
      case TensorStep.NewRouter s ->
          new Manifest.TensorOrigin(name, role, "new_router", Optional.empty());
      case TensorStep.FileRouter s ->
          new Manifest.TensorOrigin(name, role, "router_from_file", Optional.empty());
    };
  }
}
