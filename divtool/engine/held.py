"""Whole columns held in memory, as numbers or as codes of their categories: for what cannot be counted in passing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded
from divtool.engine.binning import Progress, block_bytes, parts_of
from divtool.engine.coding import code_whole
from divtool.engine.counting import Job, Variable, coded_block
from divtool.engine.local import local_engine
from divtool.errors import InputError, ResourceError
from divtool.formats.source import Extent, Selection, Source

Doubles = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MOST_BYTES = 1 << 30
# What looking for neighbours takes for each row, beside the columns: points, tree, order, distances and counts.
_WORKING = 256


@dataclass(frozen=True)
class Held:
    """A column: its numbers (n,), NaN where one is missing; or the codes (n,) of its categories, whose names rise
    (None, a missing value, is the last). ``whole``: they are whole numbers that nobody said to be numbers."""

    variable: Variable
    numbers: Doubles | None = None
    codes: Codes | None = None
    entries: tuple[str | None, ...] = ()
    whole: bool = False

    @property
    def lacking(self) -> npt.NDArray[np.bool_]:
        """The rows without a value."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        assert self.codes is not None
        missing = len(self.entries) - 1 if self.entries and self.entries[-1] is None else -1
        return np.asarray(self.codes == missing)


@dataclass(frozen=True)
class Hold:
    """What a worker needs to know: which columns are numbers, and how the others are coded."""

    source: Source
    numbers: tuple[Variable, ...]
    categories: Job
    refuse_missing: bool


def hold(
    source: Source, numbers: Sequence[Variable], categories: Sequence[Variable], *, threads: int, chunk_bytes: int,
    rows: tuple[int, int] | None = None, refuse_missing: bool = False, progress: Progress | None = None,
) -> list[Held]:  # fmt: skip
    """The columns, first those of ``numbers``, then the others; the codes of categories do not depend on the order of
    the rows. Raises :class:`InputError` for the first infinity and for what is no category, :class:`ResourceError`
    where the columns would take more than 1 GiB."""
    _check_size(source, len(numbers) + len(categories), rows)
    job = Job(source, tuple(categories), (), block_bytes(threads, chunk_bytes), refuse_missing=refuse_missing)
    matrices, coded, seen = [], [], 0
    for matrix, codes in local_engine(threads).map(
        partial(_part, Hold(source, tuple(numbers), job, refuse_missing)), parts_of(source, rows)
    ):
        matrices.append(matrix)
        coded.append(codes)
        seen += len(matrix)
        if progress is not None:
            progress(seen)
    source.check_unchanged()
    if not seen:
        raise InputError(f"no case is left of {source.count():,} rows", path=source.header.path, hint="see --rows")
    whole = np.concatenate(matrices)
    held = [Held(each, numbers=np.ascontiguousarray(whole[:, i])) for i, each in enumerate(numbers)]
    return held + [_in_one(each, [part[i] for part in coded]) for i, each in enumerate(categories)]


def few_as_categories(held: Held, most: int) -> Held:
    """A column of whole numbers, of which at most so many differ, as categories; any other as it is, ``whole`` or
    not."""
    assert held.numbers is not None
    coded, flaw = code_whole(held.numbers, held.variable.name)
    if flaw is not None:
        return held
    found = _in_one(held.variable, [coded])
    return found if sum(name is not None for name in found.entries) <= most else replace(held, whole=True)


def _check_size(source: Source, columns: int, rows: tuple[int, int] | None) -> None:
    number = source.count()
    if rows is not None:
        number = max(0, min(number, rows[1]) - rows[0])
    size = number * (8 * columns + _WORKING)
    if size > MOST_BYTES:
        raise ResourceError(
            f"{source.header.path}: {number:,} rows of {columns} columns take {size / (1 << 30):.1f} GiB in memory, "
            "where all must be to find neighbours; expected at most 1 GiB",
            hint="--rows A:B takes a part of them, --columns fewer columns; --bins 10 counts any number of rows",
        )


def _part(job: Hold, extent: Extent) -> tuple[Doubles, list[Coded]]:
    """The columns of one part of the file."""
    blocks = []
    columns = tuple(each.column for each in job.numbers)
    for block in job.source.blocks(extent, Selection(columns, cells=True), job.categories.block_bytes):
        matrix = block.matrix.astype(np.float64)
        _check_numbers(job, matrix, block.first)
        blocks.append(matrix)
    numbers = np.concatenate(blocks) if blocks else np.zeros((0, len(columns)))
    if not job.categories.variables:
        return numbers, []
    found = [coded_block(job.categories, block)[0]
             for block in job.source.blocks(extent, job.categories.selection, job.categories.block_bytes)]  # fmt: skip
    return numbers, [_joined([block[i] for block in found]) for i in range(len(job.categories.variables))]


def _check_numbers(job: Hold, matrix: Doubles, first: int) -> None:
    """Refuse the first infinity and, if asked to, the first missing value."""
    odd = np.isinf(matrix) | (np.isnan(matrix) if job.refuse_missing else False)
    if not odd.any():
        return
    row, place = np.argwhere(odd)[0].tolist()
    gone = bool(np.isnan(matrix[row, place]))
    raise job.source.place_of(first + row).refusal(
        "the value is missing" if gone else "an infinity has no neighbours", column=job.numbers[place].name,
        hint="fill it in, or see --missing" if gone else "correct the cell, or leave it empty",
    )  # fmt: skip


def _joined(parts: Sequence[Coded]) -> Coded:
    """Codes of parts as codes of all."""
    places: dict[str | None, int] = {}
    for part in parts:
        for entry in part.entries:
            places.setdefault(entry, len(places))
    lookups = [np.array([places[entry] for entry in part.entries], np.int64) for part in parts]
    codes = [lookup[part.codes] for lookup, part in zip(lookups, parts, strict=True)]
    return Coded(np.concatenate(codes) if codes else np.zeros(0, np.int64), list(places))


def _in_one(variable: Variable, parts: Sequence[Coded]) -> Held:
    """The codes of a column by the rising names of the entries that occur."""
    one = _joined(parts)
    used = [one.entries[code] for code in np.unique(one.codes).tolist()]
    names = sorted(used, key=lambda name: (name is None, name or ""))
    places = {name: i for i, name in enumerate(names)}
    lookup = np.array([places.get(name, -1) for name in one.entries], np.int64)
    return Held(variable, codes=lookup[one.codes], entries=tuple(names))
