package dev.upcycle.arch;

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
  DERIVED
}
