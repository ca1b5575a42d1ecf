"""Where the counts of joint tables are kept: small tables in one flat array, the filled cells alone of large ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
# int64, or Python's own integers (dtype object) where numbers could grow beyond it.
Integers = npt.NDArray[Any]
Subsets = tuple[tuple[int, ...], ...]

# So many cells lie in the flat array at the most (64 MiB); tables that do not fit in, the largest, are lists of cells.
MOST_DENSE = 1 << 23
# Keys of cells stay within int64.
_LARGEST_KEY = 1 << 62
# So many cells wait before they are sorted into a list that has fewer.
_WAITING = 1 << 16


@dataclass(frozen=True)
class Layout:
    """A flat array that holds the tables of some subsets: ``tables`` (m,) are their numbers; for each its columns and
    their strides (m, k), where a width of 1 and a stride of 0 fill up the shorter ones, and where it lies
    (``offsets``, m + 1)."""

    widths: tuple[int, ...]
    tables: Codes
    columns: Codes
    sizes: Codes
    strides: Codes
    offsets: Codes

    @property
    def cells(self) -> int:
        """The length of the flat array."""
        return int(self.offsets[-1])

    def codes_at(self, cells: Codes) -> tuple[Codes, Codes]:
        """For cells of the flat array the place of their table among ``tables``, and their codes (n, k)."""
        place = np.searchsorted(self.offsets, cells, side="right") - 1
        local = cells - self.offsets[place]
        strides = np.maximum(self.strides, 1)[place]
        return place, local[:, None] // strides % self.sizes[place]


@lru_cache(maxsize=8)
def _columns_of(subsets: Subsets) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """The columns of all subsets as a matrix, and which of its places are taken."""
    longest = max(map(len, subsets), default=1)
    taken = np.array([[j < len(subset) for j in range(longest)] for subset in subsets], np.bool_)
    columns = np.zeros(taken.shape, np.int64)
    columns[taken] = [column for subset in subsets for column in subset]
    return columns.reshape(-1, longest), taken.reshape(-1, longest)


@lru_cache(maxsize=8)
def layout_of(subsets: Subsets, widths: tuple[int, ...]) -> Layout:
    """A layout of the smallest tables, as many as there is room for.

    >>> layout_of(((0, 1), (1,)), (2, 3)).offsets.tolist()
    [0, 6, 9]
    """
    columns, taken = _columns_of(subsets)
    sizes = np.where(taken, np.array([*widths, 1])[columns], 1)
    # As doubles, which become infinite rather than small.
    with np.errstate(over="ignore"):
        products = sizes.astype(np.float64).prod(axis=1)
    rising = np.argsort(products, kind="stable")
    fit = rising[np.cumsum(products[rising]) <= MOST_DENSE]
    tables = np.sort(fit)
    kept = sizes[tables]
    after = np.concatenate([kept[:, 1:], np.ones((len(tables), 1), np.int64)], axis=1)
    strides = np.cumprod(after[:, ::-1], axis=1)[:, ::-1] * taken[tables]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept.prod(axis=1))])
    return Layout(widths, tables, columns[tables], kept, strides, offsets)


def room_for(entries: int) -> int:
    """The width that a column of so many entries is given: a little more, so that tables are seldom moved.

    >>> [room_for(n) for n in (0, 5, 8, 9, 100)]
    [1, 5, 8, 10, 112]
    """
    step = 1 if entries <= 8 else 1 << (entries.bit_length() - 3)
    return max(1, -(-entries // step) * step)


class CellList:
    """The filled cells of one table with their counts, in no order until they are asked for."""

    def __init__(self, width: int) -> None:
        self._codes = np.empty((0, width), np.int32)
        self._counts: Integers = np.empty(0, np.int64)
        self._waiting: list[tuple[npt.NDArray[np.int32], Integers]] = []

    @property
    def stored(self) -> int:
        """How many cells are held, of which several may be the same."""
        return len(self._counts) + sum(len(counts) for _, counts in self._waiting)

    def add(self, codes: Codes, counts: Integers) -> None:
        """Take cells (n, k), none of them twice."""
        self._waiting.append((codes.astype(np.int32), counts))
        if self.stored - len(self._counts) > max(_WAITING, len(self._counts) // 4):
            self.cells()

    def cells(self) -> tuple[npt.NDArray[np.int32], Integers]:
        """Each cell once, in rising order of its codes, and its count."""
        if self._waiting:
            codes, counts = zip((self._codes, self._counts), *self._waiting, strict=True)
            self._waiting = []
            self._codes, self._counts = grouped(np.concatenate(codes), np.concatenate(counts))
        return self._codes, self._counts


def grouped(codes: npt.NDArray[Any], counts: Integers | None = None) -> tuple[npt.NDArray[Any], Integers]:
    """The distinct rows of ``codes`` (n, k) in rising order, and how often each occurs or what its counts come to.

    >>> [each.tolist() for each in grouped(np.array([[1, 0], [0, 2], [1, 0]]))]
    [[[0, 2], [1, 0]], [1, 2]]
    """
    if not len(codes):
        return codes, np.empty(0, np.int64)
    keys = keys_of(codes)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    if counts is None:
        return codes[order[begins]], np.diff(begins, append=len(keys))
    return codes[order[begins]], np.add.reduceat(counts[order], begins)


def keys_of(codes: npt.NDArray[Any]) -> Codes:
    """A number for each row of codes (n, k), in the order of the rows and equal only where these are."""
    keys, width = codes[:, 0].astype(np.int64), int(codes[:, 0].max(initial=0)) + 1
    for column in codes.T[1:]:
        own = int(column.max(initial=0)) + 1
        if width * own >= _LARGEST_KEY:
            distinct, keys = np.unique(keys, return_inverse=True)
            width = len(distinct)
        keys = keys * own + column
        width *= own
    return keys


def mapped(codes: npt.NDArray[Any], lookups: Sequence[Codes], subset: Sequence[int]) -> Codes:
    """Codes (n, k) of the columns of a subset in other dictionaries."""
    return np.stack([lookups[column][codes[:, j]] for j, column in enumerate(subset)], axis=1)
