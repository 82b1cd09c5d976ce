package dev.upcycle.arch;

import java.util.Optional;

/// What a tensor does in its model, whatever a family calls it.
public enum Role {
  EMBEDDING(Kind.BODY),
  /// The one vector that stands before the patches of an image.
  CLASS_EMBEDDING(Kind.BODY),
  /// The convolution that turns patches into vectors.
  PATCH_EMBEDDING(Kind.BODY),
  PATCH_BIAS(Kind.BODY),
  POSITION_EMBEDDING(Kind.BODY),
  /// Before the first layer, as CLIP's `pre_layrnorm`.
  PRE_NORM(Kind.BODY),
  INPUT_NORM(Kind.BODY),
  /// Of any norm that has one.
  NORM_BIAS(Kind.BODY),
  ATTENTION_QUERY(Kind.BODY),
  ATTENTION_KEY(Kind.BODY),
  ATTENTION_VALUE(Kind.BODY),
  ATTENTION_OUTPUT(Kind.BODY),
  ATTENTION_BIAS(Kind.BODY),
  /// Of each head's queries before rotation.
  QUERY_NORM(Kind.BODY),
  /// Of each head's keys before rotation.
  KEY_NORM(Kind.BODY),
  POST_ATTENTION_NORM(Kind.BODY),
  FFN_GATE(Kind.DENSE),
  /// The first linear of a network without a gate.
  FFN_UP(Kind.DENSE),
  /// The second linear of a network without a gate; every later one of a connector.
  FFN_DOWN(Kind.DENSE),
  /// Of a gated network, where no Mixture-of-Experts has a place for it.
  FFN_BIAS(Kind.DENSE),
  FFN_UP_BIAS(Kind.DENSE),
  FFN_DOWN_BIAS(Kind.DENSE),
  ROUTER(Kind.ROUTER),
  EXPERT_GATE(Kind.EXPERT),
  EXPERT_UP(Kind.EXPERT),
  EXPERT_DOWN(Kind.EXPERT),
  EXPERT_UP_BIAS(Kind.EXPERT),
  EXPERT_DOWN_BIAS(Kind.EXPERT),
  SHARED_GATE(Kind.SHARED),
  SHARED_UP(Kind.SHARED),
  SHARED_DOWN(Kind.SHARED),
  /// One row whose sigmoid weighs the shared expert.
  SHARED_ROUTER(Kind.SHARED),
  /// Gate rows, then up rows, of all experts of a layer: the fused layout of transformers 5.
  STACKED_GATE_UP(Kind.STACKED),
  /// Down projections of all experts of a layer: the fused layout of transformers 5.
  STACKED_DOWN(Kind.STACKED),
  FINAL_NORM(Kind.BODY),
  LM_HEAD(Kind.BODY),
  /// Behind the last layer of a tower: pooling or classifying.
  HEAD(Kind.BODY),
  /// Into the space that images and texts share.
  PROJECTION(Kind.BODY),
  /// By which similarities are multiplied, as a logarithm.
  LOGIT_SCALE(Kind.BODY),
  /// What is added to similarities.
  LOGIT_BIAS(Kind.BODY),
  /// Derived from the config by every consumer, such as `rotary_emb.inv_freq`: dropped.
  DERIVED(Kind.DERIVED);

  /// What becomes of a tensor when a dense model becomes a Mixture-of-Experts.
  public enum Kind {
    /// It stays what it is.
    BODY,
    /// Of a dense feed-forward network: an expert's source, or it stays where a layer stays dense.
    DENSE,
    /// It is new.
    ROUTER,
    /// Of one of several experts.
    EXPERT,
    /// Of the expert that every token uses.
    SHARED,
    /// Of all experts of a layer, in one tensor.
    STACKED,
    /// It goes.
    DERIVED
  }

  private final Kind kind;

  Role(Kind kind) {
    this.kind = kind;
  }

  /// What becomes of it.
  public Kind kind() {
    return kind;
  }

  /// The dense tensor that one expert's tensor of this role has the place of; empty for every role
  /// that is not of the kind [Kind#EXPERT].
  public Optional<Role> denseCounterpart() {
    return kind == Kind.EXPERT
        ? Optional.of(valueOf(name().replace("EXPERT_", "FFN_")))
        : Optional.empty();
  }

  /// True for the tensors of experts of which a token uses some, in either layout.
  public boolean isExpert() {
    return kind == Kind.EXPERT || kind == Kind.STACKED;
  }
}
