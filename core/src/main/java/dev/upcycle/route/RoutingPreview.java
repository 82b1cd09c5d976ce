package dev.upcycle.route;

import dev.upcycle.evaluate.ExpertLoad;
import dev.upcycle.evaluate.MutualInformation;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.LayerRouting;
import dev.upcycle.model.NonFiniteException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/// Which experts the tokens of some texts use.
///
/// @param model its name
/// @param texts the texts
public record RoutingPreview(String model, List<RoutedText> texts) {
  /// Takes a copy.
  public RoutingPreview {
    texts = List.copyOf(texts);
  }

  /// Lets a model read texts, each by itself.
  ///
  /// @throws NonFiniteException when a router's logits are NaN or infinite
  public static RoutingPreview of(String name, DecoderModel model, List<LabelledText> texts)
      throws InterruptedException {
    List<RoutedText> routed = new ArrayList<>();
    try (Gradients.Pause _ = Gradients.pause()) {
      for (LabelledText text : texts) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        try (TensorScope _ = TensorScope.open()) {
          routed.add(new RoutedText(text, route(model, text)));
        }
      }
    }
    return new RoutingPreview(name, routed);
  }

  private static List<RoutedLayer> route(DecoderModel model, LabelledText text) {
    long[] ids = text.tokens().stream().mapToLong(token -> token.id()).toArray();
    Tensor seen = Tensors.of(ids).unsqueeze(0).to(model.options().device());
    List<LayerRouting> routings = model.hidden(model.embed(seen), ForwardPass.plain()).routings();
    routings.forEach(each -> requireFinite(model, text, each));
    return routings.stream().map(each -> RoutedLayer.of(each.layer(), each.routing())).toList();
  }

  /// Experts that numbers like NaN have chosen are no preview of anything.
  private static void requireFinite(DecoderModel model, LabelledText text, LayerRouting routed) {
    float[] largest = routed.routing().evidence().logits().abs().sum(1).toFloats();
    for (int token = 0; token < largest.length; token++) {
      if (!Float.isFinite(largest[token])) {
        throw new NonFiniteException(
            model.directory(),
            "layer %d, text %s, token %d: the router's logits add up to %s"
                .formatted(routed.layer(), text.label(), token, largest[token]));
      }
    }
  }

  /// The load of each layer that has experts, over all texts.
  public List<ExpertLoad> loads() {
    SequencedMap<Integer, ExpertLoad> loads = new LinkedHashMap<>();
    for (RoutedText text : texts) {
      for (RoutedLayer layer : text.layers()) {
        loads.merge(layer.layer(), layer.load(), ExpertLoad::plus);
      }
    }
    return List.copyOf(loads.values());
  }

  /// The labels in the order of the texts.
  public List<String> labels() {
    return texts.stream().map(text -> text.text().label()).distinct().toList();
  }

  /// How much a token's expert tells about its text's label, in nats; empty with fewer than two
  /// labels.
  public OptionalDouble mutualInformation(int layer) {
    Map<String, ExpertLoad> byLabel = new LinkedHashMap<>();
    for (RoutedText text : texts) {
      for (RoutedLayer each : text.layers()) {
        if (each.layer() == layer) {
          byLabel.merge(text.text().label(), each.load(), ExpertLoad::plus);
        }
      }
    }
    return byLabel.size() < 2
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            MutualInformation.of(byLabel.values().stream().map(ExpertLoad::counts).toList()));
  }
}
