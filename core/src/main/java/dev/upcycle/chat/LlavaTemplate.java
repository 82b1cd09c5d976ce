package dev.upcycle.chat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/// The templates that LLaVA and CuMo train with, and their label masks.
///
/// A mask follows the token counts of the pieces, each tokenised by itself. Where these do not add
/// up to the whole, LLaVA learns nothing of the sample ([#tokens]); [#requireTokens] refuses it.
public enum LlavaTemplate {
  /// An image and its caption; the question is thrown away.
  PLAIN("plain", Optional.empty()),
  /// CuMo's for Mistral: its literal `<s>` and the tokenizer's own make two.
  MISTRAL_INSTRUCT_SYSTEM("mistral_instruct_system", Optional.of("[/INST] ")),
  /// LLaVA's for Vicuna.
  V1("v1", Optional.of(" ASSISTANT: "));

  private static final String IMAGE = "<image>";
  private static final String END = "</s>";
  private static final String SYSTEM =
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives"
          + " helpful, detailed, and polite answers to the user's questions.";

  private final String key;
  private final Optional<String> separator;

  LlavaTemplate(String key, Optional<String> separator) {
    this.key = key;
    this.separator = separator;
  }

  /// What recipes call it.
  public String key() {
    return key;
  }

  /// The conversation as text, `<image>` where the image goes.
  ///
  /// @throws ChatException when the turns are not those of the template
  public String text(Conversation conversation) {
    List<Turn> turns = alternating(conversation);
    return switch (this) {
      case PLAIN -> plain(turns);
      case MISTRAL_INSTRUCT_SYSTEM -> mistral(turns);
      case V1 -> vicuna(turns);
    };
  }

  /// The tokens of a question that awaits its answer.
  ///
  /// @param question with `<image>` where images go; `plain` has no questions and takes it for the
  ///   beginning of the caption
  /// @param tokenizer gives a text's ids, its own first token included
  public List<Long> question(String question, Function<String, List<Long>> tokenizer) {
    String text =
        switch (this) {
          case PLAIN -> question;
          case MISTRAL_INSTRUCT_SYSTEM, V1 -> text(Conversation.asking(Optional.empty(), question));
        };
    return pieces(text, tokenizer);
  }

  /// The tokens of a text around its images, each piece tokenised by itself.
  ///
  /// @param tokenizer gives a text's ids, its own first token included
  public static List<Long> pieces(String text, Function<String, List<Long>> tokenizer) {
    return new Pieces(tokenizer).ids(text);
  }

  /// The template that recipes call so.
  public static Optional<LlavaTemplate> find(String key) {
    return Arrays.stream(values()).filter(template -> template.key.equals(key)).findFirst();
  }

  private List<Turn> alternating(Conversation conversation) {
    List<Turn> turns = conversation.turns();
    for (int i = 0; i < turns.size(); i++) {
      Turn.Role expected = i % 2 == 0 ? Turn.Role.USER : Turn.Role.ASSISTANT;
      if (turns.get(i).role() != expected) {
        throw new ChatException(
            "template '%s': turn %d is of %s, expected %s"
                .formatted(key, i + 1, turns.get(i).role().key(), expected.key()));
      }
    }
    return turns.stream().map(turn -> imageFirst(turn, conversation)).toList();
  }

  private static Turn imageFirst(Turn turn, Conversation conversation) {
    if (conversation.image().isEmpty() || !turn.content().contains(IMAGE)) {
      return turn;
    }
    String rest = turn.content().replace(IMAGE, "").strip();
    return new Turn(turn.role(), (IMAGE + "\n" + rest).strip());
  }

  private static String plain(List<Turn> turns) {
    if (turns.size() != 2) {
      throw new ChatException(
          "template 'plain': %d turns, expected a question and a caption".formatted(turns.size()));
    }
    if (!turns.getFirst().content().contains(IMAGE)) {
      throw new ChatException("template 'plain': the question names no " + IMAGE);
    }
    return IMAGE + turns.getLast().content() + "\n";
  }

  private static String mistral(List<Turn> turns) {
    StringBuilder text = new StringBuilder("<s>");
    for (int i = 0; i < turns.size(); i++) {
      String content = turns.get(i).content();
      String system = i == 0 ? "<<SYS>>\n" + SYSTEM + "\n<</SYS>>\n\n" : "";
      text.append(
          i % 2 == 0 ? "[INST] " + system + content + " [/INST]" : " " + content + " " + END);
    }
    return text.toString();
  }

  private static String vicuna(List<Turn> turns) {
    StringBuilder text = new StringBuilder(SYSTEM).append(' ');
    for (int i = 0; i < turns.size(); i++) {
      String content = turns.get(i).content();
      text.append(i % 2 == 0 ? "USER: " + content + " " : "ASSISTANT: " + content + END);
    }
    return turns.size() % 2 == 0 ? text.toString() : text + "ASSISTANT:";
  }

  /// The tokens of a conversation and what is learned of them, as LLaVA has them: nothing where its
  /// rounds do not add up.
  ///
  /// @param tokenizer gives a text's ids, its own first token included
  /// @param padding the id that fills rows up; found inside a text it counts as missing, as there
  /// @throws ChatException when the turns are not those of the template
  public LabelledTokens tokens(
      Conversation conversation, Function<String, List<Long>> tokenizer, long padding) {
    Masked masked = masked(conversation, tokenizer);
    long present = masked.ids().stream().filter(id -> id != padding).count();
    if (separator.isPresent() && masked.counted() != present) {
      ignore(masked.labels(), 0, masked.labels().size());
    }
    return new LabelledTokens(masked.ids(), masked.labels());
  }

  /// The same, but what LLaVA would mask as a whole is an error; no id counts as padding.
  ///
  /// @throws ChatException also when the rounds do not add up
  public LabelledTokens requireTokens(
      Conversation conversation, Function<String, List<Long>> tokenizer) {
    Masked masked = masked(conversation, tokenizer);
    if (masked.counted() != masked.ids().size()) {
      throw new ChatException(
          "template '%s': its rounds have %d tokens, the whole has %d; an answer is missing, or a"
                  .formatted(key, masked.counted(), masked.ids().size())
              + " turn holds %s%s"
                  .formatted(END, separator.map(divider -> " or '" + divider + "'").orElse("")));
    }
    return new LabelledTokens(masked.ids(), masked.labels());
  }

  /// Ids, labels, and how many tokens the rounds have, each counted by itself.
  private record Masked(List<Long> ids, List<Long> labels, int counted) {}

  private Masked masked(Conversation conversation, Function<String, List<Long>> tokenizer) {
    String text = text(conversation);
    Pieces pieces = new Pieces(tokenizer);
    List<Long> ids = pieces.ids(text);
    List<Long> labels = new ArrayList<>(ids);
    if (separator.isEmpty()) {
      ignore(labels, 0, pieces.ids(IMAGE).size());
      return new Masked(ids, labels, ids.size());
    }
    return new Masked(ids, labels, mask(labels, text, pieces));
  }

  private int mask(List<Long> labels, String text, Pieces pieces) {
    String divider = separator.orElseThrow();
    ignore(labels, 0, 1);
    int place = 1;
    for (String round : text.split(END, -1)) {
      String[] parts = round.split(Pattern.quote(divider), -1);
      if (round.isEmpty() || parts.length != 2) {
        break;
      }
      int instruction = pieces.ids(parts[0] + divider).size() - 2;
      ignore(labels, place, place + instruction);
      place += pieces.ids(round).size();
    }
    ignore(labels, place, labels.size());
    return place;
  }

  private static void ignore(List<Long> labels, int from, int to) {
    int start = Math.min(Math.max(0, from), labels.size());
    int end = Math.max(start, Math.min(to, labels.size()));
    Collections.fill(labels.subList(start, end), LabelledTokens.IGNORED);
  }

  /// Text tokenised around its images.
  private record Pieces(Function<String, List<Long>> tokenizer) {
    /// Each piece by itself; the first token of the later ones, which the tokenizer adds, goes.
    List<Long> ids(String text) {
      List<List<Long>> pieces = Arrays.stream(text.split(IMAGE, -1)).map(tokenizer).toList();
      int added = tokenizer.apply("").size();
      List<Long> ids = new ArrayList<>(pieces.getFirst());
      for (List<Long> piece : pieces.subList(1, pieces.size())) {
        ids.add(LabelledTokens.IMAGE);
        ids.addAll(piece.subList(Math.min(added, piece.size()), piece.size()));
      }
      return ids;
    }
  }
}
