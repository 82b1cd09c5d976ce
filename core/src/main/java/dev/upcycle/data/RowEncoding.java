package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.ChatTemplate;
import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.chat.jinja.Template;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/// How a row becomes tokens and what is learned of them; any thread.
public sealed interface RowEncoding {
  /// The tokens of a row, [LabelledTokens#IMAGE] where an image goes.
  ///
  /// @throws ChatException when the row does not fit
  Tokens tokens(DataRow row);

  /// Texts, learned as a whole, with an end after each.
  ///
  /// @param end the id after a text; empty adds none
  record Plain(Tokenizer tokenizer, OptionalLong end) implements RowEncoding {
    @Override
    public Tokens tokens(DataRow row) {
      long[] ids = ended(tokenizer.ids(row.requireText()));
      return Tokens.ofOne(ids, ids);
    }

    private long[] ended(long[] ids) {
      boolean already =
          ids.length > 0 && end.isPresent() && ids[ids.length - 1] == end.orElseThrow();
      if (end.isEmpty() || already) {
        return ids;
      }
      long[] ended = Arrays.copyOf(ids, ids.length + 1);
      ended[ids.length] = end.orElseThrow();
      return ended;
    }
  }

  /// Conversations, by some template.
  sealed interface Conversing extends RowEncoding {}

  /// Conversations by a template of LLaVA's.
  record Llava(LlavaTemplate template, Tokenizer tokenizer) implements Conversing {
    @Override
    public Tokens tokens(DataRow row) {
      return Tokens.of(
          template.requireTokens(row.requireConversation(template.key()), tokenizer::encode));
    }
  }

  /// Conversations by the model's own template; what the assistant says is learned.
  record Chat(ChatTemplate template, Tokenizer tokenizer) implements Conversing {
    /// What a template that asks for the date takes for today, so that equal rows give equal tokens
    /// on every day.
    private static final LocalDateTime TODAY = LocalDateTime.of(2025, 1, 1, 0, 0);

    @Override
    public Tokens tokens(DataRow row) {
      Template.Rendering rendering = rendering(row);
      Tokenizer.Places places = tokenizer.placesAsWritten(rendering.text());
      List<Long> labels = new ArrayList<>(places.ids());
      labels.replaceAll(_ -> LabelledTokens.IGNORED);
      for (Template.Span span : rendering.generated()) {
        label(span, places, labels);
      }
      return Tokens.of(new LabelledTokens(places.ids(), labels));
    }

    private static void label(Template.Span span, Tokenizer.Places places, List<Long> labels) {
      for (int i = 0; i < labels.size(); i++) {
        int start = places.starts().get(i);
        int end = places.ends().get(i);
        if (start < span.end() && end > span.start()) {
          if (start < span.start() || end > span.end()) {
            throw new ChatException(
                "a token lies across the border of an answer (characters %d to %d, the answer %d to %d)"
                        .formatted(start, end, span.start(), span.end())
                    + "; what is learned of it cannot be told");
          }
          labels.set(i, places.ids().get(i));
        }
      }
    }

    private Template.Rendering rendering(DataRow row) {
      Conversation conversation = row.requireConversation("chat");
      if (conversation.image().isPresent()) {
        throw new ChatException(
            "has an image, and the model's own template takes none here; use a template of"
                + " LLaVA's");
      }
      return template.answers(conversation, TODAY);
    }
  }
}
