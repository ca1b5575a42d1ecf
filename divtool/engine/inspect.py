"""A single file as divtool sees it, whatever it may be for: the decisions of a run, each with its evidence or its
doubt, and none of them final."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from divtool.engine.arrays import with_class_axes
from divtool.engine.inputs import Input
from divtool.engine.naming import id_columns
from divtool.engine.operands import Opened, ways_of
from divtool.engine.sampling import first_counts, narrowed, sample_of, with_kind
from divtool.engine.scan import has_twins, scan_labels, scan_table
from divtool.errors import InputError
from divtool.formats.opening import file_and_key, open_file
from divtool.formats.source import FLOAT, INTEGER, TEXT, Container, Header, Selection, Source
from divtool.meaning.classes import stripped
from divtool.meaning.columns import Columns, aside_like, decide_label, decide_matrix, labels_in, outcomes_of
from divtool.meaning.grammar import find_column
from divtool.meaning.kinds import Kind
from divtool.meaning.members import choose_member
from divtool.measures.declare import Operand
from divtool.options import Reading
from divtool.result import Inspection

# Any table of distributions; what a measure makes of it is its own affair.
ANY_TABLE = Operand("p", "FILE", "A table.", frozenset({"logits", "log-probs", "probs", "counts"}))


def inspect_file(name: str, reading: Reading, most_bytes: int) -> Inspection:
    """What a file is. Raises :class:`InputError` only where it cannot be opened at all."""
    path, key = file_and_key(name)
    found = open_file(path, ways_of(reading))
    if not isinstance(found, Container):
        return _of_source(found, name, reading, most_bytes)
    size = os.path.getsize(path) if os.path.isfile(path) else 0
    members = tuple((each.name, each.shape, each.dtype) for each in found.members)
    try:
        source = found.open(choose_member(found, key, "p"))
    except InputError as error:
        return Inspection(name, found.format, size, members=members, doubts=((error.message, error.hint),))
    return replace(_of_source(source, name, reading, most_bytes), members=members)


def _of_source(source: Source, name: str, reading: Reading, most_bytes: int) -> Inspection:
    header = source.header
    seen = Inspection(
        name, header.format, header.size, rows=_known_rows(source, most_bytes), columns=header.width,
        dtype=header.dtype, shape=header.shape, notes=header.notes, origin=header.origin,
    )  # fmt: skip
    try:
        (id,) = id_columns([Opened(ANY_TABLE, source)], reading).columns
        label = _label(header, id, reading)
        outcomes = tuple(header.name(i) for i in outcomes_of(header))
        seen = replace(seen, decided=_about(header, id, label, outcomes), outcomes=outcomes)
        if label is not None:
            seen = replace(seen, labels=scan_labels(source, label, most_bytes))
        if label is not None and not _numbers_beside(header, id, label):
            source.check_unchanged()
            return seen
        seen = _with_table(seen, source, id, label, reading, most_bytes)
        source.check_unchanged()
    except InputError as error:
        return replace(seen, doubts=((error.message, error.hint),))
    return seen


def _known_rows(source: Source, most_bytes: int) -> int | None:
    """The number of rows where it is known, or can be counted by reading no more than is to be read."""
    header = source.header
    return header.rows if header.rows is not None or header.size > most_bytes else source.count()


def _label(header: Header, id: int | None, reading: Reading) -> int | None:
    if reading.label_col is not None:
        return find_column(header, reading.label_col, "--label-col")
    named = [i for i in labels_in(header) if header.types[i] != FLOAT]
    if len(named) == 1:
        return named[0]
    numbers = [i for i in range(header.width) if i != id and header.types[i] == FLOAT]
    return None if numbers or len(named) > 1 else _only_column(header, id)


def _only_column(header: Header, id: int | None) -> int | None:
    """The column of a file that can hold nothing but labels."""
    if (header.shape is not None and len(header.shape) > 1 and header.width > 1) or header.vectors:
        return None
    try:
        column = decide_label(header, id=id, named=None)
    except InputError:
        return None
    return column if column is not None and header.types[column] in (INTEGER, TEXT) else None


def _numbers_beside(header: Header, id: int | None, label: int) -> bool:
    return any(i not in (id, label) and header.types[i] in (FLOAT, INTEGER) for i in range(header.width))


def _about(header: Header, id: int | None, label: int | None, outcomes: Sequence[str]) -> tuple[str, ...]:
    said = []
    if id is not None and header.names is not None:
        said.append(f'rows are named by "{header.name(id)}"')
    if label is not None and header.names is not None:
        said.append(f'labels stand in "{header.name(label)}"')
    if label is not None and header.names is None and header.width > 1:
        said.append(f"labels seem to stand in column {label} (whole numbers beside others)")
    if outcomes and label is None:
        said.append("outcomes class by class in " + ", ".join(f'"{name}"' for name in outcomes[:6]))
    return tuple(said)


def _with_table(
    seen: Inspection, source: Source, id: int | None, label: int | None, reading: Reading, most_bytes: int
) -> Inspection:
    (opened,) = with_class_axes([Opened(ANY_TABLE, source)], reading.class_axis)
    source = opened.source
    columns = decide_matrix(
        source.header, id=id, label=label, chosen=reading.columns, first_counts=first_counts(source), of_two=True
    )
    if reading.columns is None:
        columns = narrowed(columns, source, drop_missing=True)
    single = len(columns.classes) == 1
    given = Input(source, columns, "p", single=single, drop_missing=True)
    given = replace(given, order=range(given.width))
    seen = replace(
        seen, classes=given.width, class_names=given.class_names,
        decided=seen.decided + ((source.header.arranged,) if source.header.arranged else ()) + _left_out(columns),
        figures=scan_table(given, most_bytes),
    )  # fmt: skip
    if single and not seen.outcomes and seen.labels is None:
        seen = replace(seen, outcomes=_answers(source, columns.classes[0]))
    if not seen.outcomes and seen.labels is None and given.class_names is not None:
        seen = replace(seen, outcomes=_texts_of_classes(source, given.class_names))
    kind = with_kind(given, reading, ANY_TABLE.kinds, "--given").kind
    assert kind is not None
    seen = replace(seen, doubts=_doubts(seen, given, kind))
    return replace(seen, kind=kind.name, evidence=kind.evidence + (f" ({kind.doubt})" if kind.doubt else ""))


def _texts_of_classes(source: Source, names: tuple[str, ...]) -> tuple[str, ...]:
    """The one text column whose entries are all names of classes."""
    known, header = {*names, *stripped(names)}, source.header
    texts = [i for i in range(header.width) if header.types[i] == TEXT and header.names is not None][:_TRIED]
    found = []
    for column in texts:
        entries = set(sample_of(source, Selection((), (column,), missing=True)).keys[0].encode()[1]) - {""}
        found += [header.name(column)] if entries and entries <= known else []
    return tuple(found) if len(found) == 1 else ()


_TRIED = 20


def _answers(source: Source, beside: int) -> tuple[str, ...]:
    """The one column of whole numbers that holds nothing but 0 and 1, beside the probability of class 1."""
    header = source.header
    whole = [i for i in range(header.width) if header.types[i] == INTEGER and i != beside and header.names is not None]
    if not whole:
        return ()
    x = sample_of(source, Selection(tuple(whole), missing=True)).matrix
    found = [header.name(column) for column, values in zip(whole, x.T, strict=True) if set(values.tolist()) == {0, 1}]
    found = [name for name in found if not aside_like(name)]
    return tuple(found) if len(found) == 1 else ()


def _doubts(seen: Inspection, given: Input, kind: Kind) -> tuple[tuple[str, str], ...]:
    """What a run would refuse for a row, though the first rows say nothing of it."""
    figures, said = seen.figures, []
    assert figures is not None
    sums = (figures.least_sum, figures.greatest_sum)
    if kind.name == "probs" and not given.single and any(abs(each - 1.0) > kind.tolerance for each in sums):
        said.append(("some rows do not sum to 1, and would be refused", "--normalize divides each row by its sum"))
    if figures.nan:
        said.append(("there are rows with NaN, which are refused", "remove them, or find out where they come from"))
    if figures.missing:
        said.append(("there are rows with an empty cell", "--missing drop leaves them out"))
    if given.columns.id is not None and has_twins(given.source, given.columns.id):
        said.append(("there are ids that stand twice, by which no rows can be matched", "--id names another column"))
    return tuple(said)


def _left_out(columns: Columns) -> tuple[str, ...]:
    """What is no class, reason by reason."""
    reasons: dict[str, list[str]] = {}
    for name, why in columns.excluded:
        if why not in _SAID:
            reasons.setdefault(why, []).append(f'"{name}"')
    said = []
    for why, names in reasons.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        said.append(f"{', '.join(names[:_NAMED])}{more}: no class, {why}")
    return tuple(said)


_NAMED = 4
_SAID = ("names the rows", "label")
