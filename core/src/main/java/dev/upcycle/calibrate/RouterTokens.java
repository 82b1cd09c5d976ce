package dev.upcycle.calibrate;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// What a layer's router would read, a row for each token of the texts that experts should take.
///
/// The first token of a passage is left out where others follow: many models park attention on it,
/// its state is like no other's, and a cluster of its own would be an expert without work.
///
/// @param rows `[tokens, hidden]`, float32, on the CPU
/// @param experts whose text each token is of
record RouterTokens(Tensor rows, List<Integer> experts) {
  /// @param inputs `[1, seq, hidden]` for each passage
  static RouterTokens of(List<Passage> passages, List<Tensor> inputs) {
    List<Tensor> pieces = new ArrayList<>();
    List<Integer> experts = new ArrayList<>();
    for (int i = 0; i < passages.size(); i++) {
      Passage passage = passages.get(i);
      if (passage.stance() == Passage.Stance.FOR) {
        Tensor states = inputs.get(i).squeeze(0);
        long first = states.size(0) > 1 ? 1 : 0;
        long count = states.size(0) - first;
        pieces.add(states.narrow(0, first, count).to(Device.CPU).to(DType.F32));
        experts.addAll(Collections.nCopies(Math.toIntExact(count), passage.expert()));
      }
    }
    return new RouterTokens(Tensors.concat(pieces, 0), experts);
  }
}
