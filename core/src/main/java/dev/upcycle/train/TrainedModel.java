package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.LayerRouting;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Part;
import dev.upcycle.text.TextModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// What a stage trains: a decoder, or a LLaVA around one.
sealed interface TrainedModel extends AutoCloseable {
  /// Binds a checkpoint.
  ///
  /// @throws PlanException when it is neither
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  static TrainedModel open(Checkpoint checkpoint, ModelOptions options) {
    requireTrainable(checkpoint);
    return LlavaModel.fits(checkpoint)
        ? new Seeing(LlavaModel.open(checkpoint, options))
        : new Reading(DecoderModel.open(checkpoint, options));
  }

  /// Refuses what is neither.
  static void requireTrainable(Checkpoint checkpoint) {
    if (!TextModel.fits(checkpoint)) {
      throw new PlanException(
          List.of(
              "a %s is not trained here, only decoders and LLaVAs are; give a language model, or the parts of a LLaVA"
                  .formatted(checkpoint.config().modelType())));
    }
  }

  /// All weights by their names in the checkpoint's files.
  SequencedMap<String, Tensor> parameters();

  /// What reads.
  DecoderModel decoder();

  /// What the decoder reads of a batch, with the graph that it comes from.
  Input read(TokenBatch batch, ForwardPass pass, RouterLosses losses);

  /// How many tokens a router of a part sees of one image or tile; 1 where it sees none.
  long tokensPerImage(Part part);

  @Override
  void close();

  /// What the decoder reads.
  ///
  /// @param hidden `[rows, seq, hidden]`
  /// @param routings of the parts before it
  record Input(Tensor hidden, SequencedMap<Part, List<Routing>> routings) {}

  /// A decoder by itself.
  record Reading(DecoderModel decoder) implements TrainedModel {
    @Override
    public SequencedMap<String, Tensor> parameters() {
      return decoder.parameters();
    }

    @Override
    public Input read(TokenBatch batch, ForwardPass pass, RouterLosses losses) {
      return new Input(decoder.embed(batch.ids()), new LinkedHashMap<>());
    }

    @Override
    public long tokensPerImage(Part part) {
      return 1;
    }

    @Override
    public void close() {
      decoder.close();
    }
  }

  /// A decoder that images are spliced into.
  record Seeing(LlavaModel model) implements TrainedModel {
    @Override
    public SequencedMap<String, Tensor> parameters() {
      return model.parameters();
    }

    @Override
    public DecoderModel decoder() {
      return model.language();
    }

    @Override
    public Input read(TokenBatch batch, ForwardPass pass, RouterLosses losses) {
      LlavaModel.Images images =
          batch.images(decoder().options(), model.placesPerImage(), losses.filler());
      LlavaModel.Reading read = model.read(batch.ids(), images, pass, losses.depth());
      SequencedMap<Part, List<Routing>> routings = new LinkedHashMap<>();
      routings.put(Part.VISION, of(read.routings().vision()));
      routings.put(Part.CONNECTOR, of(read.routings().connector()));
      return new Input(read.hidden(), routings);
    }

    private static List<Routing> of(List<LayerRouting> layers) {
      return layers.stream().map(LayerRouting::routing).toList();
    }

    @Override
    public long tokensPerImage(Part part) {
      return switch (part) {
        case VISION -> model.tokensPerView();
        case CONNECTOR -> model.placesPerImage();
        case LANGUAGE -> 1;
      };
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
