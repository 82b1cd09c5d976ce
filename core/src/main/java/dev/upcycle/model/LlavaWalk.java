package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Part;
import java.util.List;

/// A LLaVA whose tower and decoder are walked a layer at a time.
public final class LlavaWalk {
  private final LlavaForm form;
  private final TowerWalk vision;
  private final ConnectorWalk connector;
  private final LayerWalk language;

  private LlavaWalk(StoredPart whole, LlavaForm form, ModelOptions options) {
    this.form = form;
    this.vision = TowerWalk.open(whole.part(Part.VISION), options);
    this.connector = ConnectorWalk.open(whole.part(Part.CONNECTOR), options);
    this.language = LayerWalk.open(whole.part(Part.LANGUAGE), options);
  }

  /// Binds a checkpoint of all parts; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [LlavaModel#open]
  public static LlavaWalk open(Checkpoint checkpoint, ModelOptions options) {
    StoredPart whole = StoredPart.whole(checkpoint);
    return new LlavaWalk(whole, LlavaForm.of(whole), options);
  }

  /// The image tower.
  public TowerWalk vision() {
    return vision;
  }

  /// Between the two.
  public ConnectorWalk connector() {
    return connector;
  }

  /// The decoder.
  public LayerWalk language() {
    return language;
  }

  /// How many of the tower's layers are used; those after them never are.
  public int towerLayers() {
    return VisionTower.layersTo(form.state(), vision.stack().layers());
  }

  /// The scales at which an image is looked at.
  public List<Integer> scales() {
    return form.pyramid().scales();
  }

  /// What the tower sees of prepared pixels `[images, channels, side, side]`, once for each scale.
  public List<Tensor> views(Tensor pixels) {
    return form.pyramid().views(pixels);
  }

  /// What the connector reads of images, `[images, places, scales · hidden]`.
  ///
  /// @param states of the tower after [#towerLayers()] layers, one for each of the [#views]
  public Tensor seen(List<Tensor> states, long images) {
    return form.pyramid().joined(states.stream().map(form::features).toList(), images);
  }

  /// The id that a text has once for each of an image's features.
  public long imageToken() {
    return form.splice().placeholder();
  }

  /// Words and images as the decoder reads them.
  ///
  /// @param ids `[batch, seq]`, with the image's id once for each of its features
  /// @param features `[images, places, hidden]` that the connector gives
  public Tensor spliced(Tensor ids, Tensor features) {
    return form.splice().into(language.embed(form.words(ids)), ids, features);
  }
}
