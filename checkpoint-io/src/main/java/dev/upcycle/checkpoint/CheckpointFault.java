package dev.upcycle.checkpoint;

/// The ways in which a checkpoint can be wrong, one name each.
public enum CheckpointFault {
  /// A file is shorter than the eight bytes that give the header's length.
  HEADER_TOO_SMALL,
}
