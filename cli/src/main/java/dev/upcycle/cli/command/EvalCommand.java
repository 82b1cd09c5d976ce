package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.evaluate.Comparison;
import dev.upcycle.evaluate.EvaluatedText;
import dev.upcycle.evaluate.Evaluation;
import dev.upcycle.evaluate.Evaluator;
import dev.upcycle.evaluate.Strides;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/// Measures perplexity.
@CommandLine.Command(
    name = "eval",
    header = "Measure how well a model predicts text, alone or against another model.",
    description = {
      "Perplexity by transformers' strided recipe: windows of CONTEXT tokens, each STRIDE tokens"
          + " after the one before; every token is scored once, the first never (with a stride"
          + " equal to the context the first of no window), and each counts the same. For models"
          + " with experts also how the tokens are shared among them.",
      "With --data a LLaVA answers conversations about images: LLaVA's JSON, an array or lines of"
          + " {image, conversations}. Only what the template's mask learns is scored.",
    },
    footer = {
      "upcycle eval ./try-it/dense --text ./try-it/dense/held-out.txt",
      "upcycle eval ./try-it/moe --text ./try-it/dense/README.md \\",
      "  --context 128 --against ./try-it/dense --json",
    })
final class EvalCommand extends Command {
  private static final int USUAL_CONTEXT = 1024;

  @Parameters(paramLabel = "MODEL", description = "The model's directory, tokenizer included.")
  private String model = "";

  @Option(
      names = "--text",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Texts in UTF-8; windows never reach from one into the next.")
  private List<Path> texts = List.of();

  @Option(
      names = "--context",
      paramLabel = "N",
      description =
          "Most tokens that the model sees at once; default: what it was made for, at most 1024.")
  private @Nullable Integer context;

  @Option(
      names = "--stride",
      paramLabel = "N",
      description = "How far a window begins after the one before; default: half the context.")
  private @Nullable Integer stride;

  @Option(
      names = "--against",
      paramLabel = "OTHER",
      description = "Compare with another model of the same vocabulary, token by token.")
  private @Nullable String other;

  @Mixin private SampleOptions samples = new SampleOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private JsonOption json = new JsonOption();

  EvalCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    if (texts.isEmpty() == !samples.given()) {
      throw new UsageException("give either --text or --data");
    }
    if (samples.given() && stride != null) {
      throw new UsageException("--stride needs --text");
    }
    samples.check();
    try (TextModel opened = compute.open(Models.locate(model, surroundings()), terminal)) {
      if (samples.given()) {
        evaluateSamples(opened, terminal);
        return ExitCode.OK;
      }
      Strides strides = strides(opened);
      Positions.of(opened).warn("--context", strides.context(), terminal);
      List<EvaluatedText> read = read(opened);
      if (other == null) {
        tell(alone(opened, read, strides, terminal), Optional.empty(), terminal);
      } else {
        Comparison<Evaluation> comparison = against(opened, read, strides, terminal);
        tell(comparison.first(), Optional.of(comparison), terminal);
      }
    }
    return ExitCode.OK;
  }

  private void evaluateSamples(TextModel opened, Terminal terminal) throws InterruptedException {
    SampleEval eval = samples.of(opened, context, this::resolve);
    SampleEval.Outcome outcome;
    if (other == null) {
      outcome = eval.run(terminal);
    } else {
      try (TextModel second = second(opened)) {
        outcome = eval.against(SampleOptions.reading(second), other, terminal);
      }
    }
    if (json.wanted()) {
      ObjectNode document = Documents.of("eval").put("model", model);
      eval.put(outcome, document);
      terminal.result(document);
    } else {
      SampleEval.print(outcome, terminal);
    }
  }

  /// The model to compare with, where and as the first computes.
  private TextModel second(TextModel opened) {
    Path located = Models.locate(String.valueOf(other), surroundings());
    return TextModel.open(located, opened.model().options());
  }

  private static Evaluation alone(
      TextModel opened, List<EvaluatedText> read, Strides strides, Terminal terminal)
      throws InterruptedException {
    try (ProgressMeter meter = terminal.meter("evaluating")) {
      return evaluator(read, strides, meter).evaluate(opened.model());
    }
  }

  private Comparison<Evaluation> against(
      TextModel opened, List<EvaluatedText> read, Strides strides, Terminal terminal)
      throws InterruptedException {
    try (TextModel second = second(opened);
        ProgressMeter meter = terminal.meter("evaluating")) {
      requireSameTokens(opened, second, read);
      return evaluator(read, strides, meter).compare(opened.model(), second.model());
    }
  }

  private static Evaluator evaluator(
      List<EvaluatedText> read, Strides strides, ProgressMeter meter) {
    return new Evaluator(read, strides, (done, total) -> meter.counted(done, total, "windows"));
  }

  private Strides strides(TextModel opened) {
    long most = Math.min(USUAL_CONTEXT, opened.positions().orElse(USUAL_CONTEXT));
    int wide = Optional.ofNullable(context).orElse(Math.toIntExact(Math.max(2, most)));
    if (wide < 2) {
      throw new UsageException("--context " + wide + ": expected at least 2");
    }
    int step = Optional.ofNullable(stride).orElse(wide / 2);
    if (step < 1 || step > wide) {
      throw new UsageException("--stride %d: expected 1 to the context, %d".formatted(step, wide));
    }
    return new Strides(wide, step);
  }

  private List<EvaluatedText> read(TextModel opened) {
    List<EvaluatedText> read = new ArrayList<>();
    for (Path text : texts) {
      Path file = resolve(text);
      long[] ids = opened.ids(TextFiles.read(file));
      if (ids.length < 2) {
        throw TextFiles.unfit(
            file, "too short: at least 2 tokens are needed, the tokenizer's own included");
      }
      read.add(new EvaluatedText(file.toString(), ids));
    }
    return read;
  }

  private void requireSameTokens(TextModel first, TextModel second, List<EvaluatedText> read) {
    ComparisonReport.requireOneVocabulary(first, second, String.valueOf(other));
    for (int i = 0; i < read.size(); i++) {
      if (!read.get(i).has(second.ids(TextFiles.read(resolve(texts.get(i)))))) {
        throw new UsageException(
            "--against %s: its tokenizer cuts %s into other tokens"
                .formatted(other, read.get(i).name()));
      }
    }
  }

  private void tell(
      Evaluation evaluation, Optional<Comparison<Evaluation>> comparison, Terminal terminal) {
    long unscored = evaluation.tokens() - evaluation.scored() - texts.size();
    if (unscored > 0) {
      terminal.note(
          "%d tokens are not scored: with a stride equal to the context the first of no window is"
              .formatted(unscored));
    }
    if (json.wanted()) {
      ObjectNode document = Documents.of("eval");
      document.put("model", model);
      put(evaluation, document);
      comparison.ifPresent(found -> put(found, document.putObject("against")));
      terminal.result(document);
      return;
    }
    terminal.result(table(evaluation, comparison).toString());
    if (!evaluation.layers().isEmpty()) {
      terminal.result("\n" + LayersReport.table(evaluation.layers()));
    }
  }

  private static void put(Evaluation evaluation, ObjectNode document) {
    document
        .put("perplexity", evaluation.perplexity())
        .put("negative_log_likelihood", evaluation.negativeLogLikelihood())
        .put("tokens", evaluation.tokens())
        .put("scored", evaluation.scored())
        .put("tokens_per_second", evaluation.tokensPerSecond());
    LayersReport.add(evaluation.layers(), document.putArray("layers"));
  }

  private void put(Comparison<Evaluation> comparison, ObjectNode against) {
    against.put("model", other);
    put(comparison.second(), against);
    ComparisonReport.put(comparison, against);
  }

  private Table table(Evaluation evaluation, Optional<Comparison<Evaluation>> comparison) {
    Table table =
        Table.pairs()
            .row("perplexity", number("%.4f", evaluation.perplexity()))
            .row(
                "tokens",
                Quantities.count(evaluation.tokens())
                    + ", "
                    + Quantities.count(evaluation.scored())
                    + " scored")
            .row("tokens/s", number("%.0f", evaluation.tokensPerSecond()));
    comparison.ifPresent(found ->
        ComparisonReport.rows(found, String.valueOf(other), found.second().perplexity(), table));
    return table;
  }
}
