package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.fixtures.TorchArchiveBytes;
import dev.upcycle.inspect.Inspector;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.LayerWalk;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.Planner;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The sample model as a torch archive does all that it does as safetensors.
class TorchSourceTest {
  private static final String WEIGHTS = "model.safetensors";

  @TempDir Path folder;
  private Path safetensors = Path.of("");
  private Path torch = Path.of("");
  private Path transposed = Path.of("");

  @BeforeEach
  void writeModels() throws IOException {
    safetensors = folder.resolve("safetensors");
    torch = folder.resolve("torch");
    transposed = folder.resolve("transposed");
    SampleModel.writeTo(safetensors);
    writeAsTorch(torch, false);
    writeAsTorch(transposed, true);
  }

  private void writeAsTorch(Path directory, boolean transpose) throws IOException {
    SampleModel.writeTo(directory);
    Files.delete(directory.resolve(WEIGHTS));
    Checkpoint source = Checkpoint.open(safetensors);
    TorchArchiveBytes archive = new TorchArchiveBytes();
    try (Arena arena = Arena.ofConfined()) {
      for (TensorEntry entry : source.tensors().values()) {
        byte[] data = source.map(entry, arena).toArray(ValueLayout.JAVA_BYTE);
        long[] sizes = entry.shape().dimensions().stream().mapToLong(Long::longValue).toArray();
        String storage = storage(entry.dtype());
        if (transpose && sizes.length == 2) {
          archive.withTransposed(entry.name(), storage, data, (int) sizes[0], (int) sizes[1]);
        } else {
          archive.with(entry.name(), storage, data, sizes);
        }
      }
    }
    archive.write(directory.resolve("pytorch_model.bin"));
  }

  private static String storage(DType dtype) {
    return switch (dtype) {
      case F32 -> "Float";
      case BF16 -> "BFloat16";
      case F16 -> "Half";
      default -> throw new IllegalStateException("the sample is in " + dtype);
    };
  }

  private Path convert(Path dense, String name, String... settings) {
    Checkpoint source = Checkpoint.open(dense);
    return PlanExecutor.run(
            Planner.plan(source, TestRecipes.fourByTwo(settings)),
            source,
            new PlanExecutor.Options(folder.resolve(name), CheckpointWriter.Mode.FRESH, 2),
            Progress.SILENT)
        .out();
  }

  private Path model(String name) {
    return name.equals("torch") ? torch : transposed;
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "transposed"})
  void convertsToTheSameBytes(String name) throws IOException {
    Path expected = convert(safetensors, "of-safetensors");
    Path actual = convert(model(name), "of-torch");
    assertThat(Files.mismatch(expected.resolve(WEIGHTS), actual.resolve(WEIGHTS))).isEqualTo(-1);
    assertThat(actual.resolve("config.json"))
        .hasSameBinaryContentAs(expected.resolve("config.json"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "transposed"})
  void castsToTheSameBytes(String name) throws IOException {
    DType dense = Checkpoint.open(safetensors).tensors().firstEntry().getValue().dtype();
    String other = "output.dtype=" + (dense == DType.F32 ? "bf16" : "f32");
    Path expected = convert(safetensors, "of-safetensors", other);
    Path actual = convert(model(name), "of-torch", other);
    assertThat(Files.mismatch(expected.resolve(WEIGHTS), actual.resolve(WEIGHTS))).isEqualTo(-1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "transposed"})
  void conversionIsVerifiedAgainstTheArchive(String name) {
    Path target = convert(model(name), "of-torch");
    VerifyReport report =
        Verifier.verify(
            Optional.of(model(name)), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
    assertThat(report.failures()).isEmpty();
  }

  @Test
  void verificationSeesOneChangedByteOfACopyOfATransposedMatrix() throws IOException {
    Path target = convert(transposed, "of-torch");
    String expert = "model.layers.0.block_sparse_moe.experts.1.w2.weight";
    TensorEntry copy = Checkpoint.open(target).require(expert);
    try (RandomAccessFile file = new RandomAccessFile(copy.file().toFile(), "rw")) {
      file.seek(copy.offset() + copy.bytes() / 2);
      int value = file.read();
      file.seek(copy.offset() + copy.bytes() / 2);
      file.write(value ^ 1);
    }
    VerifyReport report =
        Verifier.verify(
            Optional.of(transposed), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
    assertThat(report.failures()).extracting(VerifyReport.Failure::tensor).contains(expert);
  }

  @Test
  void inspectionTellsTheSameTensors() {
    assertThat(Inspector.inspect(Checkpoint.open(torch)).sizes())
        .isEqualTo(Inspector.inspect(Checkpoint.open(safetensors)).sizes());
  }

  private static float[] logits(Path directory, String compute) {
    try (DecoderModel model =
            DecoderModel.open(Checkpoint.open(directory), ModelOptions.of("cpu", compute));
        TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Tensor ids = Tensors.of(3, 5, 8, 13).view(1, 4);
      return model.forward(ids, ForwardPass.plain()).logits().toFloats();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "transposed"})
  void modelComputesTheSame(String name) {
    assertThat(logits(model(name), "f32")).isEqualTo(logits(safetensors, "f32"));
  }

  private static float[] walked(Path directory) {
    LayerWalk walk = LayerWalk.open(Checkpoint.open(directory), Device.CPU);
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Tensor ids = Tensors.of(3, 5, 8, 13).view(1, 4);
      Tensor hidden = walk.layer(0, walk.embed(ids)).hidden();
      return walk.logits(walk.normalise(hidden), 7, 20).toFloats();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "transposed"})
  void walkComputesTheSame(String name) {
    assertThat(walked(model(name))).isEqualTo(walked(safetensors));
  }
}
