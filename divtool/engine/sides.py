"""Two files whose rows are the same cases: labels or distributions on either side, joined into one table of outcomes.

Labels are counted; where a side is a distribution, each case adds the product of both rows' probabilities, a label
being certain of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from divtool.accumulators.joint import Coded, JointCounts
from divtool.accumulators.joint_table import JointTable, table_of
from divtool.engine.bind import matrix_input
from divtool.engine.chunk import Chunk, Part, Settings
from divtool.engine.counting import Job, Variable, coded_block, count_outcomes
from divtool.engine.first_lines import with_settled_headers
from divtool.engine.inputs import Input, Readable, Slab
from divtool.engine.local import local_engine
from divtool.engine.naming import SAME_BESIDE, check_members_beside, id_columns
from divtool.engine.operands import Opened, open_one
from divtool.engine.plan import Plan, running_of
from divtool.engine.prepare import check_join, rows_matched
from divtool.engine.score import aligned, check_ids
from divtool.engine.side_columns import check_first_lines, check_indexes, label_columns, order_beside
from divtool.engine.tasks import RowOrderError, Task, tasks
from divtool.engine.twins import MOST_ROWS, Hashes, may_hold_twins
from divtool.errors import InputError, ResourceError, UsageError
from divtool.formats.keys import Keys
from divtool.formats.source import Block, Selection
from divtool.meaning.columns import Columns
from divtool.meaning.ids import Ids
from divtool.meaning.labels import LabelRule
from divtool.meaning.outcomes import way_out
from divtool.measures.declare import DISTRIBUTIONS, Operand
from divtool.numerics.softcounts import OuterSums
from divtool.options import Reading, Running, parse_rows
from divtool.outcome_options import Counting
from divtool.registry import natural

Progress = Callable[[int, int], None]

_KINDS = DISTRIBUTIONS | {"labels"}
# Opened as sides, so that a row of labels is not taken for one distribution; in their roles once they are known to be
# distributions.
_OPENED = tuple(Operand(f"side {name}", name.upper(), "Labels, or distributions.", _KINDS) for name in ("x", "y"))
_ROLES = ("p", "q")
_MOST_CELLS = 1 << 22


@dataclass(frozen=True)
class LabelSide(Input):
    """A column of labels; ``entries`` are all that occur, a missing value last if there is one."""

    entries: tuple[str | None, ...] = ()

    @cached_property
    def job(self) -> Job:
        """How the labels are read: as the pass has read them that found the entries."""
        assert self.columns.label is not None
        return Job(self.source, (Variable(self.columns.label, self.header.name(self.columns.label)),), (), 0)

    @property
    def selection(self) -> Selection:
        """The columns of ids and labels."""
        ids = () if self.columns.id is None else (self.columns.id,)
        if self.labels is None:
            return Selection((), ids, cells=True)
        return Selection(self.job.selection.matrix, (*ids, *self.job.selection.keys), cells=True)

    def _slab(self, block: Block) -> Slab:
        keys: list[Keys] = list(block.keys)
        marks = list(block.absent) or [None] * len(keys)
        ids, nameless = (keys.pop(0), marks.pop(0)) if self.columns.id is not None else (None, None)
        if nameless is not None and self.by_id:
            row = block.first + int(np.argmax(nameless))
            raise self.place_of(row).refusal("the id is missing", hint="rows are matched by their ids; fill it in")
        if self.labels is None:
            return Slab(block.first, len(block), None, None, ids)
        (coded,), _ = coded_block(self.job, replace(block, keys=tuple(keys), absent=tuple(marks)))
        places = {entry: code for code, entry in enumerate(self.entries)}
        lookup = np.array([places.get(entry, -1) for entry in coded.entries], np.int64)
        codes = lookup[coded.codes]
        if (codes < 0).any():
            raise InputError("the labels are not those of before: the file was changed", path=self.title)
        return Slab(block.first, len(block), None, codes, ids)


@dataclass(frozen=True)
class Joined:
    """The table of two sides, and how it came about. ``soft``: a side is a distribution."""

    table: JointTable
    inputs: tuple[Input, Input]
    matched: tuple[str, ...]
    soft: bool
    rows: int
    left_out: int


def joined(
    operands: Sequence[Any], reading: Reading, counting: Counting, running: Running, progress: Progress | None = None
) -> Joined:
    """The joint table of two operands, their rows matched by ids or by position."""
    opened = _opened(operands, reading)
    plan, sides = _planned(opened, reading, counting, running)
    try:
        state = _folded(plan, sides, progress)
    except RowOrderError:
        # Imported when it is needed, as it is for measures of rows.
        from divtool.engine.join import with_rows_in_order

        plan = with_rows_in_order(plan)
        try:
            state = _folded(plan, sides, progress)
        finally:
            for each in plan.inputs:
                each.close()
    if state.rows == state.left_out:
        raise InputError("no case is left: all rows are left out", path=plan.inputs[0].title,
                         hint="see --missing and --join")  # fmt: skip
    return Joined(state.table(), sides, plan.notes, state.sums is not None, state.rows, state.left_out)


def _opened(operands: Sequence[Any], reading: Reading) -> list[Opened]:
    opened = [open_one(operand, thing, reading) for operand, thing in zip(_OPENED, operands, strict=True)]
    opened = with_settled_headers(opened, reading)
    check_first_lines(opened, reading)
    return opened


def _planned(
    opened: Sequence[Opened], reading: Reading, counting: Counting, running: Running
) -> tuple[Plan, tuple[Input, Input]]:
    ids, labels = _columns_of(opened, reading)
    x, y = (
        _side(replace(each, operand=replace(each.operand, role=role)), id, label, opened, reading, counting, running)
        for each, id, label, role in zip(opened, ids.columns, labels, _ROLES, strict=True)
    )  # fmt: skip
    if isinstance(x, LabelSide) and isinstance(y, LabelSide) and _column(x) == _column(y):
        raise UsageError(f'X and Y are the same column, "{x.source.header.name(_column(x)[1])}" of {x.title}',
                         hint=f"to name another: {x.title}:COLUMN")  # fmt: skip
    check_join([x, y], reading)
    by_id = None not in ids.columns
    x, y = (replace(each, by_id=by_id) for each in (x, y))
    if x.width * y.width > _MOST_CELLS and (x.kind or y.kind):
        raise ResourceError(
            f"{x.width:,} x {y.width:,} classes are too many for a joint table (at most {_MOST_CELLS:,})"
        )
    threads, chunk_bytes = running_of(running)
    plan = Plan(
        asked=(), inputs=(x, y), settings=Settings(), names=None, classes=max(x.width, y.width), by_id=by_id,
        keep_rows=False, labels=False, ignore=(), threads=threads, chunk_bytes=chunk_bytes,
        notes=rows_matched((x, y), by_id, ids.how), rows=None if reading.rows is None else parse_rows(reading.rows),
        inner=reading.join == "inner",
    )  # fmt: skip
    return plan, (x, y)


def _columns_of(opened: Sequence[Opened], reading: Reading) -> tuple[Ids, tuple[int | None, int | None]]:
    """The columns of both files that name their rows, and those that hold labels (None: a distribution)."""
    ids = id_columns(opened, reading)
    beside = check_members_beside(opened, ids.columns)
    if reading.id is None and None in ids.columns:
        check_indexes(opened)
    x, y = label_columns(opened, ids.columns, reading)
    how = SAME_BESIDE if beside else ids.how
    if not beside and reading.id is None and None in ids.columns:
        how = order_beside(opened, (x, y)) or how
    return Ids(ids.columns, how), (x, y)


def check_sides(operands: Sequence[Any], reading: Reading) -> None:
    """Refuse two files that cannot be joined, as far as can be told before their rows are read."""
    _columns_of(_opened(operands, reading), reading)


def _column(side: LabelSide) -> tuple[str, int]:
    """The file and the place of the column that holds a side's labels."""
    assert side.columns.label is not None
    return side.source.header.path, side.columns.label


def _side(
    opened: Opened, id: int | None, label: int | None, both: Sequence[Opened], reading: Reading, counting: Counting,
    running: Running,
) -> Input:  # fmt: skip
    if label is None:
        missing = "drop" if counting.missing == "drop" else "error"
        return matrix_input(opened, id, both, replace(reading, missing=missing))
    header = opened.header
    name = header.name(label)
    threads, chunk_bytes = running_of(running)
    try:
        found = count_outcomes(
            opened.source, [Variable(label, name)], [(0,)], threads=threads, chunk_bytes=chunk_bytes,
            refuse_missing=counting.missing == "error",
        )  # fmt: skip
    except InputError as error:
        if error.hint == way_out([name]):
            error.hint = "labels are categories; for numbers: divtool joint TABLE X Y --bins 10"
        raise
    entries = found.table((0,)).entries[0]
    codes = {text: code for code, text in enumerate(entries) if text is not None}
    rule = LabelRule("name", len(entries), codes, (), header.path, name if header.names else None)
    return LabelSide(
        opened.source, Columns((), id, label), None, order=range(len(entries)), labels=rule, entries=entries
    )


@dataclass
class _State:
    """What is known of the rows so far: counts of pairs of labels, or sums of products."""

    counts: JointCounts | None
    sums: OuterSums | None
    entries: tuple[tuple[str | None, ...], tuple[str | None, ...]]
    rows: int = 0
    left_out: int = 0
    ids: list[Hashes] = field(default_factory=list)

    @classmethod
    def empty(cls, sides: tuple[Input, Input]) -> _State:
        entries = (_entries(sides[0]), _entries(sides[1]))
        if any(each.kind is not None for each in sides):
            return cls(None, OuterSums(len(entries[0]), len(entries[1])), entries)
        return cls(JointCounts(("X", "Y"), ((0, 1),)), None, entries)

    def merge(self, other: _State) -> None:
        if self.counts is not None and other.counts is not None:
            self.counts.merge(other.counts)
        if self.sums is not None and other.sums is not None:
            self.sums.merge(other.sums)
        self.rows += other.rows
        self.left_out += other.left_out
        self.ids = [*self.ids, *other.ids] if self.rows <= MOST_ROWS else []

    def table(self) -> JointTable:
        if self.counts is not None:
            return self.counts.table((0, 1))
        assert self.sums is not None
        places = [{name: i for i, name in enumerate(names)} for names in self.entries]
        names = [sorted(names, key=_place) for names in self.entries]
        orders = [[place[name] for name in own] for place, own in zip(places, names, strict=True)]
        return table_of(self.sums.present()[np.ix_(*orders)], names, cases=False)


def _place(name: str | None) -> tuple[object, ...]:
    """Where an outcome stands: in natural order, a missing value last."""
    return (True,) if name is None else (False, natural(name))


def _entries(side: Input) -> tuple[str | None, ...]:
    if isinstance(side, LabelSide):
        return side.entries
    return side.class_names or tuple(str(i) for i in range(side.width))


def _folded(plan: Plan, sides: tuple[Input, Input], progress: Progress | None) -> _State:
    state, total = _State.empty(sides), sides[0].source.estimate()
    for part in local_engine(plan.threads).map(partial(_score, plan, sides), tasks(plan)):
        state.merge(part)
        if progress is not None:
            progress(state.rows, total)
    for each in plan.inputs:
        each.check_unchanged()
    if may_hold_twins(state.ids):
        raise RowOrderError
    return state


def _score(plan: Plan, sides: tuple[Input, Input], task: Task) -> _State:
    state = _State.empty(sides)
    streams = [each.slabs(extent, plan.block_bytes) for each, extent in zip(plan.inputs, task.extents, strict=True)]
    for x, y in aligned(streams, plan.chunk_bytes_at_once):
        check_ids(plan, (x, y), state.ids)
        state.rows += x.rows
        gone = [slab.missing for slab in (x, y) if slab.missing is not None]
        if gone:
            kept = ~np.logical_or.reduce(gone)
            state.left_out += int((~kept).sum())
            x, y = x.where(kept), y.where(kept)
        _take(plan, state, x, y)
    return state


def _take(plan: Plan, state: _State, x: Slab, y: Slab) -> None:
    if state.counts is not None:
        assert x.codes is not None
        assert y.codes is not None
        state.counts.update((Coded(x.codes, state.entries[0]), Coded(y.codes, state.entries[1])))
        return
    assert state.sums is not None
    left, right = (_masses(given, slab) for given, slab in zip(plan.inputs, (x, y), strict=True))
    state.sums.update(left, right)


def _masses(given: Readable, slab: Slab) -> Any:
    """The probabilities of a side's outcomes (n, C): of a label, one for what it says."""
    if slab.matrix is None:
        assert slab.codes is not None
        one_hot = np.zeros((slab.rows, given.as_read.width if given.kind else len(_entries(given.as_read))))
        one_hot[np.arange(slab.rows), slab.codes] = 1.0
        return one_hot
    masses = Chunk({"p": Part(slab.matrix, given.as_read.kind_of_rows)}, None, Settings()).form("p")
    odd = np.flatnonzero(np.isnan(masses).any(axis=1))
    for at in odd.tolist():
        given.refuse_row(slab.matrix, at, slab.first)
    return masses
