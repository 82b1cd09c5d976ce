package dev.upcycle.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// An open checkpoint: its headers and its config, no tensor bytes.
///
/// Immutable; holds no file handle. Tensors come in the order of the files and, within a file, of
/// the data.
public final class Checkpoint {
  private static final String CONFIG = "config.json";
  private static final int SUGGESTIONS = 3;
  private static final long GATHER_BYTES = 1 << 24;

  private final Path directory;
  private final List<Portion> portions;
  private final @Nullable ModelConfig config;
  private final SequencedMap<String, TensorEntry> tensors;
  private final List<SourceFile> files;
  private final List<Path> companions;
  private final List<String> notes;

  private Checkpoint(
      Path directory,
      @Nullable ModelConfig config,
      List<? extends WeightsHeader> headers,
      Extras extras) {
    this(
        directory,
        config,
        headers.stream().flatMap(header -> header.tensors().stream()).toList(),
        headers.stream().map(WeightsHeader::file).toList(),
        extras);
  }

  private Checkpoint(
      Path directory,
      @Nullable ModelConfig config,
      List<TensorEntry> tensors,
      List<SourceFile> files,
      Extras extras) {
    this.directory = directory;
    this.portions = List.of();
    this.config = config;
    SequencedMap<String, TensorEntry> byName = new LinkedHashMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    this.tensors = Collections.unmodifiableSequencedMap(byName);
    this.files = List.copyOf(files);
    this.companions = extras.companions();
    this.notes = extras.notes();
  }

  private Checkpoint(
      Checkpoint first,
      List<Portion> portions,
      ModelConfig config,
      SequencedMap<String, TensorEntry> tensors) {
    this.directory = first.directory;
    this.portions = portions;
    this.config = config;
    this.tensors = Collections.unmodifiableSequencedMap(tensors);
    List<Checkpoint> all =
        portions.isEmpty() ? List.of(first) : portions.stream().map(Portion::checkpoint).toList();
    this.files = all.stream().flatMap(one -> one.files.stream()).distinct().toList();
    Map<Path, Path> byName = new LinkedHashMap<>();
    all.forEach(
        one -> one.companions.forEach(file -> byName.putIfAbsent(file.getFileName(), file)));
    this.companions = List.copyOf(byName.values());
    this.notes = all.stream().flatMap(one -> one.notes.stream()).distinct().toList();
  }

  /// What a larger checkpoint takes of another.
  ///
  /// @param label what tells its files from those of the others
  /// @param checkpoint where the bytes are
  /// @param names the names that the tensors get, by those that they have
  public record Portion(String label, Checkpoint checkpoint, SequencedMap<String, String> names) {}

  /// A checkpoint put together from others; companions of one name come from the first that has
  /// them.
  ///
  /// @param portions one or more; where the first lies is its directory
  public static Checkpoint assembled(ModelConfig config, List<Portion> portions) {
    SequencedMap<String, TensorEntry> tensors = new LinkedHashMap<>();
    for (Portion portion : portions) {
      portion
          .names()
          .forEach((old, name) -> {
            TensorEntry entry = portion.checkpoint().require(old);
            TensorSpec spec = new TensorSpec(name, entry.dtype(), entry.shape());
            tensors.put(name, new TensorEntry(spec, entry.file(), entry.offset(), entry.strides()));
          });
    }
    return new Checkpoint(portions.getFirst().checkpoint(), List.copyOf(portions), config, tensors);
  }

  /// This checkpoint under another config.
  public Checkpoint with(ModelConfig other) {
    return new Checkpoint(this, portions, other, tensors);
  }

  /// What a file is called in accounts of the checkpoint: its name, and before it the label of the
  /// part that it belongs to, as in `vision/model.safetensors`.
  public String label(SourceFile file) {
    return portions.stream()
            .filter(portion -> portion.checkpoint().files.contains(file))
            .findFirst()
            .map(portion -> portion.label() + "/")
            .orElse("")
        + file.path().getFileName();
  }

  /// Every directory that holds files of it.
  public List<Path> directories() {
    return portions.isEmpty()
        ? List.of(directory)
        : portions.stream().map(portion -> portion.checkpoint().directory).distinct().toList();
  }

  /// What lies beside the weights.
  private record Extras(List<Path> companions, List<String> notes) {}

  /// Opens a directory that holds `config.json` and weights: safetensors or torch archives, single
  /// or sharded by an index; or one weights file of such a directory, which is then all its
  /// weights.
  ///
  /// @throws CheckpointFormatException naming what is missing, corrupt or unsupported
  public static Checkpoint open(Path model) {
    Found found = Found.at(model);
    return open(found, config(found.listing()));
  }

  /// Opens what [#open] opens, also where no `config.json` lies beside the weights.
  ///
  /// @throws CheckpointFormatException naming what is missing, corrupt or unsupported
  public static Checkpoint openWeights(Path model) {
    Found found = Found.at(model);
    return open(found, found.listing().has(CONFIG) ? config(found.listing()) : null);
  }

  private static ModelConfig config(Listing listing) {
    return ModelConfig.read(listing.path(CONFIG));
  }

  /// A directory and those of its files that are the weights.
  private record Found(Listing listing, WeightsFiles weights) {
    static Found at(Path model) {
      String name = String.valueOf(model.getFileName());
      if (Files.isRegularFile(model) && WeightsFiles.isWeights(name)) {
        Listing listing = Listing.of(folder(model));
        return new Found(listing, WeightsFiles.of(listing, name));
      }
      Listing listing = Listing.of(model);
      return new Found(listing, WeightsFiles.find(listing));
    }
  }

  private static Checkpoint open(Found found, @Nullable ModelConfig config) {
    Listing listing = found.listing();
    Path directory = listing.directory();
    if (config != null) {
      Quantisation.refuse(config, listing);
    }
    List<WeightsHeader> headers = found.weights().readHeaders();
    Quantisation.refuse(directory, headers);
    Companions companions = Companions.of(listing);
    return new Checkpoint(
        directory,
        config,
        headers,
        new Extras(
            companions.files(),
            Stream.of(
                    found.weights().notes(),
                    notes(headers),
                    companions.notes(),
                    config == null ? List.<String>of() : TorchDTypes.notes(config))
                .flatMap(List::stream)
                .toList()));
  }

  /// The same files under another description: with this config, and these tensors of them in the
  /// place of its own.
  ///
  /// @param tensors views of the files' bytes, each of its own name
  /// @param more notes beside its own
  public Checkpoint readAs(ModelConfig config, List<TensorEntry> tensors, List<String> more) {
    return new Checkpoint(
        directory, config, tensors, files, new Extras(companions, joined(notes, more)));
  }

  private static List<String> joined(List<String> notes, List<String> more) {
    return Stream.concat(notes.stream(), more.stream()).toList();
  }

  private static List<String> notes(List<WeightsHeader> headers) {
    return headers.stream()
        .flatMap(header ->
            header.notes().stream().map(note -> header.file().path().getFileName() + ": " + note))
        .toList();
  }

  private static Path folder(Path file) {
    return Optional.ofNullable(file.getParent()).orElse(Path.of(""));
  }

  /// Opens one weights file for a look at its headers, with the `config.json` beside it when there
  /// is one; files that are no weights stay out of sight.
  ///
  /// @throws CheckpointFormatException naming what is corrupt or unsupported
  public static Checkpoint openFile(Path file) {
    WeightsHeader header = WeightsFiles.readHeader(file);
    Path directory = folder(file);
    Listing listing = Listing.of(directory);
    ModelConfig config = listing.has(CONFIG) ? ModelConfig.read(directory.resolve(CONFIG)) : null;
    if (config != null) {
      Quantisation.refuse(config, listing);
    }
    Quantisation.refuse(directory, List.of(header));
    return new Checkpoint(
        directory, config, List.of(header), new Extras(List.of(), notes(List.of(header))));
  }

  /// Where it was opened; for a single file, the directory that holds it.
  public Path directory() {
    return directory;
  }

  /// Its `config.json`.
  ///
  /// @throws CheckpointFormatException when a single file was opened and has none beside it
  public ModelConfig config() {
    return findConfig()
        .orElseThrow(() ->
            new CheckpointFormatException(
                CheckpointFault.MISSING_CONFIG,
                directory.resolve(CONFIG)
                    + ": there is no such file beside the weights; copy or download it there"));
  }

  /// Its `config.json`, absent only for a single file without one beside it.
  public Optional<ModelConfig> findConfig() {
    return Optional.ofNullable(config);
  }

  /// All tensors by name, in file and data order.
  public SequencedMap<String, TensorEntry> tensors() {
    return tensors;
  }

  /// The tensor of this name, if there is one.
  public Optional<TensorEntry> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /// The tensor of this name.
  ///
  /// @throws CheckpointFormatException naming it and the nearest names when there is none
  public TensorEntry require(String name) {
    return find(name).orElseThrow(() -> noSuchTensor(name));
  }

  /// The weights files, in order.
  public List<SourceFile> files() {
    return files;
  }

  /// Files that a converted model carries along unchanged: tokenizer, generation config, licence.
  public List<Path> companions() {
    return companions;
  }

  /// What was passed over and why, for the user to see, such as a `consolidated.safetensors` beside
  /// an index.
  public List<String> notes() {
    return notes;
  }

  /// Maps a tensor's bytes in row-major order, read-only, for as long as the arena lives; no 2 GiB
  /// limit. One whose elements lie in another order is copied into the arena.
  ///
  /// @throws CheckpointFormatException when the file is gone or has become shorter since it was
  ///   opened
  public MemorySegment map(TensorEntry entry, Arena arena) {
    try (FileChannel channel = FileChannel.open(entry.file(), StandardOpenOption.READ)) {
      GatheredTensor.requireWhole(entry, channel.size());
      return entry.contiguous()
          ? channel.map(FileChannel.MapMode.READ_ONLY, entry.offset(), entry.bytes(), arena)
          : gathered(entry, arena);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          entry.file() + ": tensor '" + entry.name() + "' cannot be mapped (" + e + ")",
          e);
    }
  }

  private static MemorySegment gathered(TensorEntry entry, Arena arena) {
    MemorySegment bytes = arena.allocate(entry.bytes(), Long.BYTES);
    int width = entry.dtype().bits() / Byte.SIZE;
    try (GatheredTensor tensor = GatheredTensor.open(entry)) {
      for (long done = 0; done < entry.bytes(); done += GATHER_BYTES) {
        long length = Math.min(GATHER_BYTES, entry.bytes() - done);
        tensor.read(done / width, bytes.asSlice(done, length).asByteBuffer());
      }
    }
    return bytes.asReadOnly();
  }

  private CheckpointFormatException noSuchTensor(String name) {
    String nearest =
        tensors.keySet().stream()
            .sorted(Comparator.comparingInt((String other) -> likeness(name, other)).reversed())
            .limit(SUGGESTIONS)
            .collect(Collectors.joining("', '", "'", "'"));
    return new CheckpointFormatException(
        CheckpointFault.NO_SUCH_TENSOR,
        String.format(
            Locale.ROOT,
            "%s: there is no tensor '%s' among %,d; the nearest names are %s",
            directory,
            name,
            tensors.size(),
            nearest));
  }

  /// Characters that two names share at their ends.
  private static int likeness(String a, String b) {
    int limit = Math.min(a.length(), b.length());
    int start = 0;
    while (start < limit && a.charAt(start) == b.charAt(start)) {
      start++;
    }
    int end = 0;
    while (end < limit - start
        && a.charAt(a.length() - 1 - end) == b.charAt(b.length() - 1 - end)) {
      end++;
    }
    return start + end;
  }
}
