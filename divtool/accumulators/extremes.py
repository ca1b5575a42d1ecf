"""The rows to look at first: the largest and smallest values, and the first rows that are infinite or NaN."""

from __future__ import annotations

from collections.abc import Iterator
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
    """``largest`` in falling and ``smallest`` in rising order; of equal values the lowest row comes first."""

    largest: tuple[RowValue, ...]
    smallest: tuple[RowValue, ...]
    first_infinite: tuple[int, ...]
    first_nan: tuple[int, ...]


class Extremes:
    """The ``keep`` largest and the ``keep`` smallest values with their rows, and the first few odd rows.

    >>> state = Extremes(keep=2)
    >>> state.update(Scores(np.array([7, 8, 9]), np.array([0.5, np.inf, 0.5])))
    >>> [row.row for row in state.present().largest], state.present().first_infinite
    ([8, 7], (8,))
    """

    def __init__(self, keep: int = 1) -> None:
        self.keep = keep
        # The largest are the lowest of the negated values.
        self.lowest, self.negated = _Lowest(keep), _Lowest(keep)
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
            self.lowest.take(rows, values)
            self.negated.take(rows, -values)

    def merge(self, other: Extremes) -> None:
        """Take what another part has kept."""
        self.first_nan = _first(self.first_nan, other.first_nan)
        self.first_infinite = _first(self.first_infinite, other.first_infinite)
        self.lowest.take(other.lowest.rows, other.lowest.values)
        self.negated.take(other.negated.rows, other.negated.values)

    def present(self) -> ExtremeFigures:
        """The rows to look at."""
        return ExtremeFigures(
            largest=tuple(RowValue(row, 0.0 - value) for row, value in self.negated.pairs()),
            smallest=tuple(RowValue(row, value) for row, value in self.lowest.pairs()),
            first_infinite=self.first_infinite,
            first_nan=self.first_nan,
        )


class _Lowest:
    """The lowest values with their rows, in rising order; of equal values the lowest row comes first."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.rows = np.empty(0, dtype=np.int64)
        self.values: Doubles = np.empty(0)

    def take(self, rows: npt.NDArray[np.int64], values: Doubles) -> None:
        """Take more of them."""
        if self.keep and self.values.size == self.keep:
            # Mostly none of a chunk comes into question.
            near = values <= self.values[-1]
            rows, values = rows[near], values[near]
        if values.size > self.keep > 0:
            # Everything up to the keep-th, so that ties are settled by row and not by chance.
            near = values <= np.partition(values, self.keep - 1)[self.keep - 1]
            rows, values = rows[near], values[near]
        rows, values = np.concatenate([self.rows, rows]), np.concatenate([self.values, values])
        order = np.lexsort((rows, values))[: self.keep]
        self.rows, self.values = rows[order], values[order]

    def pairs(self) -> Iterator[tuple[int, float]]:
        """Rows and values."""
        return zip(self.rows.tolist(), self.values.tolist(), strict=True)


def _first(known: tuple[int, ...], more: list[int] | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted((*known, *more))[:NAMED])
