package dev.upcycle.kernels.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class ModalityMoeTest {
  private static final int HIDDEN = 8;
  private static final RoutingPass PASS = RoutingPass.Infer.ofAll();
  private final Tensor x = Tensors.normal(1, 6, HIDDEN);

  private record Group(Tensor router, Tensor up, Tensor down, MoeLayer layer) {
    static Group of(long seed) {
      Tensor router = Gradients.track(Tensors.normal(seed, 3, HIDDEN));
      Tensor up = Gradients.track(Tensors.normal(seed + 1, 3, 8, HIDDEN));
      Tensor down = Gradients.track(Tensors.normal(seed + 2, 3, HIDDEN, 4));
      var form = new ExpertWeights.Form(ExpertWeights.Gating.GATED, Activation.SILU);
      var experts = Experts.fastest(new ExpertWeights.Stacked(form, up, down, null));
      var layer = new MoeLayer(Router.of(Router.Form.topK(2), router), experts, null);
      return new Group(router, up, down, layer);
    }
  }

  private final Group text = Group.of(10);
  private final Group image = Group.of(20);
  private final ModalityMoe layer = new ModalityMoe(List.of(text.layer(), image.layer()));

  @Test
  void eachTokenPassesTheExpertsOfItsModality() {
    ModalityIndex index = ModalityIndex.of(new int[] {0, 1, 1, 0, 1, 0}, 2, Device.CPU);
    MoeLayer.MoeOutput output = layer.forward(x, index, PASS);
    Tensor asText = text.layer().forward(x, PASS).hidden();
    Tensor asImage = image.layer().forward(x, PASS).hidden();
    int[] modalities = {0, 1, 1, 0, 1, 0};
    for (int token = 0; token < modalities.length; token++) {
      Tensor expected = modalities[token] == 0 ? asText : asImage;
      double difference =
          output
              .hidden()
              .narrow(0, token, 1)
              .minus(expected.narrow(0, token, 1))
              .abs()
              .max()
              .item();
      assertThat(difference).isLessThan(1e-4);
    }
    assertThat(output.routings()).hasSize(2);
    assertThat(output.routings().get(0).tokenCount()).isEqualTo(3);
  }

  @Test
  void aTextOnlyBatchGivesImageExpertsNoGradient() {
    ModalityIndex index = ModalityIndex.of(new int[6], 2, Device.CPU);
    MoeLayer.MoeOutput output = layer.forward(x, index, PASS);
    Gradients.backward(output.hidden().square().mean());
    assertThat(Gradients.find(text.up()).orElseThrow().abs().max().item()).isPositive();
    assertThat(Gradients.find(image.up())).isEmpty();
    assertThat(Gradients.find(image.down())).isEmpty();
    assertThat(Gradients.find(image.router())).isEmpty();
    assertThat(output.routings()).hasSize(1);
  }

  @Test
  void anIndexUsedAgainGivesTheSameBits() {
    int[] modalities = {1, 0, 1, 0, 0, 1};
    ModalityIndex once = ModalityIndex.of(modalities, 2, Device.CPU);
    Tensor first = layer.forward(x, once, PASS).hidden();
    Tensor reused = layer.forward(x, once, PASS).hidden();
    Tensor anew = layer.forward(x, ModalityIndex.of(modalities, 2, Device.CPU), PASS).hidden();
    assertThat(reused.isEqualTo(first)).isTrue();
    assertThat(anew.isEqualTo(first)).isTrue();
  }

  @Test
  void groupsDrawNoiseOfTheirOwn() {
    var pass = new RoutingPass.Train(new NoiseCounter(1, 0, 0, 0, 4), Tensors.of(1, 0, 1));
    RoutingPass.Train first = pass.among(Tensors.of(0, 1), 0);
    RoutingPass.Train second = pass.among(Tensors.of(2), 1);
    assertThat(first.noise()).isNotEqualTo(second.noise()).isNotEqualTo(pass.noise());
    Tensor mask = second.mask();
    assertThat(mask).isNotNull();
    assertThat(mask == null ? new long[0] : mask.toLongs()).containsExactly(1);
  }

  @Test
  void anUnknownModalityIsRefused() {
    assertThatThrownBy(() -> ModalityIndex.of(new int[] {0, 2}, 2, Device.CPU))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("1 of 2 tokens");
  }

  @Test
  void anIndexForAnotherNumberOfGroupsIsRefused() {
    ModalityIndex index = ModalityIndex.of(new int[6], 1, Device.CPU);
    assertThatThrownBy(() -> layer.forward(x, index, PASS))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("1 modalities");
  }
}
