package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.kernels.tensor.TopK;
import org.jspecify.annotations.Nullable;

/// Decides which experts see which tokens. It computes in float32 whatever the model's type, unless
/// its scoring rounds as [Scoring.RoundedSoftmax] does.
///
/// @param form what it does
/// @param projection `[E, H]`, with or without a bias per expert
/// @param selectionBias `[E]`, added to scores for the selection only, never to weights (balancing
///   without a loss, arXiv 2408.15664); null for none
public record Router(Form form, Linear projection, @Nullable Tensor selectionBias) {
  static final int JITTER_DRAW = 0;
  static final int GUMBEL_DRAW = 1;

  /// Added to a token's summed scores before they divide, as DeepSeek-V3's published code does: all
  /// of them can underflow, and 0 / 0 is no weight. No other sum notices it.
  private static final double SMALLEST_SUM = 1e-20;

  /// What a router does.
  ///
  /// @param refinement of logits before scoring
  public record Form(
      Scoring scoring, Selection selection, Weighting weighting, Refinement refinement) {
    /// Mixtral's: softmax, the best `count`, renormalised.
    public static Form topK(int count) {
      return new Form(
          new Scoring.SoftmaxOverAll(),
          new Selection.TokenChoice(count),
          Weighting.RENORMALISED,
          Refinement.NONE);
    }
  }

  /// What happens to a router's input and logits.
  ///
  /// @param logitScale logits become `logitScale · (logit - mean) / deviation` over a token's
  ///   experts (Skywork-MoE, arXiv 2406.06563); 0 leaves them
  /// @param jitter in training, inputs are multiplied by draws from `[1 - jitter, 1 + jitter]`
  /// @param reach whose inputs
  public record Refinement(double logitScale, double jitter, Reach reach) {
    /// Neither.
    public static final Refinement NONE = new Refinement(0, 0);

    /// Jitter of the router alone.
    public Refinement(double logitScale, double jitter) {
      this(logitScale, jitter, Reach.ROUTER);
    }

    /// Refuses negative numbers and a jitter that could turn a sign.
    public Refinement {
      if (!(logitScale >= 0) || !(jitter >= 0 && jitter < 1)) {
        throw new IllegalArgumentException(
            "logitScale must be >= 0 and jitter in [0, 1), not %s and %s"
                .formatted(logitScale, jitter));
      }
    }
  }

  /// Who reads what jitter has multiplied.
  public enum Reach {
    /// The router; its experts read the tokens as they are (Switch Transformer, arXiv 2101.03961).
    ROUTER,
    /// The router and all experts of its layer, as transformers' `MixtralSparseMoeBlock` has it.
    LAYER
  }

  /// A router without a selection bias.
  public static Router of(Form form, Tensor weight) {
    return new Router(form, Linear.of(weight), null);
  }

  /// Routes tokens `[T, H]`.
  public Routing route(Tensor x, RoutingPass pass) {
    Tensor logits = logits(x, pass);
    DType precision = form.scoring().precision(x.dtype());
    Tensor scores = form.scoring().scores(logits, pass).to(precision).to(DType.F32);
    Routing.Evidence evidence = new Routing.Evidence(logits, scores, pass.mask());
    return switch (form.selection()) {
      case Selection.TokenChoice(int count) -> tokenChoice(evidence, count, precision);
      case Selection.ExpertChoice(double fraction) -> expertChoice(evidence, fraction);
      case Selection.Threshold(Tensor thresholds) -> threshold(evidence, thresholds);
    };
  }

  /// What the layer reads of tokens `[T, H]`, its router and its experts alike.
  Tensor layerInput(Tensor x, RoutingPass pass) {
    return jittered(x, pass, Reach.LAYER);
  }

  private Tensor jittered(Tensor x, RoutingPass pass, Reach reach) {
    double jitter = form.refinement().jitter();
    if (jitter > 0
        && form.refinement().reach() == reach
        && pass instanceof RoutingPass.Train train) {
      Tensor uniform = Tensors.uniform(train.noise().seedOf(JITTER_DRAW), x.shape());
      Tensor factors = uniform.times(2 * jitter).plus(1 - jitter).to(x.device());
      return x.times(factors.to(x.dtype()));
    }
    return x;
  }

  private Tensor logits(Tensor x, RoutingPass pass) {
    DType precision = form.scoring().precision(x.dtype());
    Tensor wide = jittered(x.to(precision), pass, Reach.ROUTER);
    Tensor bias = projection.bias();
    Tensor logits =
        Functions.linear(
                wide, projection.weight().to(precision), bias == null ? null : bias.to(precision))
            .to(DType.F32);
    double scale = form.refinement().logitScale();
    return scale > 0 ? normalised(logits).times(scale) : logits;
  }

  private static Tensor normalised(Tensor logits) {
    Tensor centred = logits.minus(logits.meanKeeping(-1));
    return centred.over(centred.square().meanKeeping(-1).plus(1e-12).sqrt());
  }

  private Tensor preference(Tensor scores) {
    Tensor detached = Gradients.detach(scores);
    return selectionBias == null ? detached : detached.plus(selectionBias);
  }

  private Routing tokenChoice(Routing.Evidence evidence, int count, DType precision) {
    if (count > evidence.scores().size(1)) {
      throw new KernelException(
          "a token cannot take %d of %d experts".formatted(count, evidence.scores().size(1)));
    }
    TopK best = preference(evidence.scores()).topK(count);
    Tensor weights = tokenWeights(evidence, best.indices(), precision);
    return Routing.byToken(best.indices(), weights, evidence);
  }

  private Tensor tokenWeights(Routing.Evidence evidence, Tensor chosen, DType precision) {
    if (form.scoring() instanceof Scoring.SoftmaxOverChosen) {
      return Functions.softmax(evidence.logits().gather(1, chosen));
    }
    Tensor picked = evidence.scores().gather(1, chosen).to(precision);
    return switch (form.weighting()) {
      case RENORMALISED -> picked.over(picked.sumKeeping(-1).plus(SMALLEST_SUM)).to(DType.F32);
      case AS_SCORED -> picked.to(DType.F32);
    };
  }

  private Routing expertChoice(Routing.Evidence evidence, double fraction) {
    Tensor scores = evidence.scores();
    Tensor preference = preference(scores).transpose(0, 1);
    Tensor mask = evidence.mask();
    long counted = scores.size(0);
    if (mask != null) {
      preference = preference.maskedFill(mask.isEqualTo(0), Double.NEGATIVE_INFINITY);
      counted = Math.round(mask.to(DType.F32).sum().item());
    }
    long each = Math.min(counted, Math.max(1, Math.round(counted * fraction)));
    Tensor tokens = preference.topK(each).indices();
    Tensor experts =
        Tensors.range(scores.size(1), scores.device()).unsqueeze(1).expand(scores.size(1), each);
    return byExpert(evidence, tokens.reshape(-1), experts.reshape(-1));
  }

  private Routing threshold(Routing.Evidence evidence, Tensor thresholds) {
    Tensor accepted = preference(evidence.scores()).isGreaterThan(thresholds).transpose(0, 1);
    Tensor mask = evidence.mask();
    Tensor counted = mask == null ? accepted : accepted.and(mask.isEqualTo(0).not());
    var pair = counted.nonzero().unbind(1);
    return byExpert(evidence, pair.get(1), pair.get(0));
  }

  private Routing byExpert(Routing.Evidence evidence, Tensor tokens, Tensor experts) {
    Tensor scores = evidence.scores();
    Tensor flat = tokens.times(scores.size(1)).plus(experts);
    Tensor weights = scores.reshape(-1).indexSelect(0, flat);
    boolean normalise =
        form.weighting() == Weighting.RENORMALISED
            || form.scoring() instanceof Scoring.SoftmaxOverChosen;
    if (normalise) {
      Tensor sums = Tensors.zerosLike(scores, scores.size(0)).indexAdd(0, tokens, weights);
      weights = weights.over(sums.plus(SMALLEST_SUM).indexSelect(0, tokens));
    }
    return Routing.byExpert(tokens, experts, weights, evidence);
  }
}
