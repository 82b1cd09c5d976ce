# SPDX-License-Identifier: Apache-2.0
"""ViT with Mixture-of-Experts layers: the encoder, and the image classifier.

Written by upcycle next to a converted checkpoint; needs `sparse_moe.py` beside it. Load with

    AutoModel.from_pretrained(DIR, trust_remote_code=True)
    AutoModelForImageClassification.from_pretrained(DIR, trust_remote_code=True)

The dense tensors have ViT's names. A sparse layer's are `[vit.]encoder.layer.{i}.mlp.gate.weight` and
`...mlp.experts.{e}.fc{1,2}.{weight,bias}`, in place of `intermediate.dense` and `output.dense`.
"""

from torch import nn
from transformers import ViTConfig, ViTForImageClassification, ViTModel
from transformers.models.clip.modeling_clip import CLIPMLP
from transformers.models.vit.modeling_vit import ViTLayer

from .sparse_moe import ROUTING_DEFAULTS, check_layers, make_sparse, name_on_disk, sparse_layer, with_router_outputs


class ViTMoeConfig(ViTConfig):
    """ViTConfig and the keys of `ROUTING_DEFAULTS`."""

    model_type = "vit_moe"

    def __init__(self, **kwargs):
        super().__init__(**{**ROUTING_DEFAULTS, **kwargs})


class ViTMoeLayer(ViTLayer):
    """A sparse layer for transformers 4, whose own has no `mlp` to replace but `intermediate` and `output`."""

    def __init__(self, config):
        super().__init__(config)
        del self.intermediate, self.output
        self.mlp = sparse_layer(CLIPMLP(config), config)  # fc1, activation, fc2
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states, *args, **kwargs):
        hidden_states = hidden_states + self.attention(self.layernorm_before(hidden_states), *args, **kwargs)
        return hidden_states + self.dropout(self.mlp(self.layernorm_after(hidden_states)))


def make_vit_sparse(vit, config):
    if hasattr(vit, "layers"):  # transformers 5
        make_sparse(vit.layers, config)
    else:
        for index in check_layers(config):
            vit.encoder.layer[index] = ViTMoeLayer(config)


class ViTMoeModel(ViTModel):
    """ViTModel with sparse layers."""

    config_class = ViTMoeConfig
    forward = with_router_outputs(ViTModel.forward)

    def __init__(self, config, **kwargs):
        super().__init__(config, **kwargs)
        make_vit_sparse(self, config)
        self.post_init()


class ViTMoeForImageClassification(ViTForImageClassification):
    """ViTForImageClassification with sparse layers."""

    config_class = ViTMoeConfig
    forward = with_router_outputs(ViTForImageClassification.forward)

    def __init__(self, config):
        super().__init__(config)
        make_vit_sparse(self.vit, config)
        self.post_init()


name_on_disk(ViTMoeModel, "ViTModel")
