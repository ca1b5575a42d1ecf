"""The rows to look at first: the largest and smallest values, and the first rows that are infinite or NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.accumulators.scores import Scores
from divtool.numerics.exactsum import Doubles

NAMED = 3


@dataclass(frozen=True)
class RowValue:
    """A row number and its value."""

    row: int
    value: float


@dataclass(frozen=True)
class ExtremeFigures:
    """``largest`` in falling order (of equal values the lowest row first), ``smallest`` the one lowest value."""

    largest: tuple[RowValue, ...]
    smallest: RowValue | None
    first_infinite: tuple[int, ...]
    first_nan: tuple[int, ...]


class Extremes:
    """The ``keep`` largest values with their rows, the smallest, and the first few odd rows.

    >>> state = Extremes(keep=2)
    >>> state.update(Scores(np.array([7, 8, 9]), np.array([0.5, np.inf, 0.5])))
    >>> [row.row for row in state.present().largest], state.present().first_infinite
    ([8, 7], (8,))
    """

    def __init__(self, keep: int = 1) -> None:
        self.keep = keep
        self.rows = np.empty(0, dtype=np.int64)
        self.values = np.empty(0)
        self.low: tuple[float, int] | None = None
        self.first_infinite: tuple[int, ...] = ()
        self.first_nan: tuple[int, ...] = ()

    def update(self, scores: Scores) -> None:
        """Take more rows."""
        # -0.0 is 0.0 here, or which of the two is shown would depend on the order of the rows.
        rows, values = scores.rows, scores.values + 0.0
        nan = np.isnan(values)
        if nan.any():
            self.first_nan = _first(self.first_nan, rows[nan].tolist())
            rows, values = rows[~nan], values[~nan]
        infinite = np.isinf(values)
        if infinite.any():
            self.first_infinite = _first(self.first_infinite, rows[infinite].tolist())
        if values.size:
            self._lower((float(values.min()), int(rows[values == values.min()].min())))
            self._raise(rows, values)

    def merge(self, other: Extremes) -> None:
        """Take what another part has kept."""
        self.first_nan = _first(self.first_nan, other.first_nan)
        self.first_infinite = _first(self.first_infinite, other.first_infinite)
        if other.low is not None:
            self._lower(other.low)
        self._raise(other.rows, other.values)

    def _lower(self, candidate: tuple[float, int]) -> None:
        self.low = candidate if self.low is None else min(self.low, candidate)

    def _raise(self, rows: npt.NDArray[np.int64], values: Doubles) -> None:
        if values.size > self.keep:
            # Everything at or above the keep-th largest, so that ties are settled by row and not by chance.
            edge = np.partition(values, values.size - self.keep)[values.size - self.keep]
            rows, values = rows[values >= edge], values[values >= edge]
        rows, values = np.concatenate([self.rows, rows]), np.concatenate([self.values, values])
        order = np.lexsort((rows, -values))[: self.keep]
        self.rows, self.values = rows[order], values[order]

    def present(self) -> ExtremeFigures:
        """The rows to look at."""
        pairs = zip(self.rows.tolist(), self.values.tolist(), strict=True)
        return ExtremeFigures(
            largest=tuple(RowValue(row, value) for row, value in pairs),
            smallest=None if self.low is None else RowValue(self.low[1], self.low[0]),
            first_infinite=self.first_infinite,
            first_nan=self.first_nan,
        )


def _first(known: tuple[int, ...], more: list[int] | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted((*known, *more))[:NAMED])
