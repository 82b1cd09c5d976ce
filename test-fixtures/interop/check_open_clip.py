"""Checks that a CLIP under OpenAI's names becomes what transformers computes the same with.

    python check_open_clip.py --upcycle ../../upcycle --v4 PYTHON --v5 PYTHON

A tiny CLIP is written here as OpenAI wrote theirs, on torch.nn.MultiheadAttention: how its stacked rows fall into
queries, keys and values, and which way its projections point, is torch's business and not this project's. Its state
dict goes to `upcycle convert`, and the result is loaded with trust_remote_code in a fresh process of each generation
of transformers. The embeddings and logits must agree to 1e-5 of the largest; with the rows of queries and keys
exchanged in the result they must not. Writes results/open_clip.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results/open_clip.json"
TOLERANCE = 1e-5
CONTROL = 1e-2
WIDTH, TEXT_WIDTH, SPACE, LAYERS, PATCH, IMAGE, VOCAB, CONTEXT = 128, 64, 24, 3, 7, 28, 60, 12


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, act):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64)
        self.ln_1 = nn.LayerNorm(width)
        linears = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", act), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.Sequential(OrderedDict(linears))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x, mask):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, act):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, act) for _ in range(LAYERS))

    def forward(self, x, mask=None):
        x = x.transpose(0, 1)
        for block in self.resblocks:
            x = block(x, mask)
        return x.transpose(0, 1)


class Visual(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(WIDTH))
        self.positional_embedding = nn.Parameter(torch.empty((IMAGE // PATCH) ** 2 + 1, WIDTH))
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = Transformer(WIDTH, act)
        self.proj = nn.Parameter(torch.empty(WIDTH, SPACE))

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], dim=1) + self.positional_embedding
        return self.ln_post(self.transformer(self.ln_pre(x))[:, 0]) @ self.proj


class Clip(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.visual = Visual(act)
        self.transformer = Transformer(TEXT_WIDTH, act)
        self.token_embedding = nn.Embedding(VOCAB, TEXT_WIDTH)
        self.positional_embedding = nn.Parameter(torch.empty(CONTEXT, TEXT_WIDTH))
        self.ln_final = nn.LayerNorm(TEXT_WIDTH)
        self.text_projection = nn.Parameter(torch.empty(TEXT_WIDTH, SPACE))
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))

    def texts(self, ids):
        mask = torch.full((ids.shape[1], ids.shape[1]), float("-inf")).triu(1)
        x = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        x = self.ln_final(self.transformer(x, mask))
        return x[torch.arange(len(x)), ids.argmax(dim=-1)] @ self.text_projection

    def forward(self, pixels, ids):
        images, texts = (nn.functional.normalize(x, dim=-1) for x in (self.visual(pixels), self.texts(ids)))
        logits = self.logit_scale.exp() * images @ texts.T
        return {"image_embeds": images, "text_embeds": texts, "logits_per_image": logits}


@torch.no_grad()
def drawn(act):
    """A model whose every tensor matters."""
    torch.manual_seed(5)
    model = Clip(act).eval()
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        if parameter.ndim >= 2 and "embedding" not in name:
            parameter.copy_(noise * 2 / parameter[0].numel() ** 0.5)
        elif parameter.ndim:
            parameter.copy_((1 if ".ln_" in name and name.endswith("weight") else 0) + 0.5 * noise)
    return model


@torch.no_grad()
def make(case, dense, reference):
    """Writes the state dict in one of its forms, and what it computes."""
    from safetensors.torch import save_file

    quick, form = CASES[case]
    model = drawn(QuickGelu() if quick else nn.GELU())
    state = {name: values.clone() for name, values in model.state_dict().items()}
    dense.mkdir(parents=True)
    if form == "state dict":
        torch.save(state, dense / "ViT.pt")
    elif form == "torch":
        torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in state.items()}},
                   dense / "open_clip_pytorch_model.bin")
    else:
        save_file(state, dense / "open_clip_model.safetensors")
    if form != "state dict":
        vision = {"image_size": IMAGE, "layers": LAYERS, "width": WIDTH, "patch_size": PATCH}
        text = {"context_length": CONTEXT, "vocab_size": VOCAB, "width": TEXT_WIDTH, "heads": TEXT_WIDTH // 64}
        sizes = {"embed_dim": SPACE, "vision_cfg": vision, "text_cfg": {**text, "layers": LAYERS}}
        config = {"model_cfg": {**sizes, **({"quick_gelu": True} if quick else {})}}
        (dense / "open_clip_config.json").write_text(json.dumps(config))
    draw = torch.Generator().manual_seed(3)
    ids = torch.randint(1, VOCAB - 2, (3, 9), generator=draw)
    ids[:, -1] = VOCAB - 1
    inputs = (torch.randn(2, 3, IMAGE, IMAGE, generator=draw), ids)
    torch.save({"inputs": inputs, "outputs": model(*inputs)}, reference)
    return dense / "ViT.pt" if form == "state dict" else dense


CASES = {
    "open-clip-gelu": (False, "safetensors"),
    "open-clip-quick-gelu": (True, "safetensors"),
    "open-clip-torch": (False, "torch"),
    "openai-state-dict": (True, "state dict"),
}


@torch.no_grad()
def check(target, reference):
    """The errors of a target in this generation."""
    import transformers
    from check_logits import relative_error

    stored = torch.load(reference)
    pixels, ids = stored["inputs"]
    model, info = transformers.AutoModel.from_pretrained(
        target, trust_remote_code=True, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    model.eval()
    faults = [kind for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]]

    def error():
        found = model(pixel_values=pixels, input_ids=ids)
        return max(relative_error(expected, found[name]) for name, expected in stored["outputs"].items())

    entry = {"relative_error": error(), "faults": faults}
    attention = model.vision_model.encoder.layers[0].self_attn
    query = attention.q_proj.weight.clone()
    attention.q_proj.weight.copy_(attention.k_proj.weight)
    attention.k_proj.weight.copy_(query)
    entry["queries_and_keys_exchanged"] = error()
    return entry


def main():
    if sys.argv[1] == "check":
        print(json.dumps(check(sys.argv[2], sys.argv[3])))
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("--upcycle", required=True)
    parser.add_argument("--v4", required=True)
    parser.add_argument("--v5", required=True)
    options = parser.parse_args()
    cases, passed = {}, True
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            dense, target, reference = (Path(folder) / f"{case}-{kind}" for kind in ("dense", "moe", "reference"))
            source = make(case, dense, reference)
            run = [options.upcycle, "convert", "clip-up-b16", "--model", str(source), "--out", str(target)]
            subprocess.run(run, check=True, capture_output=True)
            subprocess.run([options.upcycle, "verify", str(source), str(target)], check=True, capture_output=True)
            cases[case] = {}
            for generation in ("v4", "v5"):
                command = [getattr(options, generation), __file__, "check", str(target), str(reference)]
                out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                entry = cases[case][generation] = json.loads(out.splitlines()[-1])
                fine = entry["relative_error"] <= TOLERANCE and entry["queries_and_keys_exchanged"] > CONTROL
                passed &= fine and not entry["faults"]
                print(case, generation, entry, flush=True)
    RESULTS.write_text(json.dumps({"passed": passed, "tolerance": TOLERANCE, "cases": cases}, indent=2) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
