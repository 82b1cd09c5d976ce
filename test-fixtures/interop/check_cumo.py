"""Checks that CuMo's own code loads what `upcycle convert` writes in its form, and computes the same with it.

    cumo/bin/python check_cumo.py --upcycle ../../upcycle --cumo CHECKOUT

CHECKOUT is a clone of SHI-Labs/CuMo; `cumo` the environment of requirements-cumo.txt. Nothing of CuMo or of a library is
replaced. Tiny parts with amplified weights are drawn here: a CLIP with both towers, a connector of two scales, a Mistral.

- `parts` are what CuMo's scripts start from (Hugging Face's CLIP and Mistral, mm_projector.bin), `whole` is what CuMo's
  dense model saves, `half` the same in float16. Each is converted and loaded by CuMo's LlavaMistralForCausalLM:
  no key missing or left over, every tensor with its bytes, the dense model's logits and greedy tokens.
- `mixtral` is `cumo-mistral-4x7b` in LlavaMixtralForCausalLM. `half` and `mixtral` go through load_pretrained_model.
- `alone` are tower and connector by themselves, loaded strictly by CuMo's modules.
- `initialised` is CuMo's start of its last stage: its initialize_vision_modules makes experts of the same files.
- `last_stage` is CuMo's last stage on the toy of make_cumo_train_golden.py, from which `upcycle train`'s own test takes
  its golden losses: the converted toy through CuMo's forward with `training` and AdamW, loss and gradient of each step.
- In `trained` every expert and router is moved: `upcycle eval` and `generate` against CuMo's data set, collator and model.

Relative errors are max|a - b| / max|a| in float32. Writes results/cumo.json.
"""

import argparse
import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import transformers
from check_logits import relative_error
from make_cumo_train_golden import (
    BALANCE, BETAS, CLIP, DISTINCT, EPSILON, IGNORED, IMAGE, PADDING, RATE, ROUTER_Z, SIDE, STEPS, share)
from make_cumo_train_golden import TOWER as TOY_TOWER
from PIL import Image
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "src/main/resources/dev/upcycle/fixtures/golden/train/cumo"
RESULTS = HERE / "results/cumo.json"
TOLERANCE, CONTROL, NEW_TOKENS = 1e-5, 1e-2, 24
EXPERTS, CHOSEN, SCALES = 4, 2, [1, 3]
TEMPLATE = "mistral_instruct_system"
TOWER = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=3, num_attention_heads=4, image_size=28,
             patch_size=7, projection_dim=32)
TEXTS = dict(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
             max_position_embeddings=16, projection_dim=32)
DECODER = dict(hidden_size=96, intermediate_size=192, num_hidden_layers=3, num_attention_heads=4,
               num_key_value_heads=2, max_position_embeddings=512, sliding_window=None, rms_norm_eps=1e-5)
ANSWERS = ["a red circle left of a small square .", "there are three of them , all blue .", "none , it is empty ."]
QUESTIONS = ["What do you see in the picture?", "How many triangles are there?", "Is anything behind the square?"]
PICTURES = [(45, 31), (28, 60), (52, 52)]


# ---------------------------------------------------------------- the dense model


@torch.no_grad()
def amplify(module, seed):
    """Every tensor drawn so large that it matters."""
    draw = torch.Generator().manual_seed(seed)
    for name, values in sorted(module.named_parameters()):
        noise = torch.randn(values.shape, generator=draw)
        if values.ndim >= 2 and "embed" not in name:
            values.copy_(noise * 1.5 / values[0].numel() ** 0.5)
        elif values.ndim:
            values.copy_((1 if "norm" in name and name.endswith("weight") else 0) + 0.3 * noise)


def tokenizer(folder):
    """One that a Mistral has: a sentencepiece model, and the same for the tokenizers library."""
    text = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter((QUESTIONS + ANSWERS) * 5), model_writer=text, model_type="bpe", byte_fallback=True,
        vocab_size=340, hard_vocab_limit=False, normalization_rule_name="identity", remove_extra_whitespaces=False,
        minloglevel=2)
    folder.mkdir(parents=True)
    (folder / "spm.model").write_bytes(text.getvalue())
    slow = transformers.LlamaTokenizer(str(folder / "spm.model"), legacy=True)
    slow.save_pretrained(folder)
    transformers.LlamaTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    (folder / "spm.model").unlink()
    return len(slow)


def parts(folder):
    """The files that CuMo's scripts start from."""
    vocab = tokenizer(folder / "language")
    language = transformers.MistralForCausalLM(transformers.MistralConfig(vocab_size=vocab, **DECODER))
    amplify(language, 1)
    language.save_pretrained(folder / "language")
    clip = transformers.CLIPModel(transformers.CLIPConfig(vision_config=TOWER, text_config=TEXTS, projection_dim=32))
    amplify(clip, 2)
    clip.save_pretrained(folder / "vision", safe_serialization=False)
    side = TOWER["image_size"]
    transformers.CLIPImageProcessor(size={"shortest_edge": side}, crop_size=side).save_pretrained(folder / "vision")
    width, hidden = TOWER["hidden_size"] * len(SCALES), DECODER["hidden_size"]
    connector = torch.nn.Sequential(torch.nn.Linear(width, hidden), torch.nn.GELU(), torch.nn.Linear(hidden, hidden))
    amplify(connector, 3)
    stored = {f"model.mm_projector.{name}": values for name, values in connector.state_dict().items()}
    torch.save(stored, folder / "mm_projector.bin")


def rows(folder):
    """LLaVA's data: pictures of several shapes, one row of text alone, one of two turns."""
    folder.mkdir()
    data, noise = [], np.random.default_rng(4)
    for i, (width, height) in enumerate(PICTURES):
        Image.fromarray(noise.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / f"{i}.png")
        data.append({"id": str(i), "image": f"{i}.png", "conversations": turns(i, "<image>\n")})
    data[1]["conversations"] += turns(2, "")
    data.append({"id": "text", "conversations": turns(1, "")})
    (folder / "rows.json").write_text(json.dumps(data))


def turns(i, image):
    return [{"from": "human", "value": image + QUESTIONS[i]}, {"from": "gpt", "value": ANSWERS[i]}]


# ---------------------------------------------------------------- CuMo


def arguments(folder, sparse):
    """CuMo's arguments of a stage; those of its scripts/cumo/mistral_7b/sft_mistral_7b.sh where `sparse`."""
    return types.SimpleNamespace(
        vision_tower=str(folder / "vision"), vision_tower_dir=str(folder / "vision/pytorch_model.bin"),
        pretrain_mm_mlp_adapter=str(folder / "mm_projector.bin"), scales=SCALES, mm_vision_select_layer=-2,
        mm_vision_select_feature="patch", mm_patch_merge_type="flat",
        mm_projector_type="smoe_mlp" if sparse else "mlp2x_gelu", mlp_smoe=sparse, clip_smoe=sparse,
        num_experts=EXPERTS if sparse else 1, num_selected=CHOSEN if sparse else 1, num_layers=3, dropout=False)


def initialised(folder, sparse):
    """CuMo's model as its train.py makes it of the parts."""
    from cumo.model import LlavaMistralForCausalLM

    model = LlavaMistralForCausalLM.from_pretrained(folder / "language")
    settings = arguments(folder, sparse)
    model.config.training, model.config.local_rank = False, None
    model.config.mlp_smoe, model.config.clip_smoe = settings.mlp_smoe, settings.clip_smoe
    model.get_model().initialize_vision_modules(settings)
    model.config.image_aspect_ratio = "pad"
    model.config.mm_use_im_start_end = model.config.mm_use_im_patch_token = False
    return model.eval()


def loaded(folder):
    """A directory in CuMo's class with its complaints."""
    from cumo.model import LlavaMistralForCausalLM

    model, info = LlavaMistralForCausalLM.from_pretrained(folder, output_loading_info=True)
    return model.eval(), {kind: info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")}


def served(folder):
    """A directory as CuMo's serving and evaluation load it, float16, made float32 afterwards."""
    from cumo.mm_utils import get_model_name_from_path
    from cumo.model.builder import load_pretrained_model

    name = get_model_name_from_path(str(folder))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        _, model, _, _ = load_pretrained_model(str(folder), None, name, device="cpu")
    return model


class Rows:
    """What CuMo's own data set and collator make of the rows, one by one."""

    def __init__(self, folder, language, processor):
        from cumo import conversation
        from cumo.train import train

        conversation.default_conversation = conversation.conv_templates[TEMPLATE]
        words = transformers.AutoTokenizer.from_pretrained(
            language, model_max_length=DECODER["max_position_embeddings"], padding_side="right", use_fast=False)
        words.pad_token = words.unk_token
        settings = types.SimpleNamespace(
            image_folder=str(folder), image_processor=processor, image_aspect_ratio="pad", is_multimodal=True,
            mm_use_im_start_end=False)
        data = train.LazySupervisedDataset(str(folder / "rows.json"), words, settings)
        collate = train.DataCollatorForSupervisedDataset(words)
        self.tokenizer = words
        self.batches = [collate([data[i]]) for i in range(len(data))]

    @torch.no_grad()
    def logits(self, model):
        return [model(**batch, return_dict=True).logits.float() for batch in self.batches]

    @torch.no_grad()
    def loss(self, model):
        """Mean over every learned token of all rows, and their number."""
        total = count = 0
        for batch in self.batches:
            learned = int((batch["labels"][:, 1:] != -100).sum())
            total, count = total + model(**batch, return_dict=True).loss.item() * learned, count + learned
        return total / count, count

    def generated(self, model):
        """Greedy tokens after the first row's prompt, as CuMo's command line asks."""
        from cumo.conversation import conv_templates
        from cumo.mm_utils import tokenizer_image_token

        talk = conv_templates[TEMPLATE].copy()
        talk.append_message(talk.roles[0], "<image>\n" + QUESTIONS[0])
        talk.append_message(talk.roles[1], None)
        ids = tokenizer_image_token(talk.get_prompt(), self.tokenizer, return_tensors="pt").unsqueeze(0)
        out = model.generate(ids, images=self.batches[0]["images"], do_sample=False, max_new_tokens=NEW_TOKENS,
                             min_new_tokens=NEW_TOKENS, pad_token_id=0)
        return out[0, -NEW_TOKENS:].tolist()  # it puts a first token before them, for the prompt of embeddings


# ---------------------------------------------------------------- ours


class Upcycle:
    def __init__(self, command):
        self.command = command

    def __call__(self, *words):
        run = subprocess.run([self.command, *map(str, words)], capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"{words[0]} ended with {run.returncode}\n{run.stdout}{run.stderr}")
        return run.stdout

    def convert(self, recipe, out, *words):
        self("convert", recipe, "--out", out, *words)

    def loss(self, model, data):
        found = json.loads(self("eval", model, "--data", data / "rows.json", "--template", TEMPLATE, "--json"))
        return found["loss"], found["scored"]

    def generated(self, model, data):
        words = ["--image", data / "0.png", "--template", TEMPLATE, "--prompt", QUESTIONS[0], "--greedy"]
        found = self("generate", model, *words, "-n", NEW_TOKENS, "--ignore-eos", "--json")
        return json.loads(found)["tokens"]


def stored(folder):
    return {name: values for file in sorted(folder.glob("*.safetensors")) for name, values in load_file(file).items()}


def parted(state, expected):
    """Names that only one side has, or whose bytes differ."""
    differ = [n for n in state.keys() & expected.keys() if not torch.equal(state[n], expected[n])]
    return sorted((state.keys() ^ expected.keys()) | set(differ))


def worst(expected, found):
    return max(relative_error(a, b) for a, b in zip(expected, found, strict=True))


@torch.no_grad()
def flipped(model):
    """One expert's sign turned round."""
    model.get_model().vision_tower.vision_model.encoder.layers[0].experts[1].fc2.weight.neg_()
    return model


def moved(folder, target):
    """A copy whose experts differ from each other and whose routers decide."""
    shutil.copytree(folder, target)
    draw = torch.Generator().manual_seed(6)
    for file in sorted(target.glob("*.safetensors")):
        tensors = load_file(file)
        for name, values in sorted(tensors.items()):
            if ".experts." in name or name.endswith("gate.weight"):
                tensors[name] = values + 0.5 * values.std() * torch.randn(values.shape, generator=draw)
        save_file(tensors, file, metadata={"format": "pt"})
    return target


# ---------------------------------------------------------------- the checks


def whole(model, target, reference, data):
    """One loaded target against the dense model."""
    dense_logits, dense_tokens = reference
    model.float()
    expected = {name: values.float() for name, values in stored(target).items()}
    entry = {
        "parted_tensors": parted(model.state_dict(), expected),
        "relative_error": worst(dense_logits, data.logits(model)),
        "greedy_tokens_equal": data.generated(model) == dense_tokens,
    }
    entry["one_expert_flipped"] = worst(dense_logits, data.logits(flipped(model)))
    return entry


def compared(model, data, upcycle, target, folder):
    """CuMo's model and ours on the same rows."""
    loss, scored = data.loss(model)
    our_loss, our_scored = upcycle.loss(target, folder)
    return {
        "loss": loss, "loss_upcycle": our_loss, "loss_relative_error": abs(loss - our_loss) / loss,
        "scored": scored, "scored_upcycle": our_scored,
        "greedy_tokens_equal": data.generated(model) == upcycle.generated(target, folder),
    }


def alone(folder, target, upcycle, dense, data):
    """Tower and connector by themselves, in CuMo's modules."""
    from cumo.model.multimodal_encoder.clip_encoder import CLIPVisionTower
    from cumo.model.multimodal_projector.builder import build_vision_projector

    tower = ["--model", f"vision={folder / 'vision'}", "--set", "target=cumo"]
    upcycle.convert("clip-vit-4x2", target / "tower", *tower)
    connector = ["--model", f"connector={folder / 'mm_projector.bin'}", "--set", "target=cumo"]
    upcycle.convert("connector-4x2", target / "connector", *connector)
    sizes = arguments(folder, True)
    sizes.mm_hidden_size, sizes.hidden_size = TOWER["hidden_size"], DECODER["hidden_size"]
    vision, between = CLIPVisionTower(sizes.vision_tower, sizes).eval(), build_vision_projector(sizes).eval()
    vision.load_state_dict(stored(target / "tower"), strict=True)
    prefix = "mm_projector."
    named = stored(target / "connector")
    between.load_state_dict({name.removeprefix(prefix): values for name, values in named.items()}, strict=True)
    inner, pixels = dense.get_model(), data.batches[0]["images"]
    with torch.no_grad():
        features = inner.vision_tower(pixels)[0]
        return {
            "tower": relative_error(features, vision(pixels)[0]),
            "connector": relative_error(inner.mm_projector(features), between(features)[0]),
        }


def collated(inputs, step):
    """A batch of the toy as CuMo's collator gives it: one id for an image, padding masked."""
    pixels, ids, labels = (inputs[name][step % DISTINCT] for name in ("pixels", "ids", "labels"))
    texts, learned = [], []
    for row, answers in zip(ids, labels):
        kept = (row != PADDING) & ~((row == IMAGE) & (row.roll(1) == IMAGE))
        texts.append(row[kept])
        learned.append(answers[kept])
    ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=PADDING)
    labels = torch.nn.utils.rnn.pad_sequence(learned, batch_first=True, padding_value=IGNORED)
    return dict(input_ids=ids, labels=labels, attention_mask=ids != PADDING, images=pixels)


def last_stage(folder, upcycle):
    """The golden steps of training, by CuMo's forward; the largest relative errors over all steps, by loss."""
    tower, target = folder / "toy-tower", folder / "toy-mistral"
    transformers.CLIPVisionConfig(**TOY_TOWER).save_pretrained(tower)
    transformers.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE).save_pretrained(tower)
    settings = [f"output.config={{mm_vision_tower: {tower}}}", "output.dtype=f32"]
    settings += [f"{part}.router.init={{kind: file, path: {GOLDEN / f'routers-{part}.safetensors'}}}"
                 for part in ("vision", "connector")]
    words = [word for setting in settings for word in ("--set", setting)]
    upcycle.convert("cumo-mistral-7b", target, "--model", GOLDEN / "dense", *words)
    model, complaints = loaded(target)
    model.train()
    model.config.training, model.config.local_rank = True, 0
    model.config.balance_loss_coef, model.config.router_z_loss_coef = BALANCE, ROUTER_Z
    adamw = torch.optim.AdamW(model.parameters(), lr=RATE, betas=BETAS, eps=EPSILON, weight_decay=0.0)
    inputs, golden = load_file(GOLDEN / "inputs.safetensors"), json.loads((GOLDEN / "losses.json").read_text())
    errors = {}
    for step, expected in zip(range(STEPS), golden["losses"], strict=True):
        adamw.param_groups[0]["lr"] = RATE * share(step)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            loss = model(**collated(inputs, step)).loss
        adamw.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).item()
        adamw.step()
        language, *rest = (float(number) for number in re.findall(r"loss: +(\S+)", said.getvalue()))
        own = [value / (BALANCE, ROUTER_Z)[i % 2] for i, value in enumerate(rest)]
        names = ["balance_connector", "router_z_connector", "balance_vision", "router_z_vision"]
        found = dict(zip(names, own, strict=True), total=loss.item(), gradient_norm=norm)
        for name, value in {**found, "cross_entropy": language}.items():
            error = abs(value - expected[name]) / abs(expected[name])
            errors[name] = max(errors.get(name, 0), error)
    return complaints | {"steps": STEPS} | {f"{name}_relative_error": error for name, error in errors.items()}


def faults(cases):
    """What of the figures is not as it must be."""
    for name, case in cases.items():
        for key, value in case.items():
            bad = (
                (key.endswith(("_keys", "_tensors")) and value)
                or (key.endswith("equal") and not value)
                or (key.endswith("relative_error") and not value <= TOLERANCE)
                or (key.endswith(("flipped", "without_training")) and not value > CONTROL)
                or (key == "scored" and value != case["scored_upcycle"])
            )
            if bad:
                yield f"{name}: {key} {value}"
    yield from (f"alone: {key} {value}" for key, value in cases["alone"].items() if not value <= TOLERANCE)


def check(upcycle, folder):
    dense = initialised(folder, False)
    dense.config.vision_config = {**TOWER, "hidden_act": "quick_gelu"}  # for us: no published tower has these sizes
    dense.save_pretrained(folder / "whole")
    for file in [*(folder / "language").glob("*token*"), folder / "vision/preprocessor_config.json"]:
        shutil.copy(file, folder / "whole")
    rows(folder / "data")
    data = Rows(folder / "data", folder / "language", dense.get_vision_tower().image_processor)
    reference = data.logits(dense), data.generated(dense)
    tower = ["--set", f"output.config={{mm_vision_tower: {folder / 'vision'}}}"]
    pieces = [f"--model={part}={folder / where}" for part, where in
              {"language": "language", "vision": "vision", "connector": "mm_projector.bin"}.items()]
    cases, out = {"dense": compared(dense, data, upcycle, folder / "whole", folder / "data")}, folder / "out"

    upcycle.convert("cumo-mistral-7b", out / "parts-mistral", *pieces, *tower)
    model, complaints = loaded(out / "parts-mistral")
    begun = initialised(folder, True).state_dict()
    experts = {name: values for name, values in begun.items() if not name.endswith("gate.weight")}
    same = {name: values for name, values in model.state_dict().items() if not name.endswith("gate.weight")}
    cases["initialised"] = {"parted_tensors": parted(same, experts), "tensors": len(experts),
                            "of_experts": sum(".experts." in name for name in experts)}
    cases["parts"] = complaints | whole(model, out / "parts-mistral", reference, data)

    upcycle.convert("cumo-mistral-7b", out / "whole-mistral", "--model", folder / "whole")
    model, complaints = loaded(out / "whole-mistral")
    cases["whole"] = complaints | whole(model, out / "whole-mistral", reference, data)

    trained = moved(out / "whole-mistral", out / "trained-mistral")
    model, complaints = loaded(trained)
    cases["trained"] = complaints | compared(model, data, upcycle, trained, folder / "data")
    cases["trained"]["against_the_model_without_training"] = worst(reference[0], data.logits(model))

    half, _ = loaded(folder / "whole")
    half.half().save_pretrained(folder / "half")
    half = half.float()
    reference = data.logits(half), data.generated(half)
    for case, recipe in {"half-mistral": "cumo-mistral-7b", "mixtral-8x": "cumo-mistral-4x7b"}.items():
        upcycle.convert(recipe, out / case, "--model", folder / "half")
        for file in (folder / "language").glob("*token*"):
            shutil.copy(file, out / case)
        cases[case] = whole(served(out / case), out / case, reference, data)
    cases["last_stage"] = last_stage(folder, upcycle)
    cases["alone"] = alone(folder, out, upcycle, dense, data)
    return cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upcycle", required=True)
    parser.add_argument("--cumo", required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(options.cumo).resolve()))
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        parts(Path(folder))
        cases = check(Upcycle(options.upcycle), Path(folder))
    wrong = list(faults(cases))
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    result = {"passed": not wrong, "tolerance": TOLERANCE, "versions": versions, "cases": cases}
    print(json.dumps(result, indent=2))
    print(*wrong, sep="\n", file=sys.stderr)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
