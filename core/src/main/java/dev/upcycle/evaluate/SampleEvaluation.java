package dev.upcycle.evaluate;

import java.util.List;

/// How well a model predicts the answers of conversations about images.
///
/// @param counts of what went through the model
/// @param negativeLogLikelihood of all scored tokens together, in nats
/// @param tokensPerSecond of all tokens, images included
/// @param layers the load of each layer that has experts, part by part
public record SampleEvaluation(
    Counts counts, double negativeLogLikelihood, double tokensPerSecond, List<ModalLoad> layers) {
  /// Takes a copy.
  public SampleEvaluation {
    layers = List.copyOf(layers);
  }

  /// What went through the model.
  ///
  /// @param samples how many were read
  /// @param unlabelled samples of which nothing is learned
  /// @param images how many
  /// @param tokens that went through the decoder, the places of images among them
  /// @param imageTokens the places of images
  /// @param scored tokens whose prediction counts
  /// @param exact samples of which each scored token was the likeliest: what greedy generation
  ///   says, the end included
  public record Counts(
      long samples,
      long unlabelled,
      long images,
      long tokens,
      long imageTokens,
      long scored,
      long exact) {}

  /// `exp` of the mean negative log-likelihood; every scored token counts the same.
  public double perplexity() {
    return Math.exp(loss());
  }

  /// The share of samples with something to learn that greedy generation gets right to the letter.
  public double accuracy() {
    return counts.exact() / (double) Math.max(1, counts.samples() - counts.unlabelled());
  }

  /// Mean negative log-likelihood of the scored tokens, in nats.
  public double loss() {
    return negativeLogLikelihood / counts.scored();
  }
}
