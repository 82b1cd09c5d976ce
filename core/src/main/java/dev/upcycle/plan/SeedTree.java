package dev.upcycle.plan;

import dev.upcycle.checkpoint.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// A seed for every tensor, from the recipe's seed and the tensor's name, so that the order of work
/// never changes a byte.
///
/// A seed is the first eight bytes, big-endian, of the SHA-256 of `upcycle/seed/1`, the root in
/// decimal and the name, each on a line of its own, in UTF-8.
///
/// @param root the recipe's seed
public record SeedTree(long root) {
  /// The seed of a tensor.
  public long seed(String tensor) {
    String text = "upcycle/seed/1\n" + root + "\n" + tensor + "\n";
    return ByteBuffer.wrap(Sha256.of(text.getBytes(StandardCharsets.UTF_8))).getLong();
  }
}
