"""Write `pairs.json`: hard pairs of rows, bit by bit, and the true value there of every measure of a pair.

    python tests/accuracy/make_pairs.py

The values come from the textbook formulas of `tests/oracles_pairs.py` in so many digits that their cancellations do not
matter, and are written with 25.  The table is committed; running this again gives the same bytes.  It knows nothing of
divtool.
"""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

from make_table import LONG, hexes, single
from mpmath import mp, mpf
from recipes import row

sys.path.insert(0, str(Path(__file__).parents[1]))
from oracles import digits_for, proportions, softmax
from oracles_pairs import PAIRS

DIGITS = 25
TABLE = Path(__file__).with_name("pairs.json")
INF = math.inf

ORDERS = [0.0, 1e-6, 0.25, 0.5, 0.999999, 1.0, 1.0 + 1e-9, 2.0, 3.0, -1.0]
KEYWORDS: dict[str, list[dict[str, Any]]] = {
    "skew_kl": [{"skew": x} for x in (0.01, 0.5, 0.99, 1.0)],
    "js": [{"weight": x} for x in (0.5, 0.3, 0.01)],
    "f_divergence": [{"f": x} for x in ("kl", "reverse-kl", "squared-hellinger", "le-cam")],
    "renyi": [{"order": x} for x in (*ORDERS, INF)],
    "tsallis": [{"order": x} for x in ORDERS],
    "minka": [{"order": x} for x in ORDERS],
    "amari": [{"alpha": x} for x in (-3.0, -1.0, -0.999999, 0.0, 0.5, 1.0, 3.0)],
    "cressie_read": [{"power": x} for x in (-2.0, -1.0, -0.5, 0.0, 1e-9, 2 / 3, 1.0)],
    "chernoff": [{"order": x} for x in (0.0, 1e-6, 0.25, 0.5, 0.9, 1.0)],
    "minkowski": [{"order": x} for x in (1.0, 1.5, 3.0, INF)],
    "wasserstein": [{"order": x} for x in (1.0, 1.5, 2.0)],
    "js_members": [{}, {"weights": "0.5,0.3,0.2"}],
}
POSITIVES = ("generalized_kl", "itakura_saito")
EXPONENTS = (0, -2, -4, -6, -8, -10, -12)


class Pairs:
    """The inputs as they go into the file, a list for each kind of operand."""

    def __init__(self) -> None:
        self.logits: list[dict[str, Any]] = []
        self.tables: list[dict[str, Any]] = []
        self.members: list[dict[str, Any]] = []

    def of_logits(self, name: str, a: Any, b: Any, temperature: float = 1.0) -> None:
        self.logits.append({"name": name, "p": hexes(a), "q": hexes(b), "temperature": temperature})

    def of_tables(self, name: str, p: list[float], q: list[float]) -> None:
        self.tables.append({"name": name, "p": hexes(p), "q": hexes(q)})

    def of_members(self, name: str, *rows: list[float]) -> None:
        self.members.append({"name": name, "rows": [hexes(each) for each in rows]})


def near(rng: random.Random, row_: list[float], eps: float) -> list[float]:
    return [v + eps * rng.gauss(0, 1) for v in row_]


def add_logits(pairs: Pairs, rng: random.Random) -> None:
    for c in (2, 3, 10):
        for e in EXPONENTS:
            a = [rng.gauss(0, 3) + (1e4 if e % 4 else 0.0) for _ in range(c)]
            pairs.of_logits(f"logits c{c} eps 1e{e}", a, near(rng, a, 10.0**e))
    for e in (0, -5, -10):
        a = [rng.gauss(0, 3) for _ in range(129)]
        pairs.of_logits(f"logits c129 eps 1e{e}", a, near(rng, a, 10.0**e))
    for e in (-1, -8):
        pairs.of_logits(
            f"logits c1000 eps 1e{e}", LONG["c1000"], {"near": LONG["c1000"], "eps": (10.0**e).hex(), "seed": 3 - e}
        )
    # the normaliser changes far more than most classes do
    flat = [0.0, *(0.01 * rng.gauss(0, 1) for _ in range(299))]
    for sign in (1.0, -1.0):
        moved = [0.0, *(v + sign * (0.1 + 1e-7 * rng.gauss(0, 1)) for v in flat[1:])]
        pairs.of_logits(f"logits c300 all but one {sign:+g}", flat, moved)
    a = [rng.gauss(0, 3) for _ in range(10)]
    pairs.of_logits("logits shifted", a, [v + 1e5 + 1e-3 * rng.gauss(0, 1) for v in a])
    pairs.of_logits("logits float32", single(a), single(near(rng, a, 1e-3)))
    for scale in (5.0, 30.0, 200.0):
        for c in (3, 10):
            far = ([rng.gauss(0, scale) for _ in range(c)] for _ in range(2))
            pairs.of_logits(f"logits far scale {scale:g} c{c}", *far)
    for t in (0.34, 0.7, 0.99, 1.01, 1.5, 2.2, 3.9, 4.1):
        for sign in (1, -1):
            a = [0.1, 0.0, 0.3, -9.0]
            pairs.of_logits(
                f"logits ratio {sign * t:g}", a, [v + sign * t * (1 - 2 * (j % 2)) for j, v in enumerate(a)]
            )
    for d in (20.0, 50.0, 300.0, 700.0):
        pairs.of_logits(f"logits confident {d:g}", [d, 0.0, -1.0], [d + 1e-3, 0.0, -1.5])
        pairs.of_logits(f"logits confident {d:g} in one", [d, 0.0, -1.0], [1.0, 0.0, -1.5])
        pairs.of_logits(f"logits opposed {d:g}", [d, 0.0, -1.0], [0.0, d / 2, -1.5])
    pairs.of_logits("logits p underflows", [0.0, -800.0, -1.0], [0.0, -1.0, -2.0])
    pairs.of_logits("logits both underflow", [0.0, -800.0, -1.0], [0.0, -800.5, -1.25])
    pairs.of_logits("logits tiny gaps", [0.0, -400.0], [0.0, -400.5])
    pairs.of_logits("logits shared mask", [0.3, -INF, -1.0], [0.2, -INF, 0.1])
    pairs.of_logits("logits p masked", [0.3, -INF, -1.0], [0.2, 0.7, 0.1])
    pairs.of_logits("logits q masked", [0.3, 0.1, -1.0], [0.2, -INF, 0.1])
    pairs.of_logits("logits disjoint", [0.3, 0.1, -INF], [-INF, -INF, 0.1])
    pairs.of_logits("logits identical", a, a)
    pairs.of_logits("logits one class", [3.0], [1.0])
    for t in (0.5, 3.0):
        a = [rng.gauss(0, 9) for _ in range(10)]
        pairs.of_logits(f"logits T {t:g}", a, near(rng, a, 1e-5), t)


def add_tables(pairs: Pairs, rng: random.Random) -> None:
    for c in (2, 10, 129):
        for e in EXPONENTS if c == 10 else (0, -4, -9):
            p = [rng.expovariate(1) for _ in range(c)]
            p = [v / sum(p) for v in p]
            q = [v * math.exp(10.0**e * rng.gauss(0, 1)) for v in p]
            pairs.of_tables(f"tables c{c} eps 1e{e}", p, [v / sum(q) for v in q])
        p32, q32 = single(p), single([v / sum(q) for v in q])
        pairs.of_tables(f"tables float32 c{c}", p32, q32)
    counts = ([float(rng.randrange(1, 10**n)) for _ in range(5)] for n in (3, 6))
    pairs.of_tables("tables counts", *counts)
    quarter = 2.0**-30
    pairs.of_tables("tables case G", [0.25, 0.75], [0.25 + quarter, 0.75 - quarter])
    pairs.of_tables("tables p = 0", [0.5, 0.0, 0.5], [0.25, 0.25, 0.5])
    pairs.of_tables("tables q = 0", [0.5, 0.25, 0.25], [0.5, 0.5, 0.0])
    pairs.of_tables("tables both zero", [0.5, 0.0, 0.5], [0.75, 0.0, 0.25])
    pairs.of_tables("tables q = 1e-306", [0.5, 0.3, 0.2], [0.5, 1e-306, 0.5])
    pairs.of_tables("tables q subnormal", [0.5, 0.3, 0.2], [0.5, 5e-324, 0.5])
    pairs.of_tables("tables q subnormal, p tiny", [0.7, 1e-300, 0.3], [0.5, 1e-320, 0.5])
    pairs.of_tables("tables p subnormal", [0.5, 5e-324, 0.5], [0.5, 0.25, 0.25])
    pairs.of_tables("tables one-hot", [1.0, 0.0, 0.0], [0.7, 0.2, 0.1])
    pairs.of_tables("tables identical up to scale", [0.1, 0.2, 0.7], [0.4, 0.8, 2.8])
    pairs.of_tables("tables nearly certain", [1 - 1e-12, 1e-12], [1 - 3e-12, 3e-12])
    pairs.of_tables("tables tiny against tiny", [1.0, 1e-200, 1e-180], [1.0, 3e-200, 2e-180])


def add_members(pairs: Pairs, rng: random.Random) -> None:
    for e in (0, -3, -6, -9, -12):
        a = [rng.gauss(0, 3) for _ in range(10)]
        pairs.of_members(f"members eps 1e{e}", *(near(rng, a, 10.0**e) for _ in range(3)))
    pairs.of_members("members far", *([rng.gauss(0, 30) for _ in range(5)] for _ in range(3)))
    pairs.of_members("members, the first masked", [0.5, -INF, 1.0], [0.5, 0.25, 1.0], [0.25, 0.5, 0.75])
    pairs.of_members("members, others masked", [0.5, 1.5, 1.0], [0.5, -INF, 1.0], [-INF, 0.5, 0.75])
    pairs.of_members("members disjoint", [1.0, -INF, -INF], [-INF, 1.0, -INF], [-INF, -INF, 1.0])
    pairs.of_members("members identical", a, a, a)


def written(value: Any) -> str:
    if abs(value) < mpf(10) ** (30 - mp.dps):
        return "0.0"  # what rounding leaves of a difference of equal numbers
    return mp.nstr(value, DIGITS, strip_zeros=True) if mp.isfinite(value) else ("inf" if value > 0 else "-inf")


def true_values(pairs: Pairs) -> list[dict[str, Any]]:
    """For each measure and choice of keywords, the true value of every pair in the order of the file."""
    found: dict[tuple[str, str], list[str]] = {}
    cases = {(verb, json.dumps(k)): k for verb in PAIRS for k in KEYWORDS.get(verb, [{}])}

    def ask(verbs: Any, *operands: Any) -> None:
        for (verb, text), keywords in cases.items():
            if verb in verbs:
                found.setdefault((verb, text), []).append(written(PAIRS[verb](*operands, **keywords)))

    others = [verb for verb in PAIRS if verb not in (*POSITIVES, "js_members")]
    for each in pairs.logits:
        p, q = row(each["p"]), row(each["q"])
        mp.dps = 60 + digits_for(p, q, temperature=each["temperature"])
        ask(others, softmax(p, each["temperature"]), softmax(q, each["temperature"]))
    for each in pairs.tables:
        p, q = row(each["p"]), row(each["q"])
        mp.dps = 1000 if min(v for v in p + q if v) < 1e-30 else 160
        ask(others, proportions(p), proportions(q))
        ask(POSITIVES, [mpf(v) for v in p], [mpf(v) for v in q])
    for each in pairs.members:
        rows = [row(each_row) for each_row in each["rows"]]
        mp.dps = digits_for(*rows)
        ask(("js_members",), [softmax(each_row) for each_row in rows])
    return [{"verb": verb, "keywords": json.loads(text), "want": want} for (verb, text), want in found.items()]


def main() -> None:
    pairs, rng = Pairs(), random.Random(17)
    for add in (add_logits, add_tables, add_members):
        add(pairs, rng)
    parts = [
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(each) for each in cases) + "\n]"
        for name, cases in [*vars(pairs).items(), ("measures", true_values(pairs))]
    ]
    TABLE.write_text("{\n" + ",\n".join(parts) + "\n}\n")
    print({name: len(cases) for name, cases in vars(pairs).items()}, f"{TABLE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
