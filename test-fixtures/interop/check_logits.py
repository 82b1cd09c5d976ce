"""Compares the logits of a dense directory with those of the Mixture-of-Experts directory made from it.

    python check_logits.py DENSE MOE [--tolerance 1e-5] [--json FILE] [--expect-failure]

Both are loaded by AutoModelForCausalLM of whichever transformers runs this, in float32 with eager attention (and
eager experts where the version knows that choice). The measure is max|a - b| / max|a|, a the dense side. Exit
status 1: the error is over the tolerance or not finite, or a key is missing, unexpected or mismatched. With
--expect-failure, for negative controls, 0 and 1 change places.

A dense directory that one generation only reads right can be left out on the other side: --save FILE keeps the
dense logits, and --reference FILE uses them in place of DENSE's.
"""

import argparse
import json
import platform
import re
import sys
from pathlib import Path

import numpy as np
import safetensors
import tokenizers
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-5
SEED = 20
ROWS, LENGTH = 2, 64
TEXT = (
    "Light is never known to follow crooked Passages nor to bend into the Shadow. For the fix'd Stars by the "
    "Interposition of any of the Planets cease to be seen. In 2024, 17 of 39 runs were repeated; see Table 5."
)
# Dense checkpoints may hold these; they are recomputed and nobody loads them.
LEFT_OVER = re.compile(r"rotary_emb\.inv_freq$")
GENERATION = int(transformers.__version__.split(".")[0])


def versions():
    return {
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "safetensors": safetensors.__version__,
        "tokenizers": tokenizers.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def load(directory, config=None, experts=False):
    """The model in float32, and the keys that did not fit, by kind."""
    options = {"config": config} if config is not None else {}
    if experts and GENERATION >= 5:
        options["experts_implementation"] = "eager"
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **options
    )
    faults = {k: sorted(map(str, info[k])) for k in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    return model.eval(), faults


def inputs_of(directory, config):
    """Label -> token ids `[rows, seq]`; the same whenever the tokenizer and the vocabulary are the same."""
    length = min(LENGTH, config.max_position_embeddings)
    drawn = np.random.Generator(np.random.PCG64(SEED)).integers(0, config.vocab_size, (ROWS, length))
    inputs = {"drawn": torch.from_numpy(drawn)}
    if (Path(directory) / "tokenizer.json").is_file():
        tokenizer = AutoTokenizer.from_pretrained(directory)
        inputs["text"] = tokenizer(TEXT, return_tensors="pt").input_ids[:, :length]
    return inputs


@torch.no_grad()
def logits_of(model, inputs):
    return {label: model(input_ids=ids).logits for label, ids in inputs.items()}


def relative_error(a, b):
    return (torch.max(torch.abs(a - b)) / torch.max(torch.abs(a))).item()


def compared(a, b):
    return {
        "relative_error": relative_error(a, b),
        "argmax_agreement": (a.argmax(-1) == b.argmax(-1)).float().mean().item(),
        "positions": a.shape[0] * a.shape[1],
        "largest_logit": a.abs().max().item(),
    }


@torch.no_grad()
def rounded(model, dtype):
    """The model with its weights as a target in another dtype stores them."""
    for parameter in model.parameters():
        parameter.copy_(parameter.to(getattr(torch, dtype)).to(torch.float32))
    return model


def dense_logits(dense, round_to=None):
    model, faults = load(dense)
    faults["unexpected_keys"] = [k for k in faults["unexpected_keys"] if not LEFT_OVER.search(k)]
    if round_to:
        rounded(model, round_to)
    return logits_of(model, inputs_of(dense, model.config)), faults


def save_logits(path, logits):
    np.savez(path, **{label: values.numpy() for label, values in logits.items()})


def read_logits(path):
    with np.load(path) as file:
        return {label: torch.from_numpy(file[label]) for label in file.files}


def check(dense, moe, tolerance=TOLERANCE, reference=None, round_to=None, save=None):
    """The comparison as a JSON object; `passed` is the verdict and `faults` says why not."""
    if reference:
        expected, dense_faults = read_logits(reference), {}
    else:
        expected, dense_faults = dense_logits(dense, round_to)
    if save:
        save_logits(save, expected)
    model, moe_faults = load(moe, experts=True)
    found = logits_of(model, inputs_of(moe, model.config))
    faults = [f"dense: {kind} {keys}" for kind, keys in dense_faults.items() if keys]
    faults += [f"target: {kind} {keys}" for kind, keys in moe_faults.items() if keys]
    if expected.keys() != found.keys():
        faults.append(f"inputs: {sorted(expected)} against {sorted(found)}")
    by_input = {label: compared(expected[label], found[label]) for label in expected if label in found}
    error = max(figures["relative_error"] for figures in by_input.values())
    error = float("nan") if any(f["relative_error"] != f["relative_error"] for f in by_input.values()) else error
    if not error <= tolerance:
        faults.append(f"relative error {error:.3g} is over {tolerance:.3g}")
    return {
        "passed": not faults,
        "faults": faults,
        "relative_error": error,
        "argmax_agreement": min(figures["argmax_agreement"] for figures in by_input.values()),
        "inputs": by_input,
        "model_class": type(model).__name__,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dense", type=Path)
    parser.add_argument("moe", type=Path)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    parser.add_argument("--round-to", choices=["bfloat16", "float16"], help="round the dense weights first")
    parser.add_argument("--reference", type=Path, help="dense logits kept by --save, in place of DENSE's")
    parser.add_argument("--save", type=Path, help="keep the dense logits here, as .npz")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--expect-failure", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = check(args.dense, args.moe, args.tolerance, args.reference, args.round_to, args.save)
    result = {"schema": "upcycle-interop/logits/1", "versions": versions(), "tolerance": args.tolerance, **result}
    print(json.dumps(result, indent=2))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if result["passed"] != args.expect_failure else 1)


if __name__ == "__main__":
    main()
