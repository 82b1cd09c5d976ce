package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.moe.MoeLayer.MoeOutput;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/// Experts in groups by modality: a hard split, then a router inside each group (MoMa, arXiv
/// 2407.21770, eq. 1).
///
/// @param layers one per modality
public record ModalityMoe(List<MoeLayer> layers) {
  /// Keeps the layers as they are.
  public ModalityMoe {
    layers = List.copyOf(layers);
  }

  /// Applies to each token the layer of its modality; a modality without tokens is not run.
  public MoeOutput forward(Tensor x, ModalityIndex index, RoutingPass pass) {
    if (index.groups().size() != layers.size()) {
      throw new KernelException(
          "tokens are split into %d modalities, the layer has %d groups of experts"
              .formatted(index.groups().size(), layers.size()));
    }
    List<Tensor> results = new ArrayList<>();
    List<Routing> routings = new ArrayList<>();
    for (int group = 0; group < layers.size(); group++) {
      Tensor members = index.groups().get(group);
      if (members.elements() > 0) {
        MoeOutput output =
            layers.get(group).forward(x.indexSelect(0, members), pass.among(members, group));
        results.add(output.hidden());
        routings.addAll(output.routings());
      }
    }
    return new MoeOutput(Tensors.concat(results, 0).indexSelect(0, index.places()), routings);
  }
}
