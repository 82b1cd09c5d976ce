package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.loss.BalanceLoss;
import dev.upcycle.kernels.loss.TokenLoss;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every family against what transformers computes, layer by layer. PRECISION.md gives the bounds
/// their reasons.
@ExtendWith(ScopePerTest.class)
class GoldenModelsTest {
  private static final double F32 = 1e-5;
  private static final ModelOptions BF16 = new ModelOptions(Device.CPU, DType.BF16);

  @TempDir Path folder;

  static List<String> cases() throws IOException {
    return GoldenCase.names();
  }

  static List<String> casesWithExperts() throws IOException {
    return GoldenCase.withExperts();
  }

  static List<String> casesWithGradients() throws IOException {
    return GoldenCase.withGradients();
  }

  private static void agrees(GoldenCase golden, String name, Tensor found) {
    assertThat(GoldenCase.relativeError(golden.tensor(name), found)).as(name).isLessThan(F32);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyLayerComputesWhatTransformersComputes(String name) {
    GoldenCase golden = GoldenCase.read(name);
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), ModelOptions.cpu());
        Gradients.Pause _ = Gradients.pause()) {
      ForwardPass pass = ForwardPass.plain();
      Tensor hidden = model.embed(golden.ids());
      agrees(golden, "hidden.embedding", hidden);
      var rotation = model.rotation(hidden.size(1), pass);
      for (int layer = 0; layer < model.layers().size(); layer++) {
        LayerOutput output =
            model.layers().get(layer).forward(hidden, model.context(layer, rotation, pass));
        assertThat(output.findRouting().isPresent()).isEqualTo(golden.has("router." + layer));
        if (output.findRouting().isPresent()) {
          agrees(golden, "router." + layer, output.findRouting().orElseThrow().evidence().logits());
        }
        hidden = output.hidden();
        agrees(golden, "hidden." + layer, hidden);
      }
      agrees(golden, "logits", model.head().forward(model.finalNorm().forward(hidden)));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aWholePassGivesTheLogitsAndOneRoutingPerLayerOfExperts(String name) {
    GoldenCase golden = GoldenCase.read(name);
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      DecoderOutput output = model.forward(golden.ids(), ForwardPass.plain());
      agrees(golden, "logits", output.logits());
      List<Integer> sparse = new ArrayList<>();
      for (int layer = 0; layer < model.layers().size(); layer++) {
        if (golden.has("router." + layer)) {
          sparse.add(layer);
        }
      }
      assertThat(output.routings()).extracting(LayerRouting::layer).isEqualTo(sparse);
      for (LayerRouting each : output.routings()) {
        agrees(golden, "router." + each.layer(), each.routing().evidence().logits());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aWalkThatHoldsOneLayerComputesTheSame(String name) {
    GoldenCase golden = GoldenCase.read(name);
    LayerWalk walk = LayerWalk.open(golden.checkpoint(), Device.CPU);
    Tensor hidden = walk.embed(golden.ids());
    agrees(golden, "hidden.embedding", hidden);
    for (int layer = 0; layer < walk.layers(); layer++) {
      LayerOutput output = walk.layer(layer, hidden);
      output
          .findRouting()
          .ifPresent(routing -> assertThat(routing.counts()).hasSize(routing.expertCount()));
      hidden = output.hidden();
      agrees(golden, "hidden." + layer, hidden);
    }
    Tensor normalised = walk.normalise(hidden);
    List<Tensor> chunks = new ArrayList<>();
    for (long first = 0; first < walk.vocab(); first += 13) {
      chunks.add(walk.logits(normalised, first, Math.min(13, walk.vocab() - first)));
    }
    agrees(golden, "logits", Tensors.concat(chunks, -1));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void bfloat16StaysWithinTransformersOwnDistance(String name) {
    GoldenCase golden = GoldenCase.read(name);
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), BF16);
        Gradients.Pause _ = Gradients.pause()) {
      DecoderOutput output = model.forward(golden.ids(), ForwardPass.plain());
      assertThat(output.logits().dtype()).isEqualTo(DType.BF16);
      double theirs = golden.number("bf16_relative_error");
      double ours = GoldenCase.relativeError(golden.tensor("logits"), output.logits());
      assertThat(ours).isLessThan(2 * theirs);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void decodingWithACacheGivesTheGoldenTokensAndTheFullPassesLogits(String name) {
    GoldenCase golden = GoldenCase.read(name);
    long[] prompt = golden.prompt();
    long[] expected = golden.generated();
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), ModelOptions.cpu());
        KvCache cache = model.newCache();
        Gradients.Pause _ = Gradients.pause()) {
      List<Long> sequence = new ArrayList<>();
      List<Tensor> steps = new ArrayList<>();
      Tensor next = GoldenCase.batch(prompt);
      for (long expectedToken : expected) {
        for (long token : next.view(-1).toLongs()) {
          sequence.add(token);
        }
        Tensor logits = model.forward(next, ForwardPass.cached(cache)).logits();
        steps.add(logits);
        long token = logits.narrow(1, logits.size(1) - 1, 1).argmax().view(-1).toLongs()[0];
        assertThat(token).as("token %d", sequence.size()).isEqualTo(expectedToken);
        next = GoldenCase.batch(token);
      }
      long[] ids = sequence.stream().mapToLong(Long::longValue).toArray();
      Tensor whole = model.forward(GoldenCase.batch(ids), ForwardPass.plain()).logits();
      assertThat(GoldenCase.relativeError(whole, Tensors.concat(steps, 1))).isLessThan(F32);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theLossIsTransformersLoss(String name) {
    GoldenCase golden = GoldenCase.read(name);
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), ModelOptions.cpu());
        Gradients.Pause _ = Gradients.pause()) {
      double loss =
          TokenLoss.usual()
              .each(predicting(model, golden), model.head(), labels(golden))
              .mean()
              .item();
      assertThat(loss / golden.number("loss")).isBetween(1 - F32, 1 + F32);
    }
  }

  @ParameterizedTest
  @MethodSource("casesWithGradients")
  void gradientsOfTheLossAreTransformersGradients(String name) {
    GoldenCase golden = GoldenCase.read(name);
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      model.parameters().values().forEach(Gradients::track);
      Tensor hidden = predicting(model, golden);
      TokenLoss.Outcome outcome = TokenLoss.usual().backward(hidden, model.head(), labels(golden));
      Gradients.backward(hidden, outcome.derivative());
      for (String parameter : golden.gradients()) {
        Tensor tensor = Objects.requireNonNull(model.parameters().get(parameter));
        agrees(golden, "gradient." + parameter, Gradients.find(tensor).orElseThrow());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("casesWithExperts")
  void thePooledBalanceLossIsTransformersLoss(String name) {
    GoldenCase golden = GoldenCase.read(name);
    try (DecoderModel model = DecoderModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      DecoderOutput output = model.forward(golden.ids(), ForwardPass.plain());
      List<Routing> routings = output.routings().stream().map(LayerRouting::routing).toList();
      BalanceLoss loss = new BalanceLoss.Pooled();
      double published =
          loss.of(routings).item() * loss.publishedFactor(model.dimensions().expertsPerToken());
      assertThat(published / golden.number("balance_loss")).isBetween(1 - F32, 1 + F32);
    }
  }

  /// The hidden states that predict a next token, `[tokens, hidden]`.
  private static Tensor predicting(DecoderModel model, GoldenCase golden) {
    Tensor hidden = model.hidden(model.embed(golden.ids()), ForwardPass.plain()).hidden();
    return hidden.narrow(1, 0, hidden.size(1) - 1).reshape(-1, hidden.size(-1));
  }

  private static Tensor labels(GoldenCase golden) {
    Tensor ids = golden.ids();
    return ids.narrow(1, 1, ids.size(1) - 1).reshape(-1);
  }

  @Test
  void aSwappedMatrixPartsAtItsLayer() throws IOException {
    GoldenCase golden = GoldenCase.read("mixtral");
    String experts = "model.layers.1.block_sparse_moe.experts.2.";
    var swapped =
        EditedModel.of(golden.checkpoint())
            .swapped(experts + "w1.weight", experts + "w3.weight")
            .write(folder.resolve("swapped"));
    LayerWalk walk = LayerWalk.open(swapped, Device.CPU);
    Tensor first = walk.layer(0, walk.embed(golden.ids())).hidden();
    agrees(golden, "hidden.0", first);
    Tensor second = walk.layer(1, first).hidden();
    assertThat(GoldenCase.relativeError(golden.tensor("hidden.1"), second)).isGreaterThan(0.01);
  }
}
