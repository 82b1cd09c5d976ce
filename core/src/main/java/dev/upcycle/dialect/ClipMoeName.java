package dev.upcycle.dialect;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Where a [ClipMoe] keeps a tensor that has a name of Hugging Face's.
///
/// @param stored the name in the file
/// @param parts Hugging Face's names of all that lies there, in the order of the rows
/// @param transposed whether it lies there column by column
record ClipMoeName(String stored, List<String> parts, boolean transposed) {
  private static final Pattern TOWER = Pattern.compile("(vision|text)_model\\.(.+)");
  private static final Pattern BLOCK = Pattern.compile("encoder\\.layers\\.(\\d+)\\.(.+)");
  private static final Pattern ATTENTION =
      Pattern.compile("self_attn\\.[qkv]_proj\\.(weight|bias)");
  private static final Pattern EXPERT =
      Pattern.compile("mlp\\.experts\\.(\\d+)\\.fc([12])\\.(weight|bias)");

  private static final Map<String, String> OF_VISION = inverse(OpenClipNames.OF_VISION);
  private static final Map<String, String> OF_TEXT = inverse(OpenClipNames.OF_TEXT);
  private static final Map<String, String> OF_A_BLOCK = inverse(OpenClipNames.OF_A_BLOCK);

  /// Beside the towers.
  private static final Map<String, String> PROJECTIONS =
      Map.of(
          "visual_projection.weight", "visual.proj", "text_projection.weight", "text_projection");

  ClipMoeName {
    parts = List.copyOf(parts);
  }

  /// Where it lies.
  ///
  /// @throws IllegalArgumentException when a CLIP with experts has no such tensor
  static ClipMoeName of(String name) {
    Matcher tower = TOWER.matcher(name);
    if (!tower.matches()) {
      String projection = PROJECTIONS.get(name);
      return projection == null
          ? new ClipMoeName(name, List.of(name), false)
          : new ClipMoeName(projection, List.of(name), true);
    }
    boolean vision = tower.group(1).equals("vision");
    String prefix = vision ? ClipMoe.LAYOUT.vision() : "";
    Matcher block = BLOCK.matcher(tower.group(2));
    if (!block.matches()) {
      return whole(name, prefix + require(vision ? OF_VISION : OF_TEXT, tower.group(2)));
    }
    String own = prefix + "transformer.resblocks." + block.group(1) + ".";
    Matcher attention = ATTENTION.matcher(block.group(2));
    if (attention.matches()) {
      String layer = name.substring(0, name.length() - block.group(2).length());
      return new ClipMoeName(
          own + "attn.in_proj_" + attention.group(1),
          OpenClipNames.ATTENTION.stream()
              .map(part -> layer + "self_attn." + part + "." + attention.group(1))
              .toList(),
          false);
    }
    return whole(name, own + inBlock(block.group(2)));
  }

  private static String inBlock(String name) {
    Matcher expert = EXPERT.matcher(name);
    if (expert.matches()) {
      String linear = expert.group(2).equals("1") ? ".c_fc." : ".c_proj.";
      return "experts." + expert.group(1) + linear + expert.group(3);
    }
    int dot = name.lastIndexOf('.');
    return require(OF_A_BLOCK, name.substring(0, dot)) + name.substring(dot);
  }

  private static ClipMoeName whole(String name, String stored) {
    return new ClipMoeName(stored, List.of(name), false);
  }

  private static String require(Map<String, String> names, String name) {
    String found = names.get(name);
    if (found == null) {
      throw new IllegalArgumentException("OpenAI's CLIP has no tensor for " + name);
    }
    return found;
  }

  private static Map<String, String> inverse(Map<String, String> names) {
    return names.keySet().stream().collect(Collectors.toMap(names::get, Function.identity()));
  }
}
