"""Scores of a few chunks together: what is exact has a price for each call, which many rows should share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.scores import Scores
from divtool.engine.grouping import Groups
from divtool.engine.plan import Plan
from divtool.engine.state import State

# Enough rows for their number to outweigh the calls, few enough for their numbers to weigh nothing.
_ENOUGH = 1 << 13

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """One measure over the rows of a chunk: its numbers, their shares of the denominator (None: one each), and the rows
    that count (None: all)."""

    values: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64] | None = None
    left: Mask | None = None


@dataclass
class Waiting:
    """Chunks that were scored and are not counted yet. ``kept`` are the rows that no measure ignores."""

    plan: Plan
    rows: list[npt.NDArray[np.int64]] = field(default_factory=list)
    columns: list[Sequence[Column]] = field(default_factory=list)
    kept: list[Mask | None] = field(default_factory=list)
    clusters: list[Groups | None] = field(default_factory=list)
    waiting: int = 0

    def take(
        self, state: State, rows: npt.NDArray[np.int64], columns: Sequence[Column], kept: Mask | None,
        clusters: Groups | None,
    ) -> None:  # fmt: skip
        """Take a chunk; what has waited long enough is counted."""
        self.rows.append(rows)
        self.columns.append(columns)
        self.kept.append(kept)
        self.clusters.append(clusters)
        self.waiting += rows.size
        if self.waiting >= _ENOUGH:
            self.settle(state)

    def settle(self, state: State) -> None:
        """Count what waits."""
        if not self.waiting:
            return
        rows = _joined(self.rows)
        columns = [_column([each[place] for each in self.columns]) for place in range(len(self.columns[0]))]
        for statistics, column in zip(state.statistics, columns, strict=True):
            statistics.update(scores_of(rows, column))
        if self.plan.paired:
            self._pair(state, rows, columns)
        self.rows, self.columns, self.kept, self.clusters, self.waiting = [], [], [], [], 0

    def _pair(self, state: State, rows: npt.NDArray[np.int64], columns: Sequence[Column]) -> None:
        kept = _masks(self.kept, [each.size for each in self.rows])
        clusters = None
        if self.plan.cluster is not None:
            clusters = np.concatenate([_texts(each) for each in self.clusters if each is not None])
        for pairs, places in zip(state.paired, self.plan.paired, strict=True):
            values = np.stack([_counting(columns[place]) for place in places], axis=1)
            shares = columns[places[0]].shares
            # A row without weight is no evidence, and no unit.
            counted = kept if shares is None else shares != 0.0 if kept is None else kept & (shares != 0.0)
            if counted is None:
                pairs.update(rows, values, shares, clusters)
            else:
                pairs.update(rows[counted], values[counted], _cut(shares, counted), _cut(clusters, counted))


def scores_of(rows: npt.NDArray[np.int64], column: Column) -> Scores:
    """The rows of a measure that count."""
    left = column.left
    if left is None:
        return Scores(rows, column.values, column.shares)
    return Scores(rows[left], column.values[left], _cut(column.shares, left))


def _counting(column: Column) -> npt.NDArray[np.float64]:
    """The numbers of a measure, NaN where they do not count."""
    return column.values if column.left is None else np.where(column.left, column.values, np.nan)


def _cut(array: Any, rows: Mask) -> Any:
    return None if array is None else array[rows]


def _texts(groups: Groups) -> npt.NDArray[Any]:
    return np.array([*groups.names, ""], dtype=object)[groups.codes]


def _joined(pieces: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _column(pieces: Sequence[Column]) -> Column:
    sizes = [each.values.size for each in pieces]
    shares = [np.ones(each.values.size) if each.shares is None else each.shares for each in pieces]
    return Column(
        _joined([each.values for each in pieces]),
        None if all(each.shares is None for each in pieces) else _joined(shares),
        _masks([each.left for each in pieces], sizes),
    )  # fmt: skip


def _masks(pieces: Sequence[Mask | None], sizes: Sequence[int]) -> Mask | None:
    if all(each is None for each in pieces):
        return None
    marks = [np.ones(size, np.bool_) if each is None else each for each, size in zip(pieces, sizes, strict=True)]
    return _joined(marks)
