package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// A LLaVA: an image tower, a connector and a decoder that reads images in the places that a text
/// keeps free; each dense or with experts.
///
/// Owns its weights until it is closed, as [DecoderModel] does. The tower's layers after the one
/// whose states it uses are never computed.
public final class LlavaModel implements AutoCloseable {
  private static final int TOWER = 1;
  private static final int CONNECTOR = 2;

  private final LlavaForm form;
  private final VisionTower vision;
  private final Connector connector;
  private final DecoderModel language;

  private LlavaModel(StoredPart whole, LlavaForm form, ModelOptions options) {
    this.form = form;
    this.vision = VisionTower.open(whole.part(Part.VISION), options);
    this.connector = Connector.open(whole.part(Part.CONNECTOR), options);
    this.language = DecoderModel.open(whole.part(Part.LANGUAGE), options);
  }

  /// Binds a checkpoint of all parts.
  ///
  /// @throws CheckpointFormatException as [DecoderModel#open], or when it is something else
  public static LlavaModel open(Checkpoint checkpoint, ModelOptions options) {
    StoredPart whole = StoredPart.whole(checkpoint);
    return new LlavaModel(whole, LlavaForm.of(whole), options);
  }

  /// Whether a checkpoint's config is that of a LLaVA.
  ///
  /// @throws CheckpointFormatException when its family is not known
  public static boolean fits(Checkpoint checkpoint) {
    return LlavaForm.composed(Architecture.require(checkpoint.config().modelType()));
  }

  /// What a LLaVA gives.
  ///
  /// @param logits `[batch, seq, vocab]`, in the model's type
  /// @param routings of the layers that have experts, by part
  public record Output(Tensor logits, Routings routings) {}

  /// What the decoder reads.
  ///
  /// @param hidden `[batch, seq, hidden]`, words and images
  /// @param routings of the tower and the connector
  public record Reading(Tensor hidden, Routings routings) {}

  /// What routers decided, by part.
  ///
  /// @param vision in the order of scales, then of layers
  /// @param connector one where the connector has experts
  /// @param language in the order of layers
  public record Routings(
      List<LayerRouting> vision, List<LayerRouting> connector, List<LayerRouting> language) {
    /// Takes copies.
    public Routings {
      vision = List.copyOf(vision);
      connector = List.copyOf(connector);
      language = List.copyOf(language);
    }
  }

  /// The image tower.
  public VisionTower vision() {
    return vision;
  }

  /// Between the two.
  public Connector connector() {
    return connector;
  }

  /// The decoder.
  public DecoderModel language() {
    return language;
  }

  /// The id that a text has once for each of an image's features; it need not be in the vocabulary.
  public long imageToken() {
    return form.splice().placeholder();
  }

  /// How many features an image has, which is how many places it takes in a text.
  public int placesPerImage() {
    return form.features().count(vision.dimensions());
  }

  /// The families of the parts, tower first.
  public List<Architecture> architectures() {
    return List.of(vision.architecture(), connector.architecture(), language.architecture());
  }

  /// All weights by their names in the checkpoint's files.
  public SequencedMap<String, Tensor> parameters() {
    SequencedMap<String, Tensor> all = new LinkedHashMap<>(vision.parameters());
    all.putAll(connector.parameters());
    all.putAll(language.parameters());
    return Collections.unmodifiableSequencedMap(all);
  }

  /// What the connector reads of images, `[images, patches, scales · hidden]`.
  ///
  /// @param pixels `[images, channels, side, side]`, prepared
  /// @param routings takes those of the tower
  private Tensor seen(Tensor pixels, ForwardPass pass, List<LayerRouting> routings) {
    int count = vision.layersTo(form.state());
    return form.pyramid()
        .forward(
            pixels,
            tiles -> {
              HiddenOutput output = vision.states(tiles, count, pass);
              routings.addAll(output.routings());
              return form.features().of(output.hidden());
            });
  }

  /// Images as the decoder reads them, `[images, patches, hidden]`.
  ///
  /// @param pixels `[images, channels, side, side]`, prepared
  public Reading look(Tensor pixels, ForwardPass pass) {
    List<LayerRouting> inTower = new ArrayList<>();
    Tensor wide = seen(pixels, pass.elsewhere(TOWER), inTower);
    FeedForwardBlock.Output output = connector.forward(wide, pass.elsewhere(CONNECTOR));
    List<LayerRouting> inConnector =
        output.findRouting().map(routing -> new LayerRouting(0, routing)).stream().toList();
    return new Reading(output.hidden(), new Routings(inTower, inConnector, List.of()));
  }

  /// Words and images as the decoder reads them.
  ///
  /// @param ids `[batch, seq]`, with the image's id once for each of its features
  /// @param pixels of all images, in the order of the text
  public Reading read(Tensor ids, Tensor pixels, ForwardPass pass) {
    Reading images = look(pixels, pass);
    Tensor places = ids.to(language.options().device());
    Tensor words = language.embed(form.words(places));
    return new Reading(form.splice().into(words, places, images.hidden()), images.routings());
  }

  /// The whole: logits of a text with images.
  public Output forward(Tensor ids, Tensor pixels, ForwardPass pass) {
    Reading reading = read(ids, pixels, pass);
    HiddenOutput output = language.hidden(reading.hidden(), pass);
    Routings routings =
        new Routings(
            reading.routings().vision(), reading.routings().connector(), output.routings());
    return new Output(language.head().forward(output.hidden()), routings);
  }

  @Override
  public void close() {
    vision.close();
    connector.close();
    language.close();
  }
}
