"""The intervals of columns of numbers: one pass over the file for what their rules need to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from divtool.accumulators.ranges import Ranges
from divtool.engine.local import available_threads, local_engine
from divtool.formats.source import Extent, Selection, Source
from divtool.meaning.bins import DOANE, FREQUENCY, Bins, Rule, bins_of

Progress = Callable[[int], None]

# Distinct values that are held for all columns together (16 bytes each).
_MOST_ORDERED = 1 << 22
# Parts are small: what a part keeps of a column of ids grows with its rows.
_LEAST_PART, _MOST_PART, _PARTS = 1 << 20, 4 << 20, 64


@dataclass(frozen=True)
class Look:
    """What a worker needs to know: which columns are looked at, and by which rules."""

    source: Source
    columns: tuple[int, ...]
    rules: tuple[Rule, ...]
    block_bytes: int

    def empty(self) -> list[Ranges]:
        """Nothing seen yet."""
        share = _MOST_ORDERED // max(1, sum(rule.kind == FREQUENCY for rule in self.rules))
        return [
            Ranges(skewness=rule.kind == DOANE, ordered=share if rule.kind == FREQUENCY else None,
                   different=rule.most_different)
            for rule in self.rules
        ]  # fmt: skip


def find_bins(
    source: Source, rules: Mapping[int, Rule], *, threads: int, chunk_bytes: int,
    rows: tuple[int, int] | None = None, progress: Progress | None = None,
) -> dict[int, Bins]:  # fmt: skip
    """The intervals of columns by their rules, without columns that a rule spares. The edges do not depend on chunks,
    threads or the order of the rows.

    Empty cells and NaN are passed over; every row counts as one, whatever it weighs. Raises :class:`InputError` for
    the first infinity.
    """
    looked = {column: rule for column, rule in rules.items() if rule.needs_pass}
    found = {}
    if looked:
        columns = tuple(sorted(looked))
        job = Look(source, columns, tuple(looked[column] for column in columns), block_bytes(threads, chunk_bytes))
        states, seen = job.empty(), 0
        for part, number in local_engine(threads).map(partial(_look, job), parts_of(source, rows)):
            for mine, theirs in zip(states, part, strict=True):
                mine.merge(theirs)
            seen += number
            if progress is not None:
                progress(seen)
        source.check_unchanged()
        found = {column: state.present() for column, state in zip(columns, states, strict=True)}
    return {
        column: bins_of(rule, source.header.name(column), found.get(column)) for column, rule in rules.items()
        if column not in found or not rule.spares(found[column])
    }  # fmt: skip


def _look(job: Look, extent: Extent) -> tuple[list[Ranges], int]:
    states = job.empty()
    for block in job.source.blocks(extent, Selection(job.columns, cells=True), job.block_bytes):
        x = block.matrix.astype(np.float64)
        if np.isinf(x).any():
            at, place = np.argwhere(np.isinf(x))[0].tolist()
            raise job.source.place_of(block.first + at).refusal(
                "an infinity lies in no interval", column=job.source.header.name(job.columns[place]),
                hint="correct the cell, or leave it empty; --bins with edges:A,B,... has open ends",
            )  # fmt: skip
        for state, column in zip(states, x.T, strict=True):
            state.update(column[~np.isnan(column)])
    return states, extent.stop - extent.first


def parts_of(source: Source, rows: tuple[int, int] | None, least: int = 0) -> Iterator[Extent]:
    """The source cut along its joints into parts, of the rows asked for: by the data alone, never by who works. A part
    has at least so many rows, unless there are no more."""
    whole: Extent | None = None
    for extent in _cut(source, rows):
        whole = extent if whole is None else Extent(whole.first, extent.stop)
        if whole.stop - whole.first >= least:
            yield whole if whole is extent else source.locate(whole.first, whole.stop)
            whole = None
    if whole is not None:
        yield source.locate(whole.first, whole.stop)


def _cut(source: Source, rows: tuple[int, int] | None) -> Iterator[Extent]:
    size = source.header.size
    for extent in source.extents(max(_LEAST_PART, min(size // _PARTS, _MOST_PART))):
        if rows is None:
            yield extent
            continue
        first, stop = max(rows[0], extent.first), min(rows[1], extent.stop)
        if extent.first >= rows[1]:
            return
        if first < stop:
            yield source.locate(first, stop)


def block_bytes(threads: int, chunk_bytes: int) -> int:
    """Bytes that one of the threads may have in hand; 0 threads are as many as there are processors."""
    return max(1, chunk_bytes // (threads or available_threads()))
