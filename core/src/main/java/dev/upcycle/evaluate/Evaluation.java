package dev.upcycle.evaluate;

import java.util.List;

/// How well a model predicts texts.
///
/// @param tokens of all texts
/// @param scored tokens whose prediction counts
/// @param negativeLogLikelihood of all scored tokens together, in nats
/// @param tokensPerSecond that went through the model, those that windows share counted each time
/// @param layers the load of each layer that has experts, every token of the texts counted once
public record Evaluation(
    long tokens,
    long scored,
    double negativeLogLikelihood,
    double tokensPerSecond,
    List<ExpertLoad> layers) {
  /// Takes a copy.
  public Evaluation {
    layers = List.copyOf(layers);
  }

  /// `exp` of the mean negative log-likelihood; every scored token counts the same.
  public double perplexity() {
    return Math.exp(negativeLogLikelihood / scored);
  }
}
