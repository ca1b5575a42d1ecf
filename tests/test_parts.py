"""Tables in parts: a folder or a glob reads like the one file that its parts make, and speaks of the part at fault."""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formats_fixture import CSV, NPY, PARQUET, TableFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats import CUTS, NAMES, ROWS, SIZES, many_rows, refusal, rows_of, same_bits, select

from divtool import api
from divtool.errors import InputError
from divtool.formats.opening import open_file, open_source
from divtool.formats.source import FLOAT, INTEGER, TEXT, Arranged, Container, Selection, Source, Ways

few_examples = settings(max_examples=8)
NUMBERS = many_rows()


def parts(folder: Path, format_: TableFormat, cuts: list[int], numbers: np.ndarray = NUMBERS, **more: Any) -> str:
    """A folder of the rows between the cuts, each in a file; their numbers are as long as they need to be."""
    folder.mkdir(parents=True)
    for number, (first, stop) in enumerate(pairwise(cuts)):
        beside = {name: column[first:stop] for name, column in more.items() if name in ("ids", "labels")}
        format_.write(folder / f"part-{number}", numbers[first:stop], names=NAMES[: numbers.shape[1]], **beside)
    return str(folder)


def write_csv(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def cut_folder(table_format: TableFormat, tmp_path: Path) -> str:
    return parts(tmp_path / "cut", table_format, [0, 7, 8, 100, ROWS])


class TestAnyFormat:
    @few_examples
    @given(cuts=st.lists(st.integers(1, ROWS - 1), max_size=11, unique=True), target=SIZES, block=SIZES, asked=CUTS)
    def test_parts_are_the_whole(
        self, table_format: TableFormat, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], target: int,
        block: int, asked: list[int],
    ) -> None:  # fmt: skip
        ids = [f"row {i}" for i in range(ROWS)]
        folder = tmp_path_factory.mktemp("parts") / "table"
        source = open_source(parts(folder, table_format, [0, *sorted(cuts), ROWS], ids=ids))
        keys = ["id"] if table_format.holds_names else []
        expected = [ids] if keys else []
        located = [open_source(str(folder)).locate(*pair) for pair in pairwise(asked)]
        for extents in (source.extents(target), located):
            got, found = rows_of(source, select(source, *keys), extents=extents, block_bytes=block)
            assert same_bits(got, NUMBERS)
            assert found == expected
        shutil.rmtree(folder)

    def test_header(self, table_format: TableFormat, cut_folder: str) -> None:
        source = open_source(cut_folder)
        whole = open_source(str(next(Path(cut_folder).iterdir())))
        header = source.header
        assert (header.path, header.format, header.names) == (cut_folder, whole.header.format, whole.header.names)
        assert list(header.types) == [FLOAT] * 3
        assert header.rows in (None, ROWS)
        assert header.size == sum(each.stat().st_size for each in Path(cut_folder).iterdir())
        assert header.origin.startswith("4 parts")
        assert (header.shape is None) == (whole.header.shape is None)

    def test_counting(self, cut_folder: str) -> None:
        assert open_source(cut_folder).count() == ROWS
        source = open_source(cut_folder)
        assert source.locate(ROWS, ROWS + 5).stop == ROWS
        assert source.locate(2 * ROWS, 3 * ROWS).first == ROWS
        source.count()
        assert source.estimate() == ROWS

    def test_it_travels_as_paths(self, cut_folder: str) -> None:
        source = open_source(cut_folder)
        extents = list(source.extents(500))
        copy = pickle.loads(pickle.dumps(source))
        assert len(pickle.dumps(source)) < 20_000
        assert same_bits(rows_of(copy, select(copy), extents=extents)[0], NUMBERS)

    @pytest.mark.parametrize("row", [0, 6, 7, 8, 99, 100, ROWS - 1])
    def test_place_of_a_row(self, row: int, cut_folder: str) -> None:
        place = open_source(cut_folder).place_of(row)
        begin = max(each for each in (0, 7, 8, 100) if each <= row)
        assert Path(place.path).stem == f"part-{(0, 7, 8, 100).index(begin)}"
        assert (place.row, place.own) == (row, row - begin if begin else None)
        part = next(each for each in Path(cut_folder).iterdir() if each.stem == Path(place.path).stem)
        assert place.line == open_source(str(part)).place_of(row - begin).line

    def test_a_part_that_changes_is_refused(self, cut_folder: str) -> None:
        source = open_source(cut_folder)
        source.check_unchanged()
        path = max(Path(cut_folder).iterdir())
        os.utime(path, ns=(1, 1))
        error = refusal(source.check_unchanged)
        assert (error.path, "changed" in error.message) == (str(path), True)

    def test_a_part_that_comes_or_goes_is_refused(self, cut_folder: str) -> None:
        source = open_source(cut_folder)
        first, *_, last = sorted(Path(cut_folder).iterdir())
        shutil.copy(first, first.with_name("part-9" + first.suffix))
        assert "was added" in refusal(source.check_unchanged).message
        os.unlink(first.with_name("part-9" + first.suffix))
        os.unlink(last)
        assert refusal(source.check_unchanged).path == str(last)

    def test_ten_comes_after_two(self, table_format: TableFormat, tmp_path: Path) -> None:
        source = open_source(parts(tmp_path / "many", table_format, list(range(0, 13)), NUMBERS[:12]))
        assert same_bits(rows_of(source, select(source))[0], NUMBERS[:12])

    def test_a_glob_is_one_table_if_asked(self, table_format: TableFormat, cut_folder: str) -> None:
        pattern = os.path.join(cut_folder, "part-*")
        source = open_source(pattern, Ways(concat=True))
        assert same_bits(rows_of(source, select(source))[0], NUMBERS)
        with pytest.raises(InputError):
            open_source(pattern)

    def test_more_parts_than_are_held_open(self, table_format: TableFormat, tmp_path: Path) -> None:
        cuts = list(range(0, 41))
        source = open_source(parts(tmp_path / "many", table_format, cuts, NUMBERS[:40]))
        extents = [source.locate(row, row + 1) for row in reversed(range(40))]
        got = [next(iter(source.blocks(extent, select(source), 100))).matrix for extent in extents]
        assert same_bits(np.concatenate(got[::-1]), NUMBERS[:40])
        held = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        assert held < 200


class TestArrays:
    @pytest.mark.parametrize("axis", [1, 2, None])
    def test_class_axis(self, axis: int | None, tmp_path: Path) -> None:
        array = np.arange(120.0).reshape(5, 4, 6)
        for number, piece in enumerate((array[:2], array[2:3], array[3:])):
            np.save(tmp_path / f"part{number}.npy", piece)
        source: Any = open_source(str(tmp_path))
        assert source.header.shape == (5, 4, 6)
        turned: Source = source.with_class_axis(axis, "said")
        moved = array.reshape(-1, 1) if axis is None else np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
        got = rows_of(turned, Selection(range(turned.header.width)), extents=turned.extents(64), block_bytes=50)[0]
        assert np.array_equal(got, moved)
        assert (turned.header.class_axis, turned.header.arranged, turned.count()) == (axis, "said", len(moved))
        assert np.array_equal(rows_of(source, Selection((0,)))[0], array.reshape(-1, 1))

    def test_the_first_axis_cannot_hold_classes(self, tmp_path: Path) -> None:
        for number in range(2):
            np.save(tmp_path / f"part{number}.npy", np.ones((2, 3)))
        source: Arranged = open_source(str(tmp_path))  # type: ignore[assignment]
        assert "first axis" in refusal(source.with_class_axis, 0, "").message

    def test_files_of_several_arrays(self, tmp_path: Path) -> None:
        for number in range(3):
            beside = {"only": np.ones(1)} if number == 1 else {}
            np.savez(
                tmp_path / f"w{number}.npz", logits=NUMBERS[number * 50 :][:50], labels=np.full(50, number), **beside
            )  # type: ignore[arg-type]
        found = open_file(str(tmp_path))
        assert isinstance(found, Container)
        assert (found.path, found.format) == (str(tmp_path), "npz")
        assert [(each.name, each.shape) for each in found.members] == [("logits", (150, 3)), ("labels", (150,))]
        assert same_bits(rows_of(found.open("logits"), Selection(range(3)))[0], NUMBERS)
        assert rows_of(found.open("labels"), Selection((), (0,)))[1] == [["0"] * 50 + ["1"] * 50 + ["2"] * 50]

    def test_no_array_in_common(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=np.ones(1))
        np.savez(tmp_path / "b.npz", y=np.ones(1))
        assert "no array has the same name" in refusal(open_file, str(tmp_path)).message


class TestColumns:
    def test_another_order_is_read_by_name(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "1.csv", "id,a,b", "x,1.5,2.5")
        write_csv(tmp_path / "2.csv", "b,id,a", "4.5,y,3.5")
        source = open_source(str(tmp_path))
        got, keys = rows_of(source, Selection((2, 1), (0,)))
        assert (got.tolist(), keys) == ([[2.5, 1.5], [4.5, 3.5]], [["x", "y"]])

    def test_compressed_parts(self, tmp_path: Path) -> None:
        for number in range(20):
            (tmp_path / f"{number}.csv.gz").write_bytes(gzip.compress(f"a,b\n{number}.5,0.5\n".encode()))
        source = open_source(str(tmp_path))
        for _ in range(2):
            assert rows_of(source, Selection((0,)))[0][:, 0].tolist() == [number + 0.5 for number in range(20)]

    def test_whole_numbers_in_one_part_only(self, tmp_path: Path) -> None:
        for number, values in enumerate(([1, 2], [0.5, 1.5])):
            pq.write_table(pa.table({"a": values, "i": [1, 2]}), tmp_path / f"{number}.parquet")
        source = open_source(str(tmp_path))
        assert list(source.header.types) == [FLOAT, INTEGER]
        assert rows_of(source, Selection((0,)))[0][:, 0].tolist() == [1.0, 2.0, 0.5, 1.5]

    def test_parts_without_rows(self, tmp_path: Path) -> None:
        lists = pa.list_(pa.float64())
        for number, values in enumerate(([], [[0.5, 1.5]], [], [[2.5, 3.5]])):
            pq.write_table(pa.table({"v": pa.array(values, lists)}), tmp_path / f"{number}.parquet")
        source = open_source(str(tmp_path))
        assert source.header.names == ("v[0]", "v[1]")
        assert rows_of(source, Selection(range(2)))[0].tolist() == [[0.5, 1.5], [2.5, 3.5]]

    def test_the_types_of_text_are_those_of_the_first_rows(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "1.csv", "id,a")
        write_csv(tmp_path / "2.csv", "id,a", "x,1.5")
        write_csv(tmp_path / "3.csv", "id,a", "7,2")
        assert list(open_source(str(tmp_path)).header.types) == [TEXT, FLOAT]


UNLIKE = {
    "missing": (("a,b", "1,2"), ("a,c", "1,2"), 'has no column "b"'),
    "added": (("a,b", "1,2"), ("a,b,c", "1,2,3"), 'has a column "c"'),
    "headerless": (("a,b", "1,2"), ("0.5,0.5",), "has no header line"),
    "wider": (("0.5,0.5",), ("0.5,0.5,0.5",), "has 3 columns"),
    "tabs": (("a,b", "1,2"), ("a\tb", "1\t2"), "is tsv"),
    "empty": (("a,b", "1,2"), (), "the file is empty"),
}


class TestRefusals:
    @pytest.mark.parametrize(("first", "second", "said"), UNLIKE.values(), ids=UNLIKE)
    def test_the_part_that_differs_is_named(
        self, first: tuple[str, ...], second: tuple[str, ...], said: str, tmp_path: Path
    ) -> None:
        for number in range(4):
            write_csv(tmp_path / f"part-{number}.csv", *(second if number == 2 else first))
        error = refusal(open_source, str(tmp_path))
        assert error.path == str(tmp_path / "part-2.csv")
        assert said in error.message
        assert error.hint

    def test_unlike_types(self, tmp_path: Path) -> None:
        for number, values in enumerate(([0.5], ["x"])):
            pq.write_table(pa.table({"a": values}), tmp_path / f"{number}.parquet")
        error = refusal(open_source, str(tmp_path))
        assert '"a" holds text' in error.message

    def test_lists_of_other_lengths(self, tmp_path: Path) -> None:
        for number, values in enumerate(([[0.5, 0.5]], [[0.5, 0.5, 0.5]])):
            pq.write_table(pa.table({"v": values}), tmp_path / f"{number}.parquet")
        assert "lists of 3 numbers" in refusal(open_source, str(tmp_path)).message

    def test_arrays_of_other_shapes(self, tmp_path: Path) -> None:
        for number, shape in enumerate(((2, 3), (2, 3, 1))):
            np.save(tmp_path / f"{number}.npy", np.ones(shape))
        assert refusal(open_source, str(tmp_path)).path == str(tmp_path / "1.npy")

    @pytest.mark.parametrize("name", ["About", "a.json", "zz.txt"])
    @pytest.mark.parametrize("format_", [CSV, PARQUET, NPY], ids=str)
    def test_one_odd_file_and_the_way_out(self, format_: TableFormat, name: str, tmp_path: Path) -> None:
        folder = parts(tmp_path / "table", format_, [0, 7, ROWS])
        (Path(folder) / name).write_text("# About\n\nThese are the rows, said somebody.\n")
        error = refusal(open_source, folder)
        assert error.path == os.path.join(folder, name)
        pattern = error.hint.split("'")[1]
        source = open_source(pattern, Ways(concat=True))
        assert same_bits(rows_of(source, select(source))[0], NUMBERS)

    @pytest.mark.parametrize("name", ["README.md", "LICENSE", "notes.md", ".gitattributes", "SHA256SUMS", "part-0.md5"])
    def test_what_speaks_of_the_parts_is_passed_over(self, name: str, tmp_path: Path) -> None:
        folder = parts(tmp_path / "table", CSV, [0, 7, ROWS])
        (Path(folder) / name).write_text("# About\n\nThese are the rows, said somebody.\n")
        for asked, ways in ((folder, Ways()), (folder + "/*", Ways(concat=True))):
            source = open_source(asked, ways)
            assert same_bits(rows_of(source, select(source))[0], NUMBERS)
            assert (f"{name} passed over" in source.header.origin) == (not name.startswith("."))
            source.check_unchanged()

    def test_nothing_but_words_about_parts(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("a,b\n0.5,0.5\n")
        assert "holds no file" in refusal(open_source, str(tmp_path)).message

    @pytest.mark.parametrize("format_", [CSV, PARQUET], ids=str)
    @pytest.mark.parametrize("row", [0, 6, 7, 99, 149])
    def test_errors_of_rows_are_placed(self, row: int, format_: TableFormat, tmp_path: Path) -> None:
        column: list[float | None] = [0.5] * ROWS
        column[row] = None
        table = {"a": column, "b": [0.5] * ROWS}
        for number, (first, stop) in enumerate(pairwise([0, 7, 100, ROWS])):
            piece = pa.table({name: values[first:stop] for name, values in table.items()})
            if format_ is PARQUET:
                pq.write_table(piece, tmp_path / f"{number}.parquet")
            else:
                rows = [f"{'' if a is None else a},{b}" for a, b in zip(*piece.to_pydict().values(), strict=True)]
                write_csv(tmp_path / f"{number}.csv", "a,b", *rows)
        source = open_source(str(tmp_path))
        error = refusal(rows_of, source, Selection((0, 1)))
        begin = max(each for each in (0, 7, 100) if each <= row)
        assert (error.row, error.column) == (row, "a")
        assert Path(error.path).stem == str((0, 7, 100).index(begin))
        assert error.line == (row - begin + 2 if format_ is CSV else None)
        if format_ is PARQUET and begin:
            assert f"row {row} (row {row - begin} of this file)" in error.message

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        (tmp_path / "_SUCCESS").touch()
        assert "holds no file" in refusal(open_source, str(tmp_path)).message

    def test_a_glob_without_files(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no file"):
            open_source(str(tmp_path / "*.csv"), Ways(concat=True))

    @pytest.mark.parametrize("name", ["_delta_log", ".hoodie"])
    def test_tables_that_a_log_describes(self, name: str, tmp_path: Path) -> None:
        folder = parts(tmp_path / "table", PARQUET, [0, 7, ROWS])
        (Path(folder) / name).mkdir()
        assert "log" in refusal(open_source, folder).message

    def test_links_in_a_circle(self, tmp_path: Path) -> None:
        folder = parts(tmp_path / "table", PARQUET, [0, 7, ROWS])
        os.symlink(folder, os.path.join(folder, "again"))
        assert "a second time" in refusal(open_source, folder).message

    def test_a_pipe_among_the_parts(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.csv")
        assert "no regular file" in refusal(open_source, str(tmp_path)).message


class TestFolders:
    def test_what_others_leave_is_passed_over(self, tmp_path: Path) -> None:
        folder = Path(parts(tmp_path / "table", CSV, [0, 7, ROWS]))
        (folder / "_SUCCESS").touch()
        (folder / ".part-0.crc").write_bytes(b"\0\1")
        (folder / "_temporary").mkdir()
        (folder / "_temporary" / "x.csv").write_text("half")
        assert open_source(str(folder)).count() == ROWS

    def test_a_folder_of_folders(self, tmp_path: Path) -> None:
        for place in ("10/1", "2/1", "2/10", "2/9"):
            write_csv(tmp_path / f"{place}.csv", "a,b", f"{place.replace('/', '.')},0.5")
        got = rows_of(open_source(str(tmp_path)), Selection((0,)))[0][:, 0]
        assert got.tolist() == [2.1, 2.9, 2.1, 10.1]

    def test_only_text_that_is_asked_for_is_counted(self, tmp_path: Path) -> None:
        for number in range(3):
            write_csv(tmp_path / f"{number}.csv", "a,b", *["0.5,0.5"] * 10, *["", "0.5,0.5"] * (number == 2))
        source = open_source(str(tmp_path))
        assert source.locate(3, 18).stop == 18
        error = refusal(source.count)
        assert (error.row, error.line, Path(error.path).name) == (30, 12, "2.csv")


def partitions(root: Path, *values: str) -> str:
    for number, value in enumerate(values):
        (root / value).mkdir(parents=True)
        pq.write_table(pa.table({"a": [number + 0.5] * 2, "b": [0.5] * 2}), root / value / "part-0.parquet")
    return str(root)


class TestPartitions:
    """Folders that name a key and its value."""

    def test_keys_are_columns_of_text(self, tmp_path: Path) -> None:
        source = open_source(partitions(tmp_path / "t", "split=test/fold=2", "split=a%2Fb%20c/fold=10"))
        assert source.header.names == ("a", "b", "split", "fold")
        assert list(source.header.types) == [FLOAT, FLOAT, TEXT, TEXT]
        got, keys = rows_of(source, Selection((0,), (3, 2)))
        assert got[:, 0].tolist() == [1.5, 1.5, 0.5, 0.5]
        assert keys == [["10", "10", "2", "2"], ["a/b c", "a/b c", "test", "test"]]

    def test_keys_alone(self, tmp_path: Path) -> None:
        source = open_source(partitions(tmp_path / "t", "y=cat", "y=dog"))
        assert rows_of(source, Selection((), (2,)), block_bytes=8)[1] == [["cat", "cat", "dog", "dog"]]

    def test_the_reader_of_arrow_agrees(self, tmp_path: Path) -> None:
        path = partitions(tmp_path / "t", "y=cat", "y=dog", "y=a%3Db")
        expected = pq.read_table(path, partitioning="hive")
        source = open_source(path)
        rows = rows_of(source, Selection((0,), (2,)))
        got = sorted(zip(rows[0][:, 0].tolist(), rows[1][0], strict=True))
        assert got == sorted(zip(expected["a"].to_pylist(), map(str, expected["y"].to_pylist()), strict=True))

    def test_a_glob_through_them(self, tmp_path: Path) -> None:
        path = partitions(tmp_path / "t", "y=cat", "y=dog")
        source = open_source(os.path.join(path, "y=*", "*.parquet"), Ways(concat=True))
        assert source.header.names == ("a", "b", "y")

    def test_keys_must_be_the_same(self, tmp_path: Path) -> None:
        error = refusal(open_source, partitions(tmp_path / "t", "a=1", "b=2"))
        assert error.path == str(tmp_path / "t" / "b=2" / "part-0.parquet")

    def test_a_column_of_the_files_counts(self, tmp_path: Path) -> None:
        source = open_source(partitions(tmp_path / "t", "a=1", "a=2"))
        assert source.header.names == ("a", "b")
        assert "left out" in source.header.origin

    def test_a_missing_value(self, tmp_path: Path) -> None:
        source = open_source(partitions(tmp_path / "t", "y=cat", "y=__HIVE_DEFAULT_PARTITION__"))
        error = refusal(rows_of, source, Selection((0,), (2,)))
        assert (error.row, error.column) == (0, "y")
        blocks = list(source.blocks(source.locate(0, 4), Selection((0,), (2,), missing=True), 1 << 20))
        assert [None if each.missing is None else each.missing.tolist() for each in blocks] == [[True, True], None]
        assert np.isnan(blocks[0].matrix).all()

    def test_they_are_no_numbers(self, tmp_path: Path) -> None:
        source = open_source(partitions(tmp_path / "t", "fold=1", "fold=2"))
        assert refusal(rows_of, source, Selection((0, 2))).column == "fold"


def test_a_flipped_bit_in_an_archive_among_parts_is_refused(tmp_path: Path) -> None:
    for i in range(3):
        np.savez(tmp_path / f"part-{i}.npz", logits=NUMBERS)
    whole = tmp_path / "part-1.npz"
    data = bytearray(whole.read_bytes())
    data[data.index(NUMBERS.tobytes()[:64]) + 40] ^= 1
    whole.write_bytes(data)
    with pytest.raises(InputError, match="checksum") as caught:
        api.run(api.declared("entropy"), [str(tmp_path)], {})
    assert caught.value.path.startswith(str(whole))
