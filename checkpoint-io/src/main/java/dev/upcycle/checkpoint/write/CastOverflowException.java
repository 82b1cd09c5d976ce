package dev.upcycle.checkpoint.write;

import java.util.Locale;

/// A finite element of a tensor would become infinite in the type that was asked for.
public final class CastOverflowException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final long index;
  private final double value;

  CastOverflowException(Cast cast, FileRange source, long index, double value) {
    super(
        String.format(
            Locale.ROOT,
            "element %d of the %s data at byte %d of %s is %s, which passes the range of %s; keep the source's dtype or choose one with a wider range",
            index,
            cast.from(),
            source.offset(),
            source.file(),
            value,
            cast.to()));
    this.index = index;
    this.value = value;
  }

  /// Which element of the tensor, counted from 0 in C order.
  public long index() {
    return index;
  }

  /// What it is in the source.
  public double value() {
    return value;
  }
}
