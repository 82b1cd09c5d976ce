package dev.upcycle.calibrate;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.TensorFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Writes a file of routers, in float32, each by the target's own name.
public final class RouterWriter {
  private final Path out;
  private final Architecture target;

  private RouterWriter(Path out, Architecture target) {
    this.out = out;
    this.target = target;
  }

  /// What to do with a file that is there already.
  public enum Existing {
    /// Leave it and fail.
    REFUSE,
    /// Replace it where it is a file of routers too.
    REPLACE
  }

  /// A writer to a path that may be written.
  ///
  /// @throws OutputException when something else lies there, or anything that may not be replaced
  public static RouterWriter to(Path out, Architecture target, Existing existing) {
    RouterWriter writer = new RouterWriter(out, target);
    Path folder = out.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new OutputException(
          out + " cannot be written: its folder does not exist; make it or choose another --out");
    }
    if (Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      switch (existing) {
        case REFUSE ->
            throw new OutputException(
                out + " is there already; choose another --out, or --overwrite it");
        case REPLACE -> writer.requireRouters();
      }
    }
    return writer;
  }

  private void requireRouters() {
    try {
      for (TensorEntry tensor : SafetensorsHeader.read(out).tensors()) {
        boolean router =
            target.match(tensor.name()).filter(m -> m.template().role() == Role.ROUTER).isPresent();
        if (!router) {
          throw new OutputException(
              "%s holds '%s', so it is no file of routers; --overwrite replaces only those: choose another --out"
                  .formatted(out, tensor.name()));
        }
      }
    } catch (CheckpointFormatException e) {
      throw new OutputException(
          out + " is no file of routers; --overwrite replaces only those: choose another --out", e);
    }
  }

  /// Writes all routers in one step.
  public void write(List<LayerRouter> routers) {
    Map<TensorSpec, RouterRows> rows = new LinkedHashMap<>();
    for (LayerRouter router : routers) {
      String name =
          target
              .template(Role.ROUTER)
              .name(OptionalInt.of(router.report().layer()), OptionalInt.empty());
      Shape shape =
          new Shape(List.of((long) router.rows().experts(), (long) router.rows().hidden()));
      rows.put(new TensorSpec(name, DType.F32, shape), router.rows());
    }
    TensorFile.write(out, List.copyOf(rows.keySet()), spec -> bytes(rows, spec));
  }

  private static ByteBuffer bytes(Map<TensorSpec, RouterRows> rows, TensorSpec spec) {
    RouterRows found = rows.get(spec);
    if (found == null) {
      throw new IllegalStateException("no rows of " + spec.name());
    }
    return found.bytes();
  }
}
