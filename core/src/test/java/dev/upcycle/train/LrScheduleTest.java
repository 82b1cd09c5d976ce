package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.Updates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Against the schedules of transformers and DeepSpeed, recorded by
/// `test-fixtures/interop/make_schedule_golden.py`.
class LrScheduleTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("upcycle.root"))
          .resolve(
              "test-fixtures/src/main/resources/dev/upcycle/fixtures/golden/train/schedules.json");

  private static final Percentage ROUNDINGS = Percentage.withPercentage(1e-10);

  static Stream<JsonNode> schedules() throws IOException {
    return JsonMapper.shared()
        .readTree(Files.readString(GOLDEN))
        .path("schedules")
        .values()
        .stream();
  }

  private static Updates.Course course(JsonNode golden) {
    return switch (golden.path("course").asString()) {
      case "cosine" -> new Updates.Course.Cosine(golden.get("last").asDouble());
      case "linear" -> new Updates.Course.Linear(golden.get("last").asDouble());
      case "constant" -> new Updates.Course.Constant(golden.get("cooldown").asDouble());
      default -> throw new IllegalArgumentException(golden.toString());
    };
  }

  private static Updates.Rise rise(JsonNode golden) {
    return Updates.Rise.valueOf(golden.path("rise").asString().toUpperCase(Locale.ROOT));
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void everyShareIsTheirs(JsonNode golden) {
    LrSchedule schedule =
        new LrSchedule.WarmedUp(
            course(golden),
            rise(golden),
            golden.path("warmup").asLong(),
            golden.path("steps").asLong());
    JsonNode shares = golden.path("shares");
    assertThat(shares.size()).isEqualTo(golden.path("steps").asInt());
    for (int step = 0; step < shares.size(); step++) {
      assertThat(schedule.share(step))
          .as("step %d of %s", step, golden.path("source"))
          .isCloseTo(shares.get(step).asDouble(), ROUNDINGS);
    }
  }

  @Test
  void everyScheduleOfTheirsDiffersFromAnothers() throws IOException {
    assertThat(schedules().filter(golden -> golden.path("warmup").asInt() == 7))
        .extracting(golden -> golden.path("shares").toString())
        .doesNotHaveDuplicates()
        .hasSize(10);
  }

  @Test
  void theWarmUpIsAShareOfTheStepsRoundedUp() {
    Updates.ScheduleSettings settings =
        new Updates.ScheduleSettings(
            new Updates.Course.Constant(0), new Updates.Warmup(Updates.Rise.LINEAR, 0.03));
    LrSchedule schedule = LrSchedule.of(settings, 101);
    assertThat(schedule.share(3)).isEqualTo(3.0 / 4);
    assertThat(schedule.share(4)).isEqualTo(1);
  }
}
