"""Rows of one input put into the order of another by their ids, in bounded memory.

Both sides' ids go to partitions by a hash, the follower's rows with them; partitions are matched one by one, and the
rows found go to a file in the leader's order. All of it lies in temporary files, however large the inputs are.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from divtool.engine.inputs import Input, Readable, Slab
from divtool.engine.local import Engine, local_engine
from divtool.engine.matching import Tally, tally, targets
from divtool.engine.partitions import Partitions, arrow_integers, partitions_for
from divtool.engine.plan import Plan
from divtool.engine.records import Buckets, Layout, RecordFile, Records
from divtool.engine.twins import offsets_of
from divtool.engine.unmatched import fault_of
from divtool.errors import InputError
from divtool.formats.scratch import discard, temporary, temporary_folder
from divtool.formats.source import Extent, Place, Stored
from divtool.meaning.kinds import Kind

# Bytes of a file in the hands of all threads together.
_READ = 8 << 20
_LEAST_READ = 1 << 18
_SAMPLED = 1000


class LeaderIds:
    """The ids of the leading input in partitions, for all inputs that follow it. To be closed."""

    def __init__(self, leader: Input, followers: Iterable[Readable], engine: Engine, threads: int) -> None:
        self.leader, self.engine = leader, engine
        self.read_bytes = max(_LEAST_READ, _READ // threads)
        self._folder = temporary("divtool-join-")
        with ExitStack() as stack:
            stack.callback(self.close)
            os.mkdir(self._folder, 0o700)
            count = max(_partitions_of(each) for each in (leader, *(each.as_read for each in followers)))
            self.partitions = Partitions(self._folder, "leader", count)
            self.spill(leader.ids_only(), lambda slab: self._append(leader, slab))
            stack.pop_all()

    def _append(self, leader: Input, slab: Slab) -> None:
        _append(self.partitions, slab, leader, None)

    def spill(self, given: Readable, take: Callable[[Slab], None]) -> None:
        """Hand every slab of an input to ``take``, in as many threads as the run has; of several errors the first row's
        is told."""
        for _ in self.engine.map(partial(_each_slab, given, self.read_bytes, take), given.extents(self.read_bytes)):
            pass

    def close(self) -> None:
        """Remove the files."""
        discard(self._folder)


class Reordered:
    """An input whose rows stand in the order of the leading input; reads like any other.

    ``lost`` are the numbers of ids that only the leader has, and only the follower: rows of the former are marked
    missing, rows of the latter are not there. Neither is allowed unless ``inner``. It pickles as the names of its file
    and of the input's; the file goes when the one that made it is closed or forgotten.
    """

    def __init__(self, follower: Readable, ids: LeaderIds, *, inner: bool = False) -> None:
        self.follower = follower
        self._folder = temporary_folder("divtool-join-")
        self._cleanup = weakref.finalize(self, discard, self._folder)
        try:
            self._layout = Layout.of(_first_slab(follower))
            self._rows = ids.leader.count()
            self._file = RecordFile(os.path.join(self._folder, "rows"), self._layout, self._rows)
            partitions = Partitions(self._folder, "follower", ids.partitions.count)
            ids.spill(follower, lambda slab: _append(partitions, slab, follower.as_read, self._checked(slab)))
            found = _tallied(ids, partitions)
            fault = fault_of(found, ids.leader, follower.as_read, inner=inner)
            if fault is not None:
                raise fault
            self.lost = (found.ids[0] - found.common, found.ids[1] - found.common)
            self._arrange(ids, partitions)
        except BaseException:
            self.close()
            raise

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_cleanup"}

    def close(self) -> None:
        """Remove the file; no row can be read any more."""
        self._cleanup()

    def _checked(self, slab: Slab) -> Records:
        """The rows of a slab as records. Bad ones are refused here, where their own rows are at hand."""
        if slab.matrix is not None:
            bad = np.isnan(slab.matrix).any(axis=1) | (slab.matrix == -np.inf).all(axis=1)
            for at in np.flatnonzero(bad if slab.missing is None else bad & ~slab.missing).tolist():
                self.follower.refuse_row(slab.matrix, at, slab.first)
        return self._layout.records(slab)

    def _arrange(self, ids: LeaderIds, partitions: Partitions) -> None:
        with Buckets(self._file) as buckets:
            scatter = partial(_scatter, ids.partitions, partitions, buckets, max(1, ids.read_bytes))
            for _ in ids.engine.map(scatter, range(partitions.count)):
                pass
            for _ in ids.engine.map(buckets.settle, range(len(buckets))):
                pass

    @property
    def title(self) -> str:
        """How the file is called."""
        return self.follower.title

    @property
    def as_read(self) -> Input:
        """The input as it stands in its file."""
        return self.follower.as_read

    @property
    def role(self) -> str | None:
        """The role of its matrix."""
        return self.follower.role

    @property
    def size(self) -> int:
        """The bytes of its file."""
        return self.follower.size

    @property
    def kind(self) -> Kind | None:
        """What its matrix holds."""
        return self.follower.kind

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Any rows."""
        step = max(1, target_bytes // self._layout.record.itemsize)
        for first in range(0, self._rows, step):
            yield Extent(first, min(first + step, self._rows))

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows."""
        return Extent(min(first, self._rows), min(stop, self._rows))

    def count(self) -> int:
        """The number of rows, the same as the leader's."""
        return self._rows

    def check_unchanged(self) -> None:
        """Refuse if the file behind is not what it was."""
        self.follower.check_unchanged()

    def place_of(self, row: int) -> Place:
        """Where in its own file the partner of a leader's row stands."""
        return self.as_read.source.place_of(max(0, self._own(row)))

    def refuse_row(self, matrix: Stored, at: int, first: int) -> None:
        """Raise the :class:`InputError` that a row deserves, named by its place in its own file."""
        own = self._own(first + at)
        if own >= 0:
            self.follower.refuse_row(matrix, at, own - at)

    def _own(self, row: int) -> int:
        return int(self._file.read(row, row + 1)["own"][0])

    def slabs(self, extent: Extent, block_bytes: int) -> Iterator[Slab]:
        """Rows in the leader's order; their ids are known to agree, so none are given."""
        step = max(1, block_bytes // self._layout.record.itemsize)
        for first in range(extent.first, extent.stop, step):
            yield self._layout.slab(first, self._file.read(first, min(first + step, extent.stop)))


def _tallied(ids: LeaderIds, partitions: Partitions) -> Tally:
    return reduce(
        Tally.merged, ids.engine.map(partial(tally, ids.partitions, partitions), range(partitions.count)), Tally()
    )


def _scatter(leader: Partitions, follower: Partitions, buckets: Buckets, step_bytes: int, partition: int) -> None:
    """The records of a partition into their buckets, a few at a time."""
    for first, _, found in targets(leader, follower, partition):
        record = buckets.record
        step = max(1, step_bytes // record.itemsize)
        for start in range(0, found.size, step):
            rows = found[start : start + step]
            records = np.empty(rows.size, record)
            follower.payload(partition, first + start, records)
            records["row"] = rows
            buckets.scatter(records[rows >= 0])
    follower.forget(partition)


def _each_slab(given: Readable, block_bytes: int, take: Callable[[Slab], None], extent: Extent) -> None:
    for slab in given.slabs(extent, block_bytes):
        take(slab)


def _append(partitions: Partitions, slab: Slab, given: Input, records: Records | None) -> None:
    """Spill the rows of a slab that have an id."""
    assert slab.ids is not None
    ids, rows = slab.ids.arrow(), np.arange(slab.first, slab.first + slab.rows)
    named = _named(slab, given)
    if named is not None:
        ids, rows = ids.take(arrow_integers(np.flatnonzero(named))), rows[named]
        records = None if records is None else records[named]
    partitions.append(ids, rows, records)


def _named(slab: Slab, given: Input) -> npt.NDArray[np.bool_] | None:
    """The rows that have an id, None for all. A missing id reads like 0 or an empty text, which may also be ids."""
    assert slab.ids is not None
    if slab.missing is None or not slab.missing.any():
        return None
    if not (np.diff(offsets_of(slab.ids.arrow()))[slab.missing] <= 1).any():
        return None
    masks = []
    for each in given.ids_only().slabs(given.locate(slab.first, slab.first + slab.rows), _READ):
        masks.append(np.ones(each.rows, np.bool_) if each.missing is None else ~each.missing)
    return np.concatenate(masks)


def _first_slab(follower: Readable) -> Slab:
    for slab in follower.slabs(follower.locate(0, 1), 1):
        return slab
    raise InputError("holds no rows", path=follower.title)


def _partitions_of(given: Input) -> int:
    """How many partitions the ids of an input need if they are as long as the first ones."""
    for slab in given.ids_only().slabs(given.locate(0, _SAMPLED), _LEAST_READ):
        assert slab.ids is not None
        rows = max(given.source.estimate(), slab.rows)
        texts = pc.sum(pc.binary_length(slab.ids.arrow())).as_py() or 0
        return partitions_for(texts * rows // max(1, slab.rows), rows)
    return 1


def with_rows_in_order(plan: Plan) -> Plan:
    """The plan with every follower's rows put into the leader's order by their ids."""
    leader, *others = plan.inputs
    if plan.without_ids:
        raise _order_unknown(plan)
    # A column of the leading file has no id of its own: it stands in order.
    following = [other for other in others if other.as_read.columns.id is not None]
    made: dict[int, Reordered] = {}
    ids = LeaderIds(leader.as_read, following, local_engine(plan.threads), plan.threads)
    try:
        for each in following:
            made[id(each)] = Reordered(each, ids, inner=plan.inner)
    except BaseException:
        for done in made.values():
            done.close()
        raise
    finally:
        ids.close()
    ordered = tuple(made.get(id(other), other) for other in others)
    names = ", ".join(dict.fromkeys(os.path.basename(each.title) for each in made.values()))
    said = f" ({names} put in order through temporary files)"
    notes = tuple(note + said if note.startswith("rows matched") else note for note in plan.notes)
    return replace(plan, inputs=(leader, *ordered), notes=notes)


def _order_unknown(plan: Plan) -> InputError:
    """The error for files that differ in the order of their ids, beside one that has none to follow either."""
    named = [each for each in plan.inputs if each.as_read.columns.id is not None]
    without = plan.without_ids
    return InputError(
        f"has no ids, and the rows of {named[0].title} and {named[1].title}, which have, are not the same in the same"
        " order: which of them does it follow?", path=without[0],
        hint="give it the column of ids; --id none: rows by position",
    )  # fmt: skip
