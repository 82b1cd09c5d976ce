package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConversionTest {
  @TempDir Path folder;

  private Path convert(DenseFixture fixture, String name, String... settings) {
    return convert(fixture, name, 1, settings);
  }

  private Path convert(DenseFixture fixture, String name, int threads, String... settings) {
    Path dense = folder.resolve("dense-of-" + name);
    if (Files.notExists(dense)) {
      fixture.write(dense);
    }
    return run(dense, folder.resolve(name), threads, settings);
  }

  private static Path run(Path dense, Path out, int threads, String... settings) {
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo(settings));
    return PlanExecutor.run(
            plan,
            source,
            new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, threads),
            Progress.SILENT)
        .out();
  }

  private static byte[] bytes(Checkpoint checkpoint, TensorEntry entry) {
    try (Arena arena = Arena.ofConfined()) {
      return checkpoint.map(entry, arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static byte[] bytes(Checkpoint checkpoint, String name) {
    return bytes(checkpoint, checkpoint.require(name));
  }

  @Test
  void everyTensorHasItsSourcesBytes() {
    DenseFixture fixture = DenseFixture.mistral().layers(3).shards(2);
    Checkpoint target = Checkpoint.open(convert(fixture, "moe"));
    Map<String, String> dense = Map.of("w1", "gate_proj", "w2", "down_proj", "w3", "up_proj");
    int compared = 0;
    for (TensorEntry entry : target.tensors().values()) {
      String name = entry.name();
      if (name.contains("block_sparse_moe.gate")) {
        continue;
      }
      String source = name;
      if (name.contains(".experts.")) {
        String[] parts = name.split("\\.", -1);
        source = "model.layers." + parts[2] + ".mlp." + dense.get(parts[6]) + ".weight";
      }
      assertThat(bytes(target, entry)).as(name).isEqualTo(fixture.tensor(source).data());
      compared++;
    }
    assertThat(compared).isEqualTo(3 + 3 * (4 + 2 + 4 * 3));
    assertThat(target.tensors()).hasSize(compared + 3);
  }

  @Test
  void routersAreDrawnFromTheirNamesAndDifferFromLayerToLayer() {
    Checkpoint target = Checkpoint.open(convert(DenseFixture.llama(), "moe"));
    byte[] first = bytes(target, "model.layers.0.block_sparse_moe.gate.weight");
    byte[] second = bytes(target, "model.layers.1.block_sparse_moe.gate.weight");
    assertThat(first).isNotEqualTo(second);
    ByteBuffer floats = ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN);
    double squares = 0;
    int count = first.length / Float.BYTES;
    for (int i = 0; i < count; i++) {
      float value = floats.getFloat();
      squares += value * value;
    }
    assertThat(Math.sqrt(squares / count)).isBetween(0.35, 0.65);
  }

  @Test
  void aZeroRouterIsAllZero() {
    Checkpoint target =
        Checkpoint.open(convert(DenseFixture.llama(), "moe", "language.router.init={kind: zero}"));
    assertThat(bytes(target, "model.layers.0.block_sparse_moe.gate.weight")).containsOnly(0);
  }

  @Test
  void goldenBytesDoNotChange() {
    assertThat(hashes(convert(DenseFixture.mistral().dtype("BF16"), "mistral")))
        .containsEntry(
            "model.safetensors",
            "caaf9aec3044cf80a2b89977e382300c88674ee30b1911e2b4c4cdfdad11dad0");
    assertThat(hashes(convert(DenseFixture.llama().tied(), "llama")))
        .containsEntry(
            "model.safetensors",
            "732d2ea31738fc08e9f3467b2ad3d0ddba828d302490a37322b674d745075dd9");
  }

  @Test
  void oneAndTwoThreadsGiveTheSameBytes() {
    DenseFixture fixture = DenseFixture.mistral().layers(4).shards(3);
    Path one = convert(fixture, "one", 1, "output.max_shard_size=20KB");
    Path two = convert(fixture, "two", 2, "output.max_shard_size=20KB");
    assertThat(hashes(one)).hasSizeGreaterThan(6).isEqualTo(hashes(two));
  }

  @Test
  void aCastTargetHoldsTheRoundedElements() {
    DenseFixture fixture = DenseFixture.mistral();
    Checkpoint target = Checkpoint.open(convert(fixture, "moe", "output.dtype=bf16"));
    byte[] rounded =
        DenseFixture.mistral().dtype("BF16").tensor("model.layers.1.mlp.up_proj.weight").data();
    assertThat(bytes(target, "model.layers.1.block_sparse_moe.experts.3.w3.weight"))
        .isEqualTo(rounded);
    assertThat(target.tensors().values()).allMatch(entry -> entry.dtype() == DType.BF16);
    assertThat(target.config().dtype()).contains(DType.BF16);
  }

  @Test
  void theManifestListsEveryFileAndOrigin() throws IOException {
    Path out =
        convert(
            DenseFixture.llama().tiedWithStoredHead().rotaryFrequencies(),
            "moe",
            "output.max_shard_size=20KB");
    Manifest manifest = Manifest.read(out);
    try (Stream<Path> files = Files.list(out)) {
      assertThat(manifest.files())
          .containsExactlyInAnyOrderElementsOf(
              files.map(file -> file.getFileName().toString()).toList());
    }
    assertThat(manifest.toJson()).isEqualTo(Files.readAllBytes(out.resolve(Manifest.FILE_NAME)));
    assertThat(manifest.toolVersion()).matches("\\d+\\.\\d+.*");
    assertThat(manifest.tensors()).hasSize(Checkpoint.open(out).tensors().size());
    assertThat(manifest.discarded())
        .extracting(Manifest.LeftOut::name)
        .containsExactlyInAnyOrder(
            "lm_head.weight",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
            "model.layers.1.self_attn.rotary_emb.inv_freq");
  }

  @Test
  void aModelCardStatesOnlyWhatIsKnown() throws IOException {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    assertThat(Files.readString(run(dense, folder.resolve("bare"), 1).resolve("README.md")))
        .startsWith("---\nlibrary_name: transformers\n")
        .contains("not trained")
        .doesNotContain("license:", "base_model:");

    Path snapshot = folder.resolve("models--org--tiny/snapshots/0123abc");
    DenseFixture.mistral().write(snapshot);
    Files.writeString(snapshot.resolve("README.md"), "---\nlicense: cc-by-4.0\n---\n# Tiny\n");
    assertThat(Files.readString(run(snapshot, folder.resolve("known"), 1).resolve("README.md")))
        .startsWith("---\nbase_model:\n- org/tiny\nlicense: cc-by-4.0\n");
  }

  private String card(String... settings) throws IOException {
    return Files.readString(convert(DenseFixture.mistral(), "moe", settings).resolve("README.md"));
  }

  @Test
  void aModelCardSaysThatTheFunctionIsTheDenseModels() throws IOException {
    assertThat(card())
        .contains("It computes what the dense model\ncomputes, at")
        .contains("networks are the dense model's.\n");
  }

  @Test
  void aModelCardSaysThatTheWeightsAreRounded() throws IOException {
    assertThat(card("output.dtype=bf16"))
        .contains("its weights rounded to BF16, computes")
        .contains("networks are the dense model's, rounded to BF16.\n");
  }

  @Test
  void aModelCardSaysThatTheRecipeChangesTheFunction() throws IOException {
    assertThat(card("output.config={sliding_window: 3}"))
        .contains("`sliding_window` is 3, was null", "does **not** compute")
        .doesNotContain("It computes");
  }

  @Test
  void companionsAreCarriedAlongAndTheRecipeLiesBeside() throws IOException {
    Path out = convert(DenseFixture.mistral(), "moe");
    assertThat(out.resolve("tokenizer.json")).hasContent("{\"version\": \"1.0\"}");
    assertThat(out.resolve("generation_config.json")).exists();
    assertThat(Files.readString(out.resolve("recipe.yaml"))).contains("four-by-two");
  }

  @Test
  void theSourceIsLeftAsItWas() {
    Path dense = DenseFixture.mistral().shards(2).write(folder.resolve("dense"));
    Map<String, String> before = hashes(dense);
    run(dense, folder.resolve("moe"), 2);
    assertThat(hashes(dense)).isEqualTo(before);
  }

  @Test
  void aSourceThatChangedIsRefusedNamingTheFile() throws IOException {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo());
    Files.setLastModifiedTime(dense.resolve("model.safetensors"), FileTime.fromMillis(1));
    Path out = folder.resolve("moe");
    assertThatThrownBy(() ->
            PlanExecutor.run(
                plan,
                source,
                new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
                Progress.SILENT))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining("changed");
    assertThat(out).doesNotExist();
  }

  @Test
  void aSourceThatChangesWhileItIsConvertedIsRefusedByItsOwnName() {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo());
    Path weights = dense.resolve("model.safetensors");
    Path out = folder.resolve("moe");
    assertThatThrownBy(() ->
            PlanExecutor.run(
                plan,
                source,
                new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
                (done, total, what) -> touch(weights)))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            fault -> assertThat(fault.fault()).isEqualTo(CheckpointFault.SOURCE_CHANGED))
        .hasMessageContaining(weights.toString());
    assertThat(out).doesNotExist();
  }

  private static void touch(Path file) {
    try {
      Files.setLastModifiedTime(file, FileTime.fromMillis(1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void resumeTellsHowManySealedFilesItKept() {
    Path dense = DenseFixture.mistral().layers(4).write(folder.resolve("dense"));
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo("output.max_shard_size=20KB"));
    Path out = folder.resolve("moe");
    InterruptedRun.of(plan, source, out);

    PlanExecutor.Result result =
        PlanExecutor.run(
            plan,
            source,
            new PlanExecutor.Options(out, CheckpointWriter.Mode.RESUME, 1),
            Progress.SILENT);

    long whole = plan.layout().fileBytes();
    assertThat(result.keptFiles()).isPositive().isLessThan(result.files());
    assertThat(result.bytes()).isPositive().isLessThan(whole);
  }

  @ParameterizedTest
  @ValueSource(strings = {"F16", "F64"})
  void otherFloatingPointSourcesAreCopiedAsTheyAre(String dtype) {
    DenseFixture fixture = DenseFixture.llama().dtype(dtype);
    Checkpoint target = Checkpoint.open(convert(fixture, "moe"));
    assertThat(bytes(target, "model.layers.1.block_sparse_moe.experts.2.w2.weight"))
        .isEqualTo(fixture.tensor("model.layers.1.mlp.down_proj.weight").data());
    assertThat(target.tensors().values()).allMatch(e -> e.dtype() == DType.valueOf(dtype));
  }

  @ParameterizedTest
  @ValueSource(strings = {"F16", "F64"})
  void otherFloatingPointSourcesAreRoundedOnce(String dtype) {
    DenseFixture fixture = DenseFixture.llama().dtype(dtype);
    Checkpoint target = Checkpoint.open(convert(fixture, "moe", "output.dtype=f32"));
    ByteBuffer wide =
        ByteBuffer.wrap(fixture.tensor("model.norm.weight").data()).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer narrow =
        ByteBuffer.wrap(bytes(target, "model.norm.weight")).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(narrow.remaining()).isEqualTo(16 * Float.BYTES);
    while (narrow.hasRemaining()) {
      float expected =
          dtype.equals("F64") ? (float) wide.getDouble() : Float.float16ToFloat(wide.getShort());
      assertThat(narrow.getFloat()).isEqualTo(expected);
    }
  }

  @Test
  void anOutputInsideTheSourceIsRefused() {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    assertThatThrownBy(() -> run(dense, dense.resolve("moe"), 1))
        .isInstanceOf(OutputException.class);
  }

  @Test
  void anInterruptedRunIsResumedToTheSameBytes() {
    Path dense = DenseFixture.mistral().layers(4).write(folder.resolve("dense"));
    String[] settings = {"output.max_shard_size=20KB"};
    Map<String, String> whole = hashes(run(dense, folder.resolve("whole"), 1, settings));
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo(settings));
    Path out = folder.resolve("moe");
    Thread caller = Thread.currentThread();
    AtomicLong heard = new AtomicLong();
    Progress interrupting =
        (done, total, what) -> {
          if (done > total / 2 && heard.getAndIncrement() == 0) {
            caller.interrupt();
          }
        };
    assertThatThrownBy(() ->
            PlanExecutor.run(
                plan,
                source,
                new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
                interrupting))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(out).doesNotExist();

    PlanExecutor.Result result =
        PlanExecutor.run(
            plan,
            source,
            new PlanExecutor.Options(out, CheckpointWriter.Mode.RESUME, 2),
            Progress.SILENT);
    assertThat(hashes(out)).isEqualTo(whole);
    assertThat(result.files()).isEqualTo(plan.layout().shards().size());
  }

  @Test
  void progressReachesTheTotalOnce() {
    Path dense = DenseFixture.mistral().write(folder.resolve("dense"));
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, TestRecipes.fourByTwo());
    AtomicLong last = new AtomicLong();
    PlanExecutor.run(
        plan,
        source,
        new PlanExecutor.Options(folder.resolve("moe"), CheckpointWriter.Mode.FRESH, 1),
        (done, total, what) -> {
          assertThat(done).isGreaterThan(last.get()).isLessThanOrEqualTo(total);
          last.set(done);
        });
    long data = plan.tensors().stream().mapToLong(tensor -> tensor.bytes()).sum();
    assertThat(last).hasValue(data);
  }

  private static Map<String, String> hashes(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      Map<String, String> hashes = new TreeMap<>();
      for (Path file : List.copyOf(files.toList())) {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        hashes.put(file.getFileName().toString(), HexFormat.of().formatHex(digest));
      }
      return hashes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
