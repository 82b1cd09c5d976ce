package dev.upcycle.arch;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// State dict order: neighbouring templates of layers are run through layer by layer, those of
/// experts inside a layer expert by expert.
///
/// @param dimensions the model's sizes
/// @param sparse which layers have experts
record SlotOrder(Dimensions dimensions, SparseLayers sparse) {
  /// The tensors that these templates stand for.
  ///
  /// @param present in the family's order
  List<TensorSlot> slots(List<TensorTemplate> present) {
    List<TensorSlot> slots = new ArrayList<>();
    int start = 0;
    while (start < present.size()) {
      int end = start + 1;
      if (present.get(start).perLayer()) {
        while (end < present.size() && present.get(end).perLayer()) {
          end++;
        }
        for (int layer = 0; layer < dimensions.layers(); layer++) {
          List<TensorTemplate> own = sparse.templates(present.subList(start, end), layer);
          addLayer(own, OptionalInt.of(layer), slots);
        }
      } else {
        addLayer(present.subList(start, end), OptionalInt.empty(), slots);
      }
      start = end;
    }
    return List.copyOf(slots);
  }

  private void addLayer(List<TensorTemplate> templates, OptionalInt layer, List<TensorSlot> slots) {
    int start = 0;
    while (start < templates.size()) {
      int end = start + 1;
      if (templates.get(start).perExpert()) {
        while (end < templates.size() && templates.get(end).perExpert()) {
          end++;
        }
        for (int expert = 0; expert < dimensions.experts(); expert++) {
          for (TensorTemplate template : templates.subList(start, end)) {
            slots.add(TensorSlot.of(template, layer, OptionalInt.of(expert), dimensions));
          }
        }
      } else {
        slots.add(TensorSlot.of(templates.get(start), layer, OptionalInt.empty(), dimensions));
      }
      start = end;
    }
  }
}
