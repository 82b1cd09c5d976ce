package dev.upcycle.verify;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.JsonReason;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Are the weights files canonical, and does the index tell the truth about them?
///
/// It looks at the names and tensors in the files, whatever the rest of verification calls them.
final class FileExamination implements Examination {
  private static final String INDEX = "model.safetensors.index.json";

  private final Checkpoint stored;

  /// @param stored the target as it lies on disk
  FileExamination(Checkpoint stored) {
    this.stored = stored;
  }

  @Override
  public void examine(Subject subject, Findings findings) {
    for (SourceFile file : stored.files()) {
      header(file, findings);
    }
    Path index = stored.directory().resolve(INDEX);
    if (stored.files().size() > 1 || Files.exists(index)) {
      index(index, findings);
    }
  }

  private void header(SourceFile file, Findings findings) {
    findings.covered(CheckKind.HEADERS);
    List<TensorEntry> tensors =
        stored.tensors().values().stream()
            .filter(tensor -> tensor.file().equals(file.path()))
            .toList();
    byte[] expected = CanonicalHeader.of(tensors);
    byte[] actual;
    try (InputStream in = Files.newInputStream(file.path())) {
      actual = in.readNBytes(expected.length);
    } catch (IOException e) {
      throw new UncheckedIOException(file.path() + ": " + e.getMessage(), e);
    }
    int first = Arrays.mismatch(expected, actual);
    if (first >= 0) {
      findings.failed(
          CheckKind.HEADERS,
          String.valueOf(file.path().getFileName()),
          "not the canonical header of its tensors (metadata format: pt alone, tensors by dtype "
              + String.format(
                  Locale.ROOT,
                  "and name, no gaps): byte %d of the file is the first that differs",
                  first));
    }
  }

  private void index(Path index, Findings findings) {
    JsonNode root;
    try {
      root = JsonMapper.shared().readTree(index);
    } catch (JacksonException e) {
      findings.covered(CheckKind.INDEX);
      findings.failed(CheckKind.INDEX, INDEX, "unreadable: " + JsonReason.of(e));
      return;
    }
    long bytes = 0;
    for (TensorEntry tensor : stored.tensors().values()) {
      findings.covered(CheckKind.INDEX);
      bytes += tensor.bytes();
      String said = root.path("weight_map").path(tensor.name()).asString("");
      String held = String.valueOf(tensor.file().getFileName());
      if (!said.equals(held)) {
        findings.failed(
            CheckKind.INDEX,
            tensor.name(),
            String.format(
                Locale.ROOT,
                "%s says %s, %s holds it",
                INDEX,
                said.isEmpty() ? "nothing" : said,
                held));
      }
    }
    findings.covered(CheckKind.INDEX);
    long said = root.path("metadata").path("total_size").asLong(-1);
    if (said != bytes) {
      findings.failed(
          CheckKind.INDEX,
          INDEX,
          String.format(
              Locale.ROOT,
              "metadata.total_size expected %d, the bytes of all tensors, actual %d",
              bytes,
              said));
    }
  }
}
