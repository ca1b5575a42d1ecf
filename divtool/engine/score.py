"""One part of a run: its rows read, aligned, scored by every measure, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.engine.asked import Asked
from divtool.engine.chunk import Chunk, Part
from divtool.engine.grouping import Groups, buckets_of
from divtool.engine.inputs import KEY_ROLE, WEIGHT_ROLE, Slab
from divtool.engine.plan import By, Plan
from divtool.engine.state import FIRST, RowBatch, State
from divtool.engine.tasks import RowOrderError, Task
from divtool.engine.twins import Hashes, fingerprints
from divtool.engine.waiting import Column, Waiting, scores_of
from divtool.meaning.labels import Codes

# What is kept of a row (its value, its bin, its place) is made in arrays of doubles, which should stay in a cache too.
_MOST_ROWS = 1 << 15


def score(plan: Plan, task: Task) -> State:
    """One part: its chunks read, scored and forgotten."""
    state, waiting = State.empty(plan), Waiting(plan)
    streams = [each.slabs(extent, plan.block_bytes) for each, extent in zip(plan.inputs, task.extents, strict=True)]
    for slabs in aligned(streams, plan.chunk_bytes_at_once):
        _take(plan, state, waiting, slabs)
    waiting.settle(state)
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


def _take(plan: Plan, state: State, waiting: Waiting, slabs: tuple[Slab, ...]) -> None:
    rows = np.arange(slabs[0].first, slabs[0].first + slabs[0].rows, dtype=np.int64)
    check_ids(plan, slabs, state.ids)
    slabs, rows = rows_there(state, slabs, rows)
    if not rows.size:
        return
    keep_mass_beyond(plan, state, slabs, rows)
    sides = sides_of(plan, slabs)
    weight = sides.pop(WEIGHT_ROLE, None)
    chunk = Chunk(sides, codes_of(slabs), plan.settings)
    kept = chunk.kept
    state.rows += rows.size
    state.ignored += 0 if kept is None else int((~kept).sum())
    for slab in slabs:
        if slab.normalized is not None and slab.rounded is not None:
            state.normalized += int(slab.normalized.sum())
            state.rounded += int(slab.rounded.sum())
    columns = [_scored(plan, chunk, asked, slabs, rows, kept, weight) for asked in plan.asked]
    if plan.settings.zeros.rule == "drop" and plan.candidates:
        columns = _left_by_all(plan, columns)
    if not plan.gives_matrix:
        _count(plan, state, waiting, chunk, slabs, rows, columns)
    if plan.keep_rows:
        values = [each.values for each in plan.in_rows(columns)]
        state.batches.append(_batch(slabs, rows, chunk.codes, values, kept))


def _scored(
    plan: Plan, chunk: Chunk, asked: Asked, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64], kept: Any,
    weight: Part | None,
) -> Column:  # fmt: skip
    """A measure over the rows of a chunk."""
    view = chunk.renamed(dict(asked.roles)) if asked.roles else chunk
    values = view.apply(asked.function, asked.needs, asked.keywords)
    if np.isnan(values).any():
        refuse_nan(plan, slabs, rows, values)
    if asked.declared.is_transform:
        return Column(values)
    shares = view.form(asked.declared.share) if asked.declared.share is not None else None
    if weight is not None:
        values, shares = _weighted(values, shares, weight.doubles[:, 0], plan.settings.rows_count_one)
    return Column(values, shares, _left(plan, asked, kept, values, rows))


def _left_by_all(plan: Plan, columns: Sequence[Column]) -> list[Column]:
    """Rows that are dropped for one candidate are dropped for all: none should gain by being infinite."""
    labels = [each.label for each in plan.asked]
    found = list(columns)
    for label in dict.fromkeys(labels):
        places = [i for i, each in enumerate(labels) if each == label]
        masks = [mask for i in places if (mask := columns[i].left) is not None]
        if masks:
            left = np.logical_and.reduce(masks)
            for i in places:
                found[i] = replace(columns[i], left=left)
    return found


def _count(
    plan: Plan, state: State, waiting: Waiting, chunk: Chunk, slabs: tuple[Slab, ...],
    rows: npt.NDArray[np.int64], columns: Sequence[Column],
) -> None:  # fmt: skip
    """Hand what was scored to the accumulators."""
    kept = chunk.kept
    for place, column in enumerate(columns):
        state.dropped[place] += _dropped(kept, column.left)
    keyed = [slab.groups for each, slab in zip(plan.inputs, slabs, strict=True) if each.role == KEY_ROLE]
    clusters = keyed.pop() if plan.cluster is not None else None
    read = iter(keyed)
    for by, own in zip(plan.by, state.groups, strict=True):
        groups = next(read) if by.how == "column" else None
        for asked, column, grouped in zip(plan.asked, columns, own, strict=True):
            common = groups if groups is not None else _common(plan, by, chunk, asked)
            scores = scores_of(rows, column)
            codes = common.codes if column.left is None else common.codes[column.left]
            grouped.update(codes, common.names, scores)
    waiting.take(state, rows, columns, kept, clusters)


def _common(plan: Plan, by: By, chunk: Chunk, asked: Asked) -> Groups:
    """What rows have in common that no column says: the label, the first choice, or how sure it is."""
    names = plan.names or [str(i) for i in range(plan.classes)]
    if by.how == "label":
        assert chunk.codes is not None
        return Groups(np.maximum(chunk.codes, 0), names)
    side = chunk.renamed({"p": by.role or dict(asked.roles).get("q", "q")})
    if by.how == "confidence":
        return buckets_of(side.form("p").max(axis=1))
    return Groups(side.sides["p"].matrix.argmax(axis=1).astype(np.int64), names)


def rows_there(
    state: State, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64]
) -> tuple[tuple[Slab, ...], npt.NDArray[np.int64]]:
    """The rows that no side lacks; the others are counted."""
    masks = [slab.missing for slab in slabs if slab.missing is not None]
    if not masks:
        return slabs, rows
    gone = np.logical_or.reduce(masks)
    state.missing += int(gone.sum())
    state.rows += int(gone.sum())
    state.first_missing = (state.first_missing + rows[gone][:FIRST].tolist())[:FIRST]
    return tuple(slab.where(~gone) for slab in slabs), rows[~gone]


def keep_mass_beyond(plan: Plan, state: State, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64]) -> None:
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
    own = dict(asked.roles).get("q", "q")
    model = next((each for each in plan.inputs if each.role == own), plan.inputs[0])
    raise model.place_of(row).refusal(
        "the row is infinite: a class that has mass is impossible for the model",
        hint="--zeros error refuses such rows; --zeros inf counts them",
    )


def _dropped(kept: Any, left: Any) -> int:
    """How many rows were left out besides the ignored ones."""
    if left is kept:
        return 0
    return int((~left).sum() if kept is None else (kept & ~left).sum())


def _batch(slabs: tuple[Slab, ...], rows: Any, codes: Any, columns: list[Any], kept: Any) -> RowBatch:
    columns = [each if each.ndim == 2 else each[:, None] for each in columns]
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


def sides_of(plan: Plan, slabs: tuple[Slab, ...]) -> dict[str, Part]:
    """The rows of each role."""
    return {
        each.role: Part(slab.matrix, each.as_read.kind_of_rows)
        for each, slab in zip(plan.inputs, slabs, strict=True)
        if each.role is not None and slab.matrix is not None and each.kind is not None
    }


def codes_of(slabs: tuple[Slab, ...]) -> Codes | None:
    """The class numbers of the labels."""
    return next((slab.codes for slab in slabs if slab.codes is not None), None)


def refuse_nan(plan: Plan, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64], values: Any) -> None:
    """A NaN that comes from a NaN, or from a row without any mass, is an input error; one that is computed is not."""
    odd = np.isnan(values) if values.ndim == 1 else np.isnan(values).any(axis=1)
    for at in np.flatnonzero(odd).tolist():
        for each, slab in zip(plan.inputs, slabs, strict=True):
            if slab.matrix is not None:
                each.refuse_row(slab.matrix, at, int(rows[at]) - at)
