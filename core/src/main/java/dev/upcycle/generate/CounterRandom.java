package dev.upcycle.generate;

/// Draws that a seed and a place decide, so that the same place always gives the same draw.
///
/// SplitMix64 read by counter (Steele, Lea, Flood, OOPSLA 2014).
///
/// @param seed of all draws
public record CounterRandom(long seed) {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  /// Uniform in `[0, 1)`.
  public double uniform(long place) {
    long mixed = mix(mix(seed) + (place + 1) * GOLDEN_GAMMA);
    return (mixed >>> 11) * 0x1p-53;
  }

  private static long mix(long value) {
    long mixed = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
    return mixed ^ (mixed >>> 31);
  }
}
