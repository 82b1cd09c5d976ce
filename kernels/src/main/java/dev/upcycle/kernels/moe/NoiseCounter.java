package dev.upcycle.kernels.moe;

/// The place of a draw of noise in a run; the same place gives the same noise, so recomputing an
/// activation or resuming a run redraws it.
///
/// @param seed of the run
/// @param stage index of the training stage
/// @param step optimizer step
/// @param microBatch index within the step
/// @param layer index of the layer, or any other number that tells layers apart
/// @param group index of the layer's group of experts; [#UNGROUPED] where it has no groups
public record NoiseCounter(long seed, int stage, long step, int microBatch, int layer, int group) {
  /// The group of a layer that has none.
  public static final int UNGROUPED = -1;

  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  /// A place in a layer without groups.
  public NoiseCounter(long seed, int stage, long step, int microBatch, int layer) {
    this(seed, stage, step, microBatch, layer, UNGROUPED);
  }

  /// The same place in another layer, without groups.
  public NoiseCounter inLayer(int other) {
    return new NoiseCounter(seed, stage, step, microBatch, other);
  }

  /// The same place in a group of the layer.
  public NoiseCounter inGroup(int index) {
    return new NoiseCounter(seed, stage, step, microBatch, layer, index);
  }

  /// A seed for one of several draws at this place.
  ///
  /// @param draw which one
  long seedOf(int draw) {
    long state = seed;
    for (long part : new long[] {stage, step, microBatch, layer, draw}) {
      state = mixed(state, part);
    }
    return group == UNGROUPED ? state : mixed(state, group);
  }

  private static long mixed(long state, long part) {
    return finished(state + GOLDEN + part);
  }

  /// SplitMix64's finaliser (Steele et al., OOPSLA 2014).
  private static long finished(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
