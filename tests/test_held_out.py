"""A temperature fitted on some rows and applied to others: which rows, and what is said where they are the same."""

from __future__ import annotations

import csv
import json
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from typer.testing import CliRunner

import divtool
from divtool.cli.app import app
from divtool.errors import InputError, UsageError
from divtool.reports.calibration import render_temperature, tempering


def sample(rows: int = 240, seed: int = 5) -> tuple[Any, Any]:
    """Logits of three classes, twice too sure, and labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, 3)) * 1.5
    p = softmax(logits, axis=1)
    return 2.0 * logits, np.array([rng.choice(3, p=row) for row in p])


LOGITS, LABELS = sample()


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """Probabilities and their labels in one NPZ file."""
    path = tmp_path / "val.npz"
    np.savez(path, predictions=softmax(LOGITS, axis=1), ground_truth=LABELS)
    return str(path)


def fitted(logits: Any, labels: Any) -> float:
    """The temperature by scipy."""

    def slope(b: float) -> float:
        p = softmax(b * logits, axis=1)
        return float(((p * logits).sum(axis=1) - logits[np.arange(len(labels)), labels]).mean())

    return float(1 / brentq(slope, 1e-3, 10, xtol=1e-15))


def loss(logits: Any, labels: Any, temperature: float) -> float:
    """The mean of -log q at the label."""
    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean())


class TestRows:
    def test_fit_on_the_first_apply_to_the_rest(self, archive: str) -> None:
        result = divtool.temperature(archive, rows="0:100", apply=archive, apply_rows="100:")
        fit, test = result.results
        assert result.value == pytest.approx(fitted(LOGITS[:100], LABELS[:100]), rel=1e-12)
        assert (fit.n, test.n) == (100, 140)
        assert [(each.first_row, each.stop_row) for each in result.results] == [(0, 100), (100, 240)]
        assert test.nll_before == pytest.approx(loss(LOGITS[100:], LABELS[100:], 1.0), rel=1e-12)
        assert test.nll_after == pytest.approx(loss(LOGITS[100:], LABELS[100:], result.value), rel=1e-12)
        assert result.warnings == ()
        assert result.settings == {"rows": "0:100", "apply_rows": "100:"}

    def test_rows_of_the_fit_are_none_of_the_other_file(self) -> None:
        other, labels = sample(seed=6)
        result = divtool.temperature(LOGITS, LABELS, rows="0:100", apply=other, apply_labels=labels)
        assert result.value == divtool.temperature(LOGITS[:100], LABELS[:100]).value
        assert (result.results[1].n, result.results[1].stop_row) == (240, 240)
        assert result.results[1].nll_before == divtool.compute("ce", other, labels).value
        assert result.warnings == ()

    def test_alone_the_rest_is_not_looked_at(self) -> None:
        broken = LOGITS.copy()
        broken[200:] = np.nan
        found = divtool.temperature(broken, LABELS, rows=":100")
        assert found.value == divtool.temperature(LOGITS[:100], LABELS[:100]).value

    def test_the_labels_of_the_same_file_are_its_labels(self, tmp_path: Path) -> None:
        for name, array in (("x.npy", LOGITS), ("y.npy", LABELS)):
            np.save(tmp_path / name, array)
        x, y = str(tmp_path / "x.npy"), str(tmp_path / "y.npy")
        result = divtool.temperature(x, y, rows=":50", apply=x, apply_rows="50:60")
        assert result.results[1].nll_before == divtool.compute("ce", LOGITS[50:60], LABELS[50:60]).value

    def test_bins_are_those_of_the_errors(self) -> None:
        (scores,) = divtool.temperature(LOGITS, LABELS, bins=7, rows="10:200").results
        whole = divtool.calibration(LOGITS, LABELS, bins=7, rows="10:200")
        assert scores.reliability_before == whole.reliability
        assert sum(each.rows for each in scores.reliability_after) == 190
        gaps = sum(each.rows / 190 * abs(each.gap or 0.0) for each in scores.reliability_after)
        assert gaps == pytest.approx(scores.ece_after, rel=1e-12)


class TestOverlap:
    @pytest.mark.parametrize(
        ("rows", "apply_rows", "said"),
        [
            ("0:100", None, "rows 0:100 that"), (None, None, "all rows (0:240)"),
            ("0:100", "20:30", "all rows (20:30)"),
            ("0:100", "99:", "rows 99:100 that"), (None, "5:", "all rows (5:240)"), ("0:100", "100:", None),
            ("100:", "0:100", None),
        ],
    )  # fmt: skip
    def test_is_said(self, archive: str, rows: str | None, apply_rows: str | None, said: str | None) -> None:
        result = divtool.temperature(archive, rows=rows, apply=archive, apply_rows=apply_rows)
        assert len(result.warnings) == (said is not None)
        assert said is None or said in result.warnings[0]

    def test_by_whatever_name(self, archive: str) -> None:
        os.link(archive, archive + ".link.npz")
        for other in (archive + ":predictions", os.path.join(os.path.dirname(archive), ".", "val.npz"),
                      archive + ".link.npz"):  # fmt: skip
            assert len(divtool.temperature(archive, apply=other).warnings) == 1

    def test_of_arrays_in_memory(self) -> None:
        assert len(divtool.temperature(LOGITS, LABELS, apply=LOGITS).warnings) == 1
        assert divtool.temperature(LOGITS, LABELS, apply=LOGITS.copy(), apply_labels=LABELS).warnings == ()


class TestRefused:
    def test_rows_of_nothing(self) -> None:
        with pytest.raises(UsageError, match="--apply-rows are the rows of --apply"):
            divtool.temperature(LOGITS, LABELS, apply_rows="1:2")
        with pytest.raises(UsageError, match='--apply-rows "2:1"'):
            divtool.temperature(LOGITS, LABELS, apply=LOGITS, apply_rows="2:1")

    def test_rows_beyond_the_end(self) -> None:
        with pytest.raises(InputError, match=r"no row to apply .*has 240, and none"):
            divtool.temperature(LOGITS, LABELS, apply=LOGITS, apply_rows="240:")
        with pytest.raises(InputError, match=r"no row to fit .*has 240, and none"):
            divtool.temperature(LOGITS, LABELS, rows="1000:2000")


class TestForms:
    def test_a_line_for_each_with_its_rows(self, archive: str, tmp_path: Path) -> None:
        arguments = ["temperature", archive, "--rows", "0:100", "--apply", archive, "--apply-rows", "100:"]
        for form in ("csv", "json"):
            ended = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / f"t.{form}")], standalone_mode=False)
            assert ended.exception is None
        with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
            assert [(row["first_row"], row["stop_row"]) for row in csv.DictReader(file)] == [
                ("0", "100"),
                ("100", "240"),
            ]
        said = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["results"]
        assert [len(each["reliability_before"]) for each in said] == [15, 15]

    def test_the_table_says_both_rows_and_the_file_once(self, archive: str) -> None:
        text = render_temperature(divtool.temperature(archive, rows="0:100", apply=archive, apply_rows="100:"), "table")
        assert isinstance(text, str)
        assert "fitted on   val.npz:predictions, rows 0:100\napplied to  val.npz:predictions, rows 100:240\n" in text
        assert text.count("npz, 240 x 3") == 1


class TestProbabilities:
    def test_the_command_that_is_said_applies_it(self, archive: str, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.chdir(tmp_path)
        result = divtool.temperature(archive)
        text = render_temperature(result, "table")
        assert isinstance(text, str)
        shown = text[text.index("divtool temper") :].partition("\n\n")[0]
        # A shell takes lines that end in a backslash together.
        words = shlex.split(shown.replace("\\\n", " "))
        assert words == shlex.split(" ".join(tempering(result)))
        ended = CliRunner().invoke(app, words[1:], standalone_mode=False)
        assert ended.exception is None
        after = divtool.compute("ce", "tempered.npy", archive + ":ground_truth").value
        assert after == pytest.approx(result.results[0].nll_after, rel=1e-12)
        assert after == pytest.approx(loss(LOGITS, LABELS, result.value), rel=1e-12)

    def test_a_table_with_ids_and_names_stays_one(self, tmp_path: Path) -> None:
        path = tmp_path / "it's p.csv"
        rows = zip(softmax(LOGITS, axis=1).tolist(), LABELS.tolist(), strict=True)
        lines = [f"{i},{','.join(map(repr, row))},{'abc'[label]}" for i, (row, label) in enumerate(rows)]
        path.write_text("\n".join(["id,a,b,c,truth", *lines]) + "\n", encoding="utf-8")
        words = tempering(divtool.temperature(str(path), label_col="truth"))
        assert shlex.split(" ".join(words))[2] == str(path)
        assert words[-1] == "-o tempered.csv"

    def test_logits_are_divided_and_a_single_column_has_no_command(self) -> None:
        assert tempering(divtool.temperature(LOGITS, LABELS)) == ()
        column = np.clip(softmax(LOGITS, axis=1)[:, :1], 0.001, 0.999)
        result = divtool.temperature(column, (LABELS == 0).astype(int))
        text = render_temperature(result, "table")
        assert isinstance(text, str)
        assert tempering(result) == ()
        assert "a column for each class" in text

    def test_it_is_applied_to_the_other_file(self, archive: str) -> None:
        result = divtool.temperature(LOGITS, LABELS, apply=archive)
        assert tempering(result)[:2] == ("divtool temper", shlex.quote(archive + ":predictions"))
        assert tempering(divtool.temperature(archive, apply=LOGITS, apply_labels=LABELS)) == ()

    def test_counts_say_that_they_are(self) -> None:
        counts = np.round(softmax(LOGITS, axis=1) * 50 + 1)
        assert "--given counts" in tempering(divtool.temperature(counts, LABELS, given="counts"))
