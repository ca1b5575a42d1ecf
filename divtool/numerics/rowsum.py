"""The sum of each row, in an order that depends on nothing but the number of columns.

A tile of 256 columns goes into 32 lanes, the lanes are folded pairwise, and the totals of the tiles are added with
their rounding errors kept. Only elementwise additions are used: ``np.sum``, ``einsum`` and matrix products change
their order with the layout of the array, the number of rows and the machine.
"""

from __future__ import annotations

import numpy as np

from divtool.numerics.errorfree import Doubles, two_sum

LANES = 32
TILE = 256


def _half(width: int) -> int:
    """The largest power of two below ``width``: where a fold cuts."""
    return 1 << ((width - 1).bit_length() - 1)


def _tile_totals(tiles: Doubles) -> Doubles:
    """Sums over the last axis, of at most 256: first in lanes, then pairwise."""
    lanes = tiles[..., :LANES].copy()
    for start in range(LANES, tiles.shape[-1], LANES):
        part = tiles[..., start : start + LANES]
        lanes[..., : part.shape[-1]] += part
    while (width := lanes.shape[-1]) > 1:
        half = _half(width)
        lanes[..., : width - half] += lanes[..., half:]
        lanes = lanes[..., :half]
    return np.ascontiguousarray(lanes[..., 0])


def row_sum_twofold(a: Doubles) -> tuple[Doubles, Doubles]:
    """The sum of each row of ``a`` (n, C) as two doubles, high and low, with about 100 correct bits together.

    Pairwise, every rounding error kept and added up. The entries must be finite.

    >>> import numpy as np
    >>> row_sum_twofold(np.array([[1e16, 1.0]]))
    (array([1.e+16]), array([1.]))
    """
    high = np.array(a, dtype=np.float64, order="C")
    low = np.zeros_like(high)
    while (width := high.shape[1]) > 1:
        half = _half(width)
        rest = slice(0, width - half)
        high[:, rest], error = two_sum(high[:, rest], high[:, half:])
        low[:, rest] += low[:, half:] + error
        high, low = high[:, :half], low[:, :half]
    if not high.shape[1]:
        return np.zeros(len(high)), np.zeros(len(high))
    return two_sum(high[:, 0], low[:, 0])


def row_sum(a: Doubles) -> Doubles:
    """The sum of each row of ``a`` (n, C), as (n,): the same bits whatever the other rows, strides and machine.

    Infinite and NaN entries give infinite and NaN sums. An empty row sums to 0. The error is a few units in the last
    place of the sum of magnitudes, also for hundreds of thousands of columns.

    >>> import numpy as np
    >>> row_sum(np.ones((2, 262144)))
    array([262144., 262144.])
    """
    a = np.ascontiguousarray(a, dtype=np.float64)
    rows, columns = a.shape
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        if columns <= TILE:
            return _tile_totals(a) if columns else np.zeros(rows)
        whole = columns - columns % TILE
        totals = _tile_totals(a[:, :whole].reshape(rows, -1, TILE))
        if whole < columns:
            totals = np.concatenate([totals, _tile_totals(a[:, whole:])[:, None]], axis=1)
        high, low = row_sum_twofold(totals)
        if np.isfinite(high).all():
            return high + low
        # an infinite total has no rounding error to add: fold it plainly
        while totals.shape[1] > 1:
            half = _half(totals.shape[1])
            totals[:, : totals.shape[1] - half] += totals[:, half:]
            totals = totals[:, :half]
        return np.where(np.isfinite(high), high + low, totals[:, 0])
