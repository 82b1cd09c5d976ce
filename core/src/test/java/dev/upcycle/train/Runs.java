package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Small runs of the sample decoder on its own text.
record Runs(Path folder) {
  /// Two stages: the dense decoder, then four experts.
  static final String TWO_STAGES =
      """
      recipe: 1
      language: {experts: {count: 4}, router: {init: {kind: normal, std: 0.5}}}
      train:
        defaults:
          rates: {all: 1.0e-3}
          batch: 4
          micro_batch: 2
          steps: 4
          clip_norm: 1
          schedule: {warmup: {ratio: 0.25}}
          data: {path: dense/held-out.txt, max_tokens: 48}
          checkpoint: {every: 2}
          losses: {balance: {weight: 0.01}, router_z: {weight: 0.001}}
        stages:
          - {name: dense}
          - {name: sparse, upcycle: language, carry: {moments: copy}}
      """;

  /// A third stage on top: routers only, measured, averaged, with the data where they were.
  static final String THREE_STAGES =
      TWO_STAGES
          + """
              - name: routers
                rates: {routers: 1.0e-2}
                steps: 3
                ema: 0.5
                carry: {data: keep}
                validate: {path: dense/held-out.txt, every: 1, rows: 2, result: best}
          """;

  TrainRun.Request request(String yaml, String... settings) {
    Path model = folder.resolve("dense");
    if (Files.notExists(model)) {
      SampleModel.writeTo(model);
    }
    RecipeText text = new RecipeText("mine.yaml", yaml, Optional.of(folder));
    List<Setting> given = Arrays.stream(settings).map(Setting::parse).toList();
    return new TrainRun.Request(
        Checkpoint.open(model), Recipes.resolve(text, given, Map.of()), Device.CPU, 1);
  }

  /// The same weights for all parts.
  static AuxiliaryLosses losses(AuxiliaryLosses.Balance kind, double balance, double routerZ) {
    return new AuxiliaryLosses(
        kind,
        AuxiliaryLosses.Weights.of(balance),
        AuxiliaryLosses.Weights.of(routerZ),
        AuxiliaryLosses.Filler.LEFT_OUT);
  }

  /// A process of its own that begins a run or goes on with it.
  ///
  /// @param before a command that starts the process
  ProcessBuilder process(String run, String yaml, String... before) {
    List<String> command = new ArrayList<>(List.of(before));
    command.addAll(
        ChildJvm.command(KillProbe.class, List.of(), List.of(folder.toString(), run, yaml)));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve(run + ".log").toFile());
  }

  /// Compares all files of two folders.
  static void assertSameBytes(Path actual, Path expected) {
    Map<String, byte[]> files = bytes(expected);
    Map<String, byte[]> found = bytes(actual);
    assertThat(found.keySet()).isEqualTo(files.keySet());
    files.forEach((name, bytes) ->
        assertThat(found.get(name)).as(actual.resolve(name).toString()).isEqualTo(bytes));
  }

  private static Map<String, byte[]> bytes(Path folder) {
    Map<String, byte[]> bytes = new LinkedHashMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        bytes.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes;
  }
}
