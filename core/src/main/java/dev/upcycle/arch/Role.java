package dev.upcycle.arch;

import java.util.Optional;

/// What a tensor does in its model, whatever a family calls it.
public enum Role {
  EMBEDDING,
  INPUT_NORM,
  ATTENTION_QUERY,
  ATTENTION_KEY,
  ATTENTION_VALUE,
  ATTENTION_OUTPUT,
  ATTENTION_BIAS,
  /// Of each head's queries before rotation.
  QUERY_NORM,
  /// Of each head's keys before rotation.
  KEY_NORM,
  POST_ATTENTION_NORM,
  FFN_GATE,
  FFN_UP,
  FFN_DOWN,
  FFN_BIAS,
  ROUTER,
  EXPERT_GATE,
  EXPERT_UP,
  EXPERT_DOWN,
  SHARED_GATE,
  SHARED_UP,
  SHARED_DOWN,
  /// One row whose sigmoid weighs the shared expert.
  SHARED_ROUTER,
  /// Gate rows, then up rows, of all experts of a layer: the fused layout of transformers 5.
  STACKED_GATE_UP,
  /// Down projections of all experts of a layer: the fused layout of transformers 5.
  STACKED_DOWN,
  FINAL_NORM,
  LM_HEAD,
  /// Derived from the config by every consumer, such as `rotary_emb.inv_freq`: dropped.
  DERIVED;

  /// The dense matrix that one expert's matrix of this role has the place of; empty for every other
  /// role.
  public Optional<Role> denseCounterpart() {
    return switch (this) {
      case EXPERT_GATE -> Optional.of(FFN_GATE);
      case EXPERT_UP -> Optional.of(FFN_UP);
      case EXPERT_DOWN -> Optional.of(FFN_DOWN);
      case EMBEDDING,
          INPUT_NORM,
          ATTENTION_QUERY,
          ATTENTION_KEY,
          ATTENTION_VALUE,
          ATTENTION_OUTPUT,
          ATTENTION_BIAS,
          QUERY_NORM,
          KEY_NORM,
          POST_ATTENTION_NORM,
          FFN_GATE,
          FFN_UP,
          FFN_DOWN,
          FFN_BIAS,
          ROUTER,
          SHARED_GATE,
          SHARED_UP,
          SHARED_DOWN,
          SHARED_ROUTER,
          STACKED_GATE_UP,
          STACKED_DOWN,
          FINAL_NORM,
          LM_HEAD,
          DERIVED ->
          Optional.empty();
    };
  }

  /// True for the matrices of experts of which a token uses some, in either layout.
  public boolean isExpert() {
    return denseCounterpart().isPresent() || this == STACKED_GATE_UP || this == STACKED_DOWN;
  }
}
