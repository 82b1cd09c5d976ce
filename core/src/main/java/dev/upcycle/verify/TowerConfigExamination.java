package dev.upcycle.verify;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Modeling;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Does the `config.json` of a target that writes no texts name the classes of its modelling file,
/// and does it describe, part by part, the dense model with the experts that the recipe asks for?
final class TowerConfigExamination implements Examination {
  /// Keys that a part's config may have beside its source's.
  static final Set<String> OF_EXPERTS =
      Set.of("num_experts", "num_experts_per_tok", "router_norm_topk_prob", "moe_layers");

  /// The same of a connector, in the config of the whole.
  private static final Set<String> OF_CONNECTORS =
      Set.of("projector_num_experts", "projector_num_experts_per_tok", "router_norm_topk_prob");

  private final ConfigExamination decoders;

  /// @param decoders examines what writes texts inside a composition
  TowerConfigExamination(ConfigExamination decoders) {
    this.decoders = decoders;
  }

  /// Keys of the whole that are about its files and classes.
  private static final Set<String> OF_FILES =
      Set.of(
          "_name_or_path",
          "architectures",
          "auto_map",
          "dtype",
          "model_type",
          "quantization_config",
          "torch_dtype");

  @Override
  public void examine(Subject subject, Findings findings) {
    ModelConfig config = subject.target().config();
    classes(subject, findings);
    ConfigValues.expectEqual(
        "dtype", config.json().path("torch_dtype"), config.json().path("dtype"), findings);
    subject.recipe().ifPresent(recipe -> asAsked(recipe, subject, findings));
    subject.source().ifPresent(source -> asDense(subject, findings));
    for (int i = 0; i < subject.parts().parts().size(); i++) {
      ModelPart part = subject.parts().parts().get(i);
      if (part.family().decodes()) {
        decoders.ofPart(subject.denseParts().parts().get(i), part, subject, findings);
      }
    }
    scales(subject, findings);
  }

  /// At which scales does it look at images?
  private static void scales(Subject subject, Findings findings) {
    if (subject.family().rule(Part.CONNECTOR).isEmpty()) {
      return;
    }
    List<Integer> actual = ConnectorConfig.scales(subject.target().config());
    subject
        .recipe()
        .flatMap(recipe -> recipe.component(Part.VISION))
        .map(Component::scales)
        .or(() -> subject.source().map(source -> ConnectorConfig.scales(source.config())))
        .ifPresent(wanted ->
            expect(
                wanted.equals(actual),
                "scales",
                "expected %s, actual %s".formatted(wanted, actual),
                findings));
  }

  private static void classes(Subject subject, Findings findings) {
    Optional<Modeling> modeling = subject.family().modeling();
    if (modeling.isEmpty()) {
      if (!subject.family().parts().isEmpty()) {
        ConfigValues.expectEqual(
            "architectures",
            JsonMapper.shared().createArrayNode().add(subject.family().className()),
            subject.target().config().json().path("architectures"),
            findings);
      }
      return;
    }
    ObjectNode json = subject.target().config().json();
    List<String> dense =
        subject.source().map(source -> source.config().strings("architectures")).orElse(List.of());
    String first = json.path("architectures").path(0).asString("");
    expect(
        subject.source().isPresent()
            ? first.equals(modeling.get().className(dense))
            : modeling.get().autoClasses().containsValue(first),
        "architectures",
        "is [" + first + "], expected the class of " + modeling.get().file() + " for the dense one",
        findings);
    ObjectNode wanted = JsonMapper.shared().createObjectNode();
    wanted.put("AutoConfig", modeling.get().module() + modeling.get().configClass());
    modeling
        .get()
        .autoClasses()
        .forEach((loader, name) -> wanted.put(loader, modeling.get().module() + name));
    ConfigValues.expectEqual("auto_map", wanted, json.path("auto_map"), findings);
  }

  private static void asAsked(Recipe recipe, Subject subject, Findings findings) {
    for (ModelPart part : subject.parts().parts()) {
      Optional<Component> component = part.part().flatMap(recipe::component);
      component.ifPresent(asked -> experts(part, asked, subject, findings));
      if (component.isEmpty() && part.part().isPresent()) {
        expect(
            !part.family().mixtureOfExperts() || alreadyMixture(part, subject),
            part.family().modelType(),
            "has experts, recipe.yaml leaves it dense",
            findings);
      }
    }
    recipe
        .output()
        .config()
        .forEach((key, wanted) ->
            ConfigValues.expectEqual(
                key,
                JsonMapper.shared().valueToTree(wanted),
                subject.target().config().json().path(key),
                findings));
  }

  private static boolean alreadyMixture(ModelPart part, Subject subject) {
    return part.part()
        .flatMap(subject.denseParts()::find)
        .filter(dense -> dense.family() == part.family())
        .isPresent();
  }

  private static void experts(ModelPart part, Component asked, Subject subject, Findings findings) {
    ObjectNode json = part.config().json();
    JsonMapper mapper = JsonMapper.shared();
    boolean mixtral = part.family().decodes() && !part.family().mixesLayers();
    String count = mixtral ? "num_local_experts" : "num_experts";
    ConfigValues.expectEqual(
        count, mapper.valueToTree(asked.experts().count()), json.path(count), findings);
    ConfigValues.expectEqual(
        "num_experts_per_tok",
        mapper.valueToTree(asked.experts().perToken()),
        json.path("num_experts_per_tok"),
        findings);
    boolean single = !subject.family().ownKeys().isEmpty();
    if (mixtral || (single && !json.has("router_norm_topk_prob"))) {
      return;
    }
    ConfigValues.expectEqual(
        "router_norm_topk_prob",
        mapper.valueToTree(true),
        json.path("router_norm_topk_prob"),
        findings);
    part.family()
        .sparseLayersKey()
        .ifPresent(key ->
            ConfigValues.expectEqual(
                key,
                mapper.valueToTree(asked.layers().of(part.dimensions().layers())),
                json.path(key),
                findings));
  }

  private static void asDense(Subject subject, Findings findings) {
    Set<String> overridden =
        subject.recipe().map(recipe -> recipe.output().config().keySet()).orElse(Set.of());
    Composition dense = subject.denseParts();
    Set<String> nested = new HashSet<>(OF_FILES);
    if (dense.whole().rule(Part.CONNECTOR).isPresent()) {
      nested.addAll(OF_CONNECTORS);
      nested.add("scales");
    }
    dense
        .whole()
        .parts()
        .forEach(rule -> {
          nested.add(rule.config());
          nested.add(Composition.repeated(rule));
        });
    boolean otherForm = !dense.whole().ownKeys().isEmpty() || !subject.family().ownKeys().isEmpty();
    for (int i = otherForm ? 1 : 0; i < dense.parts().size(); i++) {
      ModelPart before = dense.parts().get(i);
      if (before.family().decodes()) {
        continue;
      }
      ObjectNode wanted = before.family().complete(before.config()).json();
      ModelPart after = subject.parts().parts().get(i);
      boolean derived = after.part().equals(Optional.of(Part.CONNECTOR)) && i > 0;
      ObjectNode actual =
          derived || before.family().mixtureOfExperts()
              ? after.family().complete(after.config()).json()
              : after.config().json();
      Set<String> keys = new HashSet<>(wanted.propertyNames());
      keys.addAll(actual.propertyNames());
      keys.removeAll(nested);
      keys.removeAll(overridden);
      for (String key : keys.stream().sorted().toList()) {
        if (!OF_EXPERTS.contains(key) || wanted.has(key)) {
          ConfigValues.expectEqual(key, wanted.path(key), actual.path(key), findings);
        }
      }
    }
  }

  private static void expect(boolean holds, String key, String message, Findings findings) {
    findings.covered(CheckKind.CONFIG);
    if (!holds) {
      findings.failed(CheckKind.CONFIG, "config.json: " + key, message);
    }
  }
}
