"""What reliability curves are made of: confidences and whether they came true, in bins of equal width or equal mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from divtool.accumulators.quantiles import BUDGET
from divtool.numerics.binsums import BinSums, Integers, Mask, add_sums, bin_sums, no_sums
from divtool.numerics.calibration import bins_of, mass_edges, width_edges
from divtool.numerics.exactsum import Doubles


@dataclass(frozen=True)
class Curve:
    """Bins of confidence and what is in them: bin i is (edges[i], edges[i + 1]], 0 in the first. ``rounded``: the edges
    are those of a histogram, within 2**-11 of the order statistics, relative to the distance from 0 or 1."""

    edges: tuple[float, ...]
    bins: tuple[BinSums, ...]
    rounded: bool = False


class Reliability:
    """Curves over the same bins of equal width, one for each class or a single one; ``full`` keeps what the
    decomposition of the Brier score needs as well.

    >>> state = Reliability(2)
    >>> state.update(np.array([[0.25, 0.5, 0.75]]), np.array([[False, True, True]]))
    >>> [(each.rows, each.hits) for each in state.present()[0].bins]
    [(2, 1), (1, 1)]
    """

    def __init__(self, bins: int, curves: int = 1, *, full: bool = True) -> None:
        self.edges, self.curves = width_edges(bins), curves
        self.table = no_sums(bins * curves, full=full)

    def update(self, confidence: Doubles, hit: Mask) -> None:
        """Take confidences from 0 to 1 and hits, a row for each curve: (curves, n)."""
        places = bins_of(confidence, self.edges) + np.arange(self.curves)[:, None] * (self.edges.size - 1)
        add_sums(self.table, places.ravel(), confidence.ravel(), hit.ravel())

    def merge(self, other: Reliability) -> None:
        """Take what another part has kept."""
        self.table = self.table + other.table

    def present(self) -> tuple[Curve, ...]:
        """The curves."""
        edges, sums = tuple(self.edges.tolist()), bin_sums(self.table)
        size = len(edges) - 1
        return tuple(Curve(edges, sums[start : start + size]) for start in range(0, len(sums), size))


class EqualMass:
    """One curve over bins that hold about as many rows each; equal confidences stay in one bin.

    The confidences themselves up to ``budget`` rows (8 bytes each); more in the cells of a fine histogram, each with
    its exact sums, so that only the edges are rounded, to ends of cells. Which of the two depends on the number of rows
    in the whole run alone.

    >>> state = EqualMass(2)
    >>> state.update(np.array([0.9, 0.2, 0.4, 0.4]), np.array([True, False, True, False]))
    >>> state.present().edges, [each.rows for each in state.present().bins]
    ((0.0, 0.4, 1.0), [3, 1])
    """

    def __init__(self, bins: int, budget: int = BUDGET) -> None:
        self.bins, self.budget, self.n = bins, budget, 0
        # The sign says whether it came true: +c a hit, -c a miss.
        self.signed: list[Doubles] = []
        self.cells: Cells | None = None

    def update(self, confidence: Doubles, hit: Mask) -> None:
        """Take confidences (n,) from 0 to 1 and hits (n,)."""
        self.n += confidence.size
        if self.cells is not None:
            self.cells.take(confidence, hit)
            return
        self.signed.append(_signed(confidence, hit))
        self._settle()

    def merge(self, other: EqualMass) -> None:
        """Take what another part has kept."""
        self.n += other.n
        if other.cells is None and self.cells is None:
            self.signed.extend(other.signed)
            self._settle()
            return
        cells = self._in_cells()
        if other.cells is not None:
            cells.merge(other.cells)
        else:
            _take_signed(cells, other.signed)

    def _settle(self) -> None:
        if self.n > self.budget:
            self._in_cells()

    def _in_cells(self) -> Cells:
        if self.cells is None:
            self.cells = Cells()
            _take_signed(self.cells, self.signed)
            self.signed = []
        return self.cells

    def present(self) -> Curve:
        """The curve; one bin without a row where there is none."""
        if self.cells is not None:
            return self.cells.present(self.bins)
        return _curve_of(np.concatenate([np.empty(0), *self.signed]), self.bins)


def _signed(confidence: Doubles, hit: Mask) -> Doubles:
    """Confidences with the sign of what came of them, whatever sign they had: -0.0 is a probability too."""
    return np.copysign(confidence, np.where(hit, 1.0, -1.0))


def _curve_of(signed: Doubles, bins: int) -> Curve:
    """The curve of confidences whose sign says whether they came true."""
    if not signed.size:
        return Curve((0.0, 1.0), bin_sums(no_sums(1)))
    confidence = np.abs(signed)
    edges = mass_edges(np.sort(confidence), bins)
    table = no_sums(edges.size - 1)
    add_sums(table, bins_of(confidence, edges), confidence, ~np.signbit(signed))
    return Curve(tuple(edges.tolist()), bin_sums(table))


def _take_signed(cells: Cells, signed: list[Doubles]) -> None:
    waiting: list[Doubles] = []
    for i, piece in enumerate(signed, 1):
        waiting.append(piece)
        if i == len(signed) or sum(each.size for each in waiting) >= _AT_ONCE:
            every = np.concatenate(waiting)
            cells.take(np.abs(every), ~np.signbit(every))
            waiting = []


# So many confidences go to cells at a time: fewer would copy the cells too often, more need more memory.
_AT_ONCE = 1 << 18
# A cell is named by the first bits of c, or of 1 - c from a half on: there most confidences of good models lie.
_SHIFT = np.int64(41)
_HALF = int(np.array([0.5]).view(np.int64)[0] >> _SHIFT)
# Smaller confidences share the last cell.
_LEAST = 2.0**-40


class Cells:
    """A fine histogram of confidences with the sums of each cell that holds something."""

    def __init__(self) -> None:
        self.names = np.zeros(0, np.int64)
        self.table = no_sums(0)

    def take(self, confidence: Doubles, hit: Mask) -> None:
        """Take confidences and hits."""
        names, places = np.unique(cell_names(confidence), return_inverse=True)
        table = no_sums(names.size)
        add_sums(table, places.astype(np.int64, copy=False), confidence, hit)
        self._add(names, table)

    def merge(self, other: Cells) -> None:
        """Take what another part has kept."""
        self._add(other.names, other.table)

    def _add(self, names: Integers, table: Integers) -> None:
        every = np.union1d(self.names, names)
        grown = no_sums(every.size)
        grown[:, np.searchsorted(every, self.names)] = self.table
        grown[:, np.searchsorted(every, names)] += table
        self.names, self.table = every, grown

    def present(self, bins: int) -> Curve:
        """The curve: a cell is in the bin of its last row."""
        ends = np.cumsum(self.table[0])
        wanted = [-(-k * int(ends[-1]) // bins) for k in range(1, bins)]
        last = np.unique(np.searchsorted(ends, wanted, side="left"))
        last = last[last < self.names.size - 1]
        edges = (0.0, *cell_tops(self.names[last]).tolist(), 1.0)
        sums = np.add.reduceat(self.table, np.concatenate([[0], last + 1]).astype(np.int64), axis=1)
        return Curve(edges, bin_sums(sums), rounded=True)


def cell_names(confidence: Doubles) -> Integers:
    """The cell of each confidence, in rising order: below a half by the bits of c, from there on by those of 1 - c."""
    low = np.maximum(confidence, _LEAST).view(np.int64) >> _SHIFT
    high = np.maximum(1.0 - confidence, 0.0).view(np.int64) >> _SHIFT
    return np.where(confidence < 0.5, low - 2 * _HALF, -high)


def cell_tops(names: Integers) -> Doubles:
    """The greatest confidence that each cell may hold."""
    low = (((np.minimum(names, -_HALF - 1) + 2 * _HALF + 1) << _SHIFT) - 1).view(np.float64)
    high = 1.0 - (np.maximum(-names, 0) << _SHIFT).view(np.float64)
    return np.where(names < -_HALF, low, high)


class EqualMassByClass:
    """A curve over bins of equal mass for each class, whose confidences are all kept: beyond ``budget`` of them (rows
    times classes, 8 bytes each) there is none. That depends on the number of rows in the whole run alone.

    >>> state = EqualMassByClass(2, curves=2)
    >>> state.update(np.array([[0.25, 0.5], [0.75, 0.5]]), np.array([[False, True], [True, False]]))
    >>> [curve.edges for curve in state.present()]
    [(0.0, 0.25, 1.0), (0.0, 0.5, 1.0)]
    """

    def __init__(self, bins: int, curves: int, budget: int = 2 * BUDGET) -> None:
        self.bins, self.curves, self.budget, self.n = bins, curves, budget, 0
        self.signed: list[Doubles] | None = []

    def update(self, confidence: Doubles, hit: Mask) -> None:
        """Take confidences from 0 to 1 and hits, a row for each class: (curves, n)."""
        self._take(confidence.shape[1], [_signed(confidence, hit)])

    def merge(self, other: EqualMassByClass) -> None:
        """Take what another part has kept."""
        self._take(other.n, other.signed)

    def _take(self, n: int, signed: list[Doubles] | None) -> None:
        self.n += n
        if signed is None or self.signed is None or self.n * self.curves > self.budget:
            self.signed = None
        else:
            self.signed.extend(signed)

    def present(self) -> tuple[Curve, ...] | None:
        """The curves; None where there are too many confidences, and of no row a curve of one empty bin each."""
        if self.signed is None:
            return None
        every = np.concatenate([np.empty((self.curves, 0)), *self.signed], axis=1)
        return tuple(_curve_of(own, self.bins) for own in every)
