package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.command.ExitCode;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UsageTest {
  @TempDir private Path folder;

  @Test
  void versionNamesTheCommit() {
    Session.Outcome outcome = Session.in(folder).run("--version");

    assertThat(outcome.out())
        .matches("upcycle \\d+\\.\\d+\\.\\d+ \\(commit ([0-9a-f]{12}|unknown)\\)\\R");
    assertThat(outcome.code()).isZero();
  }

  @Test
  void noCommandIsAUsageErrorThatShowsTheCommands() {
    Session.Outcome outcome = Session.in(folder).run();

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("convert", "verify", "quickstart");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void helpListsEveryExitCode() {
    Session.Outcome outcome = Session.in(folder).run("--help");

    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .containsPattern("(?m)^ +130 +interrupted")
        .containsPattern("(?m)^ +0 ");
  }

  @Test
  void misspeltCommandIsAUsageErrorWithTheNearestName() {
    Session.Outcome outcome = Session.in(folder).run("conver");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("upcycle convert");
  }

  @Test
  void misspeltOptionIsAUsageErrorWithTheNearestName() {
    Session.Outcome outcome =
        Session.in(folder).run("convert", "--model", "a", "--out", "b", "--resum");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--resume");
  }

  @Test
  void bareAssignmentHintsAtSet() {
    Session.Outcome outcome =
        Session.in(folder).run("convert", "r", "--model", "a", "--out", "b", "language.layers=all");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--set 'language.layers=all'");
  }

  @Test
  void setWithoutEqualsSignIsAUsageError() {
    Session.Outcome outcome =
        Session.in(folder).run("recipe", "show", "llama-4x2", "--set", "seed");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("KEY=VALUE");
  }

  @Test
  void quietAndVerboseExcludeEachOther() {
    assertThat(Session.in(folder).run("recipe", "ls", "-q", "-v").code()).isEqualTo(2);
  }

  @Test
  void unknownRecipeExitsWithThreeAndQuotesTheName() {
    Session.Outcome outcome = Session.in(folder).run("recipe", "show", "a \"b\" *");

    assertThat(outcome.code()).isEqualTo(3);
    assertThat(outcome.err()).contains("a \"b\" *").contains("mistral-8x2");
  }

  @Test
  void missingModelExitsWithFour() {
    Session.Outcome outcome = Session.in(folder).run("plan", "mistral-8x2", "--model", "./nowhere");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("nowhere");
  }

  @Test
  void logFileHoldsTheStackTraceThatStderrDoesNot() throws Exception {
    Path log = folder.resolve("run.log");

    Session.Outcome outcome =
        Session.in(folder).run("recipe", "show", "nothing", "--log-file", "run.log");

    assertThat(outcome.err()).doesNotContain("\tat ");
    assertThat(Files.readString(log)).contains("RecipeException").contains("\tat ");
  }

  @Test
  void traceShowsTheStackTrace() {
    Session.Outcome outcome = Session.in(folder).run("recipe", "show", "nothing", "--trace");

    assertThat(outcome.err()).contains("\tat dev.upcycle");
  }

  @Test
  void logFileThatCannotBeMadeExitsWithSix() {
    assertThat(Session.in(folder).run("recipe", "ls", "--log-file", "no/such/run.log").code())
        .isEqualTo(6);
  }

  @Test
  void copiedRecipeIsValidAndIsNeverOverwritten() {
    Session session = Session.in(folder);

    assertThat(session.run("recipe", "cp", "llama-8x2", "mine.yaml").code()).isZero();
    assertThat(session.run("recipe", "validate", "mine.yaml").code()).isZero();
    assertThat(session.run("recipe", "cp", "llama-4x2", "mine.yaml").code()).isEqualTo(2);
  }

  @Test
  void settingWinsOverTheRecipeAndIsNamedAsOrigin() {
    Session.Outcome outcome =
        Session.in(folder).run("recipe", "show", "llama-8x2", "--set", "seed=7", "--set", "seed=9");

    assertThat(outcome.out()).containsPattern("(?m)^seed: 9 +#.*--set");
  }

  @Test
  void doctorTellsWhetherLibTorchIsThere() {
    Session.Outcome outcome = new Session(folder, Map.of()).run("doctor", "--json");

    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .contains("\"schema\" : \"upcycle/doctor/1\"")
        .contains("\"libtorch\"");
  }

  @Test
  void completionKnowsEveryCommand() {
    assertThat(Session.in(folder).run("completion").out())
        .contains("quickstart", "convert", "validate");
  }

  @Test
  void interruptThatClosesAChannelIsAnInterruptionAndNoUnreadableFile() {
    Throwable thrown = new UncheckedIOException(new ClosedByInterruptException());

    assertThat(ExitCode.of(thrown)).isEqualTo(ExitCode.INTERRUPTED);
  }

  @Test
  void lackOfMemoryForATensorIsALackOfResources() {
    Session.Outcome outcome =
        Session.in(folder)
            .run("bench", "layer", "--hidden", "64", "--tokens", "2000000000", "--turns", "1");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(6);
    assertThat(outcome.err()).contains("allocate").doesNotContain("stack trace");
  }
}
