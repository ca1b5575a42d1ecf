"""Columns compared over the same rows: against exact rationals, scipy, and the other way of keeping them."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy import stats

from divtool.accumulators.moments import Moments
from divtool.accumulators.paired import Paired
from divtool.accumulators.paired_figures import PairedFigures
from divtool.accumulators.scores import Scores
from divtool.errors import ResourceError
from divtool.numerics.exactsum import ExactProductSum
from divtool.numerics.gram import add_digit_sums, carried, digits_of, doubles_of, exact_products

HARD = [0.0, -0.0, 5e-324, -5e-324, 1e-200, 0.1, -0.1, 1.0, 3.0, 1e15, -1e200, 1.7976931348623157e308]
NUMBERS = st.one_of(st.sampled_from(HARD), st.floats(allow_nan=False, allow_infinity=False))
ODD = st.one_of(NUMBERS, st.sampled_from([math.inf, -math.inf, math.nan]))


def figures(
    values: Any, shares: Any = None, clusters: Sequence[Any] | None = None, budget: int = 1 << 22, size: int = 10**6
) -> PairedFigures:
    """What columns come to, taken in parts of ``size`` rows."""
    values = np.array(values, np.float64)
    state = Paired(values.shape[1], budget)
    for start in range(0, len(values), size):
        part = slice(start, start + size)
        rows = np.arange(len(values))[part]
        state.update(rows, values[part], None if shares is None else np.array(shares)[part],
                     None if clusters is None else clusters[part])  # fmt: skip
    return state.present()


def textbook(d: Sequence[Fraction], s: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """A ratio of sums and the square of its standard error, exactly."""
    n, share = len(d), sum(s)
    ratio = sum(d) / share
    squares = sum((one - ratio * each) ** 2 for one, each in zip(d, s, strict=True))
    return ratio, squares * Fraction(n, n - 1) / share**2


def is_root(got: float | None, square: Fraction) -> bool:
    with mp.workprec(400):
        return got is not None and abs(mpf(got) - mp.sqrt(mpf(square.numerator) / square.denominator)) <= math.ulp(got)


class TestDigits:
    @given(values=st.lists(NUMBERS, min_size=1, max_size=20))
    def test_are_the_numbers(self, values: list[float]) -> None:
        digits = digits_of(np.array(values))
        for i, value in enumerate(values):
            assert sum((int(each[i]) * Fraction(2) ** (20 * at) for at, each in digits.items()), Fraction(0)) == value
            assert all(abs(each[i]) < 2**20 for each in digits.values())

    @given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30))
    def test_products_are_the_rational_ones(self, rows: list[tuple[float, float]]) -> None:
        sums = exact_products(list(np.array(rows).T.copy()))
        for i in range(2):
            for j in range(2):
                true = sum((Fraction(row[i]) * Fraction(row[j]) for row in rows), Fraction(0))
                assert sums[i, j] * ExactProductSum.scale == true

    @pytest.mark.parametrize("spread", [1.0, 400.0], ids=["by-digits", "product-by-product"])
    def test_many_rows(self, spread: float) -> None:
        rng = np.random.default_rng(3)
        columns = [rng.standard_normal(20_000) * 2.0 ** rng.uniform(-spread, spread, 20_000) for _ in range(3)]
        sums = exact_products(columns)
        for i, j in ((0, 0), (0, 1), (2, 1)):
            total = ExactProductSum()
            total.update_products(columns[i], columns[j])
            assert sums[i, j] == total.units

    @given(rows=st.lists(st.tuples(NUMBERS, st.integers(0, 3)), min_size=1, max_size=30))
    def test_sums_of_groups_have_exact_signs(self, rows: list[tuple[float, int]]) -> None:
        values, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        digits: dict[int, Any] = {}
        add_digit_sums(digits, values, groups, 4, 1.0)
        add_digit_sums(digits, values[::-1].copy(), groups, 4, -1.0)
        got = doubles_of(carried(digits), 4)
        for group in range(4):
            true = sum((Fraction(a) - Fraction(b) for (a, own), (b, _) in zip(rows, rows[::-1], strict=True)
                        if own == group), Fraction(0))  # fmt: skip
            assert (got[group] > 0, got[group] < 0) == (true > 0, true < 0)
            if math.isfinite(got[group]):
                assert abs(Fraction(float(got[group])) - true) <= 4 * Fraction(math.ulp(got[group]))


class TestDifference:
    @settings(deadline=None)
    @given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, st.floats(1e-6, 1e6)), min_size=2, max_size=20))
    def test_is_exact(self, rows: list[tuple[float, float, float]]) -> None:
        d = [Fraction(a) - Fraction(b) for a, b, _ in rows]
        ratio, square = textbook(d, [Fraction(s) for *_, s in rows])
        got = figures([row[:2] for row in rows], [row[2] for row in rows]).difference(0, 1, 0.9)
        if abs(ratio) < Fraction(10) ** 300:
            assert got.value == float(ratio)
            assert math.isinf(got.std_error or 0.0) or is_root(got.std_error, square)
        assert (got.above, got.below, got.equal) == tuple(sum(test) for test in (
            [each > 0 for each in d], [each < 0 for each in d], [each == 0 for each in d]))  # fmt: skip

    @given(rows=st.lists(st.tuples(ODD, ODD, ODD), max_size=20), weighted=st.booleans())
    def test_both_ways_of_keeping_give_the_same(self, rows: list[tuple[float, ...]], weighted: bool) -> None:
        values = np.array(rows).reshape(-1, 3)
        shares = np.linspace(0.5, 2.0, len(rows)) if weighted else None
        kept, summed = figures(values, shares), figures(values, shares, budget=0, size=3)
        for i, j in ((0, 1), (1, 0), (2, 0), (1, 1)):
            assert repr(kept.difference(i, j, 0.95)) == repr(summed.difference(i, j, 0.95))
        assert [kept.std_error(i) for i in range(3)] == [summed.std_error(i) for i in range(3)]
        assert summed.drawn_each([(0, 1)], 10, 0, 0.9)[0] is None or not rows

    def test_bounds_are_those_of_the_t_test(self) -> None:
        a, b = np.random.default_rng(0).standard_normal((2, 37))
        got = figures(np.stack([a, b + 0.3], axis=1)).difference(0, 1, 0.9)
        true = stats.ttest_rel(a, b + 0.3).confidence_interval(0.9)
        assert (got.low, got.high) == pytest.approx((true.low, true.high), rel=1e-12)
        assert (got.n, got.units, got.left_out) == (37, 37, 0)

    def test_rows_that_are_not_finite_are_left_out_of_their_pairs(self) -> None:
        values = [[1.0, 3.0, math.inf], [2.0, math.nan, 1.0], [4.0, 5.0, -math.inf], [6.0, 6.0, 2.0]]
        found = figures(values)
        got = found.difference(1, 0, 0.95)
        assert (got.value, got.n, got.left_out, got.above, got.below, got.equal) == (1.0, 3, 1, 2, 0, 1)
        assert found.difference(2, 0, 0.95).value == -2.5
        assert found.difference(1, 2, 0.95).std_error is None
        assert [found.std_error(i) is None for i in range(3)] == [False, True, True]

    @pytest.mark.parametrize(("rows", "value"), [([], math.nan), ([[1.0, 0.5]], 0.5), ([[math.inf, 1.0]], math.nan)])
    def test_fewer_than_two_rows_have_no_error(self, rows: list[list[float]], value: float) -> None:
        got = figures(np.array(rows).reshape(-1, 2)).difference(0, 1, 0.95)
        assert repr(got.value) == repr(value)
        assert (got.std_error, got.low, got.high) == (None, None, None)

    def test_no_share_has_no_value(self) -> None:
        got = figures([[1.0, 0.0], [2.0, 0.0]], [0.0, 0.0]).difference(0, 1, 0.95)
        assert math.isnan(got.value)
        assert got.std_error is None

    def test_the_error_of_a_column_is_that_of_its_moments(self) -> None:
        values, shares = np.random.default_rng(1).random((50, 2)), np.random.default_rng(2).random(50)
        moments = Moments()
        moments.update(Scores(np.arange(50), values[:, 1].copy(), shares))
        assert figures(values, shares).std_error(1) == moments.present().std_error

    def test_equal_columns_are_equal(self) -> None:
        got = figures(np.repeat(np.random.default_rng(4).random((9, 1)), 2, axis=1)).difference(0, 1, 0.95)
        assert (got.value, got.std_error, got.low, got.high, got.equal) == (0.0, 0.0, 0.0, 0.0, 9)


class TestClusters:
    @settings(deadline=None)
    @given(
        rows=st.lists(
            st.tuples(NUMBERS, NUMBERS, st.floats(1e-3, 1e3), st.sampled_from("abcd")), min_size=2, max_size=20
        )
    )
    def test_are_exact(self, rows: list[tuple[float, float, float, str]]) -> None:
        names = sorted({row[3] for row in rows})
        d = [sum((Fraction(a) - Fraction(b) for a, b, _, own in rows if own == name), Fraction(0)) for name in names]
        s = [sum((Fraction(each) for *_, each, own in rows if own == name), Fraction(0)) for name in names]
        found = figures([row[:2] for row in rows], [row[2] for row in rows], [row[3] for row in rows], size=7)
        got = found.difference(0, 1, 0.95)
        assert (got.units, got.n) == (len(names), len(rows))
        assert (got.above, got.below) == (sum(each > 0 for each in d), sum(each < 0 for each in d))
        if len(names) > 1:
            ratio, square = textbook(d, s)
            if abs(ratio) < Fraction(10) ** 300:
                assert got.value == float(ratio)
                assert math.isinf(got.std_error or 0.0) or is_root(got.std_error, square)

    def test_of_one_row_each_are_rows(self) -> None:
        values = np.random.default_rng(5).standard_normal((40, 2))
        alone, rows = figures(values, clusters=list(range(40))), figures(values)
        assert alone.difference(0, 1, 0.95) == rows.difference(0, 1, 0.95)
        assert alone.std_error(0) == rows.std_error(0)
        assert alone.drawn_each([(0, 1)], 200, 1, 0.9)[0] == rows.drawn_each([(0, 1)], 200, 1, 0.9)[0]

    def test_their_error_is_that_of_the_formula(self) -> None:
        rng = np.random.default_rng(6)
        clusters, values = rng.integers(0, 9, 60), rng.standard_normal((60, 1))
        sums, sizes = np.bincount(clusters, values[:, 0]), np.bincount(clusters)
        residuals = sums - values.mean() * sizes
        expected = math.sqrt(9 / 8 * (residuals**2).sum()) / 60
        assert figures(values, clusters=clusters.tolist()).std_error(0) == pytest.approx(expected, rel=1e-12)

    def test_many_are_summed_up_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        values, clusters = np.random.default_rng(7).standard_normal((50, 2)), [i % 23 for i in range(50)]
        whole = figures(values, clusters=clusters).difference(0, 1, 0.95)
        monkeypatch.setattr("divtool.accumulators.paired_figures._GROUPS", 5)
        assert figures(values, clusters=clusters).difference(0, 1, 0.95) == whole

    def test_one_cluster_is_one_unit(self) -> None:
        found = figures([[1.0, 2.0], [3.0, 1.0]], clusters=["a", "a"])
        assert (found.difference(0, 1, 0.95).std_error, found.drawn_each([(0, 1)], 10, 0, 0.95)[0]) == (None, None)

    def test_a_cluster_without_a_finite_row_is_no_unit(self) -> None:
        got = figures([[1.0, math.inf], [2.0, 1.0], [4.0, 1.0]], clusters=["a", "b", "c"]).difference(0, 1, 0.95)
        assert (got.units, got.n, got.left_out, got.value) == (2, 2, 1, 2.0)

    def test_too_many_rows_are_refused(self) -> None:
        with pytest.raises(ResourceError, match=r"4 rows in clusters, of 2 columns - expected at most 3 rows"):
            figures(np.zeros((4, 2)), clusters=list("abca"), budget=9)

    def test_all_rows_have_them_or_none(self) -> None:
        state, other = Paired(1), Paired(1)
        state.update(np.arange(1), np.ones((1, 1)), None, ["a"])
        other.update(np.arange(1), np.ones((1, 1)), None, None)
        with pytest.raises(ValueError, match="some rows are in clusters"):
            state.merge(other)
        with pytest.raises(ValueError, match="some rows are in clusters"):
            other.update(np.arange(1), np.ones((1, 1)), None, ["a"])

    def test_codes_of_parts_are_told_apart(self) -> None:
        values = np.random.default_rng(8).standard_normal((6, 2))
        names = ["x", "y", "x", "y", "z", "x"]
        first, second = Paired(2), Paired(2)
        first.update(np.arange(3), values[:3], None, names[:3])
        second.update(np.arange(3, 6), values[3:], None, np.array(names[3:]))
        second.merge(pickle.loads(pickle.dumps(first)))
        merged = second.present()
        assert merged.difference(0, 1, 0.9) == figures(values, clusters=names).difference(0, 1, 0.9)
        assert (
            merged.drawn_each([(0, 1)], 99, 3, 0.9)[0]
            == figures(values, clusters=names).drawn_each([(0, 1)], 99, 3, 0.9)[0]
        )


class TestDrawn:
    def test_parts_may_come_in_any_order(self) -> None:
        values = np.random.default_rng(9).standard_normal((30, 2))
        state = Paired(2)
        for start in (20, 0, 10):
            state.update(np.arange(start, start + 10), values[start : start + 10], None, None)
        assert (
            state.present().drawn_each([(0, 1)], 100, 5, 0.9)[0] == figures(values).drawn_each([(0, 1)], 100, 5, 0.9)[0]
        )

    def test_many_at_once_are_the_same_as_one_by_one(self) -> None:
        values = np.random.default_rng(10).standard_normal((30, 3))
        values[3, 2] = math.inf
        found = figures(values, np.random.default_rng(11).random(30))
        pairs = [(1, 0), (2, 0)]
        alone = [found.drawn_each([pair], 100, 5, 0.9)[0] for pair in pairs]
        assert found.drawn_each(pairs, 100, 5, 0.9) == alone

    def test_neighbours_are_taken_together_where_there_are_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        values = np.random.default_rng(12).standard_normal((40, 2))
        blocks = values.reshape(10, 4, 2).sum(axis=1)
        expected = figures(blocks, np.full(10, 4.0)).drawn_each([(0, 1)], 100, 0, 0.9)[0]
        monkeypatch.setattr("divtool.accumulators.paired_figures.MOST_UNITS", 10)
        got = figures(values).drawn_each([(0, 1)], 100, 0, 0.9)[0]
        assert got is not None
        assert expected is not None
        assert (got.boot_low, got.boot_high) == pytest.approx((expected.boot_low, expected.boot_high), rel=1e-9)
        assert got.p_permutation == expected.p_permutation

    def test_nothing_is_drawn_from_one_row(self) -> None:
        assert figures([[1.0, 2.0]]).drawn_each([(0, 1)], 10, 0, 0.9)[0] is None
        assert figures(np.empty((0, 2))).drawn_each([(0, 1)], 10, 0, 0.9)[0] is None

    def test_nothing_is_drawn_where_no_row_is_finite(self) -> None:
        assert figures([[1.0, math.inf]] * 3).drawn_each([(0, 1)], 10, 0, 0.9)[0] is None


def test_no_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="0 columns"):
        Paired(0)
