"""From a file to exact joint counts: parts are read, coded and counted by the workers, and merged in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded, JointCounts
from divtool.engine.binning import Progress, block_bytes, parts_of
from divtool.engine.coding import Flaw, code_intervals, code_keys, code_whole, first_missing, weights_of
from divtool.engine.local import local_engine
from divtool.formats.source import FLOAT, INTEGER, Block, Extent, Selection, Source
from divtool.meaning.bins import Bins


@dataclass(frozen=True)
class Variable:
    """A column whose outcomes are counted: its entries, or the intervals that its numbers lie in. ``lag``: the value
    so many rows earlier in the file; rows that have none do not count."""

    column: int
    name: str
    bins: Bins | None = None
    lag: int = 0


@dataclass(frozen=True)
class Job:
    """What a worker needs to know of a run."""

    source: Source
    variables: tuple[Variable, ...]
    subsets: tuple[tuple[int, ...], ...]
    block_bytes: int
    begin: int = 0
    weights_column: int | None = None
    refuse_missing: bool = False

    def empty(self) -> JointCounts:
        """Nothing counted yet."""
        orders = [None if each.bins is None else each.bins.entries for each in self.variables]
        return JointCounts([each.name for each in self.variables], self.subsets, orders)

    @cached_property
    def lag(self) -> int:
        """How far back the rows reach."""
        return max((each.lag for each in self.variables), default=0)

    @cached_property
    def codings(self) -> list[tuple[int, Bins | None]]:
        """The columns that are coded, each once, however many variables look at them."""
        return list(dict.fromkeys((each.column, each.bins) for each in self.variables))

    @cached_property
    def selection(self) -> Selection:
        """The columns to read: as numbers those that are cut into intervals, that weigh, or that are stored as floats;
        the others as text or exact whole numbers."""
        header = self.source.header
        stored = {column for column, _ in self.codings if header.types[column] == FLOAT and not header.lines}
        numbers = stored | {column for column, bins in self.codings if bins is not None}
        numbers |= set() if self.weights_column is None else {self.weights_column}
        keys = {column for column, _ in self.codings} - numbers
        return Selection(tuple(sorted(numbers)), tuple(sorted(keys)), cells=True)


def count_outcomes(
    source: Source, variables: Sequence[Variable], subsets: Sequence[tuple[int, ...]], *, threads: int,
    chunk_bytes: int, rows: tuple[int, int] | None = None, weights_column: int | None = None,
    refuse_missing: bool = False, progress: Progress | None = None,
) -> JointCounts:  # fmt: skip
    """Count the outcomes of variables, for subsets of them (places among ``variables``), in one pass over the file.

    An empty cell, a null and NaN are one outcome of their own, None; ``refuse_missing`` refuses the first. ``rows``
    A:B counts those alone (a lag does not reach before A). ``weights_column`` holds whole numbers, not negative: each
    row stands for so many cases. Floats must be whole; the first fraction is refused with its row.

    Raises :class:`InputError` for the first cell, in the order of the rows, that cannot be an outcome, and
    :class:`ResourceError` where there are too many outcomes.
    """
    job = Job(source, tuple(variables), tuple(subsets), block_bytes(threads, chunk_bytes),
              0 if rows is None else rows[0], weights_column, refuse_missing)  # fmt: skip
    counts, seen = job.empty(), 0
    for part, number in local_engine(threads).map(partial(_count, job), parts_of(source, rows)):
        counts.merge(part)
        seen += number
        if progress is not None:
            progress(seen)
    source.check_unchanged()
    return counts


def _count(job: Job, extent: Extent) -> tuple[JointCounts, int]:
    """The counts of one part, whose variables may look at rows before it."""
    counts = job.empty()
    first = max(job.begin, extent.first - job.lag)
    start = max(extent.first, job.begin + job.lag)
    where = extent if first == extent.first else job.source.locate(first, extent.stop)
    behind: list[Coded | None] = [None] * len(job.codings)
    for block in job.source.blocks(where, job.selection, job.block_bytes):
        coded, weights = coded_block(job, block)
        columns = [coded[job.codings.index((each.column, each.bins))] for each in job.variables]
        skip = min(max(start - block.first, 0), len(block))
        if job.lag:
            columns, behind = _lagged(job, coded, behind, len(block))
        columns = [Coded(each.codes[skip:], each.entries) for each in columns] if skip else columns
        counts.update(columns, weights if weights is None else weights[skip:])
    return counts, extent.stop - extent.first


def _lagged(
    job: Job, coded: Sequence[Coded], behind: Sequence[Coded | None], rows: int
) -> tuple[list[Coded], list[Coded | None]]:
    """The variables of a block, some of whose values stand in the rows ``behind`` it, and what stands behind the next.
    Rows that reach back too far have some value."""
    joined = [now if before is None else _one_after_the_other(before, now)
              for before, now in zip(behind, coded, strict=True)]  # fmt: skip
    held = len(joined[0].codes) - rows
    columns = []
    for each in job.variables:
        whole = joined[job.codings.index((each.column, each.bins))]
        places = np.maximum(np.arange(held - each.lag, held - each.lag + rows), 0)
        columns.append(Coded(whole.codes[places], whole.entries))
    return columns, [Coded(each.codes[-job.lag :], each.entries) for each in joined]


def _one_after_the_other(before: Coded, now: Coded) -> Coded:
    places: dict[str | None, int] = {}
    for entry in (*before.entries, *now.entries):
        places.setdefault(entry, len(places))
    lookups = [np.array([places[entry] for entry in each.entries], np.int64) for each in (before, now)]
    codes = [lookup[each.codes] for lookup, each in zip(lookups, (before, now), strict=True)]
    return Coded(np.concatenate(codes), list(places))


def coded_block(job: Job, block: Block) -> tuple[list[Coded], npt.NDArray[np.int64] | None]:
    """The columns of a block as codes, and its weights. Raises what is wrong with the first row that is wrong."""
    numbers = {column: place for place, column in enumerate(job.selection.matrix)}
    keys = {column: place for place, column in enumerate(job.selection.keys)}
    coded: list[Coded] = []
    flaws: list[tuple[int, int, Flaw]] = []
    for column, bins in job.codings:
        flaw: Flaw | None
        if bins is not None:
            one, flaw = code_intervals(block.matrix[:, numbers[column]], bins)
        elif column in numbers:
            one, flaw = code_whole(block.matrix[:, numbers[column]], job.source.header.name(column))
        else:
            place, header = keys[column], job.source.header
            decimals = header.lines and header.types[column] in (FLOAT, INTEGER)
            one, flaw = code_keys(block.keys[place], block.absent_in(place), header.name(column), decimals=decimals)
        found = [flaw, first_missing(one) if job.refuse_missing else None]
        flaws += [(each.row, column, each) for each in found if each is not None]
        coded.append(one)
    weights = None
    if job.weights_column is not None:
        weights, flaw = weights_of(block.matrix[:, numbers[job.weights_column]])
        flaws += [] if flaw is None else [(flaw.row, job.weights_column, flaw)]
    if flaws:
        row, column, worst = min(flaws, key=lambda each: each[:2])
        raise job.source.place_of(block.first + row).refusal(
            worst.message, column=job.source.header.name(column), hint=worst.hint
        )
    return coded, weights
