package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.Directories;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnTokenizer;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The shipped recipe of CuMo's three stages, from an image tower and a decoder.
class TrainPartsTest {
  private static final String VISION =
      """
      {"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64,
       "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 28, "patch_size": 7,
       "hidden_act": "quick_gelu", "torch_dtype": "bfloat16"}
      """;
  private static final String LANGUAGE =
      """
      {"model_type": "mistral", "vocab_size": VOCABULARY, "hidden_size": 48, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12,
       "max_position_embeddings": 256, "torch_dtype": "bfloat16"}
      """;
  private static final String PREPROCESSOR =
      """
      {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 28},
       "crop_size": {"height": 28, "width": 28}}
      """;

  @TempDir Path folder;

  @BeforeEach
  void prepare() throws IOException {
    model("clip", VISION);
    Files.writeString(folder.resolve("clip/preprocessor_config.json"), PREPROCESSOR);
    model("mistral", LANGUAGE.replace("VOCABULARY", String.valueOf(DrawnTokenizer.vocabulary())));
    DrawnTokenizer.writeTo(folder.resolve("mistral"));
    DrawnData.writeTo(folder.resolve("drawn"));
  }

  private void model(String name, String config) {
    ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config);
    new SyntheticModel(ModelConfig.of(json), Long.MAX_VALUE).write(folder.resolve(name));
  }

  private Session.Outcome train(String... more) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "train",
                "cumo-mistral-7b-train",
                "--model",
                "language=./mistral",
                "--model",
                "vision=./clip",
                "--out",
                "./run"));
    List<String> stages = List.of("pretrain", "pre-finetune", "visual-instruction-tuning");
    List<String> rows = List.of("captions.json", "descriptions.json", "questions.json");
    for (int stage = 0; stage < stages.size(); stage++) {
      words.addAll(
          List.of(
              "--data",
              stages.get(stage) + "=./drawn/" + rows.get(stage),
              "--images",
              stages.get(stage) + "=./drawn/images",
              "--set",
              "train.stages." + stage + ".batch=4",
              "--set",
              "train.stages." + stage + ".steps=1"));
    }
    words.addAll(Arrays.asList(more));
    return Session.in(folder).run(words);
  }

  @Test
  void twoDensePartsBecomeATrainedCumo() {
    Session.Outcome outcome = train();
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.err())
        .contains("stage pretrain: 1 steps, 4 of")
        .contains("stage visual-instruction-tuning: 1 steps");
    Checkpoint result = Checkpoint.open(folder.resolve("run/final"));
    assertThat(result.config().modelType()).isEqualTo("llava_mistral");
    assertThat(result.tensors().keySet()).contains("model.mm_projector.gate.weight");
    Session.Outcome answer =
        Session.in(folder)
            .run(
                "generate",
                "./run/final",
                "--image",
                "./drawn/images/" + image(),
                "--prompt",
                "<image>",
                "--max-tokens",
                "2");
    assertThat(answer.code()).as(answer.err()).isZero();
  }

  private String image() {
    String[] names = folder.resolve("drawn/images").toFile().list();
    Arrays.sort(names);
    return names[0];
  }

  @Test
  void aBadRowEndsTheRunUnlessItMayBePassedOver() throws IOException {
    Path rows = folder.resolve("drawn/captions.json");
    String one = Files.readAllLines(rows).get(1).replaceFirst(",$", "");
    Files.writeString(
        rows,
        "[" + one.replaceAll("\"image\":\"[^\"]*\"", "\"image\":\"no.png\"") + ",\n" + one + "]");
    String[] single =
        new String[] {"--set", "train.stages.0.batch=2", "--set", "train.stages.0.micro_batch=2"};
    Session.Outcome refused = train(single);
    assertThat(refused.code()).isEqualTo(4);
    assertThat(refused.err()).contains("captions.json, row 0").contains("no.png");

    Directories.delete(folder.resolve("run"));
    Session.Outcome passed =
        train(
            Stream.concat(Stream.of(single), Stream.of("--skip-bad", "2")).toArray(String[]::new));
    assertThat(passed.code()).as(passed.err()).isZero();
    assertThat(passed.err()).contains("passed over:").contains("no.png");
  }

  @Test
  void aStageThatIsNotThereIsRefused() {
    Session.Outcome outcome = train("--data", "third=./drawn/captions.json");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("--data third=./drawn/captions.json: expected STAGE=PATH")
        .contains("pretrain, pre-finetune, visual-instruction-tuning");
  }
}
