"""Writes the golden losses of training: a Mixtral of 4 layers, 8 experts, 2 per token.

    python make_train_golden.py OUT

OUT/model holds the model that training starts from; OUT/losses.json the token ids, the settings
and, of every step, the losses before it and the least margin between a token's second and third
router logit. Everything is torch's: transformers' model, its load_balancing_loss_func, AdamW,
clip_grad_norm_ and a cosine schedule with linear warm-up, in float32 on one thread.
"""

import copy
import json
import math
import os
import sys

import torch
from transformers import MixtralConfig, MixtralForCausalLM
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

STEPS, ROWS, SEQ, WARMUP = 50, 4, 32, 5
RATE, BETAS, EPSILON, DECAY, CLIP = 1e-3, (0.9, 0.95), 1e-8, 0.1, 1.0
BALANCE, ROUTER_Z = 0.02, 0.001
CONFIG = dict(
    vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=4,
    num_attention_heads=4, num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2,
    max_position_embeddings=64, sliding_window=None, tie_word_embeddings=False,
    output_router_logits=True, router_jitter_noise=0.0)


def share(step):
    if step < WARMUP:
        return step / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def main(out):
    torch.set_num_threads(1)
    torch.manual_seed(7)
    model = MixtralForCausalLM(MixtralConfig(**CONFIG)).float()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                p.normal_(0, math.sqrt(0.7 / p.shape[-1]))
            if "gate.weight" in name:
                p.normal_(0, 1.0)
            p.copy_(p.bfloat16().float())
    copy.deepcopy(model).bfloat16().save_pretrained(os.path.join(out, "model"))
    model.train()
    ids = torch.randint(0, CONFIG["vocab_size"], (STEPS, ROWS, SEQ))
    # a pattern to learn: every second token repeats the one before it
    ids[:, :, 1::2] = (ids[:, :, 0::2] + 1) % CONFIG["vocab_size"]
    decayed = [p for p in model.parameters() if p.dim() > 1]
    fixed = [p for p in model.parameters() if p.dim() <= 1]
    adamw = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": fixed, "weight_decay": 0.0}],
        lr=RATE, betas=BETAS, eps=EPSILON)
    rows = []
    for step in range(STEPS):
        for group in adamw.param_groups:
            group["lr"] = RATE * share(step)
        result = model(input_ids=ids[step], use_cache=False, output_router_logits=True)
        logits = result.logits[:, :-1].reshape(-1, CONFIG["vocab_size"]).float()
        ce = torch.nn.functional.cross_entropy(logits, ids[step][:, 1:].reshape(-1))
        balance = load_balancing_loss_func(result.router_logits, 8, 2) / 2
        z = torch.stack(
            [torch.logsumexp(l.float(), -1).square().mean() for l in result.router_logits]).mean()
        loss = ce + BALANCE * balance + ROUTER_Z * z
        adamw.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        adamw.step()
        top = torch.cat([l.detach().float() for l in result.router_logits]).topk(3, -1).values
        rows.append(dict(
            total=loss.item(), cross_entropy=ce.item(), balance=balance.item(), router_z=z.item(),
            gradient_norm=norm.item(), margin=(top[:, 1] - top[:, 2]).min().item()))
    with open(os.path.join(out, "losses.json"), "w") as file:
        json.dump(dict(
            torch=torch.__version__, transformers=__import__("transformers").__version__,
            steps=STEPS, rows=ROWS, seq=SEQ, warmup=WARMUP, rate=RATE, betas=BETAS,
            epsilon=EPSILON, weight_decay=DECAY, clip_norm=CLIP, balance=BALANCE,
            router_z=ROUTER_Z, losses=rows, ids=ids.flatten().tolist()), file)
        file.write("\n")
    print(rows[0], rows[9], rows[-1], min(r["margin"] for r in rows), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
