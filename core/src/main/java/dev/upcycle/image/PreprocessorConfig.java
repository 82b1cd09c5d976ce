package dev.upcycle.image;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.image.Framing.Colour;
import dev.upcycle.image.PixelStep.CentreCrop;
import dev.upcycle.image.PixelStep.PadToSquare;
import dev.upcycle.image.PixelStep.ResizeShortestEdge;
import dev.upcycle.image.PixelStep.ResizeTo;
import dev.upcycle.image.ValueStep.Normalise;
import dev.upcycle.image.ValueStep.Rescale;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A checkpoint's `preprocessor_config.json`, read strictly: a key that would change a value and is
/// not understood is an error, and so is one that transformers 4.57 and 5.23 take differently.
///
/// All complaints come at once.
final class PreprocessorConfig {
  private static final String FILE = Preprocessing.FILE_NAME;
  private static final String COMBINED_FILE = "processor_config.json";
  private static final String COMBINED_KEY = "image_processor";

  /// Keys that change no value of one RGB image on its own.
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "image_processor_type",
          "feature_extractor_type",
          "processor_class",
          "do_convert_rgb",
          "default_to_square",
          "device",
          "disable_grouping",
          "return_tensors",
          "input_data_format",
          "image_seq_length",
          "_valid_processor_keys");

  private static final Set<String> UNDERSTOOD =
      Set.of(
          "do_resize",
          "size",
          "resample",
          "do_center_crop",
          "crop_size",
          "do_rescale",
          "rescale_factor",
          "do_normalize",
          "image_mean",
          "image_std",
          "do_pad",
          "pad_size",
          "data_format");

  private final String origin;
  private final ObjectNode json;
  private final ImageProcessorType type;
  private final List<String> complaints = new ArrayList<>();

  private PreprocessorConfig(String origin, ObjectNode json, ImageProcessorType type) {
    this.origin = origin;
    this.json = json;
    this.type = type;
  }

  static PreprocessorConfig read(Path directory) {
    Path file = directory.resolve(FILE);
    Path combined = directory.resolve(COMBINED_FILE);
    if (Files.exists(file) || !Files.exists(combined)) {
      return of(file.toString(), ModelConfig.read(file).json(), directory);
    }
    ModelConfig nested =
        ModelConfig.read(combined)
            .findNested(COMBINED_KEY)
            .orElseThrow(() ->
                new CheckpointFormatException(
                    CheckpointFault.MISSING_CONFIG_KEY,
                    combined
                        + ": has no '"
                        + COMBINED_KEY
                        + "', and there is no "
                        + FILE
                        + " beside it; copy or download one of them"));
    return of(combined + ", in '" + COMBINED_KEY + "'", nested.json(), directory);
  }

  private static PreprocessorConfig of(String origin, ObjectNode json, Path directory) {
    return new PreprocessorConfig(origin, json, type(origin, json, directory));
  }

  private static ImageProcessorType type(String origin, ObjectNode json, Path directory) {
    for (String key : List.of("image_processor_type", "feature_extractor_type")) {
      @Nullable JsonNode named = json.get(key);
      if (named != null && !named.isNull()) {
        return ImageProcessorType.find(named.asString(""))
            .orElseThrow(() -> unknownType(origin + ": '" + key + "' is " + named));
      }
    }
    Path config = directory.resolve("config.json");
    if (!Files.exists(config)) {
      throw unknownType(origin + ": names no image_processor_type");
    }
    String model = ModelConfig.read(config).modelType();
    return ImageProcessorType.findByModel(model)
        .orElseThrow(() ->
            unknownType(
                origin
                    + ": names no image_processor_type, and "
                    + config
                    + " has model_type "
                    + model));
  }

  private static CheckpointFormatException unknownType(String found) {
    return new CheckpointFormatException(
        CheckpointFault.BAD_CONFIG_VALUE,
        found
            + ", expected an image_processor_type of "
            + String.join(", ", ImageProcessorType.names()));
  }

  Preprocessing preprocessing() {
    complainOfKeys();
    ChannelValues mean = channels("image_mean", type.mean());
    Preprocessing made = new Preprocessing(pixelSteps(mean), valueSteps(mean), mean);
    if (!complaints.isEmpty()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE, origin + ": " + String.join("; ", complaints));
    }
    return made;
  }

  private List<PixelStep> pixelSteps(ChannelValues mean) {
    List<PixelStep> steps = new ArrayList<>();
    if (truth("do_pad", false)) {
      if (type == ImageProcessorType.LLAVA) {
        steps.add(new PadToSquare(Colour.ofMean(fitForColour(mean))));
      } else {
        complain(
            "do_pad", "false: transformers 5 pads with a " + type.className() + ", 4 does not");
      }
    }
    if (truth("do_resize", true)) {
      resize().ifPresent(steps::add);
    }
    if (truth("do_center_crop", type.crops())) {
      crop().ifPresent(steps::add);
    }
    return steps;
  }

  private List<ValueStep> valueSteps(ChannelValues mean) {
    List<ValueStep> steps = new ArrayList<>();
    double factor = number("rescale_factor", 1.0 / 255);
    if (truth("do_rescale", true)) {
      steps.add(new Rescale(factor));
    }
    ChannelValues deviation = channels("image_std", type.deviation());
    if (truth("do_normalize", true)) {
      try {
        steps.add(new Normalise(mean, deviation));
      } catch (IllegalArgumentException e) {
        complain("image_std", "numbers other than 0");
      }
    }
    return steps;
  }

  private ChannelValues fitForColour(ChannelValues mean) {
    for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
      if (!(mean.of(channel) >= 0 && mean.of(channel) <= 1)) {
        complain("image_mean", "0 to 1, since it is also the colour that pads");
        return type.mean();
      }
    }
    return mean;
  }

  private Optional<PixelStep> resize() {
    Resampling filter =
        Resampling.find(whole(json.get("resample"), "resample", type.resampling().number()))
            .orElseGet(() -> {
              complain("resample", "0 to 5, Pillow's filters");
              return type.resampling();
            });
    JsonNode size = json.get("size");
    if (size == null || size.isNull()) {
      return Optional.of(
          type.crops()
              ? new ResizeShortestEdge(type.side(), filter)
              : new ResizeTo(type.side(), type.side(), filter));
    }
    if (type.crops() && (size.isIntegralNumber() || hasKeys(size, "shortest_edge"))) {
      JsonNode side = size.isIntegralNumber() ? size : size.get("shortest_edge");
      return side(side, "size").map(found -> new ResizeShortestEdge(found, filter));
    }
    if (size.isIntegralNumber() && type == ImageProcessorType.SIGLIP) {
      complain("size", "{\"height\": …, \"width\": …}; transformers 4 stops at a number here");
      return Optional.empty();
    }
    return sides(size, "size", sides -> new ResizeTo(sides.width(), sides.height(), filter));
  }

  private Optional<PixelStep> crop() {
    if (!type.crops()) {
      complain(
          "do_center_crop",
          "false: transformers 5 crops with a " + type.className() + ", 4 does not");
      return Optional.empty();
    }
    JsonNode size = json.get("crop_size");
    if (size == null || size.isNull()) {
      return Optional.of(new CentreCrop(type.side(), type.side()));
    }
    return sides(size, "crop_size", sides -> new CentreCrop(sides.width(), sides.height()));
  }

  private record Sides(int width, int height) {}

  /// One number for both sides, or an object of the two.
  private Optional<PixelStep> sides(JsonNode size, String key, Function<Sides, PixelStep> made) {
    if (size.isIntegralNumber()) {
      return side(size, key).map(side -> made.apply(new Sides(side, side)));
    }
    if (!hasKeys(size, "height", "width")) {
      String other = type.crops() && key.equals("size") ? " or {\"shortest_edge\": …}" : "";
      complain(key, "{\"height\": …, \"width\": …}" + other + " and no other keys");
      return Optional.empty();
    }
    Optional<Integer> width = side(size.get("width"), key);
    return side(size.get("height"), key)
        .flatMap(height -> width.map(found -> made.apply(new Sides(found, height))));
  }

  /// Also with further keys that are null, which version 5 writes.
  private static boolean hasKeys(JsonNode size, String... keys) {
    if (!size.isObject()) {
      return false;
    }
    Set<String> wanted = Set.of(keys);
    return size.propertyStream()
        .filter(property -> !property.getValue().isNull())
        .map(property -> property.getKey())
        .collect(Collectors.toSet())
        .equals(wanted);
  }

  private Optional<Integer> side(JsonNode value, String key) {
    long side = whole(value, key, 0);
    if (side < 1 || side > 1 << 15) {
      complain(key, "sides of 1 to 32768 pixels");
      return Optional.empty();
    }
    return Optional.of((int) side);
  }

  private void complainOfKeys() {
    for (var property : json.properties()) {
      boolean known =
          UNDERSTOOD.contains(property.getKey()) || WITHOUT_EFFECT.contains(property.getKey());
      if (!known && !property.getValue().isNull()) {
        complain(property.getKey(), "not to be there: it is not known what it changes");
      }
    }
    refuse("pad_size", "null: padding to a size is not supported");
    JsonNode format = json.get("data_format");
    if (format != null && !format.isNull() && !format.asString("").equals("channels_first")) {
      complain("data_format", "\"channels_first\"");
    }
  }

  private void refuse(String key, String expected) {
    JsonNode value = json.get(key);
    if (value != null && !value.isNull()) {
      complain(key, expected);
    }
  }

  private boolean truth(String key, boolean otherwise) {
    JsonNode value = json.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      complain(key, "true or false");
      return otherwise;
    }
    return value.booleanValue();
  }

  private long whole(@Nullable JsonNode value, String key, long otherwise) {
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      complain(key, "a whole number");
      return otherwise;
    }
    return value.longValue();
  }

  private double number(String key, double otherwise) {
    JsonNode value = json.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
      complain(key, "a number");
      return otherwise;
    }
    return value.asDouble();
  }

  /// One number for all channels, or a list of three.
  private ChannelValues channels(String key, ChannelValues otherwise) {
    JsonNode value = json.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (value.isNumber()) {
      double all = number(key, 0);
      return new ChannelValues(all, all, all);
    }
    boolean fits = value.isArray() && value.size() == RgbImage.CHANNELS;
    for (int i = 0; fits && i < RgbImage.CHANNELS; i++) {
      fits = value.get(i).isNumber() && Double.isFinite(value.get(i).asDouble());
    }
    if (!fits) {
      complain(key, "a number or three");
      return otherwise;
    }
    return new ChannelValues(
        value.get(0).asDouble(), value.get(1).asDouble(), value.get(2).asDouble());
  }

  private void complain(String key, String expected) {
    complaints.add("'" + key + "' is " + json.get(key) + ", expected " + expected);
  }
}
