"""Where counting could go wrong in silence: numbers beyond doubles, spellings, long lags, odd names, signals."""

from __future__ import annotations

import csv
import io
import itertools
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nursery import Forked, Nursery

import divtool
from divtool.accumulators.joint import Coded
from divtool.cli.app import _Ending, _Signalled
from divtool.engine import binning
from divtool.engine.binning import parts_of
from divtool.engine.counting import Variable, count_outcomes
from divtool.engine.past import Past
from divtool.errors import InputError
from divtool.findings import JointResult
from divtool.formats.memory import open_object
from divtool.formats.opening import open_source
from divtool.formats.source import Block, Extent, Selection, Source
from divtool.formats.tab_cells import tab_cell
from divtool.meaning.outcomes import entry_of
from divtool.reports.records import delimited

LARGE = 2**53 + 1
MOST = 2**63 - 1


def counts_of(source: Source, weights: int | None = None) -> dict[str | None, int]:
    """Outcome of the first column -> cases."""
    counts = count_outcomes(source, [Variable(0, "a")], [(0,)], threads=2, chunk_bytes=1 << 20, weights_column=weights)
    table = counts.table((0,))
    return dict(zip(table.entries[0], map(int, table.counts), strict=True))


def saved(folder: Path, suffix: str, weights: list[int]) -> Source:
    table = pd.DataFrame({"a": [f"o{i}" for i in range(len(weights))], "n": weights})
    path = str(folder / f"x.{suffix}")
    if suffix == "csv":
        table.to_csv(path, index=False)
    elif suffix == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        pq.write_table(pa.Table.from_pandas(table), path)
    return open_source(path)


class TestWeights:
    @pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
    def test_no_case_is_lost(self, suffix: str, tmp_path: Path) -> None:
        weights = [10**13, LARGE, MOST, 0, MOST, 2**62]
        got = counts_of(saved(tmp_path, suffix, weights), 1)
        assert got == {f"o{i}": weight for i, weight in enumerate(weights) if weight}

    @pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
    def test_arrays(self, dtype: Any) -> None:
        weight = 2**53 if dtype is np.float64 else LARGE
        assert counts_of(open_object(np.array([[1, 2], [3, weight]], dtype), "x"), 1) == {"1": 2, "3": weight}

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_what_no_count_can_hold_is_refused(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"x.{suffix}"
        if suffix == "csv":
            path.write_text(f"a,n\nx,1\ny,{MOST + 1}\n")
        else:
            pq.write_table(pa.table({"a": ["x", "y"], "n": pa.array([1, MOST + 1], pa.uint64())}), path)
        with pytest.raises(
            InputError, match=f"{MOST + 1} cases are too many; expected a whole number from 0"
        ) as caught:
            counts_of(open_source(str(path)), 1)
        assert (caught.value.row, caught.value.column) == (1, "n")

    @pytest.mark.parametrize(
        ("text", "weight"),
        [
            ("7.0", 7),
            (" 7", 7),
            ("+7", 7),
            ("007", 7),
            ("7e0", 7),
            ("9.007199254740993e15", LARGE),
            (f"{LARGE}.0", LARGE),
        ],
    )
    def test_however_a_number_is_written(self, text: str, weight: int, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text(f"a,n\nx,1\ny,{text}\n")
        assert counts_of(open_source(str(tmp_path / "x.csv")), 1) == {"x": 1, "y": weight}

    @pytest.mark.parametrize("text", ["0x10", "-3", "1.5", "inf", "many", "1_0", "٣"])
    def test_no_number_of_cases(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,n\nx,1\nx,2\nx,2\n" + f"y,{text}\nz,-1\n", encoding="utf-8")
        with pytest.raises(InputError, match="is no number of cases") as caught:
            counts_of(open_source(str(tmp_path / "x.csv")), 1)
        assert caught.value.row == 3

    @pytest.mark.parametrize("text", ["", "nan"])
    def test_a_weight_is_missing(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text(f"a,n\nx,1\ny,{text}\nz,-1\n")
        with pytest.raises(InputError, match="the weight is missing") as caught:
            counts_of(open_source(str(tmp_path / "x.csv")), 1)
        assert caught.value.row == 1

    def test_truths_weigh_0_and_1(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"a": ["x", "y"], "n": [True, False]}), tmp_path / "x.parquet")
        assert counts_of(open_source(str(tmp_path / "x.parquet")), 1) == {"x": 1}


class TestSpellings:
    def test_text_is_as_stored_numbers_are(self, tmp_path: Path) -> None:
        cells = ["1", " 1", "+1", "1.0", "1e0", "1 ", "0", "-0", "-0.0", "+0", "-2", "-2.0"]
        (tmp_path / "x.csv").write_text("a,b\n" + "".join(f"{cell},z\n" for cell in cells))
        pq.write_table(pa.table({"a": [float(cell) for cell in cells]}), tmp_path / "x.parquet")
        for suffix in ("csv", "parquet"):
            assert counts_of(open_source(str(tmp_path / f"x.{suffix}"))) == {"-2": 2, "0": 4, "1": 6}

    def test_codes_keep_their_zeros(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n01,z\n1,z\n001,z\n00,z\n0,z\n")
        assert counts_of(open_source(str(tmp_path / "x.csv"))) == dict.fromkeys(("0", "00", "001", "01", "1"), 1)

    def test_text_is_not_trimmed(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text('a,b\nred,z\n" red",z\nblue,z\n+1,z\n')
        assert counts_of(open_source(str(tmp_path / "x.csv"))) == {"red": 1, " red": 1, "blue": 1, "+1": 1}

    @given(st.integers(-(10**30), 10**30))
    def test_no_digit_is_lost(self, number: int) -> None:
        digits = f"{abs(number)}"
        power = f"{'-' * (number < 0)}{digits[0]}.{digits[1:]}e{len(digits) - 1}"
        for text in (f"{number}", f" {number} ", f"{number:+}", f"{number}.00", power):
            assert entry_of(text) == str(number)


class TestLabels:
    def joined(self, folder: Path, suffix: str, cells: list[Any], **options: Any) -> JointResult:
        x, y = str(folder / "x.csv"), str(folder / f"y.{suffix}")
        Path(x).write_text("id,k\n" + "".join(f"u{i},{'ab'[i % 2]}\n" for i in range(len(cells))))
        ids = [f"u{i}" for i in range(len(cells))]
        if suffix == "csv":
            Path(y).write_text("id,k\n" + "".join(f"{id},{cell}\n" for id, cell in zip(ids, cells, strict=True)))
        elif suffix == "parquet":
            pq.write_table(pa.table({"id": ids, "k": cells}), y)
        else:
            np.save(y, np.array(cells, np.float64))
            np.save(x := str(folder / "x.npy"), np.arange(len(cells)) % 2)
        return divtool.joint(x, y, **options)

    @pytest.mark.parametrize(
        ("suffix", "cells", "entries"),
        [
            ("csv", ["a", "", "NaN", "c", "d", "e"], ("NaN", "a", "c", "d", "e", None)),
            ("csv", ["1", "", "NaN", "c", "2", "3"], ("1", "2", "3", "c", None)),
            ("csv", ["1", "", "NaN", "1.0"], ("1", None)),
            ("csv", ["1e0", " 1", "+1", "2"], ("1", "2")),
            ("parquet", [1.0, None, float("nan"), 2.0], ("1", "2", None)),
            ("npy", [1.0, 2.0, float("nan"), 1.0], ("1", "2", None)),
        ],
    )
    def test_as_they_are_counted(
        self, suffix: str, cells: list[Any], entries: tuple[str | None, ...], tmp_path: Path
    ) -> None:
        found = self.joined(tmp_path, suffix, cells)
        assert found.cases == len(cells)
        assert found.variables[1].entries == entries
        source = open_source(str(tmp_path / f"y.{suffix}"))
        counts = count_outcomes(
            source, [Variable(source.header.width - 1, "k")], [(0,)], threads=1, chunk_bytes=1 << 20
        )
        assert counts.entries(0) == entries

    def test_nan_is_left_out(self, tmp_path: Path) -> None:
        found = self.joined(tmp_path, "npy", [1.0, 2.0, float("nan"), 1.0], missing="drop")
        assert (found.cases, found.variables[1].entries) == (3, ("1", "2"))

    def test_in_another_order(self, tmp_path: Path) -> None:
        x, y = tmp_path / "x.csv", tmp_path / "y.csv"
        x.write_text("id,k\nu1,1\nu2,nan\nu3,1.0\n")
        y.write_text("id,k\nu3,a\nu1,a\nu2,b\n")
        found = divtool.joint(str(x), str(y))
        assert {(each.x, each.y): each.count for each in found.cells} == {("1", "a"): 2.0, (None, "b"): 1.0}


class Seen:
    """A source that knows how many rows were asked of it."""

    def __init__(self, source: Source) -> None:
        self.source, self.header, self.rows = source, source.header, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        for block in self.source.blocks(extent, selection, block_bytes):
            self.rows += len(block)
            yield block


class TestLags:
    ROWS = 4000

    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
        monkeypatch.setattr(binning, "_LEAST_PART", 1)
        letters = np.random.default_rng(8).choice(list("uvw"), self.ROWS)
        pq.write_table(pa.table({"a": letters.tolist()}), tmp_path / "x.parquet", row_group_size=100)
        return Seen(open_source(str(tmp_path / "x.parquet")))

    @pytest.mark.parametrize("lag", [1, 30, 500, 3999])
    def test_rows_are_read_once_and_a_quarter(self, source: Seen, lag: int) -> None:
        variables = [Variable(0, "a"), Variable(0, "then", lag=lag), Variable(0, "near", lag=(lag + 1) // 2)]
        counts = count_outcomes(source, variables, [(0, 1, 2)], threads=1, chunk_bytes=1000)
        table = counts.table((0, 1, 2))
        got = {
            tuple(names[code] for names, code in zip(table.entries, cell, strict=True)): int(count)
            for cell, count in zip(table.cells.tolist(), table.counts.tolist(), strict=True)
        }
        letters = pq.read_table(source.header.path)["a"].to_pylist()
        assert got == Counter(zip(letters[lag:], letters, letters[lag - (lag + 1) // 2 :], strict=False))
        # A reader of row groups also gives those around the rows before a part.
        assert source.rows <= self.ROWS * 5 // 4 + 2 * 100 * (self.ROWS // max(100, 4 * lag))

    @pytest.mark.parametrize("rows", [None, (150, 1250)])
    def test_parts_are_no_shorter_than_asked(self, source: Seen, rows: tuple[int, int] | None) -> None:
        parts = [(each.first, each.stop) for each in parts_of(source, rows, 350)]
        first, stop = rows or (0, self.ROWS)
        assert (parts[0][0], parts[-1][1]) == (first, stop)
        assert all(end == begin for (_, end), (begin, _) in itertools.pairwise(parts))
        assert all(350 <= end - begin < 350 + 200 for begin, end in parts[:-1])

    @given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 9))
    def test_a_past_of_any_blocks(self, sizes: list[int], lag: int) -> None:
        letters = [chr(97 + (i * i) % 11) for i in range(sum(sizes))]
        past, at = Past(lag), 0
        for size in sizes:
            block = letters[at : at + size]
            entries = sorted(set(block))
            past.take(Coded(np.array([entries.index(each) for each in block], np.int64), entries))
            at += size
            for back in (1, lag):
                earlier = past.earlier(back, size)
                known = [i for i in range(size) if at - size + i - back >= 0]
                assert [earlier.entries[earlier.codes[i]] for i in known] == [
                    letters[at - size + i - back] for i in known
                ]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery({"TERM": "xterm", "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"})
    yield made
    made.close()


NAMES = ("a\x1b]8;;http://x\x07l", "b\x9b1m", "k\rl", "t\tb", '"q', 'r"s', "n\nl", "p\u2028q", "\\t", "é", "u\x85v")


class TestOddNames:
    @pytest.fixture(autouse=True)
    def at_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with open("odd.csv", "w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(NAMES)
            lines.writerows([[f"{name}{(i >> j % 3) % 2}" for j, name in enumerate(NAMES)] for i in range(8)])

    @given(st.text())
    def test_a_cell_loses_nothing(self, text: str) -> None:
        cell = tab_cell(text)
        assert not set('\t\n\r"\x0b\x0c\x1b\x85\u2028') & set(cell)
        assert len(cell.splitlines()) <= 1
        # What is not ASCII stands for itself, or is written as a number.
        ascii_ = "".join(each if ord(each) < 128 else f"\\U{ord(each):08x}" for each in cell)
        assert ascii_.encode().decode("unicode_escape") == text

    def test_reports(self, nursery: Nursery) -> None:
        done = self.good(nursery.run(["mi", "odd.csv", "--matrix", "-f", "tsv"]))
        lines = [line.split("\t") for line in done.stdout.split("\n")[:-1]]
        assert {len(line) for line in lines} == {len(lines[0])}
        assert {line[0] for line in lines[1:]} == set(map(tab_cell, NAMES))
        done = self.good(nursery.run(["mi", "odd.csv", "--matrix", "-f", "csv"]))
        assert {row["x"] for row in csv.DictReader(io.StringIO(done.stdout, newline=""))} == set(NAMES)

    @pytest.mark.parametrize("form", ["tsv", "csv", "md", "jsonl", "table"])
    def test_on_a_terminal(self, form: str, nursery: Nursery) -> None:
        for arguments in (["mi", "odd.csv", "--matrix", "-f", form], ["joint", "odd.csv", *NAMES[:2], "-f", form]):
            shown = self.good(nursery.on_terminal(arguments)).stdout
            assert not {"\x9b", "\x07", "\x85"} & set(shown)
            assert "\x1b]8" not in shown

    def test_cells(self, nursery: Nursery) -> None:
        for x, y in itertools.pairwise(NAMES):
            self.good(nursery.run(["joint", "odd.csv", x, y, "--cells", "out.tsv"]))
            text = Path("out.tsv").read_bytes().decode()
            lines = [line.split("\t") for line in text.split("\n")[:-1]]
            assert {len(line) for line in lines} == {6}
            assert {line[0] for line in lines[1:]} == {tab_cell(x + "0"), tab_cell(x + "1")}

    def good(self, done: Forked) -> Forked:
        assert (done.status, "error:" in done.stderr) == (0, False), done.stdout + done.stderr
        return done


def test_cells_of_csv_with_a_carriage_return() -> None:
    text = delimited([{"column": "a\rb", "gain": 0.5}], "csv")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["column", "gain"], ["a\rb", "0.5"]]
    assert text.endswith("0.5\n")
    assert text.count("\r") == 1


class TestSignals:
    def test_the_first_one_counts(self) -> None:
        ending = _Ending()
        with pytest.raises(_Signalled) as caught:
            ending(signal.SIGTERM, None)
        assert caught.value.number == signal.SIGTERM
        ending(signal.SIGINT, None)
        ending(signal.SIGTERM, None)
        with pytest.raises(KeyboardInterrupt):
            _Ending()(signal.SIGINT, None)

    def test_one_that_was_dropped_does_not(self, capsys: pytest.CaptureFixture[str]) -> None:
        ending = _Ending()
        with pytest.raises(KeyboardInterrupt):
            ending(signal.SIGINT, None)
        ending.lost(type("Lost", (), {"exc_type": KeyboardInterrupt})())
        with pytest.raises(_Signalled):
            ending(signal.SIGTERM, None)
        assert capsys.readouterr().err == ""

    def test_two_at_once_while_counting(self, tmp_path: Path) -> None:
        """The first interrupts a part, the second what waits for it."""
        script = (
            "import os, signal, time, divtool.engine.counting as counting; count, sent = counting._count, []\n"
            "def interrupted(job, extent):\n"
            "    for each in (signal.SIGINT, signal.SIGTERM) if not sent else ():\n"
            "        sent.append(each); os.kill(os.getpid(), each); time.sleep(0.1)\n"
            "    return count(job, extent)\n"
            "counting._count = interrupted\n"
            "from divtool.cli.app import main; main()\n"
        )
        (tmp_path / "x.csv").write_text("a,b\n" + "u,v\nw,v\n" * 300_000)
        done = subprocess.run(
            [sys.executable, "-c", script, "mi", str(tmp_path / "x.csv"), "--target", "b", "-j", "2"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr.strip()) == (128 + signal.SIGINT, "", "")
