package dev.upcycle.recipe;

/// Where an expert's weights come from.
public sealed interface ExpertInit {
  /// Every expert is an exact copy of the dense feed-forward network (Sparse Upcycling, arXiv
  /// 2212.05055).
  record Copy() implements ExpertInit {}
}
