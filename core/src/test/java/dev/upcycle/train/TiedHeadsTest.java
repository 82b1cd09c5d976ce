package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ModelOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model whose config ties the head to the embedding and whose files hold both.
class TiedHeadsTest {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  private static final String ONE_STAGE =
      """
      recipe: 1
      train:
        stages:
          - name: dense
            rates: {all: 1.0e-2}
            batch: 2
            steps: 2
            data: {path: dense/held-out.txt, max_tokens: 24}
      """;

  @TempDir Path folder;
  private TrainRun.Request request;
  private Checkpoint dense;

  @BeforeEach
  void tie() throws IOException {
    request = new Runs(folder).request(ONE_STAGE);
    Path config = folder.resolve("dense/config.json");
    String untied = Files.readString(config);
    String tied =
        untied.replaceFirst(
            "\"tie_word_embeddings\"\\s*:\\s*false", "\"tie_word_embeddings\": true");
    assertThat(tied).isNotEqualTo(untied);
    Files.writeString(config, tied);
    Checkpoint before = Checkpoint.open(folder.resolve("dense"));
    TensorEntry head = before.require(HEAD);
    try (FileChannel channel = FileChannel.open(head.file(), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes(before, EMBEDDING)), head.offset());
    }
    request = new Runs(folder).request(ONE_STAGE);
    dense = request.source();
  }

  private static byte[] bytes(Checkpoint model, String name) {
    try (Arena arena = Arena.ofConfined()) {
      return model.map(model.require(name), arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private Checkpoint trained(TrainRun.Request request) {
    return Checkpoint.open(
        TrainRun.run(request, folder.resolve("run"), TrainRun.Mode.FRESH, TrainListener.SILENT)
            .model());
  }

  @Test
  void aStoredHeadStaysEqualToTheEmbeddingThatTrained() {
    Checkpoint trained = trained(request);
    assertThat(bytes(trained, HEAD)).isEqualTo(bytes(trained, EMBEDDING));
    assertThat(bytes(trained, EMBEDDING)).isNotEqualTo(bytes(dense, EMBEDDING));
    DecoderModel.open(trained, ModelOptions.cpu()).close();
  }

  @Test
  void aStoredHeadOfAFrozenEmbeddingKeepsItsBytes() {
    Checkpoint trained =
        trained(
            new Runs(folder).request(ONE_STAGE, "train.stages.0.rates={model.layers.*: 1.0e-2}"));
    assertThat(bytes(trained, HEAD)).isEqualTo(bytes(dense, HEAD));
  }
}
