# SPDX-License-Identifier: Apache-2.0
"""SigLIP's vision tower with Mixture-of-Experts layers.

Written by upcycle next to a converted checkpoint; needs `sparse_moe.py` beside it. Load with

    AutoModel.from_pretrained(DIR, trust_remote_code=True)

The dense tensors, the pooling head's too, have SigLIP's names. A sparse layer's are
`vision_model.encoder.layers.{i}.mlp.gate.weight` and `...mlp.experts.{e}.fc{1,2}.{weight,bias}`.
"""

from transformers import SiglipVisionConfig, SiglipVisionModel

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


name_on_disk(SiglipMoeVisionModel, [(r"^vision_model\.", "")])
