package dev.upcycle.checkpoint;

import java.nio.file.Path;
import java.time.Instant;

/// One weights file of a checkpoint, as it was when its header was read.
///
/// @param path where it is
/// @param bytes its size
/// @param modified its modification time
/// @param headerSha256 SHA-256 of its header, lower-case hexadecimal: of safetensors the length
///   field and the JSON, of a torch archive its pickle
public record SourceFile(Path path, long bytes, Instant modified, String headerSha256) {}
