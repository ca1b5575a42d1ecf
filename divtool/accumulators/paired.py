"""Several columns over the same rows, to be compared with each other: taken while files stream by."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.pair_sums import PairSums
from divtool.accumulators.paired_figures import Kept, PairedFigures
from divtool.errors import ResourceError
from divtool.numerics.exactsum import Doubles

# Numbers that are kept: 32 MiB of doubles.
BUDGET = 1 << 22
# Rows are summed up so many at a time.
_AT_ONCE = 1 << 13


class Paired:
    """What it takes to compare ``columns`` columns row by row: the rows themselves while all their numbers, with the
    shares, are at most ``budget`` (decided from the whole run), beyond it exact sums of products of every two columns.

    Both give the same differences to the last bit; only the kept rows can be drawn again or grouped into clusters.

    >>> state = Paired(2)
    >>> state.update(np.arange(3), np.array([[1.0, 0.5], [2.0, 1.0], [3.0, 3.0]]), None, None)
    >>> found = state.present().difference(0, 1, 0.95)
    >>> found.value, round(found.std_error, 6), (found.above, found.below, found.equal)
    (0.5, 0.288675, (2, 0, 1))
    """

    def __init__(self, columns: int, budget: int = BUDGET) -> None:
        if columns < 1:
            raise ValueError(f"{columns} columns cannot be compared")
        self.columns, self.budget = columns, budget
        self.n = self.waiting = 0
        self.pieces: list[Kept] = []
        self.sums: PairSums | None = None
        # The codes of clusters in the order in which they came; None without clusters.
        self.codes: dict[Hashable, int] | None = None

    def update(
        self,
        rows: npt.NDArray[np.int64],
        values: Doubles,
        shares: Doubles | None,
        clusters: Sequence[Hashable] | npt.NDArray[Any] | None,
    ) -> None:
        """Take rows: their absolute numbers (n,), a value for each column (n, k), already multiplied by the row's
        weight, the shares (n,) of the mean's denominator (None: one each), and the clusters (n,) that they belong to,
        named by text or whole numbers; None is a name as well. All parts that have rows have clusters, or none has.

        Raises :class:`ResourceError` where there are more rows in clusters than can be kept.
        """
        if not len(rows):
            return
        if self.n and (clusters is None) != (self.codes is None):
            raise ValueError("some rows are in clusters and others are not")
        codes = None if clusters is None else self._codes_of(clusters)
        shares = np.ones(len(rows)) if shares is None else np.array(shares, np.float64)
        # A copy: chunks come and go. -0.0 becomes 0.0.
        own = np.ascontiguousarray(values, np.float64).reshape(len(rows), self.columns) + 0.0
        self.pieces.append(Kept(np.array(rows, np.int64), own, shares, codes))
        self.n += len(rows)
        self.waiting += len(rows)
        self._settle()

    def _codes_of(self, clusters: Sequence[Hashable] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        known = self.codes = {} if self.codes is None else self.codes
        entries = clusters.tolist() if isinstance(clusters, np.ndarray) else clusters
        return np.array([known.setdefault(each, len(known)) for each in entries], np.int64)

    def merge(self, other: Paired) -> None:
        """Take what another part has kept, of the same columns."""
        if self.n and other.n and (self.codes is None) != (other.codes is None):
            raise ValueError("some rows are in clusters and others are not")
        self.n += other.n
        self.waiting += other.waiting
        if other.codes is None:
            self.pieces += other.pieces
        else:
            lookup = self._codes_of(list(other.codes))
            self.pieces += [each._replace(codes=lookup[each.codes]) for each in other.pieces]
        if other.sums is not None:
            self.sums = self.sums or PairSums(self.columns)
            self.sums.join(other.sums)
        self._settle()

    def _settle(self) -> None:
        """Sum up what cannot be kept."""
        if self.n * (self.columns + 1) <= self.budget:
            return
        if self.codes is not None:
            raise ResourceError(
                f"{self.n:,} rows in clusters, of {self.columns} columns - expected at most"
                f" {self.budget // (self.columns + 1):,} rows",
                hint="compare fewer files at once, or leave the clusters out",
            )
        if self.sums is None:
            self.sums = PairSums(self.columns)
        if self.waiting >= _AT_ONCE:
            self._sum_up(self.sums)
            self.pieces, self.waiting = [], 0

    def _sum_up(self, sums: PairSums) -> None:
        for each in _together(self.pieces):
            for start in range(0, len(each.rows), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                sums.take(each.values[part], each.shares[part])

    def present(self) -> PairedFigures:
        """The rows in their order, and the sums; the state is left as it was."""
        sums = PairSums(self.columns) if self.sums is None else self.sums.copy()
        if self.codes is None:
            self._sum_up(sums)
        kept = None
        if self.pieces and self.n * (self.columns + 1) <= self.budget:
            # The same rows, kept once and not twice.
            self.pieces = [_in_order(self.pieces)]
            kept = _with_clusters_in_order(self.pieces[0])
        return PairedFigures(self.columns, self.n, self.codes is not None, sums, kept)


def _joined(pieces: Sequence[Kept]) -> Kept:
    rows, values, shares = (np.concatenate([each[field] for each in pieces]) for field in range(3))
    codes = [each.codes for each in pieces if each.codes is not None]
    return Kept(rows, values, shares, np.concatenate(codes) if codes else None)


def _together(pieces: Sequence[Kept]) -> Iterator[Kept]:
    """Small pieces joined, so that what is done with each of them is worth it."""
    waiting: list[Kept] = []
    for each in pieces:
        waiting.append(each)
        if sum(len(one.rows) for one in waiting) >= _AT_ONCE:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _in_order(pieces: Sequence[Kept]) -> Kept:
    """All rows by their numbers."""
    joined = pieces[0] if len(pieces) == 1 else _joined(pieces)
    rows, values, shares, codes = joined
    if (np.diff(rows) > 0).all():
        return joined
    order = np.argsort(rows, kind="stable")
    if (np.diff(rows[order]) == 0).any():
        # Not rows of one run; they still come in an order that does not depend on the parts.
        order = np.lexsort((*values.T, shares, rows))
    return Kept(rows[order], values[order], shares[order], None if codes is None else codes[order])


def _with_clusters_in_order(kept: Kept) -> Kept:
    """The rows with their clusters numbered in the order of their first rows."""
    if kept.codes is None:
        return kept
    _, first, codes = np.unique(kept.codes, return_index=True, return_inverse=True)
    return kept._replace(codes=np.argsort(np.argsort(first))[codes])
