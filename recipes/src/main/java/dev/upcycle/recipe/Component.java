package dev.upcycle.recipe;

import java.util.List;

/// One part of a model that becomes Mixture-of-Experts.
///
/// @param layers which layers
/// @param scales by which factors images are enlarged before they are looked at; the features of
///   all lie side by side
/// @param experts how many experts, and where their weights come from
/// @param router how tokens find them
public record Component(
    LayerSelection layers, List<Integer> scales, Experts experts, Router router) {
  /// What every component but an image tower has.
  public static final List<Integer> ONE_SCALE = List.of(1);

  /// One that looks at one scale.
  public Component(LayerSelection layers, Experts experts, Router router) {
    this(layers, ONE_SCALE, experts, router);
  }

  /// Takes a copy.
  public Component {
    scales = List.copyOf(scales);
  }
}
