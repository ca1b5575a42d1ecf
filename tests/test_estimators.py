"""Estimators of entropy: golden rows, exact biases, mpmath, and what may be asked for."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import oracles_counts as oracles
import pytest
from mpmath import mp, mpf

from divtool.errors import InputError, UsageError
from divtool.measures.estimators import ESTIMATORS, estimated, estimator
from divtool.measures.estimators import names as names_of_estimators
from divtool.numerics.counts_of_counts import CountsOfCounts
from divtool.numerics.exactsum import exact_sum

U = 2.0**-53
GOLDEN = {
    "plug-in": 1.011404264707352,
    "miller-madow": 1.178070931374018,
    "zhang": 1.2,
    "grassberger-1988": 1.382864023018477,
    "grassberger-ln": 1.395455648022867,
    "grassberger": 1.309813847226612,
    "chao-shen": 1.257316134209515,
    "chao-wang-jost": 1.253454429057866,
    "bonachela": 0.953422619047619,
    "dirichlet:jeffreys": 1.043757036331408,
    "dirichlet:0.5": 1.043757036331408,
    "dirichlet:laplace": 1.060856947158021,
    "dirichlet:perks": 1.035360560684984,
    "dirichlet:minimax": 1.055661238765139,
    "dirichlet:0": 1.011404264707352,
    "wolpert-wolf": 0.9236008436008436,
    "wolpert-wolf:1": 0.9585978835978836,
    "shrink": math.log(3),
    "nsb": 0.98684812065502,
}
# the last two from the documentation of other programs, which print fewer digits
NSB = [
    ([3, 2, 1], 4, 1.1443686795661),
    ([3, 2, 1], 10, 1.44950305085227),
    ([4, 12, 4, 5, 3, 1, 5, 1, 2, 2, 2, 2, 11, 3, 4, 12, 12, 1, 2], 100, 2.80609691605433),
    ([7, 3, 5, 8, 9, 1, 3, 3, 1, 0, 2, 5, 2, 11, 4, 23, 5, 0, 8, 0], 20, 2.62363434479313),
]
SAMPLES = [
    ([1], 2), ([1, 1], 2), ([2], 3), ([2, 2], 2), ([1] * 9, 20), ([5, 4], 2), ([3, 2, 1], 3), ([1, 1, 1, 7], 9),
    ([40, 1], 2), ([999, 1], 3), ([100, 101, 99, 100], 4), ([2, 2, 2, 1, 1, 60, 61, 7, 7, 30], 12), ([1, 1, 300], 400),
]  # fmt: skip
PROMISES = {"plug-in": 8, "miller-madow": 8, "dirichlet": 16, "shrink": 16, "chao-shen": 64, "chao-wang-jost": 64}


def value(asked: str, counts: Any, support: int | None = None) -> float:
    """The estimate by a name; plug-in is among the registered ones too."""
    name, colon, parameter = asked.partition(":")
    return estimated(ESTIMATORS.get(name).estimate(parameter if colon else None), counts, support)


class TestValues:
    @pytest.mark.parametrize("asked", GOLDEN)
    def test_golden(self, asked: str) -> None:
        assert value(asked, [3, 2, 1], 3) == pytest.approx(GOLDEN[asked], abs=5e-15)

    def test_every_estimator_has_a_golden_value(self) -> None:
        assert {asked.partition(":")[0] for asked in GOLDEN} == set(ESTIMATORS.names())

    @pytest.mark.parametrize(("counts", "support", "golden"), NSB)
    def test_golden_nsb(self, counts: list[int], support: int, golden: float) -> None:
        assert value("nsb", counts, support) == pytest.approx(golden, abs=1e-13)

    @pytest.mark.parametrize("name", [each for each in ESTIMATORS.names() if each != "nsb"])
    def test_against_mpmath(self, name: str) -> None:
        arguments: tuple[Any, ...] = (0.7,) if ESTIMATORS.get(name).parameters else ()
        asked = f"{name}:0.7" if arguments else name
        with mp.workdps(60):
            for counts, support in SAMPLES:
                true = getattr(oracles, name.replace("-", "_"))(counts, support, *arguments)
                # parts of both signs: of 1 at the most, or of the value
                size = max(abs(true), mpf(1)) if name.startswith("grassberger") else abs(true)
                assert abs(value(asked, counts, support) - true) <= PROMISES.get(name, 32) * U * size + 1e-50, (
                    counts,
                    support,
                )

    @pytest.mark.parametrize(("counts", "support"), [([5], 3), ([1, 1], 2), ([9, 9, 1, 40], 30), ([2 * 10**6] * 3, 3)])
    def test_nsb_against_mpmath(self, counts: list[int], support: int) -> None:
        with mp.workdps(60):
            assert value("nsb", counts, support) == pytest.approx(float(oracles.nsb(counts, support)), rel=1e-12)


def bias(asked: str, p: list[float], cases: int) -> float:
    """The exact bias: over all count vectors of so many cases."""
    expected = []
    for counts in product(range(cases + 1), repeat=len(p) - 1):
        last = cases - sum(counts)
        if last >= 0:
            vector = [*counts, last]
            ways = math.factorial(cases) / math.prod(map(math.factorial, vector))
            chance = ways * math.prod(share**n for share, n in zip(p, vector, strict=True))
            expected.append(chance * value(asked, vector, len(p)))
    return math.fsum(expected) + math.fsum(share * math.log(share) for share in p)


class TestBias:
    @pytest.mark.parametrize(
        ("asked", "golden"),
        [("plug-in", -0.176), ("miller-madow", -0.078), ("zhang", -0.066), ("grassberger", -0.012),
         ("grassberger-1988", 0.015)],
    )  # fmt: skip
    def test_uneven(self, asked: str, golden: float) -> None:
        assert bias(asked, [0.7, 0.1, 0.1, 0.1], 10) == pytest.approx(golden, abs=5e-4)

    @pytest.mark.parametrize("cases", [5, 10, 20])
    def test_even_pair(self, cases: int) -> None:
        assert bias("grassberger", [0.5, 0.5], cases) == pytest.approx(0.0, abs=5e-5)

    def test_even_four(self) -> None:
        assert bias("grassberger", [0.25] * 4, 10) == pytest.approx(-0.0002, abs=5e-5)
        assert bias("grassberger-ln", [0.25] * 4, 10) == pytest.approx(0.05, abs=5e-3)


class TestLaws:
    @pytest.mark.parametrize("name", ESTIMATORS.names())
    def test_order_zeros_and_types_change_no_bit(self, name: str) -> None:
        counts = [7, 3, 1, 1, 2, 9]
        first = value(name, counts, 8)
        for other in (
            counts[::-1],
            [0, *counts, 0],
            np.array(counts),
            np.array(counts, object),
            np.array(counts, np.uint8),
        ):
            assert value(name, other, 8) == first
        assert value(name, CountsOfCounts.of(counts), 8) == first

    @pytest.mark.parametrize("name", ESTIMATORS.names())
    def test_many_cases(self, name: str) -> None:
        """With 10^13 cases and more, all say what the shares say."""
        for scale in (10**13, 10**30):
            assert value(name, [scale, 3 * scale], 2) == pytest.approx(0.5623351446188083, rel=1e-12)

    def test_shares_beyond_the_doubles(self) -> None:
        assert value("plug-in", [1 << 1100, 1]) == pytest.approx(1100 * math.log(2) * 2.0**-1100, abs=0)
        assert value("plug-in", [1 << 1100, 1 << 1100]) == math.log(2)
        with pytest.raises(InputError, match="cases"):
            value("zhang", [1 << 1100, 1])

    def test_one_outcome(self) -> None:
        for name in ("plug-in", "miller-madow", "zhang", "chao-shen", "chao-wang-jost", "nsb", "shrink", "dirichlet"):
            assert value(name, [7], 1) == 0.0, name

    def test_coverage_of_very_many_cases(self) -> None:
        """The correction for the unseen at N = 10^13 against its integral."""
        once, total = 3, 10**13
        counts = [total - once - 2, *[1] * once, 2]
        with mp.workdps(40):
            a = mpf(2) / ((total - 1) * once + 2)
            unseen = mp.quad(
                lambda v: mp.exp(-v) / (total * a + (1 - a) * total * -mp.expm1(-v / total)), [0, 1, 10, 90]
            )
            true = mpf(once) / total * (1 - a) * unseen
        excess = value("chao-wang-jost", counts) - value("zhang", counts)
        assert excess == pytest.approx(float(true), rel=1e-9)

    def test_distinct_counts_by_the_thousand(self) -> None:
        counts = np.arange(1, 60_001)
        counted = CountsOfCounts.of(counts)
        assert counted.cases == 60_000 * 60_001 // 2
        assert value("grassberger", counted) == pytest.approx(value("plug-in", counts), abs=1e-4)

    def test_exact_sums_agree(self) -> None:
        terms = np.random.default_rng(2).standard_normal(5000) * 1e3
        assert exact_sum(terms) == math.fsum(terms.tolist())


class TestAsked:
    def test_plug_in_is_none(self) -> None:
        assert estimator("plug-in") is None

    def test_support_is_what_occurs_unless_told(self) -> None:
        shrunk = estimator("wolpert-wolf:1")
        assert shrunk is not None
        assert shrunk(np.array([3, 2, 1]), None) == value("wolpert-wolf:1", [3, 2, 1], 3)
        assert shrunk(np.array([3, 2, 1]), 9) == value("wolpert-wolf:1", [3, 2, 1], 9)

    @pytest.mark.parametrize(
        "asked", ["dirichlet:", "dirichlet:-1", "dirichlet:nan", "dirichlet:x", "nsb:3", "grasberger"]
    )
    def test_refused(self, asked: str) -> None:
        with pytest.raises(UsageError):
            estimator(asked)

    def test_a_close_name_is_suggested(self) -> None:
        with pytest.raises(UsageError, match='did you mean "grassberger"'):
            estimator("grasberger")
        assert "dirichlet:A" in names_of_estimators()

    @pytest.mark.parametrize(
        ("counts", "support"), [([], 3), ([0, 0], None), ([1, -1], None), ([0.5, 1], None), ([1, 1], 1)]
    )
    def test_bad_counts(self, counts: list[Any], support: int | None) -> None:
        with pytest.raises(InputError):
            value("zhang", counts, support)
