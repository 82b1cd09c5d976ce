package dev.upcycle.route;

import dev.upcycle.evaluate.ExpertLoad;
import dev.upcycle.kernels.moe.Routing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// What a layer's router decided for the tokens of a text.
///
/// @param layer index of the decoder layer
/// @param experts how many the layer has
/// @param choices the experts of each token, the heaviest first; none for a token that no expert
///   takes
public record RoutedLayer(int layer, int experts, List<List<Choice>> choices) {
  /// Takes copies.
  public RoutedLayer {
    choices = choices.stream().map(List::copyOf).toList();
  }

  static RoutedLayer of(int layer, Routing routing) {
    List<List<Choice>> choices = new ArrayList<>();
    for (long token = 0; token < routing.tokenCount(); token++) {
      choices.add(new ArrayList<>());
    }
    long[] tokens = routing.tokens().toLongs();
    long[] experts = routing.experts().toLongs();
    float[] weights = routing.weights().toFloats();
    for (int i = 0; i < tokens.length; i++) {
      choices
          .get(Math.toIntExact(tokens[i]))
          .add(new Choice(Math.toIntExact(experts[i]), weights[i]));
    }
    choices.forEach(each -> each.sort(Comparator.comparingDouble(Choice::weight).reversed()));
    return new RoutedLayer(layer, routing.expertCount(), choices);
  }

  /// How the tokens are shared among the experts.
  public ExpertLoad load() {
    long[] counts = new long[experts];
    choices.forEach(each -> each.forEach(choice -> counts[choice.expert()]++));
    return new ExpertLoad(layer, Arrays.stream(counts).boxed().toList());
  }
}
