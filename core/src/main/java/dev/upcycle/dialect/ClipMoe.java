package dev.upcycle.dialect;

import java.util.Optional;

/// CLIP-MoE's form (arXiv 2409.19291): a CLIP with experts under the names of OpenAI's CLIP.
///
/// Its config here is ours, in Hugging Face's keys: CLIP-MoE itself keeps none.
public final class ClipMoe {
  /// The family whose files have these names.
  public static final String MODEL_TYPE = "openai_clip_moe";

  static final OpenClipLayout LAYOUT = new OpenClipLayout("visual.", Optional.of(""));

  private ClipMoe() {}

  /// True for the family whose files have these names.
  public static boolean is(String modelType) {
    return modelType.equals(MODEL_TYPE);
  }
}
