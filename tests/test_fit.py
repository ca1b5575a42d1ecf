"""Simple distributions fitted to observed ones: masses and losses against 60 digits, the numbers of the tutorial, and
the laws of a fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import divtool
from divtool.measures.models import MODELS, Fitted, Wanted, table
from divtool.numerics import count_models as counts
from divtool.numerics.fitting import digamma_rise
from divtool.numerics.model_loss import Loss, log_likelihood, logs_of, loss, reverse_loss
from divtool.numerics.normal_cells import normal_logs
from divtool.numerics.observed import Observed, observe, whole_multiples

U = 2.0**-53
WORMS = [0.02, 0.03, 0.05, 0.14, 0.16, 0.15, 0.12, 0.08, 0.1, 0.08, 0.07]
BITS = math.log(2.0)


def observed_of(weights: list[int], first: int = 0) -> Observed:
    return observe(range(first, first + len(weights)), weights, cases=sum(weights))


def of_probabilities(p: list[float]) -> Observed:
    return observe(range(len(p)), whole_multiples(p))


def units(found: np.ndarray, true: list[mp.mpf]) -> float:
    """The largest error in units of u: relative, absolute where the number is below 1."""
    errors = (abs(mp.mpf(float(x)) - y) / max(1, abs(y)) for x, y in zip(found, true, strict=True) if y != -mp.inf)
    return float(max(errors)) / U


@pytest.fixture(autouse=True)
def _digits() -> None:
    mp.mp.dps = 60


def places(mean: float, high: float = math.inf) -> np.ndarray:
    """Outcomes near 0, about a mean, far above it, and at an end."""
    near = {0.0, 1.0, 2.0, 5.0, math.floor(mean), math.floor(mean) + 3.0, math.floor(1.3 * mean), 20.0 * mean // 1}
    return np.array(sorted(k for k in near | ({high, high - 1.0} if high < math.inf else set()) if 0 <= k <= high))


class TestMasses:
    """Logarithms of masses hold a few units of u, whatever the size of the counts."""

    @pytest.mark.parametrize(
        ("n", "p"),
        [(10, 0.544), (1, 0.3), (100, 0.01), (1000, 0.5), (10**6, 0.3), (10**12, 1e-12), (10**15, 0.7), (50, 1e-300),
         (7, 1 - 2.0**-53), (3, 5e-324)],
    )  # fmt: skip
    def test_binomial(self, n: int, p: float) -> None:
        k, q = places(n * p, float(n)), mp.mpf(p)
        true = [
            mp.loggamma(n + 1) - mp.loggamma(int(i) + 1) - mp.loggamma(n - int(i) + 1) + int(i) * mp.log(q)
            + (n - int(i)) * mp.log1p(-q) for i in k
        ]  # fmt: skip
        assert units(counts.binomial_logs(k, float(n), p), true) < 16

    @pytest.mark.parametrize("rate", [1e-300, 0.1, 3.7, 100.5, 1e6, 1e12])
    def test_poisson(self, rate: float) -> None:
        k, m = places(rate), mp.mpf(rate)
        true = [int(i) * mp.log(m) - m - mp.loggamma(int(i) + 1) for i in k]
        assert units(counts.poisson_logs(k, rate), true) < 16

    @pytest.mark.parametrize("p", [0.3, 1e-9, 1 - 1e-12])
    def test_geometric(self, p: float) -> None:
        k, q = places(7.0), mp.mpf(p)
        assert units(counts.geometric_logs(k, p), [mp.log(q) + int(i) * mp.log1p(-q) for i in k]) < 8

    @pytest.mark.parametrize(
        ("r", "mean"), [(0.01, 3.0), (1.0, 2.0), (2.5, 7.1), (1e3, 5.0), (1e9, 5.5), (1e-8, 1e5), (50.0, 1e9)]
    )
    def test_negative_binomial(self, r: float, mean: float) -> None:
        k, s, m = places(mean), mp.mpf(r), mp.mpf(mean)
        true = [
            mp.loggamma(int(i) + s) - mp.loggamma(s) - mp.loggamma(int(i) + 1) + s * mp.log(s / (s + m))
            + int(i) * mp.log(m / (s + m)) for i in k
        ]  # fmt: skip
        assert units(counts.negative_binomial_logs(k, r, mean), true) < 16

    @pytest.mark.parametrize(
        ("exponent", "first", "last"),
        [(1.1, 1, 300), (-2.0, 3, 50), (30.0, 1, 10), (1e-12, 1, 5), (2.0, 10**6, 10**6 + 9)],
    )
    def test_zipf(self, exponent: float, first: int, last: int) -> None:
        s = mp.mpf(exponent)
        total = mp.log(mp.fsum(mp.mpf(i) ** -s for i in range(first, last + 1)))
        k = np.array([first, first + 1, last], dtype=np.float64)
        true = [-s * mp.log(int(i)) - total for i in k]
        assert units(counts.power_law_logs(k, exponent, first, last), true) < 16

    @pytest.mark.parametrize(
        ("mean", "deviation"),
        [(5.44, 2.4), (0.0, 0.05), (0.3, 0.5), (0.0, 1.0), (2.0, 30.0), (1e6, 1e4), (0.5, 0.05), (0.0, 3e5)],
    )
    def test_normal_cells(self, mean: float, deviation: float) -> None:
        k = np.unique(np.round(mean + np.array([0, 1, -1, 2, -3, 5, 10, -20, 3 * deviation, -35 * deviation])))
        m, s = mp.mpf(mean), mp.mpf(deviation) * mp.sqrt(2)
        ends = [sorted(((int(i) - 0.5 - m) / s, (int(i) + 0.5 - m) / s), key=lambda x: -abs(x)) for i in k]
        one, both = (
            (lambda a, b: abs(mp.erfc(abs(a)) - mp.erfc(abs(b)))),
            (lambda a, b: mp.erf(abs(a)) + mp.erf(abs(b))),
        )
        true = [mp.log((one(a, b) if a * b > 0 else both(a, b)) / 2) for a, b in ends]
        assert units(normal_logs(k, mean, deviation), true) < 16

    def test_digamma_rise(self) -> None:
        k = np.array([0.0, 1.0, 15.0, 16.0, 17.0, 1e3, 1e9])
        for r in (1e-6, 0.5, 30.0, 1e7):
            true = [mp.digamma(mp.mpf(r) + int(i)) - mp.digamma(mp.mpf(r)) for i in k]
            assert units(digamma_rise(k, r), true) < 16


def exactly(observed: Observed, logs: Callable[[int], mp.mpf]) -> mp.mpf:
    total = mp.mpf(observed.total)
    pairs = zip(observed.outcomes.tolist(), observed.weights, strict=True)
    return mp.fsum(w / total * (mp.log(w / total) - logs(k)) for k, w in pairs)


class TestLosses:
    def test_tables_of_whole_numbers_have_every_digit(self) -> None:
        """Nearly equal tables: 1 +- 1e-12 of 1e12 cases."""
        p, q = observed_of([10**12 + 1, 10**12 - 1, 3]), observed_of([10**12, 10**12, 3])
        true = exactly(p, lambda k: mp.log(mp.mpf(q.weights[k]) / q.total))
        assert abs(loss(p, table(q).shape).nats / true - 1) < 32 * U  # type: ignore[arg-type]
        assert loss(p, table(p).shape) == reverse_loss(p, table(p).shape) == Loss(0.0)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["binomial", "poisson", "geometric"])
    def test_a_small_loss_has_digits_of_its_own(self, name: str) -> None:
        """A family's own masses, shaken by a millionth: the loss is about 1e-13, right to 1e-8 of it."""
        fixed = {
            "binomial": {"p": Fraction(3, 8)},
            "poisson": {"lambda": Fraction(2)},
            "geometric": {"p": Fraction(3, 4)},
        }
        size = {"binomial": 9, "poisson": 60, "geometric": 250}[name]
        model = MODELS.get(name).fitted(observed_of([1] * size), Wanted(fixed=fixed[name]))
        assert model.shape is not None
        masses = np.exp(logs_of(model.shape, np.arange(size))) * (1.0 + 1e-6 * np.cos(np.arange(size)))
        observed = of_probabilities(masses.tolist())
        p = mp.mpf(next(iter(fixed[name].values())).numerator) / next(iter(fixed[name].values())).denominator
        logs = {
            "binomial": lambda k: mp.log(mp.binomial(8, k)) + k * mp.log(p) + (8 - k) * mp.log(1 - p),
            "poisson": lambda k: k * mp.log(p) - p - mp.loggamma(k + 1),
            "geometric": lambda k: mp.log(p) + k * mp.log(1 - p),
        }[name]
        true = exactly(observed, logs)
        assert 1e-14 < true < 1e-12
        assert abs(loss(observed, model.shape).nats / true - 1) < 1e-8

    def test_a_mass_on_too_many_outcomes_is_a_subtraction_with_its_bound(self) -> None:
        best = divtool.fit({0: 10**9, 10**7: 1}, family="negative-binomial").best
        r, mean = mp.mpf(best.parameters["r"]), mp.mpf(10**7) / (10**9 + 1)

        def logs(k: int) -> mp.mpf:
            own = mp.loggamma(k + r) - mp.loggamma(r) - mp.loggamma(k + 1)
            return own + r * mp.log(r / (r + mean)) + k * mp.log(mean / (r + mean))

        true = exactly(observe([0, 10**7], [10**9, 1]), logs)
        assert 0.0 < best.loss_bound < 1e-14
        assert abs(best.loss - true) < best.loss_bound

    def test_infinite_at_an_outcome(self) -> None:
        uniform = MODELS.get("uniform").fitted(observed_of([1, 1]), Wanted()).shape
        assert uniform is not None
        assert loss(observed_of([1, 1, 1]), uniform) == Loss(math.inf, 2)
        assert reverse_loss(observed_of([1]), uniform) == Loss(math.inf, 1)
        assert log_likelihood(observed_of([1, 1, 1]), uniform) == -math.inf

    def test_likelihood_and_criteria(self) -> None:
        found = divtool.fit({0: 4, 1: 5, 2: 1}, family="binomial").best
        p = 7 / 20
        true = 4 * math.log((1 - p) ** 2) + 5 * math.log(2 * p * (1 - p)) + math.log(p * p)
        assert found.log_likelihood == pytest.approx(true, rel=1e-14)
        assert found.aic == pytest.approx(2 - 2 * true, rel=1e-14)
        assert found.bic == pytest.approx(math.log(10) - 2 * true, rel=1e-14)
        assert divtool.fit([0.4, 0.6], family="uniform").best.aic is None


class TestWorms:
    """The widely copied table of the tutorial on worms' teeth; the numbers are of 60 digits."""

    RESULT = divtool.fit(WORMS, base="2")

    def test_moments(self) -> None:
        assert (self.RESULT.mean, self.RESULT.entropy) == (5.44, pytest.approx(3.26224447746007, rel=1e-14))

    @pytest.mark.parametrize(
        ("found", "true"),
        [
            (RESULT["uniform"].loss_bits, 0.197187141177225),
            (RESULT["uniform"].loss_nats, 0.136679710949669),
            (RESULT["binomial"].loss_bits, 0.616535328775293),
            (RESULT["binomial"].loss_nats, 0.427349724856193),
            (RESULT["binomial"].reverse, 0.363494008581621),
            (divtool.fit(WORMS, family="uniform").best.reverse, 0.169713221388227),
            (divtool.fit(WORMS, family="binomial", fix="p=0.57", base="2").value, 0.636341742396976),
            (divtool.fit(WORMS, family="step", cut=6, base="2").value, 0.197126994623685),
        ],
    )
    def test_losses(self, found: float, true: float) -> None:
        assert found == pytest.approx(true, rel=3e-15)

    def test_parameters(self) -> None:
        assert self.RESULT["binomial"].parameters == {"n": 10, "p": pytest.approx(0.544, rel=1e-12)}
        assert divtool.fit(WORMS, family="step", cut=6).best.parameters == {
            "cut": 6,
            "p": pytest.approx(0.45, rel=1e-12),
        }
        assert self.RESULT["uniform"].loss < self.RESULT["binomial"].loss


WEIGHTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(lambda w: sum(map(bool, w)) > 1)
# A step of each parameter that no rounding hides.
NUDGES = {"p": 1e-4, "lambda": 1e-4, "exponent": 1e-4, "mean": 1e-3, "deviation": 1e-3, "r": 1e-3}


def nudged(name: str, found: Fitted, wanted: Wanted, observed: Observed) -> list[float]:
    """The losses with one parameter moved a little, up and down."""
    family, losses = MODELS.get(name), []
    values = {each: Fraction(value) for each, value in found.parameters.items() if each in family.fixable}
    for each, value in values.items():
        for sign in (-1, 1):
            moved = value * (1 + sign * Fraction(NUDGES[each])) + (sign * Fraction(NUDGES[each]) if value == 0 else 0)
            if (each == "p" and not 0 < moved < 1) or (each != "exponent" and each != "mean" and moved <= 0):
                continue
            cut = found.parameters.get("cut")
            other = family.fitted(observed, Wanted(cut=cut, fixed=values | {each: moved}))  # type: ignore[arg-type]
            assert other.shape is not None
            losses.append(loss(observed, other.shape).nats)
    return losses


class TestLaws:
    @pytest.mark.parametrize("name", MODELS.names())
    @given(WEIGHTS, st.integers(0, 3))
    @settings(max_examples=25, deadline=None)
    def test_the_parameters_found_beat_their_neighbours(self, name: str, weights: list[int], first: int) -> None:
        observed = observed_of(weights, first)
        found = MODELS.get(name).fitted(observed, Wanted())
        if found.shape is None or any(math.isinf(value) for value in found.parameters.values()):
            return
        least = loss(observed, found.shape).nats
        assert least >= 0.0
        assert all(other >= least - 8 * U for other in nudged(name, found, Wanted(), observed))

    @given(WEIGHTS)
    @settings(max_examples=40, deadline=None)
    def test_the_cut_found_beats_all_cuts(self, weights: list[int]) -> None:
        observed, step = observed_of(weights), MODELS.get("step")
        losses = [
            loss(observed, step.fitted(observed, Wanted(cut=cut)).shape).nats  # type: ignore[arg-type]
            for cut in range(1, len(weights))
        ]
        found = step.fitted(observed, Wanted()).shape
        assert found is not None
        assert loss(observed, found).nats == pytest.approx(min(losses), rel=1e-12, abs=8 * U)

    @given(WEIGHTS, st.integers(0, 60))
    @settings(max_examples=40, deadline=None)
    def test_binomial_is_mean_over_n(self, weights: list[int], more: int) -> None:
        observed, n = observed_of(weights), len(weights) - 1 + more
        found = MODELS.get("binomial").fitted(observed, Wanted(trials=n))
        true = Fraction(sum(k * w for k, w in enumerate(weights)), n * sum(weights))
        assert found.parameters == {"n": n, "p": float(true)}

    @given(WEIGHTS, st.integers(1, 50), st.integers(0, 5))
    @settings(max_examples=20, deadline=None)
    def test_counts_times_a_power_of_two_change_no_bit(self, weights: list[int], power: int, first: int) -> None:
        for family in MODELS:
            one, two = observed_of(weights, first), observed_of([w << power for w in weights], first)
            found, again = family.fitted(one, Wanted()), family.fitted(two, Wanted())
            assert dict(found.parameters) == dict(again.parameters)
            if found.shape is not None and again.shape is not None:
                assert loss(one, found.shape) == loss(two, again.shape)
                assert reverse_loss(one, found.shape) == reverse_loss(two, again.shape)

    @given(WEIGHTS, st.randoms(use_true_random=False))
    @settings(max_examples=15, deadline=None)
    def test_order_changes_no_bit(self, weights: list[int], random: st.random.Random) -> None:
        pairs = list(enumerate(weights))
        first = divtool.fit(dict(pairs))
        random.shuffle(pairs)
        assert divtool.fit(dict(pairs)).models == first.models

    @pytest.mark.parametrize(
        ("name", "fixed", "size"),
        [
            ("binomial", {"p": "0.3"}, 12),
            ("poisson", {"lambda": "3.5"}, 60),
            ("geometric", {"p": "0.4"}, 90),
            ("negative-binomial", {"r": "2.5", "p": "0.4"}, 140),
            ("zipf", {"exponent": "1.3"}, 30),
            ("normal", {"mean": "20.3", "deviation": "2.2"}, 45),
            ("step", {"p": "0.7"}, 10),
        ],
    )
    def test_a_family_is_recovered_from_its_own_masses(self, name: str, fixed: dict[str, str], size: int) -> None:
        family = MODELS.get(name)
        wanted = Wanted(cut=4 if name == "step" else None, fixed={n: Fraction(v) for n, v in fixed.items()})
        drawn = family.fitted(observed_of([1] * size), wanted).shape
        assert drawn is not None
        observed = of_probabilities(np.exp(logs_of(drawn, np.arange(size))).tolist())
        found = family.fitted(observed, Wanted())
        assert found.shape is not None
        for each, value in fixed.items():
            assert found.parameters[each] == pytest.approx(float(value), rel=1e-9)
        assert loss(observed, found.shape).nats < 1e-13

    def test_better_fits_come_first(self) -> None:
        losses = [each.loss_nats for each in divtool.fit({-1: 3, 0: 4, 7: 2}).models]
        assert all(a <= b for a, b in pairwise(losses))
        assert losses[-1] == math.inf


class TestEdges:
    def test_one_outcome(self) -> None:
        result = divtool.fit({7: 4})
        assert result["normal"].parameters == {"mean": 7.0, "deviation": 0.0}
        assert result["normal"].loss == result["uniform"].loss == result["step"].loss == 0.0
        assert result["binomial"].parameters == {"n": 7, "p": 1.0}

    def test_all_at_zero(self) -> None:
        result = divtool.fit({0: 4, 1: 0})
        assert {each.name: each.loss for each in result.models if each.name not in ("uniform",)} == {
            "step": 0.0, "binomial": 0.0, "poisson": 0.0, "geometric": 0.0, "negative-binomial": 0.0, "zipf": 0.0,
            "normal": 0.0,
        }  # fmt: skip
        assert result["zipf"].parameters == {"exponent": math.inf}

    def test_two_neighbours_are_a_normal_without_width(self) -> None:
        best = divtool.fit({3: 1, 4: 9}, family="normal").best
        assert best.loss < 1e-15
        assert best.notes == ("a smaller deviation loses as little",)

    def test_counts_that_do_not_vary_enough_are_poissons(self) -> None:
        result = divtool.fit({0: 1, 1: 8, 2: 1}, family="poisson,negative-binomial")
        assert result["poisson"].loss == result["negative-binomial"].loss
        assert "not above the mean" in result["negative-binomial"].notes[0]

    def test_huge_counts_and_far_outcomes(self) -> None:
        big = divtool.fit({0: 10**18 + 1, 1: 10**18}, family="binomial").best
        assert big.parameters["p"] == float(Fraction(10**18, 2 * 10**18 + 1))
        far = divtool.fit({0: 1, 10**9: 1})
        assert far["uniform"].loss == pytest.approx(math.log(10**9 + 1) - math.log(2), rel=1e-14)
        assert "zipf is left out" in far.notes[0]
        assert far["normal"].parameters["mean"] == pytest.approx(5e8)

    def test_tiny_probabilities(self) -> None:
        result = divtool.fit({0: 1.0, 1: 5e-324}, family="binomial,poisson,uniform")
        assert result["binomial"].loss == 0.0
        assert result["poisson"].loss == 0.0
