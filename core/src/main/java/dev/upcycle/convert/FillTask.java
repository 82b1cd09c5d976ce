package dev.upcycle.convert;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CastOverflowException;
import dev.upcycle.checkpoint.write.FileRange;
import dev.upcycle.checkpoint.write.RangeWriter;
import dev.upcycle.checkpoint.write.TensorCopier;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.TensorStep;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongConsumer;

/// A piece of work that fills byte ranges of one shard; any thread may run it.
public interface FillTask {
  /// What it makes, for the user.
  String what();

  /// Writes the bytes.
  ///
  /// @param written hears the bytes just written
  void run(LongConsumer written);

  /// One source tensor to each of its places.
  record Copy(TensorEntry source, DType dtype, List<FileRange.Start> starts) implements FillTask {
    @Override
    public String what() {
      return source.name();
    }

    @Override
    public void run(LongConsumer written) {
      try {
        TensorCopier.copy(source, dtype, starts, written);
      } catch (CastOverflowException e) {
        PlanException refused =
            new PlanException(
                List.of(
                    ("%s: element %d is %s, which passes the range of %s; store the result in"
                            + " another type: --dtype bf16, f32 or source, and remove OUT.partial")
                        .formatted(source.name(), e.index(), e.value(), dtype)));
        refused.initCause(e);
        throw refused;
      }
    }
  }

  /// A fresh router, drawn a chunk at a time.
  record Draw(TensorStep.NewRouter step, FileRange.Start start) implements FillTask {
    private static final int CHUNK_ELEMENTS = 1 << 16;

    @Override
    public String what() {
      return step.target().name();
    }

    @Override
    public void run(LongConsumer written) {
      RouterDraw draw = new RouterDraw(step.init(), step.seed(), step.target().dtype());
      long elements = step.target().shape().elements();
      try (RangeWriter writer = RangeWriter.open(List.of(start), step.target().bytes())) {
        for (long first = 0; first < elements; first += CHUNK_ELEMENTS) {
          ByteBuffer chunk = draw.bytes(first, (int) Math.min(CHUNK_ELEMENTS, elements - first));
          writer.write(chunk);
          written.accept(chunk.remaining());
        }
      }
    }
  }
}
