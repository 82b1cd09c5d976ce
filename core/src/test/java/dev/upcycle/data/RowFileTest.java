package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.Turn;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowFileTest {
  private static final String TALK =
      """
      {"id": 7, "image": "a/b.png", "model": "", "conversations": [
        {"from": "human", "value": "<image>\\nWhat is \\"this\\"? ]}"},
        {"from": "gpt", "value": "A dog \\\\"}]}\
      """;

  @TempDir private Path folder;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static String line(String text) {
    return text.replace("\n", " ");
  }

  @Test
  void arrayOfConversationsIsReadRowByRow() throws IOException {
    Path file = write("a.json", " [" + TALK + " ,\n" + TALK.replace("7", "\"x\"") + "] \n");

    try (RowFile rows = RowFile.open(file)) {
      assertThat(rows.rows()).isEqualTo(2);
      assertThat(rows.format()).isEqualTo(RowFile.Format.JSON_ARRAY);
      DataRow.Talk second = (DataRow.Talk) rows.row(1);
      DataRow.Talk first = (DataRow.Talk) rows.row(0);
      assertThat(first.id()).isEqualTo("7");
      assertThat(second.id()).isEqualTo("x");
      assertThat(first.conversation().image()).contains("a/b.png");
      assertThat(first.conversation().turns())
          .containsExactly(
              new Turn(Turn.Role.USER, "<image>\nWhat is \"this\"? ]}"),
              new Turn(Turn.Role.ASSISTANT, "A dog \\"));
    }
  }

  @Test
  void rowBeginsWhereItsStartSays() throws IOException {
    Path file = write("é.json", "[{\"text\": \"é\"}, {\"text\": \"b\"}]");

    try (RowFile rows = RowFile.open(file)) {
      byte[] bytes = Files.readAllBytes(file);
      int start = Math.toIntExact(rows.start(1));
      assertThat(new String(bytes, start, 9, StandardCharsets.UTF_8)).isEqualTo("{\"text\": ");
    }
  }

  /// Far longer than the window that it is scanned through.
  @Test
  void longArrayIsReadAtBothEnds() throws IOException {
    Path file = folder.resolve("long.json");
    int count = 60_000;
    try (Writer out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < count; i++) {
        out.write((i == 0 ? "[" : ",") + "{\"text\": \"row %d of many, {[\"}".formatted(i));
      }
      out.write("]");
    }

    try (RowFile rows = RowFile.open(file)) {
      assertThat(Files.size(file)).isGreaterThan(1L << 20);
      assertThat(rows.rows()).isEqualTo(count);
      for (long row : new long[] {0, 24_321, 30_001, count - 1}) {
        assertThat(rows.row(row)).isEqualTo(new DataRow.Text("row %d of many, {[".formatted(row)));
      }
    }
  }

  @Test
  void jsonLinesMayHoldTextsAndMessagesAndBlankLines() throws IOException {
    Path file =
        write(
            "a.jsonl",
            "\n{\"text\": \"one\"}\r\n\n"
                + "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"},"
                + " {\"role\": \"user\", \"content\": \"u\"}]}\n"
                + line(TALK));

    try (RowFile rows = RowFile.open(file)) {
      assertThat(rows.rows()).isEqualTo(3);
      assertThat(rows.row(0)).isEqualTo(new DataRow.Text("one"));
      assertThat(((DataRow.Talk) rows.row(1)).conversation().turns())
          .containsExactly(new Turn(Turn.Role.SYSTEM, "s"), new Turn(Turn.Role.USER, "u"));
      assertThat(((DataRow.Talk) rows.row(2)).id()).isEqualTo("7");
    }
  }

  @Test
  void textFileIsOneRow() throws IOException {
    try (RowFile rows = RowFile.open(write("a.txt", "a\n\nb\n"))) {
      assertThat(rows.rows()).isEqualTo(1);
      assertThat(rows.row(0)).isEqualTo(new DataRow.Text("a\n\nb\n"));
    }
  }

  @Test
  void whatTheModelSaysUnaskedIsDropped() throws IOException {
    Path file =
        write(
            "a.json",
            "[{\"conversations\": [{\"from\": \"gpt\", \"value\": \"x\"},"
                + " {\"from\": \"human\", \"value\": \"q\"},"
                + " {\"from\": \"gpt\", \"value\": \"a\"}]}]");

    try (RowFile rows = RowFile.open(file)) {
      assertThat(((DataRow.Talk) rows.row(0)).conversation().turns())
          .containsExactly(new Turn(Turn.Role.USER, "q"), new Turn(Turn.Role.ASSISTANT, "a"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"text\": tru}|not JSON",
        "{\"text\": \"a\", \"text\": \"b\"}|not JSON",
        "{\"text\": 3}|'text' is a number, expected text",
        "7|one of 'text', 'messages' and 'conversations', found a number",
        "{}|found no key",
        "{\"a\": 1, \"b\": 2}|found the keys a, b",
        "{\"text\": \"a\", \"messages\": []}|found the keys text, messages",
        "{\"messages\": []}|nobody says anything",
        "{\"messages\": {}}|'messages' is an object, expected a list",
        "{\"messages\": [{\"role\": \"tool\", \"content\": \"\"}]}|unknown role 'tool', expected"
            + " one of assistant, system, user",
        "{\"messages\": [{\"role\": \"user\", \"content\": []}]}|turn 1, 'content' is a list,"
            + " expected text",
        "{\"conversations\": [{\"from\": \"user\", \"value\": \"\"}]}|unknown role 'user', expected"
            + " one of gpt, human",
        "{\"conversations\": [{\"from\": \"human\"}]}|turn 1, 'value' is missing, expected text",
        "{\"image\": [\"a\"], \"conversations\": [{\"from\": \"human\", \"value\": \"\"}]}|'image'"
            + " is a list",
      })
  void badRowIsAnErrorNamingFileRowAndReason(String row, String reason) throws IOException {
    Path file = write("a.json", "[{\"text\": \"good\"}, " + row + ", {\"text\": \"good\"}]");

    try (RowFile rows = RowFile.open(file)) {
      assertThatThrownBy(() -> rows.row(1))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(file + ", row 1: ")
          .hasMessageContaining(reason);
      assertThat(rows.row(2)).isEqualTo(new DataRow.Text("good"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "[{\"text\": \"a\"|row 0, which begins at byte 1, is not closed",
        "[{\"text\": \"a|row 0, which begins at byte 1, is not closed",
        "[{} {}]|byte 4: expected ',' or ']' after row 0, found '{'",
        "[{}, ]|expected a row after ',', found ']'",
        "[,{}]|expected row 0, found ','",
        "[{}|expected ',' or ']' after row 0, found the end of the file",
        "[{}] x|expected nothing after the array, found 'x'",
        "[]|has no rows",
      })
  void brokenArrayIsAnErrorOfTheFile(String text, String reason) throws IOException {
    Path file = write("a.json", text);

    assertThatThrownBy(() -> RowFile.open(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(file + ": ")
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.parquet", "a"})
  void fileOfAnotherKindIsRefusedByName(String name) throws IOException {
    Path file = write(name, "x");

    assertThatThrownBy(() -> RowFile.open(file)).hasMessageContaining("expected .json, .jsonl");
  }

  @Test
  void missingFileAndMissingRowAreErrors() throws IOException {
    assertThatThrownBy(() -> RowFile.open(folder.resolve("none.json")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no such file");
    try (RowFile rows = RowFile.open(write("a.txt", "a"))) {
      assertThatThrownBy(() -> rows.row(1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void textThatIsNotUtf8IsAnError() throws IOException {
    Path file = Files.write(folder.resolve("a.txt"), new byte[] {'a', (byte) 0xff});

    try (RowFile rows = RowFile.open(file)) {
      assertThatThrownBy(() -> rows.row(0)).hasMessageContaining("not text in UTF-8");
    }
  }

  /// Every cut of a file is either refused or gives rows that are refused or read.
  @Test
  void fileThatEndsEarlyNeverHangsOrFaults() throws IOException {
    byte[] whole = ("[" + TALK + "," + TALK + "]").getBytes(StandardCharsets.UTF_8);
    for (int length = 0; length < whole.length; length++) {
      Path file = Files.write(folder.resolve("cut.json"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> RowFile.open(file).row(0)).isInstanceOf(DataException.class);
    }
  }
}
