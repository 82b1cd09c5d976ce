"""Writes what torch and transformers make of bfloat16, beside the golden losses in float32.

    python make_train_bf16_golden.py OUT

OUT is what make_train_golden.py wrote: its model, tokens and settings are read. OUT/losses-bf16.json
gets the cross-entropy of every step, once with float32 masters that take the steps and are rounded
into the model (`masters`), once with each master rounded to bfloat16 after each step (`rounded`).
Prints the mean and the root mean square of the differences from float32.
"""

import json
import math
import os
import sys

import torch
from transformers import MixtralForCausalLM
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func


def share(golden, step):
    steps, warmup = golden["steps"], golden["warmup"]
    if step < warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def losses(model, golden, ids):
    result = model(input_ids=ids, use_cache=False, output_router_logits=True)
    logits = result.logits[:, :-1].float()
    ce = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    routers = tuple(each.float() for each in result.router_logits)
    balance = load_balancing_loss_func(routers, 8, 2) / 2
    z = torch.stack([torch.logsumexp(each, -1).square().mean() for each in routers]).mean()
    return ce, ce + golden["balance"] * balance + golden["router_z"] * z


def train(out, golden, rounded):
    model = MixtralForCausalLM.from_pretrained(os.path.join(out, "model"), dtype=torch.bfloat16)
    model.train()
    weights = list(model.parameters())
    masters = [each.detach().float().clone() for each in weights]
    adamw = torch.optim.AdamW(
        [{"params": [m for m in masters if m.dim() > 1], "weight_decay": golden["weight_decay"]},
         {"params": [m for m in masters if m.dim() <= 1], "weight_decay": 0.0}],
        betas=tuple(golden["betas"]), eps=golden["epsilon"])
    ids = torch.tensor(golden["ids"]).view(golden["steps"], golden["rows"], golden["seq"])
    found = []
    for step in range(golden["steps"]):
        for group in adamw.param_groups:
            group["lr"] = golden["rate"] * share(golden, step)
        ce, total = losses(model, golden, ids[step])
        model.zero_grad()
        total.backward()
        for weight, master in zip(weights, masters):
            master.grad = weight.grad.float()
        torch.nn.utils.clip_grad_norm_(masters, golden["clip_norm"])
        adamw.step()
        with torch.no_grad():
            for weight, master in zip(weights, masters):
                weight.copy_(master)
                if rounded:
                    master.copy_(weight)
        found.append(round(ce.item(), 6))
    return found


def main(out):
    torch.set_num_threads(1)
    with open(os.path.join(out, "losses.json")) as file:
        golden = json.load(file)
    exact = [row["cross_entropy"] for row in golden["losses"]]
    runs = {"masters": train(out, golden, False), "rounded": train(out, golden, True)}
    for name, run in runs.items():
        apart = [a - b for a, b in zip(run, exact)]
        square = math.sqrt(sum(a * a for a in apart) / len(apart))
        print(f"{name}: mean {sum(apart) / len(apart):.4f}, root mean square {square:.4f}")
    versions = dict(torch=torch.__version__, transformers=__import__("transformers").__version__)
    with open(os.path.join(out, "losses-bf16.json"), "w") as file:
        json.dump(versions | runs, file)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
