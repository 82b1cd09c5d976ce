package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LicenceTest {
  @TempDir Path folder;

  @Test
  void wellKnownTextsAreRecognisedByTheirOpening() throws IOException {
    Files.writeString(
        folder.resolve("LICENSE"),
        "\n                                 Apache License\n                           Version 2.0, January 2004\n");
    assertThat(Licence.of(folder)).contains("apache-2.0");
    Files.writeString(folder.resolve("LICENSE"), "MIT License\n\nCopyright (c) 2024 Somebody\n");
    assertThat(Licence.of(folder)).contains("mit");
  }

  @Test
  void cardWinsOverTheLicenceFile() throws IOException {
    Files.writeString(folder.resolve("README.md"), "---\nlicense: llama3.2 # terms\n---\n");
    Files.writeString(folder.resolve("LICENSE"), "MIT License\n");
    assertThat(Licence.of(folder)).contains("llama3.2");
  }

  @Test
  void nothingIsGuessed() throws IOException {
    assertThat(Licence.of(folder)).isEmpty();
    Files.writeString(folder.resolve("README.md"), "# A model\nlicense: mit\n");
    Files.writeString(folder.resolve("LICENSE"), "You may use this model on Tuesdays.\n");
    assertThat(Licence.of(folder)).isEmpty();
  }
}
