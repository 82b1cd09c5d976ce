package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.kernels.bench.Turns;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.sample.Directories;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntConsumer;
import java.util.stream.LongStream;

/// A Mixtral against the Mistral that multiplies as much per token, in turns in one run.
public final class DecoderBench {
  private static final long IGNORED = -100;

  private DecoderBench() {}

  /// What a model does.
  public enum Job {
    /// Forward, backward, clipping of the gradients' norm, AdamW. In bfloat16 the optimizer has
    /// float32 masters.
    STEP,
    /// A prompt's forward pass that keeps the cache and computes the last token's logits.
    PREFILL
  }

  /// What to measure.
  ///
  /// @param batch sequences at once
  /// @param seq tokens of a sequence, at least 2
  public record Setting(Job job, DecoderShape shape, int batch, int seq) {
    /// Refuses batches without tokens.
    public Setting {
      if (batch < 1 || seq < 2) {
        throw new IllegalArgumentException("a batch below 1 or a sequence below 2 tokens");
      }
    }

    /// Tokens of one turn.
    public long tokens() {
      return (long) batch * seq;
    }
  }

  /// Measures, after two turns that warm up, and removes what it wrote.
  ///
  /// @param turned hears of every turn that is done, warm-up included
  /// @throws ResourceException when the temporary models cannot be written
  public static Turns run(Setting setting, ComputeSettings settings, IntConsumer turned) {
    settings.useThreads();
    try {
      Path work = Files.createTempDirectory("upcycle-bench-");
      try (Side dense = Side.of(setting.shape().dense(), work.resolve("dense"), setting, settings);
          Side sparse =
              Side.of(setting.shape().sparse(), work.resolve("sparse"), setting, settings)) {
        return Turns.alternate(
            new Turns.Sides(setting.tokens(), dense::once, sparse::once), settings.turns(), turned);
      } finally {
        Directories.delete(work);
      }
    } catch (IOException e) {
      throw new ResourceException("the models to measure cannot be written: " + e.getMessage(), e);
    }
  }

  /// A model and what it does; owns both.
  private record Side(DecoderModel model, TensorScope inputs, DecoderWork work)
      implements AutoCloseable {

    static Side of(
        SyntheticModel synthetic, Path folder, Setting setting, ComputeSettings settings) {
      synthetic.write(folder);
      DecoderModel model = DecoderModel.open(Checkpoint.open(folder), settings.options());
      TensorScope inputs = TensorScope.detached();
      try (TensorScope _ = TensorScope.open()) {
        long[] tokens = tokens(setting);
        Tensor ids = inputs.hold(Tensors.of(tokens).view(setting.batch(), setting.seq()));
        return new Side(
            model,
            inputs,
            switch (setting.job()) {
              case STEP ->
                  new DecoderWork.Step(
                      model,
                      ids,
                      inputs.hold(
                          Tensors.of(next(tokens, setting.seq())).to(settings.options().device())));
              case PREFILL -> new DecoderWork.Prefill(model, ids);
            });
      }
    }

    /// Ids without a pattern that repeats within a sequence.
    private static long[] tokens(Setting setting) {
      long vocab = setting.shape().vocab();
      return LongStream.range(0, setting.tokens())
          .map(place -> Long.remainderUnsigned((place * 0x9E3779B97F4A7C15L) >>> 20, vocab))
          .toArray();
    }

    /// Each token's successor in its sequence.
    private static long[] next(long[] tokens, int seq) {
      return LongStream.range(0, tokens.length)
          .map(place -> (place + 1) % seq == 0 ? IGNORED : tokens[(int) place + 1])
          .toArray();
    }

    void once() {
      work.once();
    }

    @Override
    public void close() {
      work.close();
      inputs.close();
      model.close();
    }
  }
}
