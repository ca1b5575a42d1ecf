"""Write `table.json`: hard inputs, bit by bit, and the true value of each function there.

    python tests/accuracy/make_table.py

The values come from the textbook formulas of `tests/oracles.py`, in so many digits that their cancellations do not
matter (100 + the largest distance between two logits: 900 at 800), and are written with 40.  The table is committed;
running this again gives the same bytes.  It knows nothing of divtool.
"""

from __future__ import annotations

import json
import math
import random
import struct
import sys
from pathlib import Path
from typing import Any

from mpmath import mp
from recipes import row

sys.path.insert(0, str(Path(__file__).parents[1]))
from oracles import ce, digits_for, entropy, kl, log_sum_exp, proportions, softmax

DIGITS = 40
TABLE = Path(__file__).with_name("table.json")


def single(x: list[float]) -> list[float]:
    """Rounded to float32."""
    return [struct.unpack("f", struct.pack("f", v))[0] for v in x]


def hexes(x: Any) -> Any:
    return [v.hex() for v in x] if isinstance(x, list) else x


class Table:
    """Cases by function, each with its input as it goes into the file."""

    def __init__(self) -> None:
        self.cases: dict[str, list[dict[str, Any]]] = {}

    def add(self, function: str, name: str, want: Any, **inputs: Any) -> None:
        values = want if isinstance(want, list) else [want]
        texts = [mp.nstr(v, DIGITS, strip_zeros=True) if mp.isfinite(v) else "inf" for v in values]
        case = {
            "name": name,
            **{k: hexes(v) for k, v in inputs.items()},
            "want": texts if isinstance(want, list) else texts[0],
        }
        self.cases.setdefault(function, []).append(case)

    def label(self, name: str, x: Any, y: int, dtype: str = "float64", temperature: float = 1.0) -> None:
        values = row(hexes(x))
        mp.dps = digits_for(values, temperature=temperature)
        self.add(
            "surprisal_label",
            name,
            -mp.log(q) if (q := softmax(values, temperature)[y]) else mp.inf,
            x=x,
            dtype=dtype,
            y=y,
            temperature=temperature,
        )

    def target(self, name: str, x: list[float], target: list[float]) -> None:
        mp.dps = digits_for(x)
        self.add("surprisal_target", name, ce(target, softmax(x)), x=x, target=target)

    def logits(self, name: str, x: Any, dtype: str = "float64", temperature: float = 1.0, entries: bool = True) -> None:
        """softmax, log-sum-exp and entropy of one row."""
        values = row(hexes(x))
        mp.dps = digits_for(values, temperature=temperature)
        p = softmax(values, temperature)
        inputs = {"x": x, "dtype": dtype, "temperature": temperature}
        if entries:
            self.add("softmax", name, p, **inputs)
        self.add("log_sum_exp", name, log_sum_exp(values, temperature), **inputs)
        self.add("entropy_logits", name, entropy(p), **inputs)

    def table(self, name: str, p: list[float], dtype: str = "float64") -> None:
        mp.dps = 900
        self.add("entropy_table", name, entropy(proportions(p)), p=p, dtype=dtype)

    def pair(self, name: str, a: Any, b: Any, temperature: float = 1.0, dtype: str = "float64") -> None:
        rows = row(hexes(a)), row(hexes(b))
        mp.dps = digits_for(*rows, temperature=temperature)
        p, q = (softmax(x, temperature) for x in rows)
        self.add("kl_logits", name, kl(p, q), a=a, b=b, dtype=dtype, temperature=temperature)

    def tables(self, name: str, p: list[float], q: list[float], dtype: str = "float64") -> None:
        mp.dps = 900 if min(v for v in p + q if v) < 1e-30 else 120
        self.add("kl_tables", name, kl(proportions(p), proportions(q)), p=p, q=q, dtype=dtype)


INF = math.inf
SHORT = (1, 2, 3, 7, 8, 9, 127, 128, 129)
LONG = {"c1000": {"steps": [7919, 13, 4001, 8], "c": 1000}, "c32000": {"steps": [40503, 77, 5003, 8], "c": 32000}}
FLAT = {"flat": (0.1).hex(), "c": 262144}


def add_labels(table: Table, rng: random.Random) -> None:
    for d in (0, 0.5, 1, 10, 20, 30, 40, 50, 100, 700, 740, 800):
        for offset in (0.0, 1.0, 1e4, 1e5):
            table.label(f"margin {d} offset {offset:g}", [d + offset, offset, offset - d], 0)
        table.label(f"margin {d} label last", [float(d), 0.0, -float(d)], 2)
    for c in SHORT:
        for scale in (1.0, 30.0):
            x = [rng.gauss(0, scale) for _ in range(c)]
            table.label(f"normal scale {scale:g} c{c}", x, rng.randrange(c))
            table.label(
                f"normal scale {scale:g} float32 c{c} top", single(x), max(range(c), key=x.__getitem__), "float32"
            )
            table.label(
                f"normal scale {scale:g} offset c{c} top", [v + 1e4 for v in x], max(range(c), key=x.__getitem__)
            )
    for name, x in {**LONG, "flat": FLAT}.items():
        table.label(name, x, 0)
        table.label(f"{name} float32", x if name != "flat" else {"flat": "0x1.8p-1", "c": 262144}, 17, "float32")
    for big in (50.0, 300.0, 700.0):
        x = single([big, 1e-8, -3e-5, 2e-20, big - 37.3])
        table.label(f"{big:g} beside 1e-8", x, 0, "float32")
        table.label(f"{big:g} beside 1e-8 label 1", x, 1, "float32")
    for t in (0.5, 2.0, 3.0):
        for d in (1.0, 20.3, 700.0, 700.0 * t):
            table.label(f"T {t:g} margin {d:g}", [d + 0.1, 0.1, -d / 3], 0, temperature=t)
        x = [rng.gauss(0, 9) for _ in range(129)]
        table.label(f"T {t:g} c129", x, max(range(129), key=x.__getitem__), temperature=t)
        table.label(f"T {t:g} c129 float32", single(x), 5, "float32", temperature=t)
    table.label("ties", [3.0, 3.0, 3.0, -700.0], 1)
    table.label("almost ties", [1.0, 1.0 - 2.0**-53, 1.0 - 2.0**-52], 0)
    table.label("mask", [1.0, -INF, 0.5], 0)
    table.label("label at -inf", [1.0, -INF, 0.5], 1)
    table.label("all but one masked", [-INF, 5.0, -INF], 1)
    table.label("+inf", [1.0, INF, 0.5], 1)
    table.label("+inf label elsewhere", [1.0, INF, 0.5], 0)
    table.label("+inf ties", [INF, 2.0, INF], 2)
    table.label("huge", [1e300, -1e300, 1e299], 2)
    table.label("float16", [2.5, -3.25, 0.0999755859375, 2.0**-24, -65504.0], 0, "float16")


def add_targets(table: Table, rng: random.Random) -> None:
    for c in (2, 3, 8, 129):
        for scale in (1.0, 100.0):
            x = [rng.gauss(0, scale) for _ in range(c)]
            weights = [rng.expovariate(1) for _ in range(c)]
            table.target(f"soft scale {scale:g} c{c}", x, [w / sum(weights) for w in weights])
            smooth = [0.9 * (j == 0) + 0.1 / c for j in range(c)]
            table.target(f"smoothed scale {scale:g} c{c}", x, smooth)
    for d in (20.0, 40.0, 700.0):
        table.target(f"one-hot margin {d:g}", [d, 0.0, -d], [1.0, 0.0, 0.0])
        table.target(f"tiny mass margin {d:g}", [d + 1e4, 1e4, 1e4 - d], [1.0 - 2.0**-40, 2.0**-40, 0.0])
    table.target("mask without mass", [1.0, -INF, 0.0], [0.25, 0.0, 0.75])
    table.target("mask with mass", [1.0, -INF, 0.0], [0.25, 0.25, 0.5])


def add_rows(table: Table, rng: random.Random) -> None:
    for c in SHORT:
        for scale in (1.0, 20.0):
            x = [rng.gauss(0, scale) for _ in range(c)]
            table.logits(f"normal scale {scale:g} c{c}", x, entries=c < 100)
            table.logits(
                f"normal scale {scale:g} offset 1e4 float32 c{c}",
                single([v + 1e4 for v in x]),
                "float32",
                entries=c < 10,
            )
    for d in (1.0, 20.0, 40.0, 100.0, 700.0):
        table.logits(f"margin {d:g}", [d, 0.0, -d])
        table.logits(f"margin {d:g} offset 1e5", [d + 1e5 + 0.1, 1e5 + 0.1, 1e5 - d])
    for t in (0.5, 2.0, 3.0):
        table.logits(f"T {t:g}", [rng.gauss(0, 20) for _ in range(9)], temperature=t)
    for name, x in {**LONG, "flat": FLAT}.items():
        table.logits(name, x, entries=False)
    table.logits("700 beside 1e-8", single([700.0, 1e-8, 663.1]), "float32")
    table.logits("mask", [0.3, -INF, -1.0, -INF])
    table.logits("one-hot by mask", [-INF, 0.0, -INF])
    table.logits("near zero lse", [-math.log(2), -math.log(2)])
    table.logits("+inf ties", [INF, 2.0, INF])


def add_tables(table: Table, rng: random.Random) -> None:
    for c in SHORT:
        p = [rng.expovariate(1) for _ in range(c)]
        table.table(f"unnormalised c{c}", p)
        table.table(f"float32 c{c}", single([v / sum(p) for v in p]), "float32")
        near = [1.0 - 1e-9] + [1e-9 * v / c for v in p[1:]]
        table.table(f"near-certain c{c}", near)
    table.table("certain and subnormal", [1.0, 5e-324, 1e-310])
    table.table("certain and 1e-300", [0.5, 1e-300, 0.0])
    table.table("one-hot", [0.0, 1.0, 0.0])
    table.table("all subnormal", [5e-324, 1e-323, 1.5e-323])
    table.table("huge", [1e300, 3e300, 1e-300])
    table.table("almost equal", [0.5, 0.5 - 2.0**-54, 0.5 - 2.0**-53])
    table.table("half and half", [0.5, 0.5])


def add_pairs(table: Table, rng: random.Random) -> None:
    exponents = (0, -2, -4, -6, -8, -10, -12)
    for c in (2, 3, 10, 129):
        for e in exponents:
            for offset in (0.0, 1e4) if c < 100 else (0.0,):
                a = [rng.gauss(0, 3) + offset for _ in range(c)]
                table.pair(f"c{c} eps 1e{e} offset {offset:g}", a, [v + 10.0**e * rng.gauss(0, 1) for v in a])
    for e in exponents:
        table.pair(f"c1000 eps 1e{e}", LONG["c1000"], {"near": LONG["c1000"], "eps": (10.0**e).hex(), "seed": 3 - e})
    for e in (0, -3, -6):
        table.pair(
            f"shifted c10 eps 1e{e}",
            a := [rng.gauss(0, 3) for _ in range(10)],
            [v + 1e5 + 10.0**e * rng.gauss(0, 1) for v in a],
        )
        table.pair(
            f"float32 c10 eps 1e{e}", single(a), single([v + 10.0**e * rng.gauss(0, 1) for v in a]), dtype="float32"
        )
    for scale in (5.0, 30.0, 200.0):
        for c in (3, 10, 129):
            table.pair(f"far scale {scale:g} c{c}", *([rng.gauss(0, scale) for _ in range(c)] for _ in range(2)))
    table.pair("far c1000", LONG["c1000"], {"steps": [6007, 5, 3001, 7], "c": 1000})
    table.pair("far c32000", LONG["c32000"], {"steps": [6007, 5, 3001, 7], "c": 32000})
    for t in (0.34, 0.35, 0.36, 0.5, 0.99, 1.0, 1.01, 1.3):
        for sign in (1, -1):
            table.pair(f"ratio about {sign * t:g}", [0.1, 0.0, -40.0], [0.1, sign * t, -40.0 + sign * t])
            table.pair(
                f"whole row about {sign * t:g}",
                a := [rng.gauss(0, 1) for _ in range(10)],
                [v + sign * t * (1 - 2 * (j % 2)) for j, v in enumerate(a)],
            )
    for d in (20.0, 50.0, 300.0, 700.0):
        table.pair(f"confident {d:g}", [d, 0.0, -1.0], [d + 1e-3, 0.0, -1.5])
        table.pair(f"confident {d:g} in one", [d, 0.0, -1.0], [1.0, 0.0, -1.5])
        table.pair(f"opposed {d:g}", [d, 0.0, -1.0], [0.0, d / 2, -1.5])
    table.pair("minor class far, major near", [2.0, 1.5, -69.0], [2.0 + 1e-10, 1.5, -64.0])
    table.pair("p underflows", [0.0, -800.0, -1.0], [0.0, -1.0, -2.0])
    table.pair("shared mask", [0.3, -INF, -1.0], [0.2, -INF, 0.1])
    table.pair("p masked", [0.3, -INF, -1.0], [0.2, 0.7, 0.1])
    table.pair("q masked", [0.3, 0.1, -1.0], [0.2, -INF, 0.1])
    table.pair("+inf ties", [INF, 0.0, INF], [0.5, 0.25, 0.1])
    table.pair("identical", a := [rng.gauss(0, 3) for _ in range(10)], a)
    table.pair("identical up to a shift", [0.5, 1.25, -3.0], [1024.5, 1025.25, 1021.0])
    for t in (0.5, 2.0, 3.0):
        for e in (0, -4, -8):
            table.pair(
                f"T {t:g} eps 1e{e}",
                a := [rng.gauss(0, 9) for _ in range(10)],
                [v + 10.0**e * rng.gauss(0, 1) for v in a],
                temperature=t,
            )


def add_table_pairs(table: Table, rng: random.Random) -> None:
    for c in (2, 3, 10, 129):
        for e in (0, -2, -4, -6, -8, -10, -12):
            p = [rng.expovariate(1) for _ in range(c)]
            p = [v / sum(p) for v in p]
            q = [v * math.exp(10.0**e * rng.gauss(0, 1)) for v in p]
            table.tables(f"c{c} eps 1e{e}", p, [v / sum(q) for v in q])
            if e >= -6:
                table.tables(f"float32 c{c} eps 1e{e}", single(p), single([v / sum(q) for v in q]), "float32")
        table.tables(
            f"counts c{c}",
            [float(rng.randrange(1, 1000)) for _ in range(c)],
            [float(rng.randrange(1, 10**6)) for _ in range(c)],
        )
        table.tables(f"rescaled c{c}", p, [7e5 * v * (1 + 1e-9 * rng.gauss(0, 1)) for v in p])
    quarter = 2.0**-30
    table.tables("case G", [0.25, 0.75], [0.25 + quarter, 0.75 - quarter])
    table.tables("case G reversed", [0.25 + quarter, 0.75 - quarter], [0.25, 0.75])
    table.tables("p_j = 0", [0.5, 0.0, 0.5], [0.25, 0.25, 0.5])
    table.tables("q_j = 0", [0.5, 0.25, 0.25], [0.5, 0.5, 0.0])
    table.tables("both zero", [0.5, 0.0, 0.5], [0.75, 0.0, 0.25])
    table.tables("q = 1e-306", [0.5, 0.3, 0.2], [0.5, 1e-306, 0.5])
    table.tables("q subnormal", [0.5, 0.3, 0.2], [0.5, 5e-324, 0.5])
    table.tables("q subnormal, p tiny", [0.7, 1e-300, 0.3], [0.5, 1e-320, 0.5])
    table.tables("p subnormal", [0.5, 5e-324, 0.5], [0.5, 0.25, 0.25])
    table.tables("golden A", [0.5, 0.3, 0.2], [0.2, 0.2, 0.6])
    table.tables("one-hot", [1.0, 0.0, 0.0], [0.7, 0.2, 0.1])
    table.tables("identical", [0.1, 0.2, 0.7], [0.1, 0.2, 0.7])
    table.tables("identical up to scale", [0.1, 0.2, 0.7], [0.4, 0.8, 2.8])
    table.tables("nearly certain", [1 - 1e-12, 1e-12], [1 - 3e-12, 3e-12])
    table.tables("tiny against tiny", [1.0, 1e-200, 1e-180], [1.0, 3e-200, 2e-180])


def main() -> None:
    table, rng = Table(), random.Random(53)
    for add in (add_labels, add_targets, add_rows, add_tables, add_pairs, add_table_pairs):
        add(table, rng)
    functions = (
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]"
        for name, cases in table.cases.items()
    )
    TABLE.write_text("{\n" + ",\n".join(functions) + "\n}\n")
    print({name: len(cases) for name, cases in table.cases.items()}, f"{TABLE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
