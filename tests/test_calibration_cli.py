"""``divtool calibration`` and ``divtool temperature`` as a user types them: forms, files, what is read, exit status."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import run
from typer.testing import CliRunner

import divtool
from divtool.cli.app import app
from divtool.errors import DivtoolError
from divtool.reports.calibration import render_calibration, render_temperature

DATA = Path(__file__).parents[1] / "examples" / "data"
DIGITS = (str(DATA / "digits_a.npy"), str(DATA / "digits_labels.npy"))


def typed(*arguments: str) -> tuple[str, Any]:
    """What a command prints, and what it returns; errors are raised."""
    ended = CliRunner().invoke(app, list(arguments), standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return ended.stdout, ended.return_value


class TestForms:
    RESULT = divtool.calibration(*DIGITS)

    def test_quiet_prints_the_bare_number(self) -> None:
        assert typed("calibration", *DIGITS, "-q")[0] == f"{self.RESULT.value!r}\n"
        assert typed("calibration", *DIGITS, "-q", "-m", "rmsce")[0] == f"{self.RESULT['rmsce'].value!r}\n"
        with pytest.raises(DivtoolError, match="one number"):
            typed("calibration", *DIGITS, "-q", "-m", "ece,mce")
        with pytest.raises(DivtoolError, match="bare number"):
            typed("calibration", *DIGITS, "-q", "-f", "json")

    @pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
    def test_lines_hold_every_bit(self, form: str) -> None:
        text = typed("calibration", *DIGITS, "-f", form, "-m", "ece,classwise-mce,nll")[0]
        if form == "jsonl":
            rows = [json.loads(line) for line in text.splitlines()]
        else:
            rows = list(csv.DictReader(io.StringIO(text), delimiter="," if form == "csv" else "\t"))
        found = {row["measure"]: float(row["value"]) for row in rows}
        assert found == {name: self.RESULT[name].value for name in ("ece", "classwise-mce", "nll")}

    def test_json_holds_the_reliability_table(self) -> None:
        said = json.loads(typed("calibration", *DIGITS, "-f", "json", "--bins", "4", "-m", "ece")[0])
        assert [each["measure"] for each in said["results"]] == ["ece"]
        assert len(said["reliability"]) == 4
        last, want = said["reliability"][-1], divtool.calibration(*DIGITS, bins=4).reliability[-1]
        assert (last["rows"], last["gap"], last["std_error"]) == (want.rows, want.gap, want.std_error)
        assert said["reliability"][0]["confidence"] is None

    def test_a_file_is_written_in_the_form_of_its_suffix(self, tmp_path: Path) -> None:
        typed("calibration", *DIGITS, "-o", str(tmp_path / "c.md"))
        assert (tmp_path / "c.md").read_text(encoding="utf-8").startswith("| measure | value |")
        typed("temperature", *DIGITS, "-o", str(tmp_path / "t.csv"))
        assert (tmp_path / "t.csv").read_text(encoding="utf-8").startswith("temperature,std_error,use,")
        with pytest.raises(DivtoolError, match=r"t\.csv"):
            typed("temperature", str(tmp_path / "t.csv"), "-o", str(tmp_path / "t.csv"))

    def test_the_table_shows_bins_and_a_chart(self) -> None:
        text = render_calibration(self.RESULT, "table")
        assert isinstance(text, str)
        assert "class by class, equal mass" in text
        assert "\u2588" in text
        plain = render_calibration(self.RESULT, "table", ascii_only=True)
        assert isinstance(plain, str)
        assert plain.isascii()
        assert "accuracy #, confidence |" in plain

    def test_a_table_of_very_many_bins_is_cut_and_says_so(self) -> None:
        text = render_calibration(divtool.calibration(*DIGITS, bins=400), "table")
        assert isinstance(text, str)
        assert "more bins" in text
        assert len(text.splitlines()) < 65

    def test_text_from_data_moves_no_cursor(self, tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        path.write_text("a\x1b[31m,b,label\n0.75,0.25,b\n0.5,0.5,b\n", encoding="utf-8")
        result = divtool.calibration(str(path), label_col="label", of_class="b")
        text = render_calibration(result, "table")
        assert isinstance(text, str)
        assert "\x1b" not in text


class TestReading:
    def test_everything_in_one_file_by_name(self, tmp_path: Path) -> None:
        path = tmp_path / "all.csv"
        path.write_text("id,cat,dog,label\n1,0.75,0.25,cat\n2,0.5,0.5,dog\n3,0.25,0.75,dog\n", encoding="utf-8")
        result = divtool.calibration(str(path), label_col="label")
        p = np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]])
        assert result.results == divtool.calibration(p, np.array([0, 1, 1])).results
        one = divtool.calibration(str(path), label_col="label", of_class="dog")
        assert one.outcome == "class dog"
        assert one["frequency"].value == 2 / 3

    def test_ids_in_another_order_and_classes_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text("id,cat,dog\na,0.75,0.25\nb,0.5,0.5\nc,0.25,0.75\n", encoding="utf-8")
        (tmp_path / "y.csv").write_text("id,label\nc,dog\na,cat\nb,dog\n", encoding="utf-8")
        files = str(tmp_path / "p.csv"), str(tmp_path / "y.csv")
        p, labels = np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]), np.array([0, 1, 1])
        assert divtool.calibration(*files).results == divtool.calibration(p, labels).results
        (tmp_path / "y.csv").write_text("id,label\nd,dog\nc,dog\na,cat\nb,cat\n", encoding="utf-8")
        (tmp_path / "p.csv").write_text(
            "id,cat,dog\na,0.75,0.25\nb,0.5,0.5\nc,0.25,0.75\nd,0.75,0.25\n", encoding="utf-8"
        )
        p = np.array([*p, [0.75, 0.25]])
        assert divtool.temperature(*files).value == divtool.temperature(p, np.array([0, 0, 1, 1])).value

    @pytest.mark.parametrize("of_class", [None, "1"])
    def test_rows_with_an_empty_cell_are_left_out_when_asked(self, tmp_path: Path, of_class: str | None) -> None:
        path = tmp_path / "p.csv"
        path.write_text("p,y\n0.3,0\n,1\n0.8,1\n0.1,\n0.6,0\n", encoding="utf-8")
        result = divtool.calibration(str(path), label_col="y", columns="p", missing="drop", of_class=of_class)
        whole = divtool.calibration(np.array([[0.3], [0.8], [0.6]]), np.array([0, 1, 0]), of_class=of_class)
        assert result.results == whole.results
        assert (result.n, result.missing, result.rows) == (3, 2, 5)

    def test_a_bad_cell_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        path.write_text("p,y\n" + "0.3,0\n" * 20000 + "1.5,1\n", encoding="utf-8")
        with pytest.raises(DivtoolError, match=r"line 20002 .*1\.5"):
            divtool.calibration(str(path), label_col="y", columns="p")


class TestStatus:
    def test_thresholds_by_full_and_by_short_names(self) -> None:
        result = divtool.calibration(*DIGITS, binning="mass", fail_if=("ece>0.06", "ece-mass<=0.06", "n<1797"))
        assert [(each.measure, each.failed) for each in result.gates] == [
            ("ece-mass", True), ("ece-mass", False), ("n", False)
        ]  # fmt: skip
        assert result.failed

    @pytest.mark.parametrize("gate", ["eec>1", "ece.p99>1", "frequency>1"])
    def test_thresholds_on_what_is_not_there_are_refused(self, gate: str) -> None:
        with pytest.raises(DivtoolError, match="--fail-if"):
            divtool.calibration(*DIGITS, fail_if=gate)

    def test_a_failed_threshold_is_status_one(self) -> None:
        assert typed("calibration", *DIGITS, "-q", "--fail-if", "ece>0.05")[1] == 1
        assert typed("calibration", *DIGITS, "-q", "--fail-if", "ece>0.5")[1] in (0, None)

    def test_as_a_process(self) -> None:
        ended = run(["calibration", *DIGITS, "-q", "--fail-if", "ece>0.05"])
        assert (ended.status, ended.stdout) == (1, f"{divtool.calibration(*DIGITS).value!r}\n")
        assert "ece>0.05" in ended.stderr


class TestTemperature:
    def test_quiet_prints_what_reads_back(self) -> None:
        text = typed("temperature", *DIGITS, "-q")[0]
        assert float(text) == divtool.temperature(*DIGITS).value
        tempered = divtool.compute("ce", *DIGITS, temperature=text.strip())
        assert tempered.value == divtool.temperature(*DIGITS).results[0].nll_after

    def test_applied_to_another_file(self) -> None:
        other = str(DATA / "digits_b.npy")
        said = json.loads(typed("temperature", *DIGITS, "--apply", other, "--apply-labels", DIGITS[1], "-f", "json")[0])
        assert [each["use"] for each in said["results"]] == ["fit", "apply"]
        assert set(said["inputs"]) == {"q", "labels", "q2", "labels2"}
        assert said["results"][1]["nll_before"] == divtool.compute("ce", other, DIGITS[1]).value

    def test_the_table_says_how_to_apply_it(self) -> None:
        result = divtool.temperature(*DIGITS)
        text = render_temperature(result, "table")
        assert isinstance(text, str)
        assert f"divtool ce -T {result.value!r}" in text
        assert "fitted on   digits_a.npy, rows 0:1797" in text
