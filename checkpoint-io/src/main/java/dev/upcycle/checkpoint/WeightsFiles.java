package dev.upcycle.checkpoint;

import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Which files of a directory are its weights, as transformers chooses them; refuses what only
/// looks like a model.
final class WeightsFiles {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private static final Pattern SAFETENSORS = Pattern.compile(".*\\.safetensors");
  private static final Pattern CONSOLIDATED =
      Pattern.compile("consolidated.*\\.(safetensors|pth|pt)");
  private static final Pattern TORCH = Pattern.compile(".*\\.(bin|pt|pth)");
  private static final Pattern GGUF = Pattern.compile(".*\\.gguf");
  private static final Pattern ADAPTER =
      Pattern.compile("adapter_config\\.json|adapter_model\\..*");
  private static final Pattern INCOMPLETE = Pattern.compile(".*\\.incomplete");

  private final Listing listing;
  private final Optional<ShardIndex> index;
  private final List<String> notes;

  private WeightsFiles(Listing listing, Optional<ShardIndex> index) {
    this.listing = listing;
    this.index = index;
    this.notes = notes(listing, fileNames(index));
  }

  static WeightsFiles find(Listing listing) {
    refuseAdapter(listing);
    refuseHalfDownload(listing);
    boolean single = listing.has(SINGLE);
    if (!listing.has(INDEX)) {
      if (!single) {
        throw noWeights(listing);
      }
      return new WeightsFiles(listing, Optional.empty());
    }
    ShardIndex index = ShardIndex.read(listing);
    if (single && !index.files().contains(SINGLE)) {
      throw fault(
          CheckpointFault.SINGLE_FILE_AND_INDEX,
          listing,
          String.format(
              Locale.ROOT,
              "holds both %s and %s, which names other files; which one loads depends on the program: move one of them away",
              SINGLE,
              INDEX));
    }
    return new WeightsFiles(listing, Optional.of(index));
  }

  /// Reads the headers of all files and holds them against the index.
  List<SafetensorsHeader> readHeaders() {
    List<SafetensorsHeader> headers =
        fileNames(index).stream().map(name -> SafetensorsHeader.read(listing.path(name))).toList();
    index.ifPresent(present -> present.requireCover(headers));
    return headers;
  }

  /// What was passed over and why.
  List<String> notes() {
    return notes;
  }

  private static List<String> fileNames(Optional<ShardIndex> index) {
    return index.map(ShardIndex::files).orElse(List.of(SINGLE));
  }

  private static List<String> notes(Listing listing, List<String> used) {
    List<String> notes = new ArrayList<>();
    for (String name : listing.matching(SAFETENSORS)) {
      if (used.contains(name)) {
        continue;
      }
      notes.add(
          CONSOLIDATED.matcher(name).matches()
              ? name + " is passed over: it holds the same weights in Mistral's own layout"
              : name + " is passed over: " + wayIn(used) + " does not name it");
    }
    return List.copyOf(notes);
  }

  private static String wayIn(List<String> used) {
    return used.equals(List.of(SINGLE)) ? "a model in " + SINGLE : INDEX;
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
    List<String> found = new ArrayList<>(listing.matching(INCOMPLETE));
    listing
        .hubDownloads(INCOMPLETE)
        .forEach(path -> found.add(listing.directory().relativize(path).toString()));
    if (!found.isEmpty()) {
      throw fault(
          CheckpointFault.HALF_DOWNLOAD,
          listing,
          String.format(
              Locale.ROOT,
              "holds an unfinished download (%s); run the 'hf download' again until it finishes, or remove that file if it is a leftover",
              String.join(", ", found)));
    }
  }

  private static CheckpointFormatException noWeights(Listing listing) {
    List<String> consolidated = listing.matching(CONSOLIDATED);
    List<String> safetensors =
        listing.matching(SAFETENSORS).stream()
            .filter(name -> !consolidated.contains(name))
            .toList();
    List<String> torch =
        listing.matching(TORCH).stream().filter(name -> !consolidated.contains(name)).toList();
    List<String> gguf = listing.matching(GGUF);
    if (!safetensors.isEmpty()) {
      return fault(
          CheckpointFault.SHARDS_WITHOUT_INDEX,
          listing,
          String.format(
              Locale.ROOT,
              "holds %s, but neither %s nor %s that joins them; download the index, or rename a single file to %s",
              listed(safetensors),
              SINGLE,
              INDEX,
              SINGLE));
    }
    if (!consolidated.isEmpty()) {
      return fault(
          CheckpointFault.CONSOLIDATED_WEIGHTS,
          listing,
          String.format(
              Locale.ROOT,
              "holds weights in Mistral's own layout only (%s), which is not read; download the files of the transformers layout, %s or %s with its shards",
              listed(consolidated),
              SINGLE,
              INDEX));
    }
    if (!torch.isEmpty()) {
      return fault(
          CheckpointFault.TORCH_PICKLE_WEIGHTS,
          listing,
          String.format(
              Locale.ROOT,
              "holds weights in torch's pickle format only (%s), which is not read yet; convert them to safetensors: in transformers from_pretrained, then save_pretrained, or safetensors' own convert.py",
              listed(torch)));
    }
    if (!gguf.isEmpty()) {
      return fault(
          CheckpointFault.GGUF_WEIGHTS,
          listing,
          String.format(
              Locale.ROOT,
              "holds GGUF only (%s), which is not read; download the original model in safetensors, or dequantise it: in transformers from_pretrained(dir, gguf_file=...), then save_pretrained",
              listed(gguf)));
    }
    return fault(
        CheckpointFault.NO_WEIGHTS,
        listing,
        String.format(
            Locale.ROOT,
            "holds no weights, expected %s, or %s with its shards; found %s",
            SINGLE,
            INDEX,
            listed(List.copyOf(listing.names()))));
  }

  private static String listed(List<String> names) {
    int shown = 5;
    return names.isEmpty()
        ? "nothing"
        : String.join(", ", names.subList(0, Math.min(shown, names.size())))
            + (names.size() > shown
                ? String.format(Locale.ROOT, " and %,d more", names.size() - shown)
                : "");
  }

  private static CheckpointFormatException fault(
      CheckpointFault fault, Listing listing, String what) {
    return new CheckpointFormatException(fault, listing.directory() + ": " + what);
  }
}
