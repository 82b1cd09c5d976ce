package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.arch.Architecture;
import dev.upcycle.calibrate.RouterWriter.Existing;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.evaluate.ExpertLoad;
import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RouterWriterTest {
  private static final Architecture MIXTRAL = Architecture.require("mixtral");

  @TempDir Path folder;

  private static LayerRouter router(int layer, double... row) {
    ExpertLoad load = new ExpertLoad(layer, List.of(1L, 0L));
    return new LayerRouter(
        RouterRows.unit(new double[][] {row, {0, -2}}),
        new LayerReport(layer, 1, 1, load, OptionalDouble.empty(), OptionalDouble.empty(), 0));
  }

  @Test
  void fileHoldsEachLayersRouterByTheTargetsName() throws IOException {
    Path out = folder.resolve("router.safetensors");
    RouterWriter.to(out, MIXTRAL, Existing.REFUSE).write(List.of(router(0, 3, 4), router(1, 1, 0)));

    List<TensorEntry> tensors = SafetensorsHeader.read(out).tensors();
    assertThat(tensors)
        .extracting(TensorEntry::name)
        .containsExactly(
            "model.layers.0.block_sparse_moe.gate.weight",
            "model.layers.1.block_sparse_moe.gate.weight");
    byte[] bytes = Files.readAllBytes(out);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int at = Math.toIntExact(tensors.getFirst().offset());
    assertThat(new float[] {data.getFloat(at), data.getFloat(at + 4), data.getFloat(at + 12)})
        .containsExactly(0.6f, 0.8f, -1f);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(out);
    }
  }

  @Test
  void whatIsThereIsReplacedOnlyOnDemandAndOnlyIfItHoldsRouters() throws IOException {
    Path out = folder.resolve("router.safetensors");
    RouterWriter.to(out, MIXTRAL, Existing.REFUSE).write(List.of(router(0, 3, 4)));
    SampleModel.writeTo(folder.resolve("dense"));
    Path model = folder.resolve("dense/model.safetensors");
    Path text = Files.writeString(folder.resolve("text.txt"), "mine");

    assertThatThrownBy(() -> RouterWriter.to(out, MIXTRAL, Existing.REFUSE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is there already");
    RouterWriter.to(out, MIXTRAL, Existing.REPLACE).write(List.of(router(3, 1, 0)));
    assertThat(SafetensorsHeader.read(out).tensors()).hasSize(1);
    assertThatThrownBy(() -> RouterWriter.to(model, MIXTRAL, Existing.REPLACE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is no file of routers");
    assertThatThrownBy(() -> RouterWriter.to(text, MIXTRAL, Existing.REPLACE))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is no file of routers");
  }
}
