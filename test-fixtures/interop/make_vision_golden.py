"""Writes what transformers computes for tiny vision models and compositions, layer by layer.

    python make_vision_golden.py --v4 PYTHON --v5 PYTHON [--out OUT] [NAME ...]

The cases and their models, with amplified weights, are in vision_cases.py; vision_values.py asks each generation.
golden.safetensors and golden.json hold transformers 5's values. Version 4 is asked for the dense forms and must agree;
a mixture has version 5's modules around a plain loop over experts.

A case is refused when something in it could not show an error: a part of the model does not matter, or bfloat16 routes
otherwise than the case says.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from check_logits import TOLERANCE, relative_error
from make_logits_golden import differences, routing
from run_checks import FFN_SHARE, HERE, OPTION_SHARE
from run_checks import RESOURCES as DECODERS
from vision_cases import CASES, dense_config_of, inputs_of, mixture_config_of, write_model

OUT = DECODERS.parent / "vision"
EXPERT_ZERO = re.compile(r"\.(?:mlp\.)?experts\.0\.(fc1|fc2|linear_1|linear_2)\.")
VIT_NAMES = {"fc1": "intermediate.dense", "fc2": "output.dense"}


def run(python, jobs, folder):
    path = folder / "jobs.json"
    path.write_text(json.dumps(jobs))
    done = subprocess.run([python, str(HERE / "vision_values.py"), str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{python}: {done.stderr[-3000:]}")
    answer = json.loads(path.with_suffix(".out").read_text())
    return answer["versions"], answer["results"]


def dense_twin(case, target, twin):
    """The first experts in the place of the networks, so that transformers can load the rest."""
    tensors = {}
    for name, tensor in load_file(target / "model.safetensors").items():
        part = EXPERT_ZERO.search(name)
        if part:
            names = VIT_NAMES if case.vision.kind == "vit" else {}
            block = "" if case.vision.kind == "vit" or "linear" in part[1] else "mlp."
            name = name.replace(part[0], f".{block}{names.get(part[1], part[1])}.")
            wide = part[1] == "linear_1" and name.endswith("weight")
            tensor = tensor[:, : case.vision.hidden].contiguous() if wide else tensor
        elif ".gate.weight" in name or ".experts." in name:
            continue
        tensors[name] = tensor
    twin.mkdir()
    (twin / "config.json").write_text(json.dumps(dense_config_of(case)))
    save_file(tensors, twin / "model.safetensors", metadata={"format": "pt"})


def job_of(case, target, folder, generation):
    model, mixture = target, None
    if case.is_mixture():
        model, mixture = folder / f"{case.name}-twin", str(target / "model.safetensors")
        if not model.exists():
            dense_twin(case, target, model)
    inputs = folder / f"{case.name}-inputs.safetensors"
    save_file(inputs_of(case), inputs)
    return {
        "name": case.name,
        "model": str(model),
        "mixture": mixture,
        "inputs": str(inputs),
        "gradients": case.gradients if generation == "v5" else (),
        "controls": case.controls if generation == "v5" else (),
        "out": str(folder / f"{generation}-{case.name}"),
    }


def entry_of(case, numbers, tensors, versions):
    v5 = tensors["v5"]
    entry = {
        "schema": "upcycle-interop/vision-golden/1",
        "name": case.name,
        "says": case.says,
        "model": "model",
        "versions": versions,
        "loss": numbers["v5"]["loss"],
        "bf16_relative_error": relative_error(v5["main"], v5["bf16.main"].float()),
        "moves_without": numbers["v5"]["moves_without"],
    }
    if any(name.startswith("router.") for name in v5):
        entry["routing"] = routing(v5, case.vision.chosen)
    if "v4" in tensors:
        both = {n: t for n, t in v5.items() if n in tensors["v4"]}
        entry["v4"] = {"relative_error": differences(both, tensors["v4"])}
    return entry


def faults_of(case, numbers, entry):
    faults = [
        f"{g}: {kind} {keys}" for g in numbers for kind, keys in numbers[g]["faults"].items() if keys
    ]
    for control, share in entry["moves_without"].items():
        least = FFN_SHARE if control == "ffn" else OPTION_SHARE
        if not share > least:
            faults.append(f"without {control} the output moves by {share:.3g} only")
    choices = entry.get("routing")
    if choices and choices["same_choices_in_bf16"] != case.bf16_routes:
        faults.append(f"bfloat16 routes otherwise than expected: {choices}")
    for kind, error in entry.get("v4", {"relative_error": {}})["relative_error"].items():
        if kind != "bf16" and error > TOLERANCE:
            faults.append(f"version 4 differs in {kind} by {error:.2g}")
    return faults


def make(cases, out, interpreters, folder):
    """The faults, by case; the directories are written all the same."""
    jobs = {"v4": [], "v5": []}
    for case in cases:
        target = out / case.name
        if target.exists():
            shutil.rmtree(target)
        config = mixture_config_of(case) if case.is_mixture() else dense_config_of(case)
        write_model(case, target / "model", config)
        for g in jobs:
            if g == "v5" or not case.is_mixture():
                jobs[g].append(job_of(case, target / "model", folder, g))
    answers = {g: run(interpreters[g], jobs[g], folder) for g in jobs}
    versions = {g: {k: answers[g][0][k] for k in ("transformers", "torch")} for g in answers}
    faults = {}
    for case in cases:
        asked = {g: [j["name"] for j in jobs[g]] for g in jobs}
        numbers = {g: answers[g][1][asked[g].index(case.name)] for g in jobs if case.name in asked[g]}
        tensors = {g: load_file(folder / f"{g}-{case.name}.safetensors") for g in numbers}
        entry = entry_of(case, numbers, tensors, versions)
        kept = inputs_of(case) | tensors["v5"]
        kept = {n: kept[n].contiguous() for n in sorted(kept)}
        save_file(kept, out / case.name / "golden.safetensors")
        (out / case.name / "golden.json").write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
        faults[case.name] = faults_of(case, numbers, entry)
        report(case, entry, faults[case.name], out / case.name)
    return faults


def report(case, entry, faults, target):
    files = [p for p in target.rglob("*") if p.is_file()]
    for file in files:
        os.chmod(file, 0o644)
    size = sum(p.stat().st_size for p in files)
    moves = " ".join(f"{k} {m:.2g}" for k, m in entry["moves_without"].items())
    print(f"{case.name}: {size:,} bytes; bf16 {entry['bf16_relative_error']:.1e}; without: {moves}")
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
