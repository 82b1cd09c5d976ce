package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.ModelConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Which families can go in, and why the others cannot.
public final class Families {
  private Families() {}

  /// The families that can be upcycled, sorted.
  public static List<String> dense() {
    return Architecture.known().stream()
        .filter(family -> !Architecture.require(family).upcyclesTo().isEmpty())
        .toList();
  }

  /// Why a model of this config cannot be upcycled, with the way out; empty when its family can.
  public static Optional<String> refusal(ModelConfig config) {
    String family = config.modelType();
    Optional<Architecture> known = Architecture.find(family);
    if (known.isPresent() && !known.get().upcyclesTo().isEmpty()) {
      return Optional.empty();
    }
    if (known.map(Architecture::mixtureOfExperts).orElseGet(() -> hasExperts(config))) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "a %s is already a Mixture-of-Experts; give the dense model that it came from",
              family));
    }
    Optional<String> reason =
        Optional.ofNullable(refusals().path("dense").get(family)).map(JsonNode::asString);
    return Optional.of(
        String.format(
            Locale.ROOT,
            "model_type %s is not built: %s. Families that can go in: %s",
            family,
            reason.orElse("its tensor names and mathematics are not known here"),
            String.join(", ", dense())));
  }

  /// The families that something can be upcycled to, sorted.
  public static List<String> targets() {
    return dense().stream()
        .flatMap(family -> Architecture.require(family).upcyclesTo().stream())
        .distinct()
        .sorted()
        .toList();
  }

  private static boolean hasExperts(ModelConfig config) {
    String family = config.modelType();
    JsonNode refusals = refusals();
    return family.toLowerCase(Locale.ROOT).contains("moe")
        || texts(refusals.path("mixtures")).anyMatch(family::equals)
        || texts(refusals.path("expert_keys")).anyMatch(key -> counts(config.json(), key));
  }

  // Configs of several parts hold one object for each, such as text_config.
  private static boolean counts(ObjectNode config, String key) {
    return Stream.concat(Stream.of((JsonNode) config), config.valueStream())
        .anyMatch(part -> part.path(key).asInt(0) > 1);
  }

  private static Stream<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asString);
  }

  private static JsonNode refusals() {
    try (InputStream in = Families.class.getResourceAsStream("refusals.json")) {
      if (in == null) {
        throw new IllegalStateException("resource dev/upcycle/plan/refusals.json is missing");
      }
      return JsonMapper.shared().readTree(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
