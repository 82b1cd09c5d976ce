package dev.upcycle.densify;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.Cast;
import dev.upcycle.checkpoint.write.FileRange;
import dev.upcycle.checkpoint.write.RangeWriter;
import dev.upcycle.convert.FillTask;
import dev.upcycle.verify.TensorBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;

/// Writes the mean of a tensor's copies: summed in float64 in their order, divided once, rounded
/// once to nearest even. Holds a chunk of each.
///
/// @param tensor whose copies are of a floating-point type
/// @param start where it goes
record ExpertMean(DenseTensor tensor, FileRange.Start start) implements FillTask {
  private static final int CHUNK_ELEMENTS = 1 << 16;

  ExpertMean {
    DType dtype = tensor.target().dtype();
    if (!Cast.possible(dtype, DType.F64)) {
      throw new DensifyException(
          String.format(
              Locale.ROOT,
              "%s is %s, of which no mean can be taken; choose one expert with --expert N",
              tensor.copies().getFirst().name(),
              dtype));
    }
  }

  @Override
  public String what() {
    return tensor.target().name();
  }

  @Override
  public void run(LongConsumer written) {
    DType dtype = tensor.target().dtype();
    Cast widen = new Cast(dtype, DType.F64);
    Cast round = new Cast(DType.F64, dtype);
    ByteBuffer raw = buffer(CHUNK_ELEMENTS * widen.fromBytes());
    ByteBuffer wide = buffer(CHUNK_ELEMENTS * Double.BYTES);
    double[] sums = new double[CHUNK_ELEMENTS];
    long elements = tensor.target().shape().elements();
    try (TensorBytes bytes = new TensorBytes();
        RangeWriter writer = RangeWriter.open(List.of(start), tensor.target().bytes())) {
      for (long first = 0; first < elements; first += CHUNK_ELEMENTS) {
        int count = (int) Math.min(CHUNK_ELEMENTS, elements - first);
        Arrays.fill(sums, 0, count, 0);
        for (TensorEntry copy : tensor.copies()) {
          raw.clear().limit(count * widen.fromBytes());
          bytes.read(copy, first * widen.fromBytes(), raw);
          widen.apply(raw, wide.clear());
          add(wide.flip(), sums, count);
        }
        wide.clear();
        for (int i = 0; i < count; i++) {
          wide.putDouble(sums[i] / tensor.copies().size());
        }
        round.apply(wide.flip(), raw.clear());
        writer.write(raw.flip());
        written.accept((long) count * round.toBytes());
      }
    }
  }

  private static void add(ByteBuffer wide, double[] sums, int count) {
    for (int i = 0; i < count; i++) {
      sums[i] += wide.getDouble(i * Double.BYTES);
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
