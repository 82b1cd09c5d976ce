"""The cases of make_logits_golden.py: which models, with which options, and how their files are written."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save_file

from make_fixtures import BF16, GAIN, write_json

SEQ = 20
FEW = 5  # distinct tokens in the second row

CLASSES = {
    "mistral": "MistralForCausalLM",
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "qwen2_moe": "Qwen2MoeForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
}
MOE_BLOCKS = {
    "mixtral": ("block_sparse_moe", ("w1", "w3", "w2")),
    "qwen2_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "qwen3_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
}


@dataclass(frozen=True)
class Model:
    """A model of a case's own; `options` are keys of config.json."""

    family: str
    hidden: int = 32
    intermediate: int = 24
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 8
    vocab: int = 64
    tied: bool = False
    theta: float = 10000.0
    experts: int = 0
    expert_intermediate: int = 16
    shared_intermediate: int = 0
    biased: tuple = ()  # of q, k, v, o, mlp
    qk_norm: bool = False
    options: tuple = ()

    def is_sparse(self, layer):
        options = dict(self.options)
        step = options.get("decoder_sparse_step", 1)
        return self.experts > 0 and layer not in options.get("mlp_only_layers", ()) and (layer + 1) % step == 0


@dataclass(frozen=True)
class Case:
    name: str
    says: str
    model: Model | None = None  # None: the decoder of the same name
    salt: int = 0
    controls: tuple = ()  # what must matter besides the feed-forward layers
    gradients: tuple = ()
    v4_differs: str | None = None


QWEN_MOE = {"experts": 4, "biased": ("q", "k", "v")}
L0 = "model.layers.0."
L1 = "model.layers.1."
ROPE_PARAMETERS = "version 4 does not read rope_parameters: it takes theta (and no scaling) from its class"

CASES = [
    Case("mistral-plain", "grouped-query attention, untied"),
    Case("mistral-head-dim", "head_dim is not hidden/heads; one key-value head; stored in float16"),
    Case("mistral-window", "a sliding window of 8", controls=("window",)),
    Case("mistral-defaults", "everything left to the class's defaults; small embeddings, so that epsilon shows"),
    Case("llama-plain", "grouped-query attention, tied", salt=1),
    Case("llama-rope-linear", "linear scaling", salt=5, controls=("rope_scaling",)),
    Case("llama-rope-llama3", "Llama 3's scaling", controls=("rope_scaling",)),
    Case("llama-rope-yarn", "YaRN", salt=1, controls=("rope_scaling",)),
    Case("llama-defaults", "everything left to the class's defaults; as many key-value heads as heads"),
    Case(
        "llama-saved-v5",
        "version 5's spellings only; Llama 3's scaling",
        salt=1,
        controls=("rope_scaling",),
        v4_differs=ROPE_PARAMETERS,
    ),
    Case(
        "llama-biases",
        "attention and MLP biases that are not zero",
        Model("llama", biased=("q", "k", "v", "o", "mlp"), options=(("attention_bias", True), ("mlp_bias", True))),
        controls=("biases",),
    ),
    Case(
        "llama-attention-bias",
        "biases in attention only, o_proj too; one key-value head; tied",
        Model(
            "llama",
            kv_heads=1,
            tied=True,
            biased=("q", "k", "v", "o"),
            options=(("attention_bias", True), ("mlp_bias", False)),
        ),
        controls=("biases",),
    ),
    Case(
        "qwen2",
        "biases in q, k and v; tied",
        Model(
            "qwen2",
            tied=True,
            theta=1000000.0,
            biased=("q", "k", "v"),
            options=(("use_sliding_window", False), ("sliding_window", 8)),
        ),
        controls=("biases",),
        gradients=("model.embed_tokens.weight", L0 + "self_attn.v_proj.bias", L1 + "mlp.down_proj.weight"),
        salt=1,
    ),
    Case(
        "qwen2-window",
        "a sliding window of 8 from the second layer on; untied",
        Model(
            "qwen2",
            layers=3,
            biased=("q", "k", "v"),
            intermediate=16,
            options=(("use_sliding_window", True), ("sliding_window", 8), ("max_window_layers", 1)),
        ),
        controls=("window", "biases"),
        salt=1,
    ),
    Case(
        "qwen3",
        "norms of q and k; head_dim is not hidden/heads; tied",
        Model("qwen3", head_dim=12, tied=True, theta=1000000.0, qk_norm=True, options=(("attention_bias", False),)),
        controls=("qk_norm",),
        gradients=(L0 + "self_attn.q_proj.weight", L0 + "self_attn.q_norm.weight", L1 + "mlp.down_proj.weight"),
        salt=6,
    ),
    Case(
        "mixtral",
        "two of four experts",
        Model("mixtral", experts=4, theta=1000000.0, options=(("num_experts_per_tok", 2), ("sliding_window", None))),
        controls=("experts_per_token",),
        gradients=(
            L0 + "self_attn.q_proj.weight",
            L0 + "block_sparse_moe.gate.weight",
            L0 + "block_sparse_moe.experts.1.w1.weight",
            L1 + "block_sparse_moe.experts.2.w2.weight",
        ),
        salt=458,
    ),
    Case(
        "mixtral-window",
        "a sliding window of 8; two of five experts; head_dim is not hidden/heads; tied",
        Model(
            "mixtral",
            experts=5,
            kv_heads=1,
            head_dim=12,
            tied=True,
            options=(("num_experts_per_tok", 2), ("sliding_window", 8)),
        ),
        controls=("window", "experts_per_token"),
        salt=73,
    ),
    Case(
        "qwen2-moe-norm",
        "the chosen experts' weights normalised; a shared expert, wider than the others, with its gate",
        Model(
            "qwen2_moe",
            shared_intermediate=24,
            **QWEN_MOE,
            options=(
                ("num_experts_per_tok", 2),
                ("norm_topk_prob", True),
                ("decoder_sparse_step", 1),
                ("mlp_only_layers", []),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "shared_expert", "shared_expert_gate", "biases"),
        salt=77,
    ),
    Case(
        "qwen2-moe-sparse-step",
        "not normalised; decoder_sparse_step 2: the first and third layers are dense",
        Model(
            "qwen2_moe",
            layers=3,
            shared_intermediate=16,
            tied=True,
            **QWEN_MOE,
            options=(
                ("num_experts_per_tok", 2),
                ("norm_topk_prob", False),
                ("decoder_sparse_step", 2),
                ("mlp_only_layers", []),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "shared_expert", "shared_expert_gate", "biases"),
        salt=13,
    ),
    Case(
        "qwen3-moe-norm",
        "the chosen experts' weights normalised; norms of q and k; head_dim is not hidden/heads",
        Model(
            "qwen3_moe",
            experts=4,
            head_dim=12,
            qk_norm=True,
            options=(
                ("num_experts_per_tok", 2),
                ("norm_topk_prob", True),
                ("decoder_sparse_step", 1),
                ("mlp_only_layers", []),
                ("attention_bias", False),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "qk_norm"),
        salt=109,
    ),
    Case(
        "qwen3-moe-mlp-only",
        "not normalised; three of five experts; mlp_only_layers [0]: the first layer is dense",
        Model(
            "qwen3_moe",
            experts=5,
            head_dim=12,
            tied=True,
            qk_norm=True,
            options=(
                ("num_experts_per_tok", 3),
                ("norm_topk_prob", False),
                ("decoder_sparse_step", 1),
                ("mlp_only_layers", [0]),
                ("attention_bias", False),
            ),
        ),
        controls=("norm_topk_prob", "experts_per_token", "qk_norm"),
        salt=148,
    ),
]


# ---------------------------------------------------------------- the models


def config_of(model):
    config = {
        "architectures": [CLASSES[model.family]],
        "model_type": model.family,
        "vocab_size": model.vocab,
        "hidden_size": model.hidden,
        "intermediate_size": model.expert_intermediate if model.family == "mixtral" else model.intermediate,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5 if model.family in ("llama", "mixtral") else 1e-6,
        "initializer_range": 0.02,
        "attention_dropout": 0.0,
        "use_cache": True,
        "tie_word_embeddings": model.tied,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "rope_theta": model.theta,
        "rope_scaling": None,
        "rope_parameters": {"rope_theta": model.theta, "rope_type": "default"},
        "torch_dtype": BF16,
        "dtype": BF16,
    }
    if model.family == "mixtral":
        config |= {"num_local_experts": model.experts, "router_jitter_noise": 0.0}
    elif model.experts:
        config |= {"num_experts": model.experts, "moe_intermediate_size": model.expert_intermediate}
    if model.family == "qwen3_moe":
        config["num_local_experts"] = model.experts  # version 5's spelling
    if model.experts:
        config |= {"output_router_logits": False, "router_aux_loss_coef": 0.001}
    if model.shared_intermediate:
        config["shared_expert_intermediate_size"] = model.shared_intermediate
    return config | dict(model.options)


def gated(prefix, names, hidden, intermediate):
    gate, up, down = names
    return {
        f"{prefix}.{gate}.weight": (intermediate, hidden),
        f"{prefix}.{up}.weight": (intermediate, hidden),
        f"{prefix}.{down}.weight": (hidden, intermediate),
    }


def attention_shapes(model, prefix):
    queries, keys = model.heads * model.head_dim, model.kv_heads * model.head_dim
    sizes = {"q": (queries, model.hidden), "k": (keys, model.hidden), "v": (keys, model.hidden)}
    sizes["o"] = (model.hidden, queries)
    shapes = {}
    for letter, shape in sizes.items():
        shapes[f"{prefix}.{letter}_proj.weight"] = shape
        if letter in model.biased:
            shapes[f"{prefix}.{letter}_proj.bias"] = shape[:1]
    if model.qk_norm:
        shapes |= {f"{prefix}.{letter}_norm.weight": (model.head_dim,) for letter in "qk"}
    return shapes


def ffn_shapes(model, prefix, layer):
    dense = ("gate_proj", "up_proj", "down_proj")
    if not model.is_sparse(layer):
        shapes = gated(f"{prefix}.mlp", dense, model.hidden, model.intermediate)
        biases = {n.replace(".weight", ".bias"): s[:1] for n, s in shapes.items() if "mlp" in model.biased}
        return shapes | biases
    block, names = MOE_BLOCKS[model.family]
    shapes = {f"{prefix}.{block}.gate.weight": (model.experts, model.hidden)}
    for expert in range(model.experts):
        shapes |= gated(f"{prefix}.{block}.experts.{expert}", names, model.hidden, model.expert_intermediate)
    if model.shared_intermediate:
        shapes |= gated(f"{prefix}.{block}.shared_expert", dense, model.hidden, model.shared_intermediate)
        shapes[f"{prefix}.{block}.shared_expert_gate.weight"] = (1, model.hidden)
    return shapes


def shapes_of(model):
    shapes = {"model.embed_tokens.weight": (model.vocab, model.hidden)}
    for layer in range(model.layers):
        prefix = f"model.layers.{layer}"
        shapes |= attention_shapes(model, f"{prefix}.self_attn") | ffn_shapes(model, prefix, layer)
        shapes[f"{prefix}.input_layernorm.weight"] = (model.hidden,)
        shapes[f"{prefix}.post_attention_layernorm.weight"] = (model.hidden,)
    shapes["model.norm.weight"] = (model.hidden,)
    if not model.tied:
        shapes["lm_head.weight"] = (model.vocab, model.hidden)
    return shapes


def generator_of(case, purpose):
    seed = hashlib.sha256(f"{case.name}/{case.salt}/{purpose}".encode()).digest()[:8]
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "little")))


def tensors_of(case):
    generator = generator_of(case, "weights")
    for name, shape in shapes_of(case.model).items():
        values = generator.normal(0.0, 1.0, shape)
        if name.endswith("norm.weight"):
            values = 1.0 + 0.2 * values
        elif name.endswith(".bias"):
            values *= 0.5
        elif name != "model.embed_tokens.weight":
            values *= GAIN / np.sqrt(shape[1])
        yield name, torch.from_numpy(values.astype(np.float32)).to(torch.bfloat16)


def write_model(case, directory):
    directory.mkdir(parents=True)
    write_json(directory / "config.json", config_of(case.model))
    save_file(dict(tensors_of(case)), directory / "model.safetensors", metadata={"format": "pt"})


def ids_of(case, vocab):
    generator = generator_of(case, "ids")
    few = generator.choice(vocab, FEW, replace=False)
    return [generator.integers(0, vocab, SEQ).tolist(), few[generator.integers(0, FEW, SEQ)].tolist()]
