"""Writes golden safetensors files with the real library, for byte comparison with another writer.

    python make_safetensors_golden.py [OUT]

OUT/<case>.safetensors is what the library wrote; OUT/manifest.json holds, per case, the tensors in the order in
which they were handed over (name, dtype as in the header, shape as in the header, bytes in base64), and the
metadata. OUT/verdicts.json holds inputs to a reader (base64) with the library's own verdict on each, and in
`reject` whether a stricter reader is to refuse it; `null` upstream_error means that the library accepts it.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import base64
import json
import struct
from pathlib import Path

import numpy as np
import safetensors
from safetensors import SafetensorError, TensorSpec, deserialize, serialize

OUT = Path(__file__).parent.parent / "src/main/resources/dev/upcycle/fixtures/golden/safetensors"

# dtype in the header -> (name in the binding, bytes per element)
DTYPES = {
    "BOOL": ("bool", 1),
    "U8": ("uint8", 1),
    "I8": ("int8", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E8M0": ("float8_e8m0fnu", 1),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 1),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 1),
    "I16": ("int16", 2),
    "U16": ("uint16", 2),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I32": ("int32", 4),
    "U32": ("uint32", 4),
    "F32": ("float32", 4),
    "C64": ("complex64", 8),
    "F64": ("float64", 8),
    "I64": ("int64", 8),
    "U64": ("uint64", 8),
}
PT = {"format": "pt"}


class Bytes:
    """Distinct bytes for each tensor, the same on every run."""

    def __init__(self, seed):
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def __call__(self, dtype, shape):
        count = int(np.prod(shape, dtype=np.int64))
        if dtype == "BOOL":
            return self._generator.integers(0, 2, count, dtype=np.uint8).tobytes()
        return self._generator.integers(0, 256, count * DTYPES[dtype][1], dtype=np.uint8).tobytes()


def f32(*values):
    return struct.pack(f"<{len(values)}f", *values)


def cases():
    """Name of the case -> (metadata, [(name, dtype, shape, bytes)] in the order of handing over)."""
    data = Bytes(8)

    def tensor(name, dtype, *shape):
        return name, dtype, list(shape), data(dtype, shape)

    yield "empty", (None, [])
    yield "empty-framework", ({"framework": "pt"}, [])
    yield "empty-format", (PT, [])
    yield "attn-dot-0", (None, [("attn.0", "F32", [1, 2, 3], f32(0, 1, 2, 3, 4, 5))])
    yield "attn0", (None, [("attn0", "F32", [1, 1, 2, 3], f32(0, 1, 2, 3, 4, 5))])
    yield "rank-0", (PT, [("scale", "F32", [], f32(2.5)), ("flag", "BOOL", [], b"\x01"), ("n", "I64", [], bytes(8))])
    yield "zero-size", (PT, [tensor("a", "F32", 2, 0), tensor("b", "F32", 3), tensor("c", "I32", 0), tensor("d", "U8", 0, 7)])
    yield "zero-size-i32", (None, [("test", "I32", [2, 0], b"")])
    yield "every-dtype", (PT, [tensor(dtype.lower(), dtype, 3, 2) for dtype in DTYPES])
    yield "every-dtype-odd", (PT, [tensor(f"{'zyxwv'[i % 5]}.{i}", d, 1, 5 + i % 3) for i, d in enumerate(DTYPES)])
    yield "f16-after-i32", (PT, [tensor("a", "F16", 4), tensor("b", "I32", 2)])
    yield "f4", (None, [("test_f4", "F4", [1, 2], b"\x21")])
    yield "odd-shapes", (
        PT,
        [tensor("w", "BF16", 3, 5, 7), tensor("b", "BF16", 11), tensor("n", "F32", 1, 1, 1, 1, 13), tensor("m", "U8", 3)],
    )
    yield "name-order", (
        PT,
        [tensor(n, "BF16", 1) for n in ("b", "a.10", "a.2", "a", "B", "_", "~", "a.1", "é", "z", "ｚ", "𝄞", "")],
    )
    yield "escapes", (
        PT,
        [
            tensor(n, "F32", 1)
            for n in ('quote"', "back\\slash", "tab\t", "line\n", "return\r", "bell\x07", "back\bform\f", "del\x7f", "nul\x00", "slash/")
            + ("\u2028", "naïve", "\U0001f600", "\x1f", "<&>'")
        ],
    )
    decoder = [tensor("model.embed_tokens.weight", "BF16", 12, 8), tensor("lm_head.weight", "BF16", 12, 8)]
    for layer in (0, 1, 10, 2):
        p = f"model.layers.{layer}."
        decoder.append(tensor(p + "input_layernorm.weight", "F32", 8))
        decoder.append(tensor(p + "block_sparse_moe.gate.weight", "F32", 2, 8))
        for expert in (1, 0):
            decoder += [tensor(f"{p}block_sparse_moe.experts.{expert}.{w}.weight", "BF16", 3, 8) for w in ("w3", "w1", "w2")]
    yield "moe", (PT, decoder)
    yield "moe-reversed", (PT, decoder[::-1])


def written(metadata, tensors):
    kept, specs = [], {}
    for name, dtype, shape, data in tensors:
        array = np.frombuffer(data, dtype=np.uint8).copy()
        kept.append(array)
        binding = "float4_e2m1fn_x2" if dtype == "F4" else DTYPES[dtype][0]
        stored = [*shape[:-1], shape[-1] // 2] if dtype == "F4" else shape
        specs[name] = TensorSpec(dtype=binding, shape=stored, data_ptr=array.ctypes.data, data_len=array.nbytes)
    return bytes(serialize(specs, metadata=metadata))


def file(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else header.encode("utf-8")
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(name, dtype="U8", shape="[4]", offsets="[0,4]"):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'


def one(**parts):
    return "{" + entry("a", **parts) + "}"


def pair(second, **parts):
    return "{" + entry("a", **parts) + "," + second + "}"


FOUR, EIGHT = bytes(range(4)), bytes(range(8))
U64 = 18446744073709551615


def verdict_inputs():
    """Name -> (bytes, whether a strict reader refuses them)."""
    yield "plain", (file(one(), FOUR), False)
    yield "empty-file", (b"", True)
    yield "seven-bytes", (bytes(7), True)
    yield "length-0", (file(""), True)
    yield "length-60-no-bytes", (struct.pack("<Q", 60), True)
    yield "length-huge", (struct.pack("<Q", 0xFFFFFF000000003C) + b"{}", True)
    yield "length-100000001", (struct.pack("<Q", 100_000_001) + b"{}", True)
    yield "length-100000000-short", (struct.pack("<Q", 100_000_000) + b"{}", True)
    yield "header-not-utf8", (file(b"\xff"), True)
    yield "header-one-brace", (file("{"), True)
    yield "trailing-whitespace", (file("{}\r \t\n"), False)
    yield "leading-whitespace", (file("\t\n{}\r "), False)
    yield "trailing-data", (file(one(), FOUR + bytes(34)), True)
    yield "missing-data", (file(one(), FOUR[:2]), True)
    yield "data-without-tensors", (file("{}", FOUR), True)
    yield "zero-size", (file(one(dtype="I32", shape="[2,0]", offsets="[0,0]")), False)
    yield "short-interval", (file(one(dtype="I32", shape="[2,2]", offsets="[0,4]"), FOUR), True)
    yield "long-interval", (file(one(shape="[3]"), FOUR), True)
    yield "rank-0", (file(one(dtype="I32", shape="[]"), FOUR), False)
    yield "shape-overflow", (file(one(shape="[2,18446744073709551614]", offsets="[0,16]"), bytes(16)), True)
    yield "bits-overflow", (file(one(dtype="F32", shape="[2,9223372036854775807]", offsets="[0,16]"), bytes(16)), True)
    yield "zero-times-max", (file(one(shape=f"[0,{U64}]", offsets="[0,0]")), False)
    yield "overflow-before-zero", (file(one(shape=f"[{U64},2,0]", offsets="[0,0]")), True)
    yield "ten-aliases", (file("{" + ",".join(entry(f"w{i}", "F32", "[2,2]", "[0,16]") for i in range(10)) + "}", bytes(16)), True)
    yield "f4-pair", (file(one(dtype="F4", shape="[1,2]", offsets="[0,1]"), b"\x21"), False)
    yield "f4-misaligned", (file(one(dtype="F4", shape="[1,3]", offsets="[0,1]"), b"\x21"), True)
    yield "f6-four-in-three", (file(one(dtype="F6_E2M3", shape="[4]", offsets="[0,3]"), bytes(3)), False)
    yield "duplicate-tensor", (file(pair(entry("a")), FOUR), True)
    yield "duplicate-tensor-contiguous", (file(pair(entry("a", offsets="[4,8]")), EIGHT), True)
    yield "duplicate-metadata", (file('{"__metadata__":{"a":"b"},"__metadata__":{"a":"b"},' + entry("a") + "}", FOUR), True)
    yield "duplicate-dtype", (file('{"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}', FOUR), True)
    yield "duplicate-metadata-key", (file('{"__metadata__":{"a":"b","a":"c"},' + entry("a") + "}", FOUR), True)
    yield "extra-field", (file('{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"extra":1}}', FOUR), False)
    yield "metadata-null", (file('{"__metadata__":null,' + entry("a") + "}", FOUR), False)
    yield "metadata-int", (file('{"__metadata__":{"a":1},' + entry("a") + "}", FOUR), True)
    yield "metadata-object-value", (file('{"__metadata__":{"a":{}},' + entry("a") + "}", FOUR), True)
    yield "metadata-list", (file('{"__metadata__":["a"],' + entry("a") + "}", FOUR), True)
    yield "metadata-string", (file('{"__metadata__":"a",' + entry("a") + "}", FOUR), True)
    yield "entry-as-array", (file('{"a":["U8",[4],[0,4]]}', FOUR), True)
    for label, shape in (
        ("float", "[4.0]"),
        ("exponent", "[4e0]"),
        ("negative", "[-4]"),
        ("minus-zero", "[-0]"),
        ("string", '["4"]'),
        ("leading-zero", "[04]"),
        ("null", "null"),
        ("over-u64", "[18446744073709551616]"),
        ("not-a-list", "4"),
    ):
        yield f"shape-{label}", (file(one(shape=shape), FOUR), True)
    yield "offsets-one", (file(one(offsets="[4]"), FOUR), True)
    yield "offsets-three", (file(one(offsets="[0,2,4]"), FOUR), True)
    yield "offsets-reversed", (file(one(offsets="[4,0]"), FOUR), True)
    yield "offsets-negative", (file(one(offsets="[-4,0]"), FOUR), True)
    yield "first-not-zero", (file(one(offsets="[4,8]"), EIGHT), True)
    yield "hole", (file(pair(entry("b", offsets="[6,10]")), bytes(10)), True)
    yield "overlap", (file(pair(entry("b", offsets="[2,6]")), bytes(6)), True)
    yield "zero-size-off-chain", (file(pair(entry("b", shape="[0]", offsets="[2,2]")), FOUR), True)
    yield "zero-size-mid-chain", (
        file(pair(entry("b", shape="[0]", offsets="[4,4]") + "," + entry("c", offsets="[4,8]")), EIGHT),
        False,
    )
    yield "keys-not-in-offset-order", (file(pair(entry("b"), offsets="[4,8]"), EIGHT), False)
    yield "unaligned-offset", (file(pair(entry("b", "F32", "[1]", "[1,5]"), shape="[1]", offsets="[0,1]"), bytes(5)), False)
    yield "dtype-unknown", (file(one(dtype="F7"), FOUR), True)
    yield "dtype-lower-case", (file(one(dtype="u8"), FOUR), True)
    yield "missing-dtype", (file('{"a":{"shape":[4],"data_offsets":[0,4]}}', FOUR), True)
    yield "missing-shape", (file('{"a":{"dtype":"U8","data_offsets":[0,4]}}', FOUR), True)
    yield "missing-offsets", (file('{"a":{"dtype":"U8","shape":[4]}}', FOUR), True)
    yield "trailing-comma", (file("{" + entry("a") + ",}", FOUR), True)
    yield "garbage-after", (file(one() + "x", FOUR), True)
    yield "nuls-after", (file(one() + "\0\0", FOUR), True)
    yield "two-objects", (file(one() + "{}", FOUR), True)
    yield "root-array", (file("[]"), True)
    yield "root-null", (file("null"), True)
    yield "bom", (file("\ufeff{}"), True)
    yield "comment", (file("{/* c */}"), True)
    yield "single-quotes", (file("{'a':1}"), True)
    yield "empty-name", (file("{" + entry("") + "}", FOUR), False)
    yield "escaped-name", (file("{" + entry("a\\u0062\\n\\\"") + "}", FOUR), False)
    yield "surrogate-pair-name", (file("{" + entry("\\ud83d\\ude00") + "}", FOUR), False)
    yield "lone-surrogate", (file("{" + entry("\\ud83d") + "}", FOUR), True)
    yield "control-character-in-name", (file("{" + entry("a\x01") + "}", FOUR), True)
    yield "nesting", (file('{"a":' + "[" * 200 + "]" * 200 + "}"), True)


def verdict(data):
    try:
        deserialize(data)
        return None
    except SafetensorError as error:
        return str(error)


def text(value):
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    library = {"package": "safetensors", "version": safetensors.__version__}

    entries = []
    for case, (metadata, tensors) in cases():
        data = written(metadata, tensors)
        again = written(metadata, tensors[::-1])
        assert data == again, f"{case}: the order of handing over shows"
        assert verdict(data) is None, case
        (out / f"{case}.safetensors").write_bytes(data)
        listed = [
            {"name": n, "dtype": d, "shape": s, "base64": base64.b64encode(b).decode("ascii")} for n, d, s, b in tensors
        ]
        entries.append({"case": case, "file": f"{case}.safetensors", "metadata": metadata, "tensors": listed})
    (out / "manifest.json").write_text(text({"schema": "upcycle-golden/safetensors/1", "library": library, "cases": entries}))

    verdicts = [
        {"case": case, "base64": base64.b64encode(data).decode("ascii"), "reject": reject, "upstream_error": verdict(data)}
        for case, (data, reject) in verdict_inputs()
    ]
    (out / "verdicts.json").write_text(text({"schema": "upcycle-golden/verdicts/1", "library": library, "cases": verdicts}))

    stricter = [v["case"] for v in verdicts if v["reject"] and v["upstream_error"] is None]
    laxer = [v["case"] for v in verdicts if not v["reject"] and v["upstream_error"] is not None]
    print(f"{len(entries)} files, {len(verdicts)} verdicts with safetensors {safetensors.__version__}")
    print(f"refused though the library accepts: {stricter}")
    print(f"accepted though the library refuses: {laxer}")


if __name__ == "__main__":
    main()
