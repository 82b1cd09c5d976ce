"""What one generation of transformers computes for a list of models; make_logits_golden.py asks both with it.

    python forward_values.py JOBS

JOBS is a JSON list of `{"model", "ids", "prompt", "new_tokens", "gradients", "controls", "out"}`. For each job the
tensors go to OUT.safetensors; the numbers of all jobs and the versions go to JOBS with the suffix .out.

Everything is eager: attention, and experts where the version knows that choice. Float32 unless a name says bf16.
"""

import json
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from check_logits import GENERATION, load, relative_error, versions

EXPERT = re.compile(r"(.*\.experts)\.(\d+)\.(w1|w2|w3|gate_proj|up_proj|down_proj)\.weight")
DOWN_PROJECTION = re.compile(r"\.(down_proj|w2)(\.weight)?$")


def load_bfloat16(directory):
    """From the files, not by casting a float32 model: the rotary frequencies must stay in float32."""
    options = {"experts_implementation": "eager"} if GENERATION >= 5 else {}
    model = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.bfloat16, attn_implementation="eager", **options
    )
    return model.eval()


def router_of(layer):
    block = layer.block_sparse_moe if hasattr(layer, "block_sparse_moe") else layer.mlp
    return getattr(block, "gate", None)


@torch.no_grad()
def activations_of(model, ids):
    """Name -> tensor: the hidden states before the final norm, the router logits, the logits."""
    kept = {}

    def keep(name):
        def hook(module, args, output):
            kept[name] = (output[0] if isinstance(output, tuple) else output).detach().clone()

        return hook

    handles = [model.model.embed_tokens.register_forward_hook(keep("hidden.embedding"))]
    for i, layer in enumerate(model.model.layers):
        handles.append(layer.register_forward_hook(keep(f"hidden.{i}")))
        if router_of(layer) is not None:
            handles.append(router_of(layer).register_forward_hook(keep(f"router.{i}")))
    kept["logits"] = model(input_ids=ids).logits
    for handle in handles:
        handle.remove()
    return kept


@torch.no_grad()
def greedy(model, prompt, count, cached):
    """The ids, and the smallest lead of a chosen token over the next one, relative to the largest logit."""
    ids, cache, lead = list(prompt), None, float("inf")
    for _ in range(count):
        fresh = ids if cache is None else ids[-1:]
        result = model(input_ids=torch.tensor([fresh]), past_key_values=cache, use_cache=cached)
        cache = result.past_key_values if cached else None
        last = result.logits[0, -1]
        best = torch.topk(last, 2)
        lead = min(lead, ((best.values[0] - best.values[1]) / last.abs().max()).item())
        ids.append(best.indices[0].item())
    return ids[len(prompt) :], lead


def gradient_of(parameters, name):
    """By the name in the checkpoint; version 5 stacks a layer's experts, gate above up, and renames Mixtral's block."""
    if name in parameters:
        return parameters[name].grad
    name = name.replace(".block_sparse_moe.", ".mlp.")
    expert = EXPERT.fullmatch(name)
    if not expert:
        return parameters[name].grad
    prefix, index, part = expert.group(1), int(expert.group(2)), expert.group(3)
    if part in ("w2", "down_proj"):
        return parameters[f"{prefix}.down_proj"].grad[index]
    gate, up = parameters[f"{prefix}.gate_up_proj"].grad[index].chunk(2)
    return gate if part in ("w1", "gate_proj") else up


def loss_and_gradients(model, ids, names):
    model.zero_grad()
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    parameters = dict(model.named_parameters())
    gradients = {f"gradient.{n}": gradient_of(parameters, n).detach().clone() for n in names}
    model.zero_grad()
    return loss.item(), gradients


@torch.no_grad()
def balance_loss(model, ids):
    return model(input_ids=ids, output_router_logits=True).aux_loss.item()


# ---------------------------------------------------------------- controls


def without_window(config):
    config.sliding_window = None
    if getattr(config, "layer_types", None):
        config.layer_types = ["full_attention"] * config.num_hidden_layers


def without_scaling(config):
    config.rope_parameters = {"rope_theta": config.rope_parameters["rope_theta"], "rope_type": "default"}


def other_norm_topk(config):
    config.norm_topk_prob = not config.norm_topk_prob


def one_expert_fewer(config):
    config.num_experts_per_tok -= 1


CONFIG_CONTROLS = {
    "window": without_window,
    "rope_scaling": without_scaling,
    "norm_topk_prob": other_norm_topk,
    "experts_per_token": one_expert_fewer,
}
WEIGHT_CONTROLS = {
    "ffn": (DOWN_PROJECTION, 0.0),
    "biases": (re.compile(r"\.bias$"), 0.0),
    "qk_norm": (re.compile(r"\.[qk]_norm\.weight$"), 1.0),
    "shared_expert": (re.compile(r"\.shared_expert\.down_proj\.weight$"), 0.0),
    "shared_expert_gate": (re.compile(r"\.shared_expert_gate\.weight$"), 0.0),
}


@torch.no_grad()
def moved_by(control, directory, ids, logits):
    """How far the logits move when one part of the model is taken away."""
    config = None
    if control in CONFIG_CONTROLS:
        config = load(directory)[0].config.__class__.from_pretrained(directory)
        CONFIG_CONTROLS[control](config)
    model, _ = load(directory, config, experts=True)
    if control in WEIGHT_CONTROLS:
        pattern, value = WEIGHT_CONTROLS[control]
        chosen = [p for n, p in model.named_parameters() if pattern.search(n)]
        if not chosen:
            raise SystemExit(f"{directory}: nothing to take away for {control}")
        for parameter in chosen:
            parameter.fill_(value)
    return relative_error(logits, model(input_ids=ids).logits)


# ---------------------------------------------------------------- the drive


def values_of(job):
    directory, ids = job["model"], torch.tensor(job["ids"])
    model, faults = load(directory, experts=True)
    tensors = activations_of(model, ids)
    loss, gradients = loss_and_gradients(model, ids, job["gradients"])
    generated, lead = greedy(model, job["prompt"], job["new_tokens"], cached=True)
    again, _ = greedy(model, job["prompt"], job["new_tokens"], cached=False)
    numbers = {"loss": loss, "generated": generated, "generated_without_cache": again, "lead": lead, "faults": faults}
    if any(name.startswith("router.") for name in tensors):
        numbers["experts_per_token"] = model.config.num_experts_per_tok
        numbers["balance_loss"] = balance_loss(model, ids)
    rounded = activations_of(load_bfloat16(directory), ids)
    rounded = {f"bf16.{n}": t for n, t in rounded.items() if not n.startswith("hidden.")}
    numbers["moves_without"] = {c: moved_by(c, directory, ids, tensors["logits"]) for c in job["controls"]}
    tensors |= gradients | rounded
    save_file({n: t.contiguous() for n, t in tensors.items()}, job["out"] + ".safetensors")
    return numbers


def main():
    torch.set_num_threads(1)
    path = Path(sys.argv[1])
    results = [values_of(job) for job in json.loads(path.read_text())]
    path.with_suffix(".out").write_text(json.dumps({"versions": versions(), "results": results}))


if __name__ == "__main__":
    main()
