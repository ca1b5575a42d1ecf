"""Readers and writers: every double survives, rows can be cut anywhere, and what is wrong is refused by its place."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import pickle
import zipfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formats_fixture import FORMATS, PARQUET, TableFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from divtool import api
from divtool.errors import DivtoolError, InputError, OutputError, UsageError
from divtool.formats.atomic import check_output, whole_file
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.memory import open_object
from divtool.formats.opening import READABLE as KNOWN
from divtool.formats.opening import open_source
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Extent, Selection, Source, Ways
from divtool.formats.writing import row_file, row_format
from divtool.options import Reading, fields_of

READABLE = tuple(known.name for known in KNOWN)
NAMES = ("cat", "dog, small", 'a "cow"')
HARD = [
    0.1, 1 / 3, 2 / 3, -0.1234567890123456, 1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308,
    5e-324, -5e-324, 2.5e-310, 123456789012345.67, 1e22, 1e23, 9007199254740993.0, 4.35, 0.0, -0.0, np.inf, -np.inf,
    6.02214076e23, 1e-7, 100.0, 1e16,
]  # fmt: skip


def hard_numbers() -> np.ndarray:
    """Doubles that poor printing or parsing loses, three columns of them."""
    bits = np.random.default_rng(5).integers(0, 2**64, 300, dtype=np.uint64).view(np.float64)
    values = np.concatenate([HARD, bits[np.isfinite(bits)]])
    return values[: values.size // 3 * 3].reshape(-1, 3)


def same_bits(got: np.ndarray, expected: np.ndarray) -> bool:
    return got.shape == expected.shape and got.astype(np.float64).tobytes() == expected.astype(np.float64).tobytes()


def select(source: Source, *keys: str) -> Selection:
    """Every column that is no key, and those keys."""
    found = tuple(source.header.find(name) for name in keys)
    assert None not in found
    return Selection(tuple(i for i in range(source.header.width) if i not in found), found)  # type: ignore[arg-type]


def rows_of(
    source: Source, selection: Selection, *, extents: Iterable[Extent] | None = None, block_bytes: int = 1 << 20
) -> tuple[np.ndarray, list[list[str]]]:
    """All rows of some extents (of the whole source), which must come in order and without a gap."""
    matrices, keys = [np.empty((0, len(selection.matrix)))], [[] for _ in selection.keys]  # type: ignore[var-annotated]
    for extent in source.extents(1 << 16) if extents is None else extents:
        row = extent.first
        for block in source.blocks(extent, selection, block_bytes):
            assert block.first == row
            row += len(block)
            matrices.append(block.matrix)
            for texts, key in zip(keys, block.keys, strict=True):
                texts += [key.text(i) for i in range(len(key))]
        assert row == extent.stop
    return np.concatenate(matrices), keys


def numbers_of(path: str | Path, **options: Any) -> np.ndarray:
    source = open_source(str(path), Ways(**options))
    return rows_of(source, select(source))[0]


def file(tmp_path: Path, content: str | bytes, name: str = "table.csv") -> str:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def refusal(action: Any, *args: Any, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        action(*args, **options)
    return caught.value


class TestEveryFormat:
    def test_doubles_survive(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = hard_numbers()
        path = table_format.write(tmp_path / "x", numbers, names=NAMES)
        assert same_bits(numbers_of(path), numbers)

    def test_header(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = hard_numbers()
        source = open_source(table_format.write(tmp_path / "x", numbers, names=NAMES))
        assert source.header.format == table_format.name
        assert source.header.names == (NAMES if table_format.holds_names else None)
        assert list(source.header.types) == [FLOAT] * 3
        assert source.header.rows in (None, len(numbers))
        assert source.count() == len(numbers)

    def test_columns_in_the_order_asked_for(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = hard_numbers()
        source = open_source(table_format.write(tmp_path / "x", numbers, names=NAMES))
        assert same_bits(rows_of(source, Selection((2, 0)))[0], numbers[:, [2, 0]])

    def test_blocks_are_rows_one_after_the_other_in_memory(self, table_format: TableFormat, tmp_path: Path) -> None:
        source = open_source(table_format.write(tmp_path / "x", hard_numbers(), names=NAMES))
        for selection in (Selection((0, 1, 2)), Selection((2, 1)), Selection(range(3))):
            for block in source.blocks(source.locate(0, 50), selection, 100):
                assert block.matrix.flags.c_contiguous

    def test_ids_and_labels_stay_text(self, table_format: TableFormat, tmp_path: Path) -> None:
        if not table_format.holds_names:
            pytest.skip("holds numbers alone")
        ids, labels = ["001", "a1", "é,1", ' "x" '], ["dog", "cat", "", "dog"]
        path = table_format.write(tmp_path / "x", np.ones((4, 3)), names=NAMES, ids=ids, labels=labels)
        source = open_source(path)
        assert [source.header.types[i] for i in (0, 4)] == [TEXT, TEXT]
        assert rows_of(source, select(source, "label", "id"))[1] == [labels, ids]

    def test_large_integers_stay_what_they_are(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = np.array([[2**53 + 1, 0], [-(2**63), 1]])
        source = open_source(table_format.write(tmp_path / "x", numbers, names=["key", "x"]))
        assert rows_of(source, Selection((), (0,)))[1] == [[str(2**53 + 1), str(-(2**63))]]

    def test_unsigned_integers_do_not_wrap(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = np.array([[2**64 - 100], [3]], np.uint64)
        source = open_source(table_format.write(tmp_path / "x", numbers, names=["label"]))
        assert rows_of(source, Selection((), (0,)))[1] == [[str(2**64 - 100), "3"]]

    def test_single_column(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = np.array([[0.5], [0.25]])
        assert same_bits(numbers_of(table_format.write(tmp_path / "x", numbers, names=["only"])), numbers)

    def test_no_rows(self, table_format: TableFormat, tmp_path: Path) -> None:
        if table_format.name == "jsonl":
            pytest.skip("a file without lines says nothing of columns")
        source = open_source(table_format.write(tmp_path / "x", np.empty((0, 3)), names=NAMES))
        assert source.count() == 0
        assert rows_of(source, Selection((0, 1, 2)))[0].shape == (0, 3)
        assert source.locate(0, 10).stop == 0

    def test_sources_travel_as_path_and_options(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = hard_numbers()
        source = open_source(table_format.write(tmp_path / "x", numbers, names=NAMES))
        list(source.extents(100))
        state = pickle.dumps(source)
        copy = pickle.loads(state)
        assert same_bits(rows_of(copy, select(copy))[0], numbers)
        assert copy.header == source.header

    def test_a_file_that_changes_is_refused(self, table_format: TableFormat, tmp_path: Path) -> None:
        path = table_format.write(tmp_path / "x", np.ones((4, 3)), names=NAMES)
        source = open_source(path)
        source.check_unchanged()
        with open(path, "ab") as stream:
            stream.write(b"\n")
        assert "changed while it was read" in str(refusal(source.check_unchanged))

    def test_a_file_that_is_replaced_is_refused(self, table_format: TableFormat, tmp_path: Path) -> None:
        path = table_format.write(tmp_path / "x", np.ones((4, 3)), names=NAMES)
        times = os.stat(path)
        source = open_source(path)
        os.replace(table_format.write(tmp_path / "y", np.zeros((4, 3)), names=NAMES), path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert refusal(source.check_unchanged).hint

    def test_a_change_in_the_middle_of_a_run_is_refused(self, table_format: TableFormat, tmp_path: Path) -> None:
        path = table_format.write(tmp_path / "x", np.array([[1.5, -1.5, 0.25]] * 50), names=NAMES)

        def touch(rows: int, total: int | None) -> None:
            os.utime(path, ns=(1, 1))

        with pytest.raises(InputError, match="changed while it was read"):
            api.run(api.declared("entropy"), [path], {}, progress=touch)

    def test_a_file_that_vanishes_is_refused(self, table_format: TableFormat, tmp_path: Path) -> None:
        path = table_format.write(tmp_path / "x", np.ones((4, 3)), names=NAMES)
        source = open_source(path)
        os.unlink(path)
        assert refusal(source.check_unchanged).path == source.header.path

    def test_the_suffix_decides_nothing(self, table_format: TableFormat, tmp_path: Path) -> None:
        numbers = hard_numbers()
        path = table_format.write(tmp_path / "x", numbers, names=NAMES)
        os.rename(path, tmp_path / "x.dat")
        assert same_bits(numbers_of(tmp_path / "x.dat"), numbers)


ROWS = 150


class SplitTable:
    """A file with many joints, and the rows that it holds."""

    def __init__(self, path: str, numbers: np.ndarray, ids: list[str] | None) -> None:
        self.path, self.source, self.numbers, self.ids = path, open_source(path), numbers, ids

    @property
    def selection(self) -> Selection:
        return select(self.source, "id") if self.ids else select(self.source)

    def check(self, extents: Iterable[Extent], block_bytes: int, first: int = 0, stop: int = ROWS) -> None:
        got, keys = rows_of(self.source, self.selection, extents=extents, block_bytes=block_bytes)
        assert same_bits(got, self.numbers[first:stop])
        assert keys == ([self.ids[first:stop]] if self.ids else [])


@pytest.fixture(scope="module")
def small_strides() -> Iterator[None]:
    """Marks every 64 bytes instead of every 64 KiB, scans of 256 bytes: a small file then has many of both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("divtool.formats.lines.STRIDE", 64)
        patch.setattr("divtool.formats.lines._READ", 256)
        patch.setattr("divtool.formats.slices.SAMPLE", 64)
        patch.setattr("divtool.formats.slices.ROWS", 1)
        yield


def many_rows() -> np.ndarray:
    return np.random.default_rng(6).standard_normal((ROWS, 3)) * 10.0 ** np.arange(ROWS)[:, None] ** 0.5


@pytest.fixture(scope="module")
def split_table(table_format: TableFormat, small_strides: None, tmp_path_factory: pytest.TempPathFactory) -> SplitTable:
    numbers = many_rows()
    ids = [f"row {i}" for i in range(ROWS)] if table_format.holds_names else None
    path = table_format.write(tmp_path_factory.mktemp("split") / "x", numbers, names=NAMES, ids=ids)
    if table_format is PARQUET:
        pq.write_table(pq.read_table(path), path, row_group_size=37)
    return SplitTable(path, numbers, ids)


@pytest.fixture(scope="module", params=["\n", "\r\n"], ids=["lf", "crlf"])
def quoted_table(
    request: pytest.FixtureRequest, small_strides: None, tmp_path_factory: pytest.TempPathFactory
) -> SplitTable:
    """Ids that hold newlines, delimiters and quotation marks, some of them longer than a stride."""
    numbers = many_rows()
    ids = [f'say "{i}",{"{"}\n{"}"}' * (i % 7) + f"{i}" for i in range(ROWS)]
    path = tmp_path_factory.mktemp("quoted") / "x.csv"
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator=request.param)
        writer.writerow(["id", *NAMES])
        writer.writerows([name, *row] for name, row in zip(ids, numbers.tolist(), strict=True))
    return SplitTable(str(path), numbers, ids)


few_examples = settings(max_examples=12)
CUTS = st.lists(st.integers(0, ROWS), max_size=8).map(lambda cuts: sorted({0, *cuts, ROWS}))
SIZES = st.one_of(st.integers(1, 300), st.integers(1, 100_000))


class TestCutting:
    """Extents, located rows and blocks of any size hold the same rows."""

    @few_examples
    @given(target_bytes=SIZES, block_bytes=SIZES)
    def test_extents(self, split_table: SplitTable, target_bytes: int, block_bytes: int) -> None:
        extents = list(split_table.source.extents(target_bytes))
        assert [each.first for each in extents] == [0, *(each.stop for each in extents[:-1])]
        split_table.check(extents, block_bytes)

    @few_examples
    @given(cuts=CUTS, block_bytes=SIZES)
    def test_located_rows(self, split_table: SplitTable, cuts: list[int], block_bytes: int) -> None:
        located = [split_table.source.locate(*pair) for pair in pairwise(cuts)]
        split_table.check(located, block_bytes)

    @given(first=st.integers(0, ROWS), length=st.integers(0, ROWS))
    def test_rows_from_anywhere(self, split_table: SplitTable, first: int, length: int) -> None:
        extent = split_table.source.locate(first, first + length)
        assert (extent.first, extent.stop) == (first, min(first + length, ROWS))
        split_table.check([extent], 500, first, extent.stop)

    @few_examples
    @given(target_bytes=SIZES, block_bytes=SIZES, cuts=CUTS)
    def test_quoted_newlines(
        self, quoted_table: SplitTable, target_bytes: int, block_bytes: int, cuts: list[int]
    ) -> None:
        quoted_table.check(quoted_table.source.extents(target_bytes), block_bytes)
        located = [quoted_table.source.locate(*pair) for pair in pairwise(cuts)]
        quoted_table.check(located, block_bytes)

    def test_lines_of_rows_among_quoted_newlines(self, quoted_table: SplitTable) -> None:
        assert quoted_table.ids is not None
        line = 2
        for row, name in enumerate(quoted_table.ids):
            assert quoted_table.source.place_of(row).line == line
            line += 1 + name.count("\n")

    def test_a_fresh_source_finds_late_rows_first(self, split_table: SplitTable) -> None:
        fresh = SplitTable(split_table.path, split_table.numbers, split_table.ids)
        fresh.check([fresh.source.locate(140, 145)], 1, 140, 145)
        fresh.check([fresh.source.locate(5, 9)], 1, 5, 9)


ODD_KEYS = ["plain", "with,comma", 'with "quotes"', "two\nlines", "tab\there", "", " spaces ", "é", "semi;colon", "#5"]


class TestWriters:
    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".parquet", ".pq"])
    def test_rows_read_back_to_the_last_bit(self, suffix: str, tmp_path: Path) -> None:
        numbers, path = hard_numbers(), str(tmp_path / f"x{suffix}")
        texts = [ODD_KEYS[i % len(ODD_KEYS)] for i in range(len(numbers))]
        with row_file(path, ["row", "id"], ["a", "b,c", "d"]) as writer:
            for start in range(0, len(numbers), 40):
                part = slice(start, min(start + 40, len(numbers)))
                rows = np.arange(part.start, part.stop, dtype=np.int64)
                writer.write([IntegerKeys(rows), text_keys(texts[part])], numbers[part])
        source = open_source(path)
        assert source.header.names == ("row", "id", "a", "b,c", "d")
        got, keys = rows_of(source, select(source, "row", "id"))
        assert same_bits(got, numbers)
        assert keys == [[str(i) for i in range(len(numbers))], texts]

    @pytest.mark.parametrize("single", [True, False])
    def test_arrays_read_back_to_the_last_bit(self, single: bool, tmp_path: Path) -> None:
        numbers, path = hard_numbers()[:, : 1 if single else 3], str(tmp_path / "x.npy")
        with row_file(path, ["row"], ["a", "b", "c"][: numbers.shape[1]], single=single) as writer:
            for start in range(0, len(numbers), 40):
                part = numbers[start : start + 40]
                writer.write([IntegerKeys(np.arange(len(part)))], part)
        loaded = np.load(path)
        assert loaded.shape == ((len(numbers),) if single else numbers.shape)
        assert same_bits(loaded.reshape(numbers.shape), numbers)
        assert same_bits(numbers_of(path), numbers)

    def test_json_lines_hold_every_bit(self, tmp_path: Path) -> None:
        numbers, path = hard_numbers(), tmp_path / "x.jsonl"
        with row_file(str(path), ["row", "id"], ["a", "b", "c"]) as writer:
            rows = np.arange(len(numbers))
            writer.write([IntegerKeys(rows), text_keys(["two\nlines é"] * len(numbers))], numbers)
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert same_bits(np.array([[float(line[name]) for name in "abc"] for line in lines]), numbers)
        assert lines[7]["row"] == 7
        assert lines[7]["id"] == "two\nlines é"

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".npy", ".jsonl"])
    def test_no_rows_make_a_whole_file(self, suffix: str, tmp_path: Path) -> None:
        path = str(tmp_path / f"x{suffix}")
        with row_file(path, ["row"], ["a", "b"]):
            pass
        if suffix == ".jsonl":
            assert os.path.getsize(path) == 0
        else:
            assert open_source(path).count() == 0

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".npy", ".jsonl"])
    def test_values_that_are_no_numbers(self, suffix: str, tmp_path: Path) -> None:
        """An ignored row has NaN in its place."""
        path = tmp_path / f"x{suffix}"
        with row_file(str(path), ["row"], ["a", "b"]) as writer:
            writer.write([IntegerKeys(np.arange(2))], np.array([[np.nan, 1.0], [np.inf, -np.inf]]))
        if suffix == ".jsonl":
            assert [json.loads(line)["a"] for line in path.read_text().splitlines()] == ["NaN", "Infinity"]
            return
        source = open_source(str(path))
        wanted = Selection(range(2) if suffix == ".npy" else (1, 2))
        assert np.array_equal(rows_of(source, wanted)[0], [[np.nan, 1.0], [np.inf, -np.inf]], equal_nan=True)

    def test_an_unknown_suffix_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"\.xlsx"):
            row_format("rows.xlsx")


TABLE = np.array([[0.25, 0.75], [0.5, 0.5]])
HABITS = {
    "plain": ("a,b\n0.25,0.75\n0.5,0.5\n", ("a", "b")),
    "no-newline-at-the-end": ("a,b\n0.25,0.75\n0.5,0.5", ("a", "b")),
    "blank-lines-at-the-end": ("a,b\n0.25,0.75\n0.5,0.5\n\n\n\n", ("a", "b")),
    "crlf": ("a,b\r\n0.25,0.75\r\n0.5,0.5\r\n", ("a", "b")),
    "crlf-blank-lines-at-the-end": ("a,b\r\n0.25,0.75\r\n0.5,0.5\r\n\r\n\r\n", ("a", "b")),
    "bom": ("\ufeffa,b\n0.25,0.75\n0.5,0.5\n", ("a", "b")),
    "bom-crlf": ("\ufeffa,b\r\n0.25,0.75\r\n0.5,0.5\r\n", ("a", "b")),
    "bom-quoted-name": ('\ufeff"a","b"\n0.25,0.75\n0.5,0.5\n', ("a", "b")),
    "bom-no-header": ("\ufeff0.25,0.75\n0.5,0.5\n", None),
    "semicolons": ("a;b\n0.25;0.75\n0.5;0.5\n", ("a", "b")),
    "tabs": ("a\tb\n0.25\t0.75\n0.5\t0.5\n", ("a", "b")),
    "bars": ("a|b\n0.25|0.75\n0.5|0.5\n", ("a", "b")),
    "quoted-names-with-commas": ('"a, or A","b;""B"""\n0.25,0.75\n0.5,0.5\n', ("a, or A", 'b;"B"')),
    "quoted-name-with-newline": ('"a\nA",b\n0.25,0.75\n0.5,0.5\n', ("a\nA", "b")),
    "quoted-numbers": ('a,b\n"0.25","0.75"\n"0.5","0.5"\n', ("a", "b")),
    "spaces-around": ("a, b\n0.25, 0.75\n0.5, 0.5\n", ("a", "b")),
    "no-header": ("0.25,0.75\n0.5,0.5\n", None),
    "header-that-counts-columns": ("0,1\n0.25,0.75\n0.5,0.5\n", ("0", "1")),
    "empty-name": (",b\n0.25,0.75\n0.5,0.5\n", ("", "b")),
    "exponents": ("a,b\n2.5e-1,7.5E-01\n5e-1,.5\n", ("a", "b")),
    "signs": ("a,b\n+0.25,+7.5e-1\n0.5,+.5\n", ("a", "b")),
    "wide-names": (f"{'a' * 70_000},b\n0.25,0.75\n0.5,0.5\n", ("a" * 70_000, "b")),
}


class TestTextHabits:
    @pytest.mark.parametrize(("text", "names"), HABITS.values(), ids=HABITS)
    def test_a_table_is_a_table(self, text: str, names: tuple[str, ...] | None, tmp_path: Path) -> None:
        source = open_source(file(tmp_path, text))
        assert source.header.names == names
        assert rows_of(source, select(source))[0].tolist() == TABLE.tolist()
        assert source.count() == 2

    def test_the_format_says_what_separates(self, tmp_path: Path) -> None:
        assert open_source(file(tmp_path, HABITS["tabs"][0])).header.format == "tsv"
        assert open_source(file(tmp_path, HABITS["semicolons"][0])).header.format == "csv"

    @pytest.mark.parametrize("mark", [";", "\t", "tab", "\\t", "|", ":"])
    def test_a_delimiter_that_is_asked_for(self, mark: str, tmp_path: Path) -> None:
        plain = {"tab": "\t", "\\t": "\t"}.get(mark, mark)
        path = file(tmp_path, f"a{plain}b\n0.25{plain}0.75\n0.5{plain}0.5\n")
        assert numbers_of(path, delimiter=mark).tolist() == TABLE.tolist()

    def test_a_delimiter_of_two_characters_is_a_usage_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="one character"):
            open_source(file(tmp_path, HABITS["plain"][0]), Ways(delimiter="||"))

    def test_a_header_that_counts_may_be_data(self, tmp_path: Path) -> None:
        path = file(tmp_path, "0,1\n0.25,0.75\n")
        assert numbers_of(path, no_header=True).tolist() == [[0.0, 1.0], [0.25, 0.75]]

    def test_names_alone_may_be_data(self, tmp_path: Path) -> None:
        source = open_source(file(tmp_path, "cat\ndog\ncat\n"), Ways(no_header=True))
        assert rows_of(source, Selection((), (0,)))[1] == [["cat", "dog", "cat"]]

    def test_headerless_list_of_numbers_keeps_its_first_row(self, tmp_path: Path) -> None:
        source = open_source(file(tmp_path, "2\n0\n1\n"))
        assert source.header.names is None
        assert rows_of(source, Selection((), (0,)))[1] == [["2", "0", "1"]]

    def test_saved_index_has_a_name_and_a_place(self, tmp_path: Path) -> None:
        source = open_source(file(tmp_path, ",a,b\n0,0.25,0.75\n1,0.5,0.5\n"))
        assert source.header.names == ("", "a", "b")
        assert list(source.header.types) == [INTEGER, FLOAT, FLOAT]

    def test_types_are_not_fixed_by_the_first_rows(self, tmp_path: Path) -> None:
        path = file(tmp_path, "a,b\n" + "1,2\n" * 90_000 + "1.5,2\n")
        assert numbers_of(path)[-1].tolist() == [1.5, 2.0]

    def test_a_text_among_numbers_is_refused_where_it_stands(self, tmp_path: Path) -> None:
        source = open_source(file(tmp_path, "a,b\n0.5,oops\n0.5,0.5\n0.5,0.5\n"))
        assert list(source.header.types) == [FLOAT, FLOAT]
        assert refusal(rows_of, source, select(source)).row == 0

    def test_infinities_are_numbers(self, tmp_path: Path) -> None:
        path = file(tmp_path, "a,b\ninf,-inf\nInfinity,-INF\n")
        assert numbers_of(path).tolist() == [[np.inf, -np.inf]] * 2

    def test_values_too_small_are_zero(self, tmp_path: Path) -> None:
        assert numbers_of(file(tmp_path, "a,b\n1e-999,-1e-400\n")).tolist() == [[0.0, 0.0]]

    def test_text_that_arrow_calls_null_is_text(self, tmp_path: Path) -> None:
        words = ["NA", "null", "NaN", "N/A", "#N/A", "nan", "true"]
        source = open_source(file(tmp_path, "id,a\n" + "".join(f"{word},1.5\n" for word in words)))
        assert rows_of(source, select(source, "id"))[1] == [words]

    def test_a_header_and_no_rows(self, tmp_path: Path) -> None:
        assert open_source(file(tmp_path, "a,b")).count() == 0

    def test_a_record_longer_than_a_stride(self, tmp_path: Path) -> None:
        words = ["x" * 200_000, "y", "z" * 70_000]
        path = file(tmp_path, "id,a\n" + "".join(f"{word},{i}.5\n" for i, word in enumerate(words)))
        source = open_source(path)
        got, keys = rows_of(source, select(source, "id"), extents=source.extents(1), block_bytes=1)
        assert (got[:, 0].tolist(), keys) == ([0.5, 1.5, 2.5], [words])


LONG = 30_000  # rows of about 14 bytes: six strides of 64 KiB
PLACES = (0, 1, 4_681, 20_000, LONG - 1)


def long_text(row: int, line: str) -> str:
    """A long table in which one line is another."""
    lines = [f"id{i:06d},0.5,0.5\n" for i in range(LONG)]
    lines[row] = line + "\n"
    return "id,a,b\n" + "".join(lines)


def read_long(path: str) -> None:
    source = open_source(path)
    rows_of(source, Selection((1, 2), (0,)), block_bytes=50_000)


BAD_LINES = {
    "text": ("x,0.5,abc", "b", '"abc" is not a number'),
    "hexadecimal": ("x,0x10,0.5", "a", '"0x10" is not a number'),
    "underscore": ("x,1_000,0.5", "a", '"1_000" is not a number'),
    "thousands": ('x,"1,000",0.5', "a", '"1,000" is not a number'),
    "per-cent": ("x,50%,0.5", "a", '"50%" is not a number'),
    "true": ("x,True,0.5", "a", '"True" is not a number'),
    "other-digits": ("x,٣,0.5", "a", "is not a number"),
    "decimal-comma": ('x,"0,5",0.5', "a", '"0,5" is not a number'),
    "empty-cell": ("x,0.5,", "b", "empty"),
    "quoted-empty-cell": ('x,"",0.5', "a", "empty"),
    "too-large": ("x,0.5,1e999", "b", '"1e999" is too large'),
    "too-low": ("x,-1e400,0.5", "a", '"-1e400" is too large'),
    "short-row": ("x,0.5", None, "has 2 cells; expected 3"),
    "long-row": ("x,0.5,0.5,0.5", None, "has 4 cells; expected 3"),
    "blank-line": ("", None, "blank"),
    "blank-line-of-windows": ("\r", None, "blank"),
}


class TestTextRefusals:
    """Each by row and line, however far down it stands."""

    @pytest.mark.parametrize("row", PLACES)
    @pytest.mark.parametrize(("line", "column", "message"), BAD_LINES.values(), ids=BAD_LINES)
    def test_bad_line(self, line: str, column: str | None, message: str, row: int, tmp_path: Path) -> None:
        if not line.strip() and row == LONG - 1:
            pytest.skip("a blank line at the end is no row")
        path = file(tmp_path, long_text(row, line))
        error = refusal(read_long, path)
        assert (error.path, error.row, error.line, error.column) == (path, row, row + 2, column)
        assert message in error.message

    @pytest.mark.parametrize("row", PLACES)
    def test_text_that_is_no_utf8(self, row: int, tmp_path: Path) -> None:
        path = file(tmp_path, long_text(row, "caf?,0.5,0.5").encode().replace(b"?", b"\xe9"))
        error = refusal(read_long, path)
        assert (error.row, error.line) == (row, row + 2)
        assert "UTF-8" in error.message

    @pytest.mark.parametrize("row", PLACES)
    def test_number_that_is_no_utf8(self, row: int, tmp_path: Path) -> None:
        path = file(tmp_path, long_text(row, "x,0?5,0.5").encode().replace(b"?", b"\xe9"))
        error = refusal(read_long, path)
        assert (error.row, error.line, error.column) == (row, row + 2, "a")

    @pytest.mark.parametrize("row", PLACES)
    def test_lines_count_those_inside_quoted_cells(self, row: int, tmp_path: Path) -> None:
        text = long_text(row, "x,0.5,abc").replace("id,a,b\n", 'id,a,b\n"two\nlines",0.5,0.5\n')
        error = refusal(read_long, file(tmp_path, text))
        assert (error.row, error.line) == (row + 1, row + 4)

    def test_lines_begin_with_the_first_without_a_header(self, tmp_path: Path) -> None:
        error = refusal(numbers_of, file(tmp_path, "0.5,0.5\n0.5,oops\n"))
        assert (error.row, error.line, error.column) == (1, 2, "1")

    def test_blank_line_in_a_single_column(self, tmp_path: Path) -> None:
        error = refusal(open_source(file(tmp_path, "label\n1\n\n2\n")).count)
        assert (error.row, error.line) == (1, 3)
        assert error.hint

    def test_blank_first_line(self, tmp_path: Path) -> None:
        error = refusal(numbers_of, file(tmp_path, "\na,b\n0.25,0.75\n"))
        assert error.line == 1

    def test_quotation_mark_left_open(self, tmp_path: Path) -> None:
        refusal(read_long, file(tmp_path, long_text(100, '"x,0.5,0.5')))

    @pytest.mark.parametrize("rows", [(100,), (100, 105), (100, LONG - 1), (0, 1, 2)])
    def test_stray_quotation_marks_lose_no_row(self, rows: tuple[int, ...], tmp_path: Path) -> None:
        """Refused or read in full; never are the lines between two of them taken for one row."""
        lines = long_text(0, "x,0.5,0.5").splitlines(keepends=True)
        for row in rows:
            lines[row + 1] = '5" pipe,0.5,0.5\n'
        try:
            source = open_source(file(tmp_path, "".join(lines)))
            got = rows_of(source, Selection((1, 2), (0,)), block_bytes=50_000)[0]
        except InputError as error:
            assert error.hint  # noqa: PT017
        else:
            assert len(got) == LONG

    def test_two_columns_of_one_name(self, tmp_path: Path) -> None:
        error = refusal(open_source, file(tmp_path, "a,b, a\n1,2,3\n"))
        assert '"a"' in error.message
        assert error.line == 1

    def test_header_that_is_no_utf8(self, tmp_path: Path) -> None:
        assert refusal(open_source, file(tmp_path, b"caf\xe9,b\n1,2\n")).line == 1

    @pytest.mark.parametrize("text", ["a,b\r0.25,0.75\r0.5,0.5\r", "a,b\n0.25,0.75\r0.5,0.5\n"])
    def test_lone_carriage_returns(self, text: str, tmp_path: Path) -> None:
        refusal(numbers_of, file(tmp_path, text))

    def test_utf16(self, tmp_path: Path) -> None:
        assert "iconv" in refusal(open_source, file(tmp_path, "a,b\n1,2\n".encode("utf-16"))).hint

    def test_file_that_is_cut_while_it_is_read(self, tmp_path: Path) -> None:
        path = file(tmp_path, long_text(0, "x,0.5,0.5"))
        source = open_source(path)
        source.count()
        os.truncate(path, 1000)
        error = refusal(rows_of, source, Selection((1, 2), (0,)))
        assert "cut while it was read" in error.message


ARRAY = np.array([[0, 1, 5], [7, 100, 1]])
STORED = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "?", ">f4", ">f8", ">i8", ">u2", "=f4")


def saved(tmp_path: Path, array: Any, name: str = "x.npy") -> str:
    path = tmp_path / name
    np.save(path, array)
    return str(path)


def with_header(tmp_path: Path, header: str | bytes, data: bytes = b"", version: int = 1, size: int = -1) -> str:
    """An NPY file with any header text, and any length promised for it."""
    text = header.encode("latin1") if isinstance(header, str) else header
    length = (len(text) if size < 0 else size).to_bytes(2 if version == 1 else 4, "little")
    return file(tmp_path, b"\x93NUMPY" + bytes([version, 0]) + length + text + data, "x.npy")


ABSURD_SHAPES = {
    "seven-pebibytes": "(1000000000000, 1000)",
    "beyond-all-bytes": f"({2**70}, 2)",
    "product-that-overflows": f"({2**33}, {2**33})",
    "negative": "(-1, 3)",
    "both-negative": "(-2, -3)",
    "fraction": "(2.0, 3)",
    "truth": "(True, 3)",
    "seventy-dimensions": f"({'1, ' * 70})",
    "list": "[2, 3]",
    "text": "'(2, 3)'",
    "none": "None",
}


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class TestNpy:
    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", STORED)
    def test_element_types(self, dtype: str, order: Any, tmp_path: Path) -> None:
        array = np.asarray(ARRAY.astype(dtype), order=order)
        source = open_source(saved(tmp_path, array))
        got = rows_of(source, Selection(range(3)))[0]
        assert got.tolist() == array.astype(np.float64).tolist()
        assert source.header.dtype == array.dtype.name
        for block in source.blocks(source.locate(0, 2), Selection(range(3)), 1):
            assert block.matrix.dtype == array.dtype.newbyteorder("=")
            assert block.matrix.flags.c_contiguous

    @pytest.mark.parametrize("dtype", ["f2", ">f2", "f4", ">f4"])
    def test_narrow_floats_are_widened_exactly(self, dtype: str, tmp_path: Path) -> None:
        array = np.array([[1e-7, 6e-8, 0.1, 65504, -0.0, np.inf]], dtype)
        assert same_bits(numbers_of(saved(tmp_path, array)), array.astype(np.float64))

    @given(cuts=CUTS, block_bytes=SIZES)
    def test_columns_first_order_is_cut_like_any_other(
        self, fortran: tuple[Source, np.ndarray], cuts: list[int], block_bytes: int
    ) -> None:
        source, array = fortran
        located = [source.locate(*pair) for pair in pairwise(cuts)]
        assert same_bits(rows_of(source, Selection(range(3)), extents=located, block_bytes=block_bytes)[0], array)

    @pytest.fixture(scope="class")
    @staticmethod
    def fortran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Source, np.ndarray]:
        array = many_rows()
        path = saved(tmp_path_factory.mktemp("fortran"), np.asfortranarray(array.astype(">f8")))
        return open_source(path), array

    def test_one_dimension_is_one_column(self, tmp_path: Path) -> None:
        source = open_source(saved(tmp_path, np.array([3, 1, 2], np.uint8)))
        assert (source.header.width, source.count()) == (1, 3)
        assert rows_of(source, Selection((), (0,)))[1] == [["3", "1", "2"]]

    def test_column_of_labels(self, tmp_path: Path) -> None:
        source = open_source(saved(tmp_path, np.array([[3], [1]], ">i4")))
        assert rows_of(source, Selection((), (0,)))[1] == [["3", "1"]]

    @pytest.mark.parametrize("words", [np.array(["dog", "é"]), np.array([b"dog", b"cat"])])
    def test_text_labels(self, words: np.ndarray, tmp_path: Path) -> None:
        source = open_source(saved(tmp_path, words))
        assert list(source.header.types) == [TEXT]
        assert rows_of(source, Selection((), (0,)))[1] == [[str(w.decode() if words.dtype.kind == "S" else w)
                                                             for w in words.tolist()]]  # fmt: skip

    @pytest.mark.parametrize("dtype", ["c16", "M8[s]", "m8[s]", "V4"])
    def test_types_that_are_no_numbers(self, dtype: str, tmp_path: Path) -> None:
        assert list(open_source(saved(tmp_path, np.zeros((2, 2), dtype))).header.types) == [OTHER, OTHER]

    @pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
    def test_versions_of_the_format(self, version: tuple[int, int], tmp_path: Path) -> None:
        with open(tmp_path / "x.npy", "wb") as stream:
            np.lib.format.write_array(stream, ARRAY, version=version)
        assert numbers_of(tmp_path / "x.npy").tolist() == ARRAY.tolist()

    @pytest.mark.parametrize("kept", [0, 1, 6, 8, 9, 10, 11, 50, 127, 128, 129, 175])
    def test_cut_short(self, kept: int, tmp_path: Path) -> None:
        whole = Path(saved(tmp_path, ARRAY)).read_bytes()
        assert len(whole) == 176
        error = refusal(open_source, file(tmp_path, whole[:kept], "cut.npy"))
        assert error.path.endswith("cut.npy")

    def test_bytes_after_the_end(self, tmp_path: Path) -> None:
        path = saved(tmp_path, ARRAY)
        with open(path, "ab") as stream:
            stream.write(b"\0")
        assert "bytes after its end" in refusal(open_source, path).message

    def test_cut_while_it_is_read(self, tmp_path: Path) -> None:
        path = saved(tmp_path, np.ones((100, 3)))
        source = open_source(path)
        os.truncate(path, 1000)
        assert "cut while it was read" in refusal(rows_of, source, Selection(range(3))).message

    def test_objects_are_refused_and_never_unpickled(self, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        array = np.empty(2, object)
        array[:] = [Canary(canary), 1]
        error = refusal(open_source, saved(tmp_path, array))
        assert "pickle" in error.message
        assert error.hint
        assert not canary.exists()

    def test_records_are_refused(self, tmp_path: Path) -> None:
        assert "fields" in refusal(open_source, saved(tmp_path, np.zeros(2, [("a", "f8"), ("b", "i4")]))).message

    def test_a_single_number_is_refused_with_the_way_out(self, tmp_path: Path) -> None:
        assert "np.save" in refusal(open_source, saved(tmp_path, np.float64(1.0))).hint

    @pytest.mark.parametrize("shape", ABSURD_SHAPES.values(), ids=ABSURD_SHAPES)
    def test_absurd_shapes(self, shape: str, tmp_path: Path) -> None:
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n"
        refusal(open_source, with_header(tmp_path, header, bytes(48)))

    @pytest.mark.parametrize(
        "header",
        ["", "\n", "{}", "{'descr': '<f8'}", "[1, 2]", "'<f8'", "{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 3)}",
         "{'descr': 'zzz', 'fortran_order': False, 'shape': (2, 3)}", "{'descr': 7, 'fortran_order': False,", "\0\0\0",
         "(" * 5000, "-" * 60000 + "1", "{'descr': ('<f8', (3,)), 'fortran_order': False, 'shape': (2,)}"],
        ids=lambda header: header[:30],
    )  # fmt: skip
    def test_damaged_headers(self, header: str, tmp_path: Path) -> None:
        refusal(open_source, with_header(tmp_path, header, bytes(48)))

    def test_code_in_the_header_is_not_run(self, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        touch = f"open({str(canary)!r}, 'w')"
        for header in (
            f"{{'descr': {touch}, 'fortran_order': False, 'shape': (2, 3)}}",
            touch,
            f"[{touch} for i in (1,)]",
        ):
            refusal(open_source, with_header(tmp_path, header, bytes(48)))
        assert not canary.exists()

    def test_a_header_that_claims_gigabytes(self, tmp_path: Path) -> None:
        refusal(open_source, with_header(tmp_path, "{}", version=2, size=2**32 - 1))

    def test_an_unknown_version(self, tmp_path: Path) -> None:
        assert "version 9" in refusal(open_source, with_header(tmp_path, "{}", version=9)).message

    @pytest.mark.parametrize("shape", [(0, 3), (0,), (3, 0)])
    def test_empty_arrays_have_no_rows_or_no_columns(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        source = open_source(saved(tmp_path, np.empty(shape)))
        assert source.count() == shape[0]
        assert source.header.width == (shape[1] if len(shape) > 1 else 1)


def parquet(tmp_path: Path, columns: dict[str, Any], **options: Any) -> str:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


class TestParquet:
    def test_several_row_groups(self, tmp_path: Path) -> None:
        numbers = many_rows()
        path = parquet(tmp_path, {name: numbers[:, i] for i, name in enumerate("abc")}, row_group_size=7)
        source = open_source(path)
        assert pq.ParquetFile(path).num_row_groups == 22
        assert len(list(source.extents(1))) == 22
        assert len(list(source.extents(1 << 30))) == 1
        assert same_bits(rows_of(source, Selection((0, 1, 2)), extents=source.extents(1))[0], numbers)

    def test_a_group_without_rows_is_passed_over(self, tmp_path: Path) -> None:
        path, schema = str(tmp_path / "x.parquet"), pa.schema([("a", pa.float64()), ("b", pa.float64())])
        with pq.ParquetWriter(path, schema) as writer:
            for rows in ([1.5], [], [2.5, 3.5], []):
                writer.write_table(pa.table({"a": pa.array(rows, pa.float64()), "b": pa.array(rows, pa.float64())}))
        assert numbers_of(path)[:, 0].tolist() == [1.5, 2.5, 3.5]

    def test_dictionary_coded_labels(self, tmp_path: Path) -> None:
        words = pa.array(["dog", "cat", "dog", "é"] * 5).dictionary_encode()
        source = open_source(parquet(tmp_path, {"a": np.ones(20), "label": words}, row_group_size=3))
        assert list(source.header.types) == [FLOAT, TEXT]
        assert rows_of(source, Selection((0,), (1,)))[1] == [["dog", "cat", "dog", "é"] * 5]

    @pytest.mark.parametrize(
        ("values", "type_", "texts"),
        [
            (["a", "b"], pa.large_string(), ["a", "b"]),
            (["a", "b"], pa.string_view(), ["a", "b"]),
            ([1, 2**40], pa.int64(), ["1", str(2**40)]),
            ([1, 200], pa.uint8(), ["1", "200"]),
            ([1, 2**64 - 1], pa.uint64(), ["1", str(2**64 - 1)]),
            ([-5, 5], pa.int16(), ["-5", "5"]),
            ([True, False], pa.bool_(), ["true", "false"]),
        ],
        ids=lambda value: str(value) if isinstance(value, pa.DataType) else "",
    )
    def test_types_of_ids(self, values: list[Any], type_: Any, texts: list[str], tmp_path: Path) -> None:
        source = open_source(parquet(tmp_path, {"id": pa.array(values, type_), "a": [0.5, 0.5]}))
        assert rows_of(source, Selection((1,), (0,)))[1] == [texts]

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "uint16"])
    def test_types_of_numbers(self, dtype: str, tmp_path: Path) -> None:
        array = ARRAY.astype(dtype)
        source = open_source(parquet(tmp_path, {"a": array[:, 0], "b": array[:, 1], "c": array[:, 2]}))
        assert rows_of(source, Selection((0, 1, 2)))[0].tolist() == ARRAY.tolist()

    def test_mixed_types_are_widened(self, tmp_path: Path) -> None:
        columns = {"a": np.array([0.1, 0.2], np.float32), "b": np.array([0.1, 1e300]), "c": np.array([3, 4], np.int16)}
        expected = np.column_stack([column.astype(np.float64) for column in columns.values()])
        assert same_bits(numbers_of(parquet(tmp_path, columns)), expected)

    def test_what_is_no_plain_number_is_said(self, tmp_path: Path) -> None:
        columns = {"a": [["x", "y"]], "b": [{"x": 1.0}], "c": pa.array([0], pa.duration("s")), "d": [0.5]}
        assert list(open_source(parquet(tmp_path, columns)).header.types) == [OTHER, OTHER, OTHER, FLOAT]

    @pytest.mark.parametrize("row", [0, 6, 7, 58, 99])
    @pytest.mark.parametrize(("name", "fill"), [("a", 0.5), ("id", "x")])
    def test_nulls_are_refused_by_row(self, name: str, fill: Any, row: int, tmp_path: Path) -> None:
        columns: dict[str, Any] = {"id": ["x"] * 100, "a": [0.5] * 100, "b": [0.5] * 100}
        columns[name] = [None if i == row else fill for i in range(100)]
        source = open_source(parquet(tmp_path, columns, row_group_size=7))
        error = refusal(rows_of, source, Selection((1, 2), (0,)), block_bytes=100)
        assert (error.row, error.column, error.line) == (row, name, None)
        assert "null" in error.message

    def test_a_null_in_a_dictionary_column(self, tmp_path: Path) -> None:
        words = pa.array(["dog", None, "cat"]).dictionary_encode()
        source = open_source(parquet(tmp_path, {"a": [0.5] * 3, "label": words}))
        assert refusal(rows_of, source, Selection((0,), (1,))).row == 1

    def test_two_columns_of_one_name(self, tmp_path: Path) -> None:
        table = pa.Table.from_arrays([pa.array([0.5]), pa.array([0.25])], names=["a", "a"])
        pq.write_table(table, tmp_path / "x.parquet")
        assert '"a"' in refusal(open_source, str(tmp_path / "x.parquet")).message

    def test_names_with_dots(self, tmp_path: Path) -> None:
        columns = {"p": [0.5], "p.1": [0.25], "p.1.x": [0.125], "": [1.0]}
        source = open_source(parquet(tmp_path, columns))
        assert source.header.names == tuple(columns)
        assert rows_of(source, Selection((2, 1, 0, 3)))[0].tolist() == [[0.125, 0.25, 0.5, 1.0]]

    def test_flipped_bits_are_noticed(self, tmp_path: Path) -> None:
        """A page with a checksum cannot be damaged unnoticed, wherever the bit is."""
        numbers = many_rows()
        columns = {name: numbers[:, i] for i, name in enumerate("abc")}
        path = parquet(tmp_path, columns, write_page_checksum=True, compression="none", use_dictionary=False)
        whole = Path(path).read_bytes()
        for place in range(200, len(whole) - 3000, 997):
            damaged = bytearray(whole)
            damaged[place] ^= 4
            Path(path).write_bytes(damaged)
            error = refusal(numbers_of, path)
            assert (error.path, "damaged" in error.message) == (path, True)

    def test_garbage_is_refused(self, tmp_path: Path) -> None:
        whole = Path(parquet(tmp_path, {"a": np.arange(1000.0), "b": np.arange(1000.0)})).read_bytes()
        for damaged in (whole[:4], whole[:11], whole[:-1], whole[: len(whole) // 2], whole[:-8] + bytes(8),
                        whole[:-8] + b"\xff\xff\xff\x7fPAR1", b"PAR1" + bytes(100) + b"PAR1"):  # fmt: skip
            assert refusal(numbers_of, file(tmp_path, damaged, "damaged.parquet")).hint


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("logits.npy", b"")
    return stream.getvalue()


WRONG_KINDS = {
    "gzip-of-nothing": gzip.compress(b""),
    "bzip2-of-nothing": bz2.compress(b""),
    "xz-of-nothing": lzma.compress(b""),
    "gzip-of-gzip": gzip.compress(gzip.compress(b"a,b\n1,2\n")),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(20),
    "zip": zipped(),
    "pickle": pickle.dumps({"logits": [1.0]}),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(20),
    "arrow": b"ARROW1\0\0" + bytes(20),
    "pdf": b"%PDF-1.7\n",
    "nul-bytes": b"a,b\n1,\x002\n",
    "binary": bytes(range(1, 256)) * 20,
    "empty": b"",
    "blank": b"\n\n\n",
    "bom-alone": b"\xef\xbb\xbf",
}


class TestOpening:
    def test_the_option_names_every_format(self) -> None:
        (option,) = (each for each in fields_of(Reading) if each.name == "input_format")
        assert set(option.metadata["choices"]) == set(READABLE)

    @pytest.mark.parametrize("content", WRONG_KINDS.values(), ids=WRONG_KINDS)
    @pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet"])
    def test_other_kinds_of_files_are_refused_with_a_hint(self, content: bytes, suffix: str, tmp_path: Path) -> None:
        path = file(tmp_path, content, f"x{suffix}")
        error = refusal(numbers_of, path)
        assert error.path == path
        assert error.hint

    def test_a_pickle_is_not_loaded(self, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        refusal(open_source, file(tmp_path, pickle.dumps(Canary(canary)), "x.pkl"))
        assert not canary.exists()

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "holds no file" in refusal(open_source, str(tmp_path)).message
        file(tmp_path, "a,b\n0.25,0.75\n0.5,0.5\n")
        assert numbers_of(tmp_path).tolist() == TABLE.tolist()

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        file(tmp_path, "a,b\n1,2\n", "preds.csv")
        error = refusal(open_source, str(tmp_path / "pred.csv"))
        assert "No such file" in error.message
        assert str(tmp_path / "preds.csv") in error.hint

    def test_a_pipe_that_nobody_writes_to(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.formats.spool._PATIENCE", 0.01)
        os.mkfifo(tmp_path / "pipe")
        assert refusal(open_source, str(tmp_path / "pipe")).hint


class TestMemory:
    """Arrays, frames and tables of a running program read like files."""

    @pytest.mark.parametrize("block_bytes", [1, 100, 1 << 20])
    @pytest.mark.parametrize("make", ["array", "columns-first", "reversed", "frame", "table", "chunked-table", "list"])
    def test_rows(self, make: str, block_bytes: int) -> None:
        numbers = many_rows()
        source = open_object(in_memory(make, numbers), "x")
        assert (source.count(), source.header.width) == (ROWS, 3)
        got = rows_of(source, Selection(range(3)), extents=source.extents(1000), block_bytes=block_bytes)[0]
        assert same_bits(got, numbers)

    def test_ids_and_labels(self) -> None:
        import pandas as pd

        frame = pd.DataFrame({"id": ["x", "y"], "a": [0.5, 0.25], "label": pd.Categorical(["dog", "cat"])})
        source = open_object(frame, "x")
        assert rows_of(source, select(source, "id", "label"))[1] == [["x", "y"], ["dog", "cat"]]
        assert rows_of(open_object(["dog", "cat"], "x"), Selection((), (0,)))[1] == [["dog", "cat"]]

    def test_nulls_are_refused_by_row(self) -> None:
        source = open_object(pa.table({"a": [0.5, 0.5, None], "b": [0.5] * 3}), "preds")
        error = refusal(rows_of, source, Selection((0, 1)))
        assert (error.row, error.column) == (2, "a")

    @pytest.mark.parametrize("thing", [{"a": 1}, None, object(), [[1, 2], [3]], [1j], np.array([object()])])
    def test_other_things_are_refused(self, thing: Any) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            open_object(thing, "preds")


def in_memory(make: str, numbers: np.ndarray) -> Any:
    import pandas as pd

    columns = {name: numbers[:, i] for i, name in enumerate("abc")}
    table = pa.table(columns)
    pieces = [table.slice(first, 37) for first in range(0, ROWS, 37)]
    return {
        "array": numbers,
        "columns-first": np.asfortranarray(numbers),
        "reversed": np.ascontiguousarray(numbers[::-1])[::-1],
        "frame": pd.DataFrame(columns),
        "table": table,
        "chunked-table": pa.concat_tables(pieces),
        "list": numbers.tolist(),
    }[make]


class TestKeys:
    @pytest.mark.parametrize(
        "keys", [IntegerKeys(np.array([3, 1, 3, -2])), text_keys(["3", "1", "3", "-2"])], ids=["integers", "texts"]
    )
    def test_verbs(self, keys: Keys) -> None:
        codes, distinct = keys.encode()
        assert [distinct[code] for code in codes] == ["3", "1", "3", "-2"]
        assert len(distinct) == 3
        assert [keys.part(1, 3).text(i) for i in range(2)] == ["1", "3"]
        assert keys.part(1, 3).encode()[1] == sorted(keys.part(1, 3).encode()[1])
        assert keys.arrow().to_pylist() == ["3", "1", "3", "-2"]

    def test_numbers_and_their_texts_are_the_same(self) -> None:
        numbers, texts = IntegerKeys(np.array([1, 2])), text_keys(["1", "2"])
        assert numbers.same(texts)
        assert texts.same(numbers)
        assert not numbers.same(text_keys(["01", "2"]))
        assert not numbers.same(IntegerKeys(np.array([1, 3])))
        assert not texts.same(text_keys(["1"]))


def write_half(path: Path, fault: type[BaseException]) -> None:
    with whole_file(str(path)) as stream:
        stream.write(b"half of it")
        raise fault("stop")


def write_some_rows(path: Path) -> None:
    with row_file(str(path), ["row"], ["a"]) as writer:
        writer.write([IntegerKeys(np.arange(3))], np.ones((3, 1)))
        raise ValueError("stop")


class TestOutputs:
    def test_an_input_is_never_written(self, table_format: TableFormat, tmp_path: Path) -> None:
        path = table_format.write(tmp_path / "x", np.ones((2, 3)), names=NAMES)
        os.symlink(path, tmp_path / "link")
        os.link(path, tmp_path / "twin")
        for output in (path, str(tmp_path / "link"), str(tmp_path / "twin"), os.path.relpath(path)):
            with pytest.raises(UsageError, match="also an input"):
                check_output(output, [path])

    def test_a_folder_and_a_missing_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "none" / "x.csv"):
            with pytest.raises(OutputError):
                check_output(str(path), [])

    def test_a_new_file_is_fine(self, tmp_path: Path) -> None:
        check_output(str(tmp_path / "new.csv"), [str(tmp_path / "gone.csv")])

    def test_a_file_appears_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "x.txt"
        with whole_file(str(path)) as stream:
            stream.write(b"new")
            assert not path.exists()
        assert path.read_bytes() == b"new"
        assert os.listdir(tmp_path) == ["x.txt"]

    @pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, DivtoolError])
    @pytest.mark.parametrize("before", [None, b"old"])
    def test_an_error_leaves_what_was_there(self, fault: Any, before: bytes | None, tmp_path: Path) -> None:
        path = tmp_path / "x.txt"
        if before:
            path.write_bytes(before)
        with pytest.raises(fault):
            write_half(path, fault)
        assert os.listdir(tmp_path) == (["x.txt"] if before else [])
        assert not before or path.read_bytes() == before

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".npy", ".parquet", ".jsonl"])
    def test_an_error_among_rows_leaves_what_was_there(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"x{suffix}"
        path.write_bytes(b"old")
        with pytest.raises(ValueError, match="stop"):
            write_some_rows(path)
        assert (os.listdir(tmp_path), path.read_bytes()) == ([f"x{suffix}"], b"old")

    def test_a_disk_that_fails_is_an_output_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(OutputError, match="could not be written"), whole_file(str(tmp_path / "x")):
            pass
        assert os.listdir(tmp_path) == []

    def test_another_disk_that_fails_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No space left"), whole_file(str(tmp_path / "x")):
            raise OSError(28, "No space left on device")
        assert os.listdir(tmp_path) == []

    def test_a_device_is_written_to(self) -> None:
        with whole_file(os.devnull) as stream:
            stream.write(b"gone")
        assert not os.path.isfile(os.devnull)

    def test_a_long_name_leaves_room_for_the_file_beside_it(self, tmp_path: Path) -> None:
        path = tmp_path / ("x" * 251 + ".csv")
        with whole_file(str(path)) as stream:
            stream.write(b"new")
        assert path.read_bytes() == b"new"


def test_the_formats_under_test_are_those_that_are_read() -> None:
    # The whole numbers of llama.cpp hold no table of doubles: test_llama.py.
    assert {each.name for each in FORMATS} == set(READABLE) - {"llama"}
