package dev.upcycle.dialect;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The config that Hugging Face's class needs for a CLIP of OpenAI or open_clip.
///
/// Sizes come from the shapes, as OpenAI's and open_clip's own loaders take them, and from
/// `open_clip_config.json` where it lies beside the weights.
///
/// @param config as `config.json` would say it
/// @param assumptions what neither file nor shapes say, for the user to see
public record OpenClipConfig(ModelConfig config, List<String> assumptions) {
  private static final String FILE = "open_clip_config.json";
  private static final String MODEL = "model_cfg";
  private static final long HEAD_WIDTH = 64;
  private static final double NORM_EPS = 1e-5;

  /// Takes a copy.
  public OpenClipConfig {
    assumptions = List.copyOf(assumptions);
  }

  /// The config of a checkpoint as it is stored.
  ///
  /// @throws CheckpointFormatException when `open_clip_config.json` asks for what Hugging Face's
  ///   class does not compute, or a tensor that says a size is missing
  public static OpenClipConfig of(Checkpoint stored, OpenClipLayout layout) {
    Path file = stored.directory().resolve(FILE);
    Optional<ModelConfig> said =
        Files.isRegularFile(file)
            ? Optional.of(ModelConfig.read(file).findNested(MODEL).orElseThrow(() -> absent(file)))
            : Optional.empty();
    said.ifPresent(OpenClipSettings::requireKnown);
    return new Derivation(stored, layout, said).config();
  }

  private static CheckpointFormatException absent(Path file) {
    return new CheckpointFormatException(
        CheckpointFault.MISSING_CONFIG_KEY,
        file + ": 'model_cfg' is absent or null, expected open_clip's settings of the model");
  }

  /// One derivation.
  private record Derivation(Checkpoint stored, OpenClipLayout layout, Optional<ModelConfig> said) {
    OpenClipConfig config() {
      ObjectNode vision = tower("clip_vision_model", layout.vision(), section("vision_cfg"));
      vision(vision);
      ObjectNode json = vision;
      Optional<String> text = layout.text();
      if (text.isPresent()) {
        json = JsonNodeFactory.instance.objectNode();
        json.putArray("architectures").add("CLIPModel");
        json.put("model_type", "clip");
        json.put("projection_dim", projection(text.get()));
        ObjectNode language = tower("clip_text_model", text.get(), section("text_cfg"));
        text(language, text.get());
        json.set("text_config", language);
        json.set("vision_config", vision);
      } else {
        json.putArray("architectures").add("CLIPVisionModel");
      }
      return new OpenClipConfig(ModelConfig.of(json), assumptions());
    }

    private Optional<ModelConfig> section(String key) {
      return said.flatMap(config -> config.findNested(key));
    }

    /// What both towers have.
    private ObjectNode tower(String type, String prefix, Optional<ModelConfig> section) {
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      String blocks = prefix + "transformer.resblocks.";
      Shape first = shape(blocks + "0.mlp.c_fc.weight", 2);
      long width = said(section, "width").orElse(first.dimension(1));
      json.put("model_type", type);
      json.put("hidden_size", width);
      json.put("intermediate_size", first.dimension(0));
      json.put("num_hidden_layers", said(section, "layers").orElse(layers(blocks)));
      json.put("num_attention_heads", heads(width, section));
      json.put("hidden_act", activation());
      json.put("layer_norm_eps", NORM_EPS);
      return json;
    }

    private void vision(ObjectNode json) {
      Optional<ModelConfig> section = section("vision_cfg");
      Shape patches = shape(layout.vision() + "conv1.weight", 4);
      long patch = said(section, "patch_size").orElse(patches.dimension(3));
      json.put("num_channels", patches.dimension(1));
      json.put("patch_size", patch);
      json.put("image_size", image(section).orElseGet(() -> grid() * patch));
    }

    private void text(ObjectNode json, String prefix) {
      Optional<ModelConfig> section = section("text_cfg");
      long vocab =
          said(section, "vocab_size")
              .orElse(shape(prefix + "token_embedding.weight", 2).dimension(0));
      json.put("vocab_size", vocab);
      json.put(
          "max_position_embeddings",
          said(section, "context_length")
              .orElse(shape(prefix + "positional_embedding", 2).dimension(0)));
      json.put("bos_token_id", vocab - 2);
      json.put("eos_token_id", vocab - 1);
      json.put("projection_dim", projection(prefix));
    }

    private long projection(String textPrefix) {
      return said.map(config -> config.findLong("embed_dim"))
          .orElseGet(OptionalLong::empty)
          .orElseGet(() -> shape(textPrefix + "text_projection", 2).dimension(1));
    }

    private static OptionalLong said(Optional<ModelConfig> section, String key) {
      return section.map(config -> config.findLong(key)).orElseGet(OptionalLong::empty);
    }

    /// open_clip gives the image tower's heads a width and the text tower's a number.
    private static long heads(long width, Optional<ModelConfig> section) {
      OptionalLong heads = said(section, "heads");
      return heads.orElseGet(
          () -> Math.max(1, width / said(section, "head_width").orElse(HEAD_WIDTH)));
    }

    /// A side of an image; open_clip may give both.
    private static OptionalLong image(Optional<ModelConfig> section) {
      Optional<JsonNode> sides =
          section.map(config -> config.json().path("image_size")).filter(JsonNode::isArray);
      return sides.isPresent() && sides.get().path(0).equals(sides.get().path(1))
          ? OptionalLong.of(sides.get().path(0).asLong())
          : said(section, "image_size");
    }

    /// Patches along a side: the positions but for the one of the class.
    private long grid() {
      long patches = shape(layout.vision() + "positional_embedding", 2).dimension(0) - 1;
      long side = Math.round(Math.sqrt((double) patches));
      if (side < 1 || side * side != patches) {
        throw new CheckpointFormatException(
            CheckpointFault.BAD_CONFIG_VALUE,
            String.format(
                Locale.ROOT,
                "%s: %spositional_embedding has %d places for patches, expected a square number; an %s beside the weights can say image_size",
                stored.directory(),
                layout.vision(),
                patches,
                FILE));
      }
      return side;
    }

    private long layers(String blocks) {
      Pattern block = Pattern.compile(Pattern.quote(blocks) + "(\\d{1,5})\\..*");
      return stored.tensors().keySet().stream()
          .map(block::matcher)
          .filter(Matcher::matches)
          .mapToLong(found -> Long.parseLong(found.group(1)) + 1)
          .max()
          .orElse(1);
    }

    private String activation() {
      return said.map(config -> config.findBoolean("quick_gelu").orElse(false)).orElse(true)
          ? "quick_gelu"
          : "gelu";
    }

    private Shape shape(String name, int rank) {
      TensorEntry entry = stored.require(name);
      if (entry.shape().rank() != rank) {
        throw new CheckpointFormatException(
            CheckpointFault.BAD_CONFIG_VALUE,
            String.format(
                Locale.ROOT,
                "%s: tensor '%s' is %s, expected %d dimensions; it is none of a CLIP",
                stored.directory(),
                name,
                entry.shape(),
                rank));
      }
      return entry.shape();
    }

    private List<String> assumptions() {
      String names = "read by the names of OpenAI's CLIP and open_clip, as Hugging Face's";
      return said.isPresent()
          ? List.of(names + "; sizes and activation from " + FILE)
          : List.of(
              names
                  + "; without "
                  + FILE
                  + " the sizes come from the shapes, and assumed are heads of width 64, a norm's"
                  + " epsilon of 1e-5 and, as in OpenAI's own weights, the activation quick_gelu;"
                  + " LAION's have gelu: put their "
                  + FILE
                  + " beside the weights");
    }
  }
}
