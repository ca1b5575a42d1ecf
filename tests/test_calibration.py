"""Calibration errors and what goes with them, against independent formulas on plain arrays."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import foldnorm
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

import divtool
from divtool.accumulators.reliability import Cells, EqualMass, EqualMassByClass, cell_names, cell_tops
from divtool.engine.calibration_options import VARIANTS, calibration_request
from divtool.errors import InputError, UsageError
from divtool.numerics.binsums import UNIT, BinSums, add_sums, bin_sums, no_sums
from divtool.numerics.calibration import bins_of, brier_parts, curve_errors, mass_edges, width_edges

CLOSE = {"rel": 2e-14, "abs": 1e-15}


def predictions(rows: int = 400, classes: int = 5, seed: int = 0) -> tuple[Any, Any]:
    """Float32 probabilities as a file holds them, some rows certain, and labels that follow them loosely."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((rows, classes)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row) for row in p])
    sharp = p**2 / (p**2).sum(axis=1, keepdims=True)
    sharp[::7] = np.eye(classes)[sharp[::7].argmax(axis=1)]
    return sharp.astype(np.float32), labels


def members_by_width(confidence: Any, bins: int) -> list[Any]:
    """Masks of the bins (a, b], by comparing with each edge."""
    edges = [k / bins for k in range(bins + 1)]
    masks = [(confidence > low) & (confidence <= high) for low, high in itertools.pairwise(edges)]
    masks[0] |= confidence == 0.0
    masks[-1] |= confidence > 1.0
    return masks


def members_by_mass(confidence: Any, bins: int) -> list[Any]:
    """Masks of groups cut after the k n / bins-th row in order (rounded up), equal numbers held together."""
    ordered, n = sorted(confidence.tolist()), len(confidence)
    cuts = [ordered[math.ceil(Fraction(k * n, bins)) - 1] for k in range(1, bins)]
    ends = [-1.0, *sorted(set(cuts)), math.inf]
    return [(confidence > low) & (confidence <= high) for low, high in itertools.pairwise(ends)]


def plain_errors(confidence: Any, hit: Any, masks: list[Any]) -> dict[str, float]:
    """The textbook formulas over one curve, and the mean distance under normal noise."""
    n, expected, square, unbiased, noisy, worst = len(confidence), 0.0, 0.0, 0.0, 0.0, 0.0
    for mask in masks:
        rows = int(mask.sum())
        if not rows:
            continue
        sure, rate = confidence[mask].mean(), hit[mask].mean()
        gap, share = sure - rate, rows / n
        expected, square, worst = expected + share * abs(gap), square + share * gap**2, max(worst, abs(gap))
        if rows > 1:
            unbiased += share * (gap**2 - rate * (1 - rate) / (rows - 1))
        spread = math.sqrt(rate * (1 - rate) / rows)
        noisy += share * (foldnorm.mean(abs(gap) / spread, scale=spread) if spread and rows > 1 else abs(gap))
    return {"ece": expected, "mce": worst, "rmsce2": square, "rmsce2-debiased": unbiased, "noisy": noisy}


def independent(p: Any, labels: Any, bins: int, name: str) -> float:
    """A calibration error by its name."""
    variant, p = VARIANTS[name], p.astype(np.float64)
    columns = range(p.shape[1]) if variant.classwise else [None]
    found = []
    for column in columns:
        confidence = p.max(axis=1) if column is None else p[:, column]
        hit = p.argmax(axis=1) == labels if column is None else labels == column
        masks = (members_by_mass if variant.mass else members_by_width)(confidence, bins)
        found.append(plain_errors(confidence, hit, masks))
    if variant.kind == "mce":
        return max(each["mce"] for each in found)
    if variant.kind == "rmsce":
        key = "rmsce2-debiased" if variant.debiased else "rmsce2"
        return math.sqrt(max(float(np.mean([each[key] for each in found])), 0.0))
    expected = float(np.mean([each["ece"] for each in found]))
    return 2 * expected - float(np.mean([each["noisy"] for each in found])) if variant.debiased else expected


class TestAgainstPlainFormulas:
    @pytest.mark.parametrize("bins", [1, 2, 10, 15])
    @pytest.mark.parametrize("name", list(VARIANTS))
    def test_every_variant(self, name: str, bins: int) -> None:
        p, labels = predictions()
        result = divtool.calibration(p, labels, bins=bins)
        assert result[name].value == pytest.approx(independent(p, labels, bins, name), rel=1e-12, abs=1e-14)

    @pytest.mark.parametrize(("rows", "hits", "sure"), [(10, 3, 0.3), (10, 3, 0.9), (2, 1, 0.75), (50, 49, 0.999)])
    def test_normal_noise_adds_the_mean_of_a_folded_normal(self, rows: int, hits: int, sure: float) -> None:
        spread = math.sqrt(hits * (rows - hits) / rows**3)
        gap = abs(sure - hits / rows)
        one = BinSums(rows, hits, int(Fraction(sure) * rows * 2**UNIT))
        want = 2 * gap - foldnorm.mean(gap / spread, scale=spread)
        assert curve_errors([one]).expected_debiased == pytest.approx(want, rel=1e-9, abs=1e-12)

    def test_sklearns_reliability_curve(self) -> None:
        p, labels = predictions(classes=2)
        one, truth = p[:, 1].astype(np.float64), labels == 1
        for binning, strategy in (("width", "uniform"), ("mass", "quantile")):
            result = divtool.calibration(p, labels, of_class="1", bins=8, binning=binning)
            rate, sure = calibration_curve(truth, one, n_bins=8, strategy=strategy)
            filled = [each for each in result.reliability if each.rows]
            assert [each.accuracy for each in filled] == pytest.approx(rate.tolist(), **CLOSE)
            assert [each.confidence for each in filled] == pytest.approx(sure.tolist(), **CLOSE)
        assert result["brier-confidence"].value == pytest.approx(brier_score_loss(truth, one), **CLOSE)

    def test_figures_of_the_model(self) -> None:
        logits = np.log(np.random.default_rng(3).dirichlet(np.ones(4), 300))
        labels = np.random.default_rng(4).integers(0, 4, 300)
        p = np.exp(logits)
        result = divtool.calibration(logits, labels, given="logits")
        right = p.argmax(axis=1) == labels
        assert result["accuracy"].value == right.mean()
        assert result["accuracy"].std_error == pytest.approx(right.std(ddof=1) / math.sqrt(300), rel=1e-12)
        assert result["mean-confidence"].value == pytest.approx(p.max(axis=1).mean(), rel=1e-12)
        assert result["overconfidence"].std_error == pytest.approx(
            (p.max(axis=1) - right).std(ddof=1) / math.sqrt(300), rel=1e-12
        )
        assert result["nll"].value == pytest.approx(log_loss(labels, p, labels=range(4)), rel=1e-12)
        assert result["brier"].value == pytest.approx(((p - np.eye(4)[labels]) ** 2).sum(axis=1).mean(), rel=1e-12)
        assert result["nll"].value == divtool.compute("ce", logits, labels, given="logits").value

    def test_torchmetrics_example(self) -> None:
        result = divtool.calibration(np.array([[0.25], [0.25], [0.55], [0.75], [0.75]]), np.array([0, 0, 1, 1, 1]),
                                     of_class="1", bins=2)  # fmt: skip
        golden = {"ece": 0.29, "rmsce": 0.2918332857414772, "mce": 0.3166666666666667}
        assert {name: result[name].value for name in golden} == pytest.approx(golden, rel=4e-16)

    def test_temperature_divides_logits_first(self) -> None:
        logits = np.random.default_rng(5).standard_normal((50, 3)) * 4
        labels = np.arange(50) % 3
        tempered = divtool.calibration(logits, labels, temperature=2.5)
        assert tempered.value == pytest.approx(divtool.calibration(logits / 2.5, labels).value, rel=1e-12)


class TestBrierDecomposition:
    @pytest.mark.parametrize("binning", ["width", "mass"])
    @pytest.mark.parametrize("bins", [1, 3, 15, 400])
    def test_parts_add_up(self, bins: int, binning: str) -> None:
        p, labels = predictions()
        result = divtool.calibration(p, labels, bins=bins, binning=binning)
        parts = {each.name: each.value for each in result.results}
        confidence, right = p.max(axis=1).astype(np.float64), p.argmax(axis=1) == labels
        assert parts["brier-confidence"] == pytest.approx(((confidence - right) ** 2).mean(), rel=1e-13)
        whole = math.fsum([parts["reliability"], -parts["resolution"], parts["uncertainty"],
                           parts["within-bin-variance"], -parts["within-bin-covariance"]])  # fmt: skip
        assert whole == pytest.approx(parts["brier-confidence"], rel=1e-14)

    @settings(max_examples=50)
    @given(st.lists(st.tuples(st.floats(2.0**-30, 1.0), st.booleans(), st.integers(0, 3)), min_size=1, max_size=30))
    def test_identity_is_exact_and_every_part_textbook(self, rows: list[tuple[float, bool, int]]) -> None:
        table = no_sums(4)
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        add_sums(table, columns[2], columns[0], columns[1])
        parts = brier_parts(bin_sums(table))
        rest = parts.reliability - parts.resolution + parts.uncertainty + parts.variance - parts.covariance
        assert parts.score == rest
        n, exact = len(rows), [(Fraction(c), int(o), k) for c, o, k in rows]
        rate = Fraction(sum(o for _, o, _ in exact), n)
        variance = covariance = resolution = Fraction(0)
        for bin_ in range(4):
            own = [(c, o) for c, o, k in exact if k == bin_]
            if own:
                sure, hit = (sum((each[i] for each in own), Fraction(0)) / len(own) for i in (0, 1))
                variance += sum((c - sure) ** 2 for c, _ in own)
                covariance += 2 * sum((c - sure) * (o - hit) for c, o in own)
                resolution += len(own) * (hit - rate) ** 2
        assert (float(parts.variance), float(parts.covariance)) == pytest.approx(
            (float(variance / n), float(covariance / n)), rel=1e-12, abs=1e-25
        )
        assert parts.resolution == resolution / n
        assert parts.uncertainty == rate * (1 - rate)


class TestBins:
    def test_certain_rows_are_in_the_last_bin_and_zero_in_the_first(self) -> None:
        for bins in (1, 2, 10, 15, 100):
            assert bins_of(np.array([0.0, 5e-324, 1.0, 1.0000001]), width_edges(bins)).tolist() == [
                0, 0, bins - 1, bins - 1,
            ]  # fmt: skip

    @pytest.mark.parametrize("bins", [2, 4, 5, 10, 20, 25, 50, 100])
    def test_decimals_lie_on_the_edges_they_are_written_as(self, bins: int) -> None:
        decimals = [float(f"{k}e-2") for k in range(101)]
        want = [max(0, math.ceil(Fraction(k * bins, 100)) - 1) for k in range(101)]
        assert bins_of(np.array(decimals), width_edges(bins)).tolist() == want

    def test_both_sides_of_a_single_column_of_decimals_lie_on_edges(self) -> None:
        column = np.array([[float(f"{k}e-2")] for k in range(51)])
        result = divtool.calibration(column, np.zeros(51, int), bins=10)
        assert [each.rows for each in result.reliability] == [0] * 4 + [1] + [10] * 5
        one = divtool.calibration(column, np.zeros(51, int), bins=10, of_class="1")
        assert [each.rows for each in one.reliability] == [11] + [10] * 4 + [0] * 5

    @given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), st.integers(1, 12))
    def test_mass_edges_split_no_ties_and_few_rows(self, values: list[float], bins: int) -> None:
        ordered = np.sort(np.array(values))
        edges = mass_edges(ordered, bins)
        places = bins_of(ordered, edges)
        counts = np.bincount(places, minlength=edges.size - 1)
        assert (counts > 0).all()
        assert all(len(set(places[ordered == value])) == 1 for value in ordered)
        if len(set(values)) == len(values):
            assert counts.max() - counts.min() <= 1 or bins > len(values)

    def test_first_of_equal_classes_is_the_choice(self) -> None:
        result = divtool.calibration(np.full((4, 2), 0.5), np.array([0, 0, 0, 1]))
        assert (result["accuracy"].value, result.value) == (0.75, 0.25)

    def test_one_row_and_one_class_in_all_rows(self) -> None:
        result = divtool.calibration(np.array([[0.75, 0.25]]), np.array([0]))
        assert result.value == result["mce"].value == 0.25
        assert result["accuracy"].std_error is None
        assert [each.std_error for each in result.reliability if each.rows] == [None]
        same = divtool.calibration(np.full((9, 2), [0.75, 0.25]), np.zeros(9, int), binning="mass")
        assert [(each.low, each.high, each.rows) for each in same.reliability] == [(0.0, 1.0, 9)]
        assert (same["uncertainty"].value, same["resolution"].value) == (0.0, 0.0)


class TestSignsOfZero:
    """A probability of -0.0 is one of 0.0, whether its class came to be or not."""

    P = np.array([[0.0, 1.0, 0.0], [0.25, 0.75, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    LABELS = np.array([1, 2, 1, 0, 0])

    @pytest.mark.parametrize("options", [{}, {"binning": "mass"}, {"of_class": "0"}, {"of_class": "2", "bins": 2}])
    def test_the_same_figures(self, options: dict[str, Any]) -> None:
        signed = np.where(self.P == 0.0, -0.0, self.P)
        plain = divtool.calibration(self.P, self.LABELS, **options)
        found = divtool.calibration(signed, self.LABELS, **options)
        assert np.signbit(signed).any()
        assert (found.results, found.reliability) == (plain.results, plain.reliability)

    @pytest.mark.parametrize("name", [name for name, each in VARIANTS.items() if each.mass])
    def test_against_plain_formulas(self, name: str) -> None:
        signed = np.where(self.P == 0.0, -0.0, self.P)
        found = divtool.calibration(signed, self.LABELS, bins=2, measure=name).value
        assert found == pytest.approx(independent(self.P, self.LABELS, 2, name), rel=1e-12, abs=1e-14)

    def test_a_zero_of_logits_and_of_logarithms(self) -> None:
        with np.errstate(divide="ignore"):
            logs = np.log(self.P)
        for given_as, file in (("log-probs", logs), ("log-probs", np.where(logs == 0, -0.0, logs)),
                               ("logits", np.maximum(logs, -2000.0))):  # fmt: skip
            result = divtool.calibration(file, self.LABELS, given=given_as, bins=2)
            for name in ("ece-mass", "mce-mass", "classwise-ece-mass"):
                assert result[name].value == pytest.approx(independent(self.P, self.LABELS, 2, name), rel=1e-14)

    @pytest.mark.parametrize("budget", [1, 100])
    def test_hits_are_counted(self, budget: int) -> None:
        confidence, hit = np.array([-0.0, -0.0, 0.0, 0.5]), np.array([True, False, False, True])
        state, other = EqualMass(2, budget=budget), EqualMass(2, budget=budget)
        state.update(confidence[:2], hit[:2])
        other.update(confidence[2:], hit[2:])
        state.merge(other)
        assert [(each.rows, each.hits) for each in state.present().bins] == [(3, 1), (1, 1)]


class TestManyRows:
    def test_cells_keep_exact_sums_and_nearly_equal_mass(self) -> None:
        rng = np.random.default_rng(6)
        confidence = np.concatenate([1.0 - rng.random(5000) ** 8, rng.random(3000), [0.0, 1.0, 0.5, 1e-30]])
        hit = rng.random(confidence.size) < confidence
        exact, rough = EqualMass(10), EqualMass(10, budget=100)
        for state in (exact, rough):
            for start in range(0, confidence.size, 777):
                state.update(confidence[start : start + 777], hit[start : start + 777])
        one, other = exact.present(), rough.present()
        assert (one.rounded, other.rounded) == (False, True)
        assert sum(each.rows for each in other.bins) == confidence.size
        assert sum(each.confidence for each in other.bins) == sum(each.confidence for each in one.bins)
        assert [each.rows for each in other.bins] == pytest.approx([each.rows for each in one.bins], abs=12)
        # Every bin holds exactly the rows between its edges.
        places = bins_of(confidence, np.array(other.edges))
        assert np.bincount(places).tolist() == [each.rows for each in other.bins]
        for mine, theirs in zip(one.edges[1:-1], other.edges[1:-1], strict=True):
            assert abs(mine - theirs) <= 2.0**-10 * min(mine, 1.0 - mine)

    @given(st.floats(0.0, 1.0))
    def test_a_cell_ends_at_its_top(self, value: float) -> None:
        (name,) = cell_names(np.array([value]))
        (top,) = cell_tops(np.array([name]))
        assert value <= top
        assert cell_names(np.array([min(top, 1.0)]))[0] == name
        assert value == 1.0 or cell_names(np.nextafter(np.array([top]), 2.0))[0] > name or top >= 1.0

    def test_cells_are_few(self) -> None:
        cells = Cells()
        cells.take(np.random.default_rng(7).random(100_000), np.ones(100_000, bool))
        assert cells.names.size < 50_000

    def test_all_classes_at_once_are_kept_within_a_budget(self) -> None:
        state = EqualMassByClass(2, curves=2, budget=9)
        for _ in range(4):
            state.update(np.full((2, 1), 0.5), np.ones((2, 1), bool))
        assert state.present() is not None
        state.update(np.full((2, 1), 0.5), np.ones((2, 1), bool))
        assert state.present() is None

    def test_what_cannot_be_had_is_said_or_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.engine.calibration.EqualMassByClass",
                            lambda bins, curves: EqualMassByClass(bins, curves, budget=10))  # fmt: skip
        p, labels = predictions(rows=20)
        result = divtool.calibration(p, labels)
        assert "not looked at" in result.warnings[0]
        with pytest.raises(KeyError, match="classwise-ece-mass"):
            result["classwise-ece-mass"]
        with pytest.raises(InputError, match="too many"):
            divtool.calibration(p, labels, measure="classwise-ece-mass")

    def test_very_many_classes_are_looked_at_class_by_class_when_named(self) -> None:
        p, labels = np.full((3, 1200), 1 / 1200), np.arange(3)
        assert "classwise-ece" not in {each.name for each in divtool.calibration(p, labels).results}
        assert divtool.calibration(p, labels, classwise=True).results[0].name == "classwise-ece"
        with pytest.raises(UsageError, match="more than"):
            divtool.calibration(p, labels, classwise=True, bins=1000)


class TestSameBits:
    def test_any_chunks_threads_and_order(self, tmp_path: Any) -> None:
        p, labels = predictions(rows=3000)
        np.save(tmp_path / "p.npy", p)
        np.save(tmp_path / "y.npy", labels)
        files = [str(tmp_path / "p.npy"), str(tmp_path / "y.npy")]
        whole = divtool.calibration(*files, threads=1).results
        for threads, size in ((1, 64), (2, 1000), (2, 1 << 20)):
            assert divtool.calibration(*files, threads=threads, chunk_size=size).results == whole
        backwards = divtool.calibration(p[::-1], labels[::-1])
        assert backwards.results == whole


class TestRequests:
    def test_options_fill_in_what_a_name_leaves_open(self) -> None:
        request = calibration_request({"measure": "ece,mce,nll,ece-debiased", "binning": "mass", "debias": True})
        assert request.names == ("ece-mass-debiased", "mce-mass", "nll", "ece-debiased")

    def test_the_first_figure_is_the_one_that_options_name(self) -> None:
        p, labels = predictions()
        for options, name in (({}, "ece"), ({"binning": "mass"}, "ece-mass"), ({"classwise": True}, "classwise-ece"),
                              ({"debias": True, "classwise": True, "binning": "mass"},
                               "classwise-ece-mass-debiased")):  # fmt: skip
            result = divtool.calibration(p, labels, **options)
            assert result.results[0].name == name
            assert result.value == float(result) == result[name].value

    @pytest.mark.parametrize(("options", "said"), [
        ({"measure": "eec"}, "no such figure"), ({"measure": "accuracy", "of_class": "1"}, "one class"),
        ({"classwise": True, "of_class": "1"}, "choose one"), ({"of_class": "cat"}, "no such class"),
        ({"bins": 0}, "expected a number"), ({"binning": "widht"}, "expected one of"), ({"base": 2}, "no option"),
    ])  # fmt: skip
    def test_what_does_not_fit_is_refused(self, options: dict[str, Any], said: str) -> None:
        with pytest.raises(UsageError, match=said):
            divtool.calibration(*predictions(rows=20), **options)

    def test_soft_labels_and_no_rows_are_refused(self) -> None:
        p, _labels = predictions(rows=20)
        with pytest.raises(InputError, match="soft labels"):
            divtool.calibration(p, p)
        with pytest.raises(InputError, match="no row"):
            divtool.calibration(p, np.full(20, -100))

    def test_ignored_rows_do_not_count(self) -> None:
        p, labels = predictions(rows=200)
        kept = np.arange(200) % 3 > 0
        result = divtool.calibration(p, np.where(kept, labels, -100))
        assert result.results == divtool.calibration(p[kept], labels[kept]).results
        assert (result.n, result.ignored, result.rows) == (kept.sum(), 200 - kept.sum(), 200)

    def test_infinite_costs_are_said_and_change_no_bin(self) -> None:
        result = divtool.calibration(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0]))
        assert (result["nll"].value, result.infinite, result.value) == (math.inf, 1, 0.75)
        assert any("probability 0" in said for said in result.warnings)
