package dev.upcycle.data;

import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.image.Preprocessing;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// The drawn data set with its tokenizer and a CLIP's preprocessing, in a folder.
record DataFixture(Path folder, Tokenizer tokenizer) implements AutoCloseable {
  static final int FEATURES = 16;
  static final int VOCAB = 1_000;
  static final Splice SPLICE = new Splice(DrawnTokenizer.image(), FEATURES);

  static DataFixture in(Path folder) {
    DrawnData.writeTo(folder);
    DrawnTokenizer.writeTo(folder);
    write(
        folder.resolve("preprocessor_config.json"),
        """
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 28},
         "crop_size": {"height": 28, "width": 28}}\
        """);
    return new DataFixture(folder, Tokenizer.require(folder));
  }

  static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ImageFolder images() {
    return new ImageFolder(
        folder.resolve(DrawnData.IMAGES), Preprocessing.read(folder), DrawnData.SIDE);
  }

  RowSamples llava(String file, LlavaTemplate template, int maxTokens) {
    return new RowSamples(
        RowFile.open(folder.resolve(file)),
        new RowEncoding.Llava(template, tokenizer),
        new RowSamples.Limits(maxTokens, RowSamples.TooLong.CUT, VOCAB),
        Optional.of(new RowSamples.Pictures(images(), SPLICE)));
  }

  PackedTexts packed(String rows, int maxTokens, SkipLimit skip) throws InterruptedException {
    Path file = write(folder.resolve("texts.jsonl"), rows);
    return PackedTexts.of(
        RowFile.open(file),
        new RowEncoding.Plain(tokenizer, OptionalLong.of(DrawnTokenizer.end())),
        new PackedTexts.Packing(maxTokens, VOCAB, new TokenisedRows.Work(2, skip)));
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
