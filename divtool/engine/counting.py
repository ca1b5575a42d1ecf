"""From a file to exact joint counts: parts are read, coded and counted by the workers, and merged in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded, JointCounts
from divtool.engine.binning import Progress, block_bytes, parts_of
from divtool.engine.coding import (
    Flaw,
    code_intervals,
    code_keys,
    code_whole,
    first_missing,
    stored_weights_of,
    weights_of,
)
from divtool.engine.local import local_engine
from divtool.engine.past import Past
from divtool.formats.source import FLOAT, INTEGER, Block, Extent, Selection, Source
from divtool.meaning.bins import Bins

# A part has so many times the rows of the longest lag: it reads the rows before it too, which another part counts.
_LAGS = 4


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

    def pasts(self) -> list[Past | None]:
        """What is to be kept of the rows before, for each coding: nothing where no variable looks back at it."""
        lags = dict.fromkeys(self.codings, 0)
        for each in self.variables:
            place = (each.column, each.bins)
            lags[place] = max(lags[place], each.lag)
        return [Past(lag) if lag else None for lag in lags.values()]

    @cached_property
    def codings(self) -> list[tuple[int, Bins | None]]:
        """The columns that are coded, each once, however many variables look at them."""
        return list(dict.fromkeys((each.column, each.bins) for each in self.variables))

    @cached_property
    def selection(self) -> Selection:
        """The columns to read: as numbers those that are cut into intervals or stored as floats, the others as text or
        exact whole numbers."""
        header = self.source.header
        stored = {column for column, _ in self.codings if header.types[column] == FLOAT and not header.lines}
        numbers = stored | {column for column, bins in self.codings if bins is not None}
        keys = {column for column, _ in self.codings} - numbers
        if self.weights_column is not None:
            # Truths and floats weigh as the numbers that they are stored as; no double holds all whole numbers.
            exact = header.lines or header.types[self.weights_column] == INTEGER
            (keys if exact and self.weights_column not in numbers else numbers).add(self.weights_column)
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
    for part, number in local_engine(threads).map(partial(_count, job), parts_of(source, rows, _LAGS * job.lag)):
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
    pasts = job.pasts()
    for block in job.source.blocks(where, job.selection, job.block_bytes):
        coded, weights = coded_block(job, block)
        for past, each in zip(pasts, coded, strict=True):
            if past is not None:
                past.take(each)
        skip = min(max(start - block.first, 0), len(block))
        if skip < len(block):
            columns = [_variable(job, each, coded, pasts, skip) for each in job.variables]
            counts.update(columns, weights if weights is None else weights[skip:])
    return counts, extent.stop - extent.first


def _variable(job: Job, each: Variable, coded: Sequence[Coded], pasts: Sequence[Past | None], skip: int) -> Coded:
    """A variable in the rows of a block from ``skip`` on."""
    place = job.codings.index((each.column, each.bins))
    past = pasts[place] if each.lag else None
    if past is not None:
        return past.earlier(each.lag, len(coded[place].codes) - skip)
    return Coded(coded[place].codes[skip:], coded[place].entries) if skip else coded[place]


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
        weights, flaw = _weights(job, block, numbers, keys)
        flaws += [] if flaw is None else [(flaw.row, job.weights_column, flaw)]
    if flaws:
        row, column, worst = min(flaws, key=lambda each: each[:2])
        raise job.source.place_of(block.first + row).refusal(
            worst.message, column=job.source.header.name(column), hint=worst.hint
        )
    return coded, weights


def _weights(
    job: Job, block: Block, numbers: Mapping[int, int], keys: Mapping[int, int]
) -> tuple[npt.NDArray[np.int64], Flaw | None]:
    column = job.weights_column
    assert column is not None
    if column in numbers:
        return stored_weights_of(block.matrix[:, numbers[column]])
    return weights_of(block.keys[keys[column]], block.absent_in(keys[column]))
