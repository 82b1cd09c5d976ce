# SPDX-License-Identifier: Apache-2.0
"""The Mixture-of-Experts block that the modelling files beside this one share.

Written by upcycle next to a converted checkpoint. It runs in transformers 4.57 and 5.
"""

import copy
import functools
from contextlib import contextmanager

import torch
from torch import nn

# What a config may say about routing, and what holds where it says nothing. `moe_layers` lists the layers whose
# dense network is replaced; the coefficients scale what `output_router_logits` adds to a model's own loss.
ROUTING_DEFAULTS = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_layers": [],
    "router_norm_topk_prob": True,
    "router_numerics": "float32",
    "output_router_logits": False,
    "balance_loss_coef": 0.0,
    "router_z_loss_coef": 0.0,
}


def routing(config, key):
    """A routing key of a config of any class."""
    return getattr(config, key, ROUTING_DEFAULTS[key])


class SparseMoe(nn.Module):
    """`num_experts` copies of a dense network behind a router; tokens `[..., in]` become `[..., out]`.

    scores = softmax(gate(x)) in float32; the `num_experts_per_tok` largest are a token's weights, divided by their
    sum where `router_norm_topk_prob` says so. `router_numerics` is "float32" (weights are cast to x's dtype last)
    or "cumo" (scores are cast before the largest are chosen, as in CuMo, so that bfloat16 scores can tie).
    No capacity and no dropped token; an expert without tokens still gets a gradient, of zeros.
    """

    def __init__(self, dense, num_experts, num_experts_per_tok, config):
        super().__init__()
        if not 1 <= num_experts_per_tok <= num_experts:
            raise ValueError(f"{num_experts_per_tok} experts per token of {num_experts}: expected 1 to {num_experts}")
        self.num_experts_per_tok = num_experts_per_tok
        self.renormalise = routing(config, "router_norm_topk_prob")
        self.numerics = routing(config, "router_numerics")
        if self.numerics not in ("float32", "cumo"):
            raise ValueError(f'router_numerics is "{self.numerics}": expected "float32" or "cumo"')
        linears = [module for module in dense.modules() if isinstance(module, nn.Linear)]
        self.out_features = linears[-1].out_features
        self.gate = nn.Linear(linears[0].in_features, num_experts, bias=False)
        self.experts = nn.ModuleList(copy.deepcopy(dense) for _ in range(num_experts))

    def forward(self, hidden_states):
        tokens = hidden_states.flatten(0, -2)
        weights, chosen = self.route(self.gate(hidden_states).flatten(0, -2), tokens.dtype)
        mixed = tokens.new_zeros(tokens.shape[0], self.out_features)
        for index, expert in enumerate(self.experts):
            token, rank = torch.where(chosen == index)
            result = expert(tokens[token]) * weights[token, rank].unsqueeze(-1)
            mixed = mixed.index_add(0, token, result.to(mixed.dtype))
        return mixed.unflatten(0, hidden_states.shape[:-1])

    def route(self, logits, dtype):
        """The weights and the indices of each token's experts, both `[tokens, num_experts_per_tok]`."""
        scores = logits.softmax(dim=-1, dtype=torch.float32)
        if self.numerics == "cumo":
            scores = scores.to(dtype)
        weights, chosen = scores.topk(self.num_experts_per_tok, dim=-1)
        if self.renormalise:
            weights = weights / weights.sum(dim=-1, keepdim=True)
        return weights.to(dtype), chosen


def check_layers(config):
    """The layers that become sparse; an index outside the model is an error."""
    layers = routing(config, "moe_layers")
    outside = [index for index in layers if not 0 <= index < config.num_hidden_layers]
    if outside:
        raise ValueError(f"moe_layers names {outside}, but the layers are 0 to {config.num_hidden_layers - 1}")
    return layers


def make_sparse(layers, config):
    """Replaces the `mlp` of the layers that `config.moe_layers` names."""
    for index in check_layers(config):
        layers[index].mlp = sparse_layer(layers[index].mlp, config)


def sparse_layer(dense, config):
    return SparseMoe(dense, routing(config, "num_experts"), routing(config, "num_experts_per_tok"), config)


def balance_loss(logits):
    """CuMo's: experts times the sum of (share of first choices) times (mean score), per image; 1 at balance.

    `logits` is `[images, tokens, experts]`; the share carries no gradient.
    """
    scores = logits.softmax(dim=-1, dtype=torch.float32)
    first = nn.functional.one_hot(scores.argmax(dim=-1), scores.shape[-1])
    return scores.shape[-1] * (first.float().mean(dim=1) * scores.mean(dim=1)).sum(dim=-1).mean()


def z_loss(logits):
    """The mean square of logsumexp."""
    return logits.float().logsumexp(dim=-1).square().mean()


@contextmanager
def recorded_logits(part):
    """The router logits `[images, tokens, experts]` of every block in `part`, in the order they run."""
    logits = []
    gates = [module.gate for module in part.modules() if isinstance(module, SparseMoe)]
    hooks = [gate.register_forward_hook(lambda module, inputs, output: logits.append(output)) for gate in gates]
    try:
        yield logits
    finally:
        for hook in hooks:
            hook.remove()


def with_router_outputs(dense_forward):
    """A dense model's `forward` that also takes `output_router_logits`.

    Then the outputs have `router_logits` (a tuple, one per block), `balance_loss` and `z_loss`: means over the
    blocks of a part, summed over the parts that `model.routed_parts()` lists (the model itself where it has no such
    method). Where there is a `loss`, both are added to it, times `balance_loss_coef` and `router_z_loss_coef`.
    """

    @functools.wraps(dense_forward)
    def forward(self, *args, output_router_logits=None, **kwargs):
        if output_router_logits is None:
            output_router_logits = routing(self.config, "output_router_logits")
        if not output_router_logits:
            return dense_forward(self, *args, **kwargs)
        parts = self.routed_parts() if hasattr(self, "routed_parts") else [self]
        kwargs["return_dict"] = True
        with recorded_together(parts) as recorded:
            outputs = dense_forward(self, *args, **kwargs)
        add_router_outputs(outputs, [logits for logits in recorded if logits], self.config)
        return outputs

    return forward


@contextmanager
def recorded_together(parts):
    if not parts:
        yield []
        return
    with recorded_logits(parts[0]) as first, recorded_together(parts[1:]) as others:
        yield [first, *others]


def add_router_outputs(outputs, recorded, config):
    if not recorded:
        return
    outputs["router_logits"] = tuple(logits for part in recorded for logits in part)
    outputs["balance_loss"] = sum(torch.stack([balance_loss(one) for one in part]).mean() for part in recorded)
    outputs["z_loss"] = sum(torch.stack([z_loss(one) for one in part]).mean() for part in recorded)
    if outputs.get("loss") is not None:
        balance = routing(config, "balance_loss_coef") * outputs["balance_loss"]
        outputs["loss"] = outputs["loss"] + balance + routing(config, "router_z_loss_coef") * outputs["z_loss"]


def name_on_disk(model_class, renamings):
    """Tells transformers 5 how a class's tensors are named on disk; version 4 keeps them so in memory.

    `renamings` is the name of a dense class or model type that transformers knows, or (disk, memory) patterns.
    Version 5 applies none of its own to code outside the library.
    """
    try:
        from transformers import conversion_mapping
        from transformers.core_model_loading import WeightRenaming
    except ImportError:
        return
    if isinstance(renamings, str):
        known = conversion_mapping.get_checkpoint_conversion_mapping(renamings)
    else:
        known = [WeightRenaming(disk, memory) for disk, memory in renamings]
    conversion_mapping.register_checkpoint_conversion_mapping(model_class.__name__, known, overwrite=True)
