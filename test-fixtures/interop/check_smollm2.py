"""Upcycles SmolLM2 and holds what both sides compute of it against what transformers computes of the dense model.

    python check_smollm2.py --upcycle ../../upcycle --smollm2 DIR [--keep FOLDER] [--out results]

DIR is what make_smollm2.py wrote with --dtype float32; transformers' side of the dense model is stored in
results/reference-smollm2.json (smollm2_reference.py). `upcycle convert llama-8x2` makes the target in a temporary
folder (2.8 GB), or in FOLDER, which is kept. Then, dense and upcycled:

- `upcycle generate --greedy` must continue the prompt with the reference's tokens, every one;
- `upcycle eval` must give the reference's perplexity within a thousandth;
- transformers must load the target as a Mixtral without a missing or unexpected key and generate the same tokens.

The figures go to results/upcycled-smollm2.json. Exit status 1 when anything does not hold.

Runs in the version 5 environment (requirements-v5.txt); some minutes and 6 GB of memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import torch

from check_logits import load, versions
from forward_values import greedy
from run_checks import HERE, hashes
from smollm2_reference import MODELS, text_of

RECIPE = "llama-8x2"
TOLERANCE = 1e-3  # of a perplexity, relative


def upcycle(launcher, *arguments):
    run = subprocess.run([launcher, *map(str, arguments), "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"upcycle {arguments[0]}: exit status {run.returncode}: {run.stderr[-3000:]}")
    return json.loads(run.stdout)


def ours(launcher, model, reference, text):
    """What `upcycle` says of one model, beside the reference."""
    wanted, perplexity = reference["generation"], reference["perplexity"]
    options = ("--max-tokens", len(wanted["generated"]), "--greedy", "--ignore-eos")
    said = upcycle(launcher, "generate", model, "--prompt", wanted["prompt"], *options)
    strides = ("--context", perplexity["context"], "--stride", perplexity["stride"])
    read = upcycle(launcher, "eval", model, "--text", text, *strides)
    return {
        "prompt_is_the_reference's": said["prompt_tokens"] == wanted["prompt_ids"],
        "same_tokens": sum(a == b for a, b in zip(said["tokens"], wanted["generated"], strict=True)),
        "perplexity": read["perplexity"],
        "perplexity_relative_error": abs(read["perplexity"] / perplexity["perplexity"] - 1),
        "scored": read["scored"],
        "dead_experts": sum(len(layer["dead_experts"]) for layer in read["layers"]),
    }


@torch.no_grad()
def theirs(model, reference):
    """What transformers says of the target, beside the reference of the dense model."""
    network, faults = load(model)
    wanted = reference["generation"]
    generated, lead = greedy(network, wanted["prompt_ids"], len(wanted["generated"]), cached=True)
    return {
        "model_class": type(network).__name__,
        "keys_that_do_not_fit": sum(map(len, faults.values())),
        "same_tokens": sum(a == b for a, b in zip(generated, wanted["generated"], strict=True)),
        "smallest_lead": lead,
    }


def faults_of(result, reference):
    count = len(reference["generation"]["generated"])
    for side in ("dense", "upcycled", "transformers"):
        figures = result[side]
        if figures["same_tokens"] != count:
            yield f"{side}: {figures['same_tokens']} of {count} tokens are the reference's"
        if not figures.get("prompt_is_the_reference's", True):
            yield f"{side}: the prompt has other tokens"
        if figures.get("keys_that_do_not_fit", 0):
            yield f"{side}: {figures['keys_that_do_not_fit']} keys do not fit"
        if "scored" in figures and figures["scored"] != reference["perplexity"]["scored"]:
            yield f"{side}: {figures['scored']} tokens were scored"
        if not figures.get("perplexity_relative_error", 0) <= TOLERANCE:
            yield f"{side}: the perplexity is {figures['perplexity']}"


def check(args, reference, folder):
    target, text = folder / "upcycled", folder / "text.txt"
    text.write_bytes(text_of(MODELS["smollm2"][2]).encode("utf-8"))
    upcycle(args.upcycle, "convert", RECIPE, "--model", args.smollm2, "--out", target)
    version = subprocess.run([args.upcycle, "--version"], capture_output=True, text=True).stdout.strip()
    result = {
        "schema": "upcycle-interop/upcycled/1",
        "recipe": RECIPE,
        "versions": versions() | {"upcycle": version},
        "files": {n: h for n, h in hashes(target).items() if n.endswith((".safetensors", "config.json"))},
        "tokens": len(reference["generation"]["generated"]),
        "reference_perplexity": reference["perplexity"]["perplexity"],
        "dense": ours(args.upcycle, args.smollm2, reference, text),
        "upcycled": ours(args.upcycle, target, reference, text),
        "transformers": theirs(target, reference),
    }
    faults = list(faults_of(result, reference))
    return result | {"passed": not faults, "faults": faults}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upcycle", required=True, help="the launcher")
    parser.add_argument("--smollm2", type=Path, required=True, help="the directory that make_smollm2.py wrote")
    parser.add_argument("--keep", type=Path, help="an empty folder for the target, which is left there")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    reference = json.loads((HERE / "results/reference-smollm2.json").read_text(encoding="utf-8"))
    weights = {n: h for n, h in hashes(args.smollm2).items() if n in reference["files"]}
    if weights != reference["files"]:
        raise SystemExit(f"{args.smollm2} is not the model of reference-smollm2.json")
    with nullcontext(args.keep) if args.keep else tempfile.TemporaryDirectory() as folder:
        result = check(args, reference, Path(folder))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "upcycled-smollm2.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    sys.exit(0 if result["passed"] else 1)


if __name__ == "__main__":
    main()
