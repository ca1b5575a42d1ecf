"""``--like`` gives the digits of another tool; ``--zeros``, ``--mean``, ``--empty`` and smoothing do what they say.

The expected numbers were printed by the tools themselves or follow from their formulas in 50-digit arithmetic.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import divtool
from divtool.errors import InputError, UsageError
from divtool.meaning.zeros import Zeros, parse_zeros

X = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]])
Y = np.array([0, 2])
SOFT = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
W = "1,2,5"


def near(value: float, expected: float, digits: int = 14) -> None:
    assert value == pytest.approx(expected, rel=10.0**-digits, abs=0.0)


class TestTorch:
    """The figures of torch's CrossEntropyLoss and KLDivLoss."""

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, 2.2367449341009047),
            ({"reduction": "sum"}, 4.4734898682018095),
            ({"class_weight": W}, 3.456170913871921),
            ({"label_smoothing": 0.1}, 2.2034116007675714),
            ({"label_smoothing": 0.1, "class_weight": W}, 3.326042261071476),
        ],
        ids=["plain", "sum", "weighted", "smoothed", "both"],
    )
    def test_hard_labels(self, options: dict[str, Any], expected: float) -> None:
        near(divtool.ce(X, Y, like="torch", **options).value, expected)
        near(divtool.ce(X, Y, **options).value, expected)

    def test_ignored(self) -> None:
        near(divtool.ce(X, np.array([0, -100]), like="torch").value, 0.4076059644443803)

    def test_all_ignored_is_nan_as_asked_for_and_an_error_else(self) -> None:
        nothing = np.array([-100, -100])
        assert math.isnan(divtool.ce(X, nothing, like="torch").value)
        with pytest.raises(InputError, match="nothing is left"):
            divtool.ce(X, nothing)

    def test_soft_targets_are_divided_by_rows(self) -> None:
        near(divtool.ce(X, SOFT, like="torch").value, 1.7867449341009047)
        near(divtool.ce(X, SOFT, like="torch", class_weight=W).value, 7.2979699935067482)
        near(divtool.ce(X, SOFT, class_weight=W).value, 2.7539509409459427)

    @pytest.mark.parametrize(
        ("reduction", "expected"),
        [(None, 0.93686279540084619), ("batchmean", 0.93686279540084619), ("mean", 0.31228759846694873),
         ("sum", 1.8737255908016924)],
    )  # fmt: skip
    def test_kl(self, reduction: str | None, expected: float) -> None:
        near(divtool.kl(SOFT, X, like="torch", reduction=reduction).value, expected)

    def test_batchmean_is_torchs_word(self) -> None:
        with pytest.raises(UsageError, match="batchmean"):
            divtool.kl(SOFT, X, reduction="batchmean")

    def test_bce_on_probabilities_costs_100_at_most(self) -> None:
        chances, answers = np.array([[0.0], [0.5]]), np.array([1, 1])
        near(divtool.bce(chances, answers, like="torch").value, (100 + math.log(2)) / 2)
        assert divtool.bce(chances, answers).value == math.inf


class TestKeras:
    def test_cross_entropy_is_clipped(self) -> None:
        table = np.array([[0.0, 1.0], [0.5, 0.5]])
        worst = divtool.ce(table, np.array([0, 0]), like="keras", reduction="none").row_values
        assert worst is not None
        near(worst[0], -math.log(1e-7))
        assert f"{worst[0]:.3f}" == "16.118"

    def test_rows_are_divided_by_their_sum(self) -> None:
        near(divtool.ce(np.array([[1.0, 3.0]]), np.array([0]), like="keras", given="probs").value, math.log(4))

    def test_kl_clips_both_sides(self) -> None:
        assert f"{divtool.kl(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]), like='keras').value:.2f}" == "7.37"
        value = divtool.kl(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]), like="keras").value
        assert f"{value:.7f}" == "0.6931456"

    def test_weighted_mean_is_by_rows_and_nothing_is_zero(self) -> None:
        near(divtool.ce(X, Y, like="keras", class_weight=W).value, (0.4076059644443803 + 20.329419518787146) / 2)
        assert divtool.ce(X, np.array([-100, -100]), like="keras").value == 0.0


class TestSklearn:
    @pytest.mark.parametrize(("dtype", "expected"), [("float64", 36.04), ("float32", 15.94), ("float16", 6.93)])
    def test_the_clip_depends_on_the_stored_type(self, dtype: str, expected: float) -> None:
        table = np.array([[0.0, 1.0]], dtype=dtype)
        assert f"{divtool.ce(table, np.array([0]), like='sklearn').value:.2f}" == f"{expected:.2f}"


class TestScipy:
    def test_rows_are_divided_by_their_sum(self) -> None:
        near(divtool.entropy(np.array([[5.0, 3.0, 2.0]]), like="scipy", given="probs").value, 1.0296530140645735)
        p, q = np.array([[5.0, 3.0, 2.0]]), np.array([[2.0, 2.0, 6.0]])
        near(divtool.kl(p, q, like="scipy", given="probs").value, 0.360062440635905, 13)

    def test_js_is_the_distance(self) -> None:
        p, q = np.array([[0.5, 0.3, 0.2]]), np.array([[0.2, 0.2, 0.6]])
        result = divtool.js(p, q, like="scipy")
        near(result.value, 0.300941605557071, 13)
        assert result.results[0].unit == "sqrt(nats)"


class TestKaggle:
    def test_log_loss(self) -> None:
        table = np.array([[0.5, 0.5], [0.1, 0.9], [0.01, 0.99], [0.9, 0.1], [0.75, 0.25], [0.001, 0.999]])
        near(divtool.ce(table, np.array([0, 0, 0, 1, 1, 1]), like="kaggle").value, 1.881797068998267)

    def test_kl_clips_the_model_alone(self) -> None:
        votes, model = np.array([[3, 0, 1]]), np.array([[0.5, 0.5, 0.0]])
        with mp.workdps(50):
            expected = mpf(3) / 4 * mp.log(mpf("1.5")) + mpf(1) / 4 * mp.log(mpf("0.25") / mpf(1e-15))
        near(divtool.kl(votes, model, like="kaggle", given_p="counts").value, float(expected))


def test_a_tool_that_does_nothing_else_is_no_preset() -> None:
    with pytest.raises(UsageError, match="no number of its own"):
        divtool.kl(SOFT, SOFT, like="sklearn")


class TestZeros:
    P, Q = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), np.array([[0.25, 0.75, 0.0], [0.5, 0.5, 0.0]])

    def test_the_truth_is_infinite(self) -> None:
        result = divtool.kl(self.P, self.Q)
        assert (result.value, result.results[0].infinite) == (math.inf, 1)

    def test_drop_leaves_such_rows_out_and_counts_them(self) -> None:
        found = divtool.kl(self.P, self.Q, zeros="drop").results[0]
        near(found.value, 0.5 * math.log(4 / 3))
        assert (found.n, found.dropped, found.rows, found.infinite) == (1, 1, 2, 0)

    def test_error_names_the_row(self) -> None:
        with pytest.raises(InputError, match="infinite") as caught:
            divtool.kl(self.P, self.Q, zeros="error")
        assert caught.value.row == 1

    def test_clip_takes_the_formula_word_for_word(self) -> None:
        expected = 0.2 * math.log(0.4) + 0.3 * math.log(0.6) + 0.5 * math.log(0.5 / 1e-9)
        rows = divtool.kl(self.P, self.Q, zeros="clip:1e-9", reduction="none").row_values
        assert rows is not None
        near(rows[1], expected, 13)
        near(rows[0], 0.5 * math.log(4 / 3), 13)

    def test_smooth_adds_to_both_sides(self) -> None:
        e = 0.01
        p, q = (self.P + e) / (1 + 3 * e), (self.Q + e) / (1 + 3 * e)
        rows = divtool.kl(self.P, self.Q, zeros="smooth:0.01", reduction="none").row_values
        np.testing.assert_allclose(rows, (p * np.log(p / q)).sum(axis=1), rtol=1e-13)

    def test_cap(self) -> None:
        assert divtool.ce(np.array([[0.0, 1.0]]), np.array([0]), zeros="cap:50").value == 50.0

    @pytest.mark.parametrize("text", ["", "clip", "clip:0", "clip:2", "clip:x", "inf:1", "sometimes", "cap:-1"])
    def test_nonsense_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="--zeros"):
            parse_zeros(text)

    def test_of_costs_agrees_with_of_probabilities(self) -> None:
        q = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
        with np.errstate(divide="ignore"):
            cost = -np.log(q)
        for zeros in (Zeros(), parse_zeros("clip:1e-4"), parse_zeros("smooth:1e-3"), parse_zeros("cap:9")):
            with np.errstate(divide="ignore"):
                np.testing.assert_allclose(
                    zeros.of_costs(cost, 3), -np.log(zeros.of_probabilities(q)), rtol=1e-13, atol=1e-15
                )


class TestSmoothing:
    def test_k_minus_one(self) -> None:
        rows = divtool.ce(X, Y, label_smoothing=0.1, smoothing_mode="k-1", reduction="none").row_values
        np.testing.assert_allclose(rows, [0.5576059644443803, 3.8158839037574292], rtol=1e-14)

    def test_weight_of_the_target_alone(self) -> None:
        rows = divtool.ce(
            X, Y, label_smoothing=0.1, class_weight=W, weight_target_only=True, reduction="none"
        ).row_values
        np.testing.assert_allclose(rows, [0.5076059644443803, 5 * 3.8992172370907625], rtol=1e-14)

    def test_mean_by_rows(self) -> None:
        near(divtool.ce(X, Y, class_weight=W, mean="rows").value, 10.368512741615763)


class TestEmpty:
    NOTHING = np.array([-100, -100])

    def test_zero_and_nan_as_asked(self) -> None:
        assert divtool.ce(X, self.NOTHING, empty="zero").value == 0.0
        found = divtool.ce(X, self.NOTHING, empty="nan").results[0]
        assert math.isnan(found.value)
        assert (found.n, found.ignored, found.std_error) == (0, 2, None)

    def test_weights_that_are_all_nothing(self) -> None:
        with pytest.raises(InputError, match="weights of all rows are 0"):
            divtool.ce(X, Y, class_weight="0,1,0")
        assert math.isnan(divtool.ce(X, Y, class_weight="0,1,0", empty="nan").value)
