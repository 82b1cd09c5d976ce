package dev.upcycle.checkpoint;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/// Says what a directory without weights holds in their place, and the way from it to weights.
final class MissingWeights {
  static final Pattern SAFETENSORS = Pattern.compile(".*\\.safetensors");
  static final Pattern CONSOLIDATED = Pattern.compile("consolidated.*\\.(safetensors|pth|pt)");
  static final Pattern TORCH = Pattern.compile(".*\\.(bin|pt|pth)");
  private static final Pattern TORCH_SHARD = Pattern.compile("pytorch_model-.*\\.bin");

  /// What trainers leave beside a model.
  private static final Pattern TRAINER =
      Pattern.compile("(training_args|optimizer|scheduler|scaler|rng_state.*)\\.(bin|pt|pth)");

  private static final Pattern GGUF = Pattern.compile(".*\\.gguf");

  private MissingWeights() {}

  /// The fault of this directory.
  static CheckpointFormatException in(Listing listing) {
    List<String> consolidated = listing.matching(CONSOLIDATED);
    List<String> safetensors =
        listing.matching(SAFETENSORS).stream()
            .filter(name -> !consolidated.contains(name))
            .toList();
    List<String> torch =
        listing.matching(TORCH).stream()
            .filter(name -> !consolidated.contains(name) && !TRAINER.matcher(name).matches())
            .toList();
    List<String> gguf = listing.matching(GGUF);
    if (!safetensors.isEmpty()) {
      return fault(
          CheckpointFault.SHARDS_WITHOUT_INDEX,
          listing,
          String.format(
              Locale.ROOT,
              "holds %s, but neither %s nor %s that joins them; download the index, or rename a single file to %s",
              listed(safetensors),
              WeightsFiles.SINGLE,
              WeightsFiles.INDEX,
              WeightsFiles.SINGLE));
    }
    if (!consolidated.isEmpty()) {
      return fault(
          CheckpointFault.CONSOLIDATED_WEIGHTS,
          listing,
          String.format(
              Locale.ROOT,
              "holds weights in Mistral's own layout only (%s), which is not read; download the files of the transformers layout, %s or %s with its shards",
              listed(consolidated),
              WeightsFiles.SINGLE,
              WeightsFiles.INDEX));
    }
    if (!torch.isEmpty()) {
      return torch.stream().anyMatch(name -> TORCH_SHARD.matcher(name).matches())
          ? fault(
              CheckpointFault.SHARDS_WITHOUT_INDEX,
              listing,
              String.format(
                  Locale.ROOT,
                  "holds %s, but not %s that joins them; download the index, or rename a single file to %s",
                  listed(torch),
                  WeightsFiles.TORCH_INDEX,
                  WeightsFiles.TORCH_SINGLE.getFirst()))
          : fault(
              CheckpointFault.UNNAMED_TORCH_WEIGHTS,
              listing,
              String.format(
                  Locale.ROOT,
                  "holds %s, expected one model of the name %s; name the file itself as the model",
                  listed(torch),
                  String.join(" or ", WeightsFiles.TORCH_SINGLE)));
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
            "holds no weights, expected %s, %s, or an index such as %s with its shards; found %s",
            WeightsFiles.SINGLE,
            WeightsFiles.TORCH_SINGLE.getFirst(),
            WeightsFiles.INDEX,
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
