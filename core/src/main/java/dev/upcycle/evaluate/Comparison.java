package dev.upcycle.evaluate;

/// How the predictions of two models differ, token by token.
///
/// @param <E> what is said of one model alone
/// @param first the model
/// @param second the model it is compared with
/// @param loss second's loss minus first's, in nats per token
/// @param divergence mean over scored tokens of `KL(first ‖ second)`, in nats
/// @param agreement share of scored tokens at which both find the same token likeliest
public record Comparison<E>(
    E first, E second, PairedDifference loss, double divergence, double agreement) {}
