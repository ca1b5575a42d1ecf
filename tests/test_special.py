"""Special functions against mpmath, in units of u = 2^-53: each as near as its docstring promises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from divtool.numerics.chisquare import chi_square_survival, log_chi_square_survival
from divtool.numerics.gammas import digamma, digamma_difference, log_less_digamma, stirling_error, trigamma
from divtool.numerics.logdefect import entropy_defect, log_defect

U = 2.0**-53
_RNG = np.random.default_rng(5)
_SMALL = np.concatenate([np.arange(1.0, 26.0) / 2.0, _RNG.uniform(0.3, 14.0, 150), 10.0 ** _RNG.uniform(-8, 0, 30)])
POSITIVE = np.concatenate(
    [_SMALL, 10.0 ** _RNG.uniform(0, 17, 60), 1.4616321449683622 + 10.0 ** _RNG.uniform(-15, 0, 40)]
)
ABOVE_MINUS_ONE = np.concatenate(
    [10.0 ** _RNG.uniform(-18, 15, 80), -(10.0 ** _RNG.uniform(-18, -0.01, 60)), _RNG.uniform(-0.999, 3.0, 80)]
)


@pytest.fixture(autouse=True)
def _digits() -> Any:
    with mp.workdps(60):
        yield


def worst(values: Any, truths: list[mpf]) -> float:
    """The largest relative error in units of u."""
    pairs = zip(np.asarray(values).tolist(), truths, strict=True)
    return max(float(abs(mpf(got) - true) / abs(true)) for got, true in pairs) / U


@pytest.mark.parametrize(
    ("function", "truth"),
    [
        (digamma, lambda x: mp.digamma(x)),
        (trigamma, lambda x: mp.psi(1, x)),
        (log_less_digamma, lambda x: mp.log(x) - mp.digamma(x)),
    ],
    ids=["digamma", "trigamma", "log less digamma"],
)
def test_derivatives_of_log_gamma(function: Callable[[Any], Any], truth: Callable[[mpf], mpf]) -> None:
    assert worst(function(POSITIVE), [truth(mpf(x)) for x in POSITIVE.tolist()]) < 32


def test_differences_of_digamma() -> None:
    gap = 10.0 ** _RNG.uniform(-10, 17, POSITIVE.size)
    truths = [
        mp.digamma(mpf(x) + mpf(y)) - mp.digamma(mpf(x)) for x, y in zip(POSITIVE.tolist(), gap.tolist(), strict=True)
    ]
    assert worst(digamma_difference(POSITIVE, gap), truths) < 32
    assert digamma_difference(3.0, 0.0) == 0.0
    assert digamma_difference(1e13, 1.0) == 1e-13


def test_stirlings_error() -> None:
    for x, got in zip(POSITIVE.tolist(), stirling_error(POSITIVE).tolist(), strict=True):
        t = mpf(x)
        true = mp.loggamma(t) - ((t - 0.5) * mp.log(t) - t + mp.log(2 * mp.pi) / 2)
        room = 16 * abs(true) if x >= 12.0 else 32 * (1 + abs(mp.log(t)))
        assert abs(got - true) < room * U


def test_defects() -> None:
    ds = [mpf(d) for d in ABOVE_MINUS_ONE.tolist()]
    assert worst(log_defect(ABOVE_MINUS_ONE), [d - mp.log1p(d) for d in ds]) < 8
    assert worst(entropy_defect(ABOVE_MINUS_ONE), [(1 + d) * mp.log1p(d) - d for d in ds]) < 8


class TestChiSquare:
    @pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 31, 100, 12345, 1_000_000, 0.3])
    def test_tail_and_its_logarithm(self, degrees: float) -> None:
        spread = math.sqrt(2 * degrees)
        near = [degrees + sign * size * spread for sign in (-1, 1) for size in (1e-3, 0.1, 1, 5, 25)]
        for statistic in [max(each, 1e-6) for each in near] + [degrees * 0.01, degrees * 1.3]:
            true = mp.gammainc(mpf(degrees) / 2, mpf(statistic) / 2, regularized=True)
            size = abs(float(mp.log(true)))
            if true > 1e-300:
                assert abs(chi_square_survival(statistic, degrees) - true) <= (32 + 4 * size) * U * true
            assert abs(log_chi_square_survival(statistic, degrees) - mp.log(true)) <= 16 * U * (1 + size)

    def test_far_out(self) -> None:
        """erfc(sqrt(x/2)) with one degree of freedom, e^(-x/2) with two."""
        for statistic in (900.0, 1e4, 1e6):
            true = mp.log(mp.erfc(mp.sqrt(mpf(statistic) / 2)))
            assert abs(log_chi_square_survival(statistic, 1) / true - 1) < 16 * U
            assert log_chi_square_survival(statistic, 2) == pytest.approx(-statistic / 2, rel=16 * U)
        assert chi_square_survival(1400.0, 2) == pytest.approx(math.exp(-700.0), rel=1e-12)
        assert chi_square_survival(1e4, 2) == 0.0

    def test_a_hundred_million_degrees(self) -> None:
        with mp.workdps(30):
            a, excess = mpf(10) ** 8 / 2, mpf(3) * 10**5 / 2
            density = mp.exp(a * mp.log(a + excess) - a - excess - mp.loggamma(a))
            true = density * mp.quad(
                lambda s: mp.exp(-(a + excess) * s + (a - 1) * mp.log1p(s)), [0, mpf(10) ** -5, mpf(10) ** -3]
            )
            assert abs(chi_square_survival(1e8 + 3e5, 1e8) / true - 1) < 1e-13
        assert 0.49 < chi_square_survival(1e12, 1e12) < 0.5

    def test_edges(self) -> None:
        assert chi_square_survival(0.0, 3) == chi_square_survival(-1.0, 3) == chi_square_survival(0.0, 0) == 1.0
        assert chi_square_survival(math.inf, 3) == chi_square_survival(1.0, 0) == 0.0
        assert log_chi_square_survival(0.0, 3) == 0.0
        assert log_chi_square_survival(1.0, 0) == -math.inf
        assert math.isnan(chi_square_survival(math.nan, 1))
        assert math.isnan(chi_square_survival(1.0, -1))
