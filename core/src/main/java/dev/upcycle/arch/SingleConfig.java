package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// The one config of a LLaVA in LLaVA's and CuMo's own form: the decoder's, with `mm_` keys for
/// what stands before it.
public final class SingleConfig {
  private static final String TOWER = "mm_vision_tower";
  private static final String OWN = "vision_config";

  /// The state of the tower that is read.
  static final String STATE = "mm_vision_select_layer";

  private static final String FEATURE = "mm_vision_select_feature";

  /// What the connector is.
  static final String PROJECTOR = "mm_projector_type";

  private static final String SPARSE_PROJECTOR = "smoe_mlp";
  private static final String ONE_LAYER = "linear";

  /// A key of ours: CuMo's own connector with experts always has two layers.
  private static final String SPARSE_DEPTH = "mm_projector_depth";

  private static final long USUAL_DEPTH = 2;
  private static final String NUMERICS = "router_numerics";

  /// What both projects put into a text for an image (`IMAGE_TOKEN_INDEX` in their `constants.py`);
  /// no vocabulary has it.
  private static final long IMAGE = -200;

  /// Sizes that the published towers have; the config of a LLaVA only names its tower.
  ///
  /// @param hidden width of the states
  /// @param intermediate width of the feed-forward networks
  /// @param layers number of layers
  /// @param heads number of heads
  /// @param image side of an image
  /// @param patch side of a patch
  /// @param projection width of the space that images and texts share
  private record Sizes(
      long hidden,
      long intermediate,
      long layers,
      long heads,
      long image,
      long patch,
      long projection) {
    void put(ObjectNode json) {
      json.put("hidden_size", hidden);
      json.put("intermediate_size", intermediate);
      json.put("num_hidden_layers", layers);
      json.put("num_attention_heads", heads);
      json.put("image_size", image);
      json.put("patch_size", patch);
      json.put("projection_dim", projection);
    }

    boolean of(Dimensions tower) {
      return tower.hidden() == hidden
          && tower.intermediate() == intermediate
          && tower.layers() == layers
          && tower.heads() == heads
          && tower.require("image") == image
          && tower.require("patch") == patch;
    }
  }

  /// From the models' own configs, read on 2026-11-23.
  private static final Map<String, Sizes> TOWERS =
      Map.of(
          "openai/clip-vit-large-patch14-336", new Sizes(1024, 4096, 24, 16, 336, 14, 768),
          "openai/clip-vit-large-patch14", new Sizes(1024, 4096, 24, 16, 224, 14, 768),
          "openai/clip-vit-base-patch16", new Sizes(768, 3072, 12, 12, 224, 16, 512),
          "openai/clip-vit-base-patch32", new Sizes(768, 3072, 12, 12, 224, 32, 512));

  private SingleConfig() {}

  /// The published tower of a tower's config, by its name on the hub; none where it computes
  /// otherwise, since CuMo takes the tower's config from that name.
  public static Optional<String> tower(ModelPart vision) {
    ModelConfig config = vision.family().complete(vision.config());
    Dimensions sizes = vision.dimensions();
    boolean openAi =
        config.findString("hidden_act").equals(Optional.of("quick_gelu"))
            && config.findDouble("layer_norm_eps").orElse(0) == 1e-5;
    return TOWERS.entrySet().stream()
        .filter(one -> openAi)
        .filter(one -> one.getValue().of(sizes))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /// A composition's config, the family's defaults filled in, with what it says of the whole in the
  /// words of transformers.
  ///
  /// CuMo, which alone has scales, always reads the states before the last layer without the class
  /// token; LLaVA reads those that its keys name.
  ///
  /// @param family of the whole
  public static ModelConfig spelled(Architecture family, ModelConfig whole) {
    ModelConfig complete = family.complete(whole);
    if (family.ownKeys().isEmpty()) {
      return complete;
    }
    ObjectNode json = complete.json();
    boolean cumo = !json.path("scales").isMissingNode() && !json.path("scales").isNull();
    json.put(TowerState.KEY, cumo ? -2 : state(family, whole));
    json.put("vision_feature_select_strategy", cumo ? "default" : strategy(whole));
    json.put("image_token_index", IMAGE);
    return whole.with(json);
  }

  private static long state(Architecture family, ModelConfig whole) {
    TowerState.requireOne(family, whole, STATE);
    return whole.findLong(STATE).orElse(-2);
  }

  private static String strategy(ModelConfig whole) {
    return switch (whole.findString(FEATURE).orElse("patch")) {
      case "patch" -> "default";
      case "cls_patch" -> "full";
      default -> throw Complaint.of(FEATURE, whole, "patch or cls_patch");
    };
  }

  /// A part's config as its code runs it: where the whole says nothing, CuMo's routers before the
  /// decoder round as its code does; its decoder's never do.
  ///
  /// @param family of the whole
  /// @param own the part's
  public static ModelConfig routed(Architecture family, ModelConfig whole, ModelPart own) {
    if (family.ownKeys().isEmpty() || !own.family().mixtureOfExperts()) {
      return own.config();
    }
    ObjectNode json = own.config().json();
    if (own.family().decodes()) {
      json.remove(NUMERICS);
    } else {
      json.put(NUMERICS, whole.findString(NUMERICS).orElse("cumo"));
    }
    return own.config().with(json);
  }

  /// The image tower's config: what the config holds of it, else that of the published tower which
  /// it names.
  static ModelConfig vision(ModelConfig whole) {
    ObjectNode json =
        whole.findNested(OWN).map(ModelConfig::json).orElseGet(() -> published(whole));
    json.put("model_type", "cumo_vision");
    if (whole.findBoolean("clip_smoe").orElse(false)) {
      json.put("num_experts", whole.requireLong("num_experts"));
      json.put("num_experts_per_tok", whole.requireLong("num_selected"));
    }
    return whole.with(json);
  }

  private static ObjectNode published(ModelConfig whole) {
    String name = whole.findString(TOWER).orElse("");
    String last = name.substring(name.lastIndexOf('/') + 1);
    ObjectNode json = whole.json().objectNode();
    TOWERS.entrySet().stream()
        .filter(one -> one.getKey().endsWith("/" + last))
        .findFirst()
        .orElseThrow(() ->
            Complaint.of(
                TOWER,
                whole,
                String.format(
                    Locale.ROOT,
                    "a folder or a name that ends as one of %s does; for another tower copy its"
                        + " config into config.json as %s",
                    String.join(", ", TOWERS.keySet().stream().sorted().toList()),
                    OWN)))
        .getValue()
        .put(json);
    return json;
  }

  /// The decoder's config.
  static ModelConfig language(ModelConfig whole, PartRule rule, Architecture family) {
    ObjectNode json = whole.json();
    family.ownKeys().forEach(json::remove);
    json.put("model_type", rule.families().getFirst());
    return whole.with(json);
  }

  /// What it says of the connector, in a connector's own words.
  static void connector(ModelConfig whole, ObjectNode connector) {
    String type = whole.findString(PROJECTOR).orElse("");
    if (type.isEmpty()) {
      return;
    }
    connector.put("depth", depth(whole));
    connector.put("hidden_act", "gelu");
    if (type.equals(ONE_LAYER)) {
      connector.put(PROJECTOR, type);
    }
    if (type.equals(SPARSE_PROJECTOR)) {
      connector.put("model_type", "mlp_moe");
      connector.put("num_experts", whole.requireLong("num_experts"));
      connector.put("num_experts_per_tok", whole.requireLong("num_selected"));
    }
  }

  /// How many linear layers the connector has; two where the config says nothing.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when it says what is not known
  public static long depth(ModelConfig whole) {
    String type = whole.findString(PROJECTOR).orElse("");
    return switch (type) {
      case "" -> USUAL_DEPTH;
      case ONE_LAYER -> 1;
      case SPARSE_PROJECTOR -> whole.findLong(SPARSE_DEPTH).orElse(USUAL_DEPTH);
      default ->
          numbered(type)
              .orElseThrow(() ->
                  Complaint.of(
                      PROJECTOR,
                      whole,
                      String.join(
                          ", ",
                          ONE_LAYER,
                          "mlp2x_gelu or another depth of that form",
                          SPARSE_PROJECTOR)));
    };
  }

  private static OptionalLong numbered(String type) {
    return List.of(type).stream()
        .filter(text -> text.matches("mlp[1-9]\\d?x_gelu"))
        .mapToLong(text -> Long.parseLong(text.substring(3, text.indexOf('x'))))
        .findFirst();
  }

  /// Says of a dense connector what it is; of the usual one nothing, which is what other forms say.
  ///
  /// @param connector of which the depth and the names say it
  public static void put(ModelPart connector, ObjectNode whole) {
    long depth = connector.dimensions().require("depth");
    if (depth == 1 && connector.naming().linears() != Naming.Linears.NUMBERED) {
      whole.put(PROJECTOR, ONE_LAYER);
    } else if (depth != USUAL_DEPTH) {
      whole.put(PROJECTOR, "mlp%dx_gelu".formatted(depth));
    }
  }

  /// What a connector consists of.
  public enum Form {
    DENSE,
    EXPERTS
  }

  /// Says of the connector what it is, in LLaVA's words or, with experts, in CuMo's.
  ///
  /// @param source the dense composition's config
  public static void put(ModelConfig source, Form form, ObjectNode whole) {
    if (form == Form.DENSE) {
      whole.put(PROJECTOR, source.findString(PROJECTOR).orElse("mlp2x_gelu"));
      return;
    }
    whole.put(PROJECTOR, SPARSE_PROJECTOR);
    if (depth(source) != USUAL_DEPTH) {
      whole.put(SPARSE_DEPTH, depth(source));
    }
  }
}
