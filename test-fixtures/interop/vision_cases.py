"""The cases of make_vision_golden.py: which vision models and compositions, and how their files are written.

Tensor names are those that transformers 4.57 writes. A mixture's experts stand where the dense network stood.
"""

from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save_file

from logits_cases import config_of as text_config_of
from logits_cases import generator_of
from logits_cases import Model as Text
from logits_cases import shapes_of as text_shapes
from make_fixtures import BF16, GAIN, write_json

BATCH = 2
EOS = 7
IMAGE_TOKEN = 60
EXPERT_BLOCKS = ("fc1", "fc2")


@dataclass(frozen=True)
class Vision:
    """A tower; `kind` is clip, siglip or vit."""

    kind: str
    hidden: int = 32
    intermediate: int = 48
    layers: int = 3
    heads: int = 4
    image: int = 16
    patch: int = 4
    act: str = "quick_gelu"
    epsilon: float = 1e-5
    head: bool = True  # SigLIP's, or ViT's pooler
    labels: int = 0  # of ViT's classifier
    experts: int = 0
    chosen: int = 2
    dense_layers: tuple = ()  # of a mixture

    def patches(self):
        return (self.image // self.patch) ** 2

    def is_sparse(self, layer):
        return self.experts > 0 and layer not in self.dense_layers


@dataclass(frozen=True)
class Words:
    """CLIP's text tower or, where the image tower is SigLIP's, SigLIP's."""

    hidden: int = 24
    intermediate: int = 40
    layers: int = 2
    heads: int = 4
    vocab: int = 64
    positions: int = 12
    eos: int = EOS


@dataclass(frozen=True)
class Connector:
    """From a tower to a language model; `scales` are CuMo's, whose features lie side by side."""

    act: str = "gelu"
    scales: tuple = (1,)
    experts: int = 0
    chosen: int = 2


@dataclass(frozen=True)
class Case:
    name: str
    says: str
    vision: Vision
    words: Words | None = None
    projection: int = 20  # of CLIP with a text tower
    connector: Connector | None = None
    text: Text | None = None
    feature_layer: int = -2
    strategy: str = "default"
    salt: int = 0
    gradients: tuple = ()
    controls: tuple = ("ffn", "attention", "positions")
    bf16_routes: bool = True  # every token as in float32

    def is_mixture(self):
        """In a form that transformers has no class for."""
        return self.vision.experts > 0 or (self.connector is not None and self.connector.experts > 0)


V = "vision_model."
CLIP_GRADIENTS = (
    V + "embeddings.class_embedding",
    V + "embeddings.patch_embedding.weight",
    V + "embeddings.position_embedding.weight",
    V + "encoder.layers.0.self_attn.q_proj.weight",
    V + "encoder.layers.1.mlp.fc1.bias",
    V + "post_layernorm.weight",
)
LLAVA_GRADIENTS = (
    "multi_modal_projector.linear_1.weight",
    "vision_tower.vision_model.encoder.layers.0.mlp.fc2.weight",
    "language_model.model.layers.0.mlp.down_proj.weight",
)
LLAMA = Text("llama", vocab=64)

CASES = [
    Case("clip-vision", "CLIP's vision tower alone", Vision("clip"), gradients=CLIP_GRADIENTS),
    Case(
        "clip",
        "both towers of CLIP, with exact GELU",
        Vision("clip", act="gelu"),
        words=Words(),
        gradients=(
            "logit_scale",
            "text_projection.weight",
            "text_model.embeddings.position_embedding.weight",
            "text_model.encoder.layers.0.self_attn.k_proj.weight",
            "vision_model.encoder.layers.2.mlp.fc2.weight",
        ),
    ),
    Case(
        "siglip-vision",
        "SigLIP's vision tower with its attention-pool head; the patches leave two pixels over",
        Vision("siglip", act="gelu_pytorch_tanh", epsilon=1e-6, image=18),
        gradients=(
            V + "embeddings.patch_embedding.bias",
            V + "head.probe",
            V + "head.attention.in_proj_weight",
            V + "encoder.layers.0.self_attn.v_proj.weight",
        ),
    ),
    Case(
        "siglip",
        "both towers of SigLIP; the text tower sees all of a text and maps its last place",
        Vision("siglip", act="gelu_pytorch_tanh", epsilon=1e-6),
        words=Words(hidden=24),
        projection=32,
        gradients=(
            "logit_scale",
            "logit_bias",
            "text_model.head.weight",
            "text_model.embeddings.token_embedding.weight",
            "text_model.encoder.layers.0.self_attn.k_proj.weight",
            "vision_model.head.probe",
        ),
    ),
    Case(
        "siglip-vision-headless",
        "SigLIP's vision tower without the head",
        Vision("siglip", act="gelu_pytorch_tanh", epsilon=1e-6, head=False),
    ),
    Case("vit", "ViT with its pooler", Vision("vit", act="gelu", epsilon=1e-12)),
    Case(
        "vit-classifier",
        "ViT with a classifier in the place of the pooler",
        Vision("vit", act="gelu", epsilon=1e-12, head=False, labels=5),
        gradients=("vit.embeddings.cls_token", "classifier.weight", "vit.encoder.layer.0.output.dense.weight"),
    ),
    Case(
        "llava",
        "CLIP's last layer but one, spliced into a Llama",
        Vision("clip"),
        connector=Connector(),
        text=LLAMA,
        gradients=LLAVA_GRADIENTS,
        controls=("ffn", "attention", "positions", "image"),
    ),
    Case(
        "llava-siglip-full",
        "all features of SigLIP's last layer, spliced into a Mistral",
        Vision("siglip", act="gelu_pytorch_tanh", epsilon=1e-6, head=False),
        connector=Connector(),
        text=Text("mistral", vocab=64, kv_heads=1),
        feature_layer=-1,
        strategy="full",
        controls=("ffn", "attention", "positions", "image"),
    ),
    Case(
        "llava-mixtral",
        "a language model with experts, which transformers has classes for",
        Vision("clip"),
        connector=Connector(),
        text=Text("mixtral", vocab=64, experts=4, options=(("num_experts_per_tok", 2), ("sliding_window", None))),
        controls=("ffn", "attention", "positions", "image"),
    ),
    Case(
        "clip-vision-moe",
        "two of four experts in every layer but the last of CLIP's vision tower",
        Vision("clip", experts=4, dense_layers=(2,)),
        gradients=(V + "encoder.layers.0.mlp.gate.weight", V + "encoder.layers.1.mlp.experts.2.fc1.weight"),
        controls=("ffn", "attention", "positions", "chosen"),
    ),
    Case(
        "siglip-vision-moe",
        "two of four experts in SigLIP's vision tower",
        Vision("siglip", act="gelu_pytorch_tanh", epsilon=1e-6, experts=4),
        salt=2,
        controls=("ffn", "attention", "positions", "chosen"),
    ),
    Case(
        "vit-moe",
        "two of four experts in ViT",
        Vision("vit", act="gelu", epsilon=1e-12, experts=4),
        controls=("ffn", "attention", "positions", "chosen"),
    ),
    Case(
        "llava-moe",
        "CuMo's form: experts in the tower and in the connector, scales 1 and 3, a dense Mistral",
        Vision("clip", experts=4),
        connector=Connector(scales=(1, 3), experts=4),
        text=Text("mistral", vocab=64),
        gradients=(
            "multi_modal_projector.gate.weight",
            "multi_modal_projector.experts.0.linear_1.weight",
            "vision_tower.vision_model.encoder.layers.0.mlp.gate.weight",
        ),
        controls=("ffn", "attention", "positions", "image", "chosen", "scales"),
        bf16_routes=False,
    ),
]


# ---------------------------------------------------------------- configs


def vision_config_of(case):
    v = case.vision
    kinds = {"clip": "clip_vision_model", "siglip": "siglip_vision_model", "vit": "vit"}
    config = {
        "model_type": kinds[v.kind],
        "hidden_size": v.hidden,
        "intermediate_size": v.intermediate,
        "num_hidden_layers": v.layers,
        "num_attention_heads": v.heads,
        "image_size": v.image,
        "patch_size": v.patch,
        "num_channels": 3,
        "hidden_act": v.act,
        "layer_norm_eps": v.epsilon,
        "initializer_range": 0.02,
    }
    if v.kind == "vit":
        config |= {"qkv_bias": True, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    else:
        config["attention_dropout"] = 0.0
    if v.kind == "siglip":
        config["vision_use_head"] = v.head
    if v.kind == "clip":
        config["projection_dim"] = case.projection
    return config


def words_config_of(case):
    w = case.words
    siglip = case.vision.kind == "siglip"
    return {
        "model_type": "siglip_text_model" if siglip else "clip_text_model",
        "hidden_size": w.hidden,
        "intermediate_size": w.intermediate,
        "num_hidden_layers": w.layers,
        "num_attention_heads": w.heads,
        "vocab_size": w.vocab,
        "max_position_embeddings": w.positions,
        "hidden_act": case.vision.act,
        "layer_norm_eps": case.vision.epsilon,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "projection_size" if siglip else "projection_dim": case.projection,
        "bos_token_id": 1,
        "eos_token_id": w.eos,
        "pad_token_id": 0,
    }


def class_of(case):
    if case.connector:
        return "LlavaForConditionalGeneration"
    if case.words:
        return {"clip": "CLIPModel", "siglip": "SiglipModel"}[case.vision.kind]
    if case.vision.labels:
        return "ViTForImageClassification"
    return {"clip": "CLIPVisionModel", "siglip": "SiglipVisionModel", "vit": "ViTModel"}[case.vision.kind]


def dense_config_of(case):
    """What transformers reads."""
    vision = vision_config_of(case)
    top = {"architectures": [class_of(case)], "torch_dtype": BF16, "dtype": BF16}
    if case.connector:
        image_tokens = case.vision.patches() + (0 if case.vision.kind == "siglip" or case.strategy != "full" else 1)
        text = {k: x for k, x in text_config_of(case.text).items() if k not in ("architectures",)}
        return top | {
            "model_type": "llava",
            "vision_config": vision,
            "text_config": text,
            "image_token_index": IMAGE_TOKEN,
            "image_seq_length": image_tokens,
            "projector_hidden_act": case.connector.act,
            "multimodal_projector_bias": True,
            "vision_feature_layer": case.feature_layer,
            "vision_feature_select_strategy": case.strategy,
            "tie_word_embeddings": False,
        }
    if case.words and case.vision.kind == "siglip":
        return top | {"model_type": "siglip", "vision_config": vision, "text_config": words_config_of(case)}
    if case.words:
        return top | {
            "model_type": "clip",
            "vision_config": vision,
            "text_config": words_config_of(case),
            "projection_dim": case.projection,
            "logit_scale_init_value": 2.6592,
        }
    if case.vision.labels:
        names = {str(i): f"label {i}" for i in range(case.vision.labels)}
        top |= {"id2label": names, "label2id": {name: int(i) for i, name in names.items()}}
    return top | vision


MIXTURES = {
    "clip_vision_model": ("clip_moe_vision_model", "CLIPMoeVisionModel"),
    "siglip_vision_model": ("siglip_moe_vision_model", "SiglipMoeVisionModel"),
    "vit": ("vit_moe", "ViTMoeModel"),
}


def tower_mixture(case, config):
    """A dense tower's config and what the mixture adds."""
    v = case.vision
    routing = {
        "num_experts": v.experts,
        "num_experts_per_tok": v.chosen,
        "moe_layers": [layer for layer in range(v.layers) if v.is_sparse(layer)],
        "router_norm_topk_prob": True,
        "router_numerics": "cumo",
    }
    return config | {"model_type": MIXTURES[config["model_type"]][0]} | routing


def mixture_config_of(case):
    """Of a form that our own modelling files have the classes for."""
    config = dense_config_of(case)
    if not case.connector:
        return tower_mixture(case, config) | {"architectures": [MIXTURES[config["model_type"]][1]]}
    connector = {
        "projector_num_experts": case.connector.experts,
        "projector_num_experts_per_tok": case.connector.chosen,
        "router_norm_topk_prob": True,
        "router_numerics": "cumo",
        "scales": list(case.connector.scales),
    }
    own = {"model_type": "llava_moe", "architectures": ["LlavaMoeForConditionalGeneration"]}
    return config | own | {"vision_config": tower_mixture(case, config["vision_config"])} | connector


# ---------------------------------------------------------------- shapes


def biased(name, *shape):
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def network_shapes(v, prefix, layer, dense, expert):
    """`dense` and `expert` are the names of the two projections in either form."""
    sizes = ((v.intermediate, v.hidden), (v.hidden, v.intermediate))
    if not v.is_sparse(layer):
        return {k: s for name, shape in zip(dense, sizes) for k, s in biased(f"{prefix}.{name}", *shape).items()}
    shapes = {f"{prefix}.mlp.gate.weight": (v.experts, v.hidden)}
    for e in range(v.experts):
        for name, shape in zip(expert, sizes):
            shapes |= biased(f"{prefix}.mlp.experts.{e}.{name}", *shape)
    return shapes


def encoder_shapes(v, prefix):
    shapes = {}
    for layer in range(v.layers):
        own = f"{prefix}encoder.layers.{layer}"
        for letter in "kvq":
            shapes |= biased(f"{own}.self_attn.{letter}_proj", v.hidden, v.hidden)
        shapes |= biased(f"{own}.self_attn.out_proj", v.hidden, v.hidden)
        shapes |= biased(f"{own}.layer_norm1", v.hidden)
        shapes |= network_shapes(v, own, layer, ("mlp.fc1", "mlp.fc2"), EXPERT_BLOCKS)
        shapes |= biased(f"{own}.layer_norm2", v.hidden)
    return shapes


def clip_shapes(v, prefix):
    e = prefix + "embeddings."
    shapes = {} if v.kind == "siglip" else {e + "class_embedding": (v.hidden,)}
    shapes[e + "patch_embedding.weight"] = (v.hidden, 3, v.patch, v.patch)
    if v.kind == "siglip":
        shapes[e + "patch_embedding.bias"] = (v.hidden,)
    shapes[e + "position_embedding.weight"] = (v.patches() + (v.kind == "clip"), v.hidden)
    if v.kind == "clip":
        shapes |= biased(prefix + "pre_layrnorm", v.hidden)
    shapes |= encoder_shapes(v, prefix) | biased(prefix + "post_layernorm", v.hidden)
    if v.kind == "siglip" and v.head:
        h = prefix + "head."
        shapes |= {h + "probe": (1, 1, v.hidden), h + "attention.in_proj_weight": (3 * v.hidden, v.hidden)}
        shapes |= {h + "attention.in_proj_bias": (3 * v.hidden,)}
        shapes |= biased(h + "attention.out_proj", v.hidden, v.hidden) | biased(h + "layernorm", v.hidden)
        shapes |= biased(h + "mlp.fc1", v.intermediate, v.hidden) | biased(h + "mlp.fc2", v.hidden, v.intermediate)
    return shapes


def vit_shapes(v, prefix):
    e = prefix + "embeddings."
    shapes = {e + "cls_token": (1, 1, v.hidden), e + "position_embeddings": (1, v.patches() + 1, v.hidden)}
    shapes |= biased(e + "patch_embeddings.projection", v.hidden, 3, v.patch, v.patch)
    for layer in range(v.layers):
        own = f"{prefix}encoder.layer.{layer}"
        for name in ("query", "key", "value"):
            shapes |= biased(f"{own}.attention.attention.{name}", v.hidden, v.hidden)
        shapes |= biased(f"{own}.attention.output.dense", v.hidden, v.hidden)
        shapes |= network_shapes(v, own, layer, ("intermediate.dense", "output.dense"), EXPERT_BLOCKS)
        shapes |= biased(f"{own}.layernorm_before", v.hidden) | biased(f"{own}.layernorm_after", v.hidden)
    shapes |= biased(prefix + "layernorm", v.hidden)
    if v.head:
        shapes |= biased(prefix + "pooler.dense", v.hidden, v.hidden)
    return shapes


def words_shapes(w, head=None):
    """`head` is the width that SigLIP's maps to."""
    prefix = "text_model."
    tower = Vision("clip", hidden=w.hidden, intermediate=w.intermediate, layers=w.layers)
    return (
        {
            prefix + "embeddings.token_embedding.weight": (w.vocab, w.hidden),
            prefix + "embeddings.position_embedding.weight": (w.positions, w.hidden),
        }
        | encoder_shapes(tower, prefix)
        | biased(prefix + "final_layer_norm", w.hidden)
        | (biased(prefix + "head", head, w.hidden) if head else {})
    )


def connector_shapes(case):
    c, wide = case.connector, case.vision.hidden * len(case.connector.scales)
    prefix, hidden = "multi_modal_projector", case.text.hidden
    names = ("linear_1", "linear_2")
    if not c.experts:
        return biased(f"{prefix}.{names[0]}", hidden, wide) | biased(f"{prefix}.{names[1]}", hidden, hidden)
    shapes = {f"{prefix}.gate.weight": (c.experts, wide)}
    for e in range(c.experts):
        shapes |= biased(f"{prefix}.experts.{e}.{names[0]}", hidden, wide)
        shapes |= biased(f"{prefix}.experts.{e}.{names[1]}", hidden, hidden)
    return shapes


def shapes_of(case):
    v = case.vision
    if case.connector:
        text = {f"language_model.{n}": s for n, s in text_shapes(case.text).items()}
        return clip_shapes(v, "vision_tower.vision_model.") | connector_shapes(case) | text
    if case.words and v.kind == "siglip":
        scale = {"logit_scale": (1,), "logit_bias": (1,)}
        return words_shapes(case.words, case.projection) | clip_shapes(v, V) | scale
    if case.words:
        heads = {"visual_projection.weight": (case.projection, v.hidden), "logit_scale": ()}
        heads["text_projection.weight"] = (case.projection, case.words.hidden)
        return words_shapes(case.words) | clip_shapes(v, V) | heads
    if v.kind == "vit":
        prefix = "vit." if v.labels else ""
        return vit_shapes(v, prefix) | (biased("classifier", v.labels, v.hidden) if v.labels else {})
    return clip_shapes(v, V)


# ---------------------------------------------------------------- values


def tensors_of(case):
    generator = generator_of(case, "weights")
    for name, shape in shapes_of(case).items():
        values = generator.normal(0.0, 1.0, shape)
        if "norm" in name and name.endswith(".weight"):
            values = 1.0 + 0.2 * values
        elif name.endswith(("bias", "class_embedding", "cls_token", "probe")):
            values *= 0.5
        elif name == "logit_scale":
            values = np.full(shape, 1.5)
        elif "position_embedding" in name:
            values *= 1.0
        elif not name.endswith(("token_embedding.weight", "embed_tokens.weight")):
            values *= GAIN / np.sqrt(np.prod(shape[1:]))
        yield name, torch.from_numpy(np.asarray(values, dtype=np.float32)).to(torch.bfloat16)


def write_model(case, directory, config):
    directory.mkdir(parents=True)
    write_json(directory / "config.json", config)
    save_file(dict(tensors_of(case)), directory / "model.safetensors", metadata={"format": "pt"})


def inputs_of(case):
    """Pixels as a processor leaves them and, where there is a text, its ids."""
    generator = generator_of(case, "inputs")
    shape = (BATCH, 3, case.vision.image, case.vision.image)
    inputs = {"pixel_values": torch.from_numpy(generator.normal(0.0, 1.0, shape).astype(np.float32))}
    if case.words:
        ids = generator.integers(EOS + 1, case.words.vocab, (BATCH + 1, case.words.positions - 2))
        for row, place in enumerate((9, 4, 6)):
            ids[row, place] = EOS
        inputs["ids"] = torch.from_numpy(ids)
    if case.connector:
        image = [IMAGE_TOKEN] * dense_config_of(case)["image_seq_length"]
        rows = [generator.integers(1, IMAGE_TOKEN, 10).tolist() for _ in range(BATCH)]
        inputs["ids"] = torch.tensor([row[: 2 + i] + image + row[2 + i :] for i, row in enumerate(rows)])
    return inputs
