package dev.upcycle.checkpoint;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.write.ShardLayout;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.JsonNodeFactory;

/// Names and bytes under a locale that has digits of its own.
class LocaleTest {
  private Locale before = Locale.ROOT;

  @BeforeEach
  void writeInEgypt() {
    before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG"));
    assertThat("%d".formatted(1)).as("the locale has digits of its own").isNotEqualTo("1");
  }

  @AfterEach
  void comeBack() {
    Locale.setDefault(before);
  }

  private static ShardLayout layout() {
    return ShardLayout.of(
        List.of(
            new TensorSpec("a", DType.U8, Shape.of(40)),
            new TensorSpec("b\u0001\u00e9", DType.U8, Shape.of(50))),
        50);
  }

  @Test
  void shardsKeepTheirNames() {
    assertThat(layout().shards())
        .extracting(ShardLayout.Shard::fileName)
        .containsExactly("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
  }

  @Test
  void headersAndIndexesArePlainAscii() {
    assertThat(new String(layout().index().orElseThrow(), US_ASCII))
        .contains("\"total_size\": 90", "b\\u0001\\u00e9", "00002-of-00002");
    assertThat(new String(layout().shards().getFirst().header(), US_ASCII))
        .contains("\"shape\":[40],\"data_offsets\":[0,40]");
  }

  @Test
  void configsKeepTheirNumbers() {
    var json =
        JsonNodeFactory.instance.objectNode().put("eps", 1e-5).put("theta", 1e6).put("heads", 32);
    assertThat(new String(ModelConfig.of(json).toJson(), US_ASCII))
        .contains("\"eps\": 1e-05", "\"theta\": 1000000.0", "\"heads\": 32");
  }
}
