package dev.upcycle.plan;

import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.checkpoint.write.Cast;
import dev.upcycle.recipe.RouterInit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Makes the steps of routers: drawn, or taken from a file that holds them and nothing else.
sealed interface RouterSteps {
  /// The step that makes a router.
  ///
  /// @param dtype of the result
  TensorStep step(TensorSlot slot, DType dtype);

  /// Prepares the steps.
  ///
  /// @param slots of the target's part, of which the routers count
  /// @throws PlanException with everything that a file lacks or has too much
  static RouterSteps of(RouterInit init, SeedTree seeds, List<TensorSlot> slots) {
    return switch (init) {
      case RouterInit.Seeded seeded -> new Drawn(seeded, seeds);
      case RouterInit.File(Path path) -> FromFile.of(path, slots);
    };
  }

  /// Each from a seed of its own.
  record Drawn(RouterInit.Seeded init, SeedTree seeds) implements RouterSteps {
    @Override
    public TensorStep step(TensorSlot slot, DType dtype) {
      return new TensorStep.NewRouter(
          slot.spec(dtype),
          slot.role(),
          init.over(slot.shape().dimension(-1)),
          seeds.seed(slot.name()));
    }
  }

  /// Each by its name.
  record FromFile(RouterFile file, Map<String, TensorEntry> tensors) implements RouterSteps {
    private static final String REMEDY =
        "; make it with upcycle calibrate, or name another by language.router.init.path";

    static FromFile of(Path path, List<TensorSlot> slots) {
      try {
        SafetensorsHeader header = SafetensorsHeader.read(path);
        Map<String, TensorEntry> found = new LinkedHashMap<>();
        header.tensors().forEach(tensor -> found.put(tensor.name(), tensor));
        List<String> reasons = objections(path, slots, found);
        if (!reasons.isEmpty()) {
          throw new PlanException(reasons);
        }
        return new FromFile(new RouterFile(header.file(), Sha256.hex(path)), found);
      } catch (CheckpointFormatException e) {
        throw refused(e.getMessage() + REMEDY, e);
      } catch (IOException e) {
        throw refused(path + ": cannot be read (" + e + ")" + REMEDY, e);
      }
    }

    private static PlanException refused(String reason, Exception cause) {
      PlanException refused = new PlanException(List.of("routers: " + reason));
      refused.initCause(cause);
      return refused;
    }

    private static List<String> objections(
        Path path, List<TensorSlot> slots, Map<String, TensorEntry> found) {
      List<String> reasons = new ArrayList<>();
      Map<String, TensorEntry> left = new LinkedHashMap<>(found);
      for (TensorSlot slot : slots) {
        if (slot.role() == Role.ROUTER) {
          TensorEntry entry = left.remove(slot.name());
          if (entry == null) {
            reasons.add(
                "%s: no tensor '%s', expected %s%s"
                    .formatted(path, slot.name(), slot.shape(), REMEDY));
          } else {
            objection(slot, entry).ifPresent(text -> reasons.add(path + ": " + text + REMEDY));
          }
        }
      }
      left.keySet()
          .forEach(name ->
              reasons.add(
                  path
                      + ": holds '"
                      + name
                      + "', which is no router of the target; a file of routers holds nothing else"));
      return reasons;
    }

    private static Optional<String> objection(TensorSlot slot, TensorEntry entry) {
      if (!entry.shape().equals(slot.shape())) {
        return Optional.of(
            String.format(
                Locale.ROOT,
                "tensor '%s' is %s, expected %s (experts, hidden)",
                entry.name(),
                entry.shape(),
                slot.shape()));
      }
      return Cast.possible(entry.dtype(), DType.F32)
          ? Optional.empty()
          : Optional.of(
              String.format(
                  Locale.ROOT,
                  "tensor '%s' is %s, expected F32, BF16, F16 or F64",
                  entry.name(),
                  entry.dtype()));
    }

    @Override
    public TensorStep step(TensorSlot slot, DType dtype) {
      TensorEntry entry = tensors.get(slot.name());
      if (entry == null) {
        throw new IllegalStateException("matched router file without " + slot.name());
      }
      return new TensorStep.FileRouter(slot.spec(dtype), slot.role(), entry, file);
    }
  }
}
