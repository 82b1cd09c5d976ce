"""Converts every dense fixture and checks the results in both generations of transformers.

    python run_checks.py --upcycle ../../upcycle --v4 PYTHON --v5 PYTHON [--smollm2 DIR] [--llama-cpp SDIST]

What is checked of each case: both generations load the target with no missing, unexpected or mismatched key and
give the dense logits; with one expert's sign flipped they do not; version 5 saves the loaded target again with
the same names and bytes. What is checked of each fixture: that its weights and its option matter. The figures,
the versions, the arguments of each conversion and the sha256 of every file that went in and came out are written
to results/decoders.json, for a test that converts the same fixtures and compares the hashes.

Exit status 1 when anything fails; the result file then says `"passed": false`.
"""

import argparse
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESOURCES = HERE.parent / "src/main/resources/dev/upcycle/fixtures/golden/decoders"
SAMPLE = HERE.parent.parent / "core/src/main/resources/dev/upcycle/sample/dense"
RESULTS = HERE / "results/decoders.json"

TOLERANCE = 1e-5
FFN_SHARE = 0.5  # without its FFNs a fixture's logits must move by more than this
OPTION_SHARE = 0.01  # without its window or its rope scaling, by more than this
CONTROL_SHARE = 1e-3  # with one expert's sign flipped, by more than this
CONTROL_TENSOR = "model.layers.0.block_sparse_moe.experts.{expert}.w2.weight"

SIZES = ("--experts", "4", "--per-token", "2")


def router(value):
    return "--set", f"language.router.init={{{value}}}"


# The router's logits spread well, so that the chosen experts and their weights differ from token to token.
NORMAL = router("kind: normal, std: 0.5")


@dataclass(frozen=True)
class Case:
    """One conversion; `arguments` follow `convert` and come before --model and --out."""

    name: str
    source: str
    arguments: tuple
    round_to: str | None = None
    only_read_right_by: str | None = None
    flipped_experts: tuple = (0,)  # in the negative control


def cases(fixtures):
    for f in fixtures:
        only = "v5" if f.saved_by == "v5" else None
        yield Case(f.name, f.name, SIZES + NORMAL, only_read_right_by=only)
    plain = "mistral-plain"
    yield Case("router-default", plain, SIZES)
    # With ties every token goes to the same two experts, and which two is torch's affair: all are flipped.
    yield Case("router-zero", plain, SIZES + router("kind: zero"), flipped_experts=(0, 1, 2, 3))
    yield Case("router-uniform", plain, SIZES + router("kind: uniform, bound: 0.5"))
    yield Case("seed-7", plain, ("--seed", "7", *SIZES, *NORMAL))
    yield Case("one-per-token", plain, ("--experts", "4", "--per-token", "1", *NORMAL))
    yield Case("all-experts", plain, ("--experts", "3", "--per-token", "3", *NORMAL))
    counts = ("--set", "language.experts.count=5", "--set", "language.experts.per_token=3")
    yield Case("five-by-three", plain, counts + NORMAL)
    yield Case("recipe-mistral-8x2", plain, ("mistral-8x2", *NORMAL))
    yield Case("recipe-mistral-4x2", plain, ("mistral-4x2", *NORMAL))
    yield Case("recipe-llama-8x2", "llama-plain", ("llama-8x2", *NORMAL))
    yield Case("recipe-llama-4x2", "llama-plain", ("llama-4x2", *NORMAL))
    yield Case("dtype-f32", plain, ("--dtype", "f32", *SIZES, *NORMAL))
    yield Case("dtype-bf16", "mistral-sharded", ("--dtype", "bf16", *SIZES, *NORMAL), round_to="bfloat16")
    yield Case("dtype-f16", "mistral-sharded", ("--dtype", "f16", *SIZES, *NORMAL), round_to="float16")
    yield Case("sharded-output", plain, ("--max-shard-size", "20000", *SIZES, *NORMAL))
    yield Case("sample", "sample", SIZES + NORMAL)
    yield Case("smollm2", "smollm2", ("--experts", "8", "--per-token", "2", *NORMAL))


# ---------------------------------------------------------------- files


def sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes(directory):
    return {str(p.relative_to(directory)): sha256(p) for p in sorted(directory.rglob("*")) if p.is_file()}


def header_of(path):
    """The tensors of a safetensors file, and where their bytes begin."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


def tensors_of(directory):
    """Name -> (dtype, shape, sha256 of the bytes)."""
    found = {}
    for path in sorted(directory.glob("*.safetensors")):
        header, start = header_of(path)
        with path.open("rb") as file:
            for name, entry in header.items():
                begin, end = entry["data_offsets"]
                file.seek(start + begin)
                digest = hashlib.sha256(file.read(end - begin)).hexdigest()
                found[name] = (entry["dtype"], entry["shape"], digest)
    return found


def flip_sign(directory, name):
    """Negates one tensor in place: the top bit of each little-endian element."""
    widths = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
    for path in directory.glob("*.safetensors"):
        header, start = header_of(path)
        if name not in header:
            continue
        begin, end = header[name]["data_offsets"]
        width = widths[header[name]["dtype"]]
        with path.open("r+b") as file:
            file.seek(start + begin)
            data = bytearray(file.read(end - begin))
            for i in range(width - 1, len(data), width):
                data[i] ^= 0x80
            file.seek(start + begin)
            file.write(data)
        return
    raise SystemExit(f"{directory}: no tensor {name}")


# ---------------------------------------------------------------- under each generation's interpreter


def probe(dense):
    """How far the logits move without the FFNs, without the window, without the rope scaling."""
    import torch

    from check_logits import inputs_of, load, logits_of, relative_error

    model, _ = load(dense)
    inputs = inputs_of(dense, model.config)
    whole = logits_of(model, inputs)["drawn"]
    shares = {}
    window = getattr(model.config, "sliding_window", None)
    if window and window < whole.shape[1]:
        config = type(model.config).from_pretrained(dense)
        config.sliding_window = None
        shares["window"] = relative_error(whole, logits_of(load(dense, config)[0], inputs)["drawn"])
    rope = model.config.rope_parameters
    if rope.get("rope_type", "default") != "default":
        config = type(model.config).from_pretrained(dense)
        config.rope_parameters = {"rope_theta": rope["rope_theta"], "rope_type": "default"}
        shares["rope_scaling"] = relative_error(whole, logits_of(load(dense, config)[0], inputs)["drawn"])
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.down_proj.weight.zero_()
    shares["ffn"] = relative_error(whole, logits_of(model, inputs)["drawn"])
    return shares


def save_again(moe, out):
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(moe, dtype="auto").save_pretrained(out)
    return {}


def save_reference(dense, reference):
    from check_logits import dense_logits, save_logits

    logits, _ = dense_logits(dense)
    save_logits(reference, logits)
    return {}


def worker(path):
    """Runs a list of jobs `{"call", "arguments"}` and writes their results beside the list."""
    import torch

    from check_logits import check, versions

    torch.set_num_threads(1)
    calls = {"check": check, "probe": probe, "save_again": save_again, "save_reference": save_reference}
    jobs, results = json.loads(path.read_text()), []
    for job in jobs:
        try:
            results.append(calls[job["call"]](**job["arguments"]))
        except Exception as error:  # one job's failure is a result, and the others go on
            results.append({"passed": False, "faults": [f"{type(error).__name__}: {error}"]})
    path.with_suffix(".out").write_text(json.dumps({"versions": versions(), "results": results}))


class Interpreter:
    """Collects jobs for one generation and runs them in one process."""

    def __init__(self, name, python, folder):
        self.name, self._python, self._folder = name, python, folder
        self._jobs, self._runs = [], 0
        self.versions = None

    def add(self, call, **arguments):
        arguments = {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()}
        self._jobs.append({"call": call, "arguments": arguments})
        return len(self._jobs) - 1

    def run(self):
        """The answers to the jobs added since the last run, in their order."""
        if not self._jobs:
            return []
        jobs, self._jobs, self._runs = self._jobs, [], self._runs + 1
        path = self._folder / f"{self.name}-{self._runs}.jobs"
        path.write_text(json.dumps(jobs))
        run = subprocess.run([self._python, __file__, "--worker", str(path)], capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"{self.name}: {run.stderr[-3000:]}")
        answer = json.loads(path.with_suffix(".out").read_text())
        self.versions = answer["versions"]
        return answer["results"]


# ---------------------------------------------------------------- the drive


def remake_fixtures(args, folder):
    """Fixtures are committed; here they are made once more and must be the same."""
    command = [args.v5, str(HERE / "make_fixtures.py"), "--v4", args.v4, "--v5", args.v5, "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    made, committed = hashes(folder), hashes(RESOURCES)
    differing = sorted(n for n in made.keys() | committed.keys() if made.get(n) != committed.get(n))
    if differing:
        raise SystemExit(f"the fixtures made now differ from {RESOURCES}: {differing}")


def source_of(case, args):
    return {"sample": SAMPLE, "smollm2": args.smollm2}.get(case.source, RESOURCES / case.source)


def convert(case, source, out, upcycle):
    """The faults of the conversion itself."""
    command = [upcycle, "convert", *case.arguments, "--model", str(source), "--out", str(out)]
    run = subprocess.run(command, capture_output=True, text=True)
    return [] if run.returncode == 0 else [f"convert: exit status {run.returncode}: {run.stderr[-1500:]}"]


def check_fixtures(fixtures, v5):
    for f in fixtures:
        v5.add("probe", dense=RESOURCES / f.name)
    entries = {}
    for f, shares in zip(fixtures, v5.run(), strict=True):
        faults = shares.pop("faults", [])
        shares.pop("passed", None)
        wanted = {"ffn": FFN_SHARE}
        wanted |= {"window": OPTION_SHARE} if f.window else {}
        wanted |= {"rope_scaling": OPTION_SHARE} if f.scaling else {}
        faults += [
            f"without {k} the logits move by {shares.get(k)}, not more than {least}"
            for k, least in wanted.items()
            if not shares.get(k, 0) > least
        ]
        entries[f.name] = {
            "says": f.says,
            "moves_without": shares,
            "faults": faults,
            "files": hashes(RESOURCES / f.name),
        }
        print(f"fixture {f.name}: {'FAILED ' + str(faults) if faults else shares}", flush=True)
    return entries


class Run:
    """One case on its way: its folder, its entry in the result, and what each generation is asked."""

    def __init__(self, case, args, folder):
        self.case, self.folder = case, folder
        self.source, self.out, self.control = source_of(case, args), folder / "target", folder / "control"
        self.entry = {"name": case.name, "source": case.source, "arguments": ["convert", *case.arguments]}
        if case.round_to:
            self.entry["dense_rounded_to"] = case.round_to
        self.faults = self.entry["faults"] = convert(case, self.source, self.out, args.upcycle)
        if self.faults:
            return
        self.entry["files"] = hashes(self.out)
        shutil.copytree(self.out, self.control)
        for expert in case.flipped_experts:
            flip_sign(self.control, CONTROL_TENSOR.format(expert=expert))

    def ask_reference(self, interpreters):
        if self.case.only_read_right_by:
            interpreter = interpreters[self.case.only_read_right_by]
            interpreter.add("save_reference", dense=self.source, reference=self.folder / "reference.npz")
            self.entry["reference"] = f"dense logits by {self.case.only_read_right_by}"

    def ask(self, interpreter):
        against = {"tolerance": TOLERANCE, "round_to": self.case.round_to}
        if self.case.only_read_right_by not in (None, interpreter.name):
            against["reference"] = self.folder / "reference.npz"
        asked = [
            interpreter.add("check", dense=self.source, moe=self.out, **against),
            interpreter.add("check", dense=self.source, moe=self.control, **against),
        ]
        if interpreter.name == "v5":
            asked.append(interpreter.add("save_again", moe=self.out, out=self.folder / "again"))
        return asked

    def answer(self, name, positive, negative, again=None):
        self.entry[name] = positive
        self.faults += [f"{name}: {fault}" for fault in positive["faults"]]
        control_error = negative.get("relative_error", 0.0)
        keys_only = any("keys" in fault for fault in negative["faults"])
        self.entry[f"{name}_negative_control"] = {"failed": not negative["passed"], "relative_error": control_error}
        if keys_only or not control_error > CONTROL_SHARE:
            self.faults.append(f"{name}: the negative control is not caught: {negative}")
        if again is not None:
            self.faults += [f"{name}: saving again: {fault}" for fault in again.get("faults", [])]
            compare_again(self.entry, self.out, self.folder / "again")


def compare_again(entry, out, again):
    if not again.is_dir():
        return
    ours, theirs = tensors_of(out), tensors_of(again)
    differing = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
    entry["v5_saved_again"] = {"tensors": len(theirs), "same": not differing}
    if differing:
        entry["faults"].append(f"v5 saves otherwise: {len(differing)} tensors, as {differing[:4]}")


def check_llama_cpp(entry, out, args, folder):
    script, answer = HERE / "check_llama_cpp.py", folder / "llama-cpp.json"
    command = [args.v5, str(script), str(out), "--sdist", args.llama_cpp, "--json", str(answer)]
    run = subprocess.run(command, capture_output=True, text=True)
    entry["llama_cpp"] = json.loads(answer.read_text()) if answer.is_file() else {"passed": False}
    if run.returncode != 0:
        entry["faults"].append(f"llama.cpp: {run.stderr[-1500:]}{entry['llama_cpp'].get('complaints', '')}")


def summary(entry):
    if entry["faults"]:
        return f"FAILED {entry['faults']}"
    errors = " ".join(f"{g} {entry[g]['relative_error']:.2e}" for g in ("v4", "v5"))
    controls = " ".join(f"{entry[f'{g}_negative_control']['relative_error']:.2f}" for g in ("v4", "v5"))
    return f"{errors}, controls {controls}, saved again the same: {entry['v5_saved_again']['same']}"


def drive(args, folder):
    from make_fixtures import FIXTURES

    interpreters = {g: Interpreter(g, getattr(args, g), folder) for g in ("v4", "v5")}
    chosen = [c for c in cases(FIXTURES) if not args.only or c.name in args.only]
    chosen = [c for c in chosen if c.source != "smollm2" or args.smollm2]
    fixtures = [f for f in FIXTURES if any(c.source == f.name for c in chosen)]
    remake_fixtures(args, folder / "fixtures")
    result = {"schema": "upcycle-interop/decoders/1", "passed": False, "tolerance": TOLERANCE}
    result["sources"] = check_fixtures(fixtures, interpreters["v5"]) if fixtures else {}
    for name in {"sample", "smollm2"} & {c.source for c in chosen}:
        directory = SAMPLE if name == "sample" else args.smollm2
        result["sources"][name] = {"faults": [], "files": hashes(directory)}
    result["cases"] = []
    runs = []
    for case in chosen:
        (folder / "cases" / case.name).mkdir(parents=True)
        runs.append(Run(case, args, folder / "cases" / case.name))
        print(f"converted {case.name}: {runs[-1].faults or 'ok'}", flush=True)
    converted = [r for r in runs if not r.faults]
    for r in converted:
        r.ask_reference(interpreters)
    for interpreter in interpreters.values():
        interpreter.run()
    for name, interpreter in interpreters.items():
        asked = [r.ask(interpreter) for r in converted]
        answers = interpreter.run()
        for r, indices in zip(converted, asked, strict=True):
            r.answer(name, *(answers[i] for i in indices))
    for r in runs:
        if args.llama_cpp and r in converted and r.case.source in ("sample", "smollm2"):
            check_llama_cpp(r.entry, r.out, args, r.folder)
        result["cases"].append(r.entry)
        print(f"{r.case.name}: {summary(r.entry)}", flush=True)
    result["versions"] = {g: interpreters[g].versions for g in interpreters}
    version = subprocess.run([args.upcycle, "--version"], capture_output=True, text=True)
    result["versions"]["upcycle"] = version.stdout.strip()
    result["passed"] = not any(e["faults"] for e in [*result["sources"].values(), *result["cases"]])
    return result


def main():
    if sys.argv[1:2] == ["--worker"]:
        return worker(Path(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upcycle", required=True, help="the launcher")
    parser.add_argument("--v4", required=True, help="the interpreter of requirements-v4.txt")
    parser.add_argument("--v5", required=True, help="the interpreter of requirements-v5.txt")
    parser.add_argument("--smollm2", type=Path, help="the directory that make_smollm2.py wrote; without, no such case")
    parser.add_argument("--llama-cpp", help="llama-cpp-python's source distribution; without, not checked")
    parser.add_argument("--only", nargs="*", help="only these cases; the result is then not stored")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, help="where temporary directories go")
    args = parser.parse_args()
    args.upcycle = str(Path(args.upcycle).absolute())
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        result = drive(args, Path(folder))
    if not args.only or args.out != RESULTS:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    failed = [e["name"] for e in result["cases"] if e["faults"]]
    print(f"{len(result['cases'])} cases, failed: {failed}")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
