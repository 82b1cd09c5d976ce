package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.recipe.ResolvedRecipe;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/// Everything that a conversion will do, before it does any of it; equal inputs give equal plans.
///
/// @param recipe what was asked
/// @param source the dense family
/// @param sourceParts the parts of a dense composition; empty for a model of one family
/// @param target the Mixture-of-Experts family
/// @param targetConfig the `config.json` to write, both generations' spellings
/// @param steps one per target tensor, in the order of the target's state dict
/// @param discarded source tensors that are left out
/// @param layout how the target falls into files
/// @param consumers what loads the target, and what does not
/// @param fidelity what keeps the target from computing exactly what the dense model computes
/// @param notes what the user should know: the function is preserved and why, warnings
public record UpcyclePlan(
    ResolvedRecipe recipe,
    Architecture source,
    List<ModelPart> sourceParts,
    Architecture target,
    ModelConfig targetConfig,
    List<TensorStep> steps,
    List<Discarded> discarded,
    ShardLayout layout,
    List<Consumer> consumers,
    Fidelity fidelity,
    List<Note> notes) {
  /// Takes copies.
  public UpcyclePlan {
    sourceParts = List.copyOf(sourceParts);
    steps = List.copyOf(steps);
    discarded = List.copyOf(discarded);
    consumers = List.copyOf(consumers);
    notes = List.copyOf(notes);
  }

  /// A remark for the user.
  ///
  /// @param severity how loudly it is said
  /// @param text the remark
  public record Note(Severity severity, String text) {}

  /// How loudly a note is said.
  public enum Severity {
    INFO,
    WARNING
  }

  /// The tensors of the target, in the order of its state dict.
  public List<TensorSpec> tensors() {
    return steps.stream().map(TensorStep::target).toList();
  }

  /// The files that routers are taken from; none where they are drawn.
  public List<RouterFile> routerFiles() {
    return steps.stream()
        .flatMap(step ->
            step instanceof TensorStep.FileRouter router
                ? Stream.of(router.file())
                : Stream.empty())
        .distinct()
        .toList();
  }

  /// SHA-256 over everything that decides the target's bytes, lower-case hexadecimal.
  public String sha256() {
    return Sha256.hex(PlanText.of(this).getBytes(StandardCharsets.UTF_8));
  }
}
