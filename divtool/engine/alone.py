"""Labels that have no predictions beside them: their classes are those given, else all that occur; or soft rows."""

from __future__ import annotations

from dataclasses import replace

from divtool.engine.bind import soft_rows
from divtool.engine.inputs import Input
from divtool.engine.operands import Opened
from divtool.errors import InputError, UsageError
from divtool.formats.source import Selection, Source
from divtool.meaning.classes import Matched
from divtool.meaning.columns import Columns, decide_label
from divtool.meaning.labels import LabelRule
from divtool.options import Reading
from divtool.registry import natural

_READ = 1 << 22
# More names than this are no classes but ids or free text.
MOST_CLASSES = 1 << 20


def labels_alone(
    opened: Opened, id: int | None, reading: Reading, classes: str, ignore: tuple[int, ...]
) -> tuple[Input, Matched]:
    """The labels file with its rule, and its classes.

    ``classes`` is how many there are, or their names separated by commas; empty means all that occur: names in natural
    order, whole numbers from 0 to the largest.
    """
    header = opened.header
    if opened.column is not None and reading.label_col is not None:
        raise UsageError("the label column is named twice: behind the file and by --label-col")
    column = None if reading.columns else decide_label(header, id=id, named=opened.column or reading.label_col)
    if column is None:
        return _soft(opened, id, reading)
    drop = reading.drops_missing
    names = _given(classes) if classes else _found(opened.source, column, ignore, drop_missing=drop)
    numbered = isinstance(names, int)
    texts = tuple(str(i) for i in range(names)) if isinstance(names, int) else names
    rule = LabelRule(
        "index" if numbered else "name", len(texts), {text: i for i, text in enumerate(texts)}, ignore, header.path,
        header.name(column) if header.names else None,
    )  # fmt: skip
    given = Input(opened.source, Columns((), id, column), order=range(len(texts)), drop_missing=drop)
    return replace(given, labels=rule), Matched((range(len(texts)),), None if numbered else texts, "")


def _soft(opened: Opened, id: int | None, reading: Reading) -> tuple[Input, Matched]:
    rows = soft_rows(opened, id, reading, answers=False, chosen=reading.columns)
    return rows, Matched((range(rows.width),), rows.class_names, "")


def _given(classes: str) -> int | tuple[str, ...]:
    names = tuple(piece.strip() for piece in classes.split(","))
    if len(names) == 1 and names[0].isdigit() and 1 <= int(names[0]) <= MOST_CLASSES:
        return int(names[0])
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise UsageError(f'--classes "{classes}": expected how many there are, or their names: --classes cat,dog,fish')
    return names


def _found(source: Source, column: int, ignore: tuple[int, ...], *, drop_missing: bool) -> int | tuple[str, ...]:
    """The distinct labels of a whole file; a number where all of them are whole numbers from 0."""
    seen: set[str] = set()
    for extent in source.extents(_READ):
        for block in source.blocks(extent, Selection((), (column,), drop_missing), _READ):
            keys = block.keys[0] if block.missing is None else block.keys[0].where(~block.missing)
            seen.update(keys.encode()[1])
            if len(seen) > MOST_CLASSES:
                raise InputError(
                    f"holds more than {MOST_CLASSES:,} different labels", path=source.header.path,
                    hint="is this the label column? Name it after the file: FILE:COLUMN",
                )  # fmt: skip
    seen -= {str(value) for value in ignore}
    if seen and all(text.isdigit() and text == str(int(text)) for text in seen):
        most = max(int(text) for text in seen)
        if most < MOST_CLASSES:
            return most + 1
    return tuple(sorted(seen - {""}, key=natural))
