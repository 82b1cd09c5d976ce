package dev.upcycle.sample;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.data.DataRow;
import dev.upcycle.data.RowFile;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.image.DecodingRules;
import dev.upcycle.image.ImageDecoder;
import dev.upcycle.image.RgbImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DrawnDataTest {
  @TempDir private Path folder;

  /// Of names and contents of all files.
  private static String digest(Path directory) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        all.writeBytes(directory.relativize(file).toString().getBytes(StandardCharsets.UTF_8));
        all.writeBytes(Files.readAllBytes(file));
      }
    }
    return java.util.HexFormat.of().formatHex(Sha256.of(all.toByteArray()));
  }

  @Test
  void bytesAreAlwaysTheSame() throws IOException {
    DrawnData.writeTo(folder.resolve("data"));
    DrawnTokenizer.writeTo(folder.resolve("tokenizer"));

    assertThat(digest(folder.resolve("data")))
        .isEqualTo("89c28e828a5ae9c94a0c454c916bfb337a62cf7e89939731fa3ebd27b94d3df4");
    assertThat(digest(folder.resolve("tokenizer")))
        .isEqualTo("eaa70b082c00c45a5faa216ab5206b4f1cad641ef2d826ab5f6438a0a4ec3493");
  }

  @Test
  void pictureShowsItsColourAtItsPlace() {
    DrawnData.writeTo(folder);
    RgbImage image =
        new ImageDecoder(DecodingRules.DEFAULT)
            .read(folder.resolve(DrawnData.IMAGES).resolve("red-square-bottom-left.png"));

    assertThat(image.width()).isEqualTo(DrawnData.SIDE);
    assertThat(sample(image, 4, 23)).containsExactly(0xd6, 0x27, 0x28);
    assertThat(sample(image, 14, 14)).containsExactly(0xf4, 0xf4, 0xf4);
  }

  private static int[] sample(RgbImage image, int x, int y) {
    byte[] samples = image.samples();
    int at = (y * image.width() + x) * RgbImage.CHANNELS;
    return new int[] {samples[at] & 0xff, samples[at + 1] & 0xff, samples[at + 2] & 0xff};
  }

  @Test
  void everyTwoShapesLookDifferent() {
    ScenePicture picture = new ScenePicture(DrawnData.SIDE);
    Set<String> seen = new HashSet<>();
    for (Scene.Shape shape : Scene.Shape.values()) {
      byte[] samples = picture.samples(new Scene(Scene.Colour.BLACK, shape, Scene.Place.CENTRE));
      seen.add(new String(samples, StandardCharsets.ISO_8859_1));
    }

    assertThat(seen).hasSize(Scene.Shape.values().length);
  }

  private Set<String> images(String file) {
    try (RowFile rows = RowFile.open(folder.resolve(file))) {
      return Stream.iterate(0L, row -> row < rows.rows(), row -> row + 1)
          .map(rows::row)
          .map(DataRow.Talk.class::cast)
          .flatMap(talk -> talk.conversation().image().stream())
          .collect(Collectors.toSet());
    }
  }

  @Test
  void heldOutCombinationsAreNeverLearnedAndTheirPairsAlwaysAre() {
    DrawnData.writeTo(folder);
    Set<String> learned = images(DrawnData.CAPTIONS);
    Set<String> heldOut = images(DrawnData.HELD_OUT);

    assertThat(learned)
        .hasSize(360)
        .isEqualTo(images(DrawnData.DESCRIPTIONS))
        .isEqualTo(images(DrawnData.QUESTIONS))
        .doesNotContainAnyElementsOf(heldOut);
    assertThat(heldOut).hasSize(72);
    for (Scene scene : Scene.all()) {
      assertThat(learned)
          .anyMatch(
              name -> name.startsWith(scene.colour().word() + "-" + scene.shape().word() + "-"));
      assertThat(learned).anyMatch(name -> name.endsWith("-" + scene.fileName().split("-", 2)[1]));
    }
  }

  @Test
  void oneQuestionInFiveIsAboutNoPicture() {
    DrawnData.writeTo(folder);
    try (RowFile rows = RowFile.open(folder.resolve(DrawnData.QUESTIONS))) {
      long without =
          Stream.iterate(0L, row -> row < rows.rows(), row -> row + 1)
              .map(rows::row)
              .map(DataRow.Talk.class::cast)
              .filter(talk -> talk.conversation().image().isEmpty())
              .count();

      assertThat(rows.rows()).isEqualTo(450);
      assertThat(without).isEqualTo(90);
    }
  }

  @Test
  void everyWordOfTheDataIsOneToken() {
    DrawnTokenizer.writeTo(folder);
    try (Tokenizer tokenizer = Tokenizer.require(folder)) {
      assertThat(DrawnTokenizer.vocabulary()).isLessThanOrEqualTo(1_000);
      for (String word :
          List.of(" red", " circle", " bottom", "The", "Which", " assistant", "USER")) {
        assertThat(tokenizer.encode(word)).describedAs(word).hasSize(2).startsWith(1L);
      }
      assertThat(tokenizer.encode("<s>Übergröße")).startsWith(1L, 1L);
      assertThat(tokenizer.decode(tokenizer.encodeAsWritten("Übergröße 7 \n x")))
          .isEqualTo("Übergröße 7 \n x");
    }
  }
}
