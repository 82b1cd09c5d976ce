package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.recipe.Part;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RouterWatchTest {
  private TensorScope scope;
  private final SequencedMap<String, Tensor> routers = new LinkedHashMap<>();
  private RouterWatch watch;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    routers.put("layers.0.gate", Tensors.of(new float[] {1, 2, 3, 4}, 2, 2));
    routers.put("layers.1.gate", Tensors.of(new float[] {5, 6, 7, 8}, 2, 2));
    watch = new RouterWatch(routers, 2);
  }

  @AfterEach
  void close() {
    watch.close();
    scope.close();
  }

  private List<String> step(List<Long> first, List<Long> second) {
    return watch.after(
        losses(Map.of(Part.LANGUAGE, new RouterMeasures(1, 0, List.of(first, second)))));
  }

  private void moveAll() {
    routers.values().forEach(router -> router.timesInPlace(1.01));
  }

  @Test
  void anExpertThatNoTokenOfAnIntervalChoseIsNamed() {
    moveAll();
    assertThat(step(List.of(3L, 0L, 1L), List.of(2L, 2L, 0L))).isEmpty();
    assertThat(step(List.of(3L, 0L, 1L), List.of(2L, 1L, 1L)))
        .containsExactly(
            "no token chose expert 1 of routed layer 0 in the last 2 steps; a larger losses.balance.weight spreads them");
  }

  @Test
  void eachIntervalCountsForItself() {
    moveAll();
    step(List.of(1L, 1L), List.of(1L, 1L));
    assertThat(step(List.of(1L, 1L), List.of(1L, 1L))).isEmpty();
    moveAll();
    step(List.of(1L, 0L), List.of(1L, 1L));
    assertThat(step(List.of(1L, 0L), List.of(1L, 1L)))
        .singleElement()
        .asString()
        .contains("expert 1 of routed layer 0");
  }

  @Test
  void aRouterThatDoesNotMoveIsNamed() {
    Tensor moving = routers.firstEntry().getValue();
    moving.timesInPlace(1.01);
    step(List.of(1L, 1L), List.of(1L, 1L));
    assertThat(step(List.of(1L, 1L), List.of(1L, 1L)))
        .singleElement()
        .asString()
        .startsWith("1 of 2 routers did not move in the last 2 steps, such as layers.1.gate");
  }

  @Test
  void aDenseModelHasNothingToTell() {
    try (RouterWatch dense = new RouterWatch(Map.of(), 1)) {
      assertThat(dense.after(losses(Map.of()))).isEmpty();
    }
  }

  private static StepLosses losses(Map<Part, RouterMeasures> routers) {
    return new StepLosses(1, 1, new LinkedHashMap<>(routers));
  }
}
