"""Sums of outer products of probability rows without any rounding: a contingency table of two tables of probabilities.

Each probability is cut into three pieces of 22 bits. Products of pieces are whole numbers below 2**44, of which 512 add
up below 2**53: a matrix product of so many rows is exact in doubles, in whatever order the machine adds. What of a
probability lies beyond its 66th binary place is left out: at most 1.4e-20, however the rows are split.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

_BITS, _PIECES = 22, 3
_ROWS = 512
# int64 holds the sums of so many blocks of three products each.
_BLOCKS = 256


def pieces(p: Doubles) -> list[Doubles]:
    """Whole numbers of at most 22 bits (three arrays like ``p``) whose sum, weighted by 2**-22, 2**-44 and 2**-66, is
    ``p`` in [0, 1] up to its 66th binary place.

    >>> [piece.item() for piece in pieces(np.array([0.75 + 2.0**-40]))]
    [3145728.0, 16.0, 0.0]
    """
    found, rest = [], p
    for _ in range(_PIECES):
        scaled = rest * 2.0**_BITS
        whole = np.floor(scaled)
        found.append(whole)
        rest = scaled - whole
    return found


class OuterSums:
    """The exact sum over rows of p (n, A) times q (n, B): starts empty, updates, merges, presents.

    >>> sums = OuterSums(2, 2)
    >>> sums.update(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.25, 0.75], [0.0, 1.0]]))
    >>> (sums.present() / sums.one).tolist()
    [[0.125, 1.375], [0.125, 0.375]]
    """

    # What one row's certain cell counts.
    one = 1 << (2 * _PIECES * _BITS)

    def __init__(self, width: int, height: int) -> None:
        self.total: npt.NDArray[Any] = np.zeros((width, height), object)

    def update(self, p: Doubles, q: Doubles) -> None:
        """Take more rows."""
        step = _ROWS * _BLOCKS
        for first in range(0, len(p), step):
            self._add(p[first : first + step], q[first : first + step])

    def _add(self, p: Doubles, q: Doubles) -> None:
        of_p, of_q = pieces(p), pieces(q)
        levels = np.zeros((2 * _PIECES - 1, *self.total.shape), np.int64)
        for first in range(0, len(p), _ROWS):
            rows = slice(first, first + _ROWS)
            for i, left in enumerate(of_p):
                for j, right in enumerate(of_q):
                    levels[i + j] += (left[rows].T @ right[rows]).astype(np.int64)
        for level, sums in enumerate(levels):
            self.total += sums.astype(object) << (_BITS * (2 * _PIECES - 2 - level))

    def merge(self, other: OuterSums) -> None:
        """Take what another part has kept."""
        self.total = self.total + other.total

    def present(self) -> npt.NDArray[Any]:
        """The sums (A, B), as Python's integers in units of 1 / ``one``."""
        return self.total
