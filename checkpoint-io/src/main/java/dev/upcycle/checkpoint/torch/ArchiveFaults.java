package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.nio.file.Path;
import java.util.Locale;

/// Words the faults of one torch archive.
///
/// @param file the file that every message begins with
record ArchiveFaults(Path file) {
  /// What to do about a damaged file.
  static final String DOWNLOAD = "the file is damaged: download it again";

  /// What to do about a file that asks for more than weights need.
  static final String DISTRUST =
      "weights need no such thing: do not trust this file, or ask its author for safetensors";

  /// A fault with its remedy.
  CheckpointFormatException of(CheckpointFault fault, String what, String remedy) {
    return new CheckpointFormatException(fault, file + ": " + what + "; " + remedy);
  }

  CheckpointFormatException of(CheckpointFault fault, String what, String remedy, Throwable cause) {
    return new CheckpointFormatException(fault, file + ": " + what + "; " + remedy, cause);
  }

  /// How to write such a file as safetensors.
  String resave() {
    return resave("torch.load('%s', map_location='cpu', weights_only=True)");
  }

  /// How to write as safetensors what torch itself reads only by running it.
  String resaveProtocol() {
    return "torch itself reads it only by running what it says, so where you trust its author, "
        + resave("torch.load('%s', map_location='cpu', weights_only=False)");
  }

  /// How to write a TorchScript program's weights as safetensors.
  String resaveScript() {
    return resave("torch.jit.load('%s', map_location='cpu').state_dict()");
  }

  private String resave(String load) {
    String name = String.valueOf(file.getFileName());
    return String.format(
        Locale.ROOT,
        "re-save it as safetensors: python -c \"import torch; from safetensors.torch import"
            + " save_file; save_file({k: v.clone().contiguous() for k, v in %s.items()},"
            + " 'model.safetensors', {'format': 'pt'})\"",
        String.format(Locale.ROOT, load, name));
  }
}
