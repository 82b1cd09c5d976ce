"""How fast transformers trains and prefills a Mixtral of four layers on this machine; the other side of `bench`.

    python transformers_bench.py [--dtype f32 bf16] [--measure step prefill] [--repeats 7] [--threads 2]

`step` is forward, backward, clipping of the gradients' norm and AdamW, with the gradients dropped after it.
`prefill` is one forward pass without gradients that keeps the cache and computes the last token's logits only, as
generate() does; --all-logits computes every token's. Weights and optimizer state have the dtype measured.

Prints one JSON document: per measurement the median, the least and the greatest tokens per second of the repeats, and
the median of the processor seconds of all threads, which hold where other programs share the machine.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from transformers import MixtralConfig, MixtralForCausalLM

from check_logits import versions

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
SHAPE = {
    "vocab_size": 4096,
    "hidden_size": 512,
    "intermediate_size": 1792,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 2048,
}
STEP_IDS, PREFILL_IDS = (4, 512), (1, 2048)
CLIP, RATE = 1.0, 1e-4
SEED = 20


def model_of(dtype, experts):
    torch.manual_seed(SEED)
    config = MixtralConfig(**SHAPE, attn_implementation="sdpa", experts_implementation=experts)
    model = MixtralForCausalLM(config).to(dtype)
    if model.config._experts_implementation != experts:
        raise SystemExit(f"experts are {model.config._experts_implementation}, not {experts}")
    return model


def step(args, dtype):
    model = model_of(dtype, args.experts).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    ids = torch.randint(SHAPE["vocab_size"], STEP_IDS)

    def once():
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return once, ids


def prefill(args, dtype):
    model = model_of(dtype, args.experts).eval()
    ids = torch.randint(SHAPE["vocab_size"], PREFILL_IDS)

    @torch.inference_mode()
    def once():
        model(input_ids=ids, use_cache=True, logits_to_keep=0 if args.all_logits else 1)

    return once, ids


MEASURES = {"step": step, "prefill": prefill}


def measured(args, measure, dtype):
    once, ids = MEASURES[measure](args, DTYPES[dtype])
    for _ in range(args.warmup):
        once()
    rates, busy = [], []
    for _ in range(args.repeats):
        start, cpu = time.perf_counter(), time.process_time()
        once()
        rates.append(ids.numel() / (time.perf_counter() - start))
        busy.append(time.process_time() - cpu)
    figures = {"median": statistics.median(rates), "least": min(rates), "greatest": max(rates)}
    return {
        "measure": measure,
        "dtype": dtype,
        "ids": list(ids.shape),
        "tokens_per_second": {k: round(v, 1) for k, v in figures.items()},
        "cpu_seconds": round(statistics.median(busy), 3),
    }


def machine():
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--measure", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--experts", default="grouped_mm", help="transformers' experts_implementation")
    parser.add_argument("--all-logits", action="store_true", help="prefill computes every token's logits")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    document = {
        "schema": "upcycle-interop/bench/1",
        "versions": versions(),
        "machine": machine(),
        "configuration": {
            **SHAPE,
            "experts_implementation": args.experts,
            "attn_implementation": "sdpa",
            "threads": args.threads,
            "warmup": args.warmup,
            "repeats": args.repeats,
            "optimizer": f"AdamW, rate {RATE}, clip {CLIP}",
            "prefill_logits": "all" if args.all_logits else "last",
        },
        "results": [],
    }
    for measure in args.measure:
        for dtype in args.dtype:
            document["results"].append(measured(args, measure, dtype))
            print(document["results"][-1], file=sys.stderr, flush=True)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
