"""The cases of check_modeling.py: tiny dense models, and what upcycling makes of them, written a second time.

The upcycling here is a few renamings in Python that share nothing with the Java side: every expert is a copy of
the dense network, every router is drawn.
"""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

MODELING = Path(__file__).resolve().parents[2] / "core/src/main/resources/dev/upcycle/modeling"
LAYERS = 3
# Weights are drawn this many times larger than 1 / sqrt(inputs), so that the feed-forward networks matter.
GAIN = 2.0
ROUTER_STD = 0.5
CONNECTOR_ROUTER_STD = 0.1  # its input is not normalised
COEFFICIENTS = {"balance_loss_coef": 0.1, "router_z_loss_coef": 0.01}


@dataclass(frozen=True)
class Target:
    """How a directory of one architecture says what loads it."""

    model_type: str
    config: str
    models: dict  # auto class -> class
    files: tuple  # the first holds the classes

    def auto_map(self):
        module = self.files[0].removesuffix(".py")
        return {k: f"{module}.{v}" for k, v in {"AutoConfig": self.config, **self.models}.items()}


SHARED = "sparse_moe.py"
CLIP = "modeling_clip_moe.py"
SIGLIP = "modeling_siglip_moe.py"
LLAVA = "LlavaMoeForConditionalGeneration"
VIT = {"AutoModel": "ViTMoeModel", "AutoModelForImageClassification": "ViTMoeForImageClassification"}
TARGETS = {
    "clip_vision": Target(
        "clip_moe_vision_model", "CLIPMoeVisionConfig", {"AutoModel": "CLIPMoeVisionModel"}, (CLIP, SHARED)
    ),
    "clip": Target("clip_moe", "CLIPMoeConfig", {"AutoModel": "CLIPMoeModel"}, (CLIP, SHARED)),
    "siglip_vision": Target(
        "siglip_moe_vision_model",
        "SiglipMoeVisionConfig",
        {"AutoModel": "SiglipMoeVisionModel"},
        (SIGLIP, SHARED),
    ),
    "siglip": Target(
        "siglip_moe", "SiglipMoeConfig", {"AutoModel": "SiglipMoeModel"}, ("modeling_siglip_moe.py", SHARED)
    ),
    "vit": Target("vit_moe", "ViTMoeConfig", VIT, ("modeling_vit_moe.py", SHARED)),
    "vit_classifier": Target("vit_moe", "ViTMoeConfig", VIT, ("modeling_vit_moe.py", SHARED)),
    "llava": Target(
        "llava_moe",
        "LlavaMoeConfig",
        {"AutoModel": LLAVA, "AutoModelForImageTextToText": LLAVA},
        ("modeling_llava_moe.py", CLIP, SIGLIP, SHARED),
    ),
    "llava_siglip": Target(
        "llava_moe",
        "LlavaMoeConfig",
        {"AutoModel": LLAVA, "AutoModelForImageTextToText": LLAVA},
        ("modeling_llava_moe.py", CLIP, SIGLIP, SHARED),
    ),
}
LOADED_WITH = {
    "vit_classifier": "AutoModelForImageClassification",
    "llava": "AutoModelForImageTextToText",
    "llava_siglip": "AutoModelForImageTextToText",
}


@dataclass(frozen=True)
class Case:
    """A dense model and what becomes of it; `None` leaves a part dense."""

    name: str
    kind: str
    vision: dict | None = None
    text: dict | None = None
    connector: tuple | None = None  # experts, experts per token
    language: tuple | None = None  # the same, of a Mixtral
    extra: dict = field(default_factory=dict)  # for config.json's top level
    idle: bool = False  # the last expert of every router never wins

    def auto_class(self):
        return LOADED_WITH.get(self.kind, "AutoModel")

    def native(self):
        """Whether transformers has classes for the target."""
        return not (self.vision or self.text or self.connector)


def sparse(experts=4, per_token=2, layers=tuple(range(LAYERS)), **others):
    return {"num_experts": experts, "num_experts_per_tok": per_token, "moe_layers": list(layers), **others}


ONE = sparse(4, 1)
CASES = (
    Case("clip-vision", "clip_vision", sparse()),
    Case("clip-vision-some-layers", "clip_vision", sparse(3, 3, (0, 2))),
    Case("clip-vision-cumo", "clip_vision", sparse(router_numerics="cumo")),
    Case("clip-vision-idle", "clip_vision", ONE, idle=True),
    Case("clip-both-towers", "clip", sparse(), sparse(8, 2, (0, 2)), extra={"output_router_logits": True}),
    Case("clip-vision-tower", "clip", sparse(8, 2, (1,))),
    Case("siglip-vision", "siglip_vision", sparse()),
    Case("siglip-vision-idle", "siglip_vision", ONE, idle=True),
    Case("siglip-both-towers", "siglip", sparse(), sparse(8, 2, (0, 2)), extra={"output_router_logits": True}),
    Case("siglip-vision-tower", "siglip", sparse(8, 2, (1,))),
    Case("vit", "vit", sparse()),
    Case("vit-some-layers", "vit", sparse(5, 3, (1,))),
    Case("vit-classifier", "vit_classifier", sparse(), extra={"output_router_logits": True}),
    Case("vit-classifier-idle", "vit_classifier", ONE, idle=True),
    Case("llava-vision-and-connector", "llava", sparse(), connector=(4, 2)),
    Case("llava-last-layer-dense", "llava", sparse(layers=range(LAYERS - 1)), connector=(4, 2)),
    Case("llava-vision", "llava", sparse()),
    Case("llava-connector", "llava", connector=(4, 2)),
    Case("llava-connector-cumo", "llava", connector=(4, 2), extra={"router_numerics": "cumo"}),
    Case("llava-connector-idle", "llava", connector=(4, 1), idle=True),
    Case("llava-language", "llava", language=(4, 2)),
    Case("llava-language-some-layers", "llava", text=sparse(4, 2, (0, 2))),
    Case("llava-siglip-vision", "llava_siglip", sparse(), connector=(4, 2)),
    Case("llava-all-three", "llava", sparse(), connector=(4, 2), language=(4, 2)),
)


# ---------------------------------------------------------------- the dense side


def vision_keys(**others):
    sizes = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": LAYERS, "num_attention_heads": 3}
    return {**sizes, "image_size": 28, "patch_size": 7, **others}


def text_keys(**others):
    return {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": LAYERS, "vocab_size": 100, **others}


def dense_config(case):
    t = transformers
    clip_text = text_keys(num_attention_heads=4, projection_dim=16, bos_token_id=98, eos_token_id=99)
    language = text_keys(num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, eos_token_id=2)
    # What the target's class has by default, since neither generation reads the other's spelling of it.
    theta = {"rope_theta": 1e6 if case.language else 1e4}
    return {
        "clip_vision": lambda: t.CLIPVisionConfig(**vision_keys()),
        "clip": lambda: t.CLIPConfig(
            vision_config=vision_keys(projection_dim=16),
            text_config={**clip_text, "max_position_embeddings": 20},
            projection_dim=16,
        ),
        "siglip": lambda: t.SiglipConfig(
            vision_config=vision_keys(),
            text_config=text_keys(num_attention_heads=4, projection_size=24, max_position_embeddings=9),
        ),
        "siglip_vision": lambda: t.SiglipVisionConfig(**vision_keys()),
        "vit": lambda: t.ViTConfig(**vision_keys()),
        "vit_classifier": lambda: t.ViTConfig(**vision_keys(), num_labels=7),
        "llava": lambda: t.LlavaConfig(
            vision_config=vision_keys(model_type="clip_vision_model"),
            text_config={**language, **theta, "model_type": "mistral", "sliding_window": None},
            image_token_index=97,
            image_seq_length=16,
        ),
        "llava_siglip": lambda: t.LlavaConfig(
            vision_config=vision_keys(model_type="siglip_vision_model"),
            text_config={**language, **theta, "model_type": "llama"},
            image_token_index=97,
            image_seq_length=16,
            vision_feature_select_strategy="full",
        ),
    }[case.kind]()


DENSE_CLASSES = {
    "clip_vision": "CLIPVisionModel",
    "clip": "CLIPModel",
    "siglip": "SiglipModel",
    "siglip_vision": "SiglipVisionModel",
    "vit": "ViTModel",
    "vit_classifier": "ViTForImageClassification",
    "llava": "LlavaForConditionalGeneration",
    "llava_siglip": "LlavaForConditionalGeneration",
}


@torch.no_grad()
def dense_model(case):
    """A drawn model whose every tensor matters."""
    torch.manual_seed(7)
    model = getattr(transformers, DENSE_CLASSES[case.kind])(dense_config(case)).eval()
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        if parameter.ndim == 0:
            continue
        if parameter.ndim >= 2 and "embedding" not in name:
            parameter.copy_(noise * GAIN / parameter[0].numel() ** 0.5)
        elif "norm" in name and name.endswith("weight"):
            parameter.copy_(1 + 0.3 * noise)
        else:
            parameter.copy_(noise * (1.0 if "embedding" in name else 0.3))
    return model


def inputs_of(config):
    """What a model of this dense config is run on; the same in both generations."""
    draw = torch.Generator().manual_seed(11)
    vision = getattr(config, "vision_config", config)
    past = min(90, getattr(getattr(config, "text_config", None), "vocab_size", 90))
    inputs = {"pixel_values": torch.randn(2, 3, vision.image_size, vision.image_size, generator=draw)}
    if config.model_type == "clip":
        ids = torch.randint(3, past, (3, 9), generator=draw)
        ids[:, -1] = config.text_config.eos_token_id if config.text_config.eos_token_id != 2 else ids.max() + 1
        inputs["input_ids"] = ids
    elif config.model_type == "siglip":
        inputs["input_ids"] = torch.randint(3, past, (3, 9), generator=draw)
    elif config.model_type == "llava":
        patches = (vision.image_size // vision.patch_size) ** 2
        has_class = vision.model_type == "clip_vision_model"
        patches += has_class and config.vision_feature_select_strategy == "full"
        ids = torch.randint(3, past, (2, patches + 8), generator=draw)
        ids[ids == config.image_token_index] = 2
        ids[:, 2 : 2 + patches] = config.image_token_index
        inputs["input_ids"] = ids
    return inputs


# ---------------------------------------------------------------- upcycling by hand


def with_vision_level(kind, name):
    """The name as transformers 4 writes it; version 5 leaves `vision_model.` out of a tower by itself."""
    if kind in ("clip_vision", "siglip_vision") and not name.startswith("vision_model."):
        return f"vision_model.{name}"
    return re.sub(r"^vision_tower\.(?!vision_model\.)", "vision_tower.vision_model.", name)


FEED_FORWARD = re.compile(
    r"(?P<block>.*\.(?P<side>vision|text)_model\.encoder\.layers\.(?P<layer>\d+)\.mlp)\.(?P<rest>fc.*)"
)
VIT_FEED_FORWARD = re.compile(
    r"(?P<block>.*encoder\.layer\.(?P<layer>\d+))\.(?P<which>intermediate|output)\.dense\.(?P<rest>.*)"
)
CONNECTOR = re.compile(r"(?P<block>multi_modal_projector)\.(?P<rest>linear_.*)")
LANGUAGE = re.compile(r"(?P<block>language_model\.model\.layers\.(?P<layer>\d+))\.mlp\.(?P<which>gate|up|down)_proj\.weight")


def sparse_name(case, name):
    """(block, name within an expert, number of experts) of a dense tensor that is copied, or None."""
    if match := FEED_FORWARD.fullmatch("." + name):
        keys = case.vision if match["side"] == "vision" else case.text
        if keys and int(match["layer"]) in keys["moe_layers"]:
            return match["block"].removeprefix("."), match["rest"], keys["num_experts"]
    elif match := VIT_FEED_FORWARD.fullmatch(name):
        if int(match["layer"]) in case.vision["moe_layers"]:
            linear = {"intermediate": "fc1", "output": "fc2"}[match["which"]]
            return match["block"] + ".mlp", f"{linear}.{match['rest']}", case.vision["num_experts"]
    elif (match := CONNECTOR.fullmatch(name)) and case.connector:
        return match["block"], match["rest"], case.connector[0]
    elif (match := LANGUAGE.fullmatch(name)) and case.text:
        if int(match["layer"]) in case.text["moe_layers"]:
            return f"{match['block']}.mlp", f"{match['which']}_proj.weight", case.text["num_experts"]
    elif match and case.language:
        linear = {"gate": "w1", "up": "w3", "down": "w2"}[match["which"]]
        return match["block"] + ".block_sparse_moe", f"{linear}.weight", case.language[0]
    return None


def router(shape, std, draw, idle):
    weight = torch.randn(shape, generator=draw) * std
    if idle:  # a mean of the others is below the largest of them
        weight[-1] = weight[:-1].mean(dim=0)
    return weight


def upcycled(case, dense):
    """The target's tensors from the dense ones."""
    draw = torch.Generator().manual_seed(13)
    target = {}
    for name, tensor in sorted(dense.items()):
        name = with_vision_level(case.kind, name)
        place = sparse_name(case, name)
        if place is None:
            target[name] = tensor
            continue
        block, rest, experts = place
        for expert in range(experts):
            target[f"{block}.experts.{expert}.{rest}"] = tensor.clone()
        if rest in ("fc1.weight", "linear_1.weight", "w1.weight", "gate_proj.weight"):
            std = CONNECTOR_ROUTER_STD if rest.startswith("linear") else ROUTER_STD
            target[f"{block}.gate.weight"] = router((experts, tensor.shape[1]), std, draw, case.idle)
    return target


def target_config(case, config):
    if not case.native():
        target = TARGETS[case.kind]
        config = {**config, "model_type": target.model_type, "auto_map": target.auto_map(), **COEFFICIENTS}
        config = {**config, "architectures": [target.models[case.auto_class()]], **case.extra}
    if case.kind in ("clip", "siglip"):
        config["vision_config"] = {**config["vision_config"], **(case.vision or {})}
        config["text_config"] = {**config["text_config"], **(case.text or {})}
    elif case.kind in ("llava", "llava_siglip"):
        if case.vision:
            tower = {"llava": "clip_vision", "llava_siglip": "siglip_vision"}[case.kind]
            vision_type = {"model_type": TARGETS[tower].model_type}
            config["vision_config"] = {**config["vision_config"], **case.vision, **vision_type}
        if case.connector:
            config["projector_num_experts"], config["projector_num_experts_per_tok"] = case.connector
        if case.text:
            config["text_config"] = {**config["text_config"], **case.text}
        if case.language:
            counts = {"num_local_experts": case.language[0], "num_experts_per_tok": case.language[1]}
            config["text_config"] = {**config["text_config"], **counts, "model_type": "mixtral"}
    else:
        config = {**config, **case.vision}
    return config


def write(case, dense, target):
    """The dense model in one directory, the target in the other."""
    dense_model(case).save_pretrained(dense)
    target.mkdir(parents=True)
    tensors = upcycled(case, load_file(dense / "model.safetensors"))
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    config = target_config(case, json.loads((dense / "config.json").read_text()))
    (target / "config.json").write_text(json.dumps(config, indent=2))
    if (dense / "generation_config.json").is_file():
        shutil.copy(dense / "generation_config.json", target)
    for file in () if case.native() else TARGETS[case.kind].files:
        shutil.copy(MODELING / file, target)
