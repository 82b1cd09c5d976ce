package dev.upcycle.cli.command;

import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.generate.Beginning;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.text.ImagePrompt;
import dev.upcycle.text.ImageReading;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The images that a prompt is about, and the template that it is written by.
final class ImagePromptOptions {
  @Option(
      names = "--image",
      paramLabel = "FILE",
      arity = "1..*",
      description = "JPEG or PNG that the model looks at; needs a LLaVA.")
  private List<Path> files = List.of();

  @Option(
      names = "--template",
      paramLabel = "T",
      description =
          "The prompt is a question: write it as LLaVA does: plain, v1 or"
              + " mistral_instruct_system.")
  private @Nullable String template;

  /// What the user says.
  ///
  /// @param text the prompt
  /// @param system what the model is told before
  /// @param chat whether the model's own chat template writes it
  record Message(String text, Optional<String> system, boolean chat) {}

  /// Whether the prompt is more than words as they stand or as the model's chat template has them.
  boolean wanted() {
    return !files.isEmpty() || template != null;
  }

  /// Refuses two templates at once, and one that is not known.
  void requireOne(boolean chat) {
    if (template == null) {
      return;
    }
    if (chat) {
      throw new UsageException("--template excludes --chat");
    }
    TemplateName.require(template);
  }

  /// What the model goes on from.
  Beginning beginning(TextModel opened, Message message, UnaryOperator<Path> resolve) {
    ImageReading reading =
        ImageReading.find(opened)
            .orElseThrow(() ->
                new UsageException(
                    "%s: a %s looks at no images; --image and --template need a LLaVA"
                        .formatted(
                            opened.checkpoint().directory(),
                            opened.checkpoint().config().modelType())));
    List<Long> ids = ids(reading, message);
    if (ids.isEmpty()) {
      throw new UsageException("--prompt has no tokens");
    }
    ImagePrompt prompt = ImagePrompt.of(reading, ids, files.stream().map(resolve).toList());
    return new Beginning(prompt.ids(), prompt::embed);
  }

  private List<Long> ids(ImageReading reading, Message message) {
    long marks = ImageReading.marks(message.text());
    boolean asks = message.chat() || template != null;
    if (marks == 0 && asks) {
      return asked(
          reading, (ImageReading.MARK + "\n").repeat(files.size()) + message.text(), message);
    }
    if (marks != files.size()) {
      throw new UsageException(
          "--prompt has %d %s, --image names %d files; write %s where each image goes"
              .formatted(marks, ImageReading.MARK, files.size(), ImageReading.MARK));
    }
    return asks ? asked(reading, message.text(), message) : reading.encode(message.text());
  }

  private List<Long> asked(ImageReading reading, String text, Message message) {
    Optional<LlavaTemplate> named = Optional.ofNullable(template).map(TemplateName::require);
    return named
        .map(found -> reading.ask(text, found))
        .orElseGet(() -> reading.ask(Conversation.asking(message.system(), text)));
  }

  /// Adds the images and the places that they take.
  void put(List<Long> prompt, LlavaModel llava, ObjectNode document) {
    ArrayNode named = document.putArray("images");
    files.forEach(file -> named.add(file.toString()));
    long image = llava.imageToken();
    document.put("image_tokens", prompt.stream().filter(id -> id == image).count());
  }
}
