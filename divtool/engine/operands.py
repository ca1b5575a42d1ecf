"""The operands of a verb, opened: which file plays which role, and which of its columns names the rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from divtool.engine.arrays import with_class_axes
from divtool.engine.candidates import FEWEST, base_of, operands_of, takes_candidates
from divtool.errors import UsageError
from divtool.formats.opening import file_and_key, is_glob, matching, open_file
from divtool.formats.source import Container, Header, Source, Ways
from divtool.meaning.grammar import chosen_columns
from divtool.meaning.members import choose_member, labels_beside
from divtool.measures.declare import Declaration, Operand
from divtool.options import Reading


@dataclass(frozen=True)
class Opened:
    """An operand, opened. ``column`` is the column named behind the file's name; ``chosen`` are the columns of the
    truth where it stands class by class among the predictions; ``among`` is the file of several arrays that it is one
    of."""

    operand: Operand
    source: Source
    column: str | None = None
    chosen: tuple[int, ...] = ()
    among: Container | None = None

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
    operands = named_files(operands, reading)
    if reading.member_axis is not None:
        from divtool.engine.ensemble import members_along_axis

        return members_along_axis(declared, operands, reading)
    allowed = operands_of(declared, len(operands))
    wanted = [each for each in allowed if not each.optional]
    usage = f"divtool {declared.name} " + " ".join(f"[{o.metavar}]" if o.optional else o.metavar for o in allowed)
    if not len(wanted) <= len(operands) <= len(allowed):
        raise UsageError(
            f"{declared.name} takes {_count(declared, wanted, allowed)}, not {len(operands)}",
            hint=f"usage: {usage}" if not declared.operands[-1].many else f"usage: divtool {declared.name} FILES...; or"
            " one array that holds the members along an axis: --member-axis AXIS",
        )  # fmt: skip
    if reading.label_col is not None and len(operands) == len(allowed) and len(allowed) > len(wanted):
        raise UsageError(
            "the labels come from a file of their own or from --label-col, not from both",
            hint=f"to name the column of the labels file, write {operands[-1]}:{reading.label_col}",
        )
    if sum(isinstance(each, str) and each == "-" for each in operands) > 1:
        raise UsageError("standard input (-) can be only one of the files")
    opened = [open_one(operand, thing, reading) for operand, thing in zip(allowed, operands, strict=False)]
    if len(opened) == 1 < len(allowed) and reading.label_col is None:
        opened += _labels_in_the_same_file(opened[0], allowed[1], operands[0])
    if reading.label_col is not None and len(opened) == 1 < len(allowed):
        columns = chosen_columns(opened[0].header, reading.label_col, "--label-col")[0]
        opened += [Opened(allowed[1], opened[0].source, chosen=tuple(columns))] if len(columns) > 1 else []
    return with_class_axes(opened, reading.class_axis)


def named_files(operands: Sequence[Any], reading: Reading) -> list[Any]:
    """The files that operands name: a glob is several, as in a shell, unless it is to be one table."""
    check_concat(operands, reading)
    several = [name for each in operands for name in (each if _is_list_of_paths(each) else [each])]
    return [name for each in several for name in _names(each, reading)]


def _is_list_of_paths(thing: Any) -> bool:
    """Whether a program gave a list of files for one of them; text that is no file may be a list of labels."""
    if not isinstance(thing, list | tuple) or not all(isinstance(each, str | os.PathLike) for each in thing):
        return False
    paths = map(os.fspath, thing)
    return bool(thing) and all(is_glob(each) or os.path.exists(file_and_key(each)[0]) for each in paths)


def check_concat(operands: Sequence[Any], reading: Reading) -> None:
    """Refuse --concat where no operand is a glob."""
    if reading.concat and not any(isinstance(each, str) and is_glob(each) for each in operands):
        raise UsageError("--concat makes one table of a glob; no file name is one", hint="quote it: 'runs/*.csv'")


def _count(declared: Declaration, wanted: Sequence[Operand], allowed: Sequence[Operand]) -> str:
    low, high = len(wanted), len(allowed)
    if declared.operands[-1].many or (low == FEWEST and takes_candidates(declared)):
        return f"{FEWEST} files or more"
    return f"{low} file{'s' if low > 1 else ''}" if low == high else f"{low} or {high} files"


WEIGHTS = Operand("weight", "SAMPLE_WEIGHT", "A number for each row.", frozenset({"positives"}))


def open_operand(operand: Operand, thing: Any) -> Opened:
    """Something in memory in its role. A plain row of numbers in the role of a distribution is one distribution,
    unless it could be labels."""
    from divtool.formats.memory import open_object

    row = base_of(operand.role) in ("p", "q") and "probs" in operand.kinds and "labels" not in operand.kinds
    if row and _is_one_row(thing):
        thing = [thing]
    number = operand.role.removeprefix(base_of(operand.role) or "")
    return Opened(operand, open_object(thing, operand.metavar.lower() + number))


def _names(thing: Any, reading: Reading) -> list[Any]:
    """The files that an operand names: a glob is several, as in a shell, unless it is to be one table."""
    if isinstance(thing, str) and is_glob(thing) and not reading.concat and not is_glob(file_and_key(thing)[0]):
        return [thing]
    return matching(thing) if isinstance(thing, str) and is_glob(thing) and not reading.concat else [thing]


def _labels_in_the_same_file(predictions: Opened, operand: Operand, thing: Any) -> list[Opened]:
    """The labels that an NPZ file holds beside its predictions, where it does."""
    if not isinstance(thing, str | os.PathLike) or predictions.source.header.format not in ("npz", "safetensors"):
        return []
    found = open_file(file_and_key(os.fspath(thing))[0], Ways())
    name = labels_beside(found) if isinstance(found, Container) else None
    return [] if name is None or not isinstance(found, Container) else [Opened(operand, found.open(name))]


def _is_one_row(thing: Any) -> bool:
    if getattr(thing, "ndim", 0) == 1:
        return type(thing).__module__.partition(".")[0] == "numpy"
    return isinstance(thing, list | tuple) and bool(thing) and not hasattr(thing[0], "__len__")


def open_one(operand: Operand, thing: Any, reading: Reading) -> Opened:
    """A file, or something in memory, in its role."""
    if not isinstance(thing, str | os.PathLike):
        return open_operand(operand, thing)
    path, key = file_and_key(os.fspath(thing))
    found = open_file(path, ways_of(reading))
    if isinstance(found, Container):
        return Opened(operand, found.open(choose_member(found, key, operand.role)), among=found)
    if key is not None and operand.role != "sign" and "labels" not in operand.kinds:
        raise UsageError(
            f"{path}:{key}: a name behind a file's is that of an array in NPZ or safetensors, or of a labels column",
            hint="class columns are chosen with --columns",
        )
    return Opened(operand, found, key)


def ways_of(reading: Reading) -> Ways:
    """How the files are to be opened. Raises :class:`UsageError` for a header that is to be there and not."""
    if reading.header and reading.no_header:
        raise UsageError("--header and --no-header exclude each other")
    return Ways(reading.delimiter, reading.no_header, reading.input_format, reading.concat, reading.header)
