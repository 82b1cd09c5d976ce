package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.write.ShardLayout.Shard;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Decides what becomes of an earlier output and an earlier run, and refuses what may not be
/// touched. Nothing is removed before every check has passed.
///
/// @param mode what the user allows
/// @param freeSpace tells how much the disk still takes
record Preparation(CheckpointWriter.Mode mode, FreeSpace freeSpace) {
  /// The fact under which the layout is compared: file names, sizes and headers.
  static final String LAYOUT_FACT = "shard layout";

  /// What there is to start from.
  ///
  /// @param journal as it lies on the disk
  /// @param pending shards to write, by position
  record Start(Journal journal, List<Integer> pending) {}

  /// Puts `OUT.partial` in order.
  Start prepare(OutputPaths paths, ShardLayout layout, Map<String, String> givenFacts)
      throws IOException {
    PartialDirectory partial = new PartialDirectory(paths);
    partial.settle();
    Map<String, String> facts = new TreeMap<>(givenFacts);
    facts.put(LAYOUT_FACT, hash(layout));
    Journal journal = journal(paths, partial, facts);
    List<Integer> pending = pending(partial, layout, journal);
    Set<String> kept = new HashSet<>();
    long needed = 0;
    for (int index = 0; index < layout.shards().size(); index++) {
      Shard shard = layout.shards().get(index);
      if (pending.contains(index)) {
        needed = Math.addExact(needed, shard.bytes());
      } else {
        kept.add(shard.fileName());
      }
    }
    partial.prepare(kept);
    requireSpace(paths, needed);
    Journal current = journal.keeping(kept);
    current.write(paths.journal());
    return new Start(current, pending);
  }

  private Journal journal(OutputPaths paths, PartialDirectory partial, Map<String, String> facts)
      throws IOException {
    boolean present = partial.isPresent();
    return switch (mode) {
      case FRESH -> {
        refuseFilled(paths);
        if (present) {
          throw new OutputException(
              String.format(
                  Locale.ROOT,
                  "%s is left from an earlier run; go on with it by --resume, or remove it",
                  paths.partial()));
        }
        yield Journal.begin(false, facts);
      }
      case RESUME -> present ? resume(paths, partial, facts) : beginAfresh(paths, facts);
      case OVERWRITE -> {
        if (paths.outHoldsFiles()) {
          FinishedOutput.require(paths.out());
        }
        if (present) {
          partial.requireJournal();
        }
        yield Journal.begin(true, facts);
      }
    };
  }

  private static Journal beginAfresh(OutputPaths paths, Map<String, String> facts)
      throws IOException {
    if (paths.outHoldsFiles()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s is complete or was never begun: there is no %s to resume; name another --out, or replace it with --overwrite",
              paths.out(),
              paths.partial()));
    }
    return Journal.begin(false, facts);
  }

  private static Journal resume(
      OutputPaths paths, PartialDirectory partial, Map<String, String> facts) throws IOException {
    Journal earlier = partial.requireJournal();
    List<String> differences = earlier.differences(facts);
    if (!differences.isEmpty()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s was begun from something else and cannot be resumed:\n  %s\nremove it to begin afresh, or bring back what it was begun from",
              paths.partial(),
              String.join("\n  ", differences)));
    }
    if (!earlier.replaces()) {
      refuseFilled(paths);
    } else if (paths.outHoldsFiles()) {
      FinishedOutput.require(paths.out());
    }
    return earlier.takenOver();
  }

  private static void refuseFilled(OutputPaths paths) throws IOException {
    if (paths.outHoldsFiles()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s is not empty; name another --out, or replace what this tool wrote there with --overwrite",
              paths.out()));
    }
  }

  private static List<Integer> pending(
      PartialDirectory partial, ShardLayout layout, Journal journal) throws IOException {
    List<Integer> pending = new ArrayList<>();
    for (int index = 0; index < layout.shards().size(); index++) {
      Shard shard = layout.shards().get(index);
      boolean sealed = journal.sealed().getOrDefault(shard.fileName(), -1L) == shard.bytes();
      if (!sealed || !partial.holds(shard.fileName(), shard.bytes())) {
        pending.add(index);
      }
    }
    return pending;
  }

  private void requireSpace(OutputPaths paths, long needed) throws IOException {
    long free = freeSpace.bytes(paths.partial());
    if (needed > free) {
      new PartialDirectory(paths).removeBare();
      throw new ResourceException(
          String.format(
              Locale.ROOT,
              "the disk of %s has %s free (%d bytes), %s (%d bytes) are to be written; free some space or name an --out on another disk",
              paths.out(),
              ByteSizes.text(free),
              free,
              ByteSizes.text(needed),
              needed));
    }
  }

  private static String hash(ShardLayout layout) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Shard shard : layout.shards()) {
        digest.update(shard.fileName().getBytes(StandardCharsets.UTF_8));
        digest.update(shard.header());
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
