package dev.upcycle.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleModelTest {
  @TempDir Path directory;

  @Test
  void everyEmbeddedFileIsWrittenByteForByte() throws IOException {
    SampleModel.writeTo(directory.resolve("sample"));

    assertThat(Golden.hashes(directory.resolve("sample"))).isEqualTo(Golden.read("sample.sha256"));
  }

  @Test
  void everyFileOfTheResourceFolderIsListed() throws IOException {
    Path resources =
        Path.of(System.getProperty("upcycle.root"))
            .resolve("core/src/main/resources/dev/upcycle/sample/dense");
    try (Stream<Path> files = Files.list(resources)) {
      assertThat(files.map(path -> String.valueOf(path.getFileName())).sorted())
          .isEqualTo(SampleModel.files());
    }
  }

  @Test
  void whatLiesThereIsNotOverwritten() throws IOException {
    Files.writeString(directory.resolve("config.json"), "mine");

    assertThatThrownBy(() -> SampleModel.writeTo(directory))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("config.json");
    assertThat(directory.resolve("config.json")).hasContent("mine");
  }
}
