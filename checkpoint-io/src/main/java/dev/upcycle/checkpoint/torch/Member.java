package dev.upcycle.checkpoint.torch;

/// A stored entry of an archive: its bytes are bytes of the file.
///
/// @param name below the archive's root
/// @param header where its local header begins
/// @param offset where its first byte lies, from the start of the file
/// @param bytes how many there are
/// @param crc their CRC-32 as the directory gives it; 0 when it was not computed
record Member(String name, long header, long offset, long bytes, long crc) {
  /// The byte after its last.
  long end() {
    return offset + bytes;
  }
}
