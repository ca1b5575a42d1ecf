"""Write `rows.json`: hard rows, bit by bit, and what each measure of one distribution, loss and transform is there.

    python tests/accuracy/make_rows.py

The values come from the textbook formulas of `tests/oracles_rows.py`, in so many digits that their cancellations do not
matter, and are written with 25.  The table is committed; running this again gives the same bytes.  It knows nothing of
divtool.  A case is the sides of a chunk and ``wants``: verb, options, value, and where the promise is an absolute one
how many u it allows.
"""

from __future__ import annotations

import json
import math
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mpmath import mp, mpf
from recipes import row

sys.path.insert(0, str(Path(__file__).parents[1]))
from oracles import digits_for, kl, log_softmax, proportions, softmax
from oracles_rows import CHANCES, LABELLED, NUMBERS, ROWS, SCORED, TRANSFORMS, distillation

DIGITS = 25
TABLE = Path(__file__).with_name("rows.json")
INF = math.inf
ORDERS = (0.0, 1e-6, 0.5, 0.999999, 1.0, 1.0 + 1e-9, 2.0, 3.0, 50.0, INF)
EXACT_GAP = "below the smallest double"
SHORT = (1, 2, 3, 10, 129)
LONG = {"steps": [7919, 13, 4001, 8], "c": 1000}

Case = dict[str, Any]
Want = list[Any]


def single(x: list[float]) -> list[float]:
    """Rounded to float32."""
    return [struct.unpack("f", struct.pack("f", v))[0] for v in x]


def hexes(x: Any) -> Any:
    return [v.hex() for v in x] if isinstance(x, list) else x


def text(value: Any) -> Any:
    if isinstance(value, list):
        return [text(v) for v in value]
    if mp.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) < mpf(10) ** (30 - mp.dps):  # what is left of a 0
        return "0"
    return mp.nstr(value, DIGITS, strip_zeros=True)


def want(verb: str, value: Any, slack: Any = 0, **options: Any) -> Want:
    """An entry of ``wants``; options stand as text, for the types that the verb declares."""
    entry = [verb.replace("_", "-"), {key: str(each) for key, each in options.items()}, text(value)]
    return entry if slack == 0 else [*entry, float(slack)]


# Rows


def logits(rng: random.Random) -> Iterator[Case]:
    """Rows of logits: certain, flat, long, masked."""
    for d in (0.0, 0.5, 1.0, 10.0, 20.0, 40.0, 100.0, 300.0, 700.0):
        yield {"name": f"margin {d:g}", "x": [d, 0.0, -d]}
        yield {"name": f"margin {d:g} offset 1e4", "x": [d + 1e4 + 0.1, 1e4 + 0.1, 1e4 - d / 2]}
    for c in SHORT:
        for scale in (1.0, 20.0):
            x = [rng.gauss(0, scale) for _ in range(c)]
            yield {"name": f"normal scale {scale:g} c{c}", "x": x}
            yield {"name": f"normal scale {scale:g} float32 c{c}", "x": single(x), "dtype": "float32"}
    for exponent in (1, 2, 4, 6, 8, 10, 12, 15):
        for c in (2, 3, 10):
            x = [10.0**-exponent * rng.gauss(0, 1) for _ in range(c)]
            yield {"name": f"near-uniform 1e-{exponent} c{c}", "x": x}
        x = [1.0 + 10.0**-exponent * rng.gauss(0, 1) for _ in range(10)]
        yield {"name": f"near-uniform 1e-{exponent} offset 1", "x": x}
    yield {"name": "near-uniform 1e-6 c129", "x": [1e-6 * rng.gauss(0, 1) for _ in range(129)]}
    yield {"name": "one far of a near-uniform c129", "x": [-0.5] + [1e-3 * rng.gauss(0, 1) for _ in range(128)]}
    yield {"name": "one above a near-uniform c129", "x": [0.5] + [1e-3 * rng.gauss(0, 1) for _ in range(128)]}
    yield {"name": "c1000", "x": LONG}
    yield {"name": "flat c1000", "x": {"flat": (0.1).hex(), "c": 1000}}
    for t in (0.5, 2.0, 3.0):
        for d in (1.0, 20.3, 700.0):
            yield {"name": f"T {t:g} margin {d:g}", "x": [d + 0.1, 0.1, -d / 3], "temperature": t}
        yield {"name": f"T {t:g} c10", "x": [rng.gauss(0, 9) for _ in range(10)], "temperature": t}
    yield {"name": "mask", "x": [0.3, -INF, -1.0, -INF]}
    yield {"name": "one-hot by mask", "x": [-INF, 0.0, -INF]}
    yield {"name": "ties", "x": [3.0, 3.0, 3.0, -700.0]}
    yield {"name": EXACT_GAP, "x": [800.0, 0.0]}


def tables(rng: random.Random) -> Iterator[Case]:
    """Rows of probabilities."""
    for c in SHORT:
        p = [rng.expovariate(1) for _ in range(c)]
        p = [v / sum(p) for v in p]
        yield {"name": f"table c{c}", "x": p}
        yield {"name": f"table float32 c{c}", "x": single(p), "dtype": "float32"}
        yield {"name": f"table near-certain c{c}", "x": [1.0 - 1e-9] + [1e-9 * v / c for v in p[1:]]}
    for exponent in (1, 4, 8, 12, 15):
        p = [0.1 * (1.0 + 10.0**-exponent * rng.gauss(0, 1)) for _ in range(10)]
        yield {"name": f"table near-uniform 1e-{exponent}", "x": p}
    yield {"name": "table certain and subnormal", "x": [1.0, 5e-324, 1e-310]}
    yield {"name": "table 1e-56", "x": [1.0, 1e-56, 3.7e-31]}
    yield {"name": "table one-hot", "x": [0.0, 1.0, 0.0]}
    yield {"name": "table half and half", "x": [0.5, 0.5, 0.0]}
    yield {"name": "table weather", "x": [0.5, 0.3, 0.2]}
    for t in (0.5, 2.0, 3.0):
        yield {"name": f"table T {t:g}", "x": [0.7, 1e-20, 0.3, 1e-300], "temperature": t}
    yield {"name": "counts", "x": [3.0, 2.0, 1.0], "kind": "counts"}


def exact(case: Case) -> list[mpf]:
    """The distribution of a case, after setting the digits that it needs."""
    x, temperature = row(hexes(case["x"])), case.get("temperature", 1.0)
    if case["kind"] == "logits":
        finite = [v for v in x if v > -INF]
        near = any(abs(v - max(x)) < 1.0 for v in finite)
        mp.dps = digits_for(x, temperature=temperature) * (1 if near and len(x) > 100 else 2)
        return softmax(x, temperature)
    mp.dps = 1000 if min(v for v in x if v) < 1e-30 else 150
    p = proportions(x)
    return p if temperature == 1.0 else TRANSFORMS["temper"](p, temperature)


def of_one(p: list[mpf], case: Case) -> Iterator[Want]:
    for verb, oracle in ROWS.items():
        if verb in ("renyi_entropy", "tsallis_entropy", "hill"):
            # a root of what is no normal number shows how few digits it has
            few = min(v for v in p if v) < mpf(2) ** -1022 and case["name"] != EXACT_GAP
            orders = [a for a in ORDERS if not (few and 0.0 < a < 1.0)]
            yield from (want(verb, oracle(p, order), order=order) for order in orders)
        elif verb != "energy_score":
            yield want(verb, oracle(p))
    x, t = row(hexes(case["x"])), case.get("temperature", 1.0)
    if case["kind"] == "logits" and -INF not in x:
        yield want("energy_score", ROWS["energy_score"](x, t), 4 * (t + max(map(abs, x))))
    if len(p) < 20:
        if case["kind"] == "logits":
            yield want("softmax", p)
            yield want("log_softmax", log_softmax(x, t))
        yield want("temper", p)


# Losses


def soft_slack(q: list[mpf], truth: list[Any]) -> mpf:
    """How a soft truth that is nearly met shows the rounding of both: in u, of a sum of squared errors."""
    return mp.fsum(8 * abs(a - mpf(t)) * (a + mpf(t)) + mpf(2) ** -50 for a, t in zip(q, truth, strict=True))


def of_label(q: list[mpf], truth: list[Any], temperature: float = 1.0) -> Iterator[Want]:
    hard = 1 in truth
    slack = 0 if hard else soft_slack(q, truth)
    for half in (False, True):
        yield want("brier", LABELLED["brier"](q, truth, half), slack, half=half)
    yield want("el2n", LABELLED["el2n"](q, truth), 0 if hard else 8)
    yield want("spherical", LABELLED["spherical"](q, truth))
    yield want("ce", LABELLED["ce"](q, truth))
    yield want("perplexity", LABELLED["perplexity"](q, truth))
    if len(q) < 20:
        yield want("ce_gradient", TRANSFORMS["ce_gradient"](q, truth, None, temperature), 0 if hard else 8)
    if not hard:
        return
    for gamma in (0.0, 0.5, 2.0, 5.0):
        yield want("focal", LABELLED["focal"](q, truth, gamma), gamma=gamma)
    for epsilon in (-1.0, -0.5, 0.0, 1.0, 2.0):
        yield want("poly_1", LABELLED["poly_1"](q, truth, epsilon), epsilon=epsilon)
    yield want("error_rate", LABELLED["error_rate"](q, truth))
    for k in (1, 2, 5):
        yield want("top_k_error", LABELLED["top_k_error"](q, truth, k), k=k)


def of_order(q: list[mpf], truth: list[Any]) -> Iterator[Want]:
    slack = 0 if 1 in truth else 4 * len(q) * soft_slack(q, truth)
    for normalized in (False, True):
        yield want("rps", LABELLED["rps"](q, truth, normalized), slack, normalized=normalized)


def one_hot(y: int, c: int) -> list[float]:
    return [float(k == y) for k in range(c)]


def labelled(rng: random.Random) -> Iterator[Case]:
    """Rows of predictions with hard, smoothed and soft truths."""
    for case in [c | {"kind": "logits"} for c in logits(rng)] + [{"kind": "probs"} | c for c in tables(rng)]:
        x = row(hexes(case["x"]))
        if case["kind"] == "counts" or len(x) < 2 or (case["kind"] == "probs" and "temperature" in case):
            continue
        q = exact(case)
        if case["kind"] == "probs":
            q = [mpf(v) for v in x]
        top = max(range(len(x)), key=x.__getitem__)
        for y in {top, len(x) - 1, 0} if len(x) < 100 else {top, 7}:
            truth = one_hot(y, len(x))
            wants = list(of_label(q, truth, case.get("temperature", 1.0)))
            if case["kind"] == "logits":
                wants += of_order(q, truth)
            yield case | {"name": f"{case['name']} label {y}", "y": y, "wants": wants}
        soft = [rng.expovariate(1) for _ in x]
        soft = [v / sum(soft) for v in soft]
        if len(x) > 1 and len(x) < 100 and -INF not in x and 0.0 not in x:
            wants = list(of_label(q, soft, case.get("temperature", 1.0))) + (
                list(of_order(q, soft)) if case["kind"] == "logits" else []
            )
            yield case | {"name": f"{case['name']} soft", "truth": soft, "wants": wants}


def stored_losses() -> Iterator[Case]:
    mp.dps = 60
    for x, y in (([-0.25, -1.5, -40.0], 2), ([1.0, 2.0, 3.0], 2), ([-INF, 0.0, -INF], 1), ([-INF, 0.0, -1.0], 0)):
        wants = [want("nll", LABELLED["nll"](x, one_hot(y, 3)))]
        yield {"name": f"stored {x} label {y}", "x": x, "kind": "log-probs", "y": y, "wants": wants}
    x, truth = [-0.25, -1.5, -INF], [0.25, 0.75, 0.0]
    wants = [want("nll", LABELLED["nll"](x, truth))]
    yield {"name": "stored, soft", "x": x, "kind": "log-probs", "truth": truth, "wants": wants}


# Yes-or-no questions

ANSWERS = (0.0, 1.0, 0.3, 1e-10, 1.0 - 1e-10)
SCORES = (
    -800.0,
    -700.0,
    -300.3,
    -40.1,
    -20.0,
    -1.0,
    -1e-8,
    0.0,
    1e-300,
    0.5,
    1.0,
    17.3,
    36.9,
    40.0,
    100.0,
    745.0,
    800.0,
)


def answered(rng: random.Random) -> Iterator[Case]:
    for z in SCORES:
        for y in ANSWERS:
            mp.dps = 60 + int(abs(z) * 2)
            wants = [want("bce", SCORED["bce"]([z], [y]))]
            if abs(z) != 745.0:  # thrice the smallest number is thrice its rounding
                wants += [want("bce", SCORED["bce"]([z], [y], pos_weight="3"), pos_weight="3")]
            slack = 0 if y in (0.0, 1.0) else soft_slack(TRANSFORMS["sigmoid"]([z]), [y])
            wants += [want("quadratic_cost", SCORED["quadratic_cost"]([z], [y]), slack)]
            wants += [want("bce_gradient", TRANSFORMS["bce_gradient"]([z], [y]), 0 if y in (0.0, 1.0) else 4)]
            wants += [want("sigmoid", TRANSFORMS["sigmoid"]([z])), want("log_sigmoid", TRANSFORMS["log_sigmoid"]([z]))]
            yield {"name": f"z {z:g} y {y!r}", "x": [z], "kind": "logits", "truth": [y], "wants": wants}
    yield from several_answers(rng)
    for t in (0.5, 3.0):
        z = [-700.1, -3.3, 0.7, 36.9, 500.3]
        mp.dps = 1500
        wants = [want("sigmoid", TRANSFORMS["sigmoid"](z, t)), want("log_sigmoid", TRANSFORMS["log_sigmoid"](z, t))]
        yield {"name": f"z T {t:g}", "x": z, "kind": "logits", "temperature": t, "wants": wants}
    yield from chances()


def several_answers(rng: random.Random) -> Iterator[Case]:
    for c in (3, 20, 129):
        z, y = [rng.gauss(0, 5) for _ in range(c)], [float(rng.random() < 0.3) for _ in range(c)]
        mp.dps = 150
        each = ",".join(repr(round(rng.expovariate(1), 3)) for _ in range(c))
        wants = [want("bce", SCORED["bce"](z, y, over=over), over=over) for over in ("mean", "sum")]
        wants += [want("bce", SCORED["bce"](z, y, pos_weight=each), pos_weight=each)]
        if c < 20:
            wants += [want("bce_gradient", TRANSFORMS["bce_gradient"](z, y, pos_weight=each), pos_weight=each)]
        wants += [want("quadratic_cost", SCORED["quadratic_cost"](z, y))]
        yield {"name": f"answers c{c}", "x": z, "kind": "logits", "truth": y, "wants": wants}
        weights = [rng.expovariate(1) for _ in range(c)]
        wants = [want("bce", SCORED["bce"](z, y, weights=weights))]
        wants += [want("bce_gradient", TRANSFORMS["bce_gradient"](z, y, weights=weights))] if c < 20 else []
        yield {"name": f"weighted answers c{c}", "x": z, "kind": "logits", "truth": y, "weights": weights,
               "wants": wants}  # fmt: skip


def chances() -> Iterator[Case]:
    for p in (0.0, 5e-324, 1e-300, 1e-10, 0.25, 0.5, 0.75, 1.0 - 1e-10, 1.0 - 2.0**-53, 1.0):
        for y in (0.0, 1.0, 0.3):
            mp.dps = 400
            slack = 0 if y in (0.0, 1.0) else soft_slack([mpf(p)], [y])
            wants = [want("bce", CHANCES["bce"]([p], [y]))]
            wants += [want("quadratic_cost", CHANCES["quadratic_cost"]([p], [y]), slack)]
            yield {"name": f"chance {p!r} y {y}", "x": [p], "kind": "chances", "truth": [y], "wants": wants}


# Numbers


def vectors(rng: random.Random) -> Iterator[Case]:
    def case(name: str, a: list[float], b: list[float]) -> Case:
        mp.dps = 700 if max(map(abs, a + b)) > 1e100 or min(map(abs, a + b)) < 1e-100 else 120
        cosine = NUMBERS["cosine_similarity"](a, b)
        wants = [want("cosine_similarity", cosine, 4)]
        cases = {"a": a, "b": b, "sign": [1.0], "name": name, "wants": wants}
        far = 0 if 1 - cosine > 1e-12 else 2.0**-60
        wants += [want("cosine_embedding", NUMBERS["cosine_embedding"](a, b, [1.0]), far)] if abs(cosine) < 1 else []
        return cases

    for c in (2, 3, 10, 129, 1000):
        a, b = ([rng.gauss(0, 1) for _ in range(c)] for _ in range(2))
        if c < 1000:
            yield case(f"vectors c{c}", a, b)
            yield case(f"vectors float32 c{c}", single(a), single(b))
            yield case(f"huge and tiny c{c}", [1e200 * v for v in a], [1e-200 * v for v in b])
        for e in (1e-2, 1e-5, 1e-7):
            if c < 200:
                yield case(f"near-parallel {e:g} c{c}", a, [3.0 * v + e * rng.gauss(0, 1) for v in a])
    yield case("near-orthogonal", [1.0, 1.0, 1.0], [1.0, -1.0 + 2.0**-40, -(2.0**-40) + 2.0**-50])
    yield case("orthogonal", [1.0, 2.0, 0.0], [2.0, -1.0, 5.0])
    yield case("opposed", [1.0, 2.0, 3.0], [-1.0, -2.0, -3.5])
    yield case("golden", [1.0, 2.0, 3.0], [2.0, 0.0, 1.0])
    mp.dps = 60
    for sign, margin in ((-1.0, 0.0), (-1.0, 0.3), (-1.0, 0.7), (1.0, 0.0)):
        a, b = [1.0, 2.0, 3.0], [2.0, 0.0, 1.0]
        loss = NUMBERS["cosine_embedding"](a, b, [sign], margin)
        yield {"name": f"sign {sign:g} margin {margin:g}", "a": a, "b": b, "sign": [sign],
               "wants": [want("cosine_embedding", loss, 4 if sign < 0 else 0, margin=margin)]}  # fmt: skip


def regressions(rng: random.Random) -> Iterator[Case]:
    mp.dps = 60
    for c in (1, 2, 10, 129):
        mean, x = ([rng.gauss(0, 3) for _ in range(c)] for _ in range(2))
        variance = [rng.expovariate(1) for _ in range(c)]
        size = (
            mp.fsum(
                abs(mp.log(v)) + (mpf(m) - mpf(t)) ** 2 / mpf(v) + 2 for m, t, v in zip(mean, x, variance, strict=True)
            )
            / c
        )
        wants = [
            want("gaussian_nll", NUMBERS["gaussian_nll"](mean, x, variance, full), 4 * size, full=full)
            for full in (False, True)
        ]
        yield {"name": f"gaussian c{c}", "q": mean, "p": x, "variance": variance, "wants": wants}
    for variance in (1e-300, 1e-6, 1e-7, 0.0, 1e300):
        wants = [want("gaussian_nll", NUMBERS["gaussian_nll"]([1.0], [3.5], [variance]), 3000)]
        yield {"name": f"gaussian variance {variance:g}", "q": [1.0], "p": [3.5], "variance": [variance],
               "wants": wants}  # fmt: skip
    yield from counts(rng)


def counts(rng: random.Random) -> Iterator[Case]:
    mp.dps = 60
    for t in (
        0.0,
        1.0,
        2.0,
        3.0,
        5.0,
        7.0,
        8.0,
        9.0,
        10.0,
        20.0,
        169.0,
        1e4,
        1e9,
        0.5,
        1e-8,
        1.0 + 1e-7,
        2.5,
        3.7,
        8.4,
    ):
        for x in (-3.0, 0.0, 1.0, 2.3):
            wants = []
            for full in ("none", "stirling", "exact"):
                slack = 8 * (mp.exp(x) + abs(x * t) + (mp.loggamma(t + 1) + t if full != "none" else 0))
                wants += [want("poisson_nll", NUMBERS["poisson_nll"]([x], [t], True, full), slack, full=full)]
                rate = math.exp(x)
                wants += [
                    want("poisson_nll", NUMBERS["poisson_nll"]([rate], [t], False, full), slack, full=full,
                         log_input=False)
                ]  # fmt: skip
            yield {"name": f"poisson t {t!r} x {x:g}", "q": [x], "p": [t], "wants": wants[::2]}
            yield {"name": f"poisson t {t!r} rate e^{x:g}", "q": [math.exp(x)], "p": [t], "wants": wants[1::2]}
    rates, seen = [rng.gauss(0, 1) for _ in range(129)], [float(rng.randrange(20)) for _ in range(129)]
    wants = [want("poisson_nll", NUMBERS["poisson_nll"](rates, seen, True, "exact"), 300, full="exact")]
    yield {"name": "poisson c129", "q": rates, "p": seen, "wants": wants}


# The rest


def truths() -> Iterator[Case]:
    mp.dps = 60
    for c, y in ((2, 1), (3, 0), (10, 9)):
        hot = one_hot(y, c)
        yield {"name": f"label {y} of {c}", "y": y, "classes": c, "smoothing": 0.1,
               "wants": [want("smooth_labels", TRANSFORMS["smooth_labels"](hot, 0.1))]}  # fmt: skip
        yield {"name": f"label {y} of {c} alone", "y": y, "classes": c,
               "wants": [want("one_hot", TRANSFORMS["one_hot"](hot))]}  # fmt: skip
    for x in ([1.0, 2.0, 5.0], [5e-324, 1e-323, 1.5e-323], [1e300, 3e300, 1e-300], [0.1, 0.2, 0.7]):
        mp.dps = 1000
        yield {"name": f"normalize {x}", "x": x, "kind": "positives", "wants": [want("normalize", proportions(x))]}


def gradients(rng: random.Random) -> Iterator[Case]:
    for d in (0.0, 1.0, 20.0, 40.0, 300.0):
        for y in (0, 2):
            z, truth = [d, 0.25, -d], one_hot(y, 3)
            mp.dps = 200 + 8 * int(d)
            wants = [
                want("quadratic_gradient", TRANSFORMS["quadratic_gradient"](z, truth, through), through=through)
                for through in ("sigmoid", "softmax")
            ]
            yield {"name": f"gradient margin {d:g} label {y}", "x": z, "kind": "logits", "y": y, "wants": wants}
    x, weights, y = [rng.gauss(0, 3) for _ in range(5)], [1.0, 2.5, 0.0, 0.3, 5.0], 1
    mp.dps = 150
    smooth = [0.9 * (k == y) + 0.1 / 5 for k in range(5)]
    hot = one_hot(y, 5)
    for name, truth, extra in (("hard", hot, {"y": y}), ("soft", smooth, {"truth": smooth})):
        wants = [want("ce_gradient", TRANSFORMS["ce_gradient"](softmax(x), truth, weights), 8 if name == "soft" else 0)]
        yield {
            "name": f"weighted gradient {name}",
            "x": x,
            "kind": "logits",
            "weights": weights,
            "wants": wants,
            **extra,
        }
    wants = [want("ce_gradient", TRANSFORMS["ce_gradient"](softmax(x, 3.0), hot, None, 3.0))]
    yield {"name": "gradient T 3", "x": x, "kind": "logits", "y": y, "temperature": 3.0, "wants": wants}


def teachers(rng: random.Random) -> Iterator[Case]:
    for t in (1.0, 2.0, 3.0):
        for e in (0, -4, -8, -12):
            a = [rng.gauss(0, 3) for _ in range(10)]
            b = [v + 10.0**e * rng.gauss(0, 1) for v in a]
            mp.dps = 150
            p, q = softmax(a, t), softmax(b, t)
            assert abs(distillation(p, q, t) - mpf(t) ** 2 * kl(p, q)) < 1e-100
            yield {"name": f"teacher T {t:g} eps 1e{e}", "a": a, "b": b, "kind": "logits", "temperature": t,
                   "wants": [want("distillation", distillation(p, q, t))]}  # fmt: skip


def ones(rng: random.Random) -> Iterator[Case]:
    """Every row as a distribution of its own."""
    for case in [c | {"kind": "logits"} for c in logits(rng)] + [{"kind": "probs"} | c for c in tables(rng)]:
        yield case | {"wants": list(of_one(exact(case), case))}


def main() -> None:
    rng = random.Random(29)
    groups = {
        "ones": ones(rng), "labelled": labelled(rng), "stored": stored_losses(), "answered": answered(rng),
        "vectors": vectors(rng), "regressions": regressions(rng), "truths": truths(), "gradients": gradients(rng),
        "teachers": teachers(rng),
    }  # fmt: skip
    rows = ("x", "a", "b", "p", "q", "truth", "weights", "variance", "sign")
    written = {}
    for group, cases in groups.items():
        lines = [{k: hexes(v) if k in rows else v for k, v in case.items()} for case in cases]
        written[group] = f"{json.dumps(group)}: [\n" + ",\n".join(map(json.dumps, lines)) + "\n]"
        print(group, len(lines), len(written[group]))
    TABLE.write_text("{\n" + ",\n".join(written.values()) + "\n}\n")


if __name__ == "__main__":
    main()
