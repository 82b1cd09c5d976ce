package dev.upcycle.dialect;

import dev.upcycle.checkpoint.TensorEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// How OpenAI's CLIP and open_clip call tensors, and what Hugging Face calls the same bytes.
///
/// @param layout where the towers' names begin
record OpenClipNames(OpenClipLayout layout) {
  /// Numbers that OpenAI's archives hold beside the weights; the shapes say the same.
  private static final Set<String> NUMBERS =
      Set.of("input_resolution", "context_length", "vocab_size");

  private static final String PROJECTION = "proj";
  private static final Pattern BLOCK = Pattern.compile("transformer\\.resblocks\\.(\\d+)\\.(.+)");
  private static final Pattern STACKED = Pattern.compile("attn\\.in_proj_(weight|bias)");

  /// In the order of the rows in the stacked matrix, as `torch.nn.MultiheadAttention` has them.
  static final List<String> ATTENTION = List.of("q_proj", "k_proj", "v_proj");

  private static final Pattern EXPERT = Pattern.compile("experts\\.(\\d+)\\.(c_fc|c_proj)");

  static final Map<String, String> OF_VISION =
      Map.of(
          "class_embedding", "embeddings.class_embedding",
          "conv1.weight", "embeddings.patch_embedding.weight",
          "positional_embedding", "embeddings.position_embedding.weight",
          "ln_pre.weight", "pre_layrnorm.weight",
          "ln_pre.bias", "pre_layrnorm.bias",
          "ln_post.weight", "post_layernorm.weight",
          "ln_post.bias", "post_layernorm.bias");

  static final Map<String, String> OF_TEXT =
      Map.of(
          "token_embedding.weight", "embeddings.token_embedding.weight",
          "positional_embedding", "embeddings.position_embedding.weight",
          "ln_final.weight", "final_layer_norm.weight",
          "ln_final.bias", "final_layer_norm.bias");

  static final Map<String, String> OF_A_BLOCK =
      Map.of(
          "ln_1", "layer_norm1",
          "ln_2", "layer_norm2",
          "attn.out_proj", "self_attn.out_proj",
          "mlp.c_fc", "mlp.fc1",
          "mlp.c_proj", "mlp.fc2",
          "gate", "mlp.gate");

  /// Why a tensor may go; empty for one that may not.
  Optional<String> dispensable(String stored) {
    if (NUMBERS.contains(stored)) {
      return Optional.of("the shapes of the weights say the same");
    }
    return layout.text().isEmpty() && stored.equals(layout.vision() + PROJECTION)
        ? Optional.of("it leads from the tower into the space that it shares with texts")
        : Optional.empty();
  }

  /// The tensors that Hugging Face has for a stored one, as views of its bytes; itself where no
  /// such name is known or its shape is none that can be viewed so.
  List<TensorEntry> views(TensorEntry stored) {
    String name = stored.name();
    if (name.startsWith(layout.vision())) {
      String own = name.substring(layout.vision().length());
      return views(stored, own, "vision_model.", OF_VISION);
    }
    return layout
        .text()
        .filter(name::startsWith)
        .map(prefix -> views(stored, name.substring(prefix.length()), "text_model.", OF_TEXT))
        .orElse(List.of(stored));
  }

  private List<TensorEntry> views(
      TensorEntry stored, String own, String tower, Map<String, String> frame) {
    Matcher block = BLOCK.matcher(own);
    String renamed = frame.get(own);
    if (renamed != null) {
      return List.of(stored.named(tower + renamed));
    }
    if (block.matches()) {
      return ofBlock(stored, tower + "encoder.layers." + block.group(1) + ".", block.group(2));
    }
    Optional<String> projection = projection(own, tower);
    return List.of(
        projection
            .filter(_ -> isMatrix(stored))
            .map(name -> stored.transposed().named(name))
            .orElse(stored));
  }

  private static Optional<String> projection(String own, String tower) {
    if (tower.equals("vision_model.")) {
      return own.equals(PROJECTION) ? Optional.of("visual_projection.weight") : Optional.empty();
    }
    return own.equals("text_projection") ? Optional.of("text_projection.weight") : Optional.empty();
  }

  private static List<TensorEntry> ofBlock(TensorEntry stored, String layer, String own) {
    Matcher stacked = STACKED.matcher(own);
    if (stacked.matches() && stacksThree(stored)) {
      long rows = stored.shape().dimension(0) / ATTENTION.size();
      List<TensorEntry> parts = new ArrayList<>();
      for (String part : ATTENTION) {
        String name = layer + "self_attn." + part + "." + stacked.group(1);
        parts.add(stored.rows(parts.size() * rows, rows).named(name));
      }
      return parts;
    }
    int dot = own.lastIndexOf('.');
    String renamed = dot < 0 ? null : renamed(own.substring(0, dot));
    return List.of(renamed == null ? stored : stored.named(layer + renamed + own.substring(dot)));
  }

  /// CLIP-MoE's experts stand where a dense block has `mlp`.
  private static @Nullable String renamed(String linear) {
    Matcher expert = EXPERT.matcher(linear);
    return expert.matches()
        ? "mlp.experts." + expert.group(1) + (expert.group(2).equals("c_fc") ? ".fc1" : ".fc2")
        : OF_A_BLOCK.get(linear);
  }

  private static boolean isMatrix(TensorEntry stored) {
    return stored.shape().rank() == 2 && stored.dtype().bits() % Byte.SIZE == 0;
  }

  private static boolean stacksThree(TensorEntry stored) {
    return stored.shape().rank() > 0
        && stored.bytes() > 0
        && stored.dtype().bits() % Byte.SIZE == 0
        && stored.shape().dimension(0) % ATTENTION.size() == 0;
  }
}
