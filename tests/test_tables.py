"""Parquet and Arrow: every type that a column may have, read in any slices as other readers read it whole; files that
are damaged, hostile or encrypted are refused."""

from __future__ import annotations

import decimal
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats import hard_numbers, refusal, rows_of, same_bits

from divtool.formats.keys import IntegerKeys
from divtool.formats.memory import open_object
from divtool.formats.opening import open_source
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Selection, Source, Vector
from divtool.formats.writing import row_file

ROWS = 50
HARD = np.resize(hard_numbers().ravel(), ROWS)
SMALL = np.arange(ROWS) % 7 - 3.0


def in_parquet(table: pa.Table, folder: Path) -> Source:
    pq.write_table(table, folder / "x.parquet", row_group_size=13)
    return open_source(str(folder / "x.parquet"))


def in_arrow(table: pa.Table, folder: Path) -> Source:
    with ipc.new_file(folder / "x.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=13)
    return open_source(str(folder / "x.arrow"))


def in_stream(table: pa.Table, folder: Path) -> Source:
    with ipc.new_stream(folder / "x.arrows", table.schema) as writer:
        writer.write_table(table, max_chunksize=13)
    return open_source(str(folder / "x.arrows"))


def in_feather(table: pa.Table, folder: Path) -> Source:
    feather.write_feather(table, folder / "x.feather", compression="zstd", chunksize=13)
    return open_source(str(folder / "x.feather"))


def in_memory(table: pa.Table, folder: Path) -> Source:
    return open_object(table, "x")


HOLDERS: tuple[Callable[[pa.Table, Path], Source], ...] = (in_parquet, in_arrow, in_stream, in_feather, in_memory)


@pytest.fixture(params=HOLDERS, ids=lambda holder: holder.__name__[3:], scope="module")
def hold(request: pytest.FixtureRequest) -> Callable[[pa.Table, Path], Source]:
    holder: Callable[[pa.Table, Path], Source] = request.param
    return holder


NUMBER_COLUMNS = {
    "float64": pa.array(HARD),
    "float32": pa.array(HARD.clip(-1e30, 1e30).astype(np.float32)),
    "float16": pa.array(SMALL.astype(np.float16) / np.float16(3)),
    "int8": pa.array(SMALL.astype(np.int8)),
    "uint16": pa.array(SMALL.astype(np.int64) + 60_000, pa.uint16()),
    "int64": pa.array(SMALL.astype(np.int64) << 50),
    "uint64": pa.array((SMALL.astype(np.int64) + 3) << 50, pa.uint64()),
    "dictionary": pa.array(SMALL).dictionary_encode(),
    "decimal": pa.array([decimal.Decimal(int(value)) / 10 for value in SMALL], pa.decimal128(20, 3)),
    "decimal256": pa.array([decimal.Decimal(int(value)) / 10 for value in SMALL], pa.decimal256(60, 30)),
}
LIST_TYPES = {
    "list": pa.list_(pa.float64()),
    "large-list": pa.large_list(pa.float32()),
    "fixed-size-list": pa.list_(pa.float64(), 4),
    "integers": pa.list_(pa.int64()),
    "halves": pa.list_(pa.float16(), 4),
    "decimals": pa.list_(pa.decimal128(10, 2)),
}
KEY_COLUMNS = {
    "string": pa.array([f"é {i}" for i in range(ROWS)]),
    "large-string": pa.array([f"é {i}" for i in range(ROWS)], pa.large_string()),
    "string-view": pa.array([f"a text that is longer than twelve {i}" for i in range(ROWS)], pa.string_view()),
    "dictionary": pa.array([f"é {i % 3}" for i in range(ROWS)]).dictionary_encode(),
    "int64": pa.array([2**53 + i for i in range(ROWS)]),
    "uint64": pa.array([2**64 - 1 - i for i in range(ROWS)], pa.uint64()),
    "boolean": pa.array([i % 3 == 0 for i in range(ROWS)]),
}


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def slices(source: Source, selection: Selection, cuts: list[int], block: int) -> tuple[np.ndarray, list[list[str]]]:
    ends = sorted({0, *cuts, ROWS})
    return rows_of(source, selection, extents=[source.locate(*pair) for pair in pairwise(ends)], block_bytes=block)


class TestTypes:
    @settings(max_examples=8)
    @given(cuts=st.lists(st.integers(0, ROWS), max_size=6), block=st.integers(1, 5000))
    @pytest.mark.parametrize("name", NUMBER_COLUMNS)
    def test_numbers(
        self, name: str, hold: Any, cuts: list[int], block: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        column = NUMBER_COLUMNS[name]
        source = hold(pa.table({"a": column, "b": pa.array(HARD)}), tmp_path_factory.mktemp("numbers"))
        assert source.header.types[0] in (FLOAT, INTEGER)
        expected = np.array([float(value) for value in column.to_pylist()])
        assert same_bits(slices(source, Selection((0,)), cuts, block)[0], expected[:, None])
        assert same_bits(slices(source, Selection((1, 0)), cuts, block)[0], np.column_stack([HARD, expected]))

    @settings(max_examples=8)
    @given(cuts=st.lists(st.integers(0, ROWS), max_size=6), block=st.integers(1, 5000))
    @pytest.mark.parametrize("name", LIST_TYPES)
    def test_lists(
        self, name: str, hold: Any, cuts: list[int], block: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        rows = (np.arange(4 * ROWS) % 11 - 5).reshape(ROWS, 4)
        cells = [[decimal.Decimal(x) for x in row] if name == "decimals" else row for row in rows.tolist()]
        table = pa.table({"id": KEY_COLUMNS["string"], "v": pa.array(cells, LIST_TYPES[name]), "b": pa.array(HARD)})
        source = hold(table, tmp_path_factory.mktemp("lists"))
        assert source.header.names == ("id", "v[0]", "v[1]", "v[2]", "v[3]", "b")
        assert source.header.vectors == (Vector("v", 1, 4),)
        got, keys = slices(source, Selection(range(1, 5), (0,)), cuts, block)
        assert (got.astype(float).tolist(), keys) == (rows.tolist(), [KEY_COLUMNS["string"].to_pylist()])
        picked = slices(source, Selection((5, 3, 1)), cuts, block)[0]
        assert same_bits(picked, np.column_stack([HARD, rows[:, 2], rows[:, 0]]))

    @settings(max_examples=8)
    @given(cuts=st.lists(st.integers(0, ROWS), max_size=6), block=st.integers(1, 5000))
    @pytest.mark.parametrize("name", KEY_COLUMNS)
    def test_keys(
        self, name: str, hold: Any, cuts: list[int], block: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        column = KEY_COLUMNS[name]
        source = hold(pa.table({"k": column, "a": pa.array(HARD)}), tmp_path_factory.mktemp("keys"))
        got, keys = slices(source, Selection((1,), (0,)), cuts, block)
        assert keys == [[as_text(value) for value in column.to_pylist()]]
        assert same_bits(got[:, 0], HARD)

    def test_what_is_no_plain_number_is_said(self, hold: Any, tmp_path: Path) -> None:
        columns = {"s": [{"x": 1.0}], "t": pa.array([0], pa.duration("s")), "l": [["x"]], "n": pa.nulls(1), "a": [0.5],
                   "m": [[[0.5]]], "e": pa.array([[]], pa.list_(pa.float64()))}  # fmt: skip
        source = hold(pa.table(columns), tmp_path)
        assert list(source.header.types) == [OTHER, OTHER, OTHER, OTHER, FLOAT, OTHER, OTHER]
        assert refusal(rows_of, source, Selection((0,))).column == "s"

    def test_text_is_no_number(self, hold: Any, tmp_path: Path) -> None:
        source = hold(pa.table({"a": [0.5], "w": ["0.5"]}), tmp_path)
        assert list(source.header.types) == [FLOAT, TEXT]
        error = refusal(rows_of, source, Selection((0, 1)))
        assert (error.column, "string" in error.message) == ("w", True)

    def test_truths_are_numbers_where_they_are_asked_for(self, hold: Any, tmp_path: Path) -> None:
        source = hold(pa.table({"a": [True, False], "b": [0.5, 0.5]}), tmp_path)
        assert rows_of(source, Selection((0, 1)))[0].tolist() == [[1.0, 0.5], [0.0, 0.5]]

    @pytest.mark.parametrize("type_", [pa.int64(), pa.uint64(), pa.decimal128(30, 0)])
    @pytest.mark.parametrize("other", ["b", "v[0]"])
    def test_whole_numbers_that_are_no_doubles(self, type_: Any, other: str, hold: Any, tmp_path: Path) -> None:
        columns = {"a": pa.array([1, 2, 2**53 + 1], type_), "b": [0.5] * 3, "v": [[0.5, 0.5]] * 3}
        source = hold(pa.table(columns), tmp_path)
        error = refusal(rows_of, source, Selection((source.header.find(other), 0)))
        assert (error.row, error.column) == (2, "a")
        assert "no exact double" in error.message

    def test_a_tensor_of_fixed_shape(self, hold: Any, tmp_path: Path) -> None:
        column = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(6.0).reshape(2, 3))
        source = hold(pa.table({"v": column}), tmp_path)
        assert rows_of(source, Selection(range(3)))[0].tolist() == [[0, 1, 2], [3, 4, 5]]

    def test_pandas_frames(self, tmp_path: Path) -> None:
        import pandas as pd

        frame = pd.DataFrame({"id": ["x", "y"], "a": [0.1, 1 / 3], "label": pd.Categorical(["dog", "cat"])})
        for write, name in ((frame.to_feather, "x.feather"), (frame.to_parquet, "x.parquet")):
            write(tmp_path / name)
            got, keys = rows_of(open_source(str(tmp_path / name)), Selection((1,), (0, 2)))
            assert (got[:, 0].tolist(), keys) == ([0.1, 1 / 3], [["x", "y"], ["dog", "cat"]])


class TestMissing:
    @pytest.mark.parametrize("row", [0, 12, 13, 49])
    @pytest.mark.parametrize("cell", [None, [1.5, None]])
    def test_lists_are_refused_by_row(self, cell: Any, row: int, hold: Any, tmp_path: Path) -> None:
        cells: list[Any] = [[0.5, 0.5]] * ROWS
        cells[row] = cell
        error = refusal(rows_of, hold(pa.table({"v": cells}), tmp_path), Selection(range(2)), block_bytes=100)
        assert (error.row, error.column) == (row, "v")
        assert "missing" in error.message

    @pytest.mark.parametrize("row", [1, 12, 13, 49])
    @pytest.mark.parametrize("cell", [[], [0.5], [0.5] * 3])
    @pytest.mark.parametrize("before", [None, [0.5, 0.5]])
    def test_ragged_lists(self, cell: list[float], before: Any, row: int, hold: Any, tmp_path: Path) -> None:
        cells: list[Any] = [before, *[[0.5, 0.5]] * (ROWS - 1)]
        if row == 1 and before is None:
            pytest.skip("it would be the first list")
        cells[row] = cell
        source = hold(pa.table({"v": cells}), tmp_path)
        error = refusal(rows_of, source, Selection(range(2), missing=True), block_bytes=100)
        assert (error.row, error.column) == (row, "v")
        assert f"holds {len(cell)} numbers; expected 2" in error.message

    def test_empty_lists_before_the_first(self, hold: Any, tmp_path: Path) -> None:
        source = hold(pa.table({"v": [None, [], [0.5, 0.5]]}), tmp_path)
        assert source.header.width == 2
        assert refusal(rows_of, source, Selection(range(2), missing=True)).row == 1

    def test_rows_are_marked(self, hold: Any, tmp_path: Path) -> None:
        columns = {
            "a": [None, 1.5, 2.5, 3.5, 4.5, 5.5], "i": [0, None, 2, 3, 4, 5], "s": ["x", "y", None, "z", "u", "v"],
            "v": [[0.5, 0.5]] * 3 + [None, [0.5, None], [1.5, 2.5]], "k": [1, 2, 3, 4, 5, None],
            "d": pa.array(["c", None, "c", "c", "c", "c"]).dictionary_encode(),
        }  # fmt: skip
        source = hold(pa.table(columns), tmp_path)
        for matrix, keys, marked in (
            ((0, 1), (), [0, 1]), ((0,), (2,), [0, 2]), ((3, 4), (), [3, 4]), ((3, 0), (), [0, 3, 4]),
            ((1,), (5,), [1, 5]), ((), (5, 6), [1, 5]), ((3, 4), (2,), [2, 3, 4]),
        ):  # fmt: skip
            (block,) = source.blocks(source.locate(0, 6), Selection(matrix, keys, missing=True), 1 << 20)
            assert np.flatnonzero(block.missing).tolist() == marked
            assert np.isnan(block.matrix[marked]).all()
            assert not np.isnan(np.delete(block.matrix, marked, axis=0)).any()
            assert all(len(key) == 6 for key in block.keys)
        (block,) = source.blocks(source.locate(0, 6), Selection((), (2, 5), missing=True), 1 << 20)
        assert [[key.text(i) for i in range(6)] for key in block.keys] == [
            ["x", "y", "", "z", "u", "v"], ["1", "2", "3", "4", "5", "0"],
        ]  # fmt: skip

    def test_nothing_is_marked_where_nothing_is_missing(self, hold: Any, tmp_path: Path) -> None:
        source = hold(pa.table({"a": [0.5, 1.5], "b": [None, 0.5]}), tmp_path)
        (block,) = source.blocks(source.locate(0, 2), Selection((0,), missing=True), 1 << 20)
        assert block.missing is None

    def test_rows_without_columns(self, hold: Any, tmp_path: Path) -> None:
        source = hold(pa.table({"a": [0.5] * ROWS}), tmp_path)
        assert rows_of(source, Selection(()))[0].shape == (ROWS, 0)


class TestFiles:
    def test_threads_share_a_source(self, hold: Any, tmp_path: Path) -> None:
        source = hold(pa.table({"a": pa.array(HARD), "b": pa.array(SMALL)}), tmp_path)
        with ThreadPoolExecutor(4) as pool:
            pieces = pool.map(lambda extent: rows_of(source, Selection((0, 1)), extents=[extent])[0],
                              [source.locate(row, row + 1) for row in range(ROWS)])  # fmt: skip
            assert same_bits(np.concatenate(list(pieces)), np.column_stack([HARD, SMALL]))

    def test_a_name_that_a_list_has_too(self, hold: Any, tmp_path: Path) -> None:
        assert '"v[1]"' in refusal(hold, pa.table({"v": [[0.5, 0.5]], "v[1]": [0.5]}), tmp_path).message

    @pytest.mark.parametrize("suffix", [".arrow", ".feather", ".parquet"])
    def test_others_read_what_is_written(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"x{suffix}"
        with row_file(str(path), ["row"], ["a"]) as writer:
            for first in range(0, ROWS, 20):
                piece = HARD[first : first + 20, None]
                writer.write([IntegerKeys(np.arange(first, first + len(piece)))], piece)
        read = pq.read_table if suffix == ".parquet" else feather.read_table
        table = read(path)
        assert same_bits(table["a"].to_numpy(), HARD)
        assert table["row"].to_pylist() == list(range(ROWS))

    def test_dictionaries_that_a_stream_replaces(self, tmp_path: Path) -> None:
        words = [["dog", "cat"], ["cat", "é"], ["é", "é"]]
        schema = pa.schema([("w", pa.dictionary(pa.int8(), pa.string()))])
        with ipc.new_stream(tmp_path / "x", schema) as writer:
            for each in words:
                writer.write_batch(pa.record_batch([pa.array(each).dictionary_encode().cast(schema[0].type)], schema))
        source = open_source(str(tmp_path / "x"))
        assert rows_of(source, Selection((), (0,)))[1] == [["dog", "cat", "cat", "é", "é", "é"]]

    def test_dictionaries_that_grow(self, tmp_path: Path) -> None:
        schema = pa.schema([("w", pa.dictionary(pa.int8(), pa.string()))])
        options = ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        with ipc.new_file(tmp_path / "x", schema, options=options) as writer:
            for words, codes in ((["a"], [0, 0]), (["a", "b"], [1, 0])):
                column = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(words))
                writer.write_batch(pa.record_batch([column], schema))
        assert rows_of(open_source(str(tmp_path / "x")), Selection((), (0,)))[1] == [["a", "a", "b", "a"]]

    def test_a_stream_that_changes_is_refused(self, tmp_path: Path) -> None:
        source = in_stream(pa.table({"a": [0.5]}), tmp_path)
        source.check_unchanged()
        os.utime(tmp_path / "x.arrows", ns=(1, 1))
        assert refusal(source.check_unchanged).path == str(tmp_path / "x.arrows")

    def test_no_pandas(self, tmp_path: Path) -> None:
        """Its import would cost every command a quarter of a second."""
        table = pa.table(
            {"v": [[0.5, None]], "k": pa.array(["x"]).dictionary_encode(), "i": pa.array([None], pa.int8())}
        )
        paths = [hold(table, tmp_path).header.path for hold in HOLDERS[:4]]
        script = (
            "import sys\nfrom divtool.formats.opening import open_source\n"
            "from divtool.formats.source import Selection\n"
            f"for path in {paths!r}:\n    source = open_source(path)\n"
            "    list(source.blocks(source.locate(0, 1), Selection((0, 1, 3), (2,), True), 100))\n"
            "print('pandas' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "False\n"
