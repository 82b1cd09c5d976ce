package dev.upcycle.checkpoint.write;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.ShardLayout.Placement;
import dev.upcycle.checkpoint.write.ShardLayout.Shard;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShardLayoutTest {
  private static TensorSpec bytes(String name, long count) {
    return new TensorSpec(name, DType.U8, Shape.of(count));
  }

  private static List<List<String>> names(ShardLayout layout) {
    return layout.shards().stream()
        .map(shard -> shard.tensors().stream().map(at -> at.tensor().name()).toList())
        .toList();
  }

  @Test
  void aModelWithinTheLimitIsOneFileWithoutAnIndex() {
    ShardLayout layout = ShardLayout.of(List.of(bytes("a", 4), bytes("b", 6)), 10);
    assertThat(layout.shards()).extracting(Shard::fileName).containsExactly("model.safetensors");
    assertThat(layout.index()).isEmpty();
  }

  @Test
  void theNextShardBeginsWhenTheLimitWouldBePassed() {
    ShardLayout layout =
        ShardLayout.of(List.of(bytes("a", 6), bytes("b", 4), bytes("c", 1), bytes("d", 9)), 10);
    assertThat(names(layout)).containsExactly(List.of("a", "b"), List.of("c", "d"));
    assertThat(layout.shards())
        .extracting(Shard::fileName)
        .containsExactly("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
  }

  @Test
  void aTensorLargerThanTheLimitStandsAloneAndTheShardInWorkGoesOnAfterIt() {
    ShardLayout layout =
        ShardLayout.of(List.of(bytes("a", 2), bytes("big", 30), bytes("b", 2)), 10);
    assertThat(names(layout)).containsExactly(List.of("big"), List.of("a", "b"));
  }

  @Test
  void offsetsPassFourGibibytes() {
    long large = 5L << 30;
    ShardLayout layout = ShardLayout.of(List.of(bytes("a", large), bytes("b", large)), 20L << 30);
    Shard shard = layout.shards().getFirst();
    assertThat(shard.tensors())
        .extracting(Placement::offset)
        .containsExactly((long) shard.header().length, shard.header().length + large);
    assertThat(shard.bytes()).isEqualTo(shard.header().length + 2 * large);
    assertThat(layout.tensorBytes()).isEqualTo(2 * large);
  }

  @Test
  void tensorsLieInCanonicalOrderWhateverTheInputOrder() {
    TensorSpec half = new TensorSpec("a", DType.F16, Shape.of(2));
    TensorSpec single = new TensorSpec("z", DType.F32, Shape.of(2));
    ShardLayout layout = ShardLayout.of(List.of(half, single), 100);
    assertThat(names(layout)).containsExactly(List.of("z", "a"));
    assertThat(ShardLayout.of(List.of(single, half), 100)).isEqualTo(layout);
  }

  @Test
  void theIndexIsWhatPythonsJsonWrites() {
    TensorSpec first = new TensorSpec("b", DType.F32, Shape.of(2, 2));
    TensorSpec second = new TensorSpec("a\"é\n", DType.BF16, Shape.of(3));
    assertThat(new String(ShardLayout.of(List.of(first, second), 16).index().orElseThrow(), UTF_8))
        .isEqualTo(
            """
            {
              "metadata": {
                "total_parameters": 7,
                "total_size": 22
              },
              "weight_map": {
                "a\\"\\u00e9\\n": "model-00002-of-00002.safetensors",
                "b": "model-00001-of-00002.safetensors"
              }
            }
            """);
  }

  @Test
  void aNameThatComesTwiceIsRefusedByName() {
    assertThatThrownBy(() -> ShardLayout.of(List.of(bytes("x.y", 1), bytes("x.y", 2)), 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("x.y");
  }

  @Test
  void noTensorsAndNoLimitAreRefused() {
    assertThatThrownBy(() -> ShardLayout.of(List.of(), 10))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ShardLayout.of(List.of(bytes("a", 1)), 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void manyShardsAreNumberedInOrder() {
    ShardLayout layout =
        ShardLayout.of(IntStream.range(0, 12).mapToObj(i -> bytes("t" + i, 5)).toList(), 5);
    assertThat(layout.shards().get(10).fileName()).isEqualTo("model-00011-of-00012.safetensors");
  }
}
