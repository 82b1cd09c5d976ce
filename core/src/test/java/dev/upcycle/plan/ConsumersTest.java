package dev.upcycle.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.TestRecipes;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.fixtures.dense.DenseFixture;
import dev.upcycle.plan.Consumer.Basis;
import dev.upcycle.plan.Consumer.Loads;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsumersTest {
  @TempDir Path folder;

  private List<Consumer> consumers(DenseFixture fixture) {
    Path dense = fixture.write(folder.resolve("dense"));
    return Planner.plan(Checkpoint.open(dense), TestRecipes.fourByTwo()).consumers();
  }

  private static Consumer named(String name, List<Consumer> consumers) {
    return consumers.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void plainModelLoadsEverywhereWhereHuggingFaceDirectoriesDo() {
    assertThat(consumers(DenseFixture.llama()))
        .filteredOn(consumer -> consumer.loads() != Loads.YES)
        .extracting(Consumer::name)
        .containsExactly("mistral-inference");
  }

  @Test
  void whatWasReadAndNotRunSaysSo() {
    assertThat(consumers(DenseFixture.llama()))
        .filteredOn(consumer -> consumer.basis() == Basis.READ && consumer.loads() == Loads.YES)
        .extracting(Consumer::name, Consumer::reason)
        .contains(
            org.assertj.core.groups.Tuple.tuple("vLLM", "by its naming rules, read, not run"),
            org.assertj.core.groups.Tuple.tuple("SGLang", "by its naming rules, read, not run"));
  }

  @Test
  void tiedHeadKeepsItOutOfSglang() {
    List<Consumer> consumers = consumers(DenseFixture.llama().tied());

    assertThat(named("SGLang", consumers).loads()).isEqualTo(Loads.NO);
    assertThat(named("SGLang", consumers).reason()).contains("lm_head.weight");
    assertThat(named("vLLM", consumers).loads()).isEqualTo(Loads.YES);
  }

  @Test
  void slidingWindowLimitsLlamaCpp() {
    Consumer llamaCpp =
        named("llama.cpp", consumers(DenseFixture.mistral().config("sliding_window", "16")));

    assertThat(llamaCpp.loads()).isEqualTo(Loads.WITH_LIMITS);
    assertThat(llamaCpp.reason()).contains("16");
  }
}
