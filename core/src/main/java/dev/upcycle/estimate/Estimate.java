package dev.upcycle.estimate;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.CastCopier;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// What a plan's result costs, from shapes alone.
///
/// @param files the weights files, in order
/// @param bytes of all weights files
/// @param parameters total and active
/// @param parts each part before and after; one in a model of one family
/// @param kvCacheBytesPerToken keys and values of one token in all layers, in the embedding's
///   dtype; 0 for what writes no texts, here and below
/// @param kvCacheTokens tokens that the cache keeps at most: `max_position_embeddings`, or the
///   sliding window where that is smaller
/// @param kvCacheBytes of one sequence at that length
/// @param flopsPerToken multiply-adds count two; matrices that one token meets, without attention's
///   scores, which grow with the length (Kaplan et al., arXiv 2001.08361, section 2.1)
/// @param bufferBytesPerThread most that one thread of a conversion holds beside the Java heap's
///   fixed part; no tensor is ever held whole
public record Estimate(
    List<ShardBytes> files,
    long bytes,
    Parameters parameters,
    List<PartShare> parts,
    long kvCacheBytesPerToken,
    long kvCacheTokens,
    long kvCacheBytes,
    long flopsPerToken,
    long bufferBytesPerThread) {
  /// Elements of a slice that is cast (`CastCopier`): one buffer in each of the two dtypes.
  private static final long CAST_ELEMENTS = CastCopier.MAX_BUFFER_BYTES / (2 * Double.BYTES);

  /// A chunk of 2^16 routers' elements in float32 and in the target's dtype.
  private static final long DRAW_BUFFERS = (1L << 16) * 8;

  /// The virtual machine as the launcher starts it, its archive of classes, this program: rounded
  /// up from the peaks (`VmHWM`) in `benchmarks/2026-11-23-convert-memory.md`.
  private static final long RESIDENT_BASE = 92_000_000;

  /// Header entry, step, origin and their texts for a tensor of the target; from the same peaks.
  private static final long RESIDENT_PER_TENSOR = 1_200;

  /// Takes a copy.
  public Estimate {
    files = List.copyOf(files);
    parts = List.copyOf(parts);
  }

  /// Parameters of the dense model that go into the result, a tied head once.
  public long denseParameters() {
    return parts.stream().mapToLong(PartShare::dense).reduce(0, Math::addExact);
  }

  /// A weights file and its size, header included.
  public record ShardBytes(String fileName, long bytes, int tensors) {}

  /// The most memory that a conversion holds at once, resident and mapped pages included. It grows
  /// with the number of tensors and threads, not with the tensors' sizes.
  public long peakResidentBytes(int threads) {
    long tensors = files.stream().mapToLong(ShardBytes::tensors).sum();
    return RESIDENT_BASE + tensors * RESIDENT_PER_TENSOR + threads * bufferBytesPerThread;
  }

  /// Estimates the result of a plan.
  public static Estimate of(UpcyclePlan plan) {
    Composition composition =
        Composition.written(
            plan.targetConfig(),
            plan.tensors().stream().map(TensorSpec::name).collect(Collectors.toSet()));
    Optional<ModelPart> decoder =
        composition.parts().stream().filter(part -> part.family().decodes()).findFirst();
    List<ShardBytes> files =
        plan.layout().shards().stream()
            .map(shard -> new ShardBytes(shard.fileName(), shard.bytes(), shard.tensors().size()))
            .toList();
    Parameters parameters = Parameters.of(plan.tensors(), composition);
    long perToken =
        decoder.map(part -> cacheBytesPerToken(part.dimensions(), stored(plan))).orElse(0L);
    long tokens =
        decoder.map(part -> cacheTokens(part.family().complete(part.config()))).orElse(0L);
    return new Estimate(
        files,
        files.stream().mapToLong(ShardBytes::bytes).reduce(0, Math::addExact),
        parameters,
        PartShare.of(plan, composition),
        perToken,
        tokens,
        Math.multiplyExact(perToken, tokens),
        flops(plan, parameters, decoder.isPresent()),
        Math.max(castBuffers(plan), DRAW_BUFFERS));
  }

  private static DType stored(UpcyclePlan plan) {
    return plan.steps().getFirst().target().dtype();
  }

  private static long cacheBytesPerToken(Dimensions dimensions, DType dtype) {
    long elements =
        Math.multiplyExact(2L * dimensions.layers(), dimensions.kvHeads() * dimensions.headDim());
    return Math.multiplyExact(elements, (long) (dtype.bits() / Byte.SIZE));
  }

  private static long cacheTokens(ModelConfig config) {
    long positions = config.requireLong("max_position_embeddings");
    return Math.min(positions, config.findLong("sliding_window").orElse(positions));
  }

  /// An embedding is looked up, not multiplied; a tied one is multiplied once, as the head.
  private static long flops(UpcyclePlan plan, Parameters parameters, boolean decodes) {
    boolean tied = decodes && plan.steps().stream().noneMatch(step -> step.role() == Role.LM_HEAD);
    long notMultiplied =
        plan.steps().stream()
            .filter(step ->
                switch (step.role()) {
                  case EMBEDDING -> !tied;
                  case POSITION_EMBEDDING, CLASS_EMBEDDING -> true;
                  default -> step.target().shape().rank() < 2;
                })
            .mapToLong(step -> step.target().shape().elements())
            .sum();
    return 2 * (parameters.active() - notMultiplied);
  }

  /// The widest pair of buffers that a cast takes; 0 where nothing is cast.
  private static long castBuffers(UpcyclePlan plan) {
    return plan.steps().stream()
        .mapToLong(step ->
            switch (step) {
              case TensorStep.PassThrough s -> castBuffers(s.source().dtype(), s.target());
              case TensorStep.CopyToExpert s -> castBuffers(s.source().dtype(), s.target());
              case TensorStep.NewRouter s -> 0;
              case TensorStep.FileRouter s -> castBuffers(s.source().dtype(), s.target());
            })
        .max()
        .orElse(0);
  }

  private static long castBuffers(DType source, TensorSpec target) {
    DType to = target.dtype();
    return source == to ? 0 : CAST_ELEMENTS * (source.bits() + to.bits()) / Byte.SIZE;
  }
}
