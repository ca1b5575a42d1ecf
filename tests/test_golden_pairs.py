"""Golden numbers of pairs of distributions, printed to 15 digits and more, each from 50-digit arithmetic.

Column A was also computed by other tools; the numbers of Cha's survey come from a compiled implementation of it.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from divtool.engine.chunk import Chunk, Part, Settings
from divtool.measures import load_families
from divtool.measures.declare import MEASURES

load_families()
INF = math.inf
PAIRS = {
    "A": ((0.5, 0.3, 0.2), (0.2, 0.2, 0.6)),
    "B": ((0.5, 0.5, 0.0), (0.25, 0.25, 0.5)),
    "C": ((0.5, 0.5), (1.0, 0.0)),
    "D": ((1.0, 0.0), (0.0, 1.0)),
    "F": ((1.0, 0.0, 0.0), (0.7, 0.2, 0.1)),
    "G": ((0.25, 0.75), (0.25 + 2.0**-30, 0.75 - 2.0**-30)),
}
# Verb, options, and the numbers of A, B, C, D and F
GOLDEN: list[tuple[str, dict[str, Any], str]] = [
    ("kl", {}, "0.360062440635905 0.693147180559945 inf inf 0.356674943938732"),
    ("f-divergence", {"f": "reverse-kl"}, "0.394816205204402 inf 0.693147180559945 inf inf"),
    ("jeffreys", {}, "0.754878645840307 inf inf inf inf"),
    ("js", {}, "0.0905658499552678 0.215761554338836 0.215761554338836 0.693147180559945 0.117276936778544"),
    ("js-distance", {}, "0.300941605557071 0.464501404022459 0.464501404022459 0.832554611157698 0.342457204302295"),
    ("k-divergence", {}, "0.0944045028955635 0.287682072451781 0.14384103622589 0.693147180559945 0.162518929497775"),
    ("topsoe", {}, "0.181131699910536 0.431523108677671 0.431523108677671 1.38629436111989 0.234553873557088"),
    (
        "js",
        {"weight": 0.3},
        "0.0752289587098856 0.162243612642671 0.214764933638007 0.610864302054893 0.0863516591788001",
    ),
    (
        "skew-kl",
        {"skew": 0.99},
        "0.352459669565877 0.683196849706777 1.95851777362585 4.60517018598809 0.352398387171472",
    ),
    ("tv", {}, "0.4 0.5 0.5 1 0.3"),
    ("l1", {}, "0.8 1 1 2 0.6"),
    ("linf", {}, "0.4 0.5 0.5 1 0.3"),
    ("l2", {}, "0.509901951359278 0.612372435695795 0.707106781186548 1.41421356237309 0.374165738677394"),
    ("bhattacharyya-coefficient", {}, "0.907586901808931 0.707106781186548 0.707106781186548 0 0.836660026534076"),
    ("bhattacharyya", {}, "0.0969659578587159 0.346573590279973 0.346573590279973 inf 0.178337471969366"),
    ("hellinger", {}, "0.303995227250476 0.541196100146197 0.541196100146197 1 0.40415340338283"),
    ("squared-hellinger", {}, "0.0924130981910688 0.292893218813452 0.292893218813452 1 0.163339973465924"),
    ("matusita", {}, "0.429914173274315 0.76536686473018 0.76536686473018 1.41421356237309 0.571559224343242"),
    ("chi2-pearson", {}, "0.766666666666667 1 inf inf 0.428571428571429"),
    ("chi2-neyman", {}, "1.01333333333333 inf 1 inf inf"),
    ("triangular", {}, "0.348571428571429 0.666666666666667 0.666666666666667 2 0.352941176470588"),
    ("le-cam", {}, "0.174285714285714 0.333333333333333 0.333333333333333 1 0.176470588235294"),
    ("chi2-additive", {}, "1.78 inf inf inf inf"),
    ("chernoff-information", {}, "0.0970209428167992 0.693147180559945 0.693147180559945 inf 0.356674943938732"),
    ("taneja", {}, "0.0981538115048089 inf inf inf inf"),
    ("kumar-johnson", {}, "2.0140145255183 inf inf inf inf"),
    ("renyi", {"order": 0.0}, "0 0.693147180559945 0 inf 0.356674943938732"),
    ("renyi", {"order": 0.5}, "0.193931915717432 0.693147180559945 0.693147180559945 inf 0.356674943938732"),
    ("renyi", {"order": 0.999999}, "0.360062150205931 0.693147180559945 693146.487412765 inf 0.356674943938732"),
    ("renyi", {"order": 1.0}, "0.360062440635905 0.693147180559945 inf inf 0.356674943938732"),
    ("renyi", {"order": 2.0}, "0.569094531889966 0.693147180559945 inf inf 0.356674943938732"),
    ("renyi", {"order": 3.0}, "0.670415993521567 0.693147180559945 inf inf 0.356674943938732"),
    ("renyi", {"order": INF}, "0.916290731874155 0.693147180559945 inf inf 0.356674943938732"),
    ("tsallis", {"order": 0.5}, "0.184826196382138 0.585786437626905 0.585786437626905 2 0.326679946931849"),
    ("tsallis", {"order": 0.999999}, "0.360062085383563 0.693146940333494 499999.65342629 1000000 0.356674880330232"),
    ("tsallis", {"order": 1.0}, "0.360062440635905 0.693147180559945 inf inf 0.356674943938732"),
    ("tsallis", {"order": 2.0}, "0.766666666666667 1 inf inf 0.428571428571429"),
    ("amari", {"alpha": -1.0}, "0.360062440635905 0.693147180559945 inf inf 0.356674943938732"),
    ("amari", {"alpha": 0.0}, "0.369652392764275 1.17157287525381 1.17157287525381 4 0.653359893863698"),
    ("amari", {"alpha": 0.5}, "0.380136099906096 2.16211435999274 0.848552451980189 5.33333333333333 1.25181024133138"),
    ("amari", {"alpha": 1.0}, "0.394816205204402 inf 0.693147180559945 inf inf"),
    ("amari", {"alpha": 3.0}, "0.506666666666667 inf 0.5 inf inf"),
    ("cressie-read", {"power": -0.5}, "0.73930478552855 2.34314575050762 2.34314575050762 8 1.3067197877274"),
    ("cressie-read", {"power": 2 / 3}, "0.738484299261465 1.05732189354276 inf inf 0.483181718766688"),
    ("cressie-read", {"power": 1.0}, "0.766666666666667 1 inf inf 0.428571428571429"),
    ("cressie-read", {"power": -2.0}, "1.01333333333333 inf 1 inf inf"),
    ("wasserstein", {}, "0.7 0.75 0.5 1 0.4"),
    ("energy-distance", {}, "0.707106781186548 0.790569415042095 0.707106781186548 1.41421356237309 0.447213595499958"),
    ("cramer", {}, "0.25 0.3125 0.25 1 0.1"),
    ("ks", {}, "0.4 0.5 0.5 1 0.3"),
    ("cosine", {}, "0.684762383262326 0.577350269189626 0.707106781186548 0 0.95257934441568"),
]
SURVEY = {
    "average-l1-linf": ".6", "clark": ".688239398311195", "squared-divergence": ".94734693877551",
    "canberra": "1.12857142857143", "wave-hedges": "1.6", "soergel": ".571428571428571",
    "kulczynski-d": "1.33333333333333", "lorentzian": ".694146680893029", "gower": ".266666666666667",
    "sorensen": ".4", "intersection": ".6", "harmonic-mean": ".825714285714286", "inner-product": ".28",
    "kumar-hassebrook": ".518518518518518", "jaccard": ".481481481481482", "dice": ".317073170731707",
    "minkowski": ".4514357435474",
}  # fmt: skip
# Nearly the same, and exact in binary
NEAR = {
    "kl": "2.3129646308062029e-18", "js": "5.7824115794089697e-19",
    "js-distance": "7.6042169744221329e-10", "squared-hellinger": "5.7824115794089697e-19",
    "tv": "9.31322574615478515625e-10",
}  # fmt: skip


def value_of(verb: str, options: dict[str, Any], case: str) -> float:
    declared = MEASURES.get(verb)
    sides = {role: Part(np.array([side]), "probs") for role, side in zip("pq", PAIRS[case], strict=True)}
    return float(Chunk(sides, None, Settings()).apply(declared.function, declared.needs, options)[0])


def matches(got: float, printed: str, relative: str = "1e-14") -> bool:
    """Whether a number is the printed one: to 1e-14 of it, or half a unit of the last digit that is printed."""
    if printed == "inf":
        return got == INF
    number = Decimal(printed)
    slack = max(abs(number) * Decimal(relative), Decimal(1).scaleb(number.as_tuple().exponent) / 2)
    # a short number is exact
    if len(number.as_tuple().digits) < 13:
        slack = abs(number) * Decimal(relative)
    return abs(Decimal(got) - number) <= slack


@pytest.mark.parametrize(("verb", "options", "printed"), GOLDEN, ids=lambda each: str(each)[:24])
def test_golden_pairs(verb: str, options: dict[str, Any], printed: str) -> None:
    got = {case: value_of(verb, options, case) for case in "ABCDF"}
    # 1 - 0.999999 is no double, and two columns are its reciprocal
    relative = "1e-10" if options == {"order": 0.999999} else "1e-14"
    wrong = {
        case: (got[case], text)
        for case, text in zip("ABCDF", printed.split(), strict=True)
        if not matches(got[case], text, relative)
    }
    assert wrong == {}


@pytest.mark.parametrize("verb", SURVEY)
def test_the_survey_on_pair_a(verb: str) -> None:
    got = value_of(verb, {}, "A")
    # other tools' numbers have the errors of other tools in their last digit
    assert got == pytest.approx(float(SURVEY[verb]), rel=2e-14)


@pytest.mark.parametrize("verb", NEAR)
def test_nearly_the_same(verb: str) -> None:
    assert matches(value_of(verb, {}, "G"), NEAR[verb])
