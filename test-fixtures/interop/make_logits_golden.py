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
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from check_logits import LEFT_OVER, TOLERANCE, relative_error
from make_fixtures import BF16, GAIN, write_json
from run_checks import FFN_SHARE, HERE, OPTION_SHARE
from run_checks import RESOURCES as DECODERS

OUT = DECODERS.parent / "logits"
SEQ = 20
FEW = 5  # distinct tokens in the second row
PROMPT, NEW_TOKENS = 10, 12
LEAD = 2e-3  # of a generated token over the next one, relative to the largest logit
DISTINCT = 3  # generated tokens

CLASSES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "qwen2_moe": "Qwen2MoeForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
}
MOE_BLOCKS = {
    "mixtral": ("block_sparse_moe", ("w1", "w3", "w2")),
    "qwen2_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "qwen3_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
}


@dataclass(frozen=True)
class Model:
    """A model of a case's own; `options` are keys of config.json."""

    family: str
    hidden: int = 32
    intermediate: int = 24
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 8
    vocab: int = 64
    tied: bool = False
    theta: float = 10000.0
    experts: int = 0
    expert_intermediate: int = 16
    shared_intermediate: int = 0
    biased: tuple = ()  # of q, k, v, o, mlp
    qk_norm: bool = False
    options: tuple = ()

    def is_sparse(self, layer):
        options = dict(self.options)
        step = options.get("decoder_sparse_step", 1)
        return self.experts > 0 and layer not in options.get("mlp_only_layers", ()) and (layer + 1) % step == 0


@dataclass(frozen=True)
class Case:
    name: str
    says: str
    model: Model | None = None  # None: the decoder of the same name
    salt: int = 0
    controls: tuple = ()  # what must matter besides the feed-forward layers
    gradients: tuple = ()
    v4_differs: str | None = None


QWEN_MOE = {"experts": 4, "biased": ("q", "k", "v")}
L0 = "model.layers.0."
L1 = "model.layers.1."
ROPE_PARAMETERS = "version 4 does not read rope_parameters: it takes theta (and no scaling) from its class"

CASES = [
    Case("mistral-plain", "grouped-query attention, untied"),
    Case("mistral-head-dim", "head_dim is not hidden/heads; one key-value head; stored in float16"),
    Case("mistral-window", "a sliding window of 8", controls=("window",)),
    Case("mistral-defaults", "everything left to the class's defaults; small embeddings, so that epsilon shows"),
    Case("llama-plain", "grouped-query attention, tied", salt=1),
    Case("llama-rope-linear", "linear scaling", salt=5, controls=("rope_scaling",)),
    Case("llama-rope-llama3", "Llama 3's scaling", controls=("rope_scaling",)),
    Case("llama-rope-yarn", "YaRN", salt=1, controls=("rope_scaling",)),
    Case("llama-defaults", "everything left to the class's defaults; as many key-value heads as heads"),
    Case(
        "llama-saved-v5",
        "version 5's spellings only; Llama 3's scaling",
        salt=1,
        controls=("rope_scaling",),
        v4_differs=ROPE_PARAMETERS,
    ),
    Case(
        "llama-biases",
        "attention and MLP biases that are not zero",
        Model("llama", biased=("q", "k", "v", "o", "mlp"), options=(("attention_bias", True), ("mlp_bias", True))),
        controls=("biases",),
    ),
    Case(
        "llama-attention-bias",
        "biases in attention only, o_proj too; one key-value head; tied",
        Model(
            "llama",
            kv_heads=1,
            tied=True,
            biased=("q", "k", "v", "o"),
            options=(("attention_bias", True), ("mlp_bias", False)),
        ),
        controls=("biases",),
    ),
    Case(
        "qwen2",
        "biases in q, k and v; tied",
        Model(
            "qwen2",
            tied=True,
            theta=1000000.0,
            biased=("q", "k", "v"),
            options=(("use_sliding_window", False), ("sliding_window", 8)),
        ),
        controls=("biases",),
        gradients=("model.embed_tokens.weight", L0 + "self_attn.v_proj.bias", L1 + "mlp.down_proj.weight"),
        salt=1,
    ),
    Case(
        "qwen2-window",
        "a sliding window of 8 from the second layer on; untied",
        Model(
            "qwen2",
            layers=3,
            biased=("q", "k", "v"),
            intermediate=16,
            options=(("use_sliding_window", True), ("sliding_window", 8), ("max_window_layers", 1)),
        ),
        controls=("window", "biases"),
        salt=1,
    ),
    Case(
        "qwen3",
        "norms of q and k; head_dim is not hidden/heads; tied",
        Model("qwen3", head_dim=12, tied=True, theta=1000000.0, qk_norm=True, options=(("attention_bias", False),)),
        controls=("qk_norm",),
        gradients=(L0 + "self_attn.q_proj.weight", L0 + "self_attn.q_norm.weight", L1 + "mlp.down_proj.weight"),
        salt=6,
    ),
    Case(
        "mixtral",
        "two of four experts",
        Model("mixtral", experts=4, theta=1000000.0, options=(("num_experts_per_tok", 2), ("sliding_window", None))),
        controls=("experts_per_token",),
        gradients=(
            L0 + "self_attn.q_proj.weight",
            L0 + "block_sparse_moe.gate.weight",
            L0 + "block_sparse_moe.experts.1.w1.weight",
            L1 + "block_sparse_moe.experts.2.w2.weight",
        ),
        salt=76,
    ),
    Case(
        "mixtral-window",
        "a sliding window of 8; two of five experts; head_dim is not hidden/heads; tied",
        Model(
            "mixtral",
            experts=5,
            kv_heads=1,
            head_dim=12,
            tied=True,
            options=(("num_experts_per_tok", 2), ("sliding_window", 8)),
        ),
        controls=("window", "experts_per_token"),
        salt=73,
    ),
    Case(
        "qwen2-moe-norm",
        "the chosen experts' weights normalised; a shared expert, wider than the others, with its gate",
        Model(
            "qwen2_moe",
            shared_intermediate=24,
            **QWEN_MOE,
            options=(
                ("num_experts_per_tok", 2),
                ("norm_topk_prob", True),
                ("decoder_sparse_step", 1),
                ("mlp_only_layers", []),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "shared_expert", "shared_expert_gate", "biases"),
        salt=77,
    ),
    Case(
        "qwen2-moe-sparse-step",
        "not normalised; decoder_sparse_step 2: the first and third layers are dense",
        Model(
            "qwen2_moe",
            layers=3,
            shared_intermediate=16,
            tied=True,
            **QWEN_MOE,
            options=(
                ("num_experts_per_tok", 2),
                ("norm_topk_prob", False),
                ("decoder_sparse_step", 2),
                ("mlp_only_layers", []),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "shared_expert", "shared_expert_gate", "biases"),
        salt=13,
    ),
    Case(
        "qwen3-moe-norm",
        "the chosen experts' weights normalised; norms of q and k; head_dim is not hidden/heads",
        Model(
            "qwen3_moe",
            experts=4,
            head_dim=12,
            qk_norm=True,
            options=(
                ("num_experts_per_tok", 2),
                ("norm_topk_prob", True),
                ("decoder_sparse_step", 1),
                ("mlp_only_layers", []),
                ("attention_bias", False),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "qk_norm"),
        salt=109,
    ),
    Case(
        "qwen3-moe-mlp-only",
        "not normalised; three of five experts; mlp_only_layers [0]: the first layer is dense",
        Model(
            "qwen3_moe",
            experts=5,
            head_dim=12,
            tied=True,
            qk_norm=True,
            options=(
                ("num_experts_per_tok", 3),
                ("norm_topk_prob", False),
                ("decoder_sparse_step", 1),
                ("mlp_only_layers", [0]),
                ("attention_bias", False),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "qk_norm"),
        salt=148,
    ),
]


# ---------------------------------------------------------------- the models


def config_of(model):
    config = {
        "architectures": [CLASSES[model.family]],
        "model_type": model.family,
        "vocab_size": model.vocab,
        "hidden_size": model.hidden,
        "intermediate_size": model.expert_intermediate if model.family == "mixtral" else model.intermediate,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5 if model.family in ("llama", "mixtral") else 1e-6,
        "initializer_range": 0.02,
        "attention_dropout": 0.0,
        "use_cache": True,
        "tie_word_embeddings": model.tied,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "rope_theta": model.theta,
        "rope_scaling": None,
        "rope_parameters": {"rope_theta": model.theta, "rope_type": "default"},
        "torch_dtype": BF16,
        "dtype": BF16,
    }
    if model.family == "mixtral":
        config |= {"num_local_experts": model.experts, "router_jitter_noise": 0.0}
    elif model.experts:
        config |= {"num_experts": model.experts, "moe_intermediate_size": model.expert_intermediate}
    if model.family == "qwen3_moe":
        config["num_local_experts"] = model.experts  # version 5's spelling
    if model.experts:
        config |= {"output_router_logits": False, "router_aux_loss_coef": 0.001}
    if model.shared_intermediate:
        config["shared_expert_intermediate_size"] = model.shared_intermediate
    return config | dict(model.options)


def gated(prefix, names, hidden, intermediate):
    gate, up, down = names
    return {
        f"{prefix}.{gate}.weight": (intermediate, hidden),
        f"{prefix}.{up}.weight": (intermediate, hidden),
        f"{prefix}.{down}.weight": (hidden, intermediate),
    }


def attention_shapes(model, prefix):
    queries, keys = model.heads * model.head_dim, model.kv_heads * model.head_dim
    sizes = {"q": (queries, model.hidden), "k": (keys, model.hidden), "v": (keys, model.hidden)}
    sizes["o"] = (model.hidden, queries)
    shapes = {}
    for letter, shape in sizes.items():
        shapes[f"{prefix}.{letter}_proj.weight"] = shape
        if letter in model.biased:
            shapes[f"{prefix}.{letter}_proj.bias"] = shape[:1]
    if model.qk_norm:
        shapes |= {f"{prefix}.{letter}_norm.weight": (model.head_dim,) for letter in "qk"}
    return shapes


def ffn_shapes(model, prefix, layer):
    dense = ("gate_proj", "up_proj", "down_proj")
    if not model.is_sparse(layer):
        shapes = gated(f"{prefix}.mlp", dense, model.hidden, model.intermediate)
        biases = {n.replace(".weight", ".bias"): s[:1] for n, s in shapes.items() if "mlp" in model.biased}
        return shapes | biases
    block, names = MOE_BLOCKS[model.family]
    shapes = {f"{prefix}.{block}.gate.weight": (model.experts, model.hidden)}
    for expert in range(model.experts):
        shapes |= gated(f"{prefix}.{block}.experts.{expert}", names, model.hidden, model.expert_intermediate)
    if model.shared_intermediate:
        shapes |= gated(f"{prefix}.{block}.shared_expert", dense, model.hidden, model.shared_intermediate)
        shapes[f"{prefix}.{block}.shared_expert_gate.weight"] = (1, model.hidden)
    return shapes


def shapes_of(model):
    shapes = {"model.embed_tokens.weight": (model.vocab, model.hidden)}
    for layer in range(model.layers):
        prefix = f"model.layers.{layer}"
        shapes |= attention_shapes(model, f"{prefix}.self_attn") | ffn_shapes(model, prefix, layer)
        shapes[f"{prefix}.input_layernorm.weight"] = (model.hidden,)
        shapes[f"{prefix}.post_attention_layernorm.weight"] = (model.hidden,)
    shapes["model.norm.weight"] = (model.hidden,)
    if not model.tied:
        shapes["lm_head.weight"] = (model.vocab, model.hidden)
    return shapes


def generator_of(case, purpose):
    seed = hashlib.sha256(f"{case.name}/{case.salt}/{purpose}".encode()).digest()[:8]
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "little")))


def tensors_of(case):
    generator = generator_of(case, "weights")
    for name, shape in shapes_of(case.model).items():
        values = generator.normal(0.0, 1.0, shape)
        if name.endswith("norm.weight"):
            values = 1.0 + 0.2 * values
        elif name.endswith(".bias"):
            values *= 0.5
        elif name != "model.embed_tokens.weight":
            values *= GAIN / np.sqrt(shape[1])
        yield name, torch.from_numpy(values.astype(np.float32)).to(torch.bfloat16)


def write_model(case, directory):
    directory.mkdir(parents=True)
    write_json(directory / "config.json", config_of(case.model))
    save_file(dict(tensors_of(case)), directory / "model.safetensors", metadata={"format": "pt"})


def ids_of(case, vocab):
    generator = generator_of(case, "ids")
    few = generator.choice(vocab, FEW, replace=False)
    return [generator.integers(0, vocab, SEQ).tolist(), few[generator.integers(0, FEW, SEQ)].tolist()]


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
    if "routing" in entry and not entry["routing"]["same_choices_in_bf16"]:
        faults.append(f"bfloat16 routes otherwise: {entry['routing']}")
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
