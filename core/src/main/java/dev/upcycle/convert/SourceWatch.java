package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.plan.RouterFile;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Notices that a source file is no longer the one whose header the plan was made from.
public final class SourceWatch {
  private final List<SourceFile> files;
  private final List<SourceFile> routers;

  private final Checkpoint source;

  public SourceWatch(Checkpoint source, List<RouterFile> routers) {
    this.source = source;
    this.files = source.files();
    this.routers = routers.stream().map(RouterFile::source).toList();
  }

  /// What must agree before the shards of an earlier run are kept; the plan's hash already tells of
  /// the content of files of routers.
  public Map<String, String> facts() {
    Map<String, String> facts = new TreeMap<>();
    for (SourceFile file : files) {
      facts.put(
          "source file " + source.label(file),
          String.format(
              Locale.ROOT,
              "%d bytes of %s, header %s",
              file.bytes(),
              file.modified(),
              file.headerSha256()));
    }
    return facts;
  }

  /// Compares sizes and times with those at the opening.
  ///
  /// @throws CheckpointFormatException naming every file that changed
  public void requireUnchanged() {
    List<String> changes = new ArrayList<>();
    for (SourceFile file : Stream.concat(files.stream(), routers.stream()).toList()) {
      try {
        long bytes = Files.size(file.path());
        var modified = Files.getLastModifiedTime(file.path()).toInstant();
        if (bytes != file.bytes() || !modified.equals(file.modified())) {
          changes.add(
              String.format(
                  Locale.ROOT,
                  "%s was %d bytes of %s, is %d bytes of %s",
                  file.path(),
                  file.bytes(),
                  file.modified(),
                  bytes,
                  modified));
        }
      } catch (IOException e) {
        changes.add(file.path() + " is gone: " + e.getMessage());
      }
    }
    if (!changes.isEmpty()) {
      throw new CheckpointFormatException(
          CheckpointFault.SOURCE_CHANGED,
          "the source changed while it was converted; start again when it rests:\n"
              + String.join("\n", changes));
    }
  }
}
