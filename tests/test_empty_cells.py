"""Empty cells marked each for itself: the marks are those of the cells, in every format that has empty cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_counting import NAMES, SAVES, Save, frame

from divtool.errors import InputError
from divtool.formats.memory import open_object
from divtool.formats.opening import open_source
from divtool.formats.source import Selection, Source

KEYS = ("size", "flag", "part", "colour")
NUMBERS = ("whole", "weight")


def in_memory(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    return table


def opened(save: Save, folder: Path) -> Source:
    made = save(frame(), folder)
    return open_source(made) if isinstance(made, str) else open_object(made, "x")


@pytest.fixture(params=[*SAVES, in_memory], ids=lambda save: save.__name__.removeprefix("save_"))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    return opened(request.param, tmp_path)


def selection(keys: tuple[str, ...] = KEYS) -> Selection:
    return Selection([NAMES.index(name) for name in NUMBERS], tuple(NAMES.index(name) for name in keys), cells=True)


def test_the_marks_are_those_of_the_cells(source: Source) -> None:
    table = frame()
    for size in (1 << 20, 500):
        rows = 0
        for block in source.blocks(source.locate(0, len(table)), selection(), size):
            part = table.iloc[block.first : block.first + len(block)]
            assert block.missing is None
            assert np.array_equal(block.matrix, part[list(NUMBERS)].to_numpy(float), equal_nan=True)
            for place, name in enumerate(KEYS):
                gone = part[name].isna().to_numpy()
                marks = block.absent_in(place)
                assert (np.zeros(len(part), bool) if marks is None else marks).tolist() == gone.tolist()
                there = [block.keys[place].text(row) for row in np.flatnonzero(~gone).tolist()]
                assert there == [str(value) for value in part[name][~gone]]
            cut = block.part(1, len(block))
            assert [None if marks is None else marks.tolist() for marks in cut.absent] == [
                None if marks is None else marks.tolist()[1:] for marks in block.absent
            ]
            rows += len(block)
        assert rows == len(table)


def test_no_empty_cell_has_no_marks(source: Source) -> None:
    for block in source.blocks(source.locate(0, 99), selection(("flag", "part")), 1 << 20):
        assert block.absent == () or set(block.absent) == {None}


def test_else_they_are_refused_or_mark_their_row(source: Source) -> None:
    table = frame()
    wanted = selection(("size", "colour"))
    with pytest.raises(InputError, match=r"missing|empty"):
        list(source.blocks(source.locate(0, len(table)), replace(wanted, cells=False), 1 << 20))
    blocks = source.blocks(source.locate(0, len(table)), replace(wanted, cells=False, missing=True), 1 << 20)
    marks = np.concatenate([np.zeros(len(each), bool) if each.missing is None else each.missing for each in blocks])
    assert marks.tolist() == table[["whole", "weight", "size", "colour"]].isna().any(axis=1).tolist()


def test_lists(tmp_path: Path) -> None:
    """A row without a list, and a list without a number, are NaN; as keys, they are marked."""
    table = pd.DataFrame({"v": [[1.0, 2.0], None, [3.0, None]], "w": [[1, 2], [3, 4], None]})
    source = open_object(table, "x")
    (block,) = source.blocks(source.locate(0, 3), Selection((0, 1, 2), (2, 3), cells=True), 1 << 20)
    expected = [[1.0, 2.0, 1.0], [np.nan, np.nan, 3.0], [3.0, np.nan, np.nan]]
    assert np.array_equal(block.matrix, expected, equal_nan=True)
    assert [None if marks is None else marks.tolist() for marks in block.absent] == [[False, False, True]] * 2


def test_a_folder_whose_name_lacks_its_value(tmp_path: Path) -> None:
    for value in ("a", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / f"y={value}").mkdir()
        (tmp_path / f"y={value}" / "x.csv").write_text("n,t\n1.5,p\n2.5,\n")
    source = open_source(str(tmp_path))
    wanted = Selection((0,), (1, 2), cells=True)
    blocks = list(source.blocks(source.locate(0, 4), wanted, 1 << 20))
    marks = [[None if each is None else each.tolist() for each in block.absent] for block in blocks]
    assert sorted(marks, key=str) == [[[False, True], None], [[False, True], [True, True]]]
    assert all(block.matrix.tolist() == [[1.5], [2.5]] for block in blocks)
    assert {block.keys[1].text(0) for block in blocks} == {"a", ""}
