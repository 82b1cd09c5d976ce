package dev.upcycle.train;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.data.Batch;
import dev.upcycle.kernels.attention.Documents;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.AuxiliaryLosses;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// A micro-batch of sequences for a decoder, and of the images in them.
///
/// The arrays are its own; nobody writes to them.
final class TokenBatch {
  private final int rows;
  private final int seq;
  private final long[] ids;
  private final long[] next;
  private final long[] documents;
  private final Optional<Batch.Images> images;

  /// @param ids `[rows · seq]`
  /// @param next what each token predicts, or [LabelledTokens#IGNORED]
  /// @param documents the number of each token's text, or [Batch#NO_DOCUMENT] for what fills up
  private TokenBatch(
      int seq, long[] ids, long[] next, long[] documents, Optional<Batch.Images> images) {
    this.rows = ids.length / seq;
    this.seq = seq;
    this.ids = ids;
    this.next = next;
    this.documents = documents;
    this.images = images;
  }

  static TokenBatch of(Batch batch) {
    long[] documents = Arrays.stream(batch.documents()).asLongStream().toArray();
    return new TokenBatch(
        batch.seq(), batch.ids(), batch.next(), documents, Optional.of(batch.images()));
  }

  /// Sequences of equal length, each token of which predicts the next.
  static TokenBatch ofSequences(long[] ids, int seq) {
    return new TokenBatch(seq, ids, Batch.next(ids, seq), new long[ids.length], Optional.empty());
  }

  /// How many tokens predict one that is learned.
  long learned() {
    return Arrays.stream(next).filter(label -> label != LabelledTokens.IGNORED).count();
  }

  /// Tokens that do not fill up.
  long tokens() {
    return Arrays.stream(documents).filter(document -> document != Batch.NO_DOCUMENT).count();
  }

  /// `[rows, seq]`
  Tensor ids() {
    return Tensors.of(ids).view(rows, seq);
  }

  /// `[rows · seq]`
  Tensor labels(Device device) {
    return Tensors.of(next).send(device);
  }

  /// `[rows · seq]`, 1 for tokens that count; null when all do.
  @Nullable Tensor mask(Device device) {
    if (tokens() == ids.length) {
      return null;
    }
    long[] real = Arrays.stream(documents).map(text -> text == Batch.NO_DOCUMENT ? 0 : 1).toArray();
    return Tensors.of(real).to(DType.F32).send(device);
  }

  /// The texts of each row; null where no row holds more than one.
  @Nullable Documents documents(ModelOptions options) {
    return Arrays.stream(documents).allMatch(document -> document <= 0)
        ? null
        : Documents.of(
            Tensors.of(documents).view(rows, seq).send(options.device()), options.compute());
  }

  /// What an image tower sees.
  ///
  /// @param features of each image
  /// @param filler whether routers' losses count the images of nothing
  LlavaModel.Images images(ModelOptions options, int features, AuxiliaryLosses.Filler filler) {
    Batch.Images given = images.orElseThrow();
    Device device = options.device();
    Tensor pixels =
        Tensors.of(given.values(), given.count(), 3, given.side(), given.side())
            .to(options.compute())
            .send(device);
    List<Integer> places = given.places();
    boolean all = places.stream().allMatch(count -> count == features);
    return new LlavaModel.Images(
        pixels,
        all ? null : Tensors.of(first(places, features)).send(device),
        switch (filler) {
          case COUNTED -> null;
          case LEFT_OUT -> all ? null : counted(places).send(device);
        });
  }

  private static long[] first(List<Integer> places, int features) {
    return IntStream.range(0, places.size())
        .boxed()
        .flatMapToLong(
            image -> LongStream.range(0, places.get(image)).map(at -> at + (long) image * features))
        .toArray();
  }

  private static Tensor counted(List<Integer> places) {
    float[] counted = new float[places.size()];
    for (int image = 0; image < counted.length; image++) {
      counted[image] = places.get(image) > 0 ? 1 : 0;
    }
    return Tensors.of(counted, counted.length);
  }
}
