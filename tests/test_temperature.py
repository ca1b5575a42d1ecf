"""Temperature scaling: the fitted temperature against a root found with many digits, and where there is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import findroot, mp, mpf
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax

import divtool
from divtool.errors import InputError, UsageError
from divtool.numerics.temperature import Search, leads, slopes


def sample(rows: int = 300, classes: int = 4, scale: float = 3.0, seed: int = 0) -> tuple[Any, Any]:
    """Logits that are ``scale`` times too sure, and labels."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((rows, classes)) * 2
    p = np.exp(log_softmax(logits, axis=1))
    labels = np.array([rng.choice(classes, p=row) for row in p])
    return logits * scale, labels


def true_temperature(logits: Any, labels: Any, near: float) -> tuple[Any, Any]:
    """The temperature and its standard error, from 40 digits."""
    with mp.workdps(40):
        rows = [[mpf(float(x)) - mpf(float(row[y])) for x in row] for row, y in zip(logits, labels, strict=True)]

        def moments(b: Any) -> tuple[Any, Any]:
            slope = curvature = mpf(0)
            for row in rows:
                mass = [mp.exp(b * d) for d in row]
                mean = sum(m * d for m, d in zip(mass, row, strict=True)) / sum(mass)
                slope += mean
                curvature += sum(m * (d - mean) ** 2 for m, d in zip(mass, row, strict=True)) / sum(mass)
            return slope, curvature

        root = findroot(lambda b: moments(b)[0], mpf(1 / near))
        return 1 / root, 1 / root**2 / mp.sqrt(moments(root)[1])


class TestFit:
    @pytest.mark.parametrize(("scale", "seed"), [(3.0, 0), (0.2, 1), (1.0, 2)])
    def test_all_digits(self, scale: float, seed: int) -> None:
        logits, labels = sample(rows=60, scale=scale, seed=seed)
        result = divtool.temperature(logits, labels)
        true, error = true_temperature(logits, labels, result.value)
        assert abs(result.value - true) <= 8 * math.ulp(result.value)
        assert result.std_error == pytest.approx(float(error), rel=1e-9)

    def test_closed_form_of_two_classes(self) -> None:
        # Three of four rows right, all with the same margin of 2: sigmoid(2 / T) = 3/4.
        logits, labels = np.array([[2.5, 0.5]] * 3 + [[0.5, 2.5]]), np.array([0, 0, 1, 1])
        result = divtool.temperature(logits, labels)
        assert result.value == pytest.approx(2 / math.log(3), rel=4e-16)
        # The information in 1/T is 4 * 2^2 * (3/4)(1/4) = 3.
        assert result.std_error == pytest.approx(result.value**2 / math.sqrt(3), rel=1e-12)

    def test_scipy_finds_the_same_and_the_loss_is_least(self) -> None:
        logits, labels = sample()
        rows = np.arange(len(labels))

        def loss(b: float) -> float:
            return float(-log_softmax(b * logits, axis=1)[rows, labels].mean())

        def slope(b: float) -> float:
            p = np.exp(log_softmax(b * logits, axis=1))
            return float(((p * logits).sum(axis=1) - logits[rows, labels]).mean())

        result = divtool.temperature(logits, labels)
        assert result.value == pytest.approx(1 / brentq(slope, 1e-3, 10, xtol=1e-15), rel=1e-13)
        assert result.results[0].nll_before == pytest.approx(loss(1.0), rel=1e-13)
        assert result.results[0].nll_after == pytest.approx(minimize_scalar(loss, bounds=(0.01, 5)).fun, rel=1e-9)

    @pytest.mark.parametrize("factor", [2.0**-60, 2.0**-3, 2.0**3, 2.0**60])
    def test_scaled_logits_have_scaled_temperatures(self, factor: float) -> None:
        logits, labels = sample()
        plain, scaled = divtool.temperature(logits, labels).value, divtool.temperature(logits * factor, labels).value
        assert scaled == pytest.approx(plain * factor, rel=1e-14)

    def test_fitting_what_was_fitted_gives_one(self) -> None:
        logits, labels = sample()
        first = divtool.temperature(logits, labels).value
        assert divtool.temperature(logits / first, labels).value == pytest.approx(1.0, rel=1e-14)

    def test_before_and_after_are_those_of_ce_and_calibration(self) -> None:
        logits, labels = sample()
        result = divtool.temperature(logits, labels, bins=10)
        (scores,) = result.results
        assert scores.nll_before == divtool.compute("ce", logits, labels).value
        assert scores.nll_after == divtool.compute("ce", logits, labels, temperature=result.value).value
        assert scores.nll_after <= scores.nll_before
        assert scores.ece_before == divtool.calibration(logits, labels, bins=10).value
        assert scores.ece_after == divtool.calibration(logits, labels, bins=10, temperature=result.value).value

    def test_the_logits_of_probabilities_are_their_logarithms(self) -> None:
        logits, labels = sample()
        p = np.exp(log_softmax(logits, axis=1))
        assert divtool.temperature(p, labels).value == pytest.approx(
            divtool.temperature(logits, labels).value, rel=1e-9
        )
        one, binary = sample(classes=2)
        column = (1.0 / (1.0 + np.exp(one[:, 0] - one[:, 1])))[:, None]
        want = divtool.temperature(one, binary).value
        assert divtool.temperature(column, binary).value == pytest.approx(want, rel=1e-9)

    def test_applied_to_another_file(self) -> None:
        (logits, labels), (test, truth) = sample(), sample(seed=9)
        result = divtool.temperature(logits, labels, apply=test, apply_labels=truth)
        assert result.value == divtool.temperature(logits, labels).value
        assert [each.use for each in result.results] == ["fit", "apply"]
        applied = result.results[1]
        assert applied.nll_before == divtool.compute("ce", test, truth).value
        assert applied.nll_after == divtool.compute("ce", test, truth, temperature=result.value).value

    def test_same_bits_for_any_chunks_threads_and_order(self, tmp_path: Any) -> None:
        logits, labels = sample(rows=500)
        np.save(tmp_path / "x.npy", logits)
        np.save(tmp_path / "y.npy", labels)
        files = [str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
        whole = divtool.temperature(*files, threads=1)
        for threads, size in ((1, 64), (2, 5000)):
            other = divtool.temperature(*files, threads=threads, chunk_size=size)
            assert (other.value, other.std_error, other.results) == (whole.value, whole.std_error, whole.results)
        assert divtool.temperature(logits[::-1], labels[::-1]).value == whole.value

    def test_impossible_classes_take_no_part(self) -> None:
        logits, labels = sample()
        wide = np.concatenate([logits, np.full((len(logits), 1), -np.inf)], axis=1)
        assert divtool.temperature(wide, labels).value == divtool.temperature(logits, labels).value

    def test_ignored_rows_take_no_part(self) -> None:
        logits, labels = sample()
        kept = np.arange(len(labels)) % 3 > 0
        result = divtool.temperature(logits, np.where(kept, labels, -100))
        assert result.value == divtool.temperature(logits[kept], labels[kept]).value
        assert (result.results[0].n, result.results[0].ignored) == (kept.sum(), (~kept).sum())


class TestWhereThereIsNone:
    def test_every_label_is_the_first_choice(self) -> None:
        with pytest.raises(InputError, match="the colder"):
            divtool.temperature(np.array([[2.5, 0.0], [0.0, 1.5], [1.0, 1.0]]), np.array([0, 1, 0]))

    def test_labels_no_likelier_than_chance(self) -> None:
        logits, labels = sample()
        with pytest.raises(InputError, match="the hotter"):
            divtool.temperature(-logits, labels)
        with pytest.raises(InputError, match="the hotter"):
            divtool.temperature(np.array([[1.5, -1.5], [1.5, -1.5]]), np.array([0, 1]))

    def test_a_label_of_probability_zero_is_named(self) -> None:
        p = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0], [1.0, 0.0]])
        with pytest.raises(InputError, match=r"row 2.*probability 0.*1 more row"):
            divtool.temperature(p, np.array([0, 1, 1, 1]))
        with pytest.raises(InputError, match="row 0"):
            divtool.temperature(np.array([[1.5, -np.inf], [1.5, 1.0]]), np.array([1, 0]))
        with pytest.raises(InputError, match="row 1"):
            divtool.temperature(np.array([[1.5, 0.5], [np.inf, 1.0]]), np.array([1, 1]))

    def test_no_row(self) -> None:
        with pytest.raises(InputError, match="no row"):
            divtool.temperature(np.array([[1.5, 0.5]]), np.array([-100]))
        logits, labels = sample()
        with pytest.raises(InputError, match="no row to apply"):
            divtool.temperature(logits, labels, apply=np.array([[1.5, 0.5, 0.0, 0.0]]), apply_labels=np.array([-100]))

    def test_options_that_do_not_fit(self) -> None:
        with pytest.raises(UsageError, match="apply-labels"):
            divtool.temperature(*sample(), apply_labels=np.array([0]))
        with pytest.raises(UsageError, match="no option"):
            divtool.temperature(*sample(), base=2)


class TestParts:
    def test_infinite_logits_share_the_mass_whatever_the_temperature(self) -> None:
        lead = leads(np.array([[np.inf, 0.0, np.inf]]), np.array([0]))
        for inverse in (0.0, 1.0, 7.0):
            found = slopes(lead, inverse)
            assert (found.slope.item(), found.curvature.item()) == (0.0, 0.0)

    def test_very_far_logits_do_not_overflow(self) -> None:
        found = slopes(np.array([[0.0, 1e5, -1e5]]), 1.0)
        assert (found.slope.item(), found.curvature.item()) == (1e5, 0.0)

    @given(st.floats(1e-6, 1e6), st.floats(0.1, 5.0))
    def test_the_search_finds_roots_of_increasing_functions(self, root: float, power: float) -> None:
        search, steps = Search(1.0), 0
        while not search.done and steps < 200:
            x = search.at / root
            search.take(x**power - 1.0, power * x ** (power - 1.0) / root)
            steps += 1
        assert search.at == pytest.approx(root, rel=1e-9)

    def test_a_search_whose_first_step_leads_out(self) -> None:
        search = Search(1.0)
        while not search.done:
            search.take(math.tanh(search.at - 30.0), 1.0 - math.tanh(search.at - 30.0) ** 2)
        assert search.at == pytest.approx(30.0, rel=1e-12)
