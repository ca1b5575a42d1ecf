"""The shape of a measure's rows: round edges, every value in one place, the curve of the quantiles."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divtool.accumulators.quantiles import Quantiles
from divtool.accumulators.scores import Scores
from divtool.accumulators.shapes import MOST_BINS, ShapeFigures

VALUES = st.one_of(
    st.floats(),
    st.floats(0.0, 1.0),
    st.sampled_from([0.0, -0.0, 5e-324, 1e-300, 0.3, 0.1 + 0.2, 1.0, 1.7976931348623157e308, math.inf, math.nan]),
)


def shape(values: object, budget: int = 1 << 21, size: int = 10**6) -> ShapeFigures:
    array = np.array(values, np.float64)
    state = Quantiles(budget)
    for start in range(0, len(array), size):
        state.update(Scores(np.arange(len(array))[start : start + size], array[start : start + size]))
    return state.shape()


@settings(deadline=None)
@given(values=st.lists(VALUES, max_size=40), budget=st.sampled_from([0, 100]))
def test_every_finite_value_has_its_place(values: list[float], budget: int) -> None:
    found = shape(values, budget)
    finite = [value for value in values if math.isfinite(value)]
    assert found.below + sum(found.counts) + found.above == len(finite)
    assert all(low < high for low, high in pairwise(found.edges))
    assert all(map(math.isfinite, found.edges))
    assert len(found.edges) == len(found.counts) + bool(finite)
    assert len(found.counts) <= MOST_BINS + 2
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(found.curve))
    assert repr(found) == repr(shape(values[::-1], budget, size=3))


def test_counts_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).standard_normal(3000)
    found = shape(values)
    counts, _ = np.histogram(values, found.edges)
    assert counts.tolist() == list(found.counts)
    assert found.below + found.above == 3000 - counts.sum()


def test_the_curve_is_that_of_numpy() -> None:
    values = np.random.default_rng(1).standard_normal(20_001)
    shares, found = zip(*shape(values).curve, strict=True)
    assert found == pytest.approx(np.quantile(values, shares), rel=1e-12)
    assert {0.0, 0.005, 0.5, 0.999, 0.9999, 1.0} <= set(shares)


def test_of_few_values_the_curve_is_they_themselves() -> None:
    assert [value for _, value in shape([3.0, 1.0, 2.0]).curve] == [1.0, 2.0, 3.0]
    assert 0.9999 not in dict(shape(np.arange(5000.0)).curve)


def test_shares_have_round_edges() -> None:
    for budget in (1 << 21, 0):
        found = shape(np.append(np.random.default_rng(2).random(5000), [0.0, 1.0]), budget)
        assert found.edges == tuple(i / 50 for i in range(51))
        assert not found.logarithmic


@pytest.mark.parametrize("budget", [1 << 21, 0])
def test_many_decades_have_logarithmic_edges(budget: int) -> None:
    values = np.exp(np.random.default_rng(3).standard_normal(5000) * 4 - 5)
    found = shape([*values.tolist(), 0.0, 0.0], budget)
    assert found.logarithmic
    ratios = [high / low for low, high in pairwise(found.edges)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    assert 1e-3 in found.edges
    assert found.below >= 2


@pytest.mark.parametrize(
    "values", [np.random.default_rng(4).exponential(size=5000), -np.exp(np.arange(99.0)), np.zeros(9)]
)
def test_few_decades_or_signs_are_linear(values: np.ndarray) -> None:
    assert not shape(values).logarithmic


def test_what_lies_far_out_does_not_squeeze_the_rest() -> None:
    found = shape([*np.random.default_rng(5).standard_normal(5000), 1e9, -1e9])
    assert (found.below, found.above) == (1, 1)
    assert found.edges[-1] < 20.0


def test_equal_values_are_in_one_bin() -> None:
    assert shape([0.3] * 4).counts == (4,)
    assert shape([0.0] * 4) == ShapeFigures((0.0, 1.0), (4,), tuple((i / 3, 0.0) for i in range(4)))
    assert shape([2.0]).curve == ((0.0, 2.0), (1.0, 2.0))


def test_nothing_has_no_shape() -> None:
    assert shape([]) == shape([math.inf, math.nan, -math.inf]) == ShapeFigures((), (), ())


def test_edges_are_round_in_the_unit_that_is_shown() -> None:
    state = Quantiles()
    state.update(Scores(np.arange(3), np.array([0.0, 0.5, 1.0])))
    assert state.shape(lambda values: values * 2.0).edges[-1] == 2.0
