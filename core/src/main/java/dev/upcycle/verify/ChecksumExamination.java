package dev.upcycle.verify;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.torch.StoredSum;
import dev.upcycle.checkpoint.torch.TorchArchive;
import java.util.List;
import java.util.Locale;

/// Do the bytes of a source in torch's archives have the checksums that the archives keep of them?
///
/// Nothing is said of entries without one. Conversion does not look: it copies bytes without
/// reading them itself, and torch's own loader does not look either.
final class ChecksumExamination implements Examination {
  @Override
  public void examine(Subject subject, Findings findings) {
    subject.source().ifPresent(source -> examine(source, findings));
  }

  private static void examine(Checkpoint source, Findings findings) {
    for (SourceFile file : source.files()) {
      if (!TorchArchive.named(file.path())) {
        continue;
      }
      for (StoredSum sum : StoredSum.of(file.path())) {
        findings.covered(CheckKind.CHECKSUMS, sum.bytes());
        long actual = sum.actual();
        if (actual != sum.expected()) {
          findings.failed(
              CheckKind.CHECKSUMS,
              source.label(file) + ": " + sum.entry(),
              String.format(
                  Locale.ROOT,
                  "the checksum of its bytes is %08x, the archive keeps %08x; the source was damaged"
                      + " after it was written%s: download it again and convert again",
                  actual,
                  sum.expected(),
                  tensors(source, sum)));
        }
      }
    }
  }

  private static String tensors(Checkpoint source, StoredSum sum) {
    List<String> inside =
        source.tensors().values().stream()
            .filter(tensor -> within(tensor, sum))
            .map(TensorEntry::name)
            .toList();
    return inside.isEmpty() ? "" : ", in " + String.join(", ", inside);
  }

  private static boolean within(TensorEntry tensor, StoredSum sum) {
    return tensor.file().equals(sum.file())
        && tensor.offset() >= sum.offset()
        && tensor.offset() < sum.offset() + sum.bytes();
  }
}
