package dev.upcycle.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.fixtures.SafetensorsBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a header may be, although it looks odd.
class AcceptedHeaderTest {
  @TempDir Path folder;

  private SafetensorsHeader read(SafetensorsBytes bytes) {
    return SafetensorsHeader.read(bytes.write(folder.resolve("model.safetensors")));
  }

  private TensorEntry only(SafetensorsBytes bytes) {
    List<TensorEntry> tensors = read(bytes).tensors();
    assertThat(tensors).hasSize(1);
    return tensors.getFirst();
  }

  @Test
  void emptyObjectHoldsNothing() {
    SafetensorsHeader header = read(SafetensorsBytes.of("{}      "));
    assertThat(header.tensors()).isEmpty();
    assertThat(header.metadata()).isEmpty();
  }

  @Test
  void metadataIsRead() {
    SafetensorsBytes bytes =
        SafetensorsBytes.of("{\"__metadata__\":{\"framework\":\"pt\"}}       ");
    assertThat(read(bytes).metadata()).containsExactly(Map.entry("framework", "pt"));
  }

  @Test
  void nullMetadataIsNone() {
    assertThat(read(SafetensorsBytes.of("{\"__metadata__\":null}")).metadata()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}\r \t\n", "\t\n{}\r ", "{ }", "{}"})
  void jsonsWhiteSpaceMaySurroundTheObject(String header) {
    assertThat(read(SafetensorsBytes.of(header)).tensors()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void everyDTypeIsRead(DType dtype) {
    int bytes = dtype.bits();
    TensorEntry tensor = only(SafetensorsBytes.tensor("x", dtype.name(), "[8]", bytes));
    assertThat(tensor.dtype()).isEqualTo(dtype);
    assertThat(tensor.bytes()).isEqualTo(bytes);
  }

  @Test
  void fourBitFloatsFillBytesInPairs() {
    assertThat(only(SafetensorsBytes.tensor("x", "F4", "[1,2]", 1)).shape())
        .isEqualTo(Shape.of(1, 2));
  }

  @Test
  void fourSixBitFloatsFillThreeBytes() {
    assertThat(only(SafetensorsBytes.tensor("x", "F6_E2M3", "[4]", 3)).bytes()).isEqualTo(3);
  }

  @Test
  void emptyShapeIsOneElement() {
    assertThat(only(SafetensorsBytes.tensor("x", "F32", "[]", 4)).shape().elements()).isOne();
  }

  @Test
  void tensorWithoutElementsTakesNoBytes() {
    assertThat(only(SafetensorsBytes.tensor("x", "I32", "[2,0]", 0)).bytes()).isZero();
  }

  @Test
  void largestDimensionStandsBesideZero() {
    assertThat(only(SafetensorsBytes.tensor("x", "I32", "[0,18446744073709551615]", 0)).shape())
        .hasToString("[0, 18446744073709551615]");
  }

  @Test
  void tensorsComeInTheOrderOfTheirData() {
    String header =
        "{\"late\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]},"
            + "\"none\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]},"
            + "\"early\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";
    assertThat(read(SafetensorsBytes.of(header).withData(6)).tensors())
        .extracting(TensorEntry::name)
        .containsExactly("early", "none", "late");
  }

  @Test
  void offsetsNeedNotSuitTheDType() {
    String header =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}";
    assertThat(read(SafetensorsBytes.of(header).withData(5)).tensors().getLast().offset())
        .isEqualTo(8 + header.length() + 1);
  }

  @Test
  void unknownFieldOfATensorIsPassedOver() {
    String header =
        "{\"x\":{\"note\":{\"a\":[1,{}]},\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    assertThat(only(SafetensorsBytes.of(header).withData(1)).name()).isEqualTo("x");
  }

  @Test
  void nameMayBeEmpty() {
    assertThat(only(SafetensorsBytes.tensor("", "U8", "[1]", 1)).name()).isEmpty();
  }

  @Test
  void nameMayBeEscaped() {
    assertThat(only(SafetensorsBytes.tensor("\\u0061\\n\\ud83d\\ude00é", "U8", "[1]", 1)).name())
        .isEqualTo("a\n\ud83d\ude00é");
  }

  @Test
  void nameMayBeLong() {
    String name = "n".repeat(1_000_000);
    assertThat(only(SafetensorsBytes.tensor(name, "U8", "[1]", 1)).name()).isEqualTo(name);
  }

  @Test
  void fileIsDescribedWithTheHashOfItsHeader() throws IOException, NoSuchAlgorithmException {
    SafetensorsBytes bytes = SafetensorsBytes.tensor("x", "F32", "[2]", 8);
    SafetensorsHeader header = read(bytes);
    byte[] all = bytes.bytes();
    byte[] sha = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(all, all.length - 8));
    assertThat(header.file().headerSha256()).isEqualTo(HexFormat.of().formatHex(sha));
    assertThat(header.file().bytes()).isEqualTo(all.length);
    assertThat(header.file().modified())
        .isEqualTo(Files.getLastModifiedTime(header.file().path()).toInstant());
  }

  @Test
  void writtenHeaderReadsBack() throws IOException {
    List<TensorSpec> specs =
        List.of(
            new TensorSpec("é\"\\\b\u0001\u001f", DType.F32, Shape.of(2, 3)),
            new TensorSpec("empty", DType.BF16, Shape.of(0, 3)),
            new TensorSpec("scalar", DType.U8, Shape.of()));
    byte[] header = SafetensorsHeader.encode(specs);
    Path file = folder.resolve("model.safetensors");
    Files.write(file, Arrays.copyOf(header, header.length + 25));
    SafetensorsHeader read = SafetensorsHeader.read(file);
    assertThat(read.tensors()).extracting(TensorEntry::spec).isEqualTo(specs);
    assertThat(read.metadata()).containsExactly(Map.entry("format", "pt"));
    assertThat(new String(header, StandardCharsets.UTF_8)).contains("\\u0001\\u001f");
  }
}
