"""Joint counts of whole files: the same for any chunks, threads and format, and those of pandas."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from divtool.accumulators.joint import JointCounts
from divtool.engine import binning
from divtool.engine.binning import find_bins
from divtool.engine.counting import Variable, count_outcomes
from divtool.errors import InputError, ResourceError
from divtool.formats.memory import open_object
from divtool.formats.opening import open_source
from divtool.formats.source import Source
from divtool.meaning.bins import parse_rule

ROWS = 240
NAMES = ("colour", "size", "flag", "whole", "weight", "part")
Cells = dict[tuple[str | None, ...], int]


def frame(rows: int = ROWS) -> pd.DataFrame:
    """Text and whole numbers, with gaps, and a float column whose numbers are whole."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "colour": rng.choice(["red", "green", "blue", "ünïcode, quoted"], rows),
            "size": pd.array(rng.integers(-3, 15, rows), "Int64"),
            "flag": rng.choice(["no", "yes"], rows),
            "whole": rng.integers(0, 4, rows) + 0.0,
            "weight": rng.integers(0, 5, rows),
            "part": np.arange(rows) // 50,
        }
    )
    table.loc[rng.random(rows) < 0.1, "colour"] = None
    table.loc[rng.random(rows) < 0.1, "size"] = pd.NA
    table.loc[rng.random(rows) < 0.1, "whole"] = np.nan
    return table


def cells(table: Any) -> Cells:
    """Names of outcomes -> count."""
    return {
        tuple(names[code] for names, code in zip(table.entries, cell, strict=True)): int(count)
        for cell, count in zip(table.cells.tolist(), table.counts.tolist(), strict=True)
    }


def expected(table: pd.DataFrame, names: tuple[str, ...]) -> Counter[tuple[str | None, ...]]:
    """The same by plain Python."""
    columns = [[None if pd.isna(x) else str(int(x)) if isinstance(x, float) else str(x) for x in table[name]]
               for name in names]  # fmt: skip
    return Counter(zip(*columns, strict=True))


def counted(
    source: Source, *names: str, threads: int = 1, chunk_bytes: int = 1 << 20, lag: int = 0, **options: Any
) -> JointCounts:
    variables = [
        Variable(source.header.names.index(name) if source.header.names else int(name), name) for name in names
    ]
    if lag:
        variables.append(Variable(variables[0].column, f"{names[0]} before", lag=lag))
    subsets = [(0,), tuple(range(len(variables)))]
    return count_outcomes(source, variables, subsets, threads=threads, chunk_bytes=chunk_bytes, **options)


def joint(*args: Any, **options: Any) -> Cells:
    counts = counted(*args, **options)
    return cells(counts.table(tuple(range(len(counts.names)))))


def save_csv(table: pd.DataFrame, folder: Path) -> str:
    table.to_csv(folder / "x.csv", index=False)
    return str(folder / "x.csv")


def save_jsonl(table: pd.DataFrame, folder: Path) -> str:
    table.to_json(folder / "x.jsonl", orient="records", lines=True)
    return str(folder / "x.jsonl")


def save_parquet(table: pd.DataFrame, folder: Path, *, coded: bool = False) -> str:
    own = pa.Table.from_pandas(table, preserve_index=False)
    if coded:
        own = own.set_column(0, "colour", own["colour"].combine_chunks().dictionary_encode())
    pq.write_table(own, folder / "x.parquet", row_group_size=60)
    return str(folder / "x.parquet")


def save_coded_parquet(table: pd.DataFrame, folder: Path) -> str:
    return save_parquet(table, folder, coded=True)


def save_arrow(table: pd.DataFrame, folder: Path) -> str:
    feather.write_feather(pa.Table.from_pandas(table, preserve_index=False), folder / "x.arrow", chunksize=37)
    return str(folder / "x.arrow")


def save_parts(table: pd.DataFrame, folder: Path) -> str:
    """A folder of parts, whose names hold one of the columns."""
    for number, part in table.groupby("part"):
        inner = folder / "parts" / f"part={number}"
        inner.mkdir(parents=True)
        part.drop(columns="part").to_csv(inner / "rows.csv", index=False)
    return str(folder / "parts")


Save = Callable[[pd.DataFrame, Path], str]
SAVES = (save_csv, save_jsonl, save_parquet, save_coded_parquet, save_arrow, save_parts)


@pytest.fixture(params=SAVES, ids=lambda save: save.__name__.removeprefix("save_"))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    return open_source(request.param(frame(), tmp_path))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files in many parts."""
    monkeypatch.setattr(binning, "_LEAST_PART", 1)


class TestEveryFormat:
    @pytest.mark.parametrize(("threads", "chunk_bytes"), [(1, 1 << 24), (1, 1), (2, 999), (8, 1), (8, 1 << 24)])
    def test_counts_are_the_plain_ones(self, source: Source, threads: int, chunk_bytes: int, small_parts: None) -> None:
        names = ("colour", "size", "whole", "part")
        assert joint(source, *names, threads=threads, chunk_bytes=chunk_bytes) == expected(frame(), names)

    def test_margins_are_those_of_crosstab(self, source: Source) -> None:
        table = pd.crosstab(frame()["colour"], frame()["flag"])
        counts = joint(source, "colour", "flag")
        assert {key: n for key, n in counts.items() if None not in key} == {
            (row, column): int(table.loc[row, column]) for row in table.index for column in table.columns
        }

    @pytest.mark.parametrize("lag", [1, 3, 240])
    def test_a_lag_is_a_shifted_copy(self, source: Source, lag: int, small_parts: None) -> None:
        table = frame()
        table["before"] = table["size"].shift(lag)
        known = table.iloc[lag:]
        for chunk_bytes in (200, 1 << 20):
            got = joint(source, "size", "colour", lag=lag, threads=2, chunk_bytes=chunk_bytes)
            assert got == expected(known, ("size", "colour", "before"))

    def test_rows_asked_for(self, source: Source, small_parts: None) -> None:
        part = frame().iloc[77:203]
        assert joint(source, "size", "flag", rows=(77, 203)) == expected(part, ("size", "flag"))
        shifted = part.assign(before=part["size"].shift(2)).iloc[2:]
        assert joint(source, "size", "flag", rows=(77, 203), lag=2) == expected(shifted, ("size", "flag", "before"))

    def test_weights(self, source: Source, small_parts: None) -> None:
        table = frame()
        counts = counted(source, "size", "colour", weights_column=NAMES.index("weight"))
        assert cells(counts.table((0, 1))) == expected(
            table.loc[table.index.repeat(table["weight"])], ("size", "colour")
        )
        assert (counts.rows, counts.cases) == (ROWS, int(table["weight"].sum()))

    def test_missing_values_are_refused_where_they_are_not_wanted(self, source: Source, small_parts: None) -> None:
        table = frame()
        first = int(np.argmax(table[["colour", "size"]].isna().any(axis=1)))
        with pytest.raises(InputError, match="the value is missing") as caught:
            counted(source, "size", "colour", refuse_missing=True, threads=8)
        assert caught.value.row == first
        assert caught.value.column == ("colour" if pd.isna(table["colour"][first]) else "size")
        assert joint(source, "flag", refuse_missing=True) == expected(table, ("flag",))

    def test_intervals(self, source: Source) -> None:
        table = frame()
        column = NAMES.index("size")
        bins = find_bins(source, {column: parse_rule("edges:0,10")}, threads=1, chunk_bytes=1 << 20)[column]
        counts = count_outcomes(
            source,
            [Variable(column, "size", bins), Variable(column, "size")],
            [(0,), (0, 1)],
            threads=2,
            chunk_bytes=999,
        )
        sizes = table["size"].dropna().astype(int)
        assert counts.entries(0) == ("below 0", "[0, 10)", "10 and above", None)
        assert counts.table((0,)).counts.tolist() == [
            int((sizes < 0).sum()), int(((sizes >= 0) & (sizes < 10)).sum()), int((sizes >= 10).sum()),
            int(table["size"].isna().sum()),
        ]  # fmt: skip

    def test_progress_ends_with_all_rows(self, source: Source, small_parts: None) -> None:
        seen: list[int] = []
        counted(source, "flag", progress=seen.append)
        assert seen == sorted(seen)
        assert seen[-1] == ROWS


class TestArrays:
    @pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float32, np.float64, np.bool_])
    def test_a_matrix_of_whole_numbers(self, dtype: Any, tmp_path: Path) -> None:
        values = np.random.default_rng(6).integers(0, 2, (300, 4)).astype(dtype)
        np.save(tmp_path / "x.npy", values)
        got = joint(open_source(str(tmp_path / "x.npy")), "0", "3", threads=2, chunk_bytes=100)
        assert got == Counter((str(int(a)), str(int(b))) for a, b in zip(values[:, 0], values[:, 3], strict=True))

    def test_labels(self) -> None:
        assert joint(open_object(np.array([3, 1, 3]), "y"), "0") == {("1",): 1, ("3",): 2}
        assert joint(open_object(np.array(["b", "a", "b", ""]), "y"), "0") == {("a",): 1, ("b",): 2, (None,): 1}

    def test_nan_is_a_missing_value(self) -> None:
        assert joint(open_object(np.array([[1.0], [np.nan], [-0.0]]), "x"), "0") == {("1",): 1, ("0",): 1, (None,): 1}

    def test_whole_numbers_keep_their_digits(self, tmp_path: Path) -> None:
        large = [2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
        assert joint(open_object(np.array(large), "x"), "0") == {(str(each),): 1 for each in large}
        assert joint(open_object(np.array([1e300, 5.0]), "x"), "0") == {(str(int(1e300)),): 1, ("5",): 1}
        pq.write_table(pa.table({"x": large}), tmp_path / "x.parquet")
        assert joint(open_source(str(tmp_path / "x.parquet")), "x") == {(str(each),): 1 for each in large}

    @pytest.mark.parametrize("bad", [0.5, np.inf, -np.inf])
    def test_a_fraction_is_refused_with_its_row(self, bad: float, small_parts: None) -> None:
        values = np.ones((200, 2))
        values[150, 1] = values[170, 0] = bad
        with pytest.raises(InputError, match="is a fraction") as caught:
            joint(open_object(values, "x"), "0", "1", threads=2, chunk_bytes=50)
        assert (caught.value.row, caught.value.column) == (150, "1")
        assert "--bins 10" in caught.value.hint


class TestText:
    def test_numbers_that_turn_out_to_be_fractions(self, tmp_path: Path) -> None:
        """The first rows said whole numbers."""
        (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 3000 + "1,2.5\n1.5,2\n")
        with pytest.raises(InputError, match=r"2\.5 is a fraction") as caught:
            joint(open_source(str(tmp_path / "x.csv")), "a", "b")
        assert (caught.value.row, caught.value.line, caught.value.column) == (3000, 3002, "b")
        assert "--columns '!b'" in caught.value.hint

    def test_how_a_whole_number_is_written(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n1,01\n1.0,1\n1e0,x\nnan,1\n,1\nNA,1\n")
        source = open_source(str(tmp_path / "x.csv"))
        assert joint(source, "a") == {("1",): 3, (None,): 2, ("NA",): 1}
        assert joint(source, "b") == {("01",): 1, ("1",): 4, ("x",): 1}
        (tmp_path / "y.csv").write_text("a\n" + "1\n" * 30 + '1.0\n1.\nnan\n""\nNA\n007\n')
        assert joint(open_source(str(tmp_path / "y.csv")), "a") == {("1",): 32, (None,): 2, ("NA",): 1, ("007",): 1}

    def test_empty_text_is_missing_in_every_format(self, tmp_path: Path) -> None:
        (tmp_path / "x.jsonl").write_text('{"a": "", "b": 1}\n{"a": null, "b": 2}\n{"a": "x"}\n')
        source = open_source(str(tmp_path / "x.jsonl"))
        assert joint(source, "a", "b") == {(None, "1"): 1, (None, "2"): 1, ("x", None): 1}
        pq.write_table(pa.table({"a": ["", None, "x"], "t": [True, None, False]}), tmp_path / "x.parquet")
        source = open_source(str(tmp_path / "x.parquet"))
        assert joint(source, "a", "t") == {(None, "true"): 1, (None, None): 1, ("x", "false"): 1}

    def test_the_first_bad_row_wins(self, tmp_path: Path, small_parts: None) -> None:
        (tmp_path / "x.csv").write_text("a,w\n" + "1,2\n" * 50 + "2.5,1\n1,-1\n" + "1,2\n" * 50 + "1,0.5\n")
        source = open_source(str(tmp_path / "x.csv"))
        for threads in (1, 8):
            with pytest.raises(InputError) as caught:
                joint(source, "a", weights_column=1, threads=threads, chunk_bytes=32)
            assert (caught.value.row, caught.value.column) == (50, "a")

    @pytest.mark.parametrize(
        ("weight", "said"),
        [
            ("-1", "no number of cases"),
            ("0.5", "no number of cases"),
            ("1e30", "too many"),
            ("", "is missing"),
        ],
    )
    def test_weights_are_whole_numbers(self, weight: str, said: str, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,w\nx,1.0\nx,2\ny," + weight + "\n")
        with pytest.raises(InputError, match=said) as caught:
            joint(open_source(str(tmp_path / "x.csv")), "a", weights_column=1)
        assert (caught.value.row, caught.value.column) == (2, "w")

    def test_no_row(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n")
        counts = counted(open_source(str(tmp_path / "x.csv")), "a", "b")
        assert (counts.rows, counts.table((0, 1)).counts.tolist()) == (0, [])

    def test_too_many_entries(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.accumulators.joint.MOST_ENTRIES", 100)
        (tmp_path / "x.csv").write_text("a,b\n" + "".join(f"n{i},1\n" for i in range(101)))
        with pytest.raises(ResourceError, match='"a" has more than 100 different entries'):
            counted(open_source(str(tmp_path / "x.csv")), "a", "b")


# Counts a file in a process that may have little memory more than it starts with.
_LIMITED = """
import json, resource, sys
from divtool.engine.counting import Variable, count_outcomes
from divtool.formats.opening import open_source
source = open_source(sys.argv[1])
variables = [Variable(i, source.header.name(i)) for i in range(source.header.width)]
def run(rows):
    return count_outcomes(source, variables, [(0, 1), (1, 2)], threads=2, chunk_bytes=1 << 20, rows=rows)
run((0, 200_000))
with open("/proc/self/statm") as file:
    held = int(file.read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (held + int(sys.argv[2]),) * 2)
counts = run(None)
print(json.dumps([counts.rows, counts.table((0, 1)).counts.tolist()]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does it")
def test_a_file_larger_than_its_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    block = rng.integers(0, 5, (50_000, 3))
    lines = "".join(f"name{a},{b},{c}\n" for a, b, c in block.tolist()).encode()
    spare, path = 40 << 20, tmp_path / "x.csv"
    times = spare // len(lines) + 10
    with open(path, "wb") as file:
        file.write(b"a,b,c\n")
        for _ in range(times):
            file.write(lines)
    assert path.stat().st_size > spare
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path), str(spare)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    rows, counts = json.loads(done.stdout)
    assert rows == times * len(block)
    plain = np.zeros((5, 5), np.int64)
    np.add.at(plain, (block[:, 0], block[:, 1]), times)
    assert counts == plain.reshape(-1).tolist()
