package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.util.Optional;
import java.util.OptionalLong;

/// How the features of an image get into a LLaVA's text.
///
/// @param strategy which places of the tower's states they are
/// @param placeholder the id that keeps places free for them
public record ImageFeatures(Strategy strategy, long placeholder) {
  private static final String STRATEGY = "vision_feature_select_strategy";
  private static final String TOKEN = "image_token_index";

  /// Which places of a tower's states become features.
  public enum Strategy {
    /// `default`: all but the first, the class token.
    WITHOUT_FIRST,
    /// `full`.
    ALL;

    /// How many features an image has.
    ///
    /// @param places of the tower's states
    public int count(long places) {
      return Math.toIntExact(
          switch (this) {
            case WITHOUT_FIRST -> places - 1;
            case ALL -> places;
          });
    }
  }

  /// What a model's config says; empty where no connector reads a tower.
  ///
  /// @throws CheckpointFormatException as [#of]
  public static Optional<ImageFeatures> find(Composition model) {
    Architecture family = model.whole();
    if (family.rule(Part.CONNECTOR).isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(of(SingleConfig.spelled(family, model.parts().getFirst().config())));
  }

  /// Reads a config.
  ///
  /// @param spelled the whole's config in the words of transformers, its defaults filled in
  /// @throws CheckpointFormatException when a key is something else
  public static ImageFeatures of(ModelConfig spelled) {
    return new ImageFeatures(strategy(spelled), placeholder(spelled));
  }

  private static Strategy strategy(ModelConfig config) {
    return switch (config.findString(STRATEGY).orElse("default")) {
      case "default" -> Strategy.WITHOUT_FIRST;
      case "full" -> Strategy.ALL;
      default -> throw Complaint.of(STRATEGY, config, "default or full");
    };
  }

  private static long placeholder(ModelConfig config) {
    OptionalLong index = config.findLong(TOKEN);
    return index.isPresent()
        ? index.getAsLong()
        : config
            .findLong("image_token_id")
            .orElseThrow(() -> Complaint.of(TOKEN, config, "the id of <image>"));
  }
}
