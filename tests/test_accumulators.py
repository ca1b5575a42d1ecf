"""The laws of accumulators, over every one of them, and what each of them promises on its own."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import divtool.accumulators
from divtool.accumulators.bundle import RowStatistics
from divtool.accumulators.extremes import NAMED, Extremes
from divtool.accumulators.grouped import Grouped
from divtool.accumulators.joint import Coded, JointCounts
from divtool.accumulators.moments import Moments
from divtool.accumulators.paired import Paired
from divtool.accumulators.quantiles import POINTS, RELATIVE_BOUND, Quantiles
from divtool.accumulators.ranges import Ranges
from divtool.accumulators.reliability import EqualMass, EqualMassByClass, Reliability
from divtool.accumulators.scores import Accumulator, Scores
from divtool.numerics.exactsum import ExactProductSum, ExactSum, rounded, rounded_root


@dataclass(frozen=True)
class Case:
    """An accumulator under test: how it starts, and how it takes rows."""

    name: str
    empty: Callable[[], Any]
    take: Callable[[Any, Scores], None] = lambda state, scores: state.update(scores)

    def of(self, *parts: Scores) -> Any:
        """The state after these parts."""
        state = self.empty()
        for part in parts:
            self.take(state, part)
        return state

    def merged(self, *parts: Scores) -> Any:
        """The same through one state a part, merged from the left."""
        state = self.empty()
        for part in parts:
            state.merge(self.of(part))
        return state


def take_sum(state: ExactSum, scores: Scores) -> None:
    state.update(scores.values[np.isfinite(scores.values)])


def take_products(state: ExactProductSum, scores: Scores) -> None:
    finite = np.isfinite(scores.values)
    other = scores.values if scores.shares is None else scores.shares
    state.update_products(scores.values[finite], other[finite])


def take_groups(state: Grouped, scores: Scores) -> None:
    """The rows whose numbers are negative, zero or NaN, and positive."""
    codes = np.where(scores.values < 0.0, 0, np.where(scores.values > 0.0, 2, 1))
    state.update(codes, ["low", "none", "high"], scores)


def take_finite(state: Ranges, scores: Scores) -> None:
    state.update(scores.values[np.isfinite(scores.values)])


def take_outcomes(state: JointCounts, scores: Scores) -> None:
    """Rounded values as one variable, NaN as missing, their signs as another; shares below 10 as weights."""
    sides = [[None if np.isnan(x) else f"{x + 0.0:.0e}" for x in scores.values.tolist()],
             ["low" if x < 0.0 else "high" for x in scores.values.tolist()]]  # fmt: skip
    entries = [list(dict.fromkeys(side)) for side in sides]
    codes = [np.array([own.index(x) for x in side], np.int64) for own, side in zip(entries, sides, strict=True)]
    weights = None if scores.shares is None else np.minimum(scores.shares, 9.0).astype(np.int64)
    state.update([Coded(*each) for each in zip(codes, entries, strict=True)], weights)


def take_confidences(state: Reliability | EqualMassByClass, scores: Scores) -> None:
    """Values folded into 0 to 1 and their complements, as two classes."""
    confidence, hit = confidences_of(scores)
    state.update(np.stack([confidence, 1.0 - confidence]), np.stack([hit, ~hit]))


def take_confidence(state: EqualMass, scores: Scores) -> None:
    state.update(*confidences_of(scores))


def confidences_of(scores: Scores) -> tuple[Any, Any]:
    finite = scores.values[np.isfinite(scores.values)]
    return np.abs(finite) % 1.0, finite > 0.5


def columns_of(scores: Scores) -> Any:
    """Three columns: the values, some of their halves, and the row numbers."""
    halves = np.where(scores.rows % 3 == 0, math.inf, scores.values / 2.0)
    return np.stack([scores.values, halves, scores.rows.astype(np.float64)], axis=1)


def take_columns(state: Paired, scores: Scores) -> None:
    state.update(scores.rows, columns_of(scores), scores.shares, None)


def take_clusters(state: Paired, scores: Scores) -> None:
    state.update(scores.rows, columns_of(scores), scores.shares, [f"{x + 0.0:.0e}" for x in scores.values.tolist()])


CASES = (
    Case("moments", Moments),
    Case("quantiles", Quantiles),
    Case("quantiles-of-small-budget", partial(Quantiles, budget=7)),
    Case("quantiles-always-binned", partial(Quantiles, budget=0)),
    Case("extremes", Extremes),
    Case("extremes-of-three", partial(Extremes, keep=3)),
    Case("row-statistics", RowStatistics),
    Case("paired", partial(Paired, 3), take_columns),
    Case("grouped", Grouped, take_groups),
    Case("paired-of-small-budget", partial(Paired, 3, budget=20), take_columns),
    Case("paired-in-clusters", partial(Paired, 3), take_clusters),
    Case("joint-counts", partial(JointCounts, ("x", "sign"), [(0,), (1, 0)]), take_outcomes),
    Case("ranges", partial(Ranges, skewness=True, ordered=5), take_finite),
    Case("ranges-alone", Ranges, take_finite),
    Case("reliability", partial(Reliability, 7, curves=2), take_confidences),
    Case("equal-mass", partial(EqualMass, 4), take_confidence),
    Case("equal-mass-of-small-budget", partial(EqualMass, 4, budget=7), take_confidence),
    Case("equal-mass-by-class", partial(EqualMassByClass, 3, curves=2, budget=40), take_confidences),
    Case("exact-sum", ExactSum, take_sum),
    Case("exact-product-sum", ExactProductSum, take_products),
)

# States that count bins over all doubles are large, and each example makes several of them.
twenty_examples = settings(max_examples=20)
over_every_accumulator = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

VALUES = st.one_of(
    st.floats(),
    st.floats(min_value=0.0, max_value=100.0),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e300, -1e300, 1.0, math.inf, -math.inf, math.nan]),
)
SHARES = st.one_of(st.floats(min_value=0.0, max_value=1e300), st.sampled_from([0.0, 1.0, 5e-324]))


@st.composite
def split_scores(draw: st.DrawFn) -> list[Scores]:
    """Consecutive parts of one run, some of them empty, with or without shares."""
    values = draw(st.lists(VALUES, max_size=30))
    shares = draw(st.none() | st.lists(SHARES, min_size=len(values), max_size=len(values)))
    cuts = sorted(draw(st.lists(st.integers(0, len(values)), max_size=4)))
    whole = scores_of(values, shares)
    return [part_of(whole, start, stop) for start, stop in pairwise([0, *cuts, len(values)])]


def scores_of(values: Any, shares: Any = None, first: int = 0) -> Scores:
    """Read-only rows with consecutive row numbers."""
    arrays = (
        np.arange(first, first + len(values), dtype=np.int64),
        np.array(values, np.float64),
        None if shares is None else np.array(shares, np.float64),
    )
    for array in arrays:
        if array is not None:
            array.flags.writeable = False
    return Scores(*arrays)


def part_of(scores: Scores, start: int, stop: int) -> Scores:
    return Scores(*(None if array is None else array[start:stop] for array in scores))


def joined(parts: list[Scores]) -> Scores:
    columns = zip(*parts, strict=True)
    return Scores(*(None if column[0] is None else np.concatenate(column) for column in columns))


def figures(state: Accumulator) -> str:
    """Everything that a state presents, every bit of it, comparable where NaN is a value."""
    return repr(state.present())


def test_no_accumulator_is_forgotten() -> None:
    modules = [
        import_module(f"divtool.accumulators.{module.name}") for module in iter_modules(divtool.accumulators.__path__)
    ]
    verbs = ("update", "merge", "present")
    declared = {
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and all(verb in vars(thing) for verb in verbs) and thing is not Accumulator
    }
    assert declared | {ExactSum, ExactProductSum} == {type(case.empty()) for case in CASES}


class TestLaws:
    """What the engine relies on."""

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores())
    def test_empty_is_an_identity_on_both_sides(self, case: Case, parts: list[Scores]) -> None:
        state = case.of(joined(parts))
        left, right = case.empty(), deepcopy(state)
        left.merge(state)
        right.merge(case.empty())
        assert figures(left) == figures(right) == figures(state)

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores(), more=split_scores(), most=split_scores())
    def test_merging_is_associative(
        self, case: Case, parts: list[Scores], more: list[Scores], most: list[Scores]
    ) -> None:
        a, b, c = (case.of(*each) for each in (parts, more, most))
        left, right, tail = deepcopy(a), deepcopy(a), deepcopy(b)
        left.merge(b)
        left.merge(c)
        tail.merge(c)
        right.merge(tail)
        assert figures(left) == figures(right)

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores())
    def test_merging_parts_equals_updating_with_all_rows(self, case: Case, parts: list[Scores]) -> None:
        assert figures(case.merged(*parts)) == figures(case.of(*parts)) == figures(case.of(joined(parts)))

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores(), data=st.data())
    def test_parts_may_come_in_any_order(self, case: Case, parts: list[Scores], data: st.DataObject) -> None:
        shuffled = data.draw(st.permutations(parts))
        assert figures(case.merged(*shuffled)) == figures(case.of(joined(parts)))

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores())
    def test_weighted_and_unweighted_parts_may_meet(self, case: Case, parts: list[Scores]) -> None:
        bare = [Scores(part.rows, part.values) for part in parts]
        mixed = [*parts, *bare]
        assert figures(case.merged(*mixed)) == figures(case.of(*mixed))

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores())
    def test_presenting_twice_gives_the_same(self, case: Case, parts: list[Scores]) -> None:
        state, more = case.of(*parts), scores_of([0.25], None, first=1000)
        untouched = deepcopy(state)
        assert figures(state) == figures(state)
        case.take(state, more)
        case.take(untouched, more)
        assert figures(state) == figures(untouched)

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores(), more=split_scores())
    def test_merging_leaves_the_other_as_it_was(self, case: Case, parts: list[Scores], more: list[Scores]) -> None:
        state, other = case.of(*parts), case.of(*more)
        before = figures(other)
        state.merge(other)
        assert figures(other) == before
        case.take(state, scores_of([7.0, -7.0]))
        assert figures(other) == before

    @over_every_accumulator
    @twenty_examples
    @given(parts=split_scores(), more=split_scores())
    def test_a_pickled_state_goes_on_as_before(self, case: Case, parts: list[Scores], more: list[Scores]) -> None:
        state = case.of(*parts)
        copy = pickle.loads(pickle.dumps(state))
        assert figures(copy) == figures(state)
        copy.merge(case.of(*more))
        state.merge(case.of(*more))
        assert figures(copy) == figures(state)

    @over_every_accumulator
    @pytest.mark.parametrize("values", [[0.0, -0.0], [-0.0, 0.0], [0.0, -0.0, 0.0, -0.0, 1.0, -1.0, 0.0]])
    def test_the_sign_of_a_zero_does_not_tell_how_rows_were_split(self, case: Case, values: list[float]) -> None:
        whole = scores_of(values)
        parts = [part_of(whole, row, row + 1) for row in range(len(values))]
        assert figures(case.merged(*parts)) == figures(case.merged(*parts[::-1])) == figures(case.of(whole))

    @over_every_accumulator
    def test_large_parts(self, case: Case) -> None:
        rng = np.random.default_rng(0)
        whole = scores_of(rng.standard_normal(20_000) * 10.0 ** rng.integers(-300, 300, 20_000), rng.random(20_000))
        parts = [part_of(whole, start, start + 777) for start in range(0, 20_000, 777)]
        assert figures(case.merged(*parts)) == figures(case.of(whole))


FINITE = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308]),
)


class TestExactSum:
    @given(values=st.lists(FINITE, max_size=50))
    def test_is_the_rational_sum(self, values: list[float]) -> None:
        total = ExactSum()
        total.update(np.array(values, np.float64))
        assert total.present() == sum(map(Fraction, values), Fraction(0))

    @given(pairs=st.lists(st.tuples(FINITE, FINITE), max_size=50))
    def test_products_are_the_rational_sum(self, pairs: list[tuple[float, float]]) -> None:
        total = ExactProductSum()
        x, y = np.array(pairs, np.float64).reshape(-1, 2).T
        total.update_products(x, y)
        assert total.present() == sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))

    def test_many_values(self) -> None:
        values = np.random.default_rng(1).standard_normal(10_000) * 2.0 ** np.resize(np.arange(-900.0, 900.0), 10_000)
        total = ExactSum()
        total.update(values)
        assert total.present() == sum(map(Fraction, values.tolist()), Fraction(0))

    def test_more_than_one_bincount(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.numerics.exactsum._AT_ONCE", 7)
        values = np.random.default_rng(2).standard_normal(100)
        total, squares = ExactSum(), ExactProductSum()
        total.update(values)
        squares.update_products(values, values)
        assert total.present() == sum(map(Fraction, values.tolist()), Fraction(0))
        assert squares.present() == sum((Fraction(v) ** 2 for v in values.tolist()), Fraction(0))

    def test_strided_values(self) -> None:
        values = np.arange(12.0).reshape(3, 4)
        total = ExactSum()
        total.update(values[:, 1])
        assert total.present() == 1 + 5 + 9

    def test_equality_is_that_of_the_sums(self) -> None:
        a, b = ExactSum(), ExactSum()
        a.update(np.array([1e300, 1.0, -1e300]))
        b.update(np.array([1.0]))
        assert a == b
        assert a != ExactProductSum()
        with pytest.raises(TypeError):
            hash(a)

    @given(value=st.fractions(min_value=0), power=st.integers(-2100, 2000))
    def test_roots_are_within_an_ulp(self, value: Fraction, power: int) -> None:
        value *= Fraction(2) ** power
        got = rounded_root(value)
        with mp.workprec(300):
            true = mp.sqrt(mpf(value.numerator) / mpf(value.denominator))
            assert math.isinf(got) or abs(mpf(got) - true) <= mpf(math.ulp(got))
            assert math.isfinite(got) or true >= mpf(2) ** 1023

    def test_rounding_beyond_the_doubles(self) -> None:
        assert rounded(Fraction(10) ** 400) == math.inf
        assert rounded(-(Fraction(10) ** 400)) == -math.inf


MODERATE = st.floats(min_value=-1e100, max_value=1e100)
POSITIVE_SHARES = st.floats(min_value=1e-6, max_value=1e6)


class TestMoments:
    @given(values=st.lists(FINITE, min_size=1, max_size=40))
    def test_mean_and_sum_are_correctly_rounded(self, values: list[float]) -> None:
        state = Moments()
        state.update(scores_of(values))
        exact = sum(map(Fraction, values), Fraction(0))
        assert state.present().mean == float(exact / len(values))
        assert state.present().sum == rounded(exact)

    @given(rows=st.lists(st.tuples(MODERATE, POSITIVE_SHARES), min_size=1, max_size=40))
    def test_weighted_mean_is_correctly_rounded(self, rows: list[tuple[float, float]]) -> None:
        values, shares = zip(*rows, strict=True)
        state = Moments()
        state.update(scores_of(values, shares))
        assert state.present().mean == float(sum(map(Fraction, values)) / sum(map(Fraction, shares)))
        assert state.present().share == sum(map(Fraction, shares))

    @given(values=st.lists(MODERATE, min_size=2, max_size=40))
    def test_standard_error_is_that_of_the_textbook(self, values: list[float]) -> None:
        state = Moments()
        state.update(scores_of(values))
        n, exact = len(values), list(map(Fraction, values))
        mean = sum(exact) / n
        variance = sum((v - mean) ** 2 for v in exact) / (n - 1)
        assert within_an_ulp(state.present().std_error, variance / n)

    @given(rows=st.lists(st.tuples(MODERATE, POSITIVE_SHARES), min_size=2, max_size=40))
    def test_standard_error_of_a_ratio_of_means(self, rows: list[tuple[float, float]]) -> None:
        values, shares = (list(map(Fraction, column)) for column in zip(*rows, strict=True))
        state = Moments()
        state.update(scores_of(*zip(*rows, strict=True)))
        n, share = len(values), sum(shares)
        ratio = sum(values) / share
        squares = sum((v - ratio * d) ** 2 for v, d in zip(values, shares, strict=True))
        assert within_an_ulp(state.present().std_error, squares * Fraction(n, n - 1) / share**2)

    @given(values=st.lists(MODERATE, max_size=20))
    def test_shares_of_one_are_no_shares(self, values: list[float]) -> None:
        weighted, plain = Moments(), Moments()
        weighted.update(scores_of(values, [1.0] * len(values)))
        plain.update(scores_of(values))
        assert figures(weighted) == figures(plain)

    def test_the_same_value_everywhere_has_no_error(self) -> None:
        state = Moments()
        state.update(scores_of([0.1] * 1000))
        assert state.present().std_error == 0.0
        assert state.present().mean == 0.1

    def test_variance_survives_a_large_offset(self) -> None:
        state = Moments()
        state.update(scores_of([1e15, 1e15 + 1, 1e15 + 2]))
        assert state.present().std_error == math.sqrt(1 / 3)

    @pytest.mark.parametrize("rows", [[], [1.0]])
    def test_no_error_of_fewer_than_two_rows(self, rows: list[float]) -> None:
        state = Moments()
        state.update(scores_of(rows))
        assert state.present().std_error is None

    def test_no_row_has_no_mean(self) -> None:
        assert math.isnan(Moments().present().mean)
        assert Moments().present().sum == 0.0

    @pytest.mark.parametrize(
        ("odd", "mean"),
        [([math.inf], math.inf), ([-math.inf], -math.inf), ([math.inf, -math.inf], math.nan), ([math.nan], math.nan),
         ([math.nan, math.inf], math.nan)],
    )  # fmt: skip
    def test_odd_rows_decide_the_mean_and_leave_the_finite_one(self, odd: list[float], mean: float) -> None:
        state = Moments()
        state.update(scores_of([1.0, *odd, 2.0]))
        shown = state.present()
        assert repr(shown.mean) == repr(shown.sum) == repr(mean)
        assert shown.finite_mean == 1.5
        assert shown.std_error is None
        assert (shown.n, shown.infinite, shown.nan) == (2 + len(odd), sum(map(math.isinf, odd)), odd.count(odd[0]) if
                math.isnan(odd[0]) else 0)  # fmt: skip

    def test_shares_of_odd_rows_count_in_the_whole_share(self) -> None:
        state = Moments()
        state.update(scores_of([1.0, math.inf], [0.5, 0.25]))
        assert (state.present().finite_share, state.present().share) == (Fraction(1, 2), Fraction(3, 4))

    def test_rows_of_no_share_have_no_mean(self) -> None:
        state = Moments()
        state.update(scores_of([0.0, 0.0], [0.0, 0.0]))
        assert math.isnan(state.present().mean)
        assert state.present().std_error is None


def within_an_ulp(got: float | None, square: Fraction) -> bool:
    """Whether ``got`` is the root of ``square`` to within an ulp."""
    assert got is not None
    with mp.workprec(400):
        return bool(abs(mpf(got) - mp.sqrt(mpf(square.numerator) / mpf(square.denominator))) <= mpf(math.ulp(got)))


NORMAL = st.floats(min_value=2.0**-1000, max_value=1e300)


class TestQuantiles:
    @given(values=st.lists(st.floats(min_value=-1e300, max_value=1e300), min_size=1, max_size=60))
    def test_exact_ones_are_those_of_numpy(self, values: list[float]) -> None:
        shown = quantiles(values)
        assert shown.bound == 0.0
        for point in POINTS:
            low, high = (float(np.quantile(values, point, method=side)) for side in ("lower", "higher"))
            slack = 4 * math.ulp(max(abs(low), abs(high)))
            assert abs(shown.points[point] - float(np.quantile(values, point))) <= slack

    @given(values=st.lists(NORMAL, min_size=2, max_size=60))
    def test_binned_ones_are_within_the_stated_bound(self, values: list[float]) -> None:
        exact, binned = quantiles(values), quantiles(values, budget=1)
        assert binned.bound == RELATIVE_BOUND
        for point in POINTS:
            assert abs(binned.points[point] - exact.points[point]) <= allowed(exact.points[point], values)

    @given(values=st.lists(NORMAL, min_size=2, max_size=60))
    def test_binned_negative_values_are_within_the_bound(self, values: list[float]) -> None:
        values = [-value for value in values]
        exact, binned = quantiles(values), quantiles(values, budget=1)
        for point in POINTS:
            assert abs(binned.points[point] - exact.points[point]) <= allowed(exact.points[point], values)

    @pytest.mark.parametrize("value", [0.0, math.inf, -math.inf])
    @pytest.mark.parametrize("budget", [0, 100])
    def test_zero_and_the_infinities_are_exact(self, value: float, budget: int) -> None:
        shown = quantiles([value] * 5, budget=budget)
        assert list(shown.points.values()) == [value] * len(POINTS)

    @pytest.mark.parametrize("budget", [0, 100])
    def test_infinities_are_values(self, budget: int) -> None:
        low, high = quantiles([-math.inf, 1.0], budget=budget), quantiles([1.0, math.inf], budget=budget)
        assert low.points[0.5] == -math.inf
        assert high.points[0.5] == math.inf

    @pytest.mark.parametrize("budget", [0, 3, 100])
    def test_nan_rows_have_no_place(self, budget: int) -> None:
        with_nan = quantiles([3.0, math.nan, 1.0, math.nan, 2.0], budget=budget)
        assert repr(with_nan) == repr(quantiles([3.0, 1.0, 2.0], budget=budget))

    @pytest.mark.parametrize("values", [[], [math.nan, math.nan]])
    def test_no_row_has_no_quantile(self, values: list[float]) -> None:
        assert all(map(math.isnan, quantiles(values, budget=0).points.values()))

    def test_the_budget_is_of_the_whole_run(self) -> None:
        small, whole = [Quantiles(budget=10) for _ in range(3)], Quantiles(budget=10)
        for first, part in enumerate(small):
            part.update(scores_of([first + 0.1] * 4))
            assert part.present().bound == 0.0
        for part in small:
            whole.merge(part)
        assert whole.present().bound == RELATIVE_BOUND

    @pytest.mark.parametrize("budget", [0, 500, 10_000])
    def test_the_same_bits_for_every_order(self, budget: int) -> None:
        rng = np.random.default_rng(3)
        values = np.concatenate([rng.exponential(size=1000), np.zeros(50), [math.inf] * 3])
        expected = repr(quantiles(values, budget=budget))
        for _ in range(5):
            assert repr(quantiles(rng.permutation(values), budget=budget)) == expected


def allowed(exact: float, values: list[float]) -> float:
    """The stated bound, and the rounding of the interpolation."""
    return abs(exact) * RELATIVE_BOUND + 4 * math.ulp(max(map(abs, values)))


def quantiles(values: Any, budget: int = 1000) -> Any:
    state = Quantiles(budget)
    state.update(scores_of(values))
    return state.present()


class TestExtremes:
    def test_of_equal_values_the_lowest_row_is_named(self) -> None:
        late, early = Extremes(), Extremes()
        late.update(scores_of([5.0, 5.0], first=10))
        early.update(scores_of([5.0, 1.0, 5.0, 1.0]))
        late.merge(early)
        assert [(each.row, each.value) for each in late.present().largest] == [(0, 5.0)]
        assert [(each.row, each.value) for each in late.present().smallest] == [(1, 1.0)]

    @given(values=st.lists(st.integers(0, 4).map(float), max_size=30), keep=st.integers(1, 5))
    def test_are_the_head_of_a_full_sort(self, values: list[float], keep: int) -> None:
        state = Extremes(keep)
        state.update(scores_of(values))
        order = sorted(range(len(values)), key=lambda row: (-values[row], row))
        assert [each.row for each in state.present().largest] == order[:keep]
        order = sorted(range(len(values)), key=lambda row: (values[row], row))
        assert [each.row for each in state.present().smallest] == order[:keep]

    def test_infinite_rows_are_extremes_and_named(self) -> None:
        state = Extremes()
        state.update(scores_of([1.0, -math.inf, math.inf, 2.0, math.inf, math.inf]))
        shown = state.present()
        assert shown.first_infinite == (1, 2, 4)
        assert (shown.largest[0].row, shown.smallest[0].row) == (2, 1)

    def test_nan_rows_are_named_and_no_extremes(self) -> None:
        state = Extremes()
        state.update(scores_of([math.nan, 1.0, *[math.nan] * 5]))
        shown = state.present()
        assert shown.first_nan == (0, 2, 3)
        assert len(shown.first_nan) == NAMED
        assert [each.row for each in shown.largest] == [1]

    def test_first_odd_rows_are_those_of_the_file(self) -> None:
        late, early = Extremes(), Extremes()
        late.update(scores_of([math.inf, math.nan] * 3, first=10))
        early.update(scores_of([math.nan, math.inf]))
        late.merge(early)
        assert (late.present().first_infinite, late.present().first_nan) == ((1, 10, 12), (0, 11, 13))

    def test_nothing_has_no_extremes(self) -> None:
        shown = Extremes().present()
        assert (shown.largest, shown.smallest, shown.first_infinite, shown.first_nan) == ((), (), (), ())
