"""The pair forms and the row functions of pairs: what must hold bit for bit, at the limits, and at the edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from mpmath import mp, mpf
from oracles import digits_for, softmax
from strategies import samples

from divtool.errors import UsageError
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.measures.laws import Sample
from divtool.numerics.alpha import Order, alpha_rows, log_affinity_rows, order, renyi_rows
from divtool.numerics.chernoff import chernoff_information_rows
from divtool.numerics.geometry import norm_rows, sum_of_squares
from divtool.numerics.jensen import jensen_shannon_rows, members_jensen_shannon_rows, weighted_jensen_shannon_rows
from divtool.numerics.ordered import cumulative_gap, running_sum, wasserstein_rows
from divtool.numerics.pairs import Pair, delta_of, pair_of_logits, pair_of_tables
from divtool.numerics.rowsum import row_sum

load_families()
U = 2.0**-53
PAIR_FORMS = {"p", "q", "t", "delta"}
MEASURES_OF_PAIRS = [each for each in MEASURES if each.needs and set(each.needs) <= PAIR_FORMS and len(each.roles) == 2]
by_name: dict[str, Any] = {"ids": lambda each: each.name}


def forms(pair: Pair) -> dict[str, np.ndarray]:
    return {**pair._asdict(), "delta": delta_of(*pair)}


def applied(declared: Declaration, pair: Pair, **keywords: Any) -> np.ndarray:
    given_forms = forms(pair)
    with np.errstate(all="ignore"):
        return np.asarray(declared.function(*(given_forms[name] for name in declared.needs), **keywords))


def random_logits(seed: int, rows: int, classes: int, eps: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(seed)
    a = numbers.normal(scale=3.0, size=(rows, classes))
    return a, a + eps * numbers.normal(size=a.shape)


class TestForms:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(sample=samples())
    def test_exchanging_the_sides_changes_signs_only(self, sample: Sample) -> None:
        for make, a, b in (
            (pair_of_logits, sample.p, sample.q),
            (pair_of_tables, *(np.exp(np.clip(x, -700.0, 300.0)) for x in (sample.p, sample.q))),
        ):
            there, back = make(a, b), make(b, a)
            assert np.array_equal(there.t, -back.t)
            assert np.array_equal(there.p, back.q)
            assert np.array_equal(delta_of(*there), -delta_of(*back))

    @pytest.mark.parametrize("eps", [1.0, 1e-3, 1e-8, 1e-12])
    def test_each_entry_is_exact(self, eps: float) -> None:
        a, b = random_logits(3, 6, 8, eps)
        pair = pair_of_logits(a, b)
        delta = delta_of(*pair)
        for row in range(len(a)):
            mp.dps = 60 + digits_for(a[row].tolist(), b[row].tolist())
            p, q = softmax(a[row].tolist()), softmax(b[row].tolist())
            # relative to the row: one entry alone may be the small rest of large changes
            scale = max(abs(x - y) / (x + y) for x, y in zip(p, q, strict=True))
            for k in range(len(p)):
                assert abs(mpf(pair.t[row, k]) - mp.log(q[k] / p[k])) <= 8 * U * scale
                assert abs(mpf(delta[row, k]) - (p[k] - q[k])) <= 16 * U * scale * (p[k] + q[k])

    def test_a_row_that_changes_less_than_its_logits(self) -> None:
        """All classes but one move together: what is left of the change is far smaller than the change."""
        numbers = np.random.default_rng(8)
        a = np.concatenate([[0.0], 0.01 * numbers.normal(size=999)])[None]
        b = a + np.concatenate([[0.0], -0.1 + 1e-7 * numbers.normal(size=999)])[None]
        delta = delta_of(*pair_of_logits(a, b))
        mp.dps = 60
        p, q = softmax(a[0].tolist()), softmax(b[0].tolist())
        true = mp.fsum(abs(x - y) for x, y in zip(p, q, strict=True))
        assert abs(mpf(row_sum(np.abs(delta)).item()) / true - 1) <= 8 * U

    def test_tables_whose_sums_differ_by_less_than_their_last_digit(self) -> None:
        pair = pair_of_tables(np.array([[0.5, 0.5, 1e-30]]), np.array([[0.5, 0.5, 3e-30]]))
        np.testing.assert_allclose(delta_of(*pair), [[1e-30, 1e-30, -2e-30]], rtol=8 * U)

    def test_a_sum_of_tiny_cells_keeps_its_digits(self) -> None:
        pair = pair_of_tables(np.array([[1.0, 3e-320]]), np.array([[1.0, 5e-320]]))
        true = math.log(np.float64(5e-320) / np.float64(3e-320))
        assert pair.t[0, 1] == pytest.approx(true, rel=1e-15)


@pytest.mark.parametrize("declared", MEASURES_OF_PAIRS, **by_name)
class TestEveryMeasure:
    def test_rows_do_not_touch_each_other(self, declared: Declaration) -> None:
        for eps in (1e-9, 1.0, 30.0):
            pair = pair_of_logits(*random_logits(1, 23, 7, eps))
            whole = applied(declared, pair)
            parts = [applied(declared, Pair(*(form[k : k + 1] for form in pair))) for k in range(23)]
            assert np.array_equal(whole, np.concatenate(parts))
            assert np.array_equal(whole, applied(declared, Pair(*(np.asfortranarray(form) for form in pair))))

    def test_one_class(self, declared: Declaration) -> None:
        got = applied(declared, pair_of_logits(np.array([[3.0]]), np.array([[-1.0]])))
        same = applied(declared, pair_of_logits(np.array([[0.0]]), np.array([[0.0]])))
        assert got.shape == (1,)
        assert np.array_equal(got, same)
        if "zero-on-identical" in declared.laws:
            assert got[0] == 0.0

    def test_nan_stays_nan(self, declared: Declaration) -> None:
        a, b = np.array([[0.0, np.nan, 1.0], [0.0, 1.0, 2.0]]), np.zeros((2, 3))
        for pair in (pair_of_logits(a, b), pair_of_tables(np.abs(a), b + 1.0)):
            got = applied(declared, pair)
            assert np.isnan(got[0])
            assert not np.isnan(got[1])

    def test_zero_is_not_negative(self, declared: Declaration) -> None:
        a, _ = random_logits(2, 5, 6)
        a[0, :2] = -np.inf
        got = applied(declared, pair_of_logits(a, a))
        assert not np.signbit(got).any()


class TestOrders:
    pair = pair_of_logits(*random_logits(4, 20, 6, 0.7))

    @pytest.mark.parametrize("at", [0.0, 0.5, 1.0, 2.0])
    @pytest.mark.parametrize("side", [-1, 1])
    def test_continuous(self, at: float, side: int) -> None:
        f = forms(self.pair)
        here, beside = (alpha_rows(f["p"], f["q"], f["t"], f["delta"], order(a)) for a in (at, at + side * 1e-13))
        np.testing.assert_allclose(here, beside, rtol=1e-11)

    @pytest.mark.parametrize("a", [-2.5, -1.0, 0.0, 0.3, 0.5, 0.7, 1.0, 2.0, 3.5])
    def test_the_mirror_changes_no_bit(self, a: float) -> None:
        p, q, t, delta = forms(self.pair).values()
        mirrored = alpha_rows(q, p, -t, -delta, order(a).mirrored)
        assert np.array_equal(alpha_rows(p, q, t, delta, order(a)), mirrored)

    def test_an_order_a_row_is_that_order(self) -> None:
        p, q, t, delta = forms(self.pair).values()
        a = np.linspace(0.05, 0.95, len(p))
        many = log_affinity_rows(p, q, t, delta, Order(a[:, None], a[:, None] - 1.0))
        for row in range(len(p)):
            one = log_affinity_rows(*(x[row : row + 1] for x in (p, q, t, delta)), order(float(a[row])))
            np.testing.assert_allclose(many[row], one[0], rtol=32 * U)

    def test_renyi_grows_with_its_order(self) -> None:
        p, q, t, delta = forms(self.pair).values()
        orders = (0.0, 1e-9, 0.2, 0.5, 0.9, 1.0, 1.1, 2.0, 5.0, 50.0, math.inf)
        values = np.stack([renyi_rows(p, q, t, delta, a) for a in orders])
        assert (np.diff(values, axis=0) >= -1e-14 * values[1:]).all()

    def test_it_overflows_no_sooner_than_it_must(self) -> None:
        pair = pair_of_logits(np.array([[0.0, -1.0]]), np.array([[0.0, -900.0]]))
        p, q, t, delta = forms(pair).values()
        assert renyi_rows(p, q, t, delta, 3.0)[0] == pytest.approx(898.0 + 0.5 * math.log(p[0, 1]) + 0.5, abs=1.5)
        assert renyi_rows(p, q, t, delta, math.inf)[0] == pytest.approx(math.log(p[0, 1]) + 900.0)

    def test_chernoff_information_is_the_most_of_all_orders(self) -> None:
        for eps in (1e-9, 1e-3, 1.0, 20.0):
            p, q, t, delta = forms(pair_of_logits(*random_logits(6, 15, 4, eps))).values()
            best = chernoff_information_rows(p, q, t, delta)
            tried = [-log_affinity_rows(p, q, t, delta, order(a)) for a in np.linspace(0.001, 0.999, 999).tolist()]
            assert (best >= np.max(tried, axis=0) * (1.0 - 32 * U)).all()
            np.testing.assert_allclose(best, np.max(tried, axis=0), rtol=1e-3)


class TestMembers:
    def test_two_members_are_a_pair(self) -> None:
        for eps in (1e-9, 1e-3, 1.0, 30.0):
            pair = pair_of_logits(*random_logits(7, 30, 5, eps))
            members, t = np.stack([pair.p, pair.q]), np.stack([np.zeros_like(pair.t), pair.t])
            for weight in (0.5, 0.2):
                got = members_jensen_shannon_rows(members, t, np.array([weight, 1.0 - weight]))
                np.testing.assert_allclose(got, weighted_jensen_shannon_rows(*pair, weight), rtol=32 * U)

    def test_nearly_equal_weights_are_nearly_equal(self) -> None:
        pair = pair_of_logits(*random_logits(7, 30, 5, 1e-4))
        np.testing.assert_allclose(
            weighted_jensen_shannon_rows(*pair, 0.5 + 1e-12), jensen_shannon_rows(*pair), rtol=1e-10
        )

    @pytest.mark.parametrize("text", ["a,b", "1", "1,2,3", "0,0", "-1,2", "nan,1"])
    def test_weights_that_make_no_sense(self, text: str) -> None:
        pair = pair_of_logits(*random_logits(7, 3, 5))
        function = MEASURES.get("js-members").function
        with pytest.raises(UsageError, match="--weights"):
            function(np.stack([pair.p, pair.q]), np.stack([0 * pair.t, pair.t]), weights=text)


class TestOrdered:
    def test_running_sum_keeps_the_errors(self) -> None:
        numbers = np.random.default_rng(9)
        x = numbers.normal(size=(3, 1000)) * 10.0 ** numbers.integers(-8, 8, size=(3, 1000))
        got = running_sum(x)
        for row in range(3):
            for k in (0, 10, 499, 999):
                assert got[row, k] == pytest.approx(math.fsum(x[row, : k + 1]), rel=2 * U, abs=1e-20)

    def test_the_gap_from_both_ends(self) -> None:
        numbers = np.random.default_rng(10)
        for classes in (1, 2, 3, 8, 9):
            p, q = (x / x.sum(axis=1, keepdims=True) for x in numbers.exponential(size=(2, 4, classes)))
            gap = cumulative_gap(p - q)
            assert gap.shape == (4, classes - 1)
            np.testing.assert_allclose(gap, np.cumsum(p - q, axis=1)[:, :-1], atol=4 * U * classes)

    @pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 7.0, 64.0])
    def test_a_shift_moves_everything_as_far(self, power: float) -> None:
        p = np.array([[0.25, 0.5, 0.25, 0.0, 0.0]])
        q = np.roll(p, 2, axis=1)
        assert wasserstein_rows(p, q, p - q, power)[0] == pytest.approx(2.0, rel=64 * U)


class TestScaling:
    def test_squares_that_underflow(self) -> None:
        x = np.array([[3e-200, -4e-200], [3e200, 4e200], [0.0, 0.0]])
        np.testing.assert_allclose(norm_rows(x), [5e-200, 5e200, 0.0], rtol=4 * U)
        np.testing.assert_allclose(norm_rows(x, 3.0), [91 ** (1 / 3) * 1e-200, 91 ** (1 / 3) * 1e200, 0.0], rtol=8 * U)
        with np.errstate(over="ignore"):
            assert sum_of_squares(x).tolist() == [0.0, math.inf, 0.0]


USAGE: list[tuple[str, dict[str, Any]]] = [
    ("skew-kl", {"skew": 1.5}),
    ("skew-kl", {"skew": math.nan}),
    ("js", {"weight": -0.1}),
    ("renyi", {"order": math.nan}),
    ("renyi", {"order": -math.inf}),
    ("tsallis", {"order": math.inf}),
    ("minka", {"order": math.nan}),
    ("amari", {"alpha": math.inf}),
    ("cressie-read", {"power": math.inf}),
    ("chernoff", {"order": 1.5}),
    ("minkowski", {"order": 0.5}),
    ("wasserstein", {"order": math.inf}),
    ("f-divergence", {"f": "wave"}),
]


class TestUsage:
    @pytest.mark.parametrize(("verb", "keywords"), USAGE, ids=str)
    def test_refused(self, verb: str, keywords: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="expected"):
            applied(MEASURES.get(verb), pair_of_logits(*random_logits(1, 2, 3)), **keywords)

    def test_every_f_is_the_measure_of_its_name(self) -> None:
        from divtool.measures.fdivergence import _BY_NAME

        pair = pair_of_logits(*random_logits(5, 8, 4))
        swapped = pair_of_logits(*random_logits(5, 8, 4)[::-1])
        for name in _BY_NAME:
            if name == "reverse-kl":
                assert np.array_equal(
                    applied(MEASURES.get("f-divergence"), pair, f=name), applied(MEASURES.get("kl"), swapped)
                )
                continue
            verb = MEASURES.get(name)
            assert np.array_equal(applied(MEASURES.get("f-divergence"), pair, f=name), applied(verb, pair))
