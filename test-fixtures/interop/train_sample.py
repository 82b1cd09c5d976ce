"""Trains the embedded sample decoder: a byte-level Mistral of about a million parameters.

    python train_sample.py --text Isaac.Newton-Opticks.txt --out DIR

The text is Isaac Newton's "Opticks", fourth edition (London, 1730), in the public domain. Go's source
distribution carries it as src/testdata/Isaac.Newton-Opticks.txt; another copy is refused by its hash,
because the figures in the README that this script writes hold for one text only.

The last tenth of the text is held out. One thread, a fixed seed and a fixed number of steps.
"""

import argparse
import hashlib
import json
import math
import os
import platform
import time
from pathlib import Path

import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import MistralConfig, MistralForCausalLM

TEXT_SHA256 = "d4a9ac22462b35e7821a4f2706c211093da678620a8f9997989ee7cf8d507bbd"
HELD_OUT_SHARE = 0.1

BOS, EOS, PAD = 256, 257, 258
SPECIAL = {"<s>": BOS, "</s>": EOS, "<pad>": PAD}
VOCAB = 259
CONTEXT = 256
SHAPE = {
    "vocab_size": VOCAB,
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
}
THETA = 10000.0

BATCH = 8
PEAK_RATE = 3e-3
WARMUP = 100
WEIGHT_DECAY = 0.1
CLIP = 1.0
BOS_SHARE = 0.5  # share of the training windows that begin with <s>, as a tokenised prompt does


def read_text(path):
    """The book without the digital edition's own words: they are not Newton's."""
    data = Path(path).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != TEXT_SHA256:
        raise SystemExit(f"{path}: sha256 is {found}, expected {TEXT_SHA256}")
    text = data.decode("utf-8")
    text = text[text.index("OPTICKS:") :]
    paragraphs = [p for p in text.split("\n\n") if not p.lstrip().startswith("Transcriber's Note:")]
    return "\n\n".join(paragraphs).strip() + "\n"


def split(text):
    """Training part and held-out part, cut at the end of a paragraph."""
    cut = text.index("\n\n", int(len(text) * (1 - HELD_OUT_SHARE)))
    return text[:cut].strip() + "\n", text[cut:].strip() + "\n"


def ids_of(text):
    return torch.tensor(list(text.encode("utf-8")), dtype=torch.long)


def batch_of(ids, generator):
    starts = torch.randint(len(ids) - CONTEXT, (BATCH,), generator=generator)
    windows = torch.stack([ids[s : s + CONTEXT + 1] for s in starts])
    with_bos = torch.rand(BATCH, generator=generator) < BOS_SHARE
    windows[with_bos, 1:] = windows[with_bos, :-1].clone()
    windows[with_bos, 0] = BOS
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def perplexity(model, ids):
    """Per byte, over windows of `<s>` and 255 bytes that follow one another without overlap."""
    model.eval()
    span = CONTEXT - 1
    total, count = 0.0, 0
    for start in range(0, len(ids), span * BATCH):
        chunk = ids[start : start + span * BATCH]
        rows = [chunk[i : i + span] for i in range(0, len(chunk), span)]
        for row in [torch.stack(r) for r in _equal_lengths(rows)]:
            bos = torch.full((row.shape[0], 1), BOS)
            logits = model(torch.cat([bos, row[:, :-1]], dim=1)).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), row.flatten(), reduction="sum")
            total += loss.item()
            count += row.numel()
    return math.exp(total / count)


def _equal_lengths(rows):
    full = [r for r in rows if len(r) == len(rows[0])]
    rest = rows[len(full) :]
    return [full] + ([rest] if rest else [])


def rate_at(step, steps):
    if step < WARMUP:
        return PEAK_RATE * (step + 1) / WARMUP
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (steps - WARMUP)))


def new_model(seed):
    torch.manual_seed(seed)
    config = MistralConfig(
        **SHAPE,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=PAD,
        sliding_window=None,
        tie_word_embeddings=False,
        rope_parameters={"rope_theta": THETA, "rope_type": "default"},
    )
    model = MistralForCausalLM(config)
    for name, p in model.named_parameters():  # residual branches start small, as in GPT-2
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            p.data.div_(math.sqrt(2 * config.num_hidden_layers))
    return model


def train(model, ids, held_out, steps, seed):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}],
        lr=PEAK_RATE,
        betas=(0.9, 0.95),
    )
    generator = torch.Generator().manual_seed(seed)
    began = time.monotonic()
    mean = None
    for step in range(steps):
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps)
        inputs, targets = batch_of(ids, generator)
        loss = torch.nn.functional.cross_entropy(model(inputs).logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if (step + 1) % 100 == 0:
            held = f", held-out perplexity {perplexity(model, held_out):.3f}" if (step + 1) % 500 == 0 else ""
            print(f"step {step + 1}/{steps} {time.monotonic() - began:.0f} s loss {mean:.4f}{held}", flush=True)
    return time.monotonic() - began


def config_json():
    """Both generations' spellings, agreeing, nothing left to a class default that matters."""
    return {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        **SHAPE,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "use_cache": True,
        "tie_word_embeddings": False,
        "sliding_window": None,
        "rope_theta": THETA,
        "rope_scaling": None,
        "rope_parameters": {"rope_theta": THETA, "rope_type": "default"},
        "torch_dtype": "bfloat16",
        "dtype": "bfloat16",
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "pad_token_id": PAD,
    }


def tokenizer_json():
    """A BPE without merges whose every character falls back to its bytes: the id of a byte is the byte.

    The form is Llama 2's, not GPT-2's "ByteLevel": llama.cpp's converter knows it without a table of hashes.
    """
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)} | SPECIAL
    bos = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": id,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for content, id in SPECIAL.items()
        ],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [BOS], "tokens": ["<s>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": [],
        },
    }


def tokenizer_config_json():
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "add_prefix_space": False,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": {
            str(id): {
                "content": content,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for content, id in SPECIAL.items()
        },
    }


README = """\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [mistral, byte-level, sample]
---
# A sample dense decoder

A byte-level Mistral with {parameters:,} parameters in bfloat16: hidden {hidden_size}, {num_hidden_layers} layers, intermediate {intermediate_size}, {num_attention_heads} heads, {num_key_value_heads} key-value heads, head_dim {head_dim}, context {max_position_embeddings}, untied embeddings. The id of a byte is the byte; `<s>` is 256, `</s>` 257, `<pad>` 258. `</s>` and `<pad>` do not occur in training.

It is really trained, so that conversion, evaluation and training have something to show. It knows one book and is good for nothing else.

| | |
|---|---|
| text | Isaac Newton, *Opticks*, fourth edition, London 1730; public domain. The digital text is the one that Go's source distribution carries as `src/testdata/Isaac.Newton-Opticks.txt` (sha256 `{text_sha256}`), less its transcribers' notes |
| training part | the first {training_bytes:,} bytes |
| held-out part | the last {held_out_bytes:,} bytes: `held-out.txt` |
| command | `python test-fixtures/interop/train_sample.py --text Isaac.Newton-Opticks.txt --out DIR --steps {steps} --seed {seed}` |
| work | {steps} steps of {batch} windows of {context} tokens ({epochs:.1f} passes), AdamW, peak rate {rate}, cosine; {seconds:.0f} s on one thread |
| versions | torch {torch}, transformers {transformers}, safetensors {safetensors}, Python {python} |
| perplexity per byte, training part | {training_perplexity:.4f} |
| perplexity per byte, held-out part | {held_out_perplexity:.4f} |
| sha256 of `model.safetensors` | `{model_sha256}` |

The perplexities are of the stored bfloat16 weights, computed in float32 over windows of `<s>` and 255 bytes that do not overlap. Another processor or another version of torch gives other weights from the same command.

Greedy continuation of "{prompt}":

> {sample}
"""

LICENSE = """\
The text
--------
Isaac Newton, "Opticks: or, a Treatise of the Reflections, Refractions,
Inflections and Colours of Light", the fourth edition, corrected, London, 1730.
The author died in 1727; the text is in the public domain everywhere.
held-out.txt is an unchanged excerpt of it.

The weights, the configuration and the tokenizer
------------------------------------------------
Made by test-fixtures/interop/train_sample.py from that text alone. They are
part of this project and under its licence, the Apache License 2.0
(http://www.apache.org/licenses/LICENSE-2.0).
"""

PROMPT = "The Rays of Light which"


def write(path, text):
    Path(path).write_text(text, encoding="utf-8", newline="\n")
    os.chmod(path, 0o644)


def write_json(path, value):
    write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_tokenizer(out):
    write_json(out / "tokenizer.json", tokenizer_json())
    write_json(out / "tokenizer_config.json", tokenizer_config_json())
    write_json(out / "special_tokens_map.json", {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"})


@torch.no_grad()
def greedy(model, prompt, count):
    ids = [BOS, *prompt.encode("utf-8")]
    for _ in range(count):
        ids.append(int(model(torch.tensor([ids[-CONTEXT:]])).logits[0, -1].argmax()))
    return bytes(i for i in ids if i < 256).decode("utf-8", errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True, help="Isaac.Newton-Opticks.txt")
    parser.add_argument("--out", required=True, help="the Hugging Face directory to write")
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--seed", type=int, default=1704)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    training, held_out = split(read_text(args.text))
    training_ids, held_out_ids = ids_of(training), ids_of(held_out)
    model = new_model(args.seed)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters, {len(training_ids):,} bytes to train on, {len(held_out_ids):,} held out")
    seconds = train(model, training_ids, held_out_ids, args.steps, args.seed)

    model = model.to(torch.bfloat16)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    weights = out / "model.safetensors"
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights, metadata={"format": "pt"})
    os.chmod(weights, 0o644)
    model = model.to(torch.float32).eval()
    write_json(out / "config.json", config_json())
    write_json(
        out / "generation_config.json",
        {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "do_sample": False},
    )
    write_tokenizer(out)
    write(out / "held-out.txt", held_out)
    write(out / "LICENSE.txt", LICENSE)
    figures = {
        "parameters": parameters,
        **SHAPE,
        "text_sha256": TEXT_SHA256,
        "training_bytes": len(training_ids),
        "held_out_bytes": len(held_out_ids),
        "steps": args.steps,
        "seed": args.seed,
        "batch": BATCH,
        "context": CONTEXT,
        "epochs": args.steps * BATCH * CONTEXT / len(training_ids),
        "rate": PEAK_RATE,
        "seconds": seconds,
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "safetensors": safetensors.__version__,
        "python": platform.python_version(),
        "training_perplexity": perplexity(model, training_ids),
        "held_out_perplexity": perplexity(model, held_out_ids),
        "model_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "prompt": PROMPT,
        "sample": greedy(model, PROMPT, 220).replace("\n", "\n> "),
    }
    write(out / "README.md", README.format(**figures))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
