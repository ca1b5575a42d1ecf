"""Split, score, merge in order, present: the one loop through which every measure runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.bundle import RowStatistics
from divtool.accumulators.scores import Scores
from divtool.engine.asked import Asked
from divtool.engine.chunk import Chunk, Part
from divtool.engine.inputs import WEIGHT_ROLE, Slab
from divtool.engine.local import Engine
from divtool.engine.plan import Plan
from divtool.engine.twins import MOST_ROWS, Hashes, fingerprints, may_hold_twins
from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import Extent
from divtool.meaning.labels import Codes


@dataclass(frozen=True)
class Task:
    """Some rows of every input, small enough to hand to a worker: where they are, never what they are."""

    extents: tuple[Extent, ...]


@dataclass
class RowBatch:
    """Per-row output of a chunk: row numbers, ids, class numbers, and a column of values for each measure."""

    rows: npt.NDArray[np.int64]
    ids: Keys | None
    codes: Codes | None
    values: npt.NDArray[np.float64]


@dataclass
class State:
    """What is known of the rows scored so far. Starts empty, merges."""

    statistics: tuple[RowStatistics, ...]
    rows: int = 0
    ignored: int = 0
    dropped: list[int] = field(default_factory=list)
    normalized: int = 0
    rounded: int = 0
    missing: int = 0
    first_missing: list[int] = field(default_factory=list)
    beyond: dict[str, tuple[float, int]] = field(default_factory=dict)
    batches: list[RowBatch] = field(default_factory=list)
    ids: list[Hashes] = field(default_factory=list)

    @classmethod
    def empty(cls, plan: Plan) -> State:
        """Nothing scored yet."""
        measures = [asked for asked in plan.asked if not asked.declared.is_transform]
        return cls(tuple(RowStatistics() for _ in measures), dropped=[0] * len(measures))

    def merge(self, other: State) -> None:
        """Take what a later part has kept; its rows of output are taken elsewhere, in order."""
        for mine, theirs in zip(self.statistics, other.statistics, strict=True):
            mine.merge(theirs)
        self.rows += other.rows
        self.ignored += other.ignored
        self.dropped = [mine + theirs for mine, theirs in zip(self.dropped, other.dropped, strict=True)]
        self.normalized += other.normalized
        self.rounded += other.rounded
        self.missing += other.missing
        self.first_missing = (self.first_missing + other.first_missing)[:_FIRST]
        for path, found in other.beyond.items():
            # The greatest, and of equals the first row: no order of merging changes it.
            self.beyond[path] = max(self.beyond.get(path, found), found)
        if self.rows <= MOST_ROWS:
            self.ids += other.ids
        else:
            self.ids = []


# So many rows are named where many are meant.
_FIRST = 3

# What is kept of a row (its value, its bin, its place) is made in arrays of doubles, which should stay in a cache too.
_MOST_ROWS = 1 << 15


class RowOrderError(Exception):
    """The ids of two inputs are not in the same order after all: the run starts again with the rows put in order."""


RowSink = Callable[[RowBatch], None]
Progress = Callable[[int], None]


def fold(plan: Plan, engine: Engine, *, sink: RowSink | None = None, progress: Progress | None = None) -> State:
    """Run a plan: every part scored by the engine, merged in the order of the rows."""
    state = State.empty(plan)
    for part in engine.map(partial(score, plan), tasks(plan)):
        if sink is not None:
            for batch in part.batches:
                sink(batch)
        state.merge(part)
        if progress is not None:
            progress(state.rows)
    for each in plan.inputs:
        each.check_unchanged()
    if may_hold_twins(state.ids):
        # The join compares ids in full: it names the twin, or finds that there is none and gives the same result.
        raise RowOrderError
    return state


def tasks(plan: Plan) -> Iterator[Task]:
    """The run cut along the joints of the leading input."""
    leader, *others = plan.inputs
    end = 0
    for extent in _asked_for(plan, leader.extents(plan.part_bytes(leader.size, leader.as_read.source.estimate()))):
        located = tuple(other.locate(extent.first, extent.stop) for other in others)
        if any(each.stop < extent.stop for each in located):
            raise _counts_differ(plan)
        yield Task((extent, *located))
        end = extent.stop
    if plan.rows is not None:
        end = leader.count()
    if any(other.count() != end for other in others):
        raise _counts_differ(plan)


def _asked_for(plan: Plan, extents: Iterator[Extent]) -> Iterator[Extent]:
    """The extents cut to the rows that were asked for."""
    if plan.rows is None:
        yield from extents
        return
    first, stop = plan.rows
    for extent in extents:
        if extent.first >= stop:
            return
        if extent.stop > first:
            yield plan.inputs[0].locate(max(first, extent.first), min(stop, extent.stop))


def _counts_differ(plan: Plan) -> Exception:
    if plan.by_id and not plan.without_ids:
        # The join knows which id is missing.
        return RowOrderError()
    leader, other = plan.inputs[0], next(each for each in plan.inputs[1:] if each.count() != plan.inputs[0].count())
    return InputError(
        f"has {other.count():,} rows, {leader.title} has {leader.count():,}; expected as many", path=other.title,
        hint="rows are matched by position unless both files have the same id column",
    )  # fmt: skip


def score(plan: Plan, task: Task) -> State:
    """One part: its chunks read, scored and forgotten."""
    state = State.empty(plan)
    streams = [each.slabs(extent, plan.block_bytes) for each, extent in zip(plan.inputs, task.extents, strict=True)]
    for slabs in aligned(streams, plan.chunk_bytes_at_once):
        _take(plan, state, slabs)
    return state


def aligned(streams: Sequence[Iterable[Slab]], most_bytes: int) -> Iterator[tuple[Slab, ...]]:
    """The same rows of every stream, so many that the largest matrix has at most ``most_bytes`` as doubles (but one
    row at the least), wherever each of the streams happens to be cut."""
    iterators = [iter(stream) for stream in streams]
    held: list[Slab | None] = [None] * len(iterators)
    while True:
        for i, iterator in enumerate(iterators):
            slab = held[i]
            while slab is None or slab.rows == 0:
                slab = next(iterator, None)
                if slab is None:
                    return
            held[i] = slab
        full = [slab for slab in held if slab is not None]
        width = max(1 if slab.matrix is None else slab.matrix.shape[1] for slab in full)
        rows = min(_MOST_ROWS, max(1, most_bytes // (8 * width)), *(slab.rows for slab in full))
        yield tuple(slab.part(0, rows) for slab in full)
        held = [slab.part(rows, slab.rows) for slab in full]


def _take(plan: Plan, state: State, slabs: tuple[Slab, ...]) -> None:
    rows = np.arange(slabs[0].first, slabs[0].first + slabs[0].rows, dtype=np.int64)
    check_ids(plan, slabs, state.ids)
    slabs, rows = _there(state, slabs, rows)
    if not rows.size:
        return
    _keep_mass_beyond(plan, state, slabs, rows)
    sides = _sides(plan, slabs)
    weight = sides.pop(WEIGHT_ROLE, None)
    chunk = Chunk(sides, _codes(slabs), plan.settings)
    kept = chunk.kept
    state.rows += rows.size
    state.ignored += 0 if kept is None else int((~kept).sum())
    for slab in slabs:
        if slab.normalized is not None and slab.rounded is not None:
            state.normalized += int(slab.normalized.sum())
            state.rounded += int(slab.rounded.sum())
    columns = []
    for place, asked in enumerate(plan.asked):
        view = chunk.renamed(dict(asked.roles)) if asked.roles else chunk
        values = view.apply(asked.function, asked.needs, asked.keywords)
        if np.isnan(values).any():
            _refuse_nan(plan, slabs, rows, values)
        if not asked.declared.is_transform:
            shares = view.form(asked.declared.share) if asked.declared.share is not None else None
            if weight is not None:
                values, shares = _weighted(values, shares, weight.doubles[:, 0], plan.settings.rows_count_one)
            left = _left(plan, asked, kept, values, rows)
            state.dropped[place] += _count(kept, left)
            state.statistics[place].update(_scores(rows, values, shares, left))
        columns.append(values if values.ndim == 2 else values[:, None])
    if plan.keep_rows:
        state.batches.append(_batch(slabs, rows, chunk.codes, columns, kept))


def _there(
    state: State, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64]
) -> tuple[tuple[Slab, ...], npt.NDArray[np.int64]]:
    """The rows that no side lacks; the others are counted."""
    masks = [slab.missing for slab in slabs if slab.missing is not None]
    if not masks:
        return slabs, rows
    gone = np.logical_or.reduce(masks)
    state.missing += int(gone.sum())
    state.rows += int(gone.sum())
    state.first_missing = (state.first_missing + rows[gone][:_FIRST].tolist())[:_FIRST]
    return tuple(slab.where(~gone) for slab in slabs), rows[~gone]


def _keep_mass_beyond(plan: Plan, state: State, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64]) -> None:
    """The most mass that a row has beyond the vocabulary, and that row."""
    for each, slab in zip(plan.inputs, slabs, strict=True):
        if slab.beyond is not None:
            at = int(np.argmax(slab.beyond))
            found = (float(slab.beyond[at]), -int(rows[at]))
            state.beyond[each.title] = max(state.beyond.get(each.title, found), found)


def _weighted(values: Any, shares: Any, weight: Any, rows_count_one: bool) -> tuple[Any, Any]:
    """Every row times its weight; what has no weight does not count, however infinite it is."""
    with np.errstate(invalid="ignore"):
        values = np.where(weight == 0.0, 0.0, weight * values)
    return values, shares if rows_count_one else weight if shares is None else weight * shares


def _left(plan: Plan, asked: Asked, kept: Any, values: Any, rows: Any) -> Any:
    """The rows to average, None for all: without the ignored ones, and without or before infinite ones if asked for."""
    rule = plan.settings.zeros.rule
    if rule not in ("drop", "error") or (rule == "error" and asked.automatic):
        return kept
    odd = np.isinf(values) if kept is None else np.isinf(values) & kept
    if not odd.any():
        return kept
    if rule == "drop":
        return ~odd if kept is None else kept & ~odd
    row = int(rows[np.argmax(odd)])
    model = next((each for each in plan.inputs if each.role == "q"), plan.inputs[0])
    raise model.place_of(row).refusal(
        "the row is infinite: a class that has mass is impossible for the model",
        hint="--zeros error refuses such rows; --zeros inf counts them",
    )


def _count(kept: Any, left: Any) -> int:
    """How many rows were left out besides the ignored ones."""
    if left is kept:
        return 0
    return int((~left).sum() if kept is None else (kept & ~left).sum())


def _scores(rows: Any, values: Any, shares: Any, left: Any) -> Scores:
    if left is None:
        return Scores(rows, values, shares)
    return Scores(rows[left], values[left], None if shares is None else shares[left])


def _batch(slabs: tuple[Slab, ...], rows: Any, codes: Any, columns: list[Any], kept: Any) -> RowBatch:
    values = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
    if kept is not None:
        # What is ignored has no value; the row stays, so that rows can be counted.
        values = np.where(kept[:, None], values, np.nan)
    ids = next((slab.ids for slab in slabs if slab.ids is not None), None)
    return RowBatch(rows, ids, codes, values)


def check_ids(plan: Plan, slabs: tuple[Slab, ...], hashes: list[Hashes]) -> None:
    """Compare the ids of the same rows; fingerprints of them go to ``hashes``, in which twins are looked for."""
    known = [slab.ids for slab in slabs if slab.ids is not None] if plan.by_id else []
    if any(not known[0].same(other) for other in known[1:]):
        raise RowOrderError
    if len(known) > 1 and not plan.without_ids:
        hashes.append(fingerprints(known[0]))


def _sides(plan: Plan, slabs: tuple[Slab, ...]) -> dict[str, Part]:
    return {
        each.role: Part(slab.matrix, each.as_read.kind_of_rows)
        for each, slab in zip(plan.inputs, slabs, strict=True)
        if each.role is not None and slab.matrix is not None and each.kind is not None
    }


def _codes(slabs: tuple[Slab, ...]) -> Codes | None:
    return next((slab.codes for slab in slabs if slab.codes is not None), None)


def _refuse_nan(plan: Plan, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64], values: Any) -> None:
    """A NaN that comes from a NaN, or from a row without any mass, is an input error; one that is computed is not."""
    odd = np.isnan(values) if values.ndim == 1 else np.isnan(values).any(axis=1)
    for at in np.flatnonzero(odd).tolist():
        for each, slab in zip(plan.inputs, slabs, strict=True):
            if slab.matrix is not None:
                each.refuse_row(slab.matrix, at, int(rows[at]) - at)
