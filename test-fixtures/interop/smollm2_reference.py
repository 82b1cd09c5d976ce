"""What transformers says of SmolLM2 and of the embedded sample: logits, perplexity, greedy generation.

    python smollm2_reference.py --smollm2 DIR [--only smollm2|sample] [--out results]

DIR is what make_smollm2.py wrote with --dtype float32. The results are small: logits at a few positions and
columns, with every position's largest logit, so that a difference shows without the 6 MB that all of them take.

The perplexity is that of the strided windows of transformers' documentation: a window moves on by the stride and
only the tokens that no window scored before count; every token is scored once, the first never, and each counts
the same. The documentation's own snippet weighs a window by one token less than it scores; that value is here too.

Runs in the version 5 environment (requirements-v5.txt), float32, eager attention, one thread.
"""

import argparse
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer

from check_logits import load, versions
from forward_values import greedy
from run_checks import HERE, SAMPLE, hashes

TEXT = SAMPLE / "held-out.txt"
PROMPT, NEW_TOKENS = "The capital of France is", 64
LENGTH = 32
BEGINNING = 2000  # tokens of the sample's text that a test of every build reads too
POSITIONS = (0, 7, 19, 31)
COLUMNS = 64

# name -> context, stride, bytes of the text (None: all)
MODELS = {"smollm2": (512, 256, 20000), "sample": (256, 128, None)}


def text_of(limit):
    return TEXT.read_bytes()[:limit].decode("utf-8", errors="ignore")


@torch.no_grad()
def logits_of(model, ids):
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    columns = np.random.Generator(np.random.PCG64(0)).choice(logits.shape[1], COLUMNS, replace=False)
    columns = sorted(columns.tolist())
    best = torch.topk(logits, 2)
    wide = logits.double()
    return {
        "ids": ids,
        "positions": list(POSITIONS),
        "columns": columns,
        "values": [[float(f"{v:.9g}") for v in logits[p, columns].tolist()] for p in POSITIONS],
        "argmax": best.indices[:, 0].tolist(),
        "max": [float(f"{v:.9g}") for v in best.values[:, 0].tolist()],
        "log_sum_exp": [float(f"{v:.9g}") for v in wide.logsumexp(-1).tolist()],
        "smallest_lead": (best.values[:, 0] - best.values[:, 1]).min().item(),
        "largest_absolute": logits.abs().max().item(),
        "mean": wide.mean().item(),
        "mean_of_squares": wide.square().mean().item(),
    }


@torch.no_grad()
def perplexity(model, ids, context, stride):
    """Strided windows; sums in float64 of float32 losses."""
    total, scored, weighted, weights, windows, scored_to = 0.0, 0, 0.0, 0, 0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + context, len(ids))
        window = torch.tensor([ids[begin:end]])
        first = max(scored_to, begin + 1) - begin  # the first token of the text has nothing before it
        logits = model(input_ids=window).logits[0, first - 1 : -1]
        losses = torch.nn.functional.cross_entropy(logits, window[0, first:], reduction="none").double()
        total, scored, windows = total + losses.sum().item(), scored + len(losses), windows + 1
        weight = end - begin - 1 if begin == 0 else len(losses) - 1
        weighted, weights = weighted + losses.mean().item() * weight, weights + weight
        scored_to = end
        if end == len(ids):
            break
    return {
        "context": context,
        "stride": stride,
        "tokens": len(ids),
        "windows": windows,
        "scored": scored,
        "negative_log_likelihood": total,
        "perplexity": math.exp(total / scored),
        "perplexity_of_the_documented_snippet": math.exp(weighted / weights),
    }


def digest(ids):
    return hashlib.sha256(" ".join(map(str, ids)).encode()).hexdigest()


def generation(model, tokenizer):
    prompt = tokenizer(PROMPT).input_ids
    generated, lead = greedy(model, prompt, NEW_TOKENS, cached=True)
    end = model.config.eos_token_id
    return {
        "prompt": PROMPT,
        "prompt_ids": prompt,
        "generated": generated,
        "text": tokenizer.decode(generated),
        "goes_past_end_of_sequence": end in generated,
        "smallest_lead": lead,
    }


def reference(name, directory):
    model, faults = load(directory)
    if any(faults.values()):
        raise SystemExit(f"{directory}: {faults}")
    tokenizer = AutoTokenizer.from_pretrained(directory)
    context, stride, limit = MODELS[name]
    text = text_of(limit)
    ids = tokenizer(text).input_ids
    beginning = {} if limit else {"perplexity_of_the_beginning": perplexity(model, ids[:BEGINNING], context, stride)}
    return {
        "schema": "upcycle-interop/reference/1",
        "model": name,
        "versions": versions(),
        "files": {n: h for n, h in hashes(directory).items() if n.endswith((".safetensors", "config.json"))},
        "text": {
            "file": TEXT.name,
            "bytes": len(text.encode("utf-8")),
            "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest(),
            "first_ids": ids[:16],
            "last_ids": ids[-16:],
            "sha256_of_ids": digest(ids),
        },
        "logits": logits_of(model, ids[:LENGTH]),
        "perplexity": perplexity(model, ids, context, stride),
        **beginning,
        "generation": generation(model, tokenizer),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smollm2", type=Path, help="the directory that make_smollm2.py wrote")
    parser.add_argument("--only", choices=MODELS)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args()
    torch.set_num_threads(1)
    names = [args.only] if args.only else list(MODELS)
    if "smollm2" in names and args.smollm2 is None:
        parser.error("--smollm2 is needed, or --only sample")
    args.out.mkdir(parents=True, exist_ok=True)
    for name in names:
        result = reference(name, args.smollm2 if name == "smollm2" else SAMPLE)
        (args.out / f"reference-{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {json.dumps(result['perplexity'])}\n{result['generation']}", flush=True)


if __name__ == "__main__":
    main()
