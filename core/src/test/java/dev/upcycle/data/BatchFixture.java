package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.image.ImageTensor;
import java.util.List;
import java.util.Optional;

/// Batches of numbers that no file holds.
public final class BatchFixture {
  private BatchFixture() {}

  /// A row of a batch.
  ///
  /// @param tokens with the places of its image
  /// @param pixels empty where it has no image
  /// @param places of the image
  public record Row(LabelledTokens tokens, Optional<ImageTensor> pixels, int places) {}

  /// Rows side by side, filled up with 0; those without an image give zeros.
  public static Batch of(List<Row> rows, int side) {
    return Batch.of(
        rows.stream().map(BatchFixture::sample).toList(),
        new Batch.Collation(0, new Batch.WithoutImage.Zeros(side)));
  }

  private static Sample sample(Row row) {
    Sample.Picture picture =
        row.pixels().isPresent()
            ? new Sample.Picture(row.pixels(), row.places())
            : Sample.Picture.NONE;
    return new Sample(0, Tokens.of(row.tokens()), picture, row.tokens().ids().size());
  }
}
