package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Which tokens go to which expert with what weight, sorted by expert; every router emits it.
///
/// @param tokens of each assignment, `[N]`, 64-bit
/// @param experts of each assignment, `[N]`, 64-bit, ascending
/// @param weights of each assignment, `[N]`, float32
/// @param offsets where each expert's assignments begin, `[E + 1]`, 32-bit; the last is `N`
/// @param evidence what the losses need
/// @param byToken the same by token; null unless each token has as many experts as the next
public record Routing(
    Tensor tokens,
    Tensor experts,
    Tensor weights,
    Tensor offsets,
    Evidence evidence,
    @Nullable ByToken byToken) {

  /// What the router computed on the way.
  ///
  /// @param logits `[T, E]`, float32, before noise
  /// @param scores `[T, E]`, float32
  /// @param mask `[T]`, 1 for tokens that count; null when all count
  public record Evidence(Tensor logits, Tensor scores, @Nullable Tensor mask) {}

  /// The assignments in the order of tokens.
  ///
  /// @param weights `[T, K]`, float32
  /// @param places where the assignments are in the order of experts, `[T * K]`
  public record ByToken(Tensor weights, Tensor places) {}

  /// From each token's choice.
  ///
  /// @param chosen `[T, K]` experts, 64-bit
  /// @param weights `[T, K]`, float32
  static Routing byToken(Tensor chosen, Tensor weights, Evidence evidence) {
    long perToken = chosen.size(1);
    Tensor flat = chosen.reshape(-1);
    Tensor order = flat.stableOrder();
    Tensor experts = flat.indexSelect(0, order);
    Tensor range = Tensors.range(flat.elements(), flat.device());
    Tensor places = Tensors.zerosLike(order, flat.elements()).scatter(0, order, range);
    return new Routing(
        order.floorOver(perToken),
        experts,
        weights.reshape(-1).indexSelect(0, order),
        offsets(experts, evidence),
        evidence,
        new ByToken(weights, places));
  }

  /// From the choices of experts.
  ///
  /// @param experts `[N]`, ascending
  static Routing byExpert(Tensor tokens, Tensor experts, Tensor weights, Evidence evidence) {
    return new Routing(tokens, experts, weights, offsets(experts, evidence), evidence, null);
  }

  private static Tensor offsets(Tensor sortedExperts, Evidence evidence) {
    long experts = evidence.scores().size(1);
    return Functions.countsBelow(sortedExperts, Tensors.range(experts + 1, sortedExperts.device()));
  }

  /// How many experts there are.
  public int expertCount() {
    return Math.toIntExact(evidence.scores().size(1));
  }

  /// How many tokens were routed.
  public long tokenCount() {
    return evidence.scores().size(0);
  }

  /// How many tokens each expert has; waits for the device.
  public long[] counts() {
    long[] bounds = offsets.toLongs();
    long[] counts = new long[bounds.length - 1];
    for (int expert = 0; expert < counts.length; expert++) {
      counts[expert] = bounds[expert + 1] - bounds[expert];
    }
    return counts;
  }

  /// Where each expert's assignments end, `[E]`, 32-bit.
  public Tensor ends() {
    return offsets.narrow(0, 1, expertCount());
  }

  /// The order by token, when each token has as many experts as the next.
  public Optional<ByToken> findByToken() {
    return Optional.ofNullable(byToken);
  }
}
