package dev.upcycle.sample;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Makes a `tokenizer.json` for a small text: byte-level BPE (as GPT-2's) whose merges spell each
/// word of the text from its beginning, so that a known word is one token and any other text falls
/// back to pieces and bytes.
///
/// @param words as GPT-2's pattern cuts them, sorted
record WordTokenizer(List<String> words) {
  /// Ids of the special tokens, in this order.
  static final List<String> SPECIAL = List.of("<unk>", "<s>", "</s>", "<image>");

  /// GPT-2's pattern, as the tokenizers library spells it for `ByteLevel`.
  private static final Pattern WORD =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  /// The tokenizer of these texts.
  static WordTokenizer of(List<String> texts) {
    TreeSet<String> words = new TreeSet<>();
    for (String text : texts) {
      WORD.matcher(text).results().forEach(match -> words.add(match.group()));
    }
    return new WordTokenizer(List.copyOf(words));
  }

  /// GPT-2's letters for bytes: printable ones stand for themselves, the others for 256 and up.
  private static String letter(int each) {
    boolean printable =
        (each >= '!' && each <= '~') || (each >= 0xa1 && each <= 0xac) || each >= 0xae;
    return String.valueOf((char) (printable ? each : 256 + hidden(each)));
  }

  /// How many bytes before this one are not printable.
  private static int hidden(int each) {
    if (each <= ' ') {
      return each;
    }
    return each == 0xad ? 67 : each - 0x7f + 33;
  }

  private static List<String> letters(String word) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    return IntStream.range(0, bytes.length).mapToObj(i -> letter(bytes[i] & 0xff)).toList();
  }

  /// How many ids there are.
  int vocabulary() {
    return vocab().size();
  }

  private Map<String, Integer> vocab() {
    Map<String, Integer> vocab = new LinkedHashMap<>();
    SPECIAL.forEach(token -> vocab.put(token, vocab.size()));
    for (int each = 0; each < 256; each++) {
      vocab.put(letter(each), vocab.size());
    }
    for (List<String> merge : merges()) {
      vocab.putIfAbsent(merge.getFirst() + merge.getLast(), vocab.size());
    }
    return vocab;
  }

  /// What is put together, in order.
  private List<List<String>> merges() {
    Map<String, List<String>> merges = new LinkedHashMap<>();
    for (String word : words) {
      List<String> letters = letters(word);
      String beginning = letters.getFirst();
      for (String next : letters.subList(1, letters.size())) {
        merges.putIfAbsent(beginning + next, List.of(beginning, next));
        beginning += next;
      }
    }
    return List.copyOf(merges.values());
  }

  /// Writes `tokenizer.json` and `tokenizer_config.json`.
  ///
  /// @throws ResourceException when they cannot be written
  void writeTo(Path directory) {
    try {
      Files.createDirectories(directory);
      Files.writeString(directory.resolve("tokenizer.json"), text(tokenizer()));
      Files.writeString(directory.resolve("tokenizer_config.json"), text(config()));
    } catch (IOException e) {
      throw new ResourceException("cannot write a tokenizer to " + directory + ": " + e, e);
    }
  }

  private static String text(ObjectNode json) {
    return JsonMapper.shared().writeValueAsString(json) + "\n";
  }

  private static ObjectNode config() {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("unk_token", "<unk>").put("bos_token", "<s>").put("eos_token", "</s>");
    return config.put("pad_token", "<unk>");
  }

  private ObjectNode tokenizer() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("version", "1.0");
    json.putNull("truncation").putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    for (int id = 0; id < SPECIAL.size(); id++) {
      added
          .addObject()
          .put("id", id)
          .put("content", SPECIAL.get(id))
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }
    json.putNull("normalizer");
    byteLevel(json.putObject("pre_tokenizer"));
    beginning(json.putObject("post_processor"));
    byteLevel(json.putObject("decoder"));
    model(json.putObject("model"));
    return json;
  }

  private static void byteLevel(ObjectNode json) {
    json.put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", true);
  }

  /// Each text gets one `<s>`.
  private static void beginning(ObjectNode json) {
    json.put("type", "TemplateProcessing");
    ArrayNode single = json.putArray("single");
    single.addObject().putObject("SpecialToken").put("id", "<s>").put("type_id", 0);
    single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    ArrayNode pair = json.putArray("pair");
    pair.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
    ObjectNode begin = json.putObject("special_tokens").putObject("<s>").put("id", "<s>");
    begin.putArray("ids").add(SPECIAL.indexOf("<s>"));
    begin.putArray("tokens").add("<s>");
  }

  private void model(ObjectNode json) {
    json.put("type", "BPE").putNull("dropout").putNull("unk_token");
    json.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    json.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    ObjectNode vocab = json.putObject("vocab");
    vocab().forEach(vocab::put);
    ArrayNode merges = json.putArray("merges");
    for (List<String> merge : merges()) {
      merges.addArray().add(merge.getFirst()).add(merge.getLast());
    }
  }
}
