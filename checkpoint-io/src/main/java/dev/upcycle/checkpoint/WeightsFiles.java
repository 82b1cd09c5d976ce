package dev.upcycle.checkpoint;

import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.checkpoint.torch.TorchArchive;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Which files of a directory are its weights, as transformers chooses them; refuses what only
/// looks like a model.
final class WeightsFiles {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  static final String TORCH_INDEX = "pytorch_model.bin.index.json";

  /// The names under which a torch archive is a directory's model: transformers', and those of
  /// LLaVA's and CuMo's parts.
  static final List<String> TORCH_SINGLE =
      List.of("pytorch_model.bin", "clip.bin", "mm_projector.bin");

  /// The names that open_clip looks for, in its order; read where none of the above is there.
  private static final List<String> OPEN_CLIP =
      List.of("open_clip_model.safetensors", "open_clip_pytorch_model.bin");

  private static final List<String> TORCH_NAMES =
      Stream.of(List.of(TORCH_INDEX), TORCH_SINGLE, List.of(OPEN_CLIP.getLast()))
          .flatMap(List::stream)
          .toList();
  private static final Pattern ADAPTER =
      Pattern.compile("adapter_config\\.json|adapter_model\\..*");
  private static final Pattern INCOMPLETE = Pattern.compile(".*\\.incomplete");

  private final Listing listing;
  private final String wayIn;
  private final Optional<ShardIndex> index;

  /// @param wayIn the file that is the model, or the index that names its files
  private WeightsFiles(Listing listing, String wayIn, Optional<ShardIndex> index) {
    this.listing = listing;
    this.wayIn = wayIn;
    this.index = index;
  }

  /// Finds the weights of a directory, safetensors before torch archives.
  static WeightsFiles find(Listing listing) {
    refuseAdapter(listing);
    refuseHalfDownload(listing);
    if (listing.has(INDEX) || listing.has(SINGLE)) {
      return indexed(listing, INDEX, SINGLE);
    }
    if (listing.has(TORCH_INDEX) || listing.has(TORCH_SINGLE.getFirst())) {
      return indexed(listing, TORCH_INDEX, TORCH_SINGLE.getFirst());
    }
    List<String> parts = TORCH_SINGLE.stream().filter(listing::has).toList();
    Optional<String> openClip = OPEN_CLIP.stream().filter(listing::has).findFirst();
    if (parts.isEmpty() && openClip.isPresent()) {
      return of(listing, openClip.get());
    }
    if (parts.size() != 1) {
      refuseHalfDownload(listing, listing.cacheDownloads(INCOMPLETE));
      throw MissingWeights.in(listing);
    }
    return of(listing, parts.getFirst());
  }

  /// The one file of this name.
  static WeightsFiles of(Listing listing, String file) {
    return new WeightsFiles(listing, file, Optional.empty());
  }

  private static WeightsFiles indexed(Listing listing, String indexName, String single) {
    if (!listing.has(indexName)) {
      return of(listing, single);
    }
    ShardIndex index = ShardIndex.read(listing, indexName);
    if (listing.has(single) && !index.files().contains(single)) {
      throw fault(
          CheckpointFault.SINGLE_FILE_AND_INDEX,
          listing,
          String.format(
              Locale.ROOT,
              "holds both %s and %s, which names other files; which one loads depends on the program: move one of them away",
              single,
              indexName));
    }
    return new WeightsFiles(listing, indexName, Optional.of(index));
  }

  /// Whether a file of this name is read as a weights file.
  static boolean isWeights(String name) {
    return MissingWeights.SAFETENSORS.matcher(name).matches() || isTorch(name);
  }

  /// Reads the header of a weights file, of the kind that its name says.
  static WeightsHeader readHeader(Path file) {
    return isTorch(String.valueOf(file.getFileName()))
        ? TorchArchive.read(file)
        : SafetensorsHeader.read(file);
  }

  private static boolean isTorch(String name) {
    return MissingWeights.TORCH.matcher(name).matches();
  }

  /// Reads the headers of all files and holds them against the index.
  List<WeightsHeader> readHeaders() {
    List<WeightsHeader> headers =
        fileNames().stream().map(name -> readHeader(listing.path(name))).toList();
    index.ifPresent(present -> present.requireCover(headers));
    return headers;
  }

  private List<String> fileNames() {
    return index.map(ShardIndex::files).orElse(List.of(wayIn));
  }

  /// What was passed over and why.
  List<String> notes() {
    List<String> used = fileNames();
    List<String> notes = new ArrayList<>();
    for (String name : listing.matching(MissingWeights.SAFETENSORS)) {
      if (used.contains(name)) {
        continue;
      }
      notes.add(
          MissingWeights.CONSOLIDATED.matcher(name).matches()
              ? name + " is passed over: it holds the same weights in Mistral's own layout"
              : name + " is passed over: " + reason());
    }
    for (String name : TORCH_NAMES) {
      if (listing.has(name) && !used.contains(name) && !name.equals(wayIn)) {
        notes.add(name + " is passed over: " + wayIn + " is read instead");
      }
    }
    return List.copyOf(notes);
  }

  private String reason() {
    return index.isPresent()
        ? wayIn + " does not name it"
        : "a model in " + wayIn + " does not name it";
  }

  private static void refuseAdapter(Listing listing) {
    List<String> found = listing.matching(ADAPTER);
    if (!found.isEmpty()) {
      throw fault(
          CheckpointFault.PEFT_ADAPTER,
          listing,
          String.format(
              Locale.ROOT,
              "holds a PEFT adapter (%s), expected a whole model; merge it into its base model first: in Python PeftModel.merge_and_unload(), then save_pretrained",
              String.join(", ", found)));
    }
  }

  private static void refuseHalfDownload(Listing listing) {
    List<Path> found = new ArrayList<>();
    listing.matching(INCOMPLETE).forEach(name -> found.add(listing.path(name)));
    found.addAll(listing.hubDownloads(INCOMPLETE));
    refuseHalfDownload(listing, found);
  }

  private static void refuseHalfDownload(Listing listing, List<Path> found) {
    if (!found.isEmpty()) {
      throw fault(
          CheckpointFault.HALF_DOWNLOAD,
          listing,
          String.format(
              Locale.ROOT,
              "holds an unfinished download (%s); run the 'hf download' again until it finishes, or remove that file if it is a leftover",
              found.stream()
                  .map(path -> relative(listing.directory(), path))
                  .collect(Collectors.joining(", "))));
    }
  }

  private static String relative(Path directory, Path path) {
    return path.startsWith(directory) ? directory.relativize(path).toString() : path.toString();
  }

  private static CheckpointFormatException fault(
      CheckpointFault fault, Listing listing, String what) {
    return new CheckpointFormatException(fault, listing.directory() + ": " + what);
  }
}
