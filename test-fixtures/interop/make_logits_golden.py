"""Writes what transformers computes for tiny models of every family, layer by layer.

    python make_logits_golden.py --v4 PYTHON --v5 PYTHON [--out OUT] [NAME ...]

A case is either one of the dense decoders that make_fixtures.py wrote, or a model of its own, written here with
amplified weights and one tensor per expert, as transformers 4.57 writes them. golden.safetensors and golden.json
hold transformers 5's values; version 4's are beside them where they differ by more than rounding.

A case is refused when something in it could not show an error: the feed-forward layers or the case's option do not
matter, a router's choice is so close that bfloat16 turns it round, or the generated tokens hardly lead.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from check_logits import LEFT_OVER, TOLERANCE, relative_error
from logits_cases import CASES, ids_of, write_model
from run_checks import FFN_SHARE, HERE, OPTION_SHARE
from run_checks import RESOURCES as DECODERS

OUT = DECODERS.parent / "logits"
PROMPT, NEW_TOKENS = 10, 12
LEAD = 2e-3  # of a generated token over the next one, relative to the largest logit
DISTINCT = 3  # generated tokens


# ---------------------------------------------------------------- what the two generations say


def run(python, jobs, folder):
    path = folder / "jobs.json"
    path.write_text(json.dumps(jobs))
    done = subprocess.run([python, str(HERE / "forward_values.py"), str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{python}: {done.stderr[-3000:]}")
    answer = json.loads(path.with_suffix(".out").read_text())
    return answer["versions"], answer["results"]


def job_of(case, directory, out, controls):
    vocab = json.loads((directory / "config.json").read_text())["vocab_size"]
    ids = ids_of(case, vocab)
    return {
        "model": str(directory),
        "ids": ids,
        "prompt": ids[0][:PROMPT],
        "new_tokens": NEW_TOKENS,
        "gradients": case.gradients,
        "controls": controls,
        "out": str(out),
    }


def routing(tensors, chosen):
    """How near the routers are to choosing otherwise, and how far bfloat16 moves them."""
    routers = [n for n in tensors if n.startswith("router.")]
    gap, moved, same = float("inf"), 0.0, True
    for name in routers:
        exact, rounded = tensors[name], tensors[f"bf16.{name}"].float()
        ordered = exact.sort(dim=-1, descending=True).values
        gap = min(gap, (ordered[:, chosen - 1] - ordered[:, chosen]).min().item())
        moved = max(moved, (exact - rounded).abs().max().item())
        sets = [t.topk(chosen, dim=-1).indices.sort(dim=-1).values for t in (exact, rounded)]
        same = same and torch.equal(*sets)
    return {"smallest_gap": gap, "moved_by_bf16": moved, "same_choices_in_bf16": same}


def differences(a, b):
    """Per kind of tensor, the largest relative error of version 4 against version 5."""
    found = {}
    for name in a:
        kind = name.split(".")[0]
        error = relative_error(a[name].float(), b[name].float())
        found[kind] = max(found.get(kind, 0.0), error)
    return found


def faults_of(case, numbers, entry):
    faults = [
        f"{g}: {kind} {keys}"
        for g in ("v4", "v5")
        for kind, keys in numbers[g]["faults"].items()
        if [k for k in keys if not LEFT_OVER.search(k)]
    ]
    v5 = numbers["v5"]
    if v5["generated"] != v5["generated_without_cache"]:
        faults.append(f"generation without the cache gives {v5['generated_without_cache']}")
    if v5["lead"] < LEAD or len(set(v5["generated"])) < DISTINCT:
        faults.append(f"generation is fragile or dull: lead {v5['lead']:.2g}, {v5['generated']}")
    for control, share in v5["moves_without"].items():
        if not share > (FFN_SHARE if control == "ffn" else OPTION_SHARE):
            faults.append(f"without {control} the logits move by {share:.3g} only")
    choices = entry.get("routing")
    if choices and not (choices["same_choices_in_bf16"] and choices["smallest_gap"] > choices["moved_by_bf16"]):
        faults.append(f"bfloat16 routes otherwise, or nearly: {choices}")
    if entry["v4"]["same"] == bool(case.v4_differs):
        faults.append(f"version 4 against 5: {entry['v4']['relative_error']}, expected: {case.v4_differs or 'same'}")
    return faults


def entry_of(case, job, numbers, tensors, versions):
    v4, v5 = numbers["v4"], numbers["v5"]
    errors = differences(tensors["v5"], tensors["v4"])
    same = all(e <= TOLERANCE for kind, e in errors.items() if kind != "bf16")
    entry = {
        "schema": "upcycle-interop/logits-golden/1",
        "name": case.name,
        "says": case.says,
        "model": "model" if case.model else f"../../decoders/{case.name}",
        "versions": versions,
        "ids": job["ids"],
        "loss": v5["loss"],
        "bf16_relative_error": relative_error(tensors["v5"]["logits"], tensors["v5"]["bf16.logits"].float()),
        "generation": {"prompt": job["prompt"], "generated": v5["generated"], "smallest_lead": v5["lead"]},
        "moves_without": v5["moves_without"],
    }
    if "balance_loss" in v5:
        entry["balance_loss"] = v5["balance_loss"]
        entry["routing"] = routing(tensors["v5"], v5["experts_per_token"])
    entry["v4"] = {"same": same, "relative_error": errors}
    if not same:
        entry["v4"] |= {"why": case.v4_differs, "loss": v4["loss"], "generated": v4["generated"]}
    elif v4["generated"] != v5["generated"]:
        raise SystemExit(f"{case.name}: the same logits, but version 4 generates {v4['generated']}")
    return entry


def kept_tensors(job, tensors, entry):
    kept = {"ids": torch.tensor(job["ids"])} | tensors["v5"]
    if not entry["v4"]["same"]:
        kept |= {f"v4.{n}": t for n, t in tensors["v4"].items() if n == "logits"}
    return {n: kept[n].contiguous() for n in sorted(kept)}


# ---------------------------------------------------------------- the drive


def make(cases, out, interpreters, folder):
    """The faults, by case; the directories are written all the same."""
    jobs = {"v4": [], "v5": []}
    for case in cases:
        target = out / case.name
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        directory = target / "model" if case.model else DECODERS / case.name
        if case.model:
            write_model(case, directory)
        for g in jobs:
            controls = ("ffn", *case.controls) if g == "v5" else ()
            jobs[g].append(job_of(case, directory, folder / f"{g}-{case.name}", controls))
    answers = {g: run(interpreters[g], jobs[g], folder) for g in jobs}
    versions = {g: {k: answers[g][0][k] for k in ("transformers", "torch")} for g in answers}
    faults = {}
    for i, case in enumerate(cases):
        numbers = {g: answers[g][1][i] for g in answers}
        tensors = {g: load_file(folder / f"{g}-{case.name}.safetensors") for g in answers}
        job = jobs["v5"][i]
        entry = entry_of(case, job, numbers, tensors, versions)
        save_file(kept_tensors(job, tensors, entry), out / case.name / "golden.safetensors")
        (out / case.name / "golden.json").write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
        faults[case.name] = faults_of(case, numbers, entry)
        report(case, entry, faults[case.name], out / case.name)
    return faults


def report(case, entry, faults, target):
    files = [p for p in target.rglob("*") if p.is_file()]
    for file in files:
        os.chmod(file, 0o644)
    size = sum(p.stat().st_size for p in files)
    errors = " ".join(f"{k} {e:.1e}" for k, e in entry["v4"]["relative_error"].items())
    print(f"{case.name}: {size:,} bytes; v4 against v5: {errors}; bf16 {entry['bf16_relative_error']:.1e}")
    for fault in faults:
        print(f"  FAILED {fault}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--v4", required=True, help="the interpreter of requirements-v4.txt")
    parser.add_argument("--v5", required=True, help="the interpreter of requirements-v5.txt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cases = [c for c in CASES if not args.names or c.name in args.names]
    with tempfile.TemporaryDirectory() as folder:
        faults = make(cases, args.out, {"v4": args.v4, "v5": args.v5}, Path(folder))
    print(f"{sum(p.stat().st_size for p in args.out.rglob('*') if p.is_file()):,} bytes")
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
