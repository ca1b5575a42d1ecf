"""Predictions beside their labels, chunk by chunk, for what is made of more than a number a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from divtool.engine.asked import asked_for
from divtool.engine.chunk import Chunk, Part, logarithms
from divtool.engine.inputs import Input, Readable, Slab
from divtool.engine.local import local_engine
from divtool.engine.once import once
from divtool.engine.plan import Plan
from divtool.engine.prepare import prepare
from divtool.engine.score import aligned, check_ids, codes_of, keep_mass_beyond, refuse_nan, rows_there, sides_of
from divtool.engine.state import State
from divtool.engine.tasks import RowOrderError, Task, tasks
from divtool.engine.twins import may_hold_twins
from divtool.errors import InputError, UsageError
from divtool.meaning.binary import as_cells, both_classes
from divtool.meaning.kinds import Kind
from divtool.meaning.labels import Codes
from divtool.measures import load_families
from divtool.measures.declare import MEASURES
from divtool.measures.scores import brier
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.kernels import widened
from divtool.options import Measuring, Reading, Running

Progress = Callable[[int, int], None]


class Labelled:
    """Rows of a model beside their labels, in the forms that are asked for, without the rows whose label is ignored."""

    def __init__(self, chunk: Chunk, rows: npt.NDArray[np.int64], single: npt.NDArray[np.float64] | None) -> None:
        self.chunk, self.all_rows, self._single = chunk, rows, single

    def at(self, temperature: float) -> Labelled:
        """The same rows with their logits (the logarithms of a table) divided by a temperature."""
        logits = Part(logarithms(self.chunk.sides["q"]), "logits")
        settings = replace(self.chunk.settings, temperature=temperature)
        return Labelled(Chunk({"q": logits}, self.chunk.codes, settings), self.all_rows, None)

    def _kept(self, values: Any) -> Any:
        kept = self.chunk.kept
        return values if kept is None else values[kept]

    @once
    def rows(self) -> npt.NDArray[np.int64]:
        """The row numbers (n,)."""
        found: npt.NDArray[np.int64] = self._kept(self.all_rows)
        return found

    @once
    def codes(self) -> Codes:
        """The class of each label (n,)."""
        assert self.chunk.codes is not None
        found: Codes = self._kept(self.chunk.codes)
        return found

    @once
    def probability(self) -> Matrix:
        """The probabilities (n, C) as a loss sees them: those of a table as they are stored."""
        if self._single is not None:
            return np.stack([1.0 - self._kept(self._single), self._kept(self._single)], axis=1)
        found: Matrix = self._kept(self.chunk.prediction)
        return found

    @once
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the label is the first choice (n,); of equally probable classes that is the one of lowest index."""
        if self._single is not None:
            return np.asarray(self.probability.argmax(axis=1) == self.codes)
        return np.asarray(self._kept(self.chunk.rank_of_label) == 0.0)

    @once
    def cost(self) -> Rows:
        """-log q at the label (n,), in nats."""
        found: Rows = self._kept(self.chunk.cost_of_label)
        return found

    @once
    def brier(self) -> Rows:
        """The Brier score of each row over all classes (n,)."""
        found: Rows = self._kept(brier(self.chunk.error))
        return found

    @once
    def logits(self) -> Matrix:
        """The logits (n, C): those of a table are its logarithms."""
        side = self.chunk.sides["q"]
        found: Matrix = self._kept(widened(logarithms(side)).astype(np.float64, copy=False))
        return found


class Scored(Protocol):
    """What is kept of labelled rows; ``counts`` are those of the rows that were read."""

    counts: State

    def merge(self, other: Self) -> None:
        """Take what a later part has kept."""


Kept = TypeVar("Kept", bound=Scored)


def labelled_plan(verb: str, operands: Sequence[Any], reading: Reading, measuring: Measuring, running: Running) -> Plan:
    """The plan of one model's predictions beside hard labels: that of ``ce``."""
    load_families()
    asked = asked_for(MEASURES.get("ce"), {}, ("brier",), reverse=False, both=False)
    plan = prepare(asked, operands, reading=reading, measuring=measuring, running=running, keep_rows=False)
    models = [each for each in plan.inputs if (each.role or "").startswith("q")]
    if len(models) > 1:
        raise UsageError(f"{verb} looks at one model; {len(models)} files are given", hint="run it once for each")
    if not plan.labels:
        truth = next((each.title for each in plan.inputs if each.role == "target"), plan.inputs[0].title)
        raise InputError(f"holds soft labels; {verb} takes one class for each row", path=truth)
    return replace(plan, inputs=tuple(_bare(each) for each in plan.inputs))


def _bare(given: Readable) -> Readable:
    """A single column of probabilities read as it is: the logarithms of both classes would move it off its edges."""
    if not isinstance(given, Input) or not given.single or given.kind is None or given.kind.name != "probs":
        return given
    return replace(given, single=False, order=range(1), kind=as_cells(given.kind))


def as_told(plan: Plan) -> Plan:
    """The plan with a single column of probabilities as it was understood, for reports."""
    return replace(plan, inputs=tuple(_told(each) for each in plan.inputs))


def _told(given: Readable) -> Readable:
    own = given.as_read
    if own.kind is None or own.kind.name != "chances":
        return given
    return replace(own, single=True, kind=replace(own.kind, name="probs"))


def folded(
    plan: Plan, empty: Callable[[], Kept], take: Callable[[Kept, Labelled], None], progress: Progress | None
) -> tuple[Plan, Kept]:
    """All parts of a run taken and merged in one pass, in order. Where the ids of the inputs turn out to be in
    different orders, the plan comes back with its rows put in order: it is to be closed."""
    try:
        return plan, _folded(plan, empty, take, progress)
    except RowOrderError:
        # Imported when it is needed: NPY files are scored without Arrow.
        from divtool.engine.join import with_rows_in_order

        plan = with_rows_in_order(plan)
        try:
            return plan, _folded(plan, empty, take, progress)
        except BaseException:
            close(plan)
            raise


def close(plan: Plan) -> None:
    """Remove the temporary files of inputs that were put in order."""
    for each in plan.inputs:
        each.close()


def _folded(
    plan: Plan, empty: Callable[[], Kept], take: Callable[[Kept, Labelled], None], progress: Progress | None
) -> Kept:
    state, source = empty(), plan.inputs[0].as_read.source
    for part in local_engine(plan.threads).map(partial(_part, plan, empty, take), tasks(plan)):
        state.merge(part)
        if progress is not None:
            progress(state.counts.rows, source.estimate())
    for each in plan.inputs:
        each.check_unchanged()
    if may_hold_twins(state.counts.ids):
        raise RowOrderError
    return state


def _part(plan: Plan, empty: Callable[[], Kept], take: Callable[[Kept, Labelled], None], task: Task) -> Kept:
    """One part, chunk by chunk."""
    state = empty()
    streams = [each.slabs(extent, plan.block_bytes) for each, extent in zip(plan.inputs, task.extents, strict=True)]
    for slabs in aligned(streams, plan.chunk_bytes_at_once):
        rows = np.arange(slabs[0].first, slabs[0].first + slabs[0].rows, dtype=np.int64)
        check_ids(plan, slabs, state.counts.ids)
        slabs, rows = rows_there(state.counts, slabs, rows)
        if rows.size:
            keep_mass_beyond(plan, state.counts, slabs, rows)
            with np.errstate(all="ignore"):
                take(state, _labelled(plan, state.counts, slabs, rows))
    return state


def _labelled(plan: Plan, counts: State, slabs: tuple[Slab, ...], rows: npt.NDArray[np.int64]) -> Labelled:
    sides, codes, single = sides_of(plan, slabs), codes_of(slabs), None
    if sides["q"].kind == "chances":
        single = sides["q"].doubles[:, 0]
        sides["q"] = Part(both_classes(Kind("probs", ""), single[:, None]), "log-probs")
    chunk = Chunk(sides, codes, plan.settings)
    refuse_nan(plan, slabs, rows, chunk.cost_of_label)
    counts.rows += rows.size
    counts.ignored += 0 if chunk.kept is None else int((~chunk.kept).sum())
    for slab in slabs:
        if slab.normalized is not None and slab.rounded is not None:
            counts.normalized += int(slab.normalized.sum())
            counts.rounded += int(slab.rounded.sum())
    return Labelled(chunk, rows, single)
