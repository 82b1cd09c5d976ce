"""Writes the tiny dense decoders that the conversion is checked with: one directory per fixture.

    python make_fixtures.py --v4 PYTHON --v5 PYTHON [--out OUT] [NAME ...]

Each fixture carries one option of its family (or a few that go together). The weights are amplified, so that a
wrong conversion shows: run_checks.py asserts that without the feed-forward layers the logits move by more than
half. Values come from numpy's PCG64 and the seed is the name, so that the directories do not depend on the
version of anything, except the four that transformers itself saves: these take the two interpreters.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "src/main/resources/dev/upcycle/fixtures/golden/decoders"

BF16, F16, F32 = "bfloat16", "float16", "float32"
ARCHITECTURES = {"mistral": "MistralForCausalLM", "llama": "LlamaForCausalLM"}
GAIN = 1.6  # times 1/sqrt(inputs): FFNs and attention both matter, and nothing overflows in float16


@dataclass(frozen=True)
class Fixture:
    name: str
    family: str
    dtype: str = BF16
    hidden: int = 24
    intermediate: int = 20
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 6
    vocab: int = 48
    positions: int = 64
    tied: bool = False
    theta: float = 10000.0
    window: int | None = None
    scaling: dict | None = None
    zero_biases: bool = False
    inverse_frequencies: bool = False
    embedding_std: float = 1.0
    shard_bytes: int | None = None
    saved_by: str | None = None  # "v4" or "v5": save_pretrained of that generation, its spellings only
    left_out: tuple = ()  # keys of config.json
    files: dict = field(default_factory=dict)
    says: str = ""


GENERATION = {"bos_token_id": 1, "eos_token_id": [2, 3], "pad_token_id": 0, "do_sample": True, "temperature": 0.7}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
WIDE = {"heads": 2, "kv_heads": 1, "head_dim": 12}
V4_SPELLINGS = ("rope_theta", "rope_scaling", "torch_dtype")
V5_SPELLINGS = ("rope_parameters", "dtype")
SPARSE_CONFIG = ("rope_theta", "rope_scaling", "rope_parameters", "rms_norm_eps", "hidden_act", "sliding_window")
SPARSE_CONFIG += ("tie_word_embeddings", "num_key_value_heads", "initializer_range", "torch_dtype", "dtype")

FIXTURES = [
    Fixture("mistral-plain", "mistral", says="grouped-query attention, untied, no window, bfloat16"),
    Fixture("mistral-head-dim", "mistral", F16, head_dim=8, kv_heads=1, says="head_dim is not hidden/heads; float16"),
    Fixture("mistral-window", "mistral", window=8, says="a sliding window of 8, shorter than the input"),
    Fixture(
        "mistral-sharded",
        "mistral",
        F32,
        theta=1000000.0,
        shard_bytes=16384,
        files={
            "generation_config.json": GENERATION,
            "special_tokens_map.json": {"bos_token": "<s>", "eos_token": "</s>"},
        },
        says="float32 in several shards with an index; generation config and a tokenizer file to carry over",
    ),
    Fixture(
        "mistral-defaults",
        "mistral",
        heads=8,
        kv_heads=8,
        head_dim=4,
        theta=10000.0,
        embedding_std=0.02,
        left_out=SPARSE_CONFIG,
        says="everything left to the class's defaults, which are not Mixtral's: theta, epsilon, window of 4096",
    ),
    Fixture(
        "mistral-saved-v4",
        "mistral",
        tied=True,
        theta=500000.0,
        window=8,
        saved_by="v4",
        left_out=V5_SPELLINGS,
        says="version 4 wrote it; tied",
    ),
    Fixture(
        "mistral-saved-v5",
        "mistral",
        tied=True,
        theta=500000.0,
        window=8,
        saved_by="v5",
        left_out=V4_SPELLINGS,
        says="version 5 wrote it; tied",
    ),
    Fixture("llama-plain", "llama", tied=True, says="grouped-query attention, tied"),
    Fixture(
        "llama-mha",
        "llama",
        kv_heads=4,
        tied=True,
        theta=500000.0,
        left_out=V5_SPELLINGS,
        says="as many key-value heads as heads; the oldest spellings: rope_theta and torch_dtype",
    ),
    Fixture(
        "llama-untied",
        "llama",
        F16,
        files={"generation_config.json": GENERATION},
        says="untied, float16, generation config",
    ),
    Fixture(
        "llama-inv-freq", "llama", tied=True, inverse_frequencies=True, says="leftover rotary_emb.inv_freq tensors"
    ),
    Fixture("llama-zero-biases", "llama", tied=True, zero_biases=True, says="attention and MLP biases, all zero"),
    Fixture(
        "llama-rope-linear", "llama", tied=True, scaling={"rope_type": "linear", "factor": 4.0}, **WIDE, says="linear"
    ),
    Fixture("llama-rope-llama3", "llama", tied=True, scaling=LLAMA3, **WIDE, says="Llama 3's scaling"),
    Fixture("llama-rope-yarn", "llama", tied=True, scaling=YARN, **WIDE, says="YaRN"),
    Fixture(
        "llama-defaults",
        "llama",
        kv_heads=4,
        embedding_std=0.02,
        left_out=SPARSE_CONFIG + ("head_dim",),
        says="everything left to the class's defaults",
    ),
    Fixture(
        "llama-saved-v4",
        "llama",
        tied=True,
        theta=500000.0,
        scaling=LLAMA3,
        saved_by="v4",
        left_out=V5_SPELLINGS,
        **WIDE,
        says="version 4 wrote it",
    ),
    Fixture(
        "llama-saved-v5",
        "llama",
        tied=True,
        theta=500000.0,
        scaling=LLAMA3,
        saved_by="v5",
        left_out=V4_SPELLINGS,
        **WIDE,
        says="version 5 wrote it",
    ),
]


def config_of(f):
    config = {
        "architectures": [ARCHITECTURES[f.family]],
        "model_type": f.family,
        "vocab_size": f.vocab,
        "hidden_size": f.hidden,
        "intermediate_size": f.intermediate,
        "num_hidden_layers": f.layers,
        "num_attention_heads": f.heads,
        "num_key_value_heads": f.kv_heads,
        "head_dim": f.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": f.positions,
        "rms_norm_eps": 1e-6 if "rms_norm_eps" in f.left_out else 1e-5,
        "initializer_range": 0.02,
        "attention_dropout": 0.0,
        "use_cache": True,
        "tie_word_embeddings": f.tied,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "rope_theta": f.theta,
        "rope_scaling": f.scaling,
        "rope_parameters": {"rope_theta": f.theta, **(f.scaling or {"rope_type": "default"})},
        "torch_dtype": f.dtype,
        "dtype": f.dtype,
    }
    if f.family == "mistral":
        config["sliding_window"] = f.window
    else:
        config |= {"attention_bias": f.zero_biases, "mlp_bias": f.zero_biases}
    return {k: v for k, v in config.items() if k not in f.left_out}


def shapes_of(f):
    """Name -> shape, in the order of the model."""
    shapes = {"model.embed_tokens.weight": (f.vocab, f.hidden)}
    queries, keys = f.heads * f.head_dim, f.kv_heads * f.head_dim
    for layer in range(f.layers):
        p = f"model.layers.{layer}."
        matrices = {
            "self_attn.q_proj": (queries, f.hidden),
            "self_attn.k_proj": (keys, f.hidden),
            "self_attn.v_proj": (keys, f.hidden),
            "self_attn.o_proj": (f.hidden, queries),
            "mlp.gate_proj": (f.intermediate, f.hidden),
            "mlp.up_proj": (f.intermediate, f.hidden),
            "mlp.down_proj": (f.hidden, f.intermediate),
        }
        for name, shape in matrices.items():
            shapes[f"{p}{name}.weight"] = shape
            if f.zero_biases:
                shapes[f"{p}{name}.bias"] = shape[:1]
        shapes[p + "input_layernorm.weight"] = (f.hidden,)
        shapes[p + "post_attention_layernorm.weight"] = (f.hidden,)
        if f.inverse_frequencies:
            shapes[p + "self_attn.rotary_emb.inv_freq"] = (f.head_dim // 2,)
    shapes["model.norm.weight"] = (f.hidden,)
    if not f.tied:
        shapes["lm_head.weight"] = (f.vocab, f.hidden)
    return shapes


def tensors_of(f):
    seed = int.from_bytes(hashlib.sha256(f.name.encode()).digest()[:8], "little")
    generator = np.random.Generator(np.random.PCG64(seed))
    for name, shape in shapes_of(f).items():
        drawn = generator.normal(0.0, 1.0, shape)
        if name.endswith("inv_freq"):
            exponents = np.arange(0, f.head_dim, 2) / f.head_dim
            yield name, torch.from_numpy((f.theta**-exponents).astype(np.float32))
            continue
        if name.endswith(".bias"):
            values = np.zeros(shape)
        elif len(shape) == 1:
            values = 1.0 + 0.2 * drawn
        elif name == "model.embed_tokens.weight":
            values = f.embedding_std * drawn
        else:
            values = GAIN / np.sqrt(shape[1]) * drawn
        yield name, torch.from_numpy(values.astype(np.float32)).to(getattr(torch, f.dtype))


def size_of(tensor):
    return tensor.numel() * tensor.element_size()


def shards_of(tensors, limit):
    shards, size = [{}], 0
    for name, tensor in tensors.items():
        if shards[-1] and size + size_of(tensor) > limit:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += size_of(tensor)
    return shards


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_plain(f, out):
    out.mkdir(parents=True)
    write_json(out / "config.json", config_of(f))
    for name, value in f.files.items():
        write_json(out / name, value)
    tensors = dict(tensors_of(f))
    shards = shards_of(tensors, f.shard_bytes) if f.shard_bytes else [tensors]
    if len(shards) == 1:
        save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
        return
    weight_map = {}
    for i, shard in enumerate(shards, 1):
        file = f"model-{i:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, out / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(shard, file)
    total = sum(size_of(t) for t in tensors.values())
    write_json(
        out / "model.safetensors.index.json",
        {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))},
    )


SAVE = """
import sys, torch
from transformers import AutoModelForCausalLM
AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=getattr(torch, sys.argv[3])).save_pretrained(sys.argv[2])
"""


def write(f, out, interpreters):
    if out.exists():
        shutil.rmtree(out)
    if f.saved_by is None:
        write_plain(f, out)
    else:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / f.name
            write_plain(f, plain)
            command = [interpreters[f.saved_by], "-c", SAVE, str(plain), str(out), f.dtype]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    for file in out.iterdir():
        os.chmod(file, 0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--v4", required=True, help="the interpreter of requirements-v4.txt")
    parser.add_argument("--v5", required=True, help="the interpreter of requirements-v5.txt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    interpreters = {"v4": args.v4, "v5": args.v5}
    total = 0
    for f in FIXTURES:
        if args.names and f.name not in args.names:
            continue
        out = args.out / f.name
        write(f, out, interpreters)
        size = sum(p.stat().st_size for p in out.iterdir())
        total += size
        print(f"{f.name}: {size:,} bytes: {f.says}")
    print(f"{total:,} bytes")


if __name__ == "__main__":
    main()
