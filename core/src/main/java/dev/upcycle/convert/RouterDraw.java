package dev.upcycle.convert;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.write.Cast;
import dev.upcycle.recipe.RouterInit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/// The weights of a fresh router, the same bytes on every machine and in any order of work.
///
/// Element `i` depends on the seed and `i` alone. Its bits are SplitMix64's output (Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) at the counters `2i` and
/// `2i + 1`: `mix(seed + (counter + 1) * 0x9e3779b97f4a7c15)`. With `u` the upper 53 bits over
/// 2^53, uniform is `bound * (2 u(2i) - 1)`, and normal is `std * sqrt(-2 log(1 - u(2i))) * cos(2
/// pi u(2i + 1))` (Box and Muller, 1958) by [StrictMath]. The value is computed in double, rounded
/// to float32, then once more to the target's dtype.
final class RouterDraw {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private final RouterInit.Drawn init;
  private final long seed;
  private final Cast cast;

  RouterDraw(RouterInit.Drawn init, long seed, DType dtype) {
    this.init = init;
    this.seed = seed;
    this.cast = new Cast(DType.F32, dtype);
  }

  /// The bytes of the elements from `first` on, little-endian, ready to be read.
  ByteBuffer bytes(long first, int count) {
    ByteBuffer floats = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      floats.putFloat((float) value(first + i));
    }
    floats.flip();
    ByteBuffer target = ByteBuffer.allocate(count * cast.toBytes());
    cast.apply(floats, target)
        .ifPresent(index -> {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "a router drawn by %s passes the range of %s; choose a smaller spread",
                  init,
                  cast.to()));
        });
    return target.flip();
  }

  private double value(long element) {
    return switch (init) {
      case RouterInit.Zero() -> 0;
      case RouterInit.Uniform(double bound) -> bound * (2 * unit(2 * element) - 1);
      case RouterInit.Normal(double std) -> {
        double radius = Math.sqrt(-2 * StrictMath.log(1 - unit(2 * element)));
        yield std * radius * StrictMath.cos(2 * Math.PI * unit(2 * element + 1));
      }
    };
  }

  /// From 0 to 1, 1 not included.
  private double unit(long counter) {
    return (mix(seed + (counter + 1) * GOLDEN_GAMMA) >>> 11) * 0x1.0p-53;
  }

  private static long mix(long bits) {
    bits = (bits ^ (bits >>> 30)) * 0xbf58476d1ce4e5b9L;
    bits = (bits ^ (bits >>> 27)) * 0x94d049bb133111ebL;
    return bits ^ (bits >>> 31);
  }
}
