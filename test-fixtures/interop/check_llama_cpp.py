"""Runs llama.cpp's own converter on a Mixtral directory and checks the GGUF that it writes.

    python check_llama_cpp.py MOE [--outtype f32|f16|bf16|auto] [--sdist FILE] [--json FILE]

The converter is the one vendored in the source distribution of PyPI's llama-cpp-python, which pip fetches
unless --sdist names the file. Checked: the converter's exit status; architecture, expert counts and the other
figures of config.json; that the set of tensors is exactly the expected one, with its shapes; and every value,
by undoing the converter's stacking and permutation, against the directory's own tensors.

The directory needs a tokenizer that the converter knows: tokenizer.model, a byte-fallback BPE as Llama 2's, or
a byte-level BPE that is in its table of hashes. Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors import safe_open

PACKAGE = "llama-cpp-python==0.3.36"
CASTS = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
IN_LAYER = {
    "input_layernorm.weight": "attn_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "block_sparse_moe.gate.weight": "ffn_gate_inp.weight",
}
EXPERTS = {"w1": "ffn_gate_exps.weight", "w2": "ffn_down_exps.weight", "w3": "ffn_up_exps.weight"}


def sdist_of(folder):
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "llama-cpp-python"]
    subprocess.run([*command, "--dest", str(folder), PACKAGE], check=True, stdout=subprocess.DEVNULL)
    return next(Path(folder).glob("llama_cpp_python-*.tar.gz"))


def converter_of(sdist, folder):
    wanted = ("vendor/llama.cpp/convert_hf_to_gguf.py", "vendor/llama.cpp/conversion/", "vendor/llama.cpp/gguf-py/")
    with tarfile.open(sdist) as archive:
        members = [m for m in archive if m.name.split("/", 1)[-1].startswith(wanted)]
        archive.extractall(folder, members=members, filter="data")
    return next(Path(folder).glob("*/vendor/llama.cpp/convert_hf_to_gguf.py"))


def convert(script, moe, out, outtype):
    command = [sys.executable, str(script), str(moe), "--outfile", str(out), "--outtype", outtype]
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run(command, env=offline, capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"the converter refuses {moe}:\n{run.stderr[-3000:]}")


def read_tensors(directory):
    tensors = {}
    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, "pt") as shard:
            tensors |= {name: shard.get_tensor(name) for name in shard.keys()}
    return tensors


def permuted(tensor, heads):
    return tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(tensor.shape)


def expected_tensors(source, config):
    """What the GGUF must hold, by its own names, from the directory's tensors."""
    expected, experts = {}, config["num_local_experts"]
    for name, tensor in source.items():
        if name in WHOLE:
            expected[WHOLE[name]] = tensor
            continue
        _, _, layer, rest = name.split(".", 3)
        if rest.startswith("block_sparse_moe.experts."):
            continue
        if rest == "self_attn.q_proj.weight":
            tensor = permuted(tensor, config["num_attention_heads"])
        if rest == "self_attn.k_proj.weight":
            tensor = permuted(tensor, config["num_key_value_heads"])
        expected[f"blk.{layer}.{IN_LAYER[rest]}"] = tensor
    for layer in range(config["num_hidden_layers"]):
        for theirs, ours in EXPERTS.items():
            names = [f"model.layers.{layer}.block_sparse_moe.experts.{e}.{theirs}.weight" for e in range(experts)]
            expected[f"blk.{layer}.{ours}"] = torch.stack([source[n] for n in names])
    return expected


def expected_fields(config):
    theta = config.get("rope_theta", config.get("rope_parameters", {}).get("rope_theta"))
    return {
        "general.architecture": "llama",
        "llama.expert_count": config["num_local_experts"],
        "llama.expert_used_count": config["num_experts_per_tok"],
        "llama.block_count": config["num_hidden_layers"],
        "llama.embedding_length": config["hidden_size"],
        "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": config["num_attention_heads"],
        "llama.attention.head_count_kv": config["num_key_value_heads"],
        "llama.attention.key_length": config["head_dim"],
        "llama.attention.value_length": config["head_dim"],
        "llama.rope.dimension_count": config["head_dim"],
        "llama.rope.freq_base": theta,
        "llama.vocab_size": config["vocab_size"],
    }


def complaints_of(reader, source, config):
    for key, wanted in expected_fields(config).items():
        found = reader.fields[key].contents() if key in reader.fields else None
        if found != wanted:
            yield f"{key}: expected {wanted}, found {found}"
    expected = expected_tensors(source, config)
    found = {t.name: t for t in reader.tensors}
    extra = {n for n in set(found) - set(expected) if n != "rope_freqs.weight"}
    yield from (f"{name}: missing" for name in sorted(set(expected) - set(found)))
    yield from (f"{name}: unexpected" for name in sorted(extra))
    for name in sorted(set(found) & set(expected)):
        tensor, wanted = found[name], expected[name]
        shape = tuple(int(d) for d in reversed(tensor.shape))
        if shape != tuple(wanted.shape):
            yield f"{name}: expected shape {tuple(wanted.shape)}, found {shape}"
            continue
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy()).reshape(shape)
        kind = tensor.tensor_type.name.lower()
        if not torch.equal(values, wanted.to(CASTS[kind]).float()):
            yield f"{name}: values differ from the directory's, as {kind}"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moe", type=Path)
    parser.add_argument("--outtype", choices=["f32", "f16", "bf16", "auto"], default="f32")
    parser.add_argument("--sdist", type=Path, help="a source distribution of llama-cpp-python downloaded before")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    torch.set_num_threads(1)
    config = json.loads((args.moe / "config.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        sdist = args.sdist or sdist_of(folder)
        script = converter_of(sdist, folder)
        out = Path(folder) / "model.gguf"
        convert(script, args.moe, out, args.outtype)
        reader = GGUFReader(out)
        complaints = list(complaints_of(reader, read_tensors(args.moe), config))
        result = {
            "schema": "upcycle-interop/llama-cpp/1",
            "package": sdist.name.removesuffix(".tar.gz"),
            "converter_sha256": sha256(script),
            "outtype": args.outtype,
            "passed": not complaints,
            "complaints": complaints,
            "tensors": len(reader.tensors),
            "gguf_bytes": out.stat().st_size,
            "expert_count": reader.fields["llama.expert_count"].contents(),
            "expert_used_count": reader.fields["llama.expert_used_count"].contents(),
            "experts_shape": next([int(d) for d in t.shape] for t in reader.tensors if "ffn_gate_exps" in t.name),
            "tokenizer": reader.fields["tokenizer.ggml.model"].contents(),
            "tokenizer_pre": reader.fields["tokenizer.ggml.pre"].contents(),
        }
        del reader
    print(json.dumps(result, indent=2))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if not complaints else 1)


if __name__ == "__main__":
    main()
