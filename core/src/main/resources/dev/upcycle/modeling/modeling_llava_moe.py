# SPDX-License-Identifier: Apache-2.0
"""LLaVA with a Mixture-of-Experts vision tower, connector, language model or several of them.

Written by upcycle next to a converted checkpoint; needs `modeling_clip_moe.py`, `modeling_siglip_moe.py` and
`sparse_moe.py` beside it. Load with

    AutoModelForImageTextToText.from_pretrained(DIR, trust_remote_code=True)

The dense tensors have LLaVA's names. A sparse tower's are those of `modeling_clip_moe.py` after `vision_tower.`; a
sparse connector's are `multi_modal_projector.gate.weight` and
`multi_modal_projector.experts.{e}.linear_{1,2}.{weight,bias}`. The language model is any that LLaVA takes, so one of
transformers' own mixtures too; where `text_config` has `num_experts`, the layers that its `moe_layers` lists are
sparse: `language_model.model.layers.{i}.mlp.gate.weight` and `...mlp.experts.{e}.{gate,up,down}_proj.weight`.
"""

from transformers import AutoModel, LlavaConfig, LlavaForConditionalGeneration

from .modeling_clip_moe import CLIPMoeVisionConfig, CLIPMoeVisionModel
from .modeling_siglip_moe import SiglipMoeVisionConfig, SiglipMoeVisionModel
from .sparse_moe import ROUTING_DEFAULTS, SparseMoe, make_sparse, name_on_disk, with_router_outputs

# LLaVA makes its tower by AutoModel from `vision_config`.
AutoModel.register(CLIPMoeVisionConfig, CLIPMoeVisionModel, exist_ok=True)
AutoModel.register(SiglipMoeVisionConfig, SiglipMoeVisionModel, exist_ok=True)
SPARSE_TOWERS = {config.model_type: config for config in (CLIPMoeVisionConfig, SiglipMoeVisionConfig)}

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
        if isinstance(vision_config, dict) and vision_config.get("model_type") in SPARSE_TOWERS:
            vision_config = SPARSE_TOWERS[vision_config["model_type"]](**vision_config)
        super().__init__(vision_config=vision_config, **{**CONNECTOR_DEFAULTS, **kwargs})


class LlavaMoeForConditionalGeneration(LlavaForConditionalGeneration):
    """LlavaForConditionalGeneration with sparse parts."""

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
        # A dense language model's config may tell of experts; a mixture of transformers' own has no `moe_layers`.
        if getattr(config.text_config, "moe_layers", None):
            make_sparse(self.model.language_model.layers, config.text_config)
        self.post_init()

    def routed_parts(self):
        return [self.model.vision_tower, self.model.multi_modal_projector, self.model.language_model]


name_on_disk(LlavaMoeForConditionalGeneration, "llava")
