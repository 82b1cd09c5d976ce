package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/// CLIP's or SigLIP's text tower with its weights in memory: CLIP's sees what stands before,
/// SigLIP's everything; positions are learned.
///
/// Owns its weights until it is closed, as [DecoderModel] does.
public final class TextTower implements AutoCloseable {
  private final CheckpointBinding binding;
  private final ModelOptions options;
  private final ModelWeights weights;
  private final List<TransformerLayer> layers;
  private final TextHead head;

  private TextTower(
      CheckpointBinding binding, LayerForm form, ModelOptions options, ModelWeights weights) {
    this.binding = binding;
    this.options = options;
    this.weights = weights;
    this.layers = LayerAssembly.all(binding, form, weights.table());
    this.head = TextHead.of(binding, form, weights.table());
  }

  static TextTower open(StoredPart part, ModelOptions options) {
    CheckpointBinding binding = CheckpointBinding.of(part);
    LayerForm form = LayerForm.of(binding);
    try (Claims claims = new Claims()) {
      ModelWeights weights = claims.own(ModelWeights.load(binding, options), ModelWeights::close);
      return claims.handOver(new TextTower(binding, form, options, weights));
    }
  }

  /// What the tower makes of texts.
  ///
  /// @param hidden `[texts, seq, hidden]`, after the final norm
  /// @param pooled `[texts, hidden]`, what stands for each text
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
  /// @param ids `[texts, seq]`, each with its end, whose successors a CLIP does not see; a SigLIP's
  ///   are filled up
  public Output forward(Tensor ids, ForwardPass pass) {
    HiddenOutput output = states(ids, layers.size(), pass);
    Tensor hidden = head.norm().forward(output.hidden());
    Tensor pooled = head.pooled(hidden, ids.to(options.device()));
    return new Output(hidden, pooled, output.routings());
  }

  @Override
  public void close() {
    weights.close();
  }
}
