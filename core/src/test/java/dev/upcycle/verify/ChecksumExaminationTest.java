package dev.upcycle.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.torch.StoredSum;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.fixtures.TorchArchiveBytes;
import dev.upcycle.plan.Planner;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A dense model in a torch archive, whose directory keeps a checksum of every entry.
class ChecksumExaminationTest {
  /// Of a zip's directory, before each entry.
  private static final int ENTRY = 0x02014b50;

  private static final int SUM = 16;

  @TempDir private Path folder;
  private Path archive = Path.of("");

  @BeforeEach
  void convertFromAnArchive() throws IOException {
    Path dense = folder.resolve("dense");
    TinyModel.write(TestRecipes.fourByTwo().recipe(), dense);
    archive = dense.resolve("pytorch_model.bin");
    TorchArchiveBytes torch = new TorchArchiveBytes();
    Checkpoint source = Checkpoint.open(dense);
    try (Arena arena = Arena.ofConfined()) {
      for (TensorEntry entry : source.tensors().values()) {
        byte[] data = source.map(entry, arena).toArray(ValueLayout.JAVA_BYTE);
        torch.with(
            entry.name(),
            "BFloat16",
            data,
            entry.shape().dimensions().stream().mapToLong(Long::longValue).toArray());
      }
    }
    torch.write(archive);
    source.files().forEach(file -> assertThat(file.path().toFile().delete()).isTrue());
    Checkpoint opened = Checkpoint.open(dense);
    PlanExecutor.run(
        Planner.plan(opened, TestRecipes.fourByTwo()),
        opened,
        new PlanExecutor.Options(folder.resolve("moe"), CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
  }

  private VerifyReport verify() {
    return Verifier.verify(
        Optional.of(folder.resolve("dense")),
        folder.resolve("moe"),
        Verifier.Expectation.CONVERTED,
        Progress.SILENT);
  }

  private static List<VerifyReport.Check> sums(VerifyReport report) {
    return report.checks().stream()
        .filter(check -> check.name().equals(CheckKind.CHECKSUMS.title()))
        .toList();
  }

  @Test
  void bytesThatHaveTheirChecksumsPass() {
    VerifyReport report = verify();
    List<StoredSum> stored = StoredSum.of(archive);

    assertThat(report.failures()).isEmpty();
    assertThat(sums(report))
        .singleElement()
        .satisfies(check -> {
          assertThat(check.covered()).isEqualTo(stored.size());
          assertThat(check.bytes()).isEqualTo(stored.stream().mapToLong(StoredSum::bytes).sum());
        });
  }

  @Test
  void aFlippedByteIsNamedByItsEntryAndItsTensor() throws IOException {
    TensorEntry tensor =
        Checkpoint.open(folder.resolve("dense")).require("model.layers.1.mlp.up_proj.weight");
    byte[] bytes = Files.readAllBytes(archive);
    bytes[Math.toIntExact(tensor.offset()) + 5] ^= 1;
    Files.write(archive, bytes);
    StoredSum sum =
        StoredSum.of(archive).stream()
            .filter(one -> one.offset() == tensor.offset())
            .findFirst()
            .orElseThrow();

    assertThat(verify().failures())
        .filteredOn(failure -> failure.check().equals(CheckKind.CHECKSUMS.title()))
        .singleElement()
        .satisfies(failure -> {
          assertThat(failure.tensor()).isEqualTo("pytorch_model.bin: " + sum.entry());
          assertThat(failure.message())
              .contains(
                  "checksum of its bytes is %08x, the archive keeps %08x"
                      .formatted(sum.actual(), sum.expected()))
              .contains("in model.layers.1.mlp.up_proj.weight: download it again");
        });
  }

  @Test
  void anArchiveWithoutChecksumsIsPassedOver() throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(archive)).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at + SUM + Integer.BYTES <= bytes.capacity(); at++) {
      if (bytes.getInt(at) == ENTRY) {
        bytes.putInt(at + SUM, 0);
      }
    }
    Files.write(archive, bytes.array());

    assertThat(StoredSum.of(archive)).isEmpty();
    assertThat(sums(verify())).isEmpty();
  }
}
