package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RouterInit;
import dev.upcycle.recipe.Stage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// What tells the files that go into a run from others.
///
/// Small files are hashed whole. Of a large weights file those are its size, its header and some
/// blocks of every tensor, so that a model of 100 GB is told in seconds: a model that was trained
/// since, or whose numbers were written anew, differs in them; one in which a few numbers between
/// the blocks were changed by hand does not. Of images names and sizes are told.
final class RunInputs {
  private static final long WHOLE_BYTES = 1L << 26;
  private static final long BLOCK_BYTES = 1L << 12;
  private static final int BLOCKS = 4;

  private final SequencedMap<String, String> facts = new LinkedHashMap<>();

  private RunInputs() {}

  /// Facts by what the files are, with the change first that another fact is.
  static SequencedMap<String, String> of(Checkpoint model, Recipe recipe, List<Stage> stages) {
    RunInputs inputs = new RunInputs();
    try {
      inputs.model(model);
      inputs.routers(recipe);
      inputs.data(stages);
    } catch (NoSuchFileException e) {
      throw unreadable(e.getMessage() + ": there is no such file; correct its path", e);
    } catch (IOException e) {
      throw unreadable("cannot read what the run is made of: " + e, e);
    } catch (UncheckedIOException e) {
      throw unreadable("cannot read what the run is made of: " + e.getCause(), e);
    }
    return inputs.facts;
  }

  private static CheckpointFormatException unreadable(String what, Exception cause) {
    return new CheckpointFormatException(CheckpointFault.UNREADABLE, what, cause);
  }

  private void put(RunChange kind, String what, String fact) {
    facts.put(kind.word() + " file " + what, fact);
  }

  private void model(Checkpoint model) throws IOException {
    put(RunChange.MODEL, "config.json", Sha256.hex(model.config().toJson()));
    for (SourceFile file : model.files()) {
      String fact =
          file.bytes() <= WHOLE_BYTES
              ? Sha256.hex(file.path())
              : "%d bytes, header %s, samples %s"
                  .formatted(file.bytes(), file.headerSha256(), samples(model, file));
      put(RunChange.MODEL, model.label(file), fact);
    }
    for (Path companion : model.companions()) {
      put(RunChange.MODEL, companion.getFileName().toString(), Sha256.hex(companion));
    }
  }

  private static String samples(Checkpoint model, SourceFile file) {
    ByteArrayOutputStream hashes = new ByteArrayOutputStream();
    for (TensorEntry entry : model.tensors().values()) {
      if (entry.file().equals(file.path())) {
        try (Arena arena = Arena.ofConfined()) {
          hashes.writeBytes(Sha256.of(blocks(model.map(entry, arena))));
        }
      }
    }
    return Sha256.hex(hashes.toByteArray());
  }

  /// Blocks at even distances, the first and the last among them; all of what is small.
  static byte[] blocks(MemorySegment tensor) {
    long last = tensor.byteSize() - BLOCK_BYTES;
    if (last <= BLOCKS * BLOCK_BYTES) {
      return tensor.toArray(ValueLayout.JAVA_BYTE);
    }
    ByteArrayOutputStream blocks = new ByteArrayOutputStream();
    for (int block = 0; block < BLOCKS; block++) {
      long at = Math.multiplyExact(last, (long) block) / (BLOCKS - 1);
      blocks.writeBytes(tensor.asSlice(at, BLOCK_BYTES).toArray(ValueLayout.JAVA_BYTE));
    }
    return blocks.toByteArray();
  }

  private void routers(Recipe recipe) throws IOException {
    TreeSet<Path> files = new TreeSet<>();
    recipe
        .components()
        .values()
        .forEach(component -> {
          if (component.router().init() instanceof RouterInit.File(Path path)) {
            files.add(path);
          }
        });
    for (Path file : files) {
      put(RunChange.MODEL, file + " of routers", Sha256.hex(file));
    }
  }

  private void data(List<Stage> stages) throws IOException {
    TreeSet<Path> rows = new TreeSet<>();
    TreeSet<Path> images = new TreeSet<>();
    for (Stage stage : stages) {
      for (DataSettings source : sources(stage)) {
        rows.add(source.path());
        source.images().ifPresent(images::add);
      }
    }
    for (Path file : rows) {
      put(RunChange.DATA, file.toString(), Sha256.hex(file));
    }
    for (Path folder : images) {
      facts.put(RunChange.DATA.word() + " images " + folder, listing(folder));
    }
  }

  /// All that a stage reads.
  static List<DataSettings> sources(Stage stage) {
    return Stream.concat(
            Stream.of(stage.data()),
            stage.validation().stream().flatMap(validation -> validation.sources().stream()))
        .toList();
  }

  private static String listing(Path folder) throws IOException {
    TreeSet<String> lines = new TreeSet<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) walk.filter(Files::isRegularFile)::iterator) {
        lines.add(folder.relativize(file) + " " + Files.size(file));
      }
    }
    byte[] text = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    return "%d files, names and sizes %s".formatted(lines.size(), Sha256.hex(text));
  }
}
