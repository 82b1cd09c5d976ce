"""Writes golden values of image preprocessing: Pillow's decoding and resizing, Hugging Face's processors, torch's S2.

    python make_images_golden.py [OUT] [--v4 PYTHON]

Needs pillow==12.3.0 and torchvision==0.29.2 beside requirements-v5.txt. Written: OUT/index.json, small images in
OUT/files/, and raw values: what Pillow decodes in OUT/decoded.bin, what it resizes in OUT/resized.bin, what the
processors give in OUT/tensors.bin (float32, little-endian), what torch gives for S2 in OUT/scales.bin. Cases say where
theirs begin. A case too large to store has the sha256 of its bytes.

The processors are those on Pillow and numpy. --v4 is the Python of a transformers 4.57 with torch and pillow; it runs
this script once more, and its values must be the same. How far the torchvision processors are off is in the index
under `fast`.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL
import torch
import transformers
from PIL import Image, ImageOps, features

OUT = Path(__file__).parents[2] / "core/src/test/resources/dev/upcycle/image"
SEED = 5
FILTERS = {"NEAREST": 0, "LANCZOS": 1, "BILINEAR": 2, "BICUBIC": 3, "BOX": 4, "HAMMING": 5}
GENERATION = int(transformers.__version__.split(".")[0])


class Store:
    """Raw values one after the other in one file."""

    def __init__(self, path):
        self.path, self.bytes = path, bytearray()

    def put(self, array):
        offset = len(self.bytes)
        self.bytes += np.ascontiguousarray(array).tobytes()
        return offset

    def write(self):
        self.path.write_bytes(bytes(self.bytes))


def picture(width, height, seed=0):
    """Smooth colours, hard edges and noise, with samples at both ends of the range."""
    generator = np.random.Generator(np.random.PCG64(SEED + seed))
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), 127 + 127 * np.sin(x / 5 + y / 7)], -1)
    noise = generator.normal(0, 25, smooth.shape)
    edges = np.where(((x // 5 + y // 3) % 4 == 0)[..., None], generator.choice([0, 255], 3), smooth)
    return np.clip(edges + noise, 0, 255).astype(np.uint8)


def large(width, height):
    """From whole numbers alone, so that a reader can make it anew."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    return np.stack([x * 7 + y * 3, x * y // 16, (x * x + y * y) // 64], -1).astype(np.uint8)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def patched(jpeg, marker, offset, value):
    """One byte changed after a marker."""
    data = bytearray(jpeg)
    data[data.index(marker) + offset] = value
    return bytes(data)


def without_segments(jpeg, *markers):
    data, at, kept = jpeg, 2, bytearray(jpeg[:2])
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] not in markers:
            kept += data[at:end]
        at = end
    return bytes(kept + data[at:])


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def jpegs():
    image = Image.fromarray(picture(45, 37))
    even = Image.fromarray(picture(64, 64, 1))
    cmyk = Image.fromarray(np.dstack([picture(33, 21, 2), picture(33, 21, 3)[..., :1]]), "CMYK")
    sof = b"\xff\xc0"
    for sampling, name in enumerate(("444", "422", "420")):
        for progressive in (False, True):
            kind = "progressive" if progressive else "baseline"
            yield f"{kind}-{name}.jpg", encoded(image, "JPEG", subsampling=sampling, quality=85, progressive=progressive)
    # no writer at hand makes these two; the units of another sampling, read otherwise, are as valid
    yield "baseline-440.jpg", patched(encoded(even, "JPEG", subsampling=1, quality=85), sof, 11, 0x12)
    yield "baseline-411.jpg", patched(encoded(even, "JPEG", subsampling=2, quality=85), sof, 11, 0x41)
    odd = encoded(Image.fromarray(picture(39, 45, 4)), "JPEG", subsampling=1, quality=85)
    swapped = bytearray(patched(odd, sof, 11, 0x12))
    at = swapped.index(sof)
    swapped[at + 5 : at + 9] = (39).to_bytes(2, "big") + (45).to_bytes(2, "big")
    yield "odd-440.jpg", bytes(swapped)
    yield "low-quality.jpg", encoded(image, "JPEG", quality=5)
    yield "restarts.jpg", encoded(image, "JPEG", quality=75, restart_marker_blocks=2)
    yield "gray.jpg", encoded(image.convert("L"), "JPEG", quality=80)
    yield "gray-profile.jpg", encoded(image.convert("L"), "JPEG", quality=80, icc_profile=b"not a profile" * 20)
    yield "rgb-adobe.jpg", encoded(image, "JPEG", keep_rgb=True, quality=90)
    unmarked = without_segments(encoded(image, "JPEG", subsampling=0, quality=85), 0xE0)
    yield "unmarked-444.jpg", unmarked
    rgb_ids = bytearray(without_segments(encoded(image, "JPEG", keep_rgb=True, quality=90), 0xE0, 0xEE))
    yield "rgb-ids.jpg", bytes(rgb_ids)
    yield "cmyk.jpg", encoded(cmyk, "JPEG", quality=90)
    yield "cmyk-unmarked.jpg", without_segments(encoded(cmyk, "JPEG", quality=90), 0xEE)
    yield "ycck.jpg", patched(encoded(cmyk, "JPEG", quality=90), b"Adobe", 11, 2)
    yield "one-pixel.jpg", encoded(Image.fromarray(picture(1, 1, 5)), "JPEG")
    yield "thin.jpg", encoded(Image.fromarray(picture(3, 50, 6)), "JPEG")
    stray = encoded(image, "JPEG", quality=70)
    yield "stray-bytes.jpg", stray[:-2] + b"\x12\x34\x56" + stray[-2:]
    for orientation in range(1, 9):
        yield f"exif-{orientation}.jpg", encoded(Image.fromarray(picture(12, 7, 7)), "JPEG", exif=exif(orientation))


def sixteen(array, colour):
    """A 16-bit PNG, which Pillow cannot write in colour: written chunk by chunk."""
    import struct
    import zlib

    height, width = array.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bits(image, depth):
    """A gray PNG of few bits."""
    import struct
    import zlib

    samples = np.asarray(image.convert("L")) >> (8 - depth)
    rows = b""
    for row in samples:
        text = "".join(format(int(v), f"0{depth}b") for v in row)
        text += "0" * (-len(text) % 8)
        rows += b"\0" + bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", *image.size, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pngs():
    image = Image.fromarray(picture(29, 23, 8))
    alpha = Image.fromarray(np.dstack([picture(29, 23, 8), picture(29, 23, 9)[..., :1]]), "RGBA")
    yield "rgb.png", encoded(image, "PNG")
    yield "rgba.png", encoded(alpha, "PNG")
    yield "gray.png", encoded(image.convert("L"), "PNG")
    yield "gray-gamma.png", with_chunk(encoded(image.convert("L"), "PNG"), b"gAMA", (100000).to_bytes(4, "big"))
    yield "gray-alpha.png", encoded(alpha.convert("LA"), "PNG")
    yield "gray-transparent.png", encoded(image.convert("L"), "PNG", transparency=100)
    yield "rgb-transparent.png", encoded(image, "PNG", transparency=tuple(int(v) for v in picture(29, 23, 8)[0, 0]))
    yield "one-bit.png", encoded(image.convert("1"), "PNG")
    for depth in (2, 4):
        yield f"gray-{depth}-bits.png", bits(image, depth)
    for colours in (2, 4, 13, 256):
        yield f"palette-{colours}.png", encoded(image.quantize(colours), "PNG")
    yield "palette-transparent.png", encoded(image.quantize(20), "PNG", transparency=bytes(range(20)))
    wide = (picture(9, 8, 10).astype(np.uint16) << 8) | picture(9, 8, 11)
    yield "rgb-16-bits.png", sixteen(wide, 2)
    yield "rgba-16-bits.png", sixteen(np.dstack([wide, wide[..., :1]]), 6)
    yield "gray-alpha-16-bits.png", sixteen(wide[..., :2], 4)
    yield "one-pixel.png", encoded(Image.fromarray(picture(1, 1, 12)), "PNG")
    yield "exif-6.png", encoded(Image.fromarray(picture(12, 7, 7)), "PNG", exif=exif(6))


def with_chunk(png, kind, data):
    """A chunk put in after the header."""
    import zlib

    chunk = len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]


def decode_cases(out, store):
    files = out / "files"
    files.mkdir(parents=True, exist_ok=True)
    for old in files.iterdir():
        old.unlink()
    for name, data in [*jpegs(), *pngs()]:
        (files / name).write_bytes(data)
        image = Image.open(io.BytesIO(data))
        rgb = np.asarray(image.convert("RGB"))
        case = {"file": name, "mode": image.mode, "width": image.width, "height": image.height, "offset": store.put(rgb)}
        if "exif" in name:
            upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
            case |= {"upright_width": upright.shape[1], "upright_height": upright.shape[0], "upright": store.put(upright)}
        yield case


SIZES = [
    ((29, 23), (58, 46)), ((29, 23), (14, 11)), ((29, 23), (17, 40)), ((29, 23), (40, 9)), ((29, 23), (29, 11)),
    ((29, 23), (11, 23)), ((29, 23), (1, 1)), ((29, 23), (1, 23)), ((29, 23), (30, 24)), ((1, 1), (7, 5)),
    ((1, 17), (5, 5)), ((17, 1), (4, 9)), ((2, 3), (31, 29)), ((37, 5), (5, 37)), ((64, 64), (3, 2)), ((50, 40), (49, 39)),
]
LARGE = [((640, 480), (448, 336)), ((640, 480), (336, 336)), ((333, 517), (1001, 77)), ((1000, 11), (13, 700))]


def resize_cases(store):
    for filter_name, number in FILTERS.items():
        for (width, height), (to_width, to_height) in SIZES:
            image = picture(width, height, 20)
            case = {"filter": filter_name, "from": [width, height], "to": [to_width, to_height]}
            resized = Image.fromarray(image).resize((to_width, to_height), resample=number)
            yield case | {"offset": store.put(np.asarray(resized))}
        for (width, height), size in LARGE:
            resized = Image.fromarray(large(width, height)).resize(size, resample=number)
            digest = hashlib.sha256(np.asarray(resized).tobytes()).hexdigest()
            yield {"filter": filter_name, "from": [width, height], "to": list(size), "sha256": digest}


def processor(config):
    name = config["image_processor_type"]
    keys = {k: v for k, v in config.items() if k != "image_processor_type"}
    if GENERATION >= 5:
        import importlib

        family = name.removesuffix("ImageProcessor").lower()
        module = importlib.import_module(f"transformers.models.{family}.image_processing_pil_{family}")
        return getattr(module, name + "Pil")(**keys)
    return getattr(transformers, name)(**keys)


CLIP = {"image_processor_type": "CLIPImageProcessor", "resample": 3}
CONFIGS = {
    "clip": CLIP | {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}},
    "clip-crop-larger": CLIP | {"size": {"shortest_edge": 9}, "crop_size": {"height": 16, "width": 13}},
    "clip-crop-odd": CLIP | {"size": {"shortest_edge": 14}, "crop_size": {"height": 11, "width": 17}},
    "clip-no-resize": CLIP | {"do_resize": False, "crop_size": {"height": 20, "width": 20}},
    "clip-no-normalise": CLIP | {"size": {"shortest_edge": 12}, "do_center_crop": False, "do_normalize": False},
    "clip-no-rescale": CLIP | {"size": {"shortest_edge": 12}, "do_center_crop": False, "do_rescale": False},
    "llava-pad": {"image_processor_type": "LlavaImageProcessor", "do_pad": True, "size": {"shortest_edge": 15},
                  "crop_size": {"height": 15, "width": 15}},
    "siglip": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 14, "width": 14}, "resample": 3},
    "vit": {"image_processor_type": "ViTImageProcessor", "size": {"height": 15, "width": 13}, "resample": 2},
    "vit-256": {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}, "resample": 2,
                "rescale_factor": 0.00390625, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
}
IMAGES = [(29, 23), (23, 29), (40, 40), (7, 50)]


def levels():
    """Every sample's value through CLIP's rescaling and normalising."""
    array = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    config = CLIP | {"do_resize": False, "do_center_crop": False}
    return config, array


def tensor_cases(store):
    config, array = levels()
    cases = [("levels", config, array)]
    for name, config in CONFIGS.items():
        cases += [(name, config, picture(width, height, 30)) for width, height in IMAGES]
    for name, config, array in cases:
        values = processor(config)(Image.fromarray(array), return_tensors="np")["pixel_values"][0]
        values = np.asarray(values, dtype=np.float32)
        shape = [array.shape[1], array.shape[0]]
        yield {"name": name, "config": config, "from": shape, "shape": list(values.shape), "offset": store.put(values)}
    config = CLIP | {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
    values = processor(config)(Image.fromarray(large(640, 480)), return_tensors="np")["pixel_values"][0]
    digest = hashlib.sha256(np.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest()
    yield {"name": "clip-336", "config": config, "from": [640, 480], "shape": list(values.shape), "sha256": digest}


def fast_differences():
    """The torchvision processors against those on Pillow, in 8-bit steps and in normalised units."""
    found = {}
    config = CLIP | {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
    keys = {k: v for k, v in config.items() if k != "image_processor_type"}
    name = "CLIPImageProcessor" if GENERATION >= 5 else "CLIPImageProcessorFast"
    fast = getattr(transformers, name)(**keys)
    for label, (width, height) in {"640x480 to 336": (640, 480), "100x80 to 336": (100, 80)}.items():
        image = Image.fromarray(picture(width, height, 40))
        ours = processor(config)(image, return_tensors="np")["pixel_values"][0]
        theirs = np.asarray(fast(image, return_tensors="pt")["pixel_values"][0])
        distance = np.abs(ours - theirs)
        step = 1 / 255 / 0.26130258
        found[label] = {"max": float(distance.max()), "max_steps": round(float(distance.max() / step), 2),
                        "share_over_half_a_step": float((distance > step / 2).mean())}
    return found


def scale_cases(store):
    generator = np.random.Generator(np.random.PCG64(SEED))
    for channels, height, width, scale in [(3, 6, 6, 3), (3, 8, 8, 2), (1, 5, 9, 4), (2, 1, 4, 3), (1, 2, 3, 2)]:
        array = generator.normal(0, 1, (channels, height, width)).astype(np.float32)
        tensor = torch.from_numpy(array)[None]
        size = (height * scale, width * scale)
        wide = torch.nn.functional.interpolate(tensor, size=size, mode="bicubic", align_corners=False)
        pooled = torch.nn.functional.interpolate(wide, size=(height, width), mode="area")
        yield {"shape": list(array.shape), "scale": scale, "in": store.put(array), "bicubic": store.put(wide.numpy()),
               "area": store.put(pooled.numpy())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    parser.add_argument("--v4", type=Path)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    stores = {name: Store(out / f"{name}.bin") for name in ("decoded", "resized", "tensors", "scales")}
    versions = {"pillow": PIL.__version__, "libjpeg_turbo": features.version("libjpeg_turbo"),
                "transformers": transformers.__version__, "torch": torch.__version__.split("+")[0],
                "numpy": np.__version__}
    index = {"schema": "upcycle-golden/images/1", "versions": versions, "seed": SEED}
    index["decode"] = list(decode_cases(out, stores["decoded"]))
    sources = Store(out / "sources.bin")
    sizes = list(dict.fromkeys(size for size, _ in SIZES))
    index["sources"] = [{"size": list(s), "offset": sources.put(picture(*s, 20))} for s in sizes]
    index["pictures"] = [{"size": list(s), "offset": sources.put(picture(*s, 30))} for s in IMAGES]
    index["resize"] = list(resize_cases(stores["resized"]))
    index["tensors"] = list(tensor_cases(stores["tensors"]))
    index["scales"] = list(scale_cases(stores["scales"]))
    index["fast"] = {versions["transformers"]: fast_differences()}
    for store in [*stores.values(), sources]:
        store.write()
    if arguments.v4:
        with tempfile.TemporaryDirectory() as other:
            subprocess.run([str(arguments.v4), __file__, other], check=True)
            for name in ("tensors", "resized", "scales"):
                assert (Path(other) / f"{name}.bin").read_bytes() == bytes(stores[name].bytes), f"v4: other {name}"
            theirs = json.loads((Path(other) / "index.json").read_text(encoding="utf-8"))
        assert theirs["tensors"] == index["tensors"], "v4: other tensors"
        index["versions"]["transformers_4"] = theirs["versions"]["transformers"]
        index["fast"] |= theirs["fast"]
    (out / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(index["fast"], indent=1), file=sys.stderr)


if __name__ == "__main__":
    main()
