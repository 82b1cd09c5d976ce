# SPDX-License-Identifier: Apache-2.0
"""LLaVA with a Mixture-of-Experts vision tower, connector or both; the language model is any that LLaVA takes.

Written by upcycle next to a converted checkpoint; needs `modeling_clip_moe.py` and `sparse_moe.py` beside it. Load
with

    AutoModelForImageTextToText.from_pretrained(DIR, trust_remote_code=True)

The dense tensors have LLaVA's names. A sparse tower's are those of `modeling_clip_moe.py` after `vision_tower.`; a
sparse connector's are `multi_modal_projector.gate.weight` and
`multi_modal_projector.experts.{e}.linear_{1,2}.{weight,bias}`.
"""

from transformers import AutoModel, LlavaConfig, LlavaForConditionalGeneration

from .modeling_clip_moe import CLIPMoeVisionConfig, CLIPMoeVisionModel
from .sparse_moe import ROUTING_DEFAULTS, SparseMoe, name_on_disk, with_router_outputs

# LLaVA makes its tower by AutoModel from `vision_config`.
AutoModel.register(CLIPMoeVisionConfig, CLIPMoeVisionModel, exist_ok=True)

CONNECTOR_DEFAULTS = {
    "projector_num_experts": 0,  # dense
    "projector_num_experts_per_tok": 2,
    **{key: ROUTING_DEFAULTS[key] for key in ROUTING_DEFAULTS if not key.startswith(("num_", "moe_"))},
}


class LlavaMoeConfig(LlavaConfig):
    """LlavaConfig and the keys of `CONNECTOR_DEFAULTS`.

    The tower's routing is in `vision_config`. `output_router_logits` and the losses' coefficients are read here.
    """

    model_type = "llava_moe"

    def __init__(self, vision_config=None, **kwargs):
        if isinstance(vision_config, dict) and vision_config.get("model_type") == CLIPMoeVisionConfig.model_type:
            vision_config = CLIPMoeVisionConfig(**vision_config)
        super().__init__(vision_config=vision_config, **{**CONNECTOR_DEFAULTS, **kwargs})


class LlavaMoeForConditionalGeneration(LlavaForConditionalGeneration):
    """LlavaForConditionalGeneration with a sparse vision tower, connector or both."""

    config_class = LlavaMoeConfig
    forward = with_router_outputs(LlavaForConditionalGeneration.forward)

    def __init__(self, config):
        super().__init__(config)
        if config.projector_num_experts:
            self.model.multi_modal_projector = SparseMoe(
                self.model.multi_modal_projector,
                config.projector_num_experts,
                config.projector_num_experts_per_tok,
                config,
            )
        self.post_init()

    def routed_parts(self):
        return [self.model.vision_tower, self.model.multi_modal_projector]


name_on_disk(LlavaMoeForConditionalGeneration, "llava")
