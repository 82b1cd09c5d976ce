"""Checks that CLIP-MoE's own model loads what `upcycle convert clip-moe-b16-4x2` writes, and computes the dense model.

    python check_clip_moe.py --upcycle ../../upcycle --clip-moe CHECKOUT

CHECKOUT is a clone of OpenSparseLLMs/CLIP-MoE; of it `clipmoe/model_clipmoe.py` is run, by the steps of its `loadMoE`:
`build_model` and a strict `load_state_dict`. Its text tower is Long-CLIP's: 248 positions in two tensors, of which it
takes the first 20 from the one and the rest from the other. The result's positions go into both, zeros behind them.
The dense model is that of check_open_clip.py. Image and text embeddings must agree to 1e-5 of the largest; with
queries, keys and values rotated in the result they must not. Writes results/clip_moe.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from check_logits import relative_error
from check_open_clip import CONTROL, CONTEXT, TEXT_WIDTH, TOLERANCE, make
from safetensors.torch import load_file
from torch.nn.functional import normalize

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results/clip_moe.json"
POSITIONS = 248
EXPERTS, PER_TOKEN, DROPOUT, BLOCKS = 4, 2, 0, 2


def stretched(target):
    """The state dict, with the positions that CLIP-MoE's text tower has."""
    state = load_file(target / "model.safetensors")
    positions = torch.zeros(POSITIONS, TEXT_WIDTH)
    positions[:CONTEXT] = state["positional_embedding"]
    return {**state, "positional_embedding": positions, "positional_embedding_res": positions.clone()}


@torch.no_grad()
def errors(model, reference):
    """The largest errors of image and text embeddings."""
    pixels, ids = reference["inputs"]
    padded = torch.zeros(len(ids), POSITIONS, dtype=torch.long)
    padded[:, : ids.shape[1]] = ids
    found = {"image_embeds": model.encode_image(pixels), "text_embeds": model.encode_text(padded)}
    return {name: relative_error(reference["outputs"][name], normalize(x, dim=-1)) for name, x in found.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upcycle", required=True)
    parser.add_argument("--clip-moe", required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(options.clip_moe) / "clipmoe"))
    from model_clipmoe import build_model

    with tempfile.TemporaryDirectory() as folder:
        dense, target, stored = (Path(folder) / name for name in ("dense", "moe", "reference"))
        source = make("openai-state-dict", dense, stored)
        run = [options.upcycle, "convert", "clip-moe-b16-4x2", "--model", str(source), "--out", str(target)]
        for part in ("vision", "language"):
            run += ["--set", f"{part}.layers={{last: {BLOCKS}}}"]
        subprocess.run(run, check=True, capture_output=True)
        subprocess.run([options.upcycle, "verify", str(source), str(target)], check=True, capture_output=True)
        state, reference = stretched(target), torch.load(stored)
    model = build_model(state, load_from_clip=False, MoE_args=[EXPERTS, PER_TOKEN, DROPOUT, BLOCKS])
    model.float().eval()  # it halves its weights; here they stay as they are
    model.load_state_dict(state)
    entry = {"relative_error": errors(model, reference)}
    for tower in (model.visual, model):
        weight = tower.transformer.resblocks[0].attn.in_proj_weight.data
        query, key, value = weight.chunk(3)
        weight.copy_(torch.cat([key, query, value]))
    entry["queries_and_keys_exchanged"] = errors(model, reference)
    fine = max(entry["relative_error"].values()) <= TOLERANCE
    caught = min(entry["queries_and_keys_exchanged"].values()) > CONTROL
    print(entry)
    RESULTS.write_text(json.dumps({"passed": fine and caught, "tolerance": TOLERANCE, **entry}, indent=2) + "\n")
    return 0 if fine and caught else 1


if __name__ == "__main__":
    sys.exit(main())
