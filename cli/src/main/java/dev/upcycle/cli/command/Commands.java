package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Surroundings;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// The commands by name.
public final class Commands {
  private record Entry(String name, Function<Surroundings, Object> factory, List<Entry> below) {
    Entry(String name, Function<Surroundings, Object> factory) {
      this(name, factory, List.of());
    }
  }

  private static final List<Entry> OF_RECIPE =
      List.of(
          new Entry("ls", RecipeLsCommand::new),
          new Entry("show", RecipeShowCommand::new),
          new Entry("cp", RecipeCpCommand::new),
          new Entry("validate", RecipeValidateCommand::new),
          new Entry("schema", RecipeSchemaCommand::new));

  private static final List<Entry> OF_BENCH =
      List.of(
          new Entry("convert", BenchConvertCommand::new),
          new Entry("data", BenchDataCommand::new),
          new Entry("layer", BenchLayerCommand::new),
          new Entry("step", BenchStepCommand::new),
          new Entry("prefill", BenchPrefillCommand::new),
          new Entry("tower", BenchTowerCommand::new),
          new Entry("train", BenchTrainCommand::new));

  private static final List<Entry> OF_QUICKSTART =
      List.of(new Entry("cumo", QuickstartCumoCommand::new));

  private static final List<Entry> OF_DATA = List.of(new Entry("check", DataCheckCommand::new));

  private static final List<Entry> ALL =
      List.of(
          new Entry("quickstart", QuickstartCommand::new, OF_QUICKSTART),
          new Entry("inspect", InspectCommand::new),
          new Entry("plan", PlanCommand::new),
          new Entry("convert", ConvertCommand::new),
          new Entry("verify", VerifyCommand::new),
          new Entry("densify", DensifyCommand::new),
          new Entry("eval", EvalCommand::new),
          new Entry("train", TrainCommand::new),
          new Entry("generate", GenerateCommand::new),
          new Entry("route", RouteCommand::new),
          new Entry("calibrate", CalibrateCommand::new),
          new Entry("recipe", _ -> new RecipeCommand(), OF_RECIPE),
          new Entry("data", _ -> new DataCommand(), OF_DATA),
          new Entry("smoke", SmokeCommand::new),
          new Entry("bench", _ -> new BenchCommand(), OF_BENCH),
          new Entry("doctor", DoctorCommand::new),
          new Entry("completion", CompletionCommand::new));

  private Commands() {}

  /// A parser of these arguments. When they name a command first, it knows only that one: to
  /// prepare all of them would take longer than most of them run.
  public static CommandLine lineFor(List<String> arguments, Surroundings surroundings) {
    CommandLine all = new CommandLine(new Upcycle());
    List<Entry> named =
        ALL.stream()
            .filter(entry -> !arguments.isEmpty() && entry.name().equals(arguments.getFirst()))
            .toList();
    add(all, named.isEmpty() ? ALL : named, surroundings);
    return all;
  }

  /// A parser that knows every command.
  public static CommandLine line(Surroundings surroundings) {
    return lineFor(List.of(), surroundings);
  }

  private static void add(CommandLine parent, List<Entry> entries, Surroundings surroundings) {
    dress(parent.getCommandSpec());
    for (Entry entry : entries) {
      CommandLine line = new CommandLine(entry.factory().apply(surroundings));
      add(line, entry.below(), surroundings);
      parent.addSubcommand(entry.name(), line);
    }
  }

  // What every help text has: the examples under their heading, and the exit codes.
  private static void dress(CommandSpec spec) {
    spec.mixinStandardHelpOptions(true);
    spec.usageMessage()
        .sortOptions(false)
        .footerHeading("%nExamples:%n")
        .footer(
            Arrays.stream(spec.usageMessage().footer())
                .map(line -> "  " + line)
                .toArray(String[]::new))
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(exitCodes());
    spec.versionProvider(() -> new String[] {Build.current().toString()});
  }

  private static Map<String, String> exitCodes() {
    Map<String, String> codes = new LinkedHashMap<>();
    for (ExitCode exit : ExitCode.values()) {
      codes.put("  " + exit.code(), exit.meaning());
    }
    return codes;
  }
}
