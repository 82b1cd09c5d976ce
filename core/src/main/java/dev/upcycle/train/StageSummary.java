package dev.upcycle.train;

/// What a stage is about to do.
///
/// @param index of the stage, from 0
/// @param name of the stage
/// @param steps that it takes
/// @param taken of them before
/// @param tensors of the model
/// @param trained tensors that train
/// @param trainedParameters numbers in them
/// @param bytes of weights, gradients, masters and moments; activations come on top
public record StageSummary(
    int index,
    String name,
    long steps,
    long taken,
    int tensors,
    int trained,
    long trainedParameters,
    long bytes) {}
