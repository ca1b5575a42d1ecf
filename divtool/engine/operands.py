"""The operands of a verb, opened: which file plays which role, and which of its columns names the rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from divtool.engine.arrays import with_class_axes
from divtool.errors import UsageError
from divtool.formats.opening import open_source
from divtool.formats.source import Header, Source
from divtool.meaning.columns import find_id
from divtool.measures.declare import Declaration, Operand
from divtool.options import Reading

# Fewer files than this have nothing to be compared with.
_FEWEST = 2


@dataclass(frozen=True)
class Opened:
    """An operand, opened. ``column`` is the column named behind the file's name."""

    operand: Operand
    source: Source
    column: str | None = None

    @property
    def is_truth(self) -> bool:
        """Whether it holds the truth that predictions are scored against."""
        return self.operand.role == "target"

    @property
    def header(self) -> Header:
        """What the file says of itself."""
        return self.source.header


def open_operands(declared: Declaration, operands: Sequence[Any], reading: Reading) -> list[Opened]:
    """Every operand in the role of its position. Raises :class:`UsageError` for too few or too many."""
    allowed = operands_of(declared, len(operands))
    wanted = [each for each in allowed if not each.optional]
    usage = f"divtool {declared.name} " + " ".join(f"[{o.metavar}]" if o.optional else o.metavar for o in allowed)
    if not len(wanted) <= len(operands) <= len(allowed):
        raise UsageError(
            f"{declared.name} takes {_count(wanted, allowed)}, not {len(operands)}", hint=f"usage: {usage}"
        )
    if reading.label_col is not None and len(operands) == len(allowed) and len(allowed) > len(wanted):
        raise UsageError(
            "the labels come from a file of their own or from --label-col, not from both",
            hint=f"to name the column of the labels file, write {operands[-1]}:{reading.label_col}",
        )
    if sum(isinstance(each, str) and each == "-" for each in operands) > 1:
        raise UsageError("standard input (-) can be only one of the files")
    opened = [_open_one(operand, thing, reading) for operand, thing in zip(allowed, operands, strict=False)]
    return with_class_axes(opened, reading.class_axis)


def operands_of(declared: Declaration, given: int) -> list[Operand]:
    """The operands of a verb; where one stands for many files, each has a role of its own: member0, member1, ..."""
    (last,) = declared.operands[-1:]
    if not last.many:
        return list(declared.operands)
    return [replace(last, role=f"{last.role}{i}") for i in range(max(given, _FEWEST))]


def _count(wanted: Sequence[Operand], allowed: Sequence[Operand]) -> str:
    low, high = len(wanted), len(allowed)
    if wanted and wanted[0].many:
        return f"{_FEWEST} files or more"
    return f"{low} file{'s' if low > 1 else ''}" if low == high else f"{low} or {high} files"


WEIGHTS = Operand("weight", "SAMPLE_WEIGHT", "A number for each row.", frozenset({"positives"}))


def open_operand(operand: Operand, thing: Any) -> Opened:
    """Something in memory in its role. A plain row of numbers in the role of a distribution is one distribution."""
    from divtool.formats.memory import open_object

    if operand.role in ("p", "q") and "probs" in operand.kinds and _is_one_row(thing):
        thing = [thing]
    return Opened(operand, open_object(thing, operand.metavar.lower()))


def _is_one_row(thing: Any) -> bool:
    if getattr(thing, "ndim", 0) == 1:
        return type(thing).__module__.partition(".")[0] == "numpy"
    return isinstance(thing, list | tuple) and bool(thing) and not hasattr(thing[0], "__len__")


def _open_one(operand: Operand, thing: Any, reading: Reading) -> Opened:
    if not isinstance(thing, str | os.PathLike):
        return open_operand(operand, thing)
    path, column = file_and_column(os.fspath(thing)) if operand.role in ("target", "sign") else (os.fspath(thing), None)
    return Opened(operand, open_source(path, delimiter=reading.delimiter, no_header=reading.no_header), column)


def file_and_column(name: str) -> tuple[str, str | None]:
    """``FILE:COLUMN`` in its two parts, where FILE is a file and the whole is not."""
    path, _, column = name.rpartition(":")
    return (path, column) if column and not os.path.exists(name) and os.path.isfile(path) else (name, None)


def id_columns(opened: Sequence[Opened], reading: Reading) -> list[int | None]:
    """The id column of each input: asked for, or named alike in all of them, or in a file that stands alone."""
    found = []
    own = (reading.id or "").split(",")
    for i, each in enumerate(opened):
        wanted = own[i].strip() if len(own) == len(opened) > 1 else reading.id
        if wanted is not None and each.header.names is None and len(opened) > 1 and each.header.find(wanted) is None:
            wanted = None
        found.append(find_id(each.header, wanted))
    return found
