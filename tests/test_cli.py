"""The installed program as a process: what it prints, where it prints it, and how it ends."""

from __future__ import annotations

import csv
import gzip
import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import program
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from mpmath import mp, mpf
from nursery import Nursery
from program import PROGRAM

from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.options import GROUPS, Running, Writing, fields_of, flag_of

ROOT = Path(__file__).parents[1]
PREDS, LABELS = "examples/data/preds.csv", "examples/data/labels.csv"
DIGITS_A, DIGITS_B = "examples/data/digits_a.npy", "examples/data/digits_b.npy"
ADMISSIONS, WORMS = "examples/data/admissions.csv", "examples/data/worms.csv"
DIGITS_LABELS, WINE = "examples/data/digits_labels.npy", "examples/data/wine.parquet"
CE = ("ce", PREDS, LABELS)

load_families()
VERBS = [each.name for each in MEASURES]

Done = subprocess.CompletedProcess


def environment(**more: str) -> dict[str, str]:
    """A plain environment: nothing of the terminal that the tests happen to run in."""
    unwanted = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "DIVTOOL_KERNELS", "CLICOLOR_FORCE")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | more


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """The process from which runs are forked."""
    made = Nursery(environment())
    yield made
    made.close()


_NURSERIES: list[Nursery] = []


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nursery: Nursery) -> None:
    """Every test works in a folder of its own in which the example files lie as in the repository."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "_NURSERIES", [nursery])


def installed(*arguments: str, stdin: str = "", **more: str) -> Done[str]:
    """The installed program with these arguments."""
    ended = program.run(arguments, stdin=stdin, environment=environment(**more))
    return Done([PROGRAM, *arguments], ended.status, ended.stdout, ended.stderr)


def run(*arguments: str, stdin: str = "", **more: str) -> Done[str]:
    """The program as a process of its own: forked from one that has done the imports, unless its environment is
    another."""
    if more:
        return installed(*arguments, stdin=stdin, **more)
    (nursery,) = _NURSERIES
    ended = nursery.run(arguments, stdin=stdin)
    return Done(["divtool", *arguments], ended.status, ended.stdout, ended.stderr)


def good(*arguments: str, **more: str) -> str:
    """What a run prints that ends well and says nothing besides."""
    done = run(*arguments, **more)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def good_installed(*arguments: str, **more: str) -> str:
    """The same of the installed program."""
    done = installed(*arguments, **more)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def number(*arguments: str) -> float:
    """The bare number."""
    return float(good(*arguments, "-q"))


def document(*arguments: str) -> dict[str, Any]:
    """The JSON document."""
    return strict(good(*arguments, "-f", "json"))


def strict(text: str) -> Any:
    """JSON without the bare NaN and Infinity that Python would let pass."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"bare {constant} in JSON")

    return json.loads(text, parse_constant=refuse)


def refused(status: int, *arguments: str, **more: str) -> str:
    """The error block of a run that must end with this status: at most an error and a hint, and nothing printed."""
    done = run(*arguments, **more)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("divtool: error: "), done.stderr
    assert [line.partition(":")[0] for line in lines[1:]] in ([], ["hint"])
    return done.stderr


def write(name: str, *lines: str) -> str:
    """A text file of these lines."""
    Path(name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return name


def table(name: str, matrix: Any) -> str:
    """An NPY file."""
    np.save(name, np.asarray(matrix))
    return name


# What the verbs print


class TestExamples:
    @pytest.mark.parametrize(
        ("arguments", "shown"),
        [
            (CE, "ce\t0.15354745571571216\t"),
            (("ce", WINE, "--label-col", "cultivar"), "ce\t0.0791448164442928\t"),
            (("ce", WINE, WINE + ":cultivar"), "ce\t0.0791448164442928\t"),
            (("ce", DIGITS_A, DIGITS_LABELS), "ce\t"),
            (("ce", DIGITS_A, "examples/data/digits_soft.npy"), "ce\t"),
            (("kl", DIGITS_A, DIGITS_B), "kl\t0.2620"),
            (("entropy", PREDS), "entropy\t0.31751908594471057\t"),
            (("softmax", DIGITS_A), "0.99282380567588"),
            (("log-softmax", DIGITS_A), "-0.0072020"),
        ],
        ids=lambda value: value[0] if isinstance(value, tuple) else "",
    )
    def test_every_verb(self, arguments: tuple[str, ...], shown: str) -> None:
        done = installed(*arguments)
        assert done.returncode == 0
        assert all(line.startswith("divtool: warning: ") for line in done.stderr.splitlines())
        assert done.stdout.splitlines()[1].startswith(shown)

    def test_a_column_left_out_is_said(self) -> None:
        done = installed("entropy", WINE)
        assert done.stderr == f'divtool: warning: {WINE}: left out as no class: "cultivar" (text)\n'

    def test_list(self) -> None:
        lines = [line.split("\t") for line in good_installed("list").splitlines()]
        assert lines[0] == ["name", "family", "title", "unit", "range", "better", "also", "formula"]
        assert {line[0] for line in lines[1:]} >= set(VERBS)
        listed = {each["name"]: each["laws"] for each in strict(good_installed("list", "--laws", "-f", "json"))}
        assert "non-negative" in listed["kl"]
        assert good_installed("list", "-f", "md").startswith("| name | family |")
        assert [line.partition("\t")[0] for line in good_installed("list", "psi").splitlines()[1:]] == ["jeffreys"]
        assert len(good_installed("list", "order families").splitlines()) == 8
        assert "divtool list shows all" in refused(2, "list", "nonsense")
        assert "Kullback-Leibler" in good_installed("list", "-f", "table", COLUMNS="200")

    def test_version(self) -> None:
        assert good_installed("--version").startswith("divtool 0.1.0\nkernels: ")

    def test_root_help_lists_every_common_verb(self) -> None:
        text = good_installed("--help")
        assert all(re.search(rf"^  {each.name} +{each.summary[:9]}", text, re.M) for each in MEASURES if each.common)
        assert len(text.splitlines()) <= 50

    @pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["bare", "help"])
    def test_bare_prints_the_help(self, arguments: tuple[str, ...]) -> None:
        done = installed(*arguments)
        assert done.stdout.startswith("Usage: divtool VERB FILES... [options]\n")
        assert done.returncode == (0 if arguments else 2)


class TestForms:
    def test_default_in_a_pipe_is_tsv(self) -> None:
        assert good(*CE) == good(*CE, "-f", "tsv")

    def test_delimited(self) -> None:
        for form, comma in (("csv", ","), ("tsv", "\t")):
            head, line = csv.reader(good(*CE, "-f", form).splitlines(), delimiter=comma)
            cells = dict(zip(head, line, strict=True))
            assert (cells["measure"], cells["value"], cells["n"]) == ("ce", "0.15354745571571216", "150")

    def test_markdown(self) -> None:
        head, rule, line = good(*CE, "-f", "md").splitlines()
        assert head.startswith("| measure | value |")
        assert rule.count("---") == head.count("|") - 1
        assert "| 0.15354745571571216 |" in line

    def test_json_lines(self) -> None:
        (line,) = good(*CE, "-f", "jsonl").splitlines()
        assert strict(line)["value"] == 0.15354745571571216

    def test_table_says_what_was_read(self) -> None:
        text = good(*CE, "-f", "table")
        for piece in ("csv, 150 x 3", "probabilities", "virginica, setosa, versicolor", 'class names in "species"',
                      'rows by the column "id"', "0.1535475 +- 0.0168 nats", "mean over 150 rows"):  # fmt: skip
            assert piece in " ".join(text.split())
        assert "\x1b" not in text

    def test_table_shows_the_direction(self) -> None:
        assert "KL(digits_a.npy || digits_b.npy)" in good("kl", DIGITS_A, DIGITS_B, "-f", "table")

    def test_quiet_is_a_bare_number(self) -> None:
        assert good(*CE, "-q") == "0.15354745571571216\n"

    @pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "tsv", "md", "txt", "html"])
    def test_output_by_suffix(self, suffix: str) -> None:
        form = {"txt": "table"}.get(suffix, suffix)
        assert good(*CE, "-o", f"out.{suffix}") == ""
        assert Path(f"out.{suffix}").read_text(encoding="utf-8") == good(*CE, "-f", form)

    def test_parquet(self) -> None:
        assert good(*CE, "-o", "out.parquet") == ""
        (line,) = pq.read_table("out.parquet").to_pylist()
        assert (line["value"], line["n"], line["direction"]) == (0.15354745571571216, 150, None)
        assert "binary, which a terminal cannot show" in on_terminal(*CE, "-f", "parquet", status=2)
        refused(2, *CE, "--reduction", "none", "-f", "parquet")
        refused(2, "softmax", DIGITS_A, "-f", "html")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("joint", ADMISSIONS, "gender", "admitted", "--counts", "applicants"),
            ("mi", ADMISSIONS, "--target", "admitted", "--counts", "applicants"),
            ("fit", WORMS),
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_pages_and_columns_of_other_results(self, arguments: tuple[str, ...]) -> None:
        assert good(*arguments, "-f", "html").startswith("<!DOCTYPE html>")
        run(*arguments, "-o", "out.parquet")
        assert pq.read_table("out.parquet").num_rows == len(good(*arguments, "-f", "tsv").splitlines()) - 1

    def test_output_of_an_unknown_suffix(self) -> None:
        assert "hint: or say it: --format json" in refused(2, *CE, "-o", "out.xyz")
        assert good(*CE, "-o", "out.xyz", "-f", "json") == ""
        assert strict(Path("out.xyz").read_text(encoding="utf-8"))["command"] == "ce"

    def test_colour_only_on_a_terminal(self) -> None:
        text = on_terminal(*CE, COLUMNS="200")
        assert "\x1b[1" in text
        assert "\x1b" not in on_terminal(*CE, COLUMNS="200", TERM="dumb")
        assert "\x1b[36" not in on_terminal(*CE, COLUMNS="200", NO_COLOR="1")


def on_terminal(*arguments: str, status: int = 0, **more: str) -> str:
    """What the program prints on a terminal, its errors too where it must end with one."""
    leader, follower = pty.openpty()
    errors = follower if status else None
    child = subprocess.Popen(
        [PROGRAM, *arguments], env=environment(**more), stdin=subprocess.DEVNULL, stdout=follower, stderr=errors
    )
    os.close(follower)
    pieces = []
    try:
        while piece := os.read(leader, 1 << 16):
            pieces.append(piece)
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert child.wait(60) == status
    return b"".join(pieces).decode()


# Rows


class TestPerRow:
    HEAD = ("row", "id", "label", "ce")
    FIRST = (0, "flower-109", "virginica", 0.14364009819416998)

    def rows_in(self, suffix: str) -> list[tuple[Any, ...]]:
        path = f"rows.{suffix}"
        assert good(*CE, "-q", "--per-row", path) == "0.15354745571571216\n"
        if suffix == "parquet":
            read = pq.read_table(path)
            assert read.schema.field("ce").type == pa.float64()
            return [tuple(row.values()) for row in read.to_pylist()]
        text = Path(path).read_text(encoding="utf-8")
        if suffix == "jsonl":
            return [tuple(strict(line).values()) for line in text.splitlines()]
        head, *lines = csv.reader(text.splitlines(), delimiter={"csv": ",", "tsv": "\t"}[suffix])
        assert tuple(head) == self.HEAD
        return [(int(row), id, label, float(value)) for row, id, label, value in lines]

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
    def test_keys_and_numbers(self, suffix: str) -> None:
        rows = self.rows_in(suffix)
        assert rows[0] == self.FIRST
        assert [row[0] for row in rows] == list(range(150))
        assert math.fsum(row[3] for row in rows) / 150 == pytest.approx(0.15354745571571216, rel=1e-15)

    def test_npy_holds_the_numbers_alone(self) -> None:
        good(*CE, "-q", "--per-row", "rows.npy")
        good(*CE, "-q", "--per-row", "rows.parquet")
        values = np.load("rows.npy")
        assert (values.dtype, values.shape) == (np.float64, (150,))
        assert values.tolist() == pq.read_table("rows.parquet")["ce"].to_pylist()

    def test_rows_on_the_screen(self) -> None:
        good(*CE, "-q", "--per-row", "rows.tsv")
        assert good(*CE, "--reduction", "none") == Path("rows.tsv").read_text(encoding="utf-8")

    def test_rows_in_the_unit_asked_for(self) -> None:
        good(*CE, "-q", "--base", "2", "--per-row", "rows.npy")
        bits = np.load("rows.npy")
        assert bits[0] == pytest.approx(self.FIRST[3] / math.log(2), rel=1e-15)

    def test_rows_as_a_file(self) -> None:
        assert good(*CE, "--reduction", "none", "-o", "out.csv") == ""
        good(*CE, "-q", "--per-row", "rows.csv")
        assert Path("out.csv").read_bytes() == Path("rows.csv").read_bytes()

    @pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "tsv", "md"])
    def test_rows_in_every_form(self, form: str) -> None:
        text = good(*CE, "--reduction", "none", "-f", form)
        assert "flower-109" in text
        assert "0.14364009819416998" in text
        if form == "json":
            assert len(strict(text)["rows"]) == 150

    def test_an_ignored_row_keeps_its_place(self) -> None:
        write("x.csv", "a,b", "1.5,2.5", "0.5,3.5")
        write("y.csv", "y", "0", "-100")
        assert good("ce", "x.csv", "y.csv", "--reduction", "none").splitlines()[2].split("\t")[0::2] == ["1", "nan"]

    def test_an_unknown_suffix_is_refused_before_anything_is_read(self) -> None:
        assert "names no format for rows" in refused(2, "ce", "missing.csv", "--per-row", "rows.xyz")

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "npy"])
    def test_transforms_write_tables_that_can_be_read(self, suffix: str) -> None:
        assert good("softmax", DIGITS_A, "-o", f"probs.{suffix}") == ""
        if suffix != "jsonl":  # written, not yet read
            from_table, from_logits = (
                number("entropy", f"probs.{suffix}"),
                number("entropy", DIGITS_A),
            )
            assert from_table == pytest.approx(from_logits, rel=1e-13)

    def test_a_transform_keeps_ids_and_columns(self) -> None:
        write("x.csv", "id,b,a", "r1,0.5,-0.5", "r2,1.5,2.5")
        head, first, _ = good("softmax", "x.csv").splitlines()
        assert head.split("\t") == ["id", "b", "a"]
        assert first.split("\t")[0] == "r1"
        assert float(first.split("\t")[1]) == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-15)


# The number, by other means


def independent() -> mpf:
    """The mean cross-entropy of the example files in 40 digits, read with the csv module alone."""
    with open(LABELS, encoding="utf-8", newline="") as file:
        truth = {row["id"]: row["species"] for row in csv.DictReader(file)}
    with open(PREDS, encoding="utf-8", newline="") as file, mp.workdps(40):
        costs = [-mp.log(mpf(float(row[truth[row["id"]]]))) for row in csv.DictReader(file)]
        return mp.fsum(costs) / len(costs)


@pytest.fixture
def predictions() -> pa.Table:
    """The example's predictions, id and three classes."""
    return pyarrow.csv.read_csv(PREDS)


class TestAgreement:
    def agrees(self, *arguments: str) -> None:
        done = run("ce", *arguments, "-f", "json")
        # What is matched by place alone, beside ids or names that could have said more, is warned of.
        by_place = ("rows are matched by position", "label indices count the columns")
        assert all(any(said in line for said in by_place) for line in done.stderr.splitlines()), done.stderr
        value = strict(done.stdout)["results"][0]["value"]
        assert abs(mpf(value) - independent()) <= mpf(1e-14) * independent()

    def indices(self, predictions: pa.Table) -> list[int]:
        names = predictions.column_names[1:]
        truth = dict(zip(*(pyarrow.csv.read_csv(LABELS)[name].to_pylist() for name in ("id", "species")), strict=True))
        return [names.index(truth[id]) for id in predictions["id"].to_pylist()]

    def test_as_committed(self) -> None:
        self.agrees(PREDS, LABELS)

    @pytest.mark.parametrize("order", [(0, 3, 1, 2), (0, 2, 3, 1), (3, 0, 2, 1)], ids=str)
    def test_columns_permuted(self, predictions: pa.Table, order: tuple[int, ...]) -> None:
        pyarrow.csv.write_csv(predictions.select(list(order)), "preds.csv")
        self.agrees("preds.csv", LABELS)

    def test_columns_permuted_change_no_bit(self, predictions: pa.Table) -> None:
        pyarrow.csv.write_csv(predictions.select([0, 3, 1, 2]), "preds.csv")
        assert document("ce", "preds.csv", LABELS)["results"] == document(*CE)["results"]

    def test_rows_shuffled(self, predictions: pa.Table) -> None:
        pyarrow.csv.write_csv(predictions.take(np.random.default_rng(1).permutation(150)), "preds.csv")
        self.agrees("preds.csv", LABELS)

    def test_labels_as_indices(self, predictions: pa.Table) -> None:
        indices = self.indices(predictions)
        write(
            "by_id.csv", "id,label", *(f"{i},{k}" for i, k in zip(predictions["id"].to_pylist(), indices, strict=True))
        )
        for labels in ("by_id.csv", table("labels.npy", indices)):
            self.agrees(PREDS, labels)

    def test_labels_in_a_column(self, predictions: pa.Table) -> None:
        names = predictions.column_names[1:]
        truth = pa.array([names[k] for k in self.indices(predictions)])
        pyarrow.csv.write_csv(predictions.append_column("truth", truth), "all.csv")
        self.agrees("all.csv", "--label-col", "truth")
        self.agrees("all.csv")

    @pytest.mark.parametrize("labels", ["names", "indices"])
    def test_predictions_as_parquet(self, predictions: pa.Table, labels: str) -> None:
        pq.write_table(predictions, "preds.parquet")
        self.agrees("preds.parquet", LABELS if labels == "names" else table("y.npy", self.indices(predictions)))

    def test_predictions_as_npy(self, predictions: pa.Table) -> None:
        table("preds.npy", np.stack([column.to_numpy() for column in predictions.columns[1:]], axis=1))
        self.agrees("preds.npy", table("labels.npy", self.indices(predictions)))

    def test_log_probabilities(self, predictions: pa.Table) -> None:
        logs = np.log(np.stack([column.to_numpy() for column in predictions.columns[1:]], axis=1))
        table("logs.npy", logs)
        assert number("ce", "logs.npy", table("y.npy", self.indices(predictions))) == pytest.approx(
            float(independent()), rel=1e-14
        )


# Options


class TestMeasuring:
    @pytest.mark.parametrize(("base", "unit"), [("e", "nats"), ("2", "bits"), ("10", "dits"), ("3", "log-3 units")])
    def test_base(self, base: str, unit: str) -> None:
        result = document(*CE, "--base", base)["results"][0]
        assert result["unit"] == unit
        divisor = 1.0 if base == "e" else math.log(float(base))
        assert result["value"] == pytest.approx(0.15354745571571216 / divisor, rel=1e-15)

    @pytest.mark.parametrize("base", ["1", "0", "-2", "nan", "inf", "two", ""])
    def test_bad_base(self, base: str) -> None:
        assert "is not the base of a logarithm" in refused(2, *CE, f"--base={base}")

    def test_reduction(self) -> None:
        mean, total = (document(*CE, "--reduction", how)["results"][0] for how in ("mean", "sum"))
        assert total["value"] == pytest.approx(150 * mean["value"], rel=1e-15)
        assert (mean["denominator"]["value"], total["reduction"]) == (150.0, "sum")
        assert len(good(*CE, "--reduction", "none").splitlines()) == 151

    def test_temperature(self) -> None:
        write("x.csv", "a,b", "3.5,0.5")
        assert number("entropy", "x.csv", "-T", "3") == pytest.approx(0.582203108, rel=1e-8)
        table("third.npy", np.array([[3.5, 0.5]]) / 2.0)
        assert number("entropy", "x.csv", "-T", "2") == number("entropy", "third.npy")
        assert document("entropy", "x.csv", "--temperature", "3")["settings"] == {"temperature": 3.0}
        for bad in ("0", "-1", "nan", "inf"):
            assert "--temperature" in refused(2, "entropy", "x.csv", "-T", bad)

    def test_a_temperature_is_refused_on_probabilities(self) -> None:
        assert "a temperature divides logits" in refused(3, *CE, "-T", "2")

    def test_ignored_labels_are_counted(self) -> None:
        write("x.csv", "a,b", "1.5,2.5", "0.5,3.5", "2.5,0.5", "0.5,0.25")
        write("y.csv", "y", "0", "7", "8", "-100")
        result = document(
            "ce", "x.csv", "y.csv", "--ignore-index", "7", "--ignore-index", "8", "--ignore-index", "-100"
        )
        one = result["results"][0]
        assert (one["rows"], one["n"], one["ignored"]) == (4, 1, 3)
        assert one["value"] == pytest.approx(math.log1p(math.e), rel=1e-15)

    def test_a_class_may_be_ignored(self) -> None:
        write("x.csv", "a,b", "1.5,2.5", "0.5,3.5")
        write("y.csv", "y", "0", "1")
        one = document("ce", "x.csv", "y.csv", "--ignore-index", "1")["results"][0]
        assert (one["n"], one["ignored"]) == (1, 1)
        assert one["value"] == pytest.approx(math.log1p(math.e), rel=1e-15)

    def test_minus_100_is_ignored_by_default(self) -> None:
        write("x.csv", "a,b", "1.5,2.5", "0.5,3.5")
        write("y.csv", "y", "0", "-100")
        assert document("ce", "x.csv", "y.csv")["results"][0]["ignored"] == 1

    def test_class_weights_inline_and_from_files(self) -> None:
        inline = document(*CE, "--class-weight", "setosa=1,versicolor=2,virginica=3")["results"]
        assert inline[0]["denominator"] == {"name": "sum of weights", "value": 300.0}
        write("named.csv", "class,weight", "virginica,3", "setosa,1", "versicolor,2")
        assert document(*CE, "--class-weight", "named.csv")["results"] == inline
        write("bare.csv", "weight", "3", "1", "2")  # in the order of the columns of the predictions
        assert document(*CE, "--class-weight", "bare.csv")["results"] == inline

    @pytest.mark.parametrize(
        ("weights", "said"),
        [
            ("setosa=1,versicolor=2", '"virginica" has no weight'),
            ("setosa=1,versicolor=2,virginca=3", 'did you mean "virginica"?'),
            ("setosa=1,versicolor=2,virginica=-3", "expected a number from 0"),
            ("setosa=1,versicolor=2,virginica=nan", "expected a number from 0"),
            ("setosa", "is no class=weight"),
        ],
    )
    def test_bad_class_weights(self, weights: str, said: str) -> None:
        assert said in refused(2, *CE, "--class-weight", weights)

    def test_weights_that_leave_nothing_to_average(self) -> None:
        assert "hint: " in refused(3, *CE, "--class-weight", "setosa=0,versicolor=0,virginica=0")

    def test_label_smoothing(self) -> None:
        x, y = table("x.npy", [[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]]), table("y.npy", [0, 2])
        assert number("ce", x, y, "--label-smoothing", "0.1") == pytest.approx(2.2034116007675714, rel=1e-15)
        for bad in ("-0.1", "1.5", "nan"):
            assert "from 0 to 1" in refused(2, "ce", x, y, "--label-smoothing", bad)


class TestReading:
    def test_id_by_name(self) -> None:
        write("p.csv", "who,a,b", "x,0.5,1.5", "y,2.5,0.5")
        write("q.csv", "who,a,b", "y,2.5,0.5", "x,0.5,1.5")
        assert number("kl", "p.csv", "q.csv", "--id", "who") == 0.0
        how = document("kl", "p.csv", "q.csv", "--id", "who")["matched"][0]
        assert how.startswith('rows matched by the column "who"')
        assert 'did you mean "who"?' in refused(3, "kl", "p.csv", "q.csv", "--id", "whom")

    def test_an_id_column_of_numbers(self) -> None:
        table("x.npy", [[7.0, 0.5, 1.5], [8.0, 2.5, 0.25]])
        assert document("entropy", "x.npy", "--id", "0")["inputs"]["p"]["classes"] == 2

    def test_columns_chosen(self) -> None:
        write("x.csv", "a,b,c", "0.5,1.5,9.5", "2.5,0.5,9.5")
        write("ab.csv", "a,b", "0.5,1.5", "2.5,0.5")
        expected = number("entropy", "ab.csv")
        assert number("entropy", "x.csv", "--columns", "a,b") == expected
        assert number("entropy", "x.csv", "--columns", "b,a") == pytest.approx(expected, rel=1e-15)
        assert number("entropy", "x.csv", "--columns", "!c") == expected
        assert document("entropy", "x.csv", "--columns", "!c")["inputs"]["p"]["excluded"] == [
            {"column": "c", "reason": "not asked for"}
        ]
        assert 'no column "d"' in refused(3, "entropy", "x.csv", "--columns", "a,d")

    def test_a_column_is_one_class(self) -> None:
        write("x.csv", "a,b", "0.5,1.5", "2.5,0.5")
        assert '"a"' in refused(2, "entropy", "x.csv", "--columns", "a,b,a")

    def test_given_wrongly(self) -> None:
        write("x.csv", "a,b", "0.5,1.5", "2.5,0.5")
        assert "sum to 2" in refused(3, "entropy", "x.csv", "--given", "probs")
        assert "above 0" in refused(3, "entropy", "x.csv", "--given", "log-probs")
        assert "expected one of logits" in refused(2, "entropy", "x.csv", "--given", "logit")

    def test_given_against_the_evidence_is_obeyed_with_a_warning(self) -> None:
        done = run("entropy", PREDS, "--given", "logits", "-q")
        assert done.returncode == 0
        assert "is a softmax applied twice?" in done.stderr
        assert float(done.stdout) != number("entropy", PREDS)

    def test_given_a_side(self) -> None:
        write("p.csv", "a,b", "0.25,0.75", "0.5,0.5")
        write("q.csv", "a,b", "0.25,0.5", "0.125,0.75")
        done = run("kl", "p.csv", "q.csv", "--given-q", "logits", "-q")
        assert float(done.stdout) > 0.0
        assert "one side holds probabilities, the other logits" in done.stderr
        assert "--given-q" in refused(3, "kl", "p.csv", "q.csv")

    @pytest.mark.parametrize("verb", ["entropy", "ce", "kl"])
    @pytest.mark.parametrize("rows", [("0.25,0.5", "0.125,0.25"), ("3,0", "1,2")], ids=["within one", "whole"])
    def test_ambiguous_numbers_are_not_guessed(self, verb: str, rows: tuple[str, ...]) -> None:
        write("x.csv", "a,b", *rows)
        write("y.csv", "y", "0", "1")
        operands = {"entropy": ["x.csv"], "ce": ["x.csv", "y.csv"], "kl": ["x.csv", "x.csv"]}[verb]
        said = refused(3, verb, *operands)
        assert "x.csv: " in said
        option = re.search(r"hint: .*(--given[-pq]*)", said)
        assert option
        assert f"  {option[1]} logits|log-probs|probs" in good(verb, "--help")

    def test_normalize(self) -> None:
        write("x.csv", "a,b", "3,1", "1,1")
        done = run("entropy", "x.csv", "--given", "probs", "--normalize", "-q", "--base", "2")
        assert float(done.stdout) == pytest.approx((0.8112781244591328 + 1.0) / 2, rel=1e-14)
        assert done.stderr == (
            "divtool: warning: 2 rows did not sum to 1 and were divided by their sum (--normalize)\n"
        )

    def test_delimiter(self) -> None:
        write("x.txt", "a|b", "0.5|1.5")
        assert number("entropy", "x.txt", "--delimiter", "|") == number("entropy", "x.txt")
        assert "no column can be a class" in refused(3, "entropy", "x.txt", "--delimiter", ",")

    def test_no_header(self) -> None:
        write("x.csv", "0.5,1.5", "2.5,0.5")
        assert document("entropy", "x.csv", "--no-header")["results"][0]["n"] == 2
        write("named.csv", "1,2", "0.5,1.5", "2.5,0.5")
        assert document("entropy", "named.csv", "--no-header")["results"][0]["n"] == 3

    def test_standard_input(self) -> None:
        text = Path(PREDS).read_text(encoding="utf-8")
        done = run("entropy", "-", "-f", "json", stdin=text)
        assert done.stderr == ""
        assert strict(done.stdout)["inputs"]["p"]["path"] == "<stdin>"
        assert strict(done.stdout)["results"] == document("entropy", PREDS)["results"]

    def test_standard_input_beside_a_file(self) -> None:
        done = run("ce", "-", LABELS, "-q", stdin=Path(PREDS).read_text(encoding="utf-8"))
        assert float(done.stdout) == 0.15354745571571216

    def test_an_error_in_standard_input_is_placed(self) -> None:
        assert 'error: <stdin>: line 3 (row 1), column "b": "oops"' in refused(
            3, "entropy", "-", stdin="a,b\n0.5,0.5\n0.5,oops\n"
        )

    def test_label_column(self) -> None:
        assert 'did you mean "cultivar"?' in refused(3, "ce", WINE, "--label-col", "cultivra")
        assert "not from both" in refused(2, *CE, "--label-col", "species")
        write("twin.csv", "id,species,genus", *("flower-%03d,x,y" % i for i in range(150)))  # noqa: UP031
        assert "twin.csv:COLUMN" in refused(3, "ce", PREDS, "twin.csv")


# Every option of every verb does something


def flags_in(text: str) -> list[str]:
    """The long flags that a help text lists."""
    return re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)


def operands_of(declared: Declaration) -> tuple[object, ...]:
    """What the operands of a verb are to the shared options."""
    return tuple((each.role, each.kinds, each.many, each.tempered) for each in declared.operands)


def representatives() -> list[Declaration]:
    """One verb for each way in which verbs differ for the shared options: their operands and what applies to them."""
    kinds = {
        (each.having, operands_of(each)): each
        for each in sorted(MEASURES, key=lambda each: (not each.common, each.name), reverse=True)
    }
    return sorted(kinds.values(), key=lambda each: each.name)


# Each option with one verb for each kind of operands: what else applies to a verb is no matter to an option of its own.
# How a run is done and what is printed depends on the number of operands alone.
WALK = sorted({
    (flag_of(option), len(each.operands) if group in (Running, Writing) else operands_of(each)): (
        each.name, flag_of(option),
    )
    for each in representatives()
    for group in GROUPS
    for option in fields_of(group, each.having)
    if flag_of(option) != "--progress"  # shown on a terminal only, see TestProgress
}.values())  # fmt: skip
# What is added to a run to use each option.
USED: dict[str, tuple[str, ...]] = {
    "--given": ("--given", "probs"),
    "--given-p": ("--given-p", "probs"),
    "--given-q": ("--given-q", "log-probs"),
    "--columns": ("--columns", "a,b"),
    "--id": ("--id", "group"),
    "--label-col": ("--label-col", "a"),
    "--header": ("--header",),
    "--no-header": ("--no-header",),
    "--delimiter": ("--delimiter", ";"),
    "--normalize": ("--normalize",),
    "--base": ("--base", "2"),
    "--temperature": ("--temperature", "2"),
    "--reduction": ("--reduction", "sum"),
    "--ignore-index": ("--ignore-index", "2"),
    "--class-weight": ("--class-weight", "a=1,b=2,c=3"),
    "--label-smoothing": ("--label-smoothing", "0.25"),
    "--smoothing-mode": ("--smoothing-mode", "k-1"),
    "--weight-target-only": ("--weight-target-only",),
    "--sample-weight": ("--sample-weight", "weight"),
    "--mean": ("--mean", "rows"),
    "--zeros": ("--zeros", "smooth:0.1"),
    "--empty": ("--empty", "nan"),
    "--like": ("--like", "torch"),
    "--measure": ("--measure", "entropy,tv,focal"),
    "--reverse": ("--reverse",),
    "--class-axis": ("--class-axis", "0"),
    "--input-format": ("--input-format", "npy"),
    "--concat": ("--concat",),
    "--allow-unnormalized": ("--allow-unnormalized",),
    "--missing": ("--missing", "drop"),
    "--join": ("--join", "inner"),
    "--rows": ("--rows", "1:"),
    "--vocab": ("--vocab", "2"),
    "--explain": ("--explain",),
    "--threads": ("--threads", "-1"),
    "--chunk-size": ("--chunk-size", "none"),
    "--format": ("--format", "md"),
    "--output": ("--output", "out.csv"),
    "--per-row": ("--per-row", "rows.csv"),
    "--quiet": ("--quiet",),
    "--digits": ("--digits", "3"),
    "--by": ("--by", "weight"),
    "--cluster": ("--cluster", "weight"),
    "--level": ("--level", "0.9"),
    "--resamples": ("--resamples", "10"),
    "--seed": ("--seed", "1"),
    "--worst": ("--worst", "2"),
    "--fail-if": ("--fail-if", "max>1000"),
    "--member-axis": ("--member-axis", "0"),
    "--save-state": ("--save-state", "out.json"),
}


class TestEveryOption:
    def operands(self, verb: str, flag: str) -> list[str]:
        """Inputs on which the option has something to do."""
        declared = MEASURES.get(verb)
        counts = flag in ("--normalize", "--allow-unnormalized")
        x, z = (("u,3,1,0", "v,1,1,2", "w,1,2,3"), ("u,2,1,1", "v,5,1,2", "w,1,1,1")) if counts else (
            ("u,3.5,1.5,0.5", "v,1.5,1.5,2.5", "w,0.5,3.5,1.5"), ("u,1.5,0.5,1.5", "v,1.5,4.5,2.5", "w,1.5,0.5,0.5"),
        )  # fmt: skip
        nothing = flag == "--empty"
        w = (",0", ",0", ",0") if nothing else (",2", ",2", ",1") if flag == "--cluster" else (",2", ",0.5", ",1")
        # A row with an empty cell, and one with an id that no other file has.
        gap = ["t,,1.5,0.5,1"] if flag == "--missing" else ["t,2.5,1.5,0.5,1"] if flag == "--join" else []
        # What is said to have a header has one already, but for files that have none.
        bare = flag == "--header"
        # A text that would name the rows without being asked to leaves --id nothing to do.
        name = "group" if flag == "--id" else "who"
        write("x.csv", *[f"{name},a,b,c,weight"][bare:], *(row + end for row, end in zip(x, w, strict=True)), *gap)
        write("z.csv", *[f"{name},a,b,c"][bare:], *z)
        write("y.csv", *[f"{name},label"][bare:], "u,1", "v,2", "w,1", *(["t,"] if flag == "--missing" else []))
        write("s.csv", *[f"{name},s"][bare:], "u,1", "v,-1", "w,1")
        half, fourth = "-0.6931471805599453", "-1.3862943611198906"
        logs = (f"{half},{fourth},{fourth}", f"{fourth},{fourth},{half}", f"{fourth},{half},{fourth}")
        lines = [f"{k},{row}{end}" for k, row, end in zip("uvw", logs, w, strict=True)]
        write("logs.csv", *[f"{name},a,b,c,weight"][bare:], *lines, *([f"t,{logs[0]},1"] if flag == "--join" else []),
              *([f"t,,{half},{half},1"] if flag == "--missing" else []))  # fmt: skip
        files = {"p": "x.csv", "q": "z.csv" if "p" in declared.roles else "x.csv", "target": "y.csv", "sign": "s.csv",
                 "variance": "x.csv"}  # fmt: skip
        operands = [files.get(role, "x.csv") for role in declared.roles]
        if "log-probs" in declared.operands[0].kinds and "logits" not in declared.operands[0].kinds:
            operands[0] = "logs.csv"
        if declared.operands[-1].many:
            operands = ["x.csv", "z.csv"]
        given = ["--given", "probs"] if counts else []
        weighted = flag in ("--mean", "--weight-target-only")
        weights = ["--class-weight", "a=1,b=2,c=3"] if weighted else []
        smoothed = ["--label-smoothing", "0.5"] if flag in ("--smoothing-mode", "--weight-target-only") else []
        form = ["-f", "table"] if flag == "--digits" else ["-f", "json"] if flag in ("--id", "--like") else []
        return [*operands, *given, *form, *weights, *smoothed, *(["--sample-weight", "weight"] if nothing else [])]

    before: ClassVar[dict[tuple[str, ...], object]] = {}

    def outcome(self, *arguments: str) -> object:
        done = run(*arguments)
        assert done.returncode in (0, 2, 3), done.stderr
        written = {path.name: path.read_bytes() for path in Path().glob("*") if path.stem in ("out", "rows")}
        return done.returncode, done.stdout, done.stderr, written

    @pytest.mark.parametrize(("verb", "flag"), WALK)
    def test_changes_something_or_is_refused(self, verb: str, flag: str) -> None:
        base = (verb, *self.operands(verb, flag))
        if base not in self.before:
            self.before[base] = self.outcome(*base)
        assert self.outcome(*base, *USED[flag]) != self.before[base]

    @pytest.mark.parametrize("verb", VERBS)
    def test_help_lists_exactly_what_is_declared(self, verb: str) -> None:
        declared = MEASURES.get(verb)
        wanted = [flag_of(each) for group in GROUPS for each in fields_of(group, declared.having)]
        own = ["--" + each.name.replace("_", "-") for each in declared.keywords]
        assert sorted(flags_in(good(verb, "--help"))) == sorted([*wanted, *own, "--help"])

    @pytest.mark.parametrize("flag", ["-T", "-j", "-f", "-o", "-q"])
    def test_short_flags(self, flag: str) -> None:
        assert f"  {flag}, --" in good("ce", "--help")


class TestProgress:
    def stderr_of(self, *options: str) -> str:
        """Standard error on a terminal of a run that waits for its input longer than the bar's patience."""
        leader, follower = pty.openpty()
        held = Path("held").absolute()
        held.mkdir(exist_ok=True)
        child = subprocess.Popen(
            [PROGRAM, "entropy", "-", "-q", *options], env=environment(COLUMNS="120", TMPDIR=str(held)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=follower,
        )  # fmt: skip
        until(lambda: any(held.glob("divtool-*")))
        time.sleep(1.2)
        out, _ = child.communicate(Path(PREDS).read_bytes(), timeout=60)
        os.close(follower)
        assert out == b"0.31751908594471057\n"
        os.set_blocking(leader, False)
        try:
            return os.read(leader, 1 << 16).decode()
        except OSError:
            return ""
        finally:
            os.close(leader)

    def test_a_bar_on_a_terminal_unless_unwanted(self) -> None:
        assert "rows" in self.stderr_of()
        assert self.stderr_of("--no-progress") == ""


# What goes wrong


GOOD_X = ("a,b", "0.5,1.5", "2.5,0.5", "0.5,0.75")
PROBS = ("id,a,b", "u,0.25,0.75", "v,0.5,0.5", "w,0.125,0.875")
WRONG: dict[str, tuple[dict[str, tuple[str, ...]], tuple[str, ...], tuple[str, ...]]] = {
    "missing file": (
        {"labels.csv": ("y", "0")}, ("ce", PREDS, "label.csv"),
        ("label.csv: cannot be read", "did you mean labels.csv?"),
    ),
    "differing row counts": (
        {"x.csv": GOOD_X, "y.csv": ("y", "0", "1")}, ("ce", "x.csv", "y.csv"),
        ("y.csv: has 2 rows, x.csv has 3", "same id column"),
    ),
    "unknown class name": (
        {"x.csv": GOOD_X, "y.csv": ("y", "a", "b", "bb")}, ("ce", "x.csv", "y.csv"),
        ('y.csv: line 4 (row 2), column "y": the label "bb" is none of the 2 classes', "hint: "),
    ),
    "text cell": (
        {"x.csv": (*GOOD_X, "1.5,oops")}, ("entropy", "x.csv"),
        ('x.csv: line 5 (row 3), column "b": "oops" is not a number', "hint: correct the cell"),
    ),
    "empty cell": (
        {"x.csv": (*GOOD_X, "1.5,")}, ("entropy", "x.csv"),
        ('x.csv: line 5 (row 3), column "b": the cell is empty', "hint: "),
    ),
    "label out of range": (
        {"x.npy": (), "y.csv": ("y", "0", "5", "1")}, ("ce", "x.npy", "y.csv"),
        ('y.csv: line 3 (row 1), column "y": the label 5 is out of range; expected 0 to 1', "--ignore-index 5"),
    ),
    "negative label": (
        {"x.npy": (), "y.csv": ("y", "0", "-1", "1")}, ("ce", "x.npy", "y.csv"),
        ("y.csv: line 3 (row 1)", "the label -1 is out of range", "--ignore-index -1"),
    ),
    "labels from 1": (
        {"x.npy": (), "y.csv": ("y", "1", "2", "1")}, ("ce", "x.npy", "y.csv"), ("y.csv: line 3 (row 1)", "1-based"),
    ),
    "sums off": (
        {"x.csv": (*PROBS, "z,0.5234375,0.3828125")}, ("entropy", "x.csv"),
        ("x.csv: line 5 (row 3): the probabilities sum to 0.90625; expected 1", "--normalize"),
    ),
    "NaN": (
        {"x.csv": (*GOOD_X, "nan,0.5")}, ("entropy", "x.csv"), ('x.csv: line 5 (row 3), column "a"', "NaN", "hint: "),
    ),
    "NaN among probabilities": (
        {"x.csv": (*PROBS, "z,0.5,nan")}, ("entropy", "x.csv"), ('x.csv: line 5 (row 3), column "b"', "NaN", "hint: "),
    ),
    "NaN in a small file": (
        {"x.csv": (*PROBS[:2], "z,0.5,nan")}, ("entropy", "x.csv"), ('x.csv: line 3 (row 1), column "b"', "NaN"),
    ),
    "empty file": ({"x.csv": ()}, ("entropy", "x.csv"), ("x.csv: the file is empty", "hint: ")),
    "no rows": ({"x.csv": ("a,b",)}, ("entropy", "x.csv"), ("x.csv: ", "hint: ")),
    "all rows ignored": (
        {"x.csv": GOOD_X, "y.csv": ("y", "-100", "-100", "-100")}, ("ce", "x.csv", "y.csv"),
        ("nothing is left to average", "--ignore-index"),
    ),
    "every class masked": (
        {"x.csv": (*GOOD_X, "-inf,-inf")}, ("entropy", "x.csv"), ("x.csv: line 5 (row 3)", "every logit is -inf"),
    ),
    "ragged row": ({"x.csv": (*GOOD_X, "1.5,2.5,3.5")}, ("entropy", "x.csv"), ("x.csv: line 5",)),
    "one class": ({"x.csv": ("a", "1")}, ("entropy", "x.csv"), ("whole numbers only", "--columns")),
    "unlike classes": (
        {"x.csv": GOOD_X, "z.csv": ("a,c", *GOOD_X[1:])}, ("kl", "x.csv", "z.csv"),
        ('the class "c" of z.csv is not among the classes of x.csv', "hint: "),
    ),
    "unlike numbers of classes": ({}, ("kl", DIGITS_A, PREDS), (f"{PREDS} has 3 classes", "has 10", "hint: ")),
    "missing id": (
        {"p.csv": PROBS, "q.csv": (*PROBS[:3], "k,0.5,0.5")}, ("kl", "p.csv", "q.csv"), ("row 2", '"w"', "q.csv"),
    ),
    "id twice": (
        {"p.csv": PROBS, "q.csv": ("id,a,b", "v,0.5,0.5", "v,0.25,0.75", "u,0.5,0.5")}, ("kl", "p.csv", "q.csv"),
        ("q.csv", '"v"'),
    ),
    "softmax twice": ({}, ("softmax", PREDS), (PREDS, "probabilities", "--given logits")),
    "no labels": ({"x.csv": GOOD_X}, ("ce", "x.csv"), ("x.csv: there are no labels", "--label-col")),
    "a pickle": ({"x.pkl": ("\x80",)}, ("entropy", "x.pkl"), ("x.pkl: ",)),
    "a folder of unlike files": ({}, ("entropy", "examples"), ("expected parts of one format", "choose", "--concat")),
}  # fmt: skip


class TestWrongInput:
    @pytest.mark.parametrize("name", WRONG)
    def test_one_clear_error(self, name: str) -> None:
        files, arguments, pieces = WRONG[name]
        for file, lines in files.items():
            if file.endswith(".npy"):
                table(file, [[0.5, 1.5], [2.5, 0.5], [0.5, 0.75]])
            else:
                write(file, *lines)
        said = refused(2 if name == "no labels" else 3, *arguments)
        for piece in pieces:
            assert piece in said

    @pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
    def test_a_bad_last_row_leaves_nothing_behind(self, suffix: str) -> None:
        rows = np.random.default_rng(0).dirichlet(np.ones(4), 20_000)
        rows[-1, 2] = np.nan
        if suffix == "npy":
            table("x.npy", rows)
        else:
            columns = pa.table({name: rows[:, i] for i, name in enumerate("abcd")})
            pq.write_table(columns, "x.parquet") if suffix == "parquet" else pyarrow.csv.write_csv(columns, "x.csv")
        said = refused(3, "entropy", f"x.{suffix}", "--per-row", "rows.csv", "--reduction", "none")
        assert "row 19999" in said
        assert sorted(path.name for path in Path().iterdir()) == ["examples", f"x.{suffix}"]


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "pieces"),
        [
            (("entrpy", PREDS), ('no command "entrpy"', 'did you mean "entropy"')),
            (("sofmax", PREDS), ('did you mean "softmax"',)),
            ((*CE, "--reductoin", "sum"), ("no such option: --reductoin", "--reduction")),
            ((*CE, "--reduction", "men"), ('did you mean "mean"',)),
            ((*CE, "--format", "jason"), ('did you mean "json"',)),
            ((*CE, "-T", "hot"), ("is not a valid float",)),
            ((*CE, "-f", "table", "--digits", "-3"), ("--digits",)),
            ((*CE, "-j", "-1"), ("--threads",)),
            ((*CE, "--chunk-size", "lots"), ("--chunk-size",)),
            ((*CE, "--chunk-size", "0"), ("--chunk-size",)),
            (("softmax", PREDS, "more.csv"), ("unexpected extra argument",)),
            (("ce",), ("missing argument 'PREDS...",)),
            (("kl", DIGITS_A), ("kl takes 2 files or more, not 1",)),
            (("entropy", PREDS, "--label-smoothing", "0.1"), ("no such option: --label-smoothing",)),
            (("list", "-f", "xyz"), ("expected one of",)),
            (("--nonsense",), ("no such option: --nonsense",)),
        ],
        ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else None,
    )
    def test_is_status_2_with_a_hint(self, arguments: tuple[str, ...], pieces: tuple[str, ...]) -> None:
        said = refused(2, *arguments)
        for piece in pieces:
            assert piece in said

    def test_nothing_is_read_for_a_wrong_option(self) -> None:
        assert "--base" in refused(2, "entropy", "missing.csv", "--base", "1")


class TestOutputs:
    def test_an_input_is_never_written(self) -> None:
        write("x.csv", *GOOD_X)
        before = Path("x.csv").read_bytes()
        Path("link.csv").symlink_to("x.csv")
        for output in ("x.csv", "./x.csv", "link.csv"):
            assert "inputs are never written" in refused(2, "softmax", "x.csv", "-o", output)
            assert "inputs are never written" in refused(2, "entropy", "x.csv", "--per-row", output)
        assert Path("x.csv").read_bytes() == before

    def test_a_labels_column_is_an_input_too(self) -> None:
        write("y.csv", "k,label", *(f"{i},{i % 2}" for i in range(3)))
        write("x.csv", *GOOD_X)
        before = Path("y.csv").read_bytes()
        refused(2, "ce", "x.csv", "y.csv:label", "-o", "y.csv")
        assert Path("y.csv").read_bytes() == before

    def test_a_weights_file_is_an_input_too(self) -> None:
        write("w.csv", "weight", "3", "1", "2")
        before = Path("w.csv").read_bytes()
        refused(2, *CE, "--class-weight", "w.csv", "-o", "w.csv")
        assert Path("w.csv").read_bytes() == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_cannot_be_written(self) -> None:
        Path("locked").mkdir(mode=0o500)
        assert "no permission" in refused(5, *CE, "-o", "locked/out.json")

    @pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder in which nobody may write")
    @pytest.mark.parametrize("option", ["-o", "--per-row"])
    def test_a_folder_that_takes_no_files(self, option: str) -> None:
        assert "/proc/out.csv: " in refused(5, *CE, option, "/proc/out.csv")

    @pytest.mark.parametrize("option", ["-o", "--per-row"])
    def test_a_folder_that_is_not_there(self, option: str) -> None:
        assert "does not exist" in refused(5, *CE, option, "nowhere/out.csv")

    def test_a_file_as_folder(self) -> None:
        refused(5, *CE, "-o", f"{write('x.csv', *GOOD_X)}/out.csv")

    def test_an_old_file_stands_until_the_new_one_is_whole(self) -> None:
        write("out.csv", "old")
        write("x.csv", *GOOD_X, "1.5,oops")
        refused(3, "softmax", "x.csv", "-o", "out.csv")
        assert Path("out.csv").read_text(encoding="utf-8") == "old\n"

    def test_a_device(self) -> None:
        assert good(*CE, "-f", "json", "-o", "/dev/null") == ""

    def test_one_file_for_two_outputs(self) -> None:
        assert "the same file" in refused(2, *CE, "-o", "out.csv", "--per-row", "./out.csv")


# How it ends


def started(*arguments: str, **more: Any) -> subprocess.Popen[bytes]:
    """The program in the background; interrupts reach it even where the tests themselves ignore them."""
    script = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    temporary = Path("temporary")
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", script, PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(TMPDIR=str(temporary.absolute())), **more,
    )  # fmt: skip


def until(there: Callable[[], object]) -> None:
    """Wait for something to be there."""
    for _ in range(3000):
        if there():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def ended(child: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Status and what was printed, with every pipe closed."""
    if child.stdin:
        child.stdin.close()
        child.stdin = None
    out, said = child.communicate(timeout=60)
    return child.returncode, out, said


@pytest.fixture
def endless() -> Iterator[str]:
    """Logits enough for minutes of work that take no room on the disk."""
    rows = np.lib.format.open_memmap("endless.npy", mode="w+", dtype=np.float32, shape=(2_000_000, 100))
    del rows
    yield "endless.npy"
    Path("endless.npy").unlink()


SIGNALS = pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)


class TestEndings:
    @pytest.mark.parametrize("form", ["tsv", "json", "table", "md"])
    def test_a_closed_pipe_is_quiet(self, form: str) -> None:
        child = started("softmax", DIGITS_A, "-f", form)
        assert child.stdout
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr
        said = child.stderr.read()
        child.stderr.close()
        assert (child.wait(60), said) == (0, b"")

    def test_head_in_a_shell(self) -> None:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; '{PROGRAM}' ce {DIGITS_A} {DIGITS_LABELS} --reduction none | head -1"],
            env=environment(), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1

    @SIGNALS
    def test_a_signal_leaves_no_output(self, endless: str, sent: int, status: int) -> None:
        Path("out").mkdir()
        child = started("softmax", endless, "--given", "logits", "-o", "out/rows.csv")
        until(lambda: any(Path("out").iterdir()))
        child.send_signal(sent)
        assert ended(child) == (status, b"", b"")
        assert list(Path("out").iterdir()) == []
        assert list(Path("temporary").iterdir()) == []

    @SIGNALS
    def test_a_signal_leaves_no_copy_of_standard_input(self, sent: int, status: int) -> None:
        child = started("entropy", "-", stdin=subprocess.PIPE)
        until(lambda: any(Path("temporary").glob("divtool-*")))
        child.send_signal(sent)
        code, out, said = ended(child)
        assert (code, out, said) == (status, b"", b"")
        assert list(Path("temporary").iterdir()) == []

    def test_a_good_run_leaves_nothing(self) -> None:
        child = started("ce", "-", LABELS, stdin=subprocess.PIPE)
        out, said = child.communicate(Path(PREDS).read_bytes(), timeout=60)
        assert (child.returncode, said) == (0, b"")
        assert out
        assert list(Path("temporary").iterdir()) == []


# Text from data


HOSTILE = "\x1b[31mred\x1b]8;;x\x07\x9b1m \u202eltr [bold]b[/bold] :smile: \u200b"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class TestHostileText:
    def hostile(self) -> str:
        name = 'x"' + HOSTILE.replace("/", "_") + ".csv"
        return write(name, f'id,"{HOSTILE}",b', "u,0.5,1.5", f'"{HOSTILE}",2.5,0.5')

    def test_in_a_table(self) -> None:
        text = good("entropy", self.hostile(), "-f", "table")
        assert not UNSEEN.search(text)
        for piece in (r"\x1b[31m", "[bold]b"):
            assert piece in text

    def test_in_a_table_on_a_terminal(self) -> None:
        text = on_terminal("entropy", self.hostile(), COLUMNS="250")
        assert not UNSEEN.search(re.sub("\x1b\\[[0-9;]*m|\r", "", text))
        assert "\x1b[31m" not in text

    def test_in_rows(self) -> None:
        text = good("entropy", self.hostile(), "--reduction", "none", "-f", "table")
        assert not UNSEEN.search(text)
        assert r"\x1b" in text

    def test_in_errors(self) -> None:
        for status, arguments in (
            (3, ("entropy", "no" + HOSTILE)),
            (2, ("no" + HOSTILE,)),
            (2, (*CE, f"--reduction={HOSTILE}")),
            (3, ("entropy", self.hostile(), "--columns", HOSTILE[1:])),
            (2, ("entropy", PREDS, "--no" + HOSTILE)),
        ):
            assert not UNSEEN.search(refused(status, *arguments))

    @pytest.mark.parametrize("form", ["json", "jsonl"])
    def test_in_json_it_is_escaped_and_kept(self, form: str) -> None:
        """Parsers read back what stood in the file, and a terminal that shows the text is not steered by it."""
        reduction = ["--reduction", "none"] if form == "jsonl" else []
        text = good("entropy", self.hostile(), "-f", form, *reduction)
        assert not UNSEEN.search(text)
        if form == "json":
            assert HOSTILE in strict(text)["inputs"]["p"]["class_names"]
        else:
            assert strict(text.splitlines()[1])["id"] == HOSTILE


# JSON


# What has names of its own below it, not those of the schema.
FREE = ("settings", "inputs", "results[].quantiles", "results[].parameters", "rows[]", "x", "y", "target")


def keys_of(thing: Any, path: str = "") -> Iterator[str]:
    """Every key as docs/json.md names it: ``results[].denominator.name``."""
    # A group's entry is a result over some of the rows.
    path = "results" if path == "groups" else path
    if isinstance(thing, list):
        for each in thing:
            yield from keys_of(each, path + "[]")
    elif isinstance(thing, dict):
        free = path in FREE
        for name, each in thing.items():
            here = f"{path}.{name}" if path else name
            here = f"{path}.*" if free else here
            yield here
            yield from keys_of(each, here)


DOCUMENTED = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "json.md").read_text(encoding="utf-8"), re.MULTILINE))


class TestJson:
    RUNS = (
        CE,
        (*CE, "--class-weight", "setosa=1,versicolor=2,virginica=3", "--label-smoothing", "0.1", "--per-row", "r.csv"),
        ("kl", DIGITS_A, DIGITS_B, "-T", "2", "--base", "2"),
        ("ce", WINE, "--label-col", "cultivar", "--reduction", "sum"),
        ("entropy", WINE),
        ("ce", "wide.npy", "y.npy"),
        (*CE, "--reduction", "none"),
        (*CE, "--worst", "2"),
        ("ce", DIGITS_A, DIGITS_B, DIGITS_LABELS, "--by", "label", "--worst", "2", "--fail-if", "mean>100"),
        ("joint", ADMISSIONS, "gender", "admitted", "--counts", "applicants"),
        ("mi", ADMISSIONS, "--target", "admitted", "--counts", "applicants", "--permutations", "9"),
        ("mi", ADMISSIONS, "--matrix", "--counts", "applicants"),
        ("mi", ADMISSIONS, "--together", "--counts", "applicants"),
        ("fit", WORMS),
        ("calibration", DIGITS_A, DIGITS_LABELS, "--fail-if", "ece>1"),
        ("temperature", DIGITS_A, DIGITS_LABELS),
        ("matrix", DIGITS_A, DIGITS_B),
    )

    @pytest.mark.parametrize("arguments", RUNS, ids=lambda arguments: " ".join(arguments[:1]))
    def test_parses_strictly_and_is_documented(self, arguments: tuple[str, ...]) -> None:
        self.infinite()
        done = run(*arguments, "-f", "json")
        assert done.returncode == 0
        said = strict(done.stdout)
        assert said["schema"] == "divtool/1"
        assert set(keys_of(said)) <= DOCUMENTED

    def infinite(self) -> None:
        table("wide.npy", [[-np.inf, 1.5], [0.5, 0.25], [0.5, -0.25]])
        table("y.npy", [0, 1, -100])

    def test_every_documented_key_is_printed(self) -> None:
        self.infinite()
        np.save("cube.npy", np.arange(24.0).reshape(2, 3, 4) + 0.5)
        found = set(keys_of(strict(run("entropy", "cube.npy", "--class-axis", "1", "-f", "json").stdout)))
        Path("packed.csv.gz").write_bytes(gzip.compress(b"a,b\n0.5,0.5\n"))
        for arguments in (*self.RUNS, ("entropy", "packed.csv.gz")):
            found |= set(keys_of(strict(run(*arguments, "-f", "json").stdout)))
        assert found >= DOCUMENTED

    def test_infinities_are_words(self) -> None:
        self.infinite()
        one = document("ce", "wide.npy", "y.npy")["results"][0]
        assert (one["value"], one["max"], one["infinite"], one["first_infinite"]) == ("Infinity", "Infinity", 1, [0])
        assert isinstance(one["finite_mean"], float)
        assert good("ce", "wide.npy", "y.npy", "-q") == "inf\n"

    def test_lines_hold_the_same_results(self) -> None:
        (line,) = good(*CE, "-f", "jsonl").splitlines()
        whole = document(*CE)
        head = {name: whole[name] for name in ("schema", "divtool", "command", "kernels")}
        assert strict(line) == head | whole["results"][0]

    def test_doubles_read_back(self) -> None:
        values = document("kl", DIGITS_A, DIGITS_B)["results"][0]
        cells = good("kl", DIGITS_A, DIGITS_B, "-f", "csv").splitlines()[1].split(",")
        assert float(cells[1]) == values["value"]


# Start-up


HEAVY = ("numpy", "pandas", "pyarrow", "rich", "pydantic")
NOT_FOR_ARRAYS = ("pandas", "pyarrow", "rich", "pydantic")


def modules_of(*arguments: str) -> set[str]:
    """The top-level modules that a run loads."""
    script = (
        "import atexit, sys; from divtool.__main__ import main; sys.argv = ['divtool', *sys.argv[1:]]; "
        "atexit.register(lambda: print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


class TestStartUp:
    @pytest.mark.parametrize("arguments", [("--help",), ("ce", "a.npy", "b.npy")], ids=" ".join)
    def test_loads_little(self, arguments: tuple[str, ...]) -> None:
        table("a.npy", [[0.5, 1.5], [2.5, 0.5]])
        table("b.npy", [0, 1])
        unwanted = HEAVY if arguments == ("--help",) else NOT_FOR_ARRAYS
        assert modules_of(*arguments).isdisjoint(unwanted)

    @pytest.mark.parametrize("form", ["json", "csv", "md", "html"])
    def test_machine_forms_load_little(self, form: str) -> None:
        table("a.npy", [[0.5, 1.5], [2.5, 0.5]])
        assert modules_of("entropy", "a.npy", "-f", form).isdisjoint(NOT_FOR_ARRAYS)

    def test_parquet_loads_no_pandas(self) -> None:
        table("a.npy", [[0.5, 1.5], [2.5, 0.5]])
        assert modules_of("entropy", "a.npy", "-o", "a.parquet").isdisjoint({"pandas", "rich", "pydantic"})

    def test_csv_loads_no_pandas(self) -> None:
        assert modules_of(*CE).isdisjoint({"pandas", "pydantic", "rich"})


# The same bytes


class TestSameBytes:
    @pytest.fixture
    def large(self) -> list[str]:
        """Logits of several parts, and labels."""
        numbers = np.random.default_rng(3)
        x = (4.0 * numbers.standard_normal((60_000, 25))).astype(np.float32)
        return [table("x.npy", x), table("y.npy", numbers.integers(0, 25, 60_000))]

    @pytest.mark.parametrize("verb", ["ce", "kl", "entropy"])
    def test_for_any_number_of_threads(self, large: list[str], verb: str) -> None:
        x, y = large
        operands = {"ce": [x, y], "kl": [x, table("z.npy", np.load(x)[::-1])], "entropy": [x]}[verb]
        one, *others = (good(verb, *operands, "-f", "json", "-j", threads) for threads in ("1", "2", "8"))
        assert all(other == one for other in others)
        assert good(verb, *operands, "-f", "json", "-j", "2", "--chunk-size", "100kB") == one

    def test_for_rows(self, large: list[str]) -> None:
        for threads in ("1", "2", "8"):
            good("ce", *large, "-q", "-j", threads, "--per-row", f"rows{threads}.npy")
        first = Path("rows1.npy").read_bytes()
        assert all(Path(f"rows{threads}.npy").read_bytes() == first for threads in ("2", "8"))

    def test_kernels_are_named(self) -> None:
        assert document(*CE)["kernels"] in ("c", "numpy")
        assert strict(good(*CE, "-f", "json", DIVTOOL_KERNELS="numpy"))["kernels"] == "numpy"
