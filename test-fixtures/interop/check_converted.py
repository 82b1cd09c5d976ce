"""Converts the golden vision models by the shipped recipes and checks the results in both generations of transformers.

    python check_converted.py --upcycle ../../upcycle --v4 PYTHON --v5 PYTHON [--only NAME ...]

Each case is one `upcycle convert` of a model of golden/vision/; what is checked of its result is what
check_modeling.py --converted checks: no missing, unexpected or mismatched key, the dense outputs to 1e-5 of the
largest, other outputs with one expert's sign flipped, the routing law, gradients in every expert that received
tokens, losses, and the same names and bytes when saved again. The dense outputs are those of version 5, which reads
both dialects of names. Figures, versions, arguments and the sha256 of every file that came out are written to
results/converted.json, for a test that converts the same models and compares the hashes; with --only nothing is.

Exit status 1 when anything fails; the result then says `"passed": false`.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from check_modeling import TOLERANCE, Generation, check_converted, summary
from run_checks import HERE, convert, hashes

GOLDEN = HERE.parent / "src/main/resources/dev/upcycle/fixtures/golden/vision"
RESULTS = HERE / "results/converted.json"


@dataclass(frozen=True)
class Case:
    """One conversion; `arguments` follow `convert` and come before --model and --out."""

    name: str
    source: str
    arguments: tuple


def router(*parts):
    """Logits that spread well; the connector's input is not normalised."""
    spread = {"connector": 0.1}
    return tuple(
        word
        for part in parts
        for word in ("--set", f"{part}.router.init={{kind: normal, std: {spread.get(part, 0.5)}}}")
    )


VISION, LANGUAGE, THREE = router("vision"), router("language"), router("vision", "connector", "language")
LLAMA = ("--set", "source.language=llama")
ONE_SCALE = ("--set", "vision.scales=[1]", "--set", "target=llava_moe")
CASES = (
    Case("clip-vision", "clip-vision", ("clip-vit-4x2", *VISION)),
    Case("clip-image-tower", "clip", ("clip-vit-4x2", *VISION)),
    Case("clip-both-towers", "clip", ("clip-up-b16", *router("language", "vision"))),
    Case("siglip-vision", "siglip-vision", ("siglip-4x2", *VISION)),
    Case("siglip-vision-headless", "siglip-vision-headless", ("siglip-4x2", *VISION)),
    Case("siglip-image-tower", "siglip", ("siglip-4x2", *VISION)),
    Case("vit", "vit", ("vit-4x2", *VISION)),
    Case("vit-classifier", "vit-classifier", ("vit-4x2", *VISION)),
    Case("llava-mixtral-inside", "llava", ("llava-4x2", *LANGUAGE)),
    Case("llava-mixtral-inside-siglip", "llava-siglip-full", ("llava-4x2", *LANGUAGE)),
    Case("llava-every-other-layer", "llava", ("moe-llava-1.5-7b", *LANGUAGE)),
    Case("llava-all-three", "llava", ("cumo-mistral-4x7b", *LLAMA, *ONE_SCALE, *THREE)),
    Case(
        "llava-vision-and-connector",
        "llava",
        ("cumo-mistral-7b", *LLAMA, *ONE_SCALE, *router("vision", "connector")),
    ),
)


def check(case, upcycle, generations, folder):
    out = folder / case.name
    source = GOLDEN / case.source / "model"
    entry = {"name": case.name, "source": case.source, "arguments": ["convert", *case.arguments]}
    faults = convert(case, source, out, upcycle)
    if faults:
        return {**entry, "faults": faults}
    files = hashes(out)
    (checked,) = check_converted(out, source, generations, folder).values()
    return {**entry, "files": files, **checked}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upcycle", required=True, help="the launcher")
    parser.add_argument("--v4", required=True, help="a Python with transformers 4")
    parser.add_argument("--v5", required=True, help="a Python with transformers 5")
    parser.add_argument("--only", nargs="+", help="these cases alone, storing nothing")
    args = parser.parse_args()
    unknown = set(args.only or ()) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no case {sorted(unknown)}; there are {[case.name for case in CASES]}")
    entries = []
    with tempfile.TemporaryDirectory() as name:
        for case in CASES:
            if args.only and case.name not in args.only:
                continue
            folder = Path(name) / case.name
            folder.mkdir()
            generations = [Generation("v4", args.v4, folder), Generation("v5", args.v5, folder)]
            entries.append(check(case, args.upcycle, generations, folder))
            versions = {generation.name: generation.versions for generation in generations}
            print(f"{case.name}: {summary(entries[-1])}", file=sys.stderr, flush=True)
    passed = not any(entry["faults"] for entry in entries)
    result = {
        "schema": "upcycle-interop/converted/1",
        "passed": passed,
        "tolerance": TOLERANCE,
        "versions": versions,
        "cases": entries,
    }
    if not args.only:
        RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
