"""First lines that one file alone leaves undecided: a ``0`` above whole numbers is a label, or the name that pandas
gives to a column without one. The number of rows of the other file says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from divtool.engine.operands import Opened
from divtool.formats.source import INTEGER, Header, Selection, Source
from divtool.options import Reading

_UNDECIDED = "0"
_INDEX = "index"


def with_settled_headers(opened: Sequence[Opened], reading: Reading) -> list[Opened]:
    """The operands with their first lines taken for what they are: a file of one column that would have one row more
    than the file it is held against begins with a header."""
    settled = _indexed(opened) if reading.id == _INDEX else list(opened)
    if len(opened) < 2 or reading.header or reading.no_header:
        return settled
    for i, each in enumerate(settled):
        other = settled[0] if i else settled[1]
        if other.source is each.source or not is_undecided(each.source):
            continue
        if each.source.count() == _rows_of(other.source) + 1:
            settled[i] = _noted(with_header(each, True), other)
    return settled


def _indexed(opened: Sequence[Opened]) -> list[Opened]:
    """Data frames whose index only counts the rows with it as a column: it is asked for by name."""
    if all(each.header.counted is None or each.header.find(_INDEX) is not None for each in opened):
        return list(opened)
    from divtool.formats.memory import FrameSource

    # What is there twice stays one source.
    own = {id(each.source): each.source for each in opened}
    found = {key: source.indexed() if isinstance(source, FrameSource) else source for key, source in own.items()}
    return [replace(each, source=found[id(each.source)]) for each in opened]


def with_header(opened: Opened, there: bool) -> Opened:
    """The same text table with its first line taken for names, or for a row."""
    from divtool.formats.csv import CsvSource

    source = opened.source
    return replace(opened, source=source.with_header(there)) if isinstance(source, CsvSource) else opened


def is_undecided(source: Source) -> bool:
    """Whether a text of one column of whole numbers begins with a ``0`` that is taken for one of them."""
    header: Header = source.header
    if header.format not in ("csv", "tsv") or header.names is not None or list(header.types) != [INTEGER]:
        return False
    for block in source.blocks(source.locate(0, 1), Selection((), (0,), missing=True), 1):
        return len(block) > 0 and block.keys[0].text(0) == _UNDECIDED
    return False


def _rows_of(source: Source) -> int:
    return source.count() if source.header.rows is None else source.header.rows


def _noted(opened: Opened, other: Opened) -> Opened:
    header = opened.header
    said = f'{header.path}: the first line ("0") is taken as a name: the rows below it are as many as those of'
    opened.source.header = replace(header, notes=(*header.notes, f"{said} {other.header.path} (--no-header)"))
    return opened
