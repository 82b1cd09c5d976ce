package dev.upcycle.train;

import dev.upcycle.checkpoint.write.ByteSizes;
import dev.upcycle.checkpoint.write.ResourceException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/// The most that a run's folder holds at once, from sizes alone: weights, optimizer and what lies
/// beside a model; not metrics, manifests and headers.
///
/// @param checkpoints bytes of those that lie there at once, one of them being written
/// @param upcycled bytes of the models that stages made of those before
/// @param result bytes of `final/`
/// @param kept the most bytes of what `keep_every` keeps beside, if the stages take all the steps
///   that the recipe allows; empty where it allows any number
public record DiskForecast(long checkpoints, long upcycled, long result, OptionalLong kept) {
  /// Bytes by what they are for, in the order in which they are told; without what is kept.
  public SequencedMap<String, Long> parts() {
    SequencedMap<String, Long> parts = new LinkedHashMap<>();
    parts.put("checkpoints", checkpoints);
    parts.put("upcycled", upcycled);
    parts.put("final", result);
    return Collections.unmodifiableSequencedMap(parts);
  }

  /// What every run of these stages needs; how much is kept beside depends on steps that only the
  /// data tell.
  public long bytes() {
    return Math.addExact(Math.addExact(checkpoints, upcycled), result);
  }

  /// Refuses a disk that has less.
  ///
  /// @param room bytes that are free, with those that lie in the folder already
  /// @throws ResourceException naming what needs how much
  void require(Path out, long room) {
    if (bytes() > room) {
      throw new ResourceException(
          "the run needs %s in %s, and the disk has room for %s there: %s; free some space, name an --out on another disk, train fewer tensors or leave out ema"
              .formatted(
                  ByteSizes.text(bytes()),
                  out,
                  ByteSizes.text(room),
                  parts().entrySet().stream()
                      .filter(part -> part.getValue() > 0)
                      .map(part -> part.getKey() + " " + ByteSizes.text(part.getValue()))
                      .collect(Collectors.joining(", "))));
    }
  }
}
