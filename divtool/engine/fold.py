"""Split, score, merge in order, present: the one loop through which every measure runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from divtool.engine.local import Engine
from divtool.engine.plan import Plan
from divtool.engine.score import score
from divtool.engine.state import RowBatch, State
from divtool.engine.tasks import RowOrderError, tasks
from divtool.engine.twins import may_hold_twins

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
