package dev.upcycle.calibrate;

import dev.upcycle.evaluate.ExpertLoad;
import java.util.OptionalDouble;

/// What a layer's router will do with the texts that it was made of.
///
/// @param layer index of the layer
/// @param rowNorm Euclidean norm of every row
/// @param logitStd of the logits about each token's mean over experts, which is all that a softmax
///   sees, over tokens and experts
/// @param load how many tokens like each expert best
/// @param own of the tokens of an expert's own texts, the part that likes it best; empty where no
///   expert has texts
/// @param inertia mean of `1 - cos` of a token and its centre; empty where there are no centres
/// @param iterations of k-means; 0 where there are no centres
public record LayerReport(
    int layer,
    double rowNorm,
    double logitStd,
    ExpertLoad load,
    OptionalDouble own,
    OptionalDouble inertia,
    int iterations) {}
