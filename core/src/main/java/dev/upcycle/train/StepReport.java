package dev.upcycle.train;

/// What a step did.
///
/// @param stage its name
/// @param step of the run, from 1
/// @param stageStep of the stage, from 1
/// @param stageSteps that the stage takes
/// @param losses before the step
/// @param gradientNorm before it was shortened
/// @param rate the largest learning rate
/// @param tokens that were computed
/// @param epoch how often all data were passed
public record StepReport(
    String stage,
    long step,
    long stageStep,
    long stageSteps,
    StepLosses losses,
    double gradientNorm,
    double rate,
    long tokens,
    long epoch) {}
