package dev.upcycle.cli.command;

import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.text.ImageReading;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Conversations about images that a model is evaluated on.
final class SampleOptions {
  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = "Conversations in LLaVA's JSON; needs a LLaVA.")
  private @Nullable Path data;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "The folder that --data names its images from; default: where --data lies.")
  private @Nullable Path images;

  @Option(
      names = "--template",
      paramLabel = "T",
      description =
          "How --data is written and masked: plain, v1 or mistral_instruct_system;"
              + " default: v1.")
  private @Nullable String template;

  @Option(
      names = "--skip-bad",
      paramLabel = "N",
      description = "Pass over up to N rows of --data that cannot be used; default: 0.")
  private @Nullable Long skipBad;

  /// Whether there are any.
  boolean given() {
    return data != null;
  }

  /// Refuses what cannot be meant.
  void check() {
    if (!given() && (images != null || template != null || skipBad != null)) {
      throw new UsageException("--images, --template and --skip-bad need --data");
    }
    if (template != null) {
      TemplateName.require(template);
    }
    if (skipBad != null && skipBad < 0) {
      throw new UsageException("--skip-bad must be at least 0, not " + skipBad);
    }
  }

  /// A model as it reads conversations about images.
  static ImageReading reading(TextModel opened) {
    return ImageReading.find(opened)
        .orElseThrow(() ->
            new UsageException(
                "%s: a %s looks at no images; --data needs a LLaVA"
                    .formatted(
                        opened.checkpoint().directory(),
                        opened.checkpoint().config().modelType())));
  }

  /// The evaluation of a model.
  ///
  /// @param context most tokens that the model sees at once, where the user says
  SampleEval of(TextModel opened, @Nullable Integer context, UnaryOperator<Path> resolve) {
    ImageReading reading = reading(opened);
    Path file = resolve.apply(Path.of(String.valueOf(data)));
    Path folder =
        Optional.ofNullable(images)
            .map(resolve)
            .orElseGet(() -> Optional.ofNullable(file.getParent()).orElse(Path.of("")));
    int most = Math.toIntExact(Math.min(Integer.MAX_VALUE, opened.positions().orElse(2048)));
    int wide = Optional.ofNullable(context).orElse(most);
    if (wide < 2) {
      throw new UsageException("--context must be at least 2, not " + wide);
    }
    LlavaTemplate chosen =
        Optional.ofNullable(template).map(TemplateName::require).orElse(LlavaTemplate.V1);
    return new SampleEval(
        reading,
        new SampleEval.Data(file, folder, Optional.ofNullable(skipBad).orElse(0L)),
        chosen,
        wide);
  }
}
