"""How often each combination of codes occurs: many joint tables of the same rows, counted in one call.

Counts are whole numbers, so the compiled kernel and its NumPy twin give the same ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[Any]

# The NumPy twin works on so many rows at once: their cells stay in a cache.
_AT_ONCE = 1 << 15
# Sums of halves of weights below 2**31 are exact as doubles, in which NumPy adds them up.
_HALF = 31
# What all weights of a call may come to, so that no cell overflows.
MOST_WEIGHT = 1 << 62


def code_type(most: int) -> np.dtype[Any]:
    """The smallest type in which codes up to ``most`` can be given to the kernel.

    >>> code_type(255), code_type(256)
    (dtype('uint8'), dtype('uint16'))
    """
    return np.dtype(np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32)


def count_tables(
    codes: Codes, columns: Integers, strides: Integers, offsets: Integers, out: Integers,
    weights: Integers | None = None,
) -> None:  # fmt: skip
    """The twin of :func:`divtool.numerics.kernels.count_tables`, which says what this does."""
    for first in range(0, codes.shape[1], _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        wide = codes[:, rows].astype(np.int64)
        for table, (begin, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
            cells = np.zeros(wide.shape[1], np.int64)
            for column, stride in zip(columns[table].tolist(), strides[table].tolist(), strict=True):
                if stride:
                    cells += wide[column] * stride
            if cells.size and int(cells.max()) >= end - begin:
                raise ValueError("a code is too large for its table")
            out[begin:end] += tally(cells, end - begin, None if weights is None else weights[rows])


def tally(cells: Integers, size: int, weights: Integers | None = None) -> Integers:
    """How often each of the numbers 0..size-1 occurs, or the weights that its rows have together, exactly.

    >>> tally(np.array([0, 2, 2]), 4, np.array([1, 2**53, 1])).tolist()
    [1, 0, 9007199254740993, 0]
    """
    if weights is None:
        return np.bincount(cells, minlength=size)
    high = np.bincount(cells, weights >> _HALF, minlength=size).astype(np.int64)
    low = np.bincount(cells, weights & ((1 << _HALF) - 1), minlength=size).astype(np.int64)
    return (high << _HALF) + low
