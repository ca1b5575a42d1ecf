"""The ids of two inputs matched within a partition, block by block: how many agree, and which rows are at fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from divtool.engine.partitions import Partitions, Rows
from divtool.formats.keys import integers_of

LEADER, FOLLOWER = 0, 1


@dataclass(frozen=True)
class Tally:
    """What is known of the ids of both sides (leader, follower): how many there are, how many agree; the first row, if
    any, whose id stood there before (``twin``), and the first whose id the other side lacks (``lost``)."""

    ids: tuple[int, int] = (0, 0)
    common: int = 0
    twin: tuple[int | None, int | None] = (None, None)
    lost: tuple[int | None, int | None] = (None, None)

    def merged(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            (self.ids[0] + other.ids[0], self.ids[1] + other.ids[1]),
            self.common + other.common,
            (_least(self.twin[0], other.twin[0]), _least(self.twin[1], other.twin[1])),
            (_least(self.lost[0], other.lost[0]), _least(self.lost[1], other.lost[1])),
        )


def _least(*rows: int | None) -> int | None:
    return min((row for row in rows if row is not None), default=None)


def tally(leader: Partitions, follower: Partitions, partition: int) -> Tally:
    """The tally of one partition."""
    own, own_common, own_lost = _held_against(leader, follower, partition)
    others, _, others_lost = _held_against(follower, leader, partition)
    twins = (_first_twin(leader, partition), _first_twin(follower, partition))
    return Tally((own, others), own_common, twins, (own_lost, others_lost))


def _held_against(side: Partitions, other: Partitions, partition: int) -> tuple[int, int, int | None]:
    """How many ids a side has, how many of them the other has too, and the first row that it lacks."""
    ids, common, lost = 0, 0, None
    for _, rows, found in targets(other, side, partition):
        ids, common = ids + rows.size, common + int((found >= 0).sum())
        if (found < 0).any():
            lost = _least(lost, int(rows[found < 0].min()))
    return ids, common, lost


def targets(leader: Partitions, follower: Partitions, partition: int) -> Iterator[tuple[int, Rows, Rows]]:
    """The follower's ids of a partition in blocks: the number of the first, the rows (n,), and the leader's rows (n,)
    with the same ids, -1 where there is none."""
    first = 0
    for ids, rows in follower.blocks(partition):
        found = np.full(rows.size, -1, np.int64)
        for others, other_rows in leader.blocks(partition):
            at = _index_in(ids, others)
            found[at >= 0] = other_rows[at[at >= 0]]
        yield first, rows, found
        first += rows.size


def _index_in(ids: pa.Array, others: pa.Array) -> Rows:
    """The place of each id among others, -1 where it is not."""
    at = pc.index_in(ids, value_set=others)
    if not at.null_count:
        return integers_of(at)
    # ``fill_null`` would import pandas.
    there = np.from_dlpack(pc.cast(at.is_valid(), pa.uint8())).astype(np.bool_)
    return np.where(there, integers_of(at), -1)


def _first_twin(side: Partitions, partition: int) -> int | None:
    """The first row whose id an earlier row has."""
    first: int | None = None
    for number, (ids, rows) in enumerate(side.blocks(partition)):
        first = _least(first, _twin_within(ids, rows))
        for earlier, (others, other_rows) in enumerate(side.blocks(partition)):
            if earlier == number:
                break
            at = _index_in(ids, others)
            if (at >= 0).any():
                first = _least(first, int(np.maximum(rows, other_rows[at])[at >= 0].min()))
    return first


def _twin_within(ids: pa.Array, rows: Rows) -> int | None:
    coded = ids.dictionary_encode()
    if len(coded.dictionary) == len(ids):
        return None
    order = np.argsort(rows, kind="stable")
    again = np.ones(rows.size, np.bool_)
    again[np.unique(integers_of(coded.indices)[order], return_index=True)[1]] = False
    return int(rows[order][again][0])
