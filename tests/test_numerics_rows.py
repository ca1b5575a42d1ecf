"""The laws of the row functions behind entropies, scores and losses: what may not change a bit, and the edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from mpmath import loggamma, mp, mpf
from test_numerics import U, frozen, same

from divtool.errors import UsageError
from divtool.measures.binary import binary_cross_entropy, weights_of_yes
from divtool.measures.entropy_orders import hill_number, renyi_entropy, tsallis_entropy
from divtool.measures.gradients import bce_gradient, ce_gradient, quadratic_gradient
from divtool.measures.losses import focal, poly_1
from divtool.measures.scores import top_k_error
from divtool.measures.vectors import cosine_embedding, gaussian_nll, poisson_nll
from divtool.numerics import bernoulli, rowentropy
from divtool.numerics.loggamma import log_factorial
from divtool.numerics.logspace import (
    Spread,
    complement,
    error_of,
    softmax,
    spread_of_logits,
    spread_of_table,
    spread_tempered,
    surprisal,
    uniform_ratio,
)
from divtool.numerics.scores import cumulative_error, ranked_probability_rows, spherical_rows, sum_of_others
from divtool.numerics.vectors import cosine_gap_rows, cosine_rows, products_of

ORDERS = (0.0, 1e-6, 0.5, 0.999999, 1.0, 1.0 + 1e-9, 2.0, 50.0, math.inf)
Rows = Callable[[Spread], np.ndarray]


def of_order(function: Callable[..., np.ndarray], order: float) -> Rows:
    return lambda s: function(softmax(s), surprisal(s), s.gap, order)


def hill_of(order: float) -> Rows:
    return lambda s: rowentropy.hill_rows(softmax(s), surprisal(s), s.gap, uniform_ratio(s), order)


FUNCTIONS: dict[str, Rows] = {
    **{f"renyi {a:g}": of_order(rowentropy.renyi_rows, a) for a in ORDERS},
    **{f"tsallis {a:g}": of_order(rowentropy.tsallis_rows, a) for a in ORDERS},
    **{f"hill {a:g}": hill_of(a) for a in ORDERS},
    "extropy": lambda s: rowentropy.extropy_rows(softmax(s), complement(s)),
    "varentropy": lambda s: rowentropy.varentropy_rows(softmax(s), s.gap),
    "residual": lambda s: rowentropy.residual_entropy_rows(softmax(s)),
    "complement": complement,
    "uniform": uniform_ratio,
    "tempered": lambda s: softmax(spread_tempered(s, 3.0)),
    "ranked": lambda s: ranked_probability_rows(softmax(s)),
    "spherical": lambda s: spherical_rows(softmax(s), np.full_like(s.e, 0.5)),
    "others": lambda s: sum_of_others(softmax(s)),
    "cosine": lambda s: cosine_rows(products_of(s.e, s.gap * 0.0 + 1.0)),
}
EVERY = pytest.mark.parametrize("name", FUNCTIONS)


def logits(rows: int, classes: int, seed: int = 1) -> np.ndarray:
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(rows, classes)) * np.array([1e-6, 1.0, 30.0, 300.0])[np.arange(rows) % 4][:, None]
    return frozen(x)


class TestBits:
    @EVERY
    @pytest.mark.parametrize("classes", [1, 2, 33, 300])
    def test_a_row_does_not_see_the_others(self, name: str, classes: int) -> None:
        x, function = logits(23, classes), FUNCTIONS[name]
        together = function(spread_of_logits(x))
        for start, stop in ((0, 1), (1, 8), (8, 23)):
            same(together[start:stop], function(spread_of_logits(x[start:stop])))

    @EVERY
    def test_masked_rows_change_no_others(self, name: str) -> None:
        x, function = logits(8, 7), FUNCTIONS[name]
        masked = x.copy()
        masked[1::2, 3] = -np.inf
        if name != "cosine":  # whose other side here would not be finite
            same(function(spread_of_logits(x))[0::2], function(spread_of_logits(masked))[0::2])

    @EVERY
    def test_a_nan_stays_in_its_row(self, name: str) -> None:
        x, function = logits(5, 4).copy(), FUNCTIONS[name]
        before = function(spread_of_logits(x))
        x[2, 1] = np.nan
        after = function(spread_of_logits(x))
        assert np.isnan(after[2]).all() or name in ("tsallis inf",)
        same(np.delete(before, 2, axis=0), np.delete(after, 2, axis=0))


class TestEntropies:
    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("classes", [1, 2, 3, 10, 1000])
    def test_uniform_rows(self, order: float, classes: int) -> None:
        spread = spread_of_logits(np.full((1, classes), 0.3))
        assert hill_of(order)(spread)[0] == classes
        assert of_order(rowentropy.renyi_rows, order)(spread)[0] == pytest.approx(math.log(classes), rel=4 * U)
        assert not uniform_ratio(spread).any()

    @pytest.mark.parametrize("order", ORDERS)
    def test_one_hot_rows(self, order: float) -> None:
        for spread in (spread_of_table(np.array([[0.0, 1.0, 0.0]])), spread_of_logits(np.array([[-np.inf, 0.0]]))):
            for family in (rowentropy.renyi_rows, rowentropy.tsallis_rows):
                (got,) = of_order(family, order)(spread)
                assert got == 0.0
                assert not np.signbit(got)
            assert hill_of(order)(spread)[0] == 1.0

    def test_orders_fall(self) -> None:
        spread = spread_of_logits(logits(40, 9))
        entropies = [of_order(rowentropy.renyi_rows, order)(spread) for order in ORDERS]
        for higher, lower in pairwise(entropies):
            assert (lower <= higher * (1 + 16 * U)).all()

    @pytest.mark.parametrize("order", [-1.0, math.nan])
    @pytest.mark.parametrize("function", [renyi_entropy, tsallis_entropy, hill_number])
    def test_orders_below_0_are_refused(self, function: Any, order: float) -> None:
        one = np.ones((1, 1))
        words = [one, 0 * one, 0 * one] + ([0 * one] if function is hill_number else [])
        with pytest.raises(UsageError, match="--order"):
            function(*words, order=order)

    def test_varentropy_of_equal_classes_is_0(self) -> None:
        spread = spread_of_table(np.array([[0.25, 0.25, 0.0, 0.5 - 0.25, 0.25]]))
        assert rowentropy.varentropy_rows(softmax(spread), spread.gap).tolist() == [0.0]


class TestForms:
    def test_tempering_by_1_changes_nothing(self) -> None:
        table = np.abs(logits(8, 5)) + 1e-3
        np.testing.assert_allclose(
            softmax(spread_tempered(spread_of_table(table), 1.0)), softmax(spread_of_table(table)), rtol=4 * U
        )

    def test_tempering_a_table_is_tempering_its_logarithms(self) -> None:
        p = np.array([[0.7, 1e-20, 0.3, 0.0]])
        for t in (0.5, 2.0, 3.0, 7.7):
            direct = softmax(spread_tempered(spread_of_table(p), t))
            with mp.workdps(40):
                powers = [mpf(float(v)) ** (1 / mpf(t)) for v in p[0]]
                true = [float(v / mp.fsum(powers)) for v in powers]
            np.testing.assert_allclose(direct[0], true, rtol=8 * U)

    def test_error_at_a_certain_label(self) -> None:
        spread = spread_of_logits(np.array([[60.0, 0.0]]))
        error = error_of(softmax(spread), np.array([[1.0, 0.0]]), surprisal(spread))
        np.testing.assert_allclose(error, [[-math.exp(-60.0), math.exp(-60.0)]], rtol=8 * U)

    def test_infinite_answers(self) -> None:
        z = np.array([-np.inf, np.inf])
        assert bernoulli.sigmoid(z).tolist() == [0.0, 1.0]
        assert bernoulli.cost_of_yes_from_logits(z).tolist() == [np.inf, 0.0]
        assert bernoulli.cost_of_no_from_logits(z).tolist() == [0.0, np.inf]
        for cost in (bernoulli.cost_of_yes_from_chances(np.array([1.0])), bernoulli.softplus(-z[1:])):
            assert not np.signbit(cost).any()


class TestScores:
    def test_cumulative_errors_of_a_row_that_does_not_sum_to_1(self) -> None:
        """What is stored is taken as stored: 0.25 is missing, and the far end tells."""
        error = np.array([[0.25, 0.25, 0.25]]) - np.array([[0.0, 1.0, 0.0]])
        assert cumulative_error(error).tolist() == [[0.25, -0.5]]

    def test_rounding_is_no_missing_mass(self) -> None:
        tiny = 1e-25
        away = cumulative_error(np.array([[tiny, -tiny, 0.0, 2.0**-60]]))
        np.testing.assert_allclose(away[0, 0], tiny)

    def test_others_leave_one_out(self) -> None:
        x = logits(6, 40)
        got = sum_of_others(x)
        for k in range(40):
            np.testing.assert_allclose(
                got[:, k], [math.fsum(v) for v in np.delete(x, k, axis=1)], rtol=1e-9, atol=1e-12
            )

    def test_wrong_options_are_refused(self) -> None:
        one = np.ones(1)
        for run in (
            lambda: focal(one, one, gamma=-1.0), lambda: poly_1(one, one, epsilon=-2.0),
            lambda: top_k_error(one, k=0), lambda: weights_of_yes("1,x", 2), lambda: weights_of_yes("1,2,3", 2),
            lambda: weights_of_yes("-1", 2),
            lambda: binary_cross_entropy(one[None], one[None], one[None], one, over="rows"),
            lambda: bce_gradient(one[None], one[None], one[None], one, 1.0, over="rows"),
            lambda: quadratic_gradient(*[one[None]] * 6, 1.0, through="tanh"),
            lambda: gaussian_nll(one[None], one[None], one[None], eps=0.0),
            lambda: poisson_nll(one[None], one[None], full="yes"), lambda: poisson_nll(one[None], one[None], eps=-1.0),
            lambda: poisson_nll(-one[None], one[None], log_input=False),
            lambda: cosine_embedding(one[None], one[None], one[None], margin=2.0),
        ):  # fmt: skip
            with pytest.raises(UsageError):
                run()

    def test_impossible_labels_and_weights_of_0(self) -> None:
        impossible, zero, one = np.array([np.inf]), np.zeros(1), np.ones(1)
        assert focal(impossible, one).tolist() == poly_1(impossible, one, epsilon=-1.0).tolist() == [np.inf]
        assert focal(impossible, zero).tolist() == poly_1(impossible, zero).tolist() == [0.0]
        nothing = ce_gradient(np.array([[0.5, 0.5]]), np.zeros((1, 2)), np.array([[0.7, 0.7]]), 1.0)
        assert not nothing.any()

    def test_certain_answers(self) -> None:
        yes, no = np.array([[1.0, 0.0]]), np.array([[0.0, np.inf]])
        right = binary_cross_entropy(yes, no, no[:, ::-1], np.ones(2))
        wrong = binary_cross_entropy(1.0 - yes, no, no[:, ::-1], np.ones(2))
        assert (right.tolist(), wrong.tolist()) == ([0.0], [np.inf])


class TestVectors:
    def test_a_vector_and_itself(self) -> None:
        x = logits(40, 17)
        products = products_of(x, x * 2.0**300)
        assert (cosine_rows(products) == 1.0).all()
        assert not cosine_gap_rows(x, x * 2.0**300).any()

    def test_exchanging_the_sides_changes_no_bit(self) -> None:
        a, b = logits(40, 17), logits(40, 17, seed=2)
        same(cosine_rows(products_of(a, b)), cosine_rows(products_of(b, a)))
        same(cosine_gap_rows(a, b), cosine_gap_rows(b, a))

    def test_zero_vectors(self) -> None:
        zero, one = np.zeros((1, 3)), np.ones((1, 3))
        assert np.isnan(cosine_rows(products_of(zero, one))).all()
        assert cosine_embedding(zero, one, np.array([[1.0]]), zero_vector=0.0).tolist() == [1.0]
        assert cosine_embedding(zero, one, np.array([[-1.0]]), zero_vector=0.5, margin=0.25).tolist() == [0.25]

    def test_one_variance_for_all_columns(self) -> None:
        mean, x = logits(4, 3), logits(4, 3, seed=2)
        same(gaussian_nll(mean, x, np.full((4, 1), 2.0)), gaussian_nll(mean, x, np.full((4, 3), 2.0)))


def test_log_factorial() -> None:
    numbers = np.random.default_rng(3)
    t = np.concatenate(
        [numbers.uniform(0, 12, 500), 1 + numbers.choice([-1, 1], 100) * 10 ** numbers.uniform(-12, -1, 100),
         10 ** numbers.uniform(-12, 15, 200), np.arange(200.0), [8.5, 0.5, 1.5]]
    )  # fmt: skip
    with mp.workdps(40):
        for argument, got in zip(t.tolist(), log_factorial(t).tolist(), strict=True):
            true = loggamma(mpf(argument) + 1)
            assert abs(mpf(got) - true) <= 16 * U * abs(true), argument
    same(log_factorial(np.array([-1.0, np.nan, np.inf])), np.array([np.nan, np.nan, np.inf]))
