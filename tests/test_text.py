"""Text tables as people write them: habits that are read and said, and what is refused with the way out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from divtool.errors import InputError
from divtool.formats.opening import open_source
from divtool.formats.source import Block, Selection, Source, Ways


def written(folder: Path, content: str | bytes) -> str:
    path = folder / "x.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def blocks_of(source: Source, selection: Selection) -> list[Block]:
    return [block for extent in source.extents(1) for block in source.blocks(extent, selection, 1)]


def numbers_in(path: str, columns: Any = None, **options: Any) -> np.ndarray:
    source = open_source(path, Ways(**options))
    wanted = Selection(range(source.header.width) if columns is None else columns)
    return np.concatenate([block.matrix for block in blocks_of(source, wanted)])


def refusal(path: str, columns: Any = None, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        numbers_in(path, columns, **options)
    return caught.value


ROWS = [[0.25, 0.75], [0.5, 0.5]]
HABITS = {
    "comment": ("# made today\na,b\n0.25,0.75\n0.5,0.5\n", ("a", "b"), "comment"),
    "comments": ("# made today\n# by hand\na,b\n0.25,0.75\n0.5,0.5\n", ("a", "b"), "2 comment lines"),
    "savetxt": ("# a,b\n0.25,0.75\n0.5,0.5\n", ("a", "b"), "comment"),
    "savetxt-spaces": ("# a b\n2.5e-01 7.5e-01\n0.5 0.5\n", ("a", "b"), "comment"),
    "sign-in-first-name": ("#a,b\n0.25,0.75\n0.5,0.5\n", ("#a", "b"), ""),
    "trailing-delimiter": ("a,b,\n0.25,0.75,\n0.5,0.5,\n", ("a", "b"), "end of each line"),
    "trailing-no-header": ("0.25,0.75,\n0.5,0.5,\n", None, "end of each line"),
    "runs-of-spaces": ("  a   b\n 0.25   0.75  \n0.5 0.5\n", ("a", "b"), ""),
    "spaces-crlf": ("a  b \r\n0.25  0.75 \r\n 0.5 0.5\r\n", ("a", "b"), ""),
    "spaces-no-header": ("  0.25  0.75\n  0.5   0.5\n", None, ""),
    "space-behind-delimiter": ('"a", "b"\n0.25, 0.75\n0.5, 0.5\n', ("a", "b"), ""),
    "numbers-as-names": ("0.1,0.2\n0.25,0.75\n0.5,0.5\n", None, ""),
}


class TestHabits:
    @pytest.mark.parametrize(("text", "names", "note"), HABITS.values(), ids=HABITS)
    def test_a_table_is_a_table(self, text: str, names: tuple[str, ...] | None, note: str, tmp_path: Path) -> None:
        path = written(tmp_path, text)
        header = open_source(path).header
        assert header.names == names
        assert note in " ".join(header.notes)
        assert bool(header.notes) == bool(note)
        assert numbers_in(path).tolist()[-2:] == ROWS

    def test_lines_count_the_comments(self, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, "# one\n# two\na,b\n0.25,0.75\n0.5,oops\n"))
        assert (error.row, error.line) == (1, 5)

    def test_spaces_in_quotation_marks_stay(self, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, 'id  a  b\n"x  y"  0.5  0.5\n z 0.25   0.75\n'))
        (block,) = blocks_of(source, Selection((1, 2), (0,)))
        assert [block.keys[0].text(i) for i in range(2)] == ["x  y", "z"]

    def test_text_of_several_words_is_not_cut(self, tmp_path: Path) -> None:
        assert open_source(written(tmp_path, "label name\nclass 1\nclass 2\n")).header.width == 1

    def test_old_mac_lines(self, tmp_path: Path) -> None:
        assert "tr '" in refusal(written(tmp_path, "a,b\r0.25,0.75\r0.5,0.5\r")).hint

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("Results of today\na,b,c\n1,2,3\n4,5,6\n", "the lines below it have 3"),
            ("a,b\nx,0.5,0.5\ny,0.5,0.5\n", "the lines below it have 3"),
            ("a,b\n0.5,0.5,\n0.5,0.5,\n", "the lines below it have 3"),
            ("id;a;b\n1;0,5;0,5\n2;0,25;0,75\n", "decimal commas"),
            ('id,a\nx,"0.5\ny,0.5\n', "that opens here is not closed"),
            ("x" * 300, "longer than"),
        ],
    )
    def test_refused_at_once(self, text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.formats.csv._HEAD", 64)
        monkeypatch.setattr("divtool.formats.csv._LONGEST_HEAD", 256)
        with pytest.raises(InputError, match=said) as caught:
            open_source(written(tmp_path, text))
        assert caught.value.hint or "longer" in said

    @pytest.mark.parametrize("row", [3, 4000, 29_998])
    def test_a_quotation_mark_that_is_left_open_is_named_by_its_line(self, row: int, tmp_path: Path) -> None:
        lines = ["id,a\n", *(f"x{i},0.5\n" for i in range(30_000))]
        lines[row + 1] = '"x,0.5\n'
        error = refusal(written(tmp_path, "".join(lines)), (1,))
        assert (error.row, error.line) == (row, row + 2)
        assert "not closed" in error.message

    def test_two_open_quotation_marks_hide_no_rows(self, tmp_path: Path) -> None:
        lines = ["id,a\n", *(f"x{i},0.5\n" for i in range(30_000))]
        lines[5_001] = lines[5_006] = '"x,0.5\n'
        error = refusal(written(tmp_path, "".join(lines)), (1,))
        assert (error.row, error.line) == (5_000, 5_002)

    @pytest.mark.parametrize("word", ["NA", "N/A", "null", "None", "-", "?"])
    def test_words_for_missing_tell_the_way_out(self, word: str, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, f"a,b\n0.5,0.5\n0.5,{word}\n"))
        assert (error.row, error.line, error.column) == (1, 3, "b")
        assert "--missing" in error.hint

    @pytest.mark.parametrize("text", ["nan(12)", "1e999", "-1e999", "0x10", "1_0", "٣", "5%", "1,000", "infinit"])
    def test_what_is_no_number(self, text: str, tmp_path: Path) -> None:
        error = refusal(written(tmp_path, f'a,b\n0.5,0.5\ninf,-inf\n0.5,"{text}"\n'))
        assert (error.row, error.line, error.column) == (2, 4, "b")
        assert f'"{text}"' in error.message

    def test_only_the_rows_that_are_asked_for_are_read(self, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, "a\n1.5\noops\n2.5\n"))
        (block,) = source.blocks(source.locate(2, 3), Selection((0,)), 1 << 20)
        assert (block.first, block.matrix.tolist()) == (2, [[2.5]])


class TestMissing:
    def test_rows_with_an_empty_cell_are_marked(self, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, 'id,a,b\nx,0.5,0.5\ny,,0.5\n,1.5,2.5\nz,1,""\n'))
        (block,) = blocks_of(source, Selection((1, 2), (0,), missing=True))
        assert block.missing is not None
        assert block.missing.tolist() == [False, True, True, True]
        assert block.matrix[0].tolist() == [0.5, 0.5]
        assert np.isnan(block.matrix[1:]).all()
        assert [block.keys[0].text(i) for i in range(4)] == ["x", "y", "", "z"]

    def test_nothing_is_marked_where_nothing_is_missing(self, tmp_path: Path) -> None:
        source = open_source(written(tmp_path, "id,a,b\nx,0.5,\n"))
        (block,) = blocks_of(source, Selection((1,), (0,), missing=True))
        assert block.missing is None


def with_vectors(folder: Path, cells: list[str]) -> str:
    path = folder / "x.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "probs"])
        writer.writerows([f"x{i}", cell] for i, cell in enumerate(cells))
    return str(path)


HARD = np.random.default_rng(3).integers(0, 2**64, (50, 7), dtype=np.uint64).view(np.float64)
HARD = np.where(np.isfinite(HARD), HARD, 0.1)
PRINTED = {
    "list": lambda row: str(row.tolist()),
    "tuple": lambda row: str(tuple(row.tolist())),
    "tight": lambda row: "[" + ",".join(map(repr, row.tolist())) + "]",
    "numpy": lambda row: np.array2string(row, floatmode="unique", max_line_width=10_000),
    "numpy-over-lines": lambda row: np.array2string(row, floatmode="unique", max_line_width=60),
}


class TestVectors:
    @pytest.mark.parametrize("printed", PRINTED.values(), ids=PRINTED)
    def test_every_bit_survives(self, printed: Any, tmp_path: Path) -> None:
        source = open_source(with_vectors(tmp_path, [printed(row) for row in HARD]))
        assert source.header.names == ("id", *(f"probs[{i}]" for i in range(7)))
        assert [(each.name, each.first, each.width) for each in source.header.vectors] == [("probs", 1, 7)]
        assert numbers_in(source.header.path, range(1, 8)).tobytes() == HARD.tobytes()
        assert numbers_in(source.header.path, (3, 1)).tobytes() == HARD[:, [2, 0]].tobytes()

    def test_infinities_are_numbers(self, tmp_path: Path) -> None:
        path = with_vectors(tmp_path, ["[-inf, 0.5]", "[inf, -Infinity]"])
        assert numbers_in(path, (1, 2)).tolist() == [[-np.inf, 0.5], [np.inf, -np.inf]]

    def test_empty_cells_are_missing(self, tmp_path: Path) -> None:
        path = with_vectors(tmp_path, ["[0.5, 0.5]", "", "[1, 2]"])
        assert "empty" in refusal(path, (1, 2)).message
        (block,) = blocks_of(open_source(path), Selection((1, 2), missing=True))
        assert block.missing is not None
        assert block.missing.tolist() == [False, True, False]
        assert block.matrix[[0, 2]].tolist() == [[0.5, 0.5], [1.0, 2.0]]

    @pytest.mark.parametrize(
        ("cell", "said"),
        [
            ("[0.1, ..., 0.9]", "left out"),
            ("[0.1, 0.2, 0.7]", "holds 3 numbers; expected 2"),
            ("[]", "the list is empty"),
            ("array([0.1, 0.9])", "no row of numbers"),
            ("tensor([0.1, 0.9])", "no row of numbers"),
            ("0.1, 0.9", "no row of numbers"),
            ("[0.1, oops]", '"oops" is not a number'),
            ("[0.1, ]", "missing between commas"),
            ("[0.1, 0x10]", '"0x10" is not a number'),
            ("[0.1, 1e999]", '"1e999" is too large'),
            ("[0.1 0.9]", "without commas"),
        ],
    )
    def test_other_cells_are_refused_by_row(self, cell: str, said: str, tmp_path: Path) -> None:
        error = refusal(with_vectors(tmp_path, ["[0.5, 0.5]"] * 40 + [cell] + ["[0.5, 0.5]"]), (1, 2))
        assert (error.row, error.line, error.column) == (40, 42, "probs")
        assert said in error.message

    @pytest.mark.parametrize("cell", ["[0.1 ... 0.9]", "array([0.1, 0.9])", "tensor([0.1, 0.9])"])
    def test_a_file_of_nothing_else_is_refused_with_the_way_out(self, cell: str, tmp_path: Path) -> None:
        error = refusal(with_vectors(tmp_path, [cell] * 3))
        assert error.column == "probs"
        assert "np.save" in error.hint

    def test_a_table_without_a_header_keeps_its_first_row(self, tmp_path: Path) -> None:
        path = written(tmp_path, 'x,"[0.25, 0.75]"\ny,"[0.5, 0.5]"\n')
        assert open_source(path).header.names is None
        assert numbers_in(path, (1, 2)).tolist() == ROWS
