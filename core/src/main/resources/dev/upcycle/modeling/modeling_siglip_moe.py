# SPDX-License-Identifier: Apache-2.0
"""SigLIP with Mixture-of-Experts layers: the vision tower alone, or both towers.

Written by upcycle next to a converted checkpoint; needs `sparse_moe.py` beside it. Load with

    AutoModel.from_pretrained(DIR, trust_remote_code=True)

The dense tensors, the pooling head's too, have SigLIP's names. A sparse layer's are
`...layers.{i}.mlp.gate.weight` and `...layers.{i}.mlp.experts.{e}.fc{1,2}.{weight,bias}`.
"""

from transformers import SiglipConfig, SiglipModel, SiglipVisionConfig, SiglipVisionModel

from .sparse_moe import ROUTING_DEFAULTS, make_sparse, name_on_disk, with_router_outputs


class SiglipMoeVisionConfig(SiglipVisionConfig):
    """SiglipVisionConfig and the keys of `ROUTING_DEFAULTS`."""

    model_type = "siglip_moe_vision_model"

    def __init__(self, **kwargs):
        super().__init__(**{**ROUTING_DEFAULTS, **kwargs})


class SiglipMoeVisionModel(SiglipVisionModel):
    """SiglipVisionModel with sparse layers."""

    config_class = SiglipMoeVisionConfig
    forward = with_router_outputs(SiglipVisionModel.forward)

    def __init__(self, config):
        super().__init__(config)
        tower = getattr(self, "vision_model", self)  # transformers 5 has no such level
        make_sparse(tower.encoder.layers, config)
        self.post_init()


class SiglipMoeConfig(SiglipConfig):
    """SiglipConfig; `vision_config` and `text_config` may each hold the keys of `ROUTING_DEFAULTS`.

    `output_router_logits` and the losses' coefficients are read here, not there.
    """

    model_type = "siglip_moe"


class SiglipMoeModel(SiglipModel):
    """SiglipModel with sparse layers in the vision tower, the text tower or both."""

    config_class = SiglipMoeConfig
    forward = with_router_outputs(SiglipModel.forward)

    def __init__(self, config):
        super().__init__(config)
        make_sparse(self.vision_model.encoder.layers, config.vision_config)
        make_sparse(self.text_model.encoder.layers, config.text_config)
        self.post_init()

    def routed_parts(self):
        return [self.vision_model, self.text_model]


name_on_disk(SiglipMoeVisionModel, [(r"^vision_model\.", "")])
