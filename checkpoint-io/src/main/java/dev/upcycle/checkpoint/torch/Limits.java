package dev.upcycle.checkpoint.torch;

/// How much a torch archive may ask for before it is refused. Each is far above what real models
/// need, and together they fit into the heap that the launcher gives.
final class Limits {
  /// Bytes of the zip directory, and entries in it. A real file has about 100 bytes and one entry a
  /// tensor.
  static final long DIRECTORY_BYTES = 16L << 20;

  /// Entries of the archive.
  static final int ENTRIES = 100_000;

  /// Bytes of the pickle; about 250 are a tensor's.
  static final int PICKLE_BYTES = 32 << 20;

  /// Bytes of the small entries beside it, such as `byteorder`.
  static final int SMALL_ENTRY_BYTES = 64;

  /// Values on the stack; torch's pickler writes dictionaries in batches of 1,000 items.
  static final int STACK = 100_000;

  /// Marks on the stack, which is how deep values can nest while they are read.
  static final int MARKS = 1_000;

  /// Values that the memo holds, one index after another.
  static final int MEMO = 2_000_000;

  /// Values made and items of dictionaries and lists, in all; a tensor takes about 15 and one for
  /// each of its sizes and strides.
  static final int VALUES = 3_000_000;

  /// Bytes of a text; the longest are tensor names.
  static final int TEXT_BYTES = 1 << 16;

  /// Bytes of a whole number, which are 64 bits.
  static final int NUMBER_BYTES = Long.BYTES;

  /// Dimensions of a tensor; torch's own limit.
  static final int DIMENSIONS = 64;

  /// Dictionaries around the state dict, such as `{"model": {"state_dict": …}}`.
  static final int WRAPPERS = 4;

  private Limits() {}
}
