package dev.upcycle.data;

import dev.upcycle.image.ImageTensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Batches of numbers that no file holds.
public final class BatchFixture {
  private BatchFixture() {}

  /// A row of a batch.
  ///
  /// @param ids with the places of its image
  /// @param labels as many
  /// @param pixels `[3, side, side]`; empty where it has no image
  /// @param places of the image
  public record Row(long[] ids, long[] labels, Optional<float[]> pixels, int places) {}

  /// Rows side by side, filled up with 0; those without an image give zeros.
  public static Batch of(List<Row> rows, int side) {
    return Batch.of(
        rows.stream().map(row -> sample(row, side)).toList(),
        new Batch.Collation(0, new Batch.WithoutImage.Zeros(side)));
  }

  private static Sample sample(Row row, int side) {
    Sample.Picture picture =
        row.pixels()
            .map(values ->
                new Sample.Picture(
                    Optional.of(ImageTensor.of(3, side, side, values)), row.places()))
            .orElse(Sample.Picture.NONE);
    long[] ids = Arrays.copyOf(row.ids(), row.ids().length);
    return new Sample(0, Tokens.ofOne(ids, row.labels()), picture, ids.length);
  }
}
