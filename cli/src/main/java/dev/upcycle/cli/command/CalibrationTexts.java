package dev.upcycle.cli.command;

import dev.upcycle.calibrate.ExpertPrompts;
import dev.upcycle.calibrate.PromptFile;
import dev.upcycle.cli.terminal.Surroundings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which texts routers are made of.
final class CalibrationTexts {
  private static final int USUAL_CONTEXT = 512;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Texts in UTF-8; for hidden and mergekit the first is the first expert's, …")
  private List<Path> texts = List.of();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description =
          "YAML or JSON: a mapping from each expert's name to a list of texts, or a mergekit-moe"
              + " configuration with positive_prompts and negative_prompts.")
  private @Nullable Path prompts;

  @Option(
      names = "--context",
      paramLabel = "N",
      description =
          "Most tokens that the model sees at once; longer texts are cut into equal passages"
              + " (default: what it was made for, at most 512).")
  private @Nullable Integer context;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "16384",
      description =
          "Most tokens that are looked at; of more a drawn sample of passages, as many tokens of each"
              + " expert (default: ${DEFAULT-VALUE}).")
  private long maxTokens = 16_384;

  /// The texts, an element for each file or expert.
  List<ExpertPrompts> read(Surroundings surroundings) {
    if (texts.isEmpty() == (prompts == null)) {
      throw new UsageException("give either --text or --prompts");
    }
    if (prompts != null) {
      return PromptFile.read(surroundings.resolve(prompts));
    }
    List<ExpertPrompts> read = new ArrayList<>();
    for (Path text : texts) {
      Path file = surroundings.resolve(text);
      read.add(new ExpertPrompts(file.toString(), List.of(TextFiles.read(file)), List.of()));
    }
    return read;
  }

  /// Most tokens of a passage.
  ///
  /// @param positions that the model was made for
  int context(OptionalLong positions) {
    int chosen =
        context == null ? (int) Math.min(USUAL_CONTEXT, positions.orElse(USUAL_CONTEXT)) : context;
    if (chosen < 1) {
      throw new UsageException("--context " + chosen + ": expected at least 1");
    }
    return chosen;
  }

  long maxTokens() {
    if (maxTokens < 1) {
      throw new UsageException("--max-tokens " + maxTokens + ": expected at least 1");
    }
    return maxTokens;
  }
}
