package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import tools.jackson.databind.node.ObjectNode;

/// A model family as data: its tensor names, their roles and shapes, and the config keys that
/// matter.
///
/// Read from `dev/upcycle/arch/<model type>.json`; the planner, the verifier and the models use the
/// same templates.
public final class Architecture {
  static final CheckpointFault CONFIG_FAULT = CheckpointFault.BAD_CONFIG_VALUE;

  private static final List<String> KNOWN = ArchitectureReader.index();
  private static final Map<String, Architecture> READ = new ConcurrentHashMap<>();

  private final ArchitectureData data;
  private final TemplateTrie trie;
  private final TemplateTrie fusedTrie;

  private Architecture(ArchitectureData data) {
    this.data = data;
    this.trie = new TemplateTrie(data.templates());
    this.fusedTrie = new TemplateTrie(data.fused());
  }

  /// The known model types, sorted.
  public static List<String> known() {
    return KNOWN;
  }

  /// The architecture of this model type, if it is known.
  public static Optional<Architecture> find(String modelType) {
    return KNOWN.contains(modelType)
        ? Optional.of(
            READ.computeIfAbsent(
                modelType, type -> new Architecture(ArchitectureReader.read(type))))
        : Optional.empty();
  }

  /// The architecture of this model type.
  ///
  /// @throws CheckpointFormatException listing the known types
  public static Architecture require(String modelType) {
    return find(modelType)
        .orElseThrow(() ->
            new CheckpointFormatException(
                CONFIG_FAULT,
                String.format(
                    Locale.ROOT,
                    "model_type in config.json is %s, expected one of %s",
                    modelType,
                    String.join(", ", KNOWN))));
  }

  /// `model_type` of its configs.
  public String modelType() {
    return data.modelType();
  }

  /// The name of its class in transformers, or in the modelling file that its checkpoints bring
  /// along, such as `MixtralForCausalLM`.
  public String className() {
    return data.className();
  }

  /// Which part of a larger model it can be; empty for a composition of several.
  public Optional<Part> part() {
    return data.part();
  }

  /// What recipes may call it beside its model type: `clip` for `clip_vision_model`.
  public String shortName() {
    return data.shortName();
  }

  /// What recipes call it as a target: `cumo` for both of CuMo's model types.
  public String targetName() {
    return data.targetName();
  }

  /// How its tensors are called where it is the whole model.
  Naming alone() {
    return data.alone();
  }

  /// Whether its class looks at images at several scales.
  public boolean severalScales() {
    return data.severalScales();
  }

  /// Keys of a composition that stand in the same config as those of a part.
  public List<String> ownKeys() {
    return data.ownKeys();
  }

  /// Tensors of the families that it stands for which it never uses, by their names.
  public List<String> leftOut() {
    return data.leftOut();
  }

  /// The first segment of its names, with the dot, that one generation of transformers writes and
  /// another leaves out, such as `vision_model.`; templates have it.
  public Optional<String> level() {
    return data.level();
  }

  /// Whether a target keeps to the dialect of its source; else it is written with the level.
  boolean levelAsRead() {
    return data.levelAsRead();
  }

  /// The modelling file that its checkpoints bring along; empty where transformers has the class.
  public Optional<Modeling> modeling() {
    return data.modeling();
  }

  /// The families that it is composed of, beside its own tensors.
  public List<PartRule> parts() {
    return data.parts();
  }

  /// How a part stands in it, if it is composed of such a part.
  public Optional<PartRule> rule(Part part) {
    return data.parts().stream().filter(rule -> rule.part() == part).findFirst();
  }

  /// True when its feed-forward networks are experts behind a router.
  public boolean mixtureOfExperts() {
    return has(Role.ROUTER);
  }

  /// The model types that a dense model of this family can become, the preferred one first; empty
  /// for a Mixture-of-Experts.
  public List<String> upcyclesTo() {
    return data.upcyclesTo();
  }

  /// The base frequency of the rotary embedding where a config gives none.
  public double defaultRopeTheta() {
    return data.ropeTheta();
  }

  /// How many tokens up to itself a token of a layer sees; empty when all.
  ///
  /// @throws CheckpointFormatException when the config's keys for it have the wrong kind
  public OptionalLong slidingWindow(ModelConfig config, int layer) {
    return data.window().window(complete(config), layer);
  }

  /// Whether the weights of a token's chosen experts are divided by their sum.
  public boolean renormalises(ModelConfig config) {
    return data.renormaliseKey().map(key -> truth(config, key)).orElse(true);
  }

  /// Config keys that the class ignores though other families honour them.
  public List<String> ignoredKeys() {
    return data.ignored();
  }

  /// Config keys that mean nothing once the model is another family's.
  public List<String> supersededKeys() {
    return data.superseded();
  }

  /// Config keys that its configs must not hold: another family means something by them, or a
  /// generation of transformers reads them as a second spelling of one of this family's own keys,
  /// as transformers 5 reads a Mixtral's `num_experts` as `num_local_experts`.
  public List<String> foreignKeys() {
    return data.foreign();
  }

  /// The config with every absent key that the class has a default for.
  ///
  /// A key that is there with a null value stays null: to the class that is a value. The rotary
  /// embedding's base is not filled in, since either of two spellings may hold it; see
  /// [#defaultRopeTheta()].
  public ModelConfig complete(ModelConfig config) {
    ObjectNode json = config.json();
    data.defaults()
        .forEachEntry((key, value) -> {
          if (!config.has(key)) {
            json.set(key, value);
          }
        });
    return config.with(json);
  }

  /// The config of a part with every size that it leaves out because the class has a default for
  /// it: alone a config must give them.
  ModelConfig completeNested(ModelConfig config) {
    ObjectNode json = config.json();
    data.nestedDefaults()
        .forEachEntry((key, value) -> {
          if (!config.has(key)) {
            json.set(key, value);
          }
        });
    return config.with(json);
  }

  List<Dimensions.Rule> dimensionRules() {
    return data.rules();
  }

  /// All templates, in the order of the family's state dict.
  public List<TensorTemplate> templates() {
    return data.templates();
  }

  /// The templates of the fused layout that transformers 5 keeps in memory and some tools write;
  /// they stand for the router and the experts of [#templates()]. Empty when there is none.
  public List<TensorTemplate> fusedTemplates() {
    return data.fused();
  }

  /// The one template of a role.
  ///
  /// @throws IllegalArgumentException when the family has none or several
  public TensorTemplate template(Role role) {
    List<TensorTemplate> found =
        data.templates().stream().filter(template -> template.role() == role).toList();
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%s has %d templates of the role %s", modelType(), found.size(), role));
    }
    return found.getFirst();
  }

  /// True when it has tensors of a role.
  public boolean has(Role role) {
    return data.templates().stream().anyMatch(template -> template.role() == role);
  }

  /// Matches a name; empty when no template has it.
  public Optional<TemplateMatch> match(String name) {
    return trie.match(name);
  }

  /// Matches a name of the fused layout; empty when no fused template has it.
  public Optional<TemplateMatch> matchFused(String name) {
    return fusedTrie.match(name);
  }

  /// The name that a template gives at these indices.
  public String name(TensorTemplate template, OptionalInt layer, OptionalInt expert) {
    return template.name(layer, expert);
  }

  /// The shape of a template under a config.
  public Shape shape(TensorTemplate template, ModelConfig config) {
    return Dimensions.of(this, config).shape(template);
  }

  /// How many layers have experts.
  ///
  /// @throws CheckpointFormatException when the config does not give the dimensions
  public int sparseLayers(ModelConfig config) {
    if (!mixtureOfExperts()) {
      return 0;
    }
    ModelConfig complete = complete(config);
    return sparse(complete).count(Dimensions.of(this, complete).layers());
  }

  /// Every tensor that a checkpoint of this config holds, in state dict order, all of one dtype.
  ///
  /// @throws CheckpointFormatException when the config does not give the dimensions
  public List<TensorSpec> expected(ModelConfig config, DType dtype) {
    return slots(config).stream().map(slot -> slot.spec(dtype)).toList();
  }

  /// Every tensor that a checkpoint of this config holds, in state dict order, with what it is.
  ///
  /// @throws CheckpointFormatException when the config does not give the dimensions
  public List<TensorSlot> slots(ModelConfig config) {
    return slots(config, name -> false);
  }

  /// The same together with those that a checkpoint may hold or not, and does.
  ///
  /// @param held whether the checkpoint holds a tensor
  List<TensorSlot> slots(ModelConfig config, Predicate<String> held) {
    return slots(config, data.templates(), template -> mayBeHeld(template, held));
  }

  private boolean mayBeHeld(TensorTemplate template, Predicate<String> held) {
    return template.presence() == TensorTemplate.Presence.OPTIONAL
        && !data.leftOut().contains(template.pattern())
        && template.flag().isEmpty()
        && !template.perLayer()
        && held.test(template.pattern());
  }

  /// True when layers with and without experts can stand in one model.
  public boolean mixesLayers() {
    return data.templates().stream()
        .anyMatch(template -> template.layers() == TensorTemplate.Layers.DENSE);
  }

  /// The config key that lists the layers that have experts; empty where other keys say it.
  public Optional<String> sparseLayersKey() {
    return data.sparseLayersKey();
  }

  /// True when it writes texts: it has a head over the vocabulary.
  public boolean decodes() {
    return has(Role.LM_HEAD);
  }

  /// The same in the fused layout, which has [#fusedTemplates()] in the place of the router and the
  /// experts.
  ///
  /// @throws CheckpointFormatException when the config does not give the dimensions
  public List<TensorSlot> fusedSlots(ModelConfig config) {
    List<TensorTemplate> templates = new ArrayList<>();
    for (TensorTemplate template : data.templates()) {
      switch (template.role().kind()) {
        case ROUTER -> templates.addAll(data.fused());
        case EXPERT -> {}
        case BODY, DENSE, SHARED, STACKED, DERIVED -> templates.add(template);
      }
    }
    return slots(config, templates, template -> false);
  }

  private List<TensorSlot> slots(
      ModelConfig config, List<TensorTemplate> templates, Predicate<TensorTemplate> alsoHeld) {
    ModelConfig complete = complete(config);
    List<TensorTemplate> present =
        templates.stream()
            .filter(template -> expects(template, complete) || alsoHeld.test(template))
            .toList();
    return new SlotOrder(Dimensions.of(this, complete), sparse(complete)).slots(present);
  }

  /// True when a checkpoint of this config should hold the template's tensors.
  public boolean expects(TensorTemplate template, ModelConfig config) {
    return switch (template.presence()) {
      case REQUIRED -> true;
      case UNLESS_TIED -> !truth(config, "tie_word_embeddings");
      case OPTIONAL -> template.flag().isPresent() && truth(config, template.flag().get());
      case DERIVED -> false;
    };
  }

  private SparseLayers sparse(ModelConfig complete) {
    return SparseLayers.of(complete, data.sparseLayersKey());
  }

  private boolean truth(ModelConfig config, String key) {
    if (config.has(key)) {
      return config.findBoolean(key).orElse(false);
    }
    return data.defaults().path(key).asBoolean(false);
  }

  /// The model type.
  @Override
  public String toString() {
    return modelType();
  }
}
