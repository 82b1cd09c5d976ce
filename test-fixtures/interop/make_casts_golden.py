"""Writes golden values of floating-point casts: round to nearest, ties to even, rounded once.

    python make_casts_golden.py [OUT]

Per pair OUT/<from>-<to>.in.bin and OUT/<from>-<to>.out.bin, raw little-endian, and OUT/index.json. The expected
values come from exact rational arithmetic, and are checked here against torch and, where numpy has both types,
numpy. A NaN is expected to give a NaN; which one is not laid down, for torch's own answer depends on the
processor. `torch_differs` counts the values, NaN apart, where torch gives something else: it rounds F64 to F32
first and then again, and OUT/<from>-<to>.torch.bin holds what it gives.

Runs in the version 5 environment (requirements-v5.txt).
"""

import argparse
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).parent.parent / "src/main/resources/dev/upcycle/fixtures/golden/casts"
SEED = 8


class Format:
    """An IEEE-like binary format: `bits` wide, `mantissa` stored bits."""

    def __init__(self, name, bits, mantissa, torch_dtype, numpy_dtype):
        self.name, self.bits, self.mantissa = name, bits, mantissa
        self.torch_dtype, self.numpy_dtype = torch_dtype, numpy_dtype
        self.integer = np.dtype(f"<u{bits // 8}")
        self.exponent_bits = bits - 1 - mantissa
        self.bias = (1 << (self.exponent_bits - 1)) - 1
        self.sign = 1 << (bits - 1)
        self.infinity = ((1 << self.exponent_bits) - 1) << mantissa

    def is_nan(self, code):
        return (code & (self.sign - 1)) > self.infinity

    def value(self, code):
        """Of a finite code, exactly, without its sign."""
        code &= self.sign - 1
        exponent, fraction = code >> self.mantissa, code & ((1 << self.mantissa) - 1)
        if exponent == 0:
            return Fraction(fraction) * self._power(1 - self.bias - self.mantissa)
        return Fraction(fraction + (1 << self.mantissa)) * self._power(exponent - self.bias - self.mantissa)

    @staticmethod
    def _power(exponent):
        return Fraction(2) ** exponent

    def nearest(self, value):
        """The code of the magnitude nearest to a non-negative value; a tie goes to the even code."""
        if value == 0:
            return 0
        exponent = max(_floor_log2(value), 1 - self.bias)
        scaled = value / self._power(exponent - self.mantissa)
        whole, rest = divmod(scaled, 1)
        whole = int(whole)
        if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole & 1):
            whole += 1
        # a carry out of the fraction runs on into the exponent, which is what is wanted
        code = ((exponent + self.bias - 1) << self.mantissa) + whole
        return min(code, self.infinity)

    def torch_tensor(self, codes):
        signed = np.array(codes, dtype=self.integer).view(f"<i{self.bits // 8}")
        return torch.from_numpy(signed).view(self.torch_dtype)

    def codes_of(self, tensor):
        kind = {16: torch.int16, 32: torch.int32, 64: torch.int64}[self.bits]
        return [int(c) for c in tensor.view(kind).numpy().view(self.integer)]


def _floor_log2(value):
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if Fraction(2) ** guess <= value else guess - 1


F16 = Format("F16", 16, 10, torch.float16, np.float16)
BF16 = Format("BF16", 16, 7, torch.bfloat16, None)
F32 = Format("F32", 32, 23, torch.float32, np.float32)
F64 = Format("F64", 64, 52, torch.float64, np.float64)
PAIRS = [(F32, BF16), (F32, F16), (BF16, F16), (F16, BF16), (F64, F32), (F64, BF16), (F64, F16)]
WIDENING = [(F16, F32), (BF16, F32), (F16, F64), (BF16, F64), (F32, F64)]


def cast(code, source, target):
    if source.is_nan(code):
        return target.infinity | 1 << (target.mantissa - 1)
    sign = target.sign if code & source.sign else 0
    magnitude = code & (source.sign - 1)
    if magnitude == source.infinity:
        return sign | target.infinity
    return sign | target.nearest(source.value(code))


def specials(source):
    one = source.bias << source.mantissa
    codes = [0, 1, 2, 3, (1 << source.mantissa) - 1, 1 << source.mantissa, (1 << source.mantissa) + 1]
    codes += [one - 1, one, one + 1, source.infinity - 1, source.infinity]
    codes += [source.infinity | 1, source.infinity | 1 << (source.mantissa - 1), source.sign - 1]
    return codes


def boundaries(source, target, generator):
    """Midpoints of neighbours in the target, and what lies one step to either side of them in the source."""
    tops = [0, 1, 2, 3, (1 << target.mantissa) - 1, 1 << target.mantissa, (1 << target.mantissa) + 1]
    tops += [target.infinity - 2, target.infinity - 1, target.bias << target.mantissa]
    subnormal = generator.integers(0, 1 << target.mantissa, 16)
    tops += [int(t) for t in subnormal] + [int(t) for t in generator.integers(0, target.infinity, 40)]
    for low in tops:
        step = target.value(low + 1) - target.value(low) if low + 1 < target.infinity else None
        if step is None:  # where the next value would be, were there no infinity
            step = target.value(low) - target.value(low - 1)
        middle = target.value(low) + step / 2
        code = source.nearest(middle)
        if code >= source.infinity:
            continue
        yield from (c for c in (code - 1, code, code + 1) if 0 <= c < source.infinity)


def twice(source, generator):
    """Values that F32 rounds onto a midpoint: rounding twice goes wrong at some of them."""
    for target in (F16, BF16):
        for low in generator.integers(1 << target.mantissa, target.infinity - 1, 12):
            low = int(low)
            middle = (target.value(low) + target.value(low + 1)) / 2
            code = source.nearest(middle)
            yield from (code - 1, code + 1, code - 1000, code + 1000)


def inputs(source, target, generator):
    codes = specials(source) + list(boundaries(source, target, generator))
    if source is F64:
        codes += list(twice(source, generator))
    codes += [c | source.sign for c in codes]
    codes += [int(c) for c in generator.integers(0, 1 << (source.bits - 1), 60, dtype=np.uint64)]
    weights = generator.normal(0, 0.05, 60)
    codes += [(source.sign if w < 0 else 0) | source.nearest(Fraction(abs(float(w)))) for w in weights]
    return codes


def agree(expected, found, target):
    return [e == f or (target.is_nan(e) and target.is_nan(f)) for e, f in zip(expected, found, strict=True)]


def write(path, codes, format):
    path.write_bytes(np.array(codes, dtype=format.integer).tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    generator = np.random.Generator(np.random.PCG64(SEED))
    entries = []
    for source, target in PAIRS + WIDENING:
        codes = inputs(source, target, generator) if (source, target) in PAIRS else inputs(source, source, generator)
        expected = [cast(c, source, target) for c in codes]
        found = target.codes_of(source.torch_tensor(codes).to(target.torch_dtype))
        same = agree(expected, found, target)
        if source.numpy_dtype and target.numpy_dtype:
            with np.errstate(all="ignore"):
                array = np.array(codes, dtype=source.integer).view(source.numpy_dtype).astype(target.numpy_dtype)
            assert all(agree(expected, [int(c) for c in array.view(target.integer)], target)), "numpy rounds otherwise"
        differs = same.count(False)
        assert differs == 0 or source is F64, f"torch: {source.name} to {target.name} differs {differs} times"
        name = f"{source.name}-{target.name}".lower()
        write(out / f"{name}.in.bin", codes, source)
        write(out / f"{name}.out.bin", expected, target)
        entry = {"from": source.name, "to": target.name, "count": len(codes), "in": f"{name}.in.bin"}
        entry |= {"out": f"{name}.out.bin", "nans": sum(map(source.is_nan, codes)), "torch_differs": differs}
        if differs:
            in_two_steps = [cast(cast(c, F64, F32), F32, target) for c in codes]
            assert all(agree(in_two_steps, found, target)), f"torch: {name} is not F64 to F32 to {target.name}"
            write(out / f"{name}.torch.bin", found, target)
            entry["torch"] = f"{name}.torch.bin"
        print(entry)
        entries.append(entry)
    versions = {"torch": torch.__version__.split("+")[0], "numpy": np.__version__}
    index = {"schema": "upcycle-golden/casts/1", "versions": versions, "seed": SEED, "casts": entries}
    (out / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
