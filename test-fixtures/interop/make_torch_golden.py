"""Writes torch archives with the real library, and hostile ones by hand, for a reader's tests.

    python make_torch_golden.py [OUT]

OUT/golden/<case>.bin is what torch.save wrote; OUT/golden/<case>.safetensors holds the same tensors, contiguous,
as torch itself reads them back. OUT/refused/<FAULT>.<what>.bin is to be refused with that fault; those of torch's own
other formats are written by torch, the others by hand: none is ever loaded here.

Runs in the version 5 environment (requirements-v5.txt). The bytes of torch's own files differ from run to run only in
their serialization id and the order of the pickle's memo.
"""

import argparse
import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent.parent / "checkpoint-io/src/test/resources/dev/upcycle/checkpoint/torch"

DTYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool complex64 "
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu"
).split()


def values(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float32) * 0.37 - 3).reshape(shape).to(dtype)


def of_type(name):
    dtype = getattr(torch, name)
    if name.startswith("uint") and name != "uint8":
        return torch.tensor([1, 2, 65000]).to(dtype)
    if name == "bool":
        return torch.tensor([True, False, True])
    if name == "complex64":
        return torch.tensor([1 + 2j, -3.5j])
    return values(3).abs().to(dtype)


def plain_linear():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.BatchNorm1d(3)).state_dict()


def views():
    base = values(6, 7)
    return {
        "whole": base,
        "transposed": base.t(),
        "columns": base[:, 2:5],
        "every_other_column": base[:, ::2],
        "rows_from": base[2:],
        "permuted": values(2, 3, 4).permute(2, 0, 1),
        "permuted_bf16": values(2, 3, 4).to(torch.bfloat16).permute(1, 2, 0),
        "transposed_bytes": torch.arange(12, dtype=torch.uint8).reshape(3, 4).t(),
        "transposed_f64": values(3, 4, dtype=torch.float64).t(),
        "channels_last": values(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "tied": base,
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 4),
        "one_of_many": base[3, 4],
        "single_expanded": torch.arange(5).expand(1, -1),
    }


def parameters():
    attributed = torch.nn.Parameter(values(2, 2))
    attributed.role = "expert"
    buffer = values(3)
    buffer.note = {"from": 1}
    return OrderedDict(
        parameter=torch.nn.Parameter(values(2, 3)), attributed=attributed, buffer=buffer, grad=values(2).requires_grad_()
    )


def training():
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    state = OrderedDict(("module." + name, tensor) for name, tensor in model.state_dict().items())
    return {"epoch": 3, "loss": 0.25, "best": None, "state_dict": state, "optimizer": optimizer.state_dict()}, {
        name.removeprefix("module."): tensor for name, tensor in state.items()
    }


def golden(folder):
    folder.mkdir(parents=True, exist_ok=True)
    wrapped, unwrapped = training()
    cases = {
        "state_dict": (plain_linear(), None),
        "dtypes": ({name: of_type(name) for name in DTYPES}, None),
        "views": (views(), None),
        "parameters": (parameters(), None),
        "training": (wrapped, unwrapped),
        "compiled": (
            {"model": {"_orig_mod.module." + name: tensor for name, tensor in plain_linear().items()}},
            plain_linear(),
        ),
    }
    for name, (content, expected) in cases.items():
        torch.save(content, folder / f"{name}.bin")
        expect(folder / f"{name}.safetensors", expected or content)
    torch.serialization.set_crc32_options(False)
    torch.save(plain_linear(), folder / "without_checksums.bin")
    torch.serialization.set_crc32_options(True)
    expect(folder / "without_checksums.safetensors", plain_linear())


def expect(path, tensors):
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, path)


# ---- hostile archives, written by hand ----

PROTO = b"\x80\x02"


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def text(string):
    data = string.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def whole(number):
    if -(2**31) <= number < 2**31:
        return b"J" + struct.pack("<i", number)
    return b"\x8a\x08" + struct.pack("<q", number)


def numbers(*items):
    return b"(" + b"".join(map(whole, items)) + b"t"


def storage(kind="FloatStorage", key="0", count=6, module="torch"):
    return b"(" + text("storage") + glob(module, kind) + text(key) + text("cpu") + whole(count) + b"tQ"


def tensor(sizes=(2, 3), strides=(3, 1), offset=0, store=None):
    hooks = glob("collections", "OrderedDict") + b")R"
    arguments = (store or storage()) + whole(offset) + numbers(*sizes) + numbers(*strides) + b"\x89" + hooks
    return glob("torch._utils", "_rebuild_tensor_v2") + b"(" + arguments + b"tR"


def weights(*pairs):
    return PROTO + b"}(" + b"".join(text(name) + value for name, value in pairs) + b"u."


def shell(command="touch /tmp/pwned"):
    return glob("os", "system") + b"(" + text(command) + b"tR"


SOUND = weights(("w", tensor()))


def archive(data=SOUND, entries=(), drop=(), method=zipfile.ZIP_STORED, order=b"little"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in [
            ("m/data.pkl", data),
            ("m/byteorder", order),
            ("m/data/0", struct.pack("<6f", *range(6))),
            ("m/version", b"3\n"),
            *entries,
        ]:
            if name not in drop:
                file.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def patched(data, find, replacement, last=False):
    at = data.rfind(find) if last else data.find(find)
    assert at >= 0 and len(find) == len(replacement)
    return data[:at] + replacement + data[at + len(find) :]


def directory_entry(data, name):
    """Where the central directory's record of this entry begins."""
    return data.rfind(name) - 46


def with_field(data, name, at, value):
    place = directory_entry(data, name) + at
    return data[:place] + struct.pack("<I", value) + data[place + 4 :]


def overlapping():
    data = archive(entries=[("m/data/1", b"12345678" * 8)])
    inner = data.index(b"12345678")
    header = data[data.index(b"m/data/0") - 30 : data.index(b"m/data/0") + 8]
    data = data[:inner] + header + data[inner + len(header) :]
    return with_field(data, b"m/data/0", 42, inner)


def opcodes():
    yield "newobj", PROTO + glob("torch", "Size") + b")\x81."
    yield "inst", PROTO + b"(" + text("id") + b"ios\nsystem\n."
    yield "obj", PROTO + b"(" + glob("torch", "Size") + b"o."
    yield "stack_global", PROTO + text("os") + text("system") + b"\x93."
    yield "ext1", PROTO + b"\x82\x01."
    yield "persid", PROTO + b"Pstorage\n."
    yield "text_int", PROTO + b"I1\n."
    yield "dup", PROTO + b"N2."
    yield "pop", PROTO + b"NN0."
    yield "frame", PROTO + b"\x95" + b"\xff" * 8 + b"."
    yield "long4", PROTO + b"\x8b\xff\xff\xff\x7f."
    yield "binbytes8", PROTO + b"\x8e" + b"\xff" * 7 + b"\x7f."
    yield "bytearray8", PROTO + b"\x96" + b"\xff" * 7 + b"\x7f."
    yield "string", PROTO + b"S'x'\n."
    yield "unknown_byte", PROTO + b"\xff."


def refused_pickles():
    yield "PICKLE_GLOBAL", "os_system", PROTO + shell() + b"."
    yield "PICKLE_GLOBAL", "posix_system", PROTO + glob("posix", "system") + b"(" + text("id") + b"tR."
    yield "PICKLE_GLOBAL", "os_system_in_tensor_hooks", weights(("w", tensor(store=shell())))
    yield "PICKLE_GLOBAL", "eval", PROTO + glob("__builtin__", "eval") + b"(" + text("1") + b"tR."
    yield "PICKLE_GLOBAL", "exec", PROTO + glob("builtins", "exec") + b"(" + text("1") + b"tR."
    yield "PICKLE_GLOBAL", "getattr_chain", PROTO + glob("builtins", "getattr") + b"(" + glob("torch", "serialization")
    yield "PICKLE_GLOBAL", "dotted_name", PROTO + glob("torch", "serialization.os.system") + b"(" + text("id") + b"tR."
    yield "PICKLE_GLOBAL", "subprocess", PROTO + glob("subprocess", "Popen") + b"(" + text("id") + b"tR."
    yield "PICKLE_GLOBAL", "torch_load", PROTO + glob("torch", "load") + b"(" + text("x") + b"tR."
    yield "PICKLE_GLOBAL", "import_module", PROTO + glob("importlib", "import_module") + b"(" + text("os") + b"tR."
    yield "PICKLE_GLOBAL", "numpy_scalar", PROTO + glob("numpy.core.multiarray", "scalar") + b")R."
    yield "PICKLE_GLOBAL", "empty_names", PROTO + glob("", "") + b")R."
    yield "PICKLE_GLOBAL", "control_characters", PROTO + glob("os\x1b[2J", "system\r") + b")R."
    yield "PICKLE_CALL", "text", PROTO + text("os.system") + b")R."
    yield "PICKLE_CALL", "tensor_class", PROTO + glob("torch", "Tensor") + b")R."
    yield "PICKLE_CALL", "storage_class", PROTO + glob("torch", "FloatStorage") + b")R."
    yield "PICKLE_CALL", "ordered_dict_of_items", PROTO + glob("collections", "OrderedDict") + b"(" + text("x") + b"tR."
    yield "PICKLE_CALL", "arguments_no_tuple", PROTO + glob("collections", "OrderedDict") + b"]R."
    yield "PICKLE_CALL", "from_type_of_a_function", PROTO + glob("torch._tensor", "_rebuild_from_type_v2") + b"(" + glob(
        "torch", "device"
    ) + glob("torch", "Tensor") + b")NtR."
    yield "PICKLE_CALL", "negated_view", weights(
        (
            "w",
            glob("torch._utils", "_rebuild_tensor_v2")
            + b"("
            + storage()
            + whole(0)
            + numbers(6)
            + numbers(1)
            + b"\x89N}"
            + text("neg")
            + b"\x88stR",
        )
    )
    yield "PICKLE_CALL", "offset_is_text", weights(
        ("w", glob("torch._utils", "_rebuild_tensor") + b"(" + storage() + text("0") + numbers(6) + numbers(1) + b"tR")
    )
    yield "PICKLE_ATTRIBUTES", "class_of_a_dict", PROTO + glob("collections", "OrderedDict") + b")R}" + text(
        "__class__"
    ) + b"Nsb."
    yield "PICKLE_ATTRIBUTES", "slots", PROTO + glob("collections", "OrderedDict") + b")RN}" + text("update") + b"Ns\x86b."
    yield "PICKLE_ATTRIBUTES", "of_a_tensor", PROTO + tensor() + b"}" + text("data") + b"Nsb."
    yield "PICKLE_LIMIT", "huge_text", PROTO + b"X\xff\xff\xff\xff."
    yield "PICKLE_LIMIT", "huge_number", PROTO + b"\x8a\xff" + b"\xff" * 255 + b"."
    yield "PICKLE_LIMIT", "memo_bomb", PROTO + b"Nr\xfe\xff\xff\xff."
    yield "PICKLE_LIMIT", "deep_nesting", PROTO + b"(" * 2000 + b"t" * 2000 + b"."
    yield "PICKLE_LIMIT", "endless_name", PROTO + b"c" + b"a" * 4000 + b"\nx\n."
    yield "PICKLE_LIMIT", "many_dimensions", weights(("w", tensor((1,) * 65, (1,) * 65)))
    yield "PICKLE_CUT_SHORT", "text", PROTO + b"X\x10\x00\x00\x00abc"
    yield "PICKLE_CUT_SHORT", "no_stop", SOUND[:-1]
    yield "PICKLE_CUT_SHORT", "more_follows", SOUND + b"cos\nsystem\n."
    yield "PICKLE_CUT_SHORT", "empty", b""
    yield "PICKLE_PROTOCOL", "protocol_4", b"\x80\x04" + SOUND[2:]
    yield "PICKLE_MALFORMED", "no_protocol", SOUND[2:]
    yield "PICKLE_MALFORMED", "empty_stack", PROTO + b"R."
    yield "PICKLE_MALFORMED", "no_mark", PROTO + b"Nt."
    yield "PICKLE_MALFORMED", "two_values", PROTO + b"NN."
    yield "PICKLE_MALFORMED", "memo_not_written", PROTO + b"h\x05."
    yield "PICKLE_MALFORMED", "memo_gap", PROTO + b"Nq\x05."
    yield "PICKLE_MALFORMED", "append_to_none", PROTO + b"NNa."
    yield "PICKLE_MALFORMED", "item_of_a_list", PROTO + b"]" + text("a") + b"Ns."
    yield "PICKLE_MALFORMED", "key_without_value", PROTO + b"}(" + text("a") + b"u."
    yield "PICKLE_MALFORMED", "text_not_utf8", PROTO + b"X\x02\x00\x00\x00\xff\xfe."
    yield "PICKLE_MALFORMED", "persistent_id_is_text", PROTO + text("storage") + b"Q."
    yield "PICKLE_MALFORMED", "mark_as_value", PROTO + b"(b."
    yield "NO_STATE_DICT", "bare_tensor", PROTO + tensor() + b"."
    yield "NO_STATE_DICT", "list_in_itself", PROTO + b"]q\x00h\x00a."
    yield "NO_STATE_DICT", "dictionary_in_itself", PROTO + b"}q\x00" + text("model") + b"h\x00s."
    yield "NO_STATE_DICT", "empty", PROTO + b"}."
    yield "NO_STATE_DICT", "two_models", PROTO + b"}(" + text("model") + b"}" + text("state_dict") + b"}u."
    yield "NO_STATE_DICT", "nested", weights(("w", tensor()), ("deeper", b"}" + text("w") + tensor() + b"s"))
    yield "DUPLICATE_TENSOR", "name_twice", weights(("w", tensor()), ("w", tensor()))
    yield "TORCH_DTYPE", "storage_is_a_function", weights(
        ("w", tensor(store=storage("_rebuild_tensor", module="torch._utils")))
    )
    yield "MISSING_ENTRY", "storage", weights(("w", tensor(store=storage(key="7"))))
    yield "MISSING_ENTRY", "storage_path", weights(("w", tensor(store=storage(key="../../../etc/passwd"))))
    yield "STORAGE_SIZE", "too_many_elements", weights(("w", tensor(store=storage(count=7))))
    yield "STORAGE_SIZE", "negative", weights(("w", tensor(store=storage(count=-6))))
    yield "STORAGE_SIZE", "other_width", weights(("w", tensor(store=storage("HalfStorage"))))
    yield "SIZE_OVERFLOW", "storage", weights(("w", tensor(store=storage(count=2**62))))
    yield "SIZE_OVERFLOW", "sizes", weights(("w", tensor((2**40, 2**40), (2**40, 1))))
    yield "SIZE_OVERFLOW", "offset", weights(("w", tensor(offset=2**62)))
    yield "SIZE_OVERFLOW", "strides", weights(("w", tensor(strides=(2**62, 1), sizes=(6, 3))))
    yield "BAD_VIEW", "negative_stride", weights(("w", tensor(strides=(-3, 1), offset=3)))
    yield "BAD_VIEW", "negative_offset", weights(("w", tensor(offset=-1)))
    yield "BAD_VIEW", "negative_size", weights(("w", tensor(sizes=(-2, -3))))
    yield "BAD_VIEW", "fewer_strides", weights(("w", tensor(strides=(1,))))
    yield "VIEW_OUTSIDE_STORAGE", "offset", weights(("w", tensor(offset=1)))
    yield "VIEW_OUTSIDE_STORAGE", "far_offset", weights(("w", tensor(offset=2**59)))
    yield "VIEW_OUTSIDE_STORAGE", "sizes", weights(("w", tensor(sizes=(3, 3))))
    yield "VIEW_OUTSIDE_STORAGE", "strides", weights(("w", tensor(strides=(4, 1))))
    yield "OVERLAPPING_VIEW", "expanded", weights(("w", tensor(sizes=(1000000000, 3), strides=(0, 1))))
    yield "OVERLAPPING_VIEW", "sliding", weights(("w", tensor(sizes=(4, 3), strides=(1, 1))))


def refused_archives():
    sound = archive()
    yield "ENTRY_NOT_STORED", "deflated", archive(method=zipfile.ZIP_DEFLATED)
    yield "ENTRY_NOT_STORED", "zip_bomb", archive(entries=[("m/data/1", bytes(1 << 20))], method=zipfile.ZIP_DEFLATED)
    yield "ENTRY_NOT_STORED", "encrypted", (
        lambda at: sound[:at] + b"\x01" + sound[at + 1 :]
    )(directory_entry(sound, b"m/data/0") + 8)
    yield "ENTRY_NOT_STORED", "sizes_differ", with_field(sound, b"m/data/0", 24, 1 << 30)
    yield "BAD_ENTRY", "size_past_the_end", with_field(
        with_field(sound, b"m/data/0", 24, 1 << 30), b"m/data/0", 20, 1 << 30
    )
    yield "BAD_ARCHIVE_DIRECTORY", "offset_past_the_end", with_field(sound, b"m/data/0", 42, 0x7FFFFFFF)
    yield "BAD_ENTRY", "offset_of_another", with_field(sound, b"m/data/0", 42, 0)
    yield "BAD_ENTRY", "other_name_before_the_data", patched(sound, b"m/data/0", b"m/data/9")
    yield "OVERLAPPING_ENTRIES", "header_inside_data", overlapping()
    yield "WRONG_CRC", "pickle", with_field(sound, b"m/data.pkl", 16, 0x12345678)
    yield "WRONG_CRC", "byteorder", with_field(sound, b"m/byteorder", 16, 0x12345678)
    yield "DUPLICATE_ENTRY", "pickle", patched(
        patched(archive(entries=[("m/data.pkX", SOUND)]), b"m/data.pkX", b"m/data.pkl"),
        b"m/data.pkX",
        b"m/data.pkl",
        last=True,
    )
    yield "BAD_ENTRY_NAME", "path_traversal", archive(entries=[("m/../../etc/cron.d/x", b"")])
    yield "BAD_ENTRY_NAME", "absolute", archive(entries=[("/etc/passwd", b"")])
    yield "BAD_ENTRY_NAME", "backslash", archive(entries=[("m\\..\\x", b"")])
    yield "BAD_ENTRY_NAME", "control_character", archive(entries=[("m/\x1b[2J", b"")])
    yield "MISSING_ENTRY", "pickle", archive(drop=["m/data.pkl"])
    yield "NOT_A_TORCH_ARCHIVE", "two_roots", archive(entries=[("n/data.pkl", SOUND)])
    yield "NOT_A_TORCH_ARCHIVE", "text", b"not an archive at all\n"
    yield "NOT_A_TORCH_ARCHIVE", "empty", b""
    yield "BARE_PICKLE", "plain_pickle", pickle.dumps({"a": 1}, 2)
    yield "WEB_PAGE", "login", b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
    yield "BIG_ENDIAN", "by_torch", archive(order=b"big")
    yield "PICKLE_TOO_LARGE", "byteorder", archive(order=b"little" * 100)
    yield "BAD_ARCHIVE_DIRECTORY", "cut_before_the_directory", sound[: sound.rfind(b"PK\x05\x06") - 100]
    yield "BAD_ARCHIVE_DIRECTORY", "cut_in_the_end_record", sound[:-10]
    yield "BAD_ARCHIVE_DIRECTORY", "directory_elsewhere", (
        lambda at: sound[: at + 16] + struct.pack("<I", 0x7FFFFFFF) + sound[at + 20 :]
    )(sound.rfind(b"PK\x05\x06"))
    yield "TORCH_LEGACY_FORMAT", "tar", b"sys_info".ljust(257, b"\0") + b"ustar\x0000" + bytes(248)
    legacy = io.BytesIO()
    torch.save({"w": values(2, 3)}, legacy, _use_new_zipfile_serialization=False)
    yield "TORCH_LEGACY_FORMAT", "before_1_6", legacy.getvalue()
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), script)
    yield "TORCH_SCRIPT", "linear", script.getvalue()


def refused(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in opcodes():
        (folder / f"PICKLE_OPCODE.{name}.bin").write_bytes(archive(data))
    for fault, name, data in refused_pickles():
        (folder / f"{fault}.{name}.bin").write_bytes(archive(data))
    for fault, name, data in refused_archives():
        (folder / f"{fault}.archive_{name}.bin").write_bytes(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=OUT)
    out = parser.parse_args().out
    golden(out / "golden")
    refused(out / "refused")
