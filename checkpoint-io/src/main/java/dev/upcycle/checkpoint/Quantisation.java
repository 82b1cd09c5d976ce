package dev.upcycle.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// The quantised forms of weights, known by the config or, when it is silent, by their tensors.
enum Quantisation {
  GPTQ(
      CheckpointFault.QUANTISED_GPTQ,
      "GPTQ",
      "g_idx",
      "use the model that it was made from ('base_model' in its README)"),
  AWQ(
      CheckpointFault.QUANTISED_AWQ,
      "AWQ",
      "qweight qzeros",
      "use the model that it was made from ('base_model' in its README)"),
  BITSANDBYTES(
      CheckpointFault.QUANTISED_BITSANDBYTES,
      "bitsandbytes",
      "absmax quant_map bitsandbytes__nf4 bitsandbytes__fp4 SCB",
      "in transformers, load it, call model.dequantize() and save_pretrained, or use the model that"
          + " it was made from"),
  COMPRESSED_TENSORS(
      CheckpointFault.QUANTISED_COMPRESSED_TENSORS,
      "compressed-tensors",
      "weight_packed weight_zero_point weight_shape",
      "in transformers, load it with CompressedTensorsConfig(run_compressed=False) and"
          + " save_pretrained, or use the model that it was made from"),
  FP8(
      CheckpointFault.QUANTISED_FP8,
      "FP8",
      "weight_scale_inv weight_scale input_scale",
      "in transformers, load it with FineGrainedFP8Config(dequantize=True) and save_pretrained, or"
          + " use the bfloat16 model that it was made from"),
  OTHER(
      CheckpointFault.QUANTISED_OTHER,
      "another quantised format",
      "gate_up_proj_blocks gate_up_proj_scales down_proj_blocks down_proj_scales",
      "use the model that it was made from, in bfloat16, float16 or float32");

  private static final Map<String, Quantisation> BY_SUFFIX =
      Arrays.stream(values())
          .flatMap(form ->
              Arrays.stream(form.suffixes.split(" ")).map(suffix -> Map.entry(suffix, form)))
          .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  private static final String CONFIG_KEY = "quantization_config";
  private static final List<String> OLD_FILES =
      List.of("quantize_config.json", "quant_config.json");

  private final CheckpointFault fault;
  private final String title;
  private final String suffixes;
  private final String wayOut;

  /// @param suffixes last parts of tensor names that tell, between spaces
  Quantisation(CheckpointFault fault, String title, String suffixes, String wayOut) {
    this.fault = fault;
    this.title = title;
    this.suffixes = suffixes;
    this.wayOut = wayOut;
  }

  /// Refuses a model whose config, or a config of the tool that quantised it, says so.
  static void refuse(ModelConfig config, Listing listing) {
    for (String key : List.of("text_config", "vision_config", "language_config")) {
      config
          .findNested(key)
          .flatMap(nested -> nested.findNested(CONFIG_KEY))
          .ifPresent(nested -> refuseStated(nested, listing.directory()));
    }
    config
        .findNested(CONFIG_KEY)
        .or(() -> config.findNested("compression_config"))
        .ifPresent(stated -> refuseStated(stated, listing.directory()));
    if (listing.has(OLD_FILES.getFirst())) {
      throw GPTQ.refusal(listing.directory(), "it holds " + OLD_FILES.getFirst());
    }
    if (listing.has(OLD_FILES.getLast())) {
      throw AWQ.refusal(listing.directory(), "it holds " + OLD_FILES.getLast());
    }
  }

  /// Refuses a model whose tensors are those of a quantised form.
  static void refuse(Path directory, List<? extends WeightsHeader> headers) {
    // The earlier form explains the tensors that it shares with a later one.
    Map<Quantisation, TensorEntry> evidence = new EnumMap<>(Quantisation.class);
    for (WeightsHeader header : headers) {
      for (TensorEntry tensor : header.tensors()) {
        of(tensor).ifPresent(form -> evidence.putIfAbsent(form, tensor));
      }
    }
    evidence.forEach((form, tensor) -> {
      throw form.refusal(
          directory,
          String.format(Locale.ROOT, "it holds '%s' of %s", tensor.name(), tensor.dtype()));
    });
  }

  private static Optional<Quantisation> of(TensorEntry tensor) {
    String suffix = tensor.name().substring(tensor.name().lastIndexOf('.') + 1);
    return Optional.ofNullable(BY_SUFFIX.get(suffix)).or(() -> ofDType(tensor.dtype()));
  }

  private static Optional<Quantisation> ofDType(DType dtype) {
    return switch (dtype) {
      case F8_E5M2, F8_E4M3, F8_E4M3FNUZ, F8_E5M2FNUZ -> Optional.of(FP8);
      case F4, F6_E2M3, F6_E3M2, F8_E8M0 -> Optional.of(OTHER);
      case BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64 -> Optional.empty();
    };
  }

  private static void refuseStated(ModelConfig stated, Path directory) {
    Optional<String> method = stated.findString("quant_method");
    boolean bitsandbytes =
        stated.has("load_in_4bit") || stated.has("load_in_8bit") || stated.has("_load_in_4bit");
    String name = method.orElse(bitsandbytes ? "bitsandbytes" : "no method named");
    Quantisation form =
        switch (name.toLowerCase(Locale.ROOT)) {
          case "gptq" -> GPTQ;
          case "awq" -> AWQ;
          case "fp8", "fbgemm_fp8" -> FP8;
          case "bitsandbytes", "bitsandbytes_4bit", "bitsandbytes_8bit" -> BITSANDBYTES;
          case "compressed-tensors" -> COMPRESSED_TENSORS;
          default -> OTHER;
        };
    throw form.refusal(
        directory,
        String.format(
            Locale.ROOT, "its config.json has '%s' with quant_method %s", CONFIG_KEY, name));
  }

  private CheckpointFormatException refusal(Path directory, String evidence) {
    return new CheckpointFormatException(
        fault,
        String.format(
            Locale.ROOT,
            "%s: the weights are quantised by %s (%s), expected plain floats; %s",
            directory,
            title,
            evidence,
            wayOut));
  }
}
