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
import org.jspecify.annotations.Nullable;

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

  private LlavaModel(
      LlavaForm form, VisionTower vision, Connector connector, DecoderModel language) {
    this.form = form;
    this.vision = vision;
    this.connector = connector;
    this.language = language;
  }

  /// Binds a checkpoint of all parts.
  ///
  /// @throws CheckpointFormatException as [DecoderModel#open], or when it is something else
  public static LlavaModel open(Checkpoint checkpoint, ModelOptions options) {
    StoredPart whole = StoredPart.whole(checkpoint);
    LlavaForm form = LlavaForm.of(whole);
    StoredPart vision = whole.part(Part.VISION);
    StoredPart connector = whole.part(Part.CONNECTOR);
    StoredPart language = whole.part(Part.LANGUAGE);
    try (Claims claims = new Claims()) {
      return claims.handOver(
          new LlavaModel(
              form,
              claims.own(VisionTower.open(vision, options), VisionTower::close),
              claims.own(Connector.open(connector, options), Connector::close),
              claims.own(DecoderModel.open(language, options), DecoderModel::close)));
    }
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
    return form.features().count(vision.dimensions().require("positions"));
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

  /// Images of a batch of texts.
  ///
  /// @param pixels `[images, channels, side, side]`, prepared
  /// @param places of the features, image after image, those that the texts have places for; null
  ///   is all
  /// @param counted `[images]`, 1 for those whose places routers' losses count; null when all do
  public record Images(Tensor pixels, @Nullable Tensor places, @Nullable Tensor counted) {
    /// Images with a place in the text for each of their features.
    public static Images whole(Tensor pixels) {
      return new Images(pixels, null, null);
    }

    /// What counts of so many views of each image, each with so many places: views of all images
    /// follow one another.
    @Nullable Tensor mask(long views, long places) {
      if (counted == null) {
        return null;
      }
      long images = counted.size(0);
      return counted.view(1, images, 1).expand(views, images, places).reshape(-1);
    }
  }

  /// How much of the tower is computed.
  public enum Depth {
    /// Up to the layer whose states are used.
    USED,
    /// All of it, for the losses of the routers after that layer.
    ALL
  }

  /// What the connector reads of images, `[images, patches, scales · hidden]`.
  ///
  /// @param routings takes those of the tower
  private Tensor seen(Images images, ForwardPass pass, Depth depth, List<LayerRouting> routings) {
    int count = vision.layersTo(form.state());
    long alone = images.pixels().size(0);
    return form.pyramid()
        .forward(
            images.pixels(),
            tiles -> {
              ForwardPass own = pass.masked(images.mask(tiles.size(0) / alone, tokensPerView()));
              HiddenOutput output = vision.states(tiles, count, own);
              routings.addAll(output.routings());
              if (depth == Depth.ALL) {
                vision.rest(output.hidden(), count, own).routings().stream()
                    .map(each -> new LayerRouting(count + each.layer(), each.routing()))
                    .forEach(routings::add);
              }
              return form.features(output.hidden());
            });
  }

  /// How many tokens an image, or a tile of one, is in the tower.
  public long tokensPerView() {
    return vision.dimensions().require("positions");
  }

  /// Images as the decoder reads them, `[images, patches, hidden]`.
  public Reading look(Images images, ForwardPass pass, Depth depth) {
    List<LayerRouting> inTower = new ArrayList<>();
    Tensor wide = seen(images, pass.elsewhere(TOWER), depth, inTower);
    ForwardPass own = pass.elsewhere(CONNECTOR).masked(images.mask(1, wide.size(1)));
    FeedForwardBlock.Output output = connector.forward(wide, own);
    List<LayerRouting> inConnector =
        output.findRouting().map(routing -> new LayerRouting(0, routing)).stream().toList();
    return new Reading(output.hidden(), new Routings(inTower, inConnector, List.of()));
  }

  /// Words and images as the decoder reads them.
  ///
  /// @param ids `[batch, seq]`, with the image's id once for each of its features
  /// @param pixels of all images, in the order of the text
  public Reading read(Tensor ids, Tensor pixels, ForwardPass pass) {
    return read(ids, Images.whole(pixels), pass, Depth.USED);
  }

  /// The same of images that the text need not have all places for.
  ///
  /// @param ids `[batch, seq]`, with the image's id once for each of the places
  public Reading read(Tensor ids, Images images, ForwardPass pass, Depth depth) {
    Reading seen = look(images, pass, depth);
    Tensor flat = seen.hidden().reshape(-1, seen.hidden().size(2));
    Tensor chosen = images.places() == null ? flat : flat.indexSelect(0, images.places());
    Tensor free = ids.send(language.options().device());
    Tensor words = language.embed(form.words(free));
    return new Reading(form.splice().into(words, free, chosen), seen.routings());
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
