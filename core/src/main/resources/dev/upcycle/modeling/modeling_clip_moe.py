# SPDX-License-Identifier: Apache-2.0
"""CLIP with Mixture-of-Experts layers: the vision tower alone, or both towers.

Written by upcycle next to a converted checkpoint; needs `sparse_moe.py` beside it. Load with

    AutoModel.from_pretrained(DIR, trust_remote_code=True)

The dense tensors have CLIP's names. A sparse layer's are `...layers.{i}.mlp.gate.weight` and
`...layers.{i}.mlp.experts.{e}.fc{1,2}.{weight,bias}`.
"""

from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig, CLIPVisionModel

from .sparse_moe import ROUTING_DEFAULTS, make_sparse, name_on_disk, with_router_outputs


class CLIPMoeVisionConfig(CLIPVisionConfig):
    """CLIPVisionConfig and the keys of `ROUTING_DEFAULTS`."""

    model_type = "clip_moe_vision_model"

    def __init__(self, **kwargs):
        super().__init__(**{**ROUTING_DEFAULTS, **kwargs})


class CLIPMoeVisionModel(CLIPVisionModel):
    """CLIPVisionModel with sparse layers."""

    config_class = CLIPMoeVisionConfig
    forward = with_router_outputs(CLIPVisionModel.forward)

    def __init__(self, config):
        super().__init__(config)
        tower = getattr(self, "vision_model", self)  # transformers 5 has no such level
        make_sparse(tower.encoder.layers, config)
        self.post_init()


class CLIPMoeConfig(CLIPConfig):
    """CLIPConfig; `vision_config` and `text_config` may each hold the keys of `ROUTING_DEFAULTS`.

    `output_router_logits` and the losses' coefficients are read here, not there.
    """

    model_type = "clip_moe"


class CLIPMoeModel(CLIPModel):
    """CLIPModel with sparse layers in the vision tower, the text tower or both."""

    config_class = CLIPMoeConfig
    forward = with_router_outputs(CLIPModel.forward)

    def __init__(self, config):
        super().__init__(config)
        make_sparse(self.vision_model.encoder.layers, config.vision_config)
        make_sparse(self.text_model.encoder.layers, config.text_config)
        self.post_init()

    def routed_parts(self):
        return [self.vision_model, self.text_model]


name_on_disk(CLIPMoeVisionModel, [(r"^vision_model\.", "")])
