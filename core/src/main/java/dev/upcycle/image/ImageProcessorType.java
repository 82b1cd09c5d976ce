package dev.upcycle.image;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The image processors of transformers that are reproduced, with what they do where the config
/// does not say.
enum ImageProcessorType {
  CLIP("CLIP"),
  SIGLIP("Siglip"),
  VIT("ViT"),
  LLAVA("Llava");

  private static final List<String> ENDINGS =
      List.of("ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor");
  private static final ChannelValues HALF = new ChannelValues(0.5, 0.5, 0.5);
  private static final int SIDE = 224;

  private final String stem;

  ImageProcessorType(String stem) {
    this.stem = stem;
  }

  /// By a class name of any generation, such as `CLIPImageProcessorFast`.
  static Optional<ImageProcessorType> find(String className) {
    return Arrays.stream(values())
        .filter(type -> className.startsWith(type.stem))
        .filter(type -> ENDINGS.contains(className.substring(type.stem.length())))
        .findFirst();
  }

  /// By the `model_type` of a `config.json`, for a config that names no class.
  static Optional<ImageProcessorType> findByModel(String modelType) {
    return switch (modelType) {
      case "clip",
          "clip_vision_model",
          "clip_moe",
          "clip_moe_vision_model",
          "openai_clip_moe",
          "cumo_vision",
          "cumo_moe_vision",
          "llava",
          "llava_moe",
          "llava_llama",
          "llava_mistral",
          "llava_mixtral" ->
          Optional.of(CLIP);
      case "siglip", "siglip_vision_model", "siglip_moe", "siglip_moe_vision_model" ->
          Optional.of(SIGLIP);
      case "vit", "vit_moe" -> Optional.of(VIT);
      default -> Optional.empty();
    };
  }

  /// The class names that newer checkpoints use.
  static List<String> names() {
    return Arrays.stream(values()).map(type -> type.stem + ENDINGS.getFirst()).toList();
  }

  String className() {
    return stem + ENDINGS.getFirst();
  }

  /// Resizes to a shorter side and cuts out the middle; the others resize to a fixed size.
  boolean crops() {
    return switch (this) {
      case CLIP, LLAVA -> true;
      case SIGLIP, VIT -> false;
    };
  }

  Resampling resampling() {
    return switch (this) {
      case CLIP, LLAVA, SIGLIP -> Resampling.BICUBIC;
      case VIT -> Resampling.BILINEAR;
    };
  }

  ChannelValues mean() {
    return switch (this) {
      case CLIP, LLAVA -> new ChannelValues(0.48145466, 0.4578275, 0.40821073);
      case SIGLIP, VIT -> HALF;
    };
  }

  ChannelValues deviation() {
    return switch (this) {
      case CLIP, LLAVA -> new ChannelValues(0.26862954, 0.26130258, 0.27577711);
      case SIGLIP, VIT -> HALF;
    };
  }

  int side() {
    return SIDE;
  }
}
