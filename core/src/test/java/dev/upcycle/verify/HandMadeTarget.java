package dev.upcycle.verify;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Manifest.SourceShard;
import dev.upcycle.convert.Manifest.TensorOrigin;
import dev.upcycle.convert.Progress;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A Mistral of two layers and the Mixtral of three experts that it must become, put together by
/// hand: neither the planner nor the writer has a part in it. Tests change what they like before it
/// is written.
final class HandMadeTarget {
  static final int EXPERTS = 3;
  static final String LAYER = "model.layers.1.";
  static final String EXPERT = LAYER + "block_sparse_moe.experts.2.";

  final Path densePath;
  final Path targetPath;
  final SequencedMap<String, StoredTensor> dense = new LinkedHashMap<>();
  final SequencedMap<String, StoredTensor> target = new LinkedHashMap<>();
  final List<TensorOrigin> origins = new ArrayList<>();
  final ObjectNode denseConfig = config("mistral", "MistralForCausalLM");
  final ObjectNode targetConfig = config("mixtral", "MixtralForCausalLM");
  final List<Setting> settings = new ArrayList<>();
  final List<String> moreFiles = new ArrayList<>();
  final DType dtype;

  HandMadeTarget(Path directory) {
    this(directory, DType.BF16);
  }

  HandMadeTarget(Path directory, DType dtype) {
    this.densePath = directory.resolve("dense");
    this.targetPath = directory.resolve("moe");
    this.dtype = dtype;
    denseConfig.put("dtype", dtype == DType.F32 ? "float32" : "bfloat16");
    denseConfig.put("torch_dtype", dtype == DType.F32 ? "float32" : "bfloat16");
    targetConfig.setAll(denseConfig.deepCopy().without(List.of("architectures", "model_type")));
    targetConfig.put("num_local_experts", EXPERTS).put("num_experts_per_tok", 2);
    targetConfig.put("router_aux_loss_coef", 0.001).put("output_router_logits", false);
    set("language.experts.count", "" + EXPERTS);
    set("language.router.init", "{kind: zero}");
    pass("model.embed_tokens.weight", "embedding", 16, 8);
    for (int layer = 0; layer < 2; layer++) {
      layer("model.layers." + layer + ".");
    }
    pass("model.norm.weight", "final_norm", 8);
    pass("lm_head.weight", "lm_head", 16, 8);
  }

  private static ObjectNode config(String modelType, String architecture) {
    ObjectNode config =
        (ObjectNode)
            JsonMapper.shared()
                .readTree(
                    """
                    {"architectures": [], "model_type": "", "vocab_size": 16, "hidden_size": 8,
                     "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
                     "num_key_value_heads": 1, "head_dim": 4, "max_position_embeddings": 64,
                     "rms_norm_eps": 1e-05, "hidden_act": "silu", "sliding_window": null,
                     "tie_word_embeddings": false, "rope_theta": 10000.0, "rope_scaling": null,
                     "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
                     "bos_token_id": 1, "eos_token_id": 2}
                    """);
    config.putArray("architectures").add(architecture);
    return config.put("model_type", modelType);
  }

  private void layer(String at) {
    pass(at + "self_attn.q_proj.weight", "attention_query", 8, 8);
    pass(at + "self_attn.k_proj.weight", "attention_key", 4, 8);
    pass(at + "self_attn.v_proj.weight", "attention_value", 4, 8);
    pass(at + "self_attn.o_proj.weight", "attention_output", 8, 8);
    String router = at + "block_sparse_moe.gate.weight";
    put(target, StoredTensor.random(router, dtype, EXPERTS, 8));
    target.computeIfPresent(router, (name, drawn) -> drawn.with(new byte[drawn.bytes().length]));
    origins.add(new TensorOrigin(router, "router", "new_router", Optional.empty()));
    put(dense, StoredTensor.random(at + "mlp.gate_proj.weight", dtype, 12, 8));
    put(dense, StoredTensor.random(at + "mlp.up_proj.weight", dtype, 12, 8));
    put(dense, StoredTensor.random(at + "mlp.down_proj.weight", dtype, 8, 12));
    for (int expert = 0; expert < EXPERTS; expert++) {
      String to = at + "block_sparse_moe.experts." + expert + ".";
      copy(to + "w1.weight", "expert_gate", at + "mlp.gate_proj.weight");
      copy(to + "w2.weight", "expert_down", at + "mlp.down_proj.weight");
      copy(to + "w3.weight", "expert_up", at + "mlp.up_proj.weight");
    }
    pass(at + "input_layernorm.weight", "input_norm", 8);
    pass(at + "post_attention_layernorm.weight", "post_attention_norm", 8);
  }

  private void pass(String name, String role, long... dimensions) {
    put(dense, StoredTensor.random(name, dtype, dimensions));
    put(target, StoredTensor.random(name, dtype, dimensions));
    origins.add(new TensorOrigin(name, role, "pass_through", Optional.of(name)));
  }

  private void copy(String name, String role, String from) {
    put(target, dense(from).named(name));
    origins.add(new TensorOrigin(name, role, "copy_to_expert", Optional.of(from)));
  }

  private static void put(Map<String, StoredTensor> tensors, StoredTensor tensor) {
    tensors.put(tensor.name(), tensor);
  }

  StoredTensor dense(String name) {
    return Objects.requireNonNull(dense.get(name), name);
  }

  StoredTensor target(String name) {
    return Objects.requireNonNull(target.get(name), name);
  }

  HandMadeTarget set(String keyPath, String yaml) {
    settings.add(new Setting(new Origin(Origin.Kind.SET, "--set"), keyPath, yaml));
    return this;
  }

  /// Changes a tensor of the target.
  void change(String name, java.util.function.UnaryOperator<StoredTensor> change) {
    target.put(name, change.apply(target(name)));
  }

  /// Flips a bit of a byte of a target tensor.
  void flip(String name, int offset) {
    target(name).bytes()[offset] ^= 0x10;
  }

  /// Puts the bytes of two target tensors in each other's place.
  void swap(String one, String other) {
    StoredTensor before = target(one);
    change(one, tensor -> tensor.with(target(other).bytes()));
    change(other, tensor -> tensor.with(before.bytes()));
  }

  /// Says in the manifest that a tensor comes from elsewhere.
  void claim(String name, String from) {
    origins.replaceAll(origin ->
        origin.name().equals(name)
            ? new TensorOrigin(name, origin.role(), origin.kind(), Optional.of(from))
            : origin);
  }

  HandMadeTarget writeDense() throws IOException {
    Files.createDirectories(densePath);
    StoredTensor.write(densePath.resolve("model.safetensors"), dense.values());
    Files.writeString(densePath.resolve("config.json"), denseConfig.toString());
    Files.writeString(densePath.resolve("tokenizer.json"), "{}");
    return this;
  }

  /// Writes both directories, the target as one file.
  HandMadeTarget write() throws IOException {
    writeDense();
    Files.createDirectories(targetPath);
    StoredTensor.write(targetPath.resolve("model.safetensors"), target.values());
    return writeSmallFiles(List.of("model.safetensors"));
  }

  /// Writes both directories, the target in two files and an index; names the file of each tensor.
  SequencedMap<String, String> writeSharded(long totalSize) throws IOException {
    writeDense();
    Files.createDirectories(targetPath);
    List<StoredTensor> all = List.copyOf(target.values());
    List<List<StoredTensor>> shards = List.of(all.subList(0, 10), all.subList(10, all.size()));
    SequencedMap<String, String> map = new LinkedHashMap<>();
    for (int shard = 0; shard < 2; shard++) {
      String file = "model-0000%d-of-00002.safetensors".formatted(shard + 1);
      StoredTensor.write(targetPath.resolve(file), shards.get(shard));
      shards.get(shard).forEach(tensor -> map.put(tensor.name(), file));
    }
    writeIndex(map, totalSize);
    writeSmallFiles(
        List.of(
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json"));
    return map;
  }

  long bytes() {
    return target.values().stream().mapToLong(tensor -> tensor.bytes().length).sum();
  }

  void writeIndex(Map<String, String> map, long totalSize) throws IOException {
    ObjectNode index = JsonMapper.shared().createObjectNode();
    index.putObject("metadata").put("total_size", totalSize);
    ObjectNode weights = index.putObject("weight_map");
    new TreeMap<>(map).forEach(weights::put);
    Files.writeString(targetPath.resolve("model.safetensors.index.json"), index.toString());
  }

  private HandMadeTarget writeSmallFiles(List<String> weights) throws IOException {
    ResolvedRecipe recipe =
        Recipes.resolve(Recipes.text("mistral-4x2", densePath), settings, Map.of());
    Files.writeString(targetPath.resolve("recipe.yaml"), recipe.yaml());
    Files.writeString(targetPath.resolve("config.json"), targetConfig.toString());
    Files.writeString(targetPath.resolve("tokenizer.json"), "{}");
    List<String> files = new ArrayList<>(weights);
    files.addAll(List.of("config.json", "recipe.yaml", "tokenizer.json", Manifest.FILE_NAME));
    files.addAll(moreFiles);
    List<SourceShard> shards =
        Checkpoint.open(densePath).files().stream()
            .map(file ->
                new SourceShard(
                    String.valueOf(file.path().getFileName()), file.bytes(), file.headerSha256()))
            .toList();
    Manifest manifest =
        new Manifest(
            "0",
            recipe.recipe().name(),
            recipe.sha256(),
            recipe.recipe().seed(),
            "mistral",
            Optional.of(Checkpoint.open(densePath).config()),
            "mixtral",
            List.of(),
            shards,
            List.of(),
            files,
            origins,
            List.of(),
            Optional.empty());
    Files.write(targetPath.resolve(Manifest.FILE_NAME), manifest.toJson());
    return this;
  }

  /// Adds a list to the manifest that lies on disk.
  void freeze(String... names) throws IOException {
    Path file = targetPath.resolve(Manifest.FILE_NAME);
    ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(Files.readAllBytes(file));
    ArrayNode frozen = root.putArray("frozen");
    List.of(names).forEach(frozen::add);
    Files.write(file, root.toString().getBytes(StandardCharsets.UTF_8));
  }

  VerifyReport verify() {
    return verify(Verifier.Expectation.CONVERTED);
  }

  VerifyReport verify(Verifier.Expectation expectation) {
    return Verifier.verify(Optional.of(densePath), targetPath, expectation, Progress.SILENT);
  }

  VerifyReport verifyAlone() {
    return Verifier.verify(
        Optional.empty(), targetPath, Verifier.Expectation.CONVERTED, Progress.SILENT);
  }
}
