package dev.upcycle.verify;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorShapes;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.arch.TensorTemplate;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.dialect.ClipMoe;
import dev.upcycle.dialect.OpenClipConfig;
import dev.upcycle.dialect.OpenClipLayout;
import dev.upcycle.recipe.Part;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Where in a CLIP of OpenAI or open_clip, or in a CLIP-MoE, the bytes of each tensor of Hugging
/// Face's class lie, by what the tensor does; nothing here asks the translation that the conversion
/// reads and writes by.
///
/// A query is the first third of the stacked rows, a key the second, a value the last, as
/// `torch.nn.MultiheadAttention` stacks them; a projection is stored transposed.
final class OpenClipOrigins {
  private final Checkpoint stored;
  private final OpenClipLayout layout;
  private final Set<String> used = new HashSet<>();

  private OpenClipOrigins(Checkpoint stored, OpenClipLayout layout) {
    this.stored = stored;
    this.layout = layout;
  }

  /// Opens a source of either names; one of OpenAI's comes out with Hugging Face's.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException naming what is missing or corrupt
  static Checkpoint open(Path source) {
    Checkpoint stored = Checkpoint.openWeights(source);
    Checkpoint opened =
        OpenClipLayout.find(stored.tensors().keySet())
            .map(layout -> new OpenClipOrigins(stored, layout).named())
            .orElseGet(() -> ConnectorShapes.configured(stored));
    opened.config();
    return opened;
  }

  /// A target as its templates call its tensors: itself, but for a CLIP-MoE.
  ///
  /// @param parts the target's, of a config whose counts are not absurd
  static Checkpoint target(Checkpoint stored, Composition parts) {
    return ClipMoe.is(parts.whole().modelType())
        ? new OpenClipOrigins(stored, new OpenClipLayout("visual.", Optional.of("")))
            .named(stored.config(), parts)
        : stored;
  }

  private Checkpoint named() {
    ModelConfig config = OpenClipConfig.of(stored, layout).config();
    return named(config, Composition.written(config, Set.of()));
  }

  private Checkpoint named(ModelConfig config, Composition parts) {
    List<TensorEntry> tensors = new ArrayList<>();
    for (ModelPart part : parts.parts()) {
      for (TensorSlot slot : part.slots()) {
        origin(part, slot).ifPresent(tensors::add);
      }
    }
    stored.tensors().values().stream()
        .filter(entry -> !used.contains(entry.name()) && !dispensable(entry.name()))
        .forEach(tensors::add);
    return stored.readAs(config, tensors, List.of());
  }

  /// Numbers beside the weights, and what leads a tower without its text tower to texts.
  private boolean dispensable(String name) {
    return name.equals("input_resolution")
        || name.equals("context_length")
        || name.equals("vocab_size")
        || (layout.text().isEmpty() && name.equals(layout.vision() + "proj"));
  }

  private Optional<TensorEntry> origin(ModelPart part, TensorSlot slot) {
    TensorTemplate template = slot.match().template();
    boolean bias = template.pattern().endsWith(".bias");
    Role role = bias ? weightBeside(part, template) : template.role();
    String tower = part.part().equals(Optional.of(Part.VISION)) ? layout.vision() : text();
    String end = bias ? "bias" : "weight";
    OptionalInt layer = slot.match().layer();
    String block =
        layer.isPresent() ? tower + "transformer.resblocks." + layer.getAsInt() + "." : tower;
    return switch (role) {
      case CLASS_EMBEDDING -> whole(slot, tower + "class_embedding");
      case PATCH_EMBEDDING -> whole(slot, tower + "conv1.weight");
      case POSITION_EMBEDDING -> whole(slot, tower + "positional_embedding");
      case EMBEDDING -> whole(slot, tower + "token_embedding.weight");
      case PRE_NORM -> whole(slot, tower + "ln_pre." + end);
      case FINAL_NORM ->
          whole(slot, tower + (tower.equals(layout.vision()) ? "ln_post." : "ln_final.") + end);
      case INPUT_NORM -> whole(slot, block + "ln_1." + end);
      case POST_ATTENTION_NORM -> whole(slot, block + "ln_2." + end);
      case ATTENTION_QUERY -> third(slot, block + "attn.in_proj_" + end, 0);
      case ATTENTION_KEY -> third(slot, block + "attn.in_proj_" + end, 1);
      case ATTENTION_VALUE -> third(slot, block + "attn.in_proj_" + end, 2);
      case ATTENTION_OUTPUT -> whole(slot, block + "attn.out_proj." + end);
      case ROUTER -> whole(slot, block + "gate." + end);
      case EXPERT_UP -> whole(slot, expert(block, slot) + "c_fc." + end);
      case EXPERT_DOWN -> whole(slot, expert(block, slot) + "c_proj." + end);
      case FFN_UP -> whole(slot, block + "mlp.c_fc." + end);
      case FFN_DOWN -> whole(slot, block + "mlp.c_proj." + end);
      case LOGIT_SCALE -> whole(slot, "logit_scale");
      case PROJECTION -> turned(slot);
      default -> Optional.empty();
    };
  }

  private static String expert(String block, TensorSlot slot) {
    return block + "experts." + slot.match().expert().orElseThrow() + ".";
  }

  private String text() {
    return layout.text().orElse("");
  }

  private static Role weightBeside(ModelPart part, TensorTemplate bias) {
    String weight = bias.pattern().substring(0, bias.pattern().length() - 4) + "weight";
    return part.family().templates().stream()
        .filter(template -> template.pattern().equals(weight))
        .findFirst()
        .map(TensorTemplate::role)
        .orElse(bias.role());
  }

  private Optional<TensorEntry> find(String name) {
    Optional<TensorEntry> found = stored.find(name);
    found.ifPresent(entry -> used.add(name));
    return found;
  }

  private Optional<TensorEntry> whole(TensorSlot slot, String name) {
    return find(name)
        .map(entry ->
            new TensorEntry(
                new TensorSpec(slot.name(), entry.dtype(), entry.shape()),
                entry.file(),
                entry.offset(),
                entry.strides()));
  }

  private Optional<TensorEntry> third(TensorSlot slot, String name, int place) {
    return find(name)
        .filter(entry -> entry.shape().rank() > 0 && entry.bytes() > 0)
        .map(entry -> {
          int width = entry.dtype().bits() / Byte.SIZE;
          List<Long> sizes = new ArrayList<>(entry.shape().dimensions());
          long rows = sizes.getFirst() / 3;
          long rowBytes =
              entry.contiguous()
                  ? entry.bytes() / sizes.getFirst()
                  : entry.strides().getFirst() * width;
          sizes.set(0, rows);
          return new TensorEntry(
              new TensorSpec(slot.name(), entry.dtype(), new Shape(sizes)),
              entry.file(),
              entry.offset() + place * rows * rowBytes,
              entry.strides());
        });
  }

  private Optional<TensorEntry> turned(TensorSlot slot) {
    String name =
        slot.name().startsWith("visual") ? layout.vision() + "proj" : text() + "text_projection";
    return find(name)
        .filter(entry -> entry.shape().rank() == 2)
        .map(entry -> {
          List<Long> steps =
              entry.contiguous() ? List.of(entry.shape().dimension(-1), 1L) : entry.strides();
          return new TensorEntry(
              new TensorSpec(
                  slot.name(), entry.dtype(), new Shape(entry.shape().dimensions().reversed())),
              entry.file(),
              entry.offset(),
              steps.reversed());
        });
  }
}
