package dev.upcycle.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import dev.upcycle.train.TrainListener;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A brief run of all stages with every control.
class CumoQuickstartTest {
  @TempDir private static Path folder;
  private static CumoQuickstart.Result result;

  @BeforeAll
  static void run() throws InterruptedException {
    result = CumoQuickstart.run(request(folder.resolve("out")), TrainListener.SILENT);
  }

  private static CumoQuickstart.Request request(Path out) {
    return new CumoQuickstart.Request(
        out, ModelOptions.cpu(), 1, CumoQuickstart.Controls.ALL, CumoQuickstart.Size.BRIEF);
  }

  /// A hash of each tensor's bytes.
  private static Map<String, String> hashes(Path model) {
    Map<String, String> hashes = new TreeMap<>();
    Checkpoint.open(model)
        .tensors()
        .forEach((name, tensor) -> hashes.put(name, HexFormat.of().formatHex(hash(tensor))));
    return hashes;
  }

  private static byte[] hash(TensorEntry tensor) {
    try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "r")) {
      byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
      file.seek(tensor.offset());
      file.readFully(bytes);
      return Sha256.of(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path dense() {
    return folder.resolve("out/dense");
  }

  private static Map<String, String> upcycled() {
    return hashes(folder.resolve("out/run/3-visual-instruction-tuning/upcycled"));
  }

  @Test
  void pretrainingMovesTheConnectorAndNothingElse() {
    Map<String, String> before = hashes(dense());
    Map<String, String> after = hashes(result.stages().getFirst().model());
    assertThat(after.keySet()).isEqualTo(before.keySet());
    assertThat(after)
        .allSatisfy((name, hash) -> {
          if (name.startsWith("model.mm_projector.")) {
            assertThat(hash).as(name).isNotEqualTo(before.get(name));
          } else {
            assertThat(hash).as(name).isEqualTo(before.get(name));
          }
        });
  }

  @Test
  void expertsBehindTheStatesThatAreUsedStayCopiesWhileTheirRouterMoves() {
    Map<String, String> before = upcycled();
    Map<String, String> after = hashes(result.upcycled().model());
    String tower = "model.vision_tower.vision_model.encoder.layers.";
    assertThat(after.get(tower + "2.gate.weight"))
        .isNotEqualTo(before.get(tower + "2.gate.weight"));
    for (String tensor : new String[] {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}) {
      for (int expert = 0; expert < 4; expert++) {
        assertThat(after.get(tower + "2.experts." + expert + "." + tensor))
            .isEqualTo(before.get(tower + "2.experts.0." + tensor));
      }
      assertThat(after.get(tower + "1.experts.0." + tensor))
          .isNotEqualTo(after.get(tower + "1.experts.1." + tensor));
    }
  }

  @Test
  void expertsFromScratchAreNoCopiesAndTheRestIsThatOfTheUpcycledModel() {
    Map<String, String> scratch = hashes(folder.resolve("out/scratch"));
    assertThat(upcycled())
        .allSatisfy((name, hash) -> {
          if (name.contains(".experts.") && name.endsWith(".weight")) {
            assertThat(scratch.get(name)).as(name).isNotEqualTo(hash);
          } else if (!name.contains(".experts.")) {
            assertThat(scratch.get(name)).as(name).isEqualTo(hash);
          }
        });
  }

  @Test
  void firstLossOfTheUpcycledStageIsThatOfTheDenseModel() {
    assertThat(result.upcycled().firstLoss())
        .isCloseTo(result.dense().firstLoss(), Offset.offset(1e-5));
    assertThat(result.controls().getLast().firstLoss()).isNotEqualTo(result.dense().firstLoss());
  }

  @Test
  void everyBranchIsAskedAndEveryLayerOfExpertsCounted() {
    assertThat(result.stages())
        .extracting(CumoQuickstart.Branch::name)
        .containsExactly("pretrain", "pre-finetune", "visual-instruction-tuning");
    assertThat(result.controls())
        .extracting(CumoQuickstart.Branch::name)
        .containsExactly("dense-continued", "dense-same-cost", "experts-from-scratch");
    assertThat(result.controls().get(1).steps()).isGreaterThan(result.upcycled().steps());
    assertThat(result.stages())
        .allSatisfy(branch ->
            assertThat(branch.heldOut().counts().samples())
                .isEqualTo(CumoQuickstart.Size.BRIEF.questions()));
    assertThat(result.loads())
        .extracting(load -> load.part().key() + load.layer())
        .contains(Part.VISION.key() + 0, Part.VISION.key() + 1, Part.CONNECTOR.key() + 0);
  }

  @Test
  void aRowCostsMoreWithExperts() {
    assertThat(result.costPerRow()).isBetween(1.2, 2.5);
  }

  @Test
  void aFolderThatHoldsSomethingIsRefused() {
    assertThatThrownBy(() -> CumoQuickstart.run(request(folder), TrainListener.SILENT))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is not empty, it holds");
  }
}
