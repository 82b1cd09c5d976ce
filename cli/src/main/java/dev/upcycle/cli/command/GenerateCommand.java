package dev.upcycle.cli.command;

import dev.upcycle.chat.ChatTemplate;
import dev.upcycle.chat.Conversation;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.TextStream;
import dev.upcycle.generate.Beginning;
import dev.upcycle.generate.EndOfSequence;
import dev.upcycle.generate.Generation;
import dev.upcycle.generate.Sampler;
import dev.upcycle.generate.Sampling;
import dev.upcycle.generate.TextGenerator;
import dev.upcycle.model.Workspace;
import dev.upcycle.text.TextModel;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/// Lets a model continue a text.
@CommandLine.Command(
    name = "generate",
    header = "Let a model continue a text.",
    description = {
      "Streams the text to stdout. Without --temperature, --top-p and --seed the likeliest token is"
          + " chosen each time. The prompt is taken as it stands; with --chat it is what a user"
          + " says, written by the model's own chat template. A LLaVA looks at the images of"
          + " --image where the prompt says <image>; with --chat or --template they come first if"
          + " it says so nowhere.",
    },
    footer = {
      "upcycle generate ./try-it/dense --prompt 'The Rays of Light' --greedy",
      "upcycle generate ./try-it/moe --prompt 'If the' --max-tokens 32 \\",
      "  --temperature 0.8 --top-p 0.9 --seed 7",
    })
final class GenerateCommand extends Command {
  @Parameters(paramLabel = "MODEL", description = "The model's directory, tokenizer included.")
  private String model = "";

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      required = true,
      description = "What it goes on.")
  private String prompt = "";

  @Option(
      names = "--chat",
      description = "The prompt is a user's message: apply the model's chat template.")
  private boolean chat;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "What the model is told before the message; needs --chat.")
  private @Nullable String system;

  @Mixin private ImagePromptOptions images = new ImagePromptOptions();

  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "128",
      description = "Most tokens to add; default: ${DEFAULT-VALUE}.")
  private int maxTokens = 128;

  @Option(names = "--greedy", description = "Always the likeliest token.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Draw; below 1 sharper, above 1 flatter than the model. Default of a draw: 1.")
  private @Nullable Double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draw among the likeliest tokens that together reach P. Default of a draw: 1.")
  private @Nullable Double topP;

  @Option(names = "--seed", paramLabel = "S", description = "Decides all draws; default: 0.")
  private @Nullable Long seed;

  @Option(
      names = "--ignore-eos",
      description = "Go on after the model's end of sequence, up to --max-tokens.")
  private boolean ignoreEnd;

  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private JsonOption json = new JsonOption();

  GenerateCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    Sampler sampler = new Sampler(sampling());
    if (system != null && !chat) {
      throw new UsageException("--system needs --chat");
    }
    if (maxTokens < 1) {
      throw new UsageException("--max-tokens must be at least 1, not " + maxTokens);
    }
    images.requireOne(chat);
    try (TextModel opened = compute.open(Models.locate(model, surroundings()), terminal);
        Workspace _ = Workspace.open()) {
      Beginning beginning = beginning(opened);
      Set<Long> ends = ignoreEnd ? Set.of() : EndOfSequence.of(opened.checkpoint());
      long read = beginning.ids().size();
      Positions positions = Positions.of(opened);
      positions.warn("--prompt", read, terminal);
      TextGenerator generator = new TextGenerator(opened.model(), sampler, ends);
      TextStream stream = new TextStream(opened.tokenizer()::decode, words(beginning, opened));
      StringBuilder text = new StringBuilder();
      Generation generation =
          generator.generate(beginning, maxTokens, id -> say(stream.append(id), text, terminal));
      say(stream.rest(), text, terminal);
      finish(generation, text.toString(), opened, terminal);
      if (!positions.exceededBy(read)) {
        positions.warn("prompt and text", read + generation.said().size(), terminal);
      }
      if (generation.said().isEmpty()) {
        terminal.note("no text: the model ended it at once; --ignore-eos goes on");
      }
    }
    return ExitCode.OK;
  }

  private Beginning beginning(TextModel opened) {
    if (images.wanted() || opened.findLlava().isPresent()) {
      Optional<String> told = Optional.ofNullable(system);
      return images.beginning(
          opened, new ImagePromptOptions.Message(prompt, told, chat), this::resolve);
    }
    List<Long> ids = promptTokens(opened);
    if (ids.isEmpty()) {
      throw new UsageException("--prompt has no tokens");
    }
    return new Beginning(ids, opened.model()::embed);
  }

  /// The tokens that have a text, which the places of images have not.
  private static List<Long> words(Beginning beginning, TextModel opened) {
    return opened
        .findLlava()
        .map(llava -> beginning.ids().stream().filter(id -> id != llava.imageToken()).toList())
        .orElse(beginning.ids());
  }

  private List<Long> promptTokens(TextModel opened) {
    if (!chat) {
      return opened.encode(prompt);
    }
    Conversation conversation = Conversation.asking(Optional.ofNullable(system), prompt);
    ChatTemplate template = ChatTemplate.require(opened.checkpoint().directory());
    return opened.encodeAsWritten(
        template.render(conversation, ChatTemplate.Ending.AWAITING_ANSWER).text());
  }

  private Sampling sampling() {
    boolean draws = temperature != null || topP != null || seed != null;
    if (greedy && draws) {
      throw new UsageException("--greedy excludes --temperature, --top-p and --seed");
    }
    if (!draws) {
      return new Sampling.Greedy();
    }
    try {
      return new Sampling.Nucleus(
          Optional.ofNullable(temperature).orElse(1.0),
          Optional.ofNullable(topP).orElse(1.0),
          Optional.ofNullable(seed).orElse(0L));
    } catch (IllegalArgumentException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  private void say(String piece, StringBuilder text, Terminal terminal) {
    text.append(piece);
    if (!json.wanted()) {
      terminal.piece(piece);
    }
  }

  private void finish(Generation generation, String text, TextModel opened, Terminal terminal) {
    if (!json.wanted()) {
      terminal.result("");
      return;
    }
    ObjectNode document = Documents.of("generate");
    document.put("model", model);
    opened.findLlava().ifPresent(llava -> images.put(generation.prompt(), llava, document));
    var before = document.putArray("prompt_tokens");
    generation.prompt().forEach(before::add);
    var after = document.putArray("tokens");
    generation.tokens().forEach(after::add);
    document.put("text", text);
    document.put("stop", generation.stop().name().toLowerCase(Locale.ROOT));
    document.put("tokens_per_second", generation.tokensPerSecond());
    terminal.result(document);
  }
}
