"""Checks the modelling files that go with a converted vision model, in both generations of transformers.

    python check_modeling.py --v4 PYTHON --v5 PYTHON [--only NAME ...]
    python check_modeling.py --v4 PYTHON --v5 PYTHON --converted DIR --dense DIR

The first form makes the tiny dense models of modeling_cases.py with each generation, upcycles them there by
copying, and loads each target with trust_remote_code in a fresh process of each generation. It writes
results/modeling.json, unless --only is given. The second does the same with a directory that `upcycle convert`
wrote and the dense directory that it came from, and prints the figures.

What is checked of each target: no missing, unexpected or mismatched key; the dense outputs, to 1e-5 of the largest,
and other outputs with one expert's sign flipped; the routing law against a loop over tokens, in float32 and in
bfloat16, with experts that differ; gradients in every expert that received tokens and in no other; the balance and z
losses against formulas written out again; that saving keeps names and bytes, and that what one generation saved loads
in the other; that LLaVA generates the same tokens.

Exit status 1 when anything fails; the result then says `"passed": false`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from run_checks import hashes, tensors_of

HERE = Path(__file__).resolve().parent
MODELING = HERE.parents[1] / "core/src/main/resources/dev/upcycle/modeling"
RESULTS = HERE / "results/modeling.json"
TOLERANCE = 1e-5
FFN_SHARE = 0.1  # without its experts a target's outputs must move by more than this
CONTROL_SHARE = 1e-3  # with one expert's sign flipped, by more than this
NEW_TOKENS = 6
OUTPUTS = ("last_hidden_state", "pooler_output", "image_embeds", "text_embeds", "logits_per_image", "logits")
OUTPUTS += ("image_hidden_states",)
GENERATIONS = ("v4", "v5")


# ---------------------------------------------------------------- under each generation's interpreter


def outputs_of(model, inputs):
    import torch

    with torch.no_grad():
        outputs = model(**inputs, output_hidden_states=True)
    found = {name: outputs[name] for name in OUTPUTS if outputs.get(name) is not None}
    hidden = outputs.get("hidden_states") or ()
    return {**found, **{f"hidden_states.{i}": values for i, values in enumerate(hidden)}}


def make(case, dense, target, reference):
    """One case's two directories, and what the dense model computes."""
    from modeling_cases import CASES, write

    write(next(c for c in CASES if c.name == case), Path(dense), Path(target))
    return refer(dense, reference)


def refer(dense, reference):
    """Keeps the inputs and the outputs of a dense directory."""
    import torch
    import transformers
    from modeling_cases import inputs_of

    config = transformers.AutoConfig.from_pretrained(dense)
    model_class = getattr(transformers, config.architectures[0])
    model, info = model_class.from_pretrained(dense, **load_options())
    faults = [f"dense: {fault}" for fault in key_faults(info)]
    inputs = inputs_of(config)
    outputs = outputs_of(model.eval(), inputs)
    torch.save({"inputs": inputs, "outputs": outputs, "generated": generated(model, inputs)}, reference)
    return {"faults": faults, "class": model_class.__name__}


def generated(model, inputs):
    """Some tokens after the inputs, greedily, where the model generates; else None."""
    if not hasattr(model, "lm_head"):
        return None
    return model.generate(**inputs, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0)


def load_options(dtype="float32"):
    import torch

    dtype = dtype if dtype == "auto" else getattr(torch, dtype)
    return {"dtype": dtype, "attn_implementation": "eager", "output_loading_info": True}


def load(directory, dtype="float32"):
    """The model by the auto class that names its architecture, and the keys that did not fit."""
    import transformers

    config = json.loads((Path(directory) / "config.json").read_text())
    autos = {v.rpartition(".")[2]: k for k, v in config.get("auto_map", {}).items()}
    auto = autos.get(config["architectures"][0], "AutoModelForImageTextToText")
    auto_class = getattr(transformers, auto)
    model, info = auto_class.from_pretrained(directory, trust_remote_code="auto_map" in config, **load_options(dtype))
    return model.eval(), key_faults(info)


def key_faults(info):
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    return [f"{kind} {sorted(map(str, info[kind]))[:4]}" for kind in kinds if info[kind]]


def blocks_of(model):
    return {name: module for name, module in model.named_modules() if type(module).__name__ == "SparseMoe"}


def errors(expected, found):
    from check_logits import relative_error

    return {name: relative_error(expected[name], found[name].float()) for name in expected if name in found}


def worst(by_name):
    return float("nan") if any(v != v for v in by_name.values()) else max(by_name.values())


def check(target, reference, again=None):
    """Every check of one target in this generation."""
    import torch

    stored = torch.load(reference)
    inputs, expected = stored["inputs"], stored["outputs"]
    model, faults = load(target)
    found = outputs_of(model, inputs)
    by_output = errors(expected, found)
    entry = {"class": type(model).__name__, "relative_error": worst(by_output), "faults": faults}
    faults += [f"no output {name}" for name in sorted(expected.keys() - found.keys())]
    if not entry["relative_error"] <= TOLERANCE:
        faults.append(f"relative errors {by_output} are over {TOLERANCE}")
    if stored["generated"] is not None:
        entry["generates_the_same"] = torch.equal(stored["generated"], generated(model, inputs))
        faults += [] if entry["generates_the_same"] else ["generates other tokens"]
    if again:
        load(target, "auto")[0].save_pretrained(again)
        entry["saved_again_the_same"] = same_tensors(target, again, faults)
    if not blocks_of(model):
        return entry  # no code of ours in it
    entry["made_anew_has_the_same_names"] = same_names_made_anew(model, target, faults)
    entry["bfloat16_relative_error"] = bfloat16_error(target, inputs, expected)
    entry["experts"] = check_gradients(model, inputs, faults)
    entry["losses"] = check_losses(model, inputs, faults)
    entry |= check_controls(model, inputs, expected, faults)
    check_law(model, faults)
    return entry


def same_tensors(target, again, faults):
    ours, theirs = tensors_of(Path(target)), tensors_of(Path(again))
    differing = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
    if differing:
        faults.append(f"saved otherwise: {len(differing)} tensors, as {differing[:4]}")
    return not differing


def same_names_made_anew(model, target, faults):
    """A model made from the config, not from files, is saved under the same names.

    Not asked of LLaVA with a dense tower: transformers 5 names that itself, and knows the level only from files.
    """
    if hasattr(model, "lm_head") and not blocks_of(model.model.vision_tower):
        return None
    with tempfile.TemporaryDirectory() as folder:
        type(model)(model.config).save_pretrained(folder)
        differing = sorted(tensors_of(Path(folder)).keys() ^ tensors_of(Path(target)).keys())
    if differing:
        faults.append(f"made anew, other names: {differing[:4]}")
    return not differing


def bfloat16_error(target, inputs, expected):
    import torch

    model, _ = load(target, "bfloat16")
    floats = {k: v.to(torch.bfloat16) if v.is_floating_point() else v for k, v in inputs.items()}
    main = {k: v for k, v in expected.items() if not k.startswith("hidden_states")}
    return worst(errors(main, outputs_of(model, floats)))


# ---------------------------------------------------------------- gradients and losses


def received(block, logits):
    """Which tokens each expert of a block got, from its router's logits; `[experts, tokens]`."""
    import torch

    chosen = logits.flatten(0, -2).topk(block.num_experts_per_tok, dim=-1).indices
    return torch.stack([(chosen == expert).any(dim=-1) for expert in range(len(block.experts))])


def check_gradients(model, inputs, faults):
    """One step back from a drawn weighing of the outputs.

    An expert is to have a gradient when it got a token whose result is read: LLaVA does not read its tower's last
    layer, nor a classifier other tokens than the first there.
    """
    import torch

    model.zero_grad()
    blocks, results = blocks_of(model), {}

    def keep(name):
        def hook(module, arguments, result):
            result.retain_grad()
            results[name] = result

        return hook

    hooks = [block.register_forward_hook(keep(name)) for name, block in blocks.items()]
    outputs = model(**inputs, output_router_logits=True)
    for hook in hooks:
        hook.remove()
    draw = torch.Generator().manual_seed(17)
    values = [outputs[name] for name in OUTPUTS if outputs.get(name) is not None]
    sum((value * torch.randn(value.shape, generator=draw)).sum() for value in values).backward()
    counts = {"with_gradient": 0, "without_tokens": 0, "unread": 0}
    for (name, block), logits in zip(in_order(blocks, outputs), outputs["router_logits"], strict=True):
        gradient = results[name].grad
        tokens = received(block, logits)
        read = tokens if gradient is None else tokens & (gradient.flatten(0, -2) != 0).any(dim=-1)
        read = read & (gradient is not None)
        for expert in range(len(block.experts)):
            wanted = bool(read[expert].any())
            moved = [p.grad is not None and bool(p.grad.any()) for p in block.experts[expert].parameters()]
            if moved != [wanted] * len(moved):
                faults.append(f"{name}, expert {expert}, {int(read[expert].sum())} tokens read: gradients {moved}")
            counts["with_gradient" if wanted else "unread" if tokens[expert].any() else "without_tokens"] += 1
    return counts


def in_order(blocks, outputs):
    """Blocks as `router_logits` has them: part after part, a part's layers in order."""
    parts = ("vision", "text", "multi_modal", "")
    ordered = sorted(blocks.items(), key=lambda item: next(i for i, p in enumerate(parts) if p in item[0]))
    assert len(ordered) == len(outputs["router_logits"])
    return ordered


def task(model, inputs):
    """The inputs with which the model computes a loss of its own, or None."""
    import torch

    if hasattr(model, "classifier"):
        return {**inputs, "labels": torch.arange(len(inputs["pixel_values"]))}
    if hasattr(model, "lm_head"):
        return {**inputs, "labels": inputs["input_ids"]}
    if hasattr(model, "logit_scale"):
        return {"pixel_values": inputs["pixel_values"], "input_ids": inputs["input_ids"][:2], "return_loss": True}
    return None


def check_losses(model, inputs, faults):
    """Balance and z as exposed against the formulas, and what they add to a loss."""
    model.zero_grad()
    outputs = model(**inputs, output_router_logits=True)
    balance, z = expected_losses(model, outputs["router_logits"])
    for name, value in (("balance_loss", balance), ("z_loss", z)):
        if abs(outputs[name].item() - value) > 1e-5 * abs(value):
            faults.append(f"{name} is {outputs[name].item()}, not {value}")
    (outputs["balance_loss"] + outputs["z_loss"]).backward()
    if any(block.gate.weight.grad is None or not block.gate.weight.grad.any() for block in blocks_of(model).values()):
        faults.append("a router gets no gradient from the balance and z losses")
    entry = {"balance": balance, "z": z}
    if asked := task(model, inputs):
        model.config.balance_loss_coef, model.config.router_z_loss_coef = 0.1, 0.01
        alone = model(**asked, output_router_logits=False)["loss"].item()
        together = model(**asked, output_router_logits=True)
        added = 0.1 * together["balance_loss"].item() + 0.01 * together["z_loss"].item()
        if abs(together["loss"].item() - alone - added) > 1e-5 * abs(alone):
            faults.append(f"a loss of {alone} became {together['loss'].item()}, not {added} more")
        entry["added"] = added
    return entry


def expected_losses(model, router_logits):
    """CuMo's formulas: means over the blocks of a part, summed over parts, in float64."""
    parts = {}
    names = [name for name, _ in in_order(blocks_of(model), {"router_logits": router_logits})]
    for name, logits in zip(names, router_logits, strict=True):
        part = next((p for p in ("text_model", "multi_modal_projector") if p in name), "vision")
        logits = logits.detach().double()
        images, tokens, experts = logits.shape
        balance = 0.0
        for image in logits:
            scores = [row.softmax(0) for row in image]
            for expert in range(experts):
                share = sum(int(row.argmax()) == expert for row in scores) / tokens
                balance += experts * share * sum(row[expert].item() for row in scores) / tokens / images
        z = (logits.exp().sum(-1).log() ** 2).mean().item()
        parts.setdefault(part, []).append((balance, z))
    return tuple(sum(sum(pair[i] for pair in part) / len(part) for part in parts.values()) for i in (0, 1))


# ---------------------------------------------------------------- controls and the routing law


def check_controls(model, inputs, expected, faults):
    """With one expert's sign flipped, and without any expert, the outputs move."""
    import torch

    with torch.no_grad():
        outputs = model(**inputs, output_router_logits=True)
        name, block = in_order(blocks_of(model), outputs)[0]
        busiest = received(block, outputs["router_logits"][0]).sum(dim=-1).argmax()
        last = last_linear(block.experts[busiest])
        last.weight.neg_()
        control = worst(errors(expected, outputs_of(model, inputs)))
        last.weight.neg_()
        kept = {parameter: parameter.clone() for b in blocks_of(model).values() for parameter in b.experts.parameters()}
        for parameter in kept:
            parameter.zero_()
        without = worst(errors(expected, outputs_of(model, inputs)))
        for parameter, values in kept.items():
            parameter.copy_(values)
    if not control > CONTROL_SHARE:
        faults.append(f"with a sign flipped in {name} the outputs move by {control} only")
    if not without > FFN_SHARE:
        faults.append(f"without experts the outputs move by {without} only")
    return {"negative_control": control, "moves_without_experts": without}


def last_linear(module):
    import torch

    return [m for m in module.modules() if isinstance(m, torch.nn.Linear)][-1]


def check_law(model, faults):
    """Each block, its experts now all different, against a loop over tokens that is written from the law."""
    import torch

    from check_logits import relative_error

    draw = torch.Generator().manual_seed(19)
    with torch.no_grad():
        for name, block in blocks_of(model).items():
            for parameter in block.experts.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.3)
            tokens = torch.randn(2, 5, block.gate.in_features, generator=draw)
            for renormalise in (True, False):
                block.renormalise = renormalise
                error = relative_error(by_loop(block, tokens), block(tokens).double())
                if not error <= TOLERANCE:
                    faults.append(f"{name}: differs from the routing law by {error}")
            block.renormalise = True
            logits = (torch.randn(200, len(block.experts), generator=draw) * 0.1).to(torch.bfloat16)
            got = block.route(logits, torch.bfloat16)[0].sort(dim=-1).values
            if not torch.equal(got, bfloat16_weights(block, logits)):
                faults.append(f"{name}: bfloat16 weights are not those of router_numerics={block.numerics}")


def by_loop(block, tokens):
    """The block in float64, one token after the other."""
    import copy

    import torch

    gate, experts = block.gate.weight.double(), copy.deepcopy(block.experts).double()
    mixed = []
    for token in tokens.double().flatten(0, -2):
        scores = torch.exp(gate @ token)
        scores = (scores / scores.sum()).tolist()
        chosen = sorted(range(len(scores)), key=lambda e: -scores[e])[: block.num_experts_per_tok]
        total = sum(scores[e] for e in chosen) if block.renormalise else 1
        mixed.append(sum(scores[e] / total * experts[e](token) for e in chosen))
    return torch.stack(mixed).unflatten(0, tokens.shape[:-1])


def bfloat16_weights(block, logits):
    """The law's weights `[tokens, chosen]`, ascending, with every rounding where its numerics has it."""
    import torch

    scores = logits.float().softmax(dim=-1)
    if block.numerics == "cumo":
        scores = scores.to(torch.bfloat16)
    largest = scores.sort(dim=-1, descending=True).values[:, : block.num_experts_per_tok]
    return (largest / largest.sum(dim=-1, keepdim=True)).to(torch.bfloat16).sort(dim=-1).values


# ---------------------------------------------------------------- the drive


def worker(path):
    """Runs a list of jobs `{"call", "arguments"}` and writes their results beside the list."""
    import torch
    import transformers
    from check_logits import versions

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    calls = {"make": make, "refer": refer, "check": check}
    results = []
    for job in json.loads(path.read_text()):
        try:
            results.append(calls[job["call"]](**job["arguments"]))
        except Exception as error:  # one job's failure is a result, and the others go on
            results.append({"faults": [f"{type(error).__name__}: {error}"]})
    path.with_suffix(".out").write_text(json.dumps({"versions": versions(), "results": results}))


class Generation:
    """Runs a list of jobs in a fresh process with an empty module cache."""

    def __init__(self, name, python, folder):
        self.name, self._python, self._folder, self._runs = name, python, folder, 0
        self.versions = None

    def run(self, jobs):
        self._runs += 1
        path = self._folder / f"{self.name}-{self._runs}.jobs"
        path.write_text(json.dumps(jobs))
        cache = self._folder / f"{self.name}-{self._runs}.modules"
        surroundings = {**os.environ, "HF_MODULES_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
        command = [self._python, __file__, "--worker", str(path)]
        run = subprocess.run(command, capture_output=True, text=True, env=surroundings)
        if run.returncode != 0:
            raise SystemExit(f"{self.name}: {run.stderr[-3000:]}")
        answer = json.loads(path.with_suffix(".out").read_text())
        self.versions = answer["versions"]
        return answer["results"]


def job(call, **arguments):
    return {"call": call, "arguments": {k: str(v) for k, v in arguments.items()}}


def check_cases(names, generations, folder):
    """Case -> what each generation says of the target that each generation made."""
    entries = {name: {"faults": []} for name in names}
    for maker in generations:
        jobs = []
        for name in names:
            here = folder / maker.name / name
            here.mkdir(parents=True)
            jobs.append(job("make", case=name, dense=here / "dense", target=here / name, reference=here / "reference"))
        for name, made in zip(names, maker.run(jobs), strict=True):
            entries[name]["faults"] += [f"made by {maker.name}: {fault}" for fault in made["faults"]]
    for loader in generations:
        load_targets(loader, names, folder, entries)
    for loader in generations:
        load_saved(loader, names, folder, entries)
    return entries


def load_targets(loader, names, folder, entries):
    asked = [(maker, name) for maker in GENERATIONS for name in names]
    jobs = []
    for maker, name in asked:
        here = folder / maker / name
        again = here / f"{name}-saved-by-{loader.name}"
        jobs.append(job("check", target=here / name, reference=here / "reference", again=again))
    for (maker, name), entry in zip(asked, loader.run(jobs), strict=True):
        if name.endswith("-idle") and not entry.get("experts", {}).get("without_tokens"):
            entry["faults"].append("every expert got tokens, which this case is to prevent")
        record(entries[name], f"made_by_{maker}_loaded_by_{loader.name}", entry)


def load_saved(loader, names, folder, entries):
    """What a generation saved after loading, loaded once more by this one."""
    asked = [(saver, name) for saver in GENERATIONS for name in names]
    jobs = []
    for saver, name in asked:
        here = folder / saver / name
        jobs.append(job("check", target=here / f"{name}-saved-by-{saver}", reference=here / "reference"))
    for (saver, name), entry in zip(asked, loader.run(jobs), strict=True):
        record(entries[name], f"saved_by_{saver}_loaded_by_{loader.name}", entry)


def record(case, key, entry):
    case["faults"] += [f"{key}: {fault}" for fault in entry.pop("faults")]
    case[key] = entry


def check_converted(converted, dense, generations, folder):
    """A directory of the tool's against its dense source, which version 5 reads: it knows both of its dialects."""
    v4, v5 = generations
    entry = {"faults": []}
    record(entry, "dense", v5.run([job("refer", dense=dense, reference=folder / "reference")])[0])
    for loader in (v4, v5):
        again = folder / f"saved-by-{loader.name}"
        asked = job("check", target=converted, reference=folder / "reference", again=again)
        record(entry, f"loaded_by_{loader.name}", loader.run([asked])[0])
    return {converted.name: entry}


def summary(entry):
    if entry["faults"]:
        return "FAILED\n  " + "\n  ".join(entry["faults"])
    figures = [v for v in entry.values() if isinstance(v, dict) and "relative_error" in v]
    controls = [f["negative_control"] for f in figures if "negative_control" in f]
    control = f", smallest control {min(controls):.2g}" if controls else ""
    return f"largest error {max(f['relative_error'] for f in figures):.2e} of {len(figures)} loads{control}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--v4", help="a Python with transformers 4")
    parser.add_argument("--v5", help="a Python with transformers 5")
    parser.add_argument("--only", nargs="+", help="these cases alone, storing nothing")
    parser.add_argument("--converted", type=Path, help="a directory that upcycle convert wrote")
    parser.add_argument("--dense", type=Path, help="what it was converted from")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker)
        return
    if not (args.v4 and args.v5) or bool(args.converted) != bool(args.dense):
        parser.error("--v4 and --v5 are required; --converted and --dense go together")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generations = [Generation("v4", args.v4, folder), Generation("v5", args.v5, folder)]
        if args.converted:
            entries = check_converted(args.converted.resolve(), args.dense.resolve(), generations, folder)
        else:
            entries = check_cases(args.only or case_names(args.v5), generations, folder)
    result = {
        "schema": "upcycle-interop/modeling/1",
        "passed": not any(entry["faults"] for entry in entries.values()),
        "tolerance": TOLERANCE,
        "versions": {generation.name: generation.versions for generation in generations},
        "files": hashes(MODELING),
        "cases": entries,
    }
    for name, entry in entries.items():
        print(f"{name}: {summary(entry)}", file=sys.stderr)
    if args.converted:
        print(json.dumps(result, indent=2))
    elif not args.only:
        RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if result["passed"] else 1)


def case_names(python):
    """From the interpreter that can import the cases."""
    command = [python, "-c", "import json, modeling_cases as m; print(json.dumps([c.name for c in m.CASES]))"]
    return json.loads(subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
