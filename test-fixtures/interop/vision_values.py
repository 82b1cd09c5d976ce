"""What one generation of transformers computes for a list of vision models; make_vision_golden.py asks both with it.

    python vision_values.py JOBS

JOBS is a JSON list of `{"name", "model", "inputs", "gradients", "controls", "out"}`: `name` is a case of
vision_cases.py, `model` the directory of its dense form, `mixture` the file of its real tensors where experts stand in
the place of networks. For each job the tensors go to OUT.safetensors; the numbers go to JOBS with the suffix .out.

transformers has no class for a mixture, so the networks of the dense form are replaced by the plain loop below, which
routes as CuMo does: logits in the compute type, softmax in float32, rounded to the compute type, top-k, renormalised.
"""

import json
import re
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from transformers.activations import ACT2FN

from check_logits import GENERATION, relative_error, versions
from vision_cases import CASES, IMAGE_TOKEN, class_of

BY_NAME = {case.name: case for case in CASES}


# ---------------------------------------------------------------- experts


class Expert(nn.Module):
    def __init__(self, tensors, prefix, names, act):
        super().__init__()
        self.names, self.act = names, act
        for name in names:
            weight = tensors[f"{prefix}.{name}.weight"]
            linear = nn.Linear(weight.shape[1], weight.shape[0])
            linear.load_state_dict({"weight": weight, "bias": tensors[f"{prefix}.{name}.bias"]})
            setattr(self, name, linear)

    def forward(self, x):
        first, second = (getattr(self, name) for name in self.names)
        return second(self.act(first(x)))


class Mixture(nn.Module):
    """The definition: each token's chosen experts, weighed and summed."""

    def __init__(self, tensors, prefix, names, act, chosen):
        super().__init__()
        weight = tensors[f"{prefix}.gate.weight"]
        self.chosen = chosen
        self.gate = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        self.gate.load_state_dict({"weight": weight})
        experts = (Expert(tensors, f"{prefix}.experts.{e}", names, act) for e in range(weight.shape[0]))
        self.experts = nn.ModuleList(experts)

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        self.logits = self.gate(flat)
        scores = F.softmax(self.logits, dim=1, dtype=torch.float32).to(flat.dtype)
        weights, choice = torch.topk(scores, self.chosen)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        total = 0
        for e, expert in enumerate(self.experts):
            share = (weights * (choice == e)).sum(dim=1, keepdim=True)
            total = total + share * expert(flat)
        return total.reshape(*x.shape[:-1], -1)


def act_of(case):
    return ACT2FN[case.vision.act]


def mix_tower(case, layers, tensors, prefix):
    for i, layer in enumerate(layers):
        if case.vision.is_sparse(i):
            name = f"{prefix}.{i}.mlp"
            layer.mlp = Mixture(tensors, name, ("fc1", "fc2"), act_of(case), case.vision.chosen)


def mixed(case, model, tensors):
    if case.connector:
        tower = model.model.vision_tower
        prefix = "vision_tower.vision_model.encoder.layers"
    else:
        tower = model
        prefix = "encoder.layer" if case.vision.kind == "vit" else "vision_model.encoder.layers"
    mix_tower(case, tower.layers if case.vision.kind == "vit" else tower.encoder.layers, tensors, prefix)
    if case.connector and case.connector.experts:
        act = ACT2FN[case.connector.act]
        names = ("linear_1", "linear_2")
        model.model.multi_modal_projector = Mixture(tensors, "multi_modal_projector", names, act, case.connector.chosen)


# ---------------------------------------------------------------- the model


def load(job, dtype):
    case = BY_NAME[job["name"]]
    cls = getattr(transformers, class_of(case))
    options = {"experts_implementation": "eager"} if GENERATION >= 5 and "mixtral" in case.name else {}
    if case.vision.kind == "vit" and not case.vision.labels:
        options["add_pooling_layer"] = case.vision.head
    model, info = cls.from_pretrained(
        job["model"], dtype=dtype, attn_implementation="eager", output_loading_info=True, **options
    )
    faults = {k: sorted(map(str, info[k])) for k in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    if job["mixture"]:
        mixed(case, model, load_file(job["mixture"]))
        model = model.to(dtype)
    return case, model.eval(), faults


def pyramid(case, pixels, tower):
    """CuMo's features of several scales: tiles of the enlarged image, stitched, averaged back, side by side."""
    views = []
    for scale in case.connector.scales:
        large = pixels
        if scale > 1:
            size = scale * case.vision.image
            large = F.interpolate(pixels.float(), size=(size, size), mode="bicubic", align_corners=False)
            large = large.to(pixels.dtype)
        rows = [r.chunk(scale, dim=3) for r in large.chunk(scale, dim=2)]
        tiles = torch.cat([tile for row in rows for tile in row])
        states = tower(tiles, output_hidden_states=True).hidden_states[case.feature_layer][:, 1:]
        side = case.vision.image // case.vision.patch
        maps = states.transpose(1, 2).reshape(len(tiles), -1, side, side).chunk(scale * scale)
        rows = [torch.cat(maps[r * scale : (r + 1) * scale], dim=3) for r in range(scale)]
        whole = torch.cat(rows, dim=2)
        whole = F.interpolate(whole.float(), size=(side, side), mode="area").to(pixels.dtype)
        views.append(whole.flatten(2).transpose(1, 2))
    return torch.cat(views, dim=-1)


def tower_values(case, model, inputs):
    out = model(pixel_values=inputs["pixel_values"], output_hidden_states=True)
    kept = {f"vision.hidden.{i}": h for i, h in enumerate(out.hidden_states)}
    if case.vision.labels:
        return kept | {"main": out.logits}
    kept["vision.last"] = out.last_hidden_state
    if out.pooler_output is not None:
        return kept | {"main": out.pooler_output}
    return kept | {"main": out.last_hidden_state}


def with_states(tower, inputs):
    """What a tower gives, and every state of it; SigLIP's inner modules of version 4 keep none themselves."""
    out = tower(inputs, output_hidden_states=True)
    if out.hidden_states is not None:
        return out, out.hidden_states
    states = []
    layers = tower.encoder.layers
    hooks = [layer.register_forward_pre_hook(lambda _, args, kw: states.append((*args, *kw.values())[0]), with_kwargs=True)
             for layer in layers]
    last = layers[-1].register_forward_hook(lambda _, args, out: states.append(out[0] if isinstance(out, tuple) else out))
    out = tower(inputs)
    for hook in (*hooks, last):
        hook.remove()
    return out, states


def clip_values(case, model, inputs):
    pixels, ids = inputs["pixel_values"], inputs["ids"]
    kept = {}
    vision, seen = with_states(model.vision_model, pixels)
    text, read = with_states(model.text_model, ids)
    kept |= {f"vision.hidden.{i}": h for i, h in enumerate(seen)}
    kept |= {f"text.hidden.{i}": h for i, h in enumerate(read)}
    kept |= {"vision.pooled": vision.pooler_output, "text.pooled": text.pooler_output}
    kept["text.last"] = text.last_hidden_state
    out = model(input_ids=ids, pixel_values=pixels)
    return kept | {"image_embeds": out.image_embeds, "text_embeds": out.text_embeds, "main": out.logits_per_image}


def llava_values(case, model, inputs):
    pixels, ids = inputs["pixel_values"], inputs["ids"]
    inner = model.model
    tower = inner.vision_tower(pixels, output_hidden_states=True)
    kept = {f"vision.hidden.{i}": h for i, h in enumerate(tower.hidden_states)}
    if not case.is_mixture():
        out = model(input_ids=ids, pixel_values=pixels)
        return kept | {"features": torch.stack(list(torch.as_tensor(out.image_hidden_states))), "main": out.logits}
    wide = pyramid(case, pixels, inner.vision_tower)
    features = inner.multi_modal_projector(wide)
    words = inner.get_input_embeddings()(ids)
    spliced = words.masked_scatter((ids == IMAGE_TOKEN).unsqueeze(-1), features.to(words.dtype))
    logits = model(inputs_embeds=spliced).logits
    return kept | {"wide": wide, "features": features, "main": logits}


def values_by(case, model, inputs):
    if case.connector:
        kept = llava_values(case, model, inputs)
    else:
        kept = (clip_values if case.words else tower_values)(case, model, inputs)
    for i, module in enumerate(m for m in model.modules() if isinstance(m, Mixture)):
        kept[f"router.{i}"] = module.logits
    return kept


# ---------------------------------------------------------------- gradients


RENAMES = [
    (r"^vit\.", ""),
    (r"^vision_tower\.vision_model\.", "vision_tower."),
    (r"^vision_model\.", ""),
    (r"^language_model\.model\.", "language_model."),
    (r"^encoder\.layer\.", "layers."),
    (r"\.output\.dense\.", ".mlp.fc2."),
]


def gradient_of(parameters, name):
    """By the name in the checkpoint; the modules have other ones in either generation."""
    spellings = [name]
    for pattern, replacement in RENAMES:
        spellings += [re.sub(pattern, replacement, s) for s in spellings]
    for spelling in spellings:
        found = [n for n in parameters if n == spelling or n.endswith("." + spelling)]
        if len(found) == 1:
            return parameters[found[0]].grad
    raise SystemExit(f"{name}: not one of {sorted(parameters)}")


def loss_and_gradients(case, model, inputs, names):
    """The loss is the mean square of what the model is for."""
    model.zero_grad()
    loss = values_by(case, model, inputs)["main"].square().mean()
    loss.backward()
    parameters = dict(model.named_parameters())
    gradients = {f"gradient.{n}": gradient_of(parameters, n).detach().clone() for n in names}
    model.zero_grad()
    return loss.item(), gradients


# ---------------------------------------------------------------- controls


WEIGHTS = {
    "ffn": re.compile(r"(fc2|down_proj|w2|\.output\.dense)\.?(weight)?$|experts.*\.fc2\.weight$"),
    "attention": re.compile(r"(out_proj|o_proj|attention\.output\.dense)\.weight$"),
    "positions": re.compile(r"position_embeddings?(\.weight)?$"),
    "image": re.compile(r"multi_modal_projector.*linear_2\.weight$"),
}


def one_fewer(case, model):
    for module in model.modules():
        if isinstance(module, Mixture):
            module.chosen -= 1


def first_scale_only(case, model):
    width = case.vision.hidden
    for expert in model.model.multi_modal_projector.experts:
        expert.linear_1.weight[:, width:] = 0


CHANGES = {"chosen": one_fewer, "scales": first_scale_only}


@torch.no_grad()
def moved_by(control, job, inputs, main):
    """How far the output moves when one part of the model is taken away."""
    case, model, _ = load(job, torch.float32)
    if control in CHANGES:
        CHANGES[control](case, model)
    else:
        chosen = [p for n, p in model.named_parameters() if WEIGHTS[control].search(n)]
        if not chosen:
            raise SystemExit(f"{case.name}: nothing to take away for {control}")
        for parameter in chosen:
            parameter.zero_()
    return relative_error(main, values_by(case, model, inputs)["main"])


# ---------------------------------------------------------------- the drive


def values_of(job):
    inputs = load_file(job["inputs"])
    case, model, faults = load(job, torch.float32)
    with torch.no_grad():
        tensors = values_by(case, model, inputs)
    loss, gradients = loss_and_gradients(case, model, inputs, job["gradients"])
    _, rounded, _ = load(job, torch.bfloat16)
    with torch.no_grad():
        narrow = inputs | {"pixel_values": inputs["pixel_values"].to(torch.bfloat16)}
        bf16 = {n: t for n, t in values_by(case, rounded, narrow).items() if n == "main" or n.startswith("router.")}
    moves = {c: moved_by(c, job, inputs, tensors["main"]) for c in job["controls"]}
    tensors = {n: t.detach() for n, t in tensors.items()} | gradients
    tensors |= {f"bf16.{n}": t for n, t in bf16.items()}
    save_file({n: t.contiguous().clone() for n, t in tensors.items()}, job["out"] + ".safetensors")
    return {"loss": loss, "faults": faults, "moves_without": moves, "main_shape": list(tensors["main"].shape)}


def main():
    torch.set_num_threads(1)
    path = Path(sys.argv[1])
    results = [values_of(job) for job in json.loads(path.read_text())]
    path.with_suffix(".out").write_text(json.dumps({"versions": versions(), "results": results}))


if __name__ == "__main__":
    main()
