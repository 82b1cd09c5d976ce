"""Writes the golden losses of CuMo's last stage on a toy: a CLIP and a connector with 4 experts, 2 per token, a Mistral.

    v5/bin/python make_cumo_train_golden.py OUT

OUT/dense is the model that the stage upcycles, in CuMo's names; OUT/routers-*.safetensors its new routers;
OUT/inputs.safetensors pixels, ids and labels of every step; OUT/losses.json settings, losses before each step, the
length of the gradients, and the least margins between a token's first, second and third router logit.

Attention, norms and Mistral are transformers' modules, AdamW and clipping torch's. The rest follows CuMo's formulas
(arXiv 2405.05949): experts, renormalised top-2, the pyramid of scales, balance by image and first choice over all
layers of the tower, the last too, whose result nobody reads, then over scales; z; zero images for rows of text.
Float32 on one thread.
"""

import copy
import json
import math
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel, MistralConfig, MistralForCausalLM

SEED, STEPS, DISTINCT, ROWS, SEQ, WARMUP = 9, 20, 5, 4, 40, 3
RATE, BETAS, EPSILON, CLIP = 1e-3, (0.9, 0.999), 1e-8, 1.0
BALANCE, ROUTER_Z = 0.1, 0.01
EXPERTS, CHOSEN, SCALES = 4, 2, (1, 3)
IMAGE, IGNORED, PADDING = -200, -100, 0
SIDE, PATCHES, VISION, HIDDEN, VOCAB = 28, 16, 64, 96, 128
TOWER = dict(
    hidden_size=VISION, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4, patch_size=7,
    image_size=SIDE, hidden_act="quick_gelu", layer_norm_eps=1e-5)
DECODER = dict(
    vocab_size=VOCAB, hidden_size=HIDDEN, intermediate_size=192, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, head_dim=24, max_position_embeddings=128, sliding_window=None, rms_norm_eps=1e-5,
    tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)


# ---------------------------------------------------------------- the model


class Mixture(nn.Module):
    """Experts that are copies of one network, behind a router without bias."""

    def __init__(self, network, router):
        super().__init__()
        self.gate = nn.Linear(router.shape[1], router.shape[0], bias=False)
        self.gate.load_state_dict({"weight": router})
        self.experts = nn.ModuleList(copy.deepcopy(network) for _ in range(router.shape[0]))
        self.seen = []

    def forward(self, x):
        """x: images, tokens, width"""
        logits = self.gate(x)
        self.seen.append(logits)
        weights, chosen = logits.softmax(-1).topk(CHOSEN)
        weights = weights / weights.sum(-1, keepdim=True)
        total = 0
        for e, expert in enumerate(self.experts):
            total = total + (weights * (chosen == e)).sum(-1, keepdim=True) * expert(x)
        return total


def balance_of(logits):
    """E times the mean over images of the sum over experts of share of first choices times mean score."""
    scores = logits.softmax(-1)
    first = F.one_hot(scores.argmax(-1), EXPERTS).float()
    return EXPERTS * (first.mean(1) * scores.mean(1)).sum(-1).mean()


def z_of(logits):
    return logits.logsumexp(-1).square().mean()


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = CLIPVisionModel(CLIPVisionConfig(**TOWER, attn_implementation="eager"))
        width = VISION * len(SCALES)
        self.connector = nn.Sequential(nn.Linear(width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN))
        self.decoder = MistralForCausalLM(MistralConfig(**DECODER, attn_implementation="eager"))

    def layers(self):
        inner = getattr(self.tower, "vision_model", self.tower)
        return inner.encoder.layers

    def upcycle(self, routers):
        for i, layer in enumerate(self.layers()):
            layer.mlp = Mixture(layer.mlp, routers[tower_router(i)])
        self.connector = Mixture(self.connector, routers[CONNECTOR_ROUTER])

    def features(self, pixels):
        """The state before the last layer, without the class token."""
        return self.tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]

    def view(self, pixels, scale):
        if scale == 1:
            return self.features(pixels)
        large = F.interpolate(pixels, scale_factor=scale, mode="bicubic", align_corners=False)
        cells = [(r, c) for r in range(scale) for c in range(scale)]
        cut = lambda r, c: large[:, :, r * SIDE : (r + 1) * SIDE, c * SIDE : (c + 1) * SIDE]
        states = self.features(torch.cat([cut(r, c) for r, c in cells]))
        side = SIDE // TOWER["patch_size"]
        whole = states.new_zeros(len(pixels), VISION, side * scale, side * scale)
        for (r, c), tile in zip(cells, states.split(len(pixels))):
            tile = tile.transpose(1, 2).reshape(len(pixels), VISION, side, side)
            whole[:, :, r * side : (r + 1) * side, c * side : (c + 1) * side] = tile
        return F.avg_pool2d(whole, scale).flatten(2).transpose(1, 2)

    def forward(self, pixels, ids, places):
        """places: how many features of each image the text holds"""
        images = self.connector(torch.cat([self.view(pixels, s) for s in SCALES], dim=-1))
        held = torch.cat([image[:count] for image, count in zip(images, places)])
        words = self.decoder.get_input_embeddings()(ids.clamp(min=0))
        spliced = words.masked_scatter((ids == IMAGE).unsqueeze(-1), held)
        return self.decoder(inputs_embeds=spliced, use_cache=False).logits

    def auxiliary(self):
        """Balance and z of the tower and of the connector, and all router logits."""
        per_scale = lambda of: torch.stack(
            [torch.stack([of(layer.mlp.seen[s]) for layer in self.layers()]).mean() for s in range(len(SCALES))])
        (connector,) = self.connector.seen
        losses = dict(
            balance_vision=per_scale(balance_of).mean(), balance_connector=balance_of(connector),
            router_z_vision=per_scale(z_of).mean(), router_z_connector=z_of(connector))
        logits = [l for m in self.mixtures() for l in m.seen]
        return losses, torch.cat([l.detach().flatten(0, -2) for l in logits])

    def mixtures(self):
        return [m for m in self.modules() if isinstance(m, Mixture)]

    def forget(self):
        for mixture in self.mixtures():
            mixture.seen.clear()


# ---------------------------------------------------------------- weights


CONNECTOR_ROUTER = "model.mm_projector.gate.weight"


def tower_router(layer):
    return f"model.vision_tower.vision_model.encoder.layers.{layer}.gate.weight"


def amplify(name, parameter):
    """So that every matrix matters; all values are bfloat16's."""
    if parameter.dim() > 1:
        parameter.normal_(0, math.sqrt(0.7 / parameter[0].numel()))
    elif "norm" in name or "layrnorm" in name:
        middle = 1.0 if name.endswith("weight") else 0.0
        parameter.normal_(middle, 0.1)
    else:
        parameter.normal_(0, 0.2)
    if "embed" in name and "patch" not in name:
        parameter.normal_(0, 1.0)
    parameter.copy_(parameter.bfloat16().float())


def written(model):
    """In CuMo's names, without the norm behind the tower, which its tower has not."""
    tensors = {}
    for name, value in model.tower.state_dict().items():
        name = name.removeprefix("vision_model.")
        if not name.startswith("post_layernorm") and not name.endswith("position_ids"):
            tensors["model.vision_tower.vision_model." + name] = value
    tensors |= {"model.mm_projector." + name: value for name, value in model.connector.state_dict().items()}
    tensors |= dict(model.decoder.state_dict())
    return {name: value.bfloat16().contiguous() for name, value in tensors.items()}


def config():
    head = {"architectures": ["LlavaMistralForCausalLM"], "model_type": "llava_mistral"}
    own = {
        "scales": list(SCALES), "mm_projector_type": "mlp2x_gelu", "mm_hidden_size": VISION, "use_mm_proj": True,
        "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "pad_token_id": PADDING,
        "vision_config": {"model_type": "clip_vision_model", **TOWER}}
    decoder = DECODER | {"rope_theta": 10000.0, "hidden_act": "silu", "torch_dtype": "bfloat16"}
    return head | decoder | own


def routers():
    shapes = {tower_router(i): (EXPERTS, VISION) for i in range(TOWER["num_hidden_layers"])}
    shapes[CONNECTOR_ROUTER] = (EXPERTS, VISION * len(SCALES))
    return {name: torch.randn(shape) * 3 / math.sqrt(shape[1]) for name, shape in shapes.items()}


# ---------------------------------------------------------------- data


def batch():
    """Rows of different length; the third has no image and gives zeros, of which the text holds nothing."""
    pixels = torch.randn(ROWS, 3, SIDE, SIDE)
    ids = torch.randint(4, VOCAB, (ROWS, SEQ))
    labels = torch.full_like(ids, IGNORED)
    places = []
    for row, length in enumerate((SEQ, 31, 22, 36)):
        image = row != 2
        begin = 2 + row
        if image:
            ids[row, begin : begin + PATCHES] = IMAGE
        else:
            pixels[row] = 0
        places.append(PATCHES if image else 0)
        answer = begin + (PATCHES if image else 6) + 3
        ids[row, length:] = PADDING
        # something to learn: a word of the answer follows from the one before
        for at in range(answer, length):
            ids[row, at] = 4 + (3 * ids[row, at - 1].clamp(min=4) + 5) % (VOCAB - 4)
        labels[row, answer:length] = ids[row, answer:length]
    return pixels, ids, labels, places


def share(step):
    """DeepSpeed's WarmupCosineLR."""
    if step < WARMUP:
        return math.log(step + 1) / math.log(WARMUP)
    return 0.5 * (1 + math.cos(math.pi * (step - WARMUP + 1) / (STEPS - WARMUP)))


# ---------------------------------------------------------------- the run


def train(model, batches):
    adamw = torch.optim.AdamW(model.parameters(), lr=RATE, betas=BETAS, eps=EPSILON, weight_decay=0.0)
    rows = []
    for step in range(STEPS):
        pixels, ids, labels, places = batches[step % DISTINCT]
        adamw.param_groups[0]["lr"] = RATE * share(step)
        model.forget()
        logits = model(pixels, ids, places)[:, :-1].flatten(0, 1)
        ce = F.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=IGNORED)
        auxiliary, routed = model.auxiliary()
        loss = ce
        for name, value in auxiliary.items():
            loss = loss + (BALANCE if name.startswith("balance") else ROUTER_Z) * value
        adamw.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        adamw.step()
        best = routed.sort(-1, descending=True).values
        rows.append(
            dict(total=loss.item(), cross_entropy=ce.item())
            | {name: value.item() for name, value in auxiliary.items()}
            | dict(
                gradient_norm=norm.item(),
                first_margin=(best[:, 0] - best[:, 1]).min().item(),
                chosen_margin=(best[:, CHOSEN - 1] - best[:, CHOSEN]).min().item()))
    return rows


def started():
    """The dense model, the routers and the batches; always the same."""
    torch.manual_seed(SEED)
    model = Toy().float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            amplify(name, parameter)
    return model, routers(), [batch() for _ in range(DISTINCT)]


def in_double():
    """The same steps in float64."""
    model, gates, batches = started()
    model.upcycle(gates)
    torch.set_default_dtype(torch.float64)
    rows = train(model.double(), [(pixels.double(), *rest) for pixels, *rest in batches])
    torch.set_default_dtype(torch.float32)
    return rows


def store(out, model, gates, batches):
    (out / "dense").mkdir(parents=True, exist_ok=True)
    save_file(written(model), out / "dense" / "model.safetensors", metadata={"format": "pt"})
    (out / "dense" / "config.json").write_text(json.dumps(config(), indent=2) + "\n")
    for part in ("vision", "connector"):
        own = {name: gate for name, gate in gates.items() if (name == CONNECTOR_ROUTER) == (part == "connector")}
        save_file(own, out / f"routers-{part}.safetensors", metadata={"format": "pt"})
    stacked = [torch.stack(part).contiguous() for part in list(zip(*batches))[:3]]
    save_file(dict(zip(("pixels", "ids", "labels"), stacked)), out / "inputs.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def dense_loss(model, pixels, ids, labels, places):
    logits = model(pixels, ids, places)[:, :-1].flatten(0, 1)
    return F.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=IGNORED).item()


def main(out):
    torch.set_num_threads(1)
    model, gates, batches = started()
    store(out, model, gates, batches)
    before = dense_loss(model, *batches[0])
    model.upcycle(gates)
    last = copy.deepcopy(model.layers()[-1].mlp)
    rows = train(model, batches)
    trained = model.layers()[-1].mlp
    for old, new in zip(last.experts.parameters(), trained.experts.parameters()):
        assert torch.equal(old, new), "an expert that nobody reads moved"
    assert not torch.equal(last.gate.weight, trained.gate.weight), "the last layer's router did not move"
    least = {key: min(row[key] for row in rows) for key in ("first_margin", "chosen_margin")}
    assert min(least.values()) > 5e-5, least
    exact = in_double()
    rounding = {key: max(abs(a[key] - b[key]) for a, b in zip(rows, exact)) for key in rows[0] if "margin" not in key}
    settings = dict(
        torch=torch.__version__, transformers=transformers.__version__, steps=STEPS, batches=DISTINCT, rows=ROWS,
        seq=SEQ, places=batches[0][3], warmup=WARMUP, rate=RATE, betas=BETAS, epsilon=EPSILON, clip_norm=CLIP,
        balance=BALANCE, router_z=ROUTER_Z, dense_cross_entropy=before, least_margins=least,
        largest_difference_from_float64=rounding, losses=rows)
    (out / "losses.json").write_text(json.dumps(settings, indent=1) + "\n")
    print(before, rows[0], rows[-1], least, rounding, sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
