"""Writes the golden shares of learning-rate schedules, step by step.

    python make_schedule_golden.py DEEPSPEED OUT

DEEPSPEED is the archive that `pip download --no-deps --no-binary deepspeed deepspeed==0.19.8`
fetches: its classes are loaded from `runtime/lr_schedules.py` alone, so that nothing is built. All
other schedules are transformers'. OUT is a file of JSON. Every optimizer has the rate 1, so that a
rate is a share. A share is what the schedule says at step t, from 0; what DeepSpeed's engine uses
at its step t is the share of t - 1, since its schedules begin a step before 0.
"""

import importlib.util
import json
import logging
import os
import sys
import tarfile
import tempfile
import types

import torch
import transformers
from transformers import optimization

MEMBER = "deepspeed/runtime/lr_schedules.py"


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def deepspeed(archive):
    """The module, and the version that the archive's first folder is named by."""
    with tarfile.open(archive) as files:
        member = next(m for m in files.getmembers() if m.name.endswith("/" + MEMBER))
        source = files.extractfile(member).read()
    utils = types.ModuleType("deepspeed.utils")
    utils.logger = logging.getLogger("deepspeed")
    utils.logger.setLevel(logging.ERROR)
    sys.modules["deepspeed"] = types.ModuleType("deepspeed")
    sys.modules["deepspeed.utils"] = utils
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lr_schedules.py")
        with open(path, "wb") as file:
            file.write(source)
        spec = importlib.util.spec_from_file_location("lr_schedules", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module, member.name.split("/")[0].removeprefix("deepspeed-")


def theirs(make, steps):
    own = optimizer()
    schedule = make(own)
    shares = []
    for _ in range(steps):
        shares.append(schedule.get_last_lr()[0])
        own.step()
        schedule.step()
    return shares


def deepspeeds(make, steps):
    schedule = make(optimizer())
    shares = []
    for step in range(steps):
        schedule.step(step)
        shares.append(schedule.get_last_lr()[0])
    return shares


def main(archive, out):
    module, version = deepspeed(archive)
    rows = []

    def add(source, shares, **settings):
        rows.append(dict(source=source, **settings, shares=shares))

    decay = 8
    for warmup, steps in ((0, 40), (1, 40), (3, 40), (7, 23)):
        at = dict(rise="linear", warmup=warmup, steps=steps)
        add("get_cosine_schedule_with_warmup", theirs(
            lambda o: optimization.get_cosine_schedule_with_warmup(o, warmup, steps), steps),
            course="cosine", last=0.0, **at)
        for last in (0.1, 0.37):
            add("get_cosine_with_min_lr_schedule_with_warmup", theirs(
                lambda o: optimization.get_cosine_with_min_lr_schedule_with_warmup(
                    o, warmup, steps, min_lr_rate=last), steps),
                course="cosine", last=last, **at)
        add("get_linear_schedule_with_warmup", theirs(
            lambda o: optimization.get_linear_schedule_with_warmup(o, warmup, steps), steps),
            course="linear", last=0.0, **at)
        add("get_constant_schedule_with_warmup", theirs(
            lambda o: optimization.get_constant_schedule_with_warmup(o, warmup), steps),
            course="constant", cooldown=0.0, **at)
        add("get_wsd_schedule", theirs(
            lambda o: optimization.get_wsd_schedule(
                o, warmup, decay, num_stable_steps=steps - warmup - decay, decay_type="1-sqrt"),
            steps),
            # a share that is rounded up to so many steps
            course="constant", cooldown=(decay - 0.5) / steps, **at)
    for warmup, steps in ((1, 40), (2, 40), (3, 40), (7, 23)):
        at = dict(rise="log", warmup=warmup, steps=steps)
        for last in (0.0, 0.2):
            add("WarmupCosineLR", deepspeeds(
                lambda o: module.WarmupCosineLR(
                    o, steps, warmup_num_steps=warmup, cos_min_ratio=last), steps),
                course="cosine", last=last, **at)
        add("WarmupDecayLR", deepspeeds(
            lambda o: module.WarmupDecayLR(
                o, steps, warmup_max_lr=1.0, warmup_num_steps=warmup), steps),
            course="linear", last=0.0, **at)
        add("WarmupLR", deepspeeds(
            lambda o: module.WarmupLR(o, warmup_max_lr=1.0, warmup_num_steps=warmup), steps),
            course="constant", cooldown=0.0, **at)
    with open(out, "w") as file:
        json.dump(dict(transformers=transformers.__version__, deepspeed=version), file)
        file.seek(file.tell() - 1)
        file.write(', "schedules": [\n')
        file.write(",\n".join(json.dumps(row) for row in rows))
        file.write("\n]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
