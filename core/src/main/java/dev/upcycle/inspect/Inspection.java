package dev.upcycle.inspect;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.estimate.Parameters;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedMap;
import tools.jackson.databind.node.ObjectNode;

/// What a checkpoint is and what it can become, from headers and config alone.
///
/// @param family `model_type`; `unknown` where there is no config
/// @param className first of `architectures`, or the known family's class
/// @param parameters total and active
/// @param bytes of all tensors
/// @param dtypes tensors, parameters and bytes by dtype
/// @param sizes the dimensions, where the family is known and its config complete
/// @param tied whether head and embedding are one tensor, where the config says
/// @param feedForward the shapes of the feed-forward networks, equal layers together
/// @param experts the Mixture-of-Experts' layout, in a Mixture-of-Experts
/// @param files the weights files, in order
/// @param verdicts what it can become and what not
/// @param notes what else the user should know
public record Inspection(
    String family,
    Optional<String> className,
    Parameters parameters,
    long bytes,
    SequencedMap<DType, DTypeShare> dtypes,
    Optional<Sizes> sizes,
    Optional<Boolean> tied,
    List<FeedForward> feedForward,
    Optional<ExpertLayout> experts,
    List<WeightsFile> files,
    List<Verdict> verdicts,
    List<String> notes) {
  /// Takes copies.
  public Inspection {
    feedForward = List.copyOf(feedForward);
    files = List.copyOf(files);
    verdicts = List.copyOf(verdicts);
    notes = List.copyOf(notes);
  }

  /// How much of a checkpoint is stored in one dtype.
  public record DTypeShare(int tensors, long parameters, long bytes) {
    DTypeShare plus(long moreParameters, long moreBytes) {
      return new DTypeShare(
          tensors + 1, Math.addExact(parameters, moreParameters), Math.addExact(bytes, moreBytes));
    }
  }

  /// The dimensions of a decoder or a tower.
  ///
  /// @param vocab empty where no text goes in
  public record Sizes(
      int layers,
      long hidden,
      long intermediate,
      long heads,
      long kvHeads,
      long headDim,
      OptionalLong vocab) {}

  /// Layers whose feed-forward networks have the same shapes.
  ///
  /// @param firstLayer of a run of equal layers
  /// @param lastLayer of the run, included
  /// @param shapes such as `gate [1536, 576], up [1536, 576], down [576, 1536]`
  public record FeedForward(int firstLayer, int lastLayer, String shapes) {}

  /// How experts are stored.
  ///
  /// @param layout `per-expert`, or `fused` as transformers 5 keeps them in memory
  /// @param count experts per layer
  /// @param perToken experts that one token uses
  public record ExpertLayout(String layout, int count, int perToken) {}

  /// A weights file.
  public record WeightsFile(String name, long bytes, int tensors) {}

  /// Whether the checkpoint can become a family.
  ///
  /// @param target what recipes call the result, such as `cumo`
  /// @param reason why, or why not and what is the way out
  public record Verdict(String target, Possible possible, String reason) {}

  /// Whether something can be done.
  public enum Possible {
    YES,
    NO
  }

  /// The document, schema `upcycle/inspect/1`.
  public ObjectNode toJson() {
    return InspectionJson.of(this);
  }
}
