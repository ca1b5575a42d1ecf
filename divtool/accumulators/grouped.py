"""The statistics of rows in groups: one set of them for each name that occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.accumulators.bundle import RowFigures, RowStatistics
from divtool.accumulators.scores import Scores
from divtool.errors import InputError

# More groups are no groups: the column names rows, or measures something.
MOST_GROUPS = 1000
# Quantiles of a group are exact up to so many rows.
BUDGET = 1 << 14
# Rows wait until there are so many of them: a group then has more than one or two at a time.
_WAITING = 1 << 18

Codes = npt.NDArray[np.int64]


@dataclass
class _Waiting:
    codes: Codes
    names: Sequence[str]
    scores: Scores


class Grouped:
    """One measure over the rows of each group. ``by`` is what the groups are called together, for a message.

    >>> state = Grouped("site")
    >>> state.update(np.array([0, 1, 0]), ["b", "a"], Scores(np.arange(3), np.array([1.0, 5.0, 3.0])))
    >>> {name: figures.moments.mean for name, figures in state.present().items()}
    {'b': 2.0, 'a': 5.0}
    """

    def __init__(self, by: str = "group") -> None:
        self.by = by
        self.groups: dict[str, RowStatistics] = {}
        self._waiting: list[_Waiting] = []
        self._rows = 0

    def update(self, codes: Codes, names: Sequence[str], scores: Scores) -> None:
        """Take rows: ``codes`` (n,) are the places of their groups in ``names``."""
        if scores.values.size:
            self._waiting.append(_Waiting(codes, names, scores))
            self._rows += scores.values.size
        if self._rows >= _WAITING:
            self.settle()

    def merge(self, other: Grouped) -> None:
        """Take what another part has kept."""
        for name, statistics in other.groups.items():
            self._group(name).merge(statistics)
        self._waiting += other._waiting
        self._rows += other._rows
        if self._rows >= _WAITING:
            self.settle()

    def settle(self) -> None:
        """Count the rows that wait."""
        if not self._waiting:
            return
        places: dict[str, int] = {}
        codes = np.concatenate([
            np.array([places.setdefault(name, len(places)) for name in each.names], np.int64)[each.codes]
            for each in self._waiting
        ])  # fmt: skip
        weighted = any(each.scores.shares is not None for each in self._waiting)
        rows = np.concatenate([each.scores.rows for each in self._waiting])
        values = np.concatenate([each.scores.values for each in self._waiting])
        shares = np.concatenate([_shares(each.scores) for each in self._waiting]) if weighted else None
        self._waiting, self._rows = [], 0
        order = np.argsort(codes, kind="stable")
        names = list(places)
        there, starts = np.unique(codes[order], return_index=True)
        for code, own in zip(there.tolist(), np.split(order, starts[1:]), strict=True):
            own_shares = None if shares is None else shares[own]
            self._group(names[code]).update(Scores(rows[own], values[own], own_shares))

    def _group(self, name: str) -> RowStatistics:
        if name not in self.groups:
            if len(self.groups) == MOST_GROUPS:
                raise InputError(
                    f'"{self.by}" has more than {MOST_GROUPS:,} different entries; expected groups of rows (--by)',
                    hint="a column that names clusters, to which rows belong together, is one for --cluster",
                )  # fmt: skip
            self.groups[name] = RowStatistics(budget=BUDGET)
        return self.groups[name]

    def present(self) -> dict[str, RowFigures]:
        """The figures of each group."""
        whole = Grouped(self.by)
        whole.merge(self)
        whole.settle()
        return {name: statistics.present() for name, statistics in whole.groups.items()}


def _shares(scores: Scores) -> npt.NDArray[np.float64]:
    return np.ones(scores.values.size) if scores.shares is None else scores.shares
