"""A run cut into tasks: the same rows of every input, along the joints of the leading one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from divtool.engine.plan import Plan
from divtool.errors import InputError
from divtool.formats.source import Extent


@dataclass(frozen=True)
class Task:
    """Some rows of every input, small enough to hand to a worker: where they are, never what they are."""

    extents: tuple[Extent, ...]


class RowOrderError(Exception):
    """The ids of two inputs are not in the same order after all: the run starts again with the rows put in order."""


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
