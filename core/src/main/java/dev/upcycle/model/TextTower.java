package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/// CLIP's text tower with its weights in memory: causal, with learned positions.
///
/// Owns its weights until it is closed, as [DecoderModel] does.
public final class TextTower implements AutoCloseable {
  /// Configs of OpenAI's towers hold this id where the end of a text is another one, the largest of
  /// all (transformers, `modeling_clip.py`).
  private static final long WRONG_END = 2;

  private static final String END = "eos_token_id";

  private final CheckpointBinding binding;
  private final ModelOptions options;
  private final ModelWeights weights;
  private final List<TransformerLayer> layers;
  private final Norm finalNorm;

  private TextTower(CheckpointBinding binding, LayerForm form, ModelOptions options) {
    this.binding = binding;
    this.options = options;
    this.weights = ModelWeights.load(binding, options);
    this.layers = LayerAssembly.all(binding, form, weights.table());
    this.finalNorm = weights.table().norm(binding.frame().require(Role.FINAL_NORM), form.norm());
  }

  static TextTower open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(part);
    return new TextTower(binding, LayerForm.of(binding), options);
  }

  /// What the tower makes of texts.
  ///
  /// @param hidden `[texts, seq, hidden]`, after the final norm
  /// @param pooled `[texts, hidden]`, the state of each text's end
  /// @param routings one per layer that has experts, in the order of layers
  public record Output(Tensor hidden, Tensor pooled, List<LayerRouting> routings) {
    /// Takes a copy.
    public Output {
      routings = List.copyOf(routings);
    }
  }

  /// All weights by their names in the checkpoint's files.
  public SequencedMap<String, Tensor> parameters() {
    return weights.parameters();
  }

  /// The layers, first to last.
  public List<TransformerLayer> layers() {
    return layers;
  }

  /// Token ids `[texts, seq]` to what the first layer reads.
  ///
  /// @throws IllegalArgumentException when a text is longer than the tower has positions
  public Tensor embed(Tensor ids) {
    WeightTable table = weights.table();
    Tensor words =
        Functions.embedding(table.require(binding.embedding()), ids.to(options.device()));
    return placed(words, table.require(binding.frame().require(Role.POSITION_EMBEDDING)));
  }

  /// Words `[texts, seq, hidden]` with the vectors of their positions.
  static Tensor placed(Tensor words, Tensor positions) {
    if (words.size(1) > positions.size(0)) {
      throw new IllegalArgumentException(
          "texts of %d tokens, the tower has %d positions"
              .formatted(words.size(1), positions.size(0)));
    }
    return words.plus(positions.narrow(0, 0, words.size(1)));
  }

  /// The states after the first `count` layers, `[texts, seq, hidden]`.
  public HiddenOutput states(Tensor ids, int count, ForwardPass pass) {
    return LayerStack.pass(
        layers.subList(0, count),
        embed(ids),
        layer -> new TransformerLayer.Context(null, pass.routing(layer), null));
  }

  /// The whole tower.
  ///
  /// @param ids `[texts, seq]`, each with its end; what follows it is not seen
  public Output forward(Tensor ids, ForwardPass pass) {
    HiddenOutput output = states(ids, layers.size(), pass);
    Tensor hidden = finalNorm.forward(output.hidden());
    Tensor pooled = pooled(hidden, ids.to(options.device()), binding);
    return new Output(hidden, pooled, output.routings());
  }

  /// The state of each text's end, `[texts, hidden]`.
  static Tensor pooled(Tensor hidden, Tensor ids, CheckpointBinding binding) {
    long texts = hidden.size(0);
    long width = hidden.size(2);
    Tensor place = ends(ids, binding).view(texts, 1, 1).expand(texts, 1, width);
    return hidden.gather(1, place).squeeze(1);
  }

  /// Where each text ends, `[texts]`: the first of several.
  private static Tensor ends(Tensor ids, CheckpointBinding binding) {
    long end = binding.config().requireLong(END);
    return end == WRONG_END ? ids.argmax() : ids.isEqualTo(end).to(ids.dtype()).argmax();
  }

  /// The id that ends a text.
  static long end(CheckpointBinding binding) {
    long end = binding.config().requireLong(END);
    return end == WRONG_END ? binding.dimensions().vocab() - 1 : end;
  }

  @Override
  public void close() {
    weights.close();
  }
}
