"""What rows have in common: the entries of a column as codes, or how sure a model is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.formats.keys import Integers, Keys

EMPTY = "(empty)"


class Groups(NamedTuple):
    """Rows in groups: ``codes`` (n,) are places in ``names``, of which some may have no row."""

    codes: Integers
    names: Sequence[str]

    def cut(self, rows: slice | npt.NDArray[np.bool_]) -> Groups:
        """Some of the rows."""
        return Groups(self.codes[rows], self.names)


def groups_of(keys: Keys, absent: npt.NDArray[np.bool_] | None) -> Groups:
    """The entries of a column; empty cells are a group of their own."""
    codes, names = keys.encode()
    empty = names.index("") if "" in names else None
    if absent is None and empty is None:
        return Groups(codes, names)
    codes, names = codes.copy(), [*names, EMPTY]
    if absent is not None:
        codes[absent] = len(names) - 1
    if empty is not None:
        codes[codes == empty] = len(names) - 1
    return Groups(codes, names)


class Names:
    """The names of groups as they come up, in several threads at once: one code for each.

    >>> names = Names()
    >>> names.codes(Groups(np.array([0, 1, 0]), ["b", "a"])).tolist(), list(names)
    ([0, 1, 0], ['b', 'a'])
    """

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._lock = Lock()

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._codes))

    def codes(self, groups: Groups) -> Integers:
        """The codes (n,) of rows here."""
        with self._lock:
            found = [self._codes.setdefault(name, len(self._codes)) for name in groups.names]
        return np.array(found or [0], np.int64)[groups.codes]

    def groups(self, codes: Integers) -> Groups:
        """Rows with these codes."""
        with self._lock:
            return Groups(codes, tuple(self._codes))

    def __getstate__(self) -> dict[str, int]:
        return self._codes

    def __setstate__(self, codes: dict[str, int]) -> None:
        self._codes, self._lock = codes, Lock()


# So many buckets of equal width has a probability.
BUCKETS = 10


def buckets_of(confidence: npt.NDArray[np.float64]) -> Groups:
    """Probabilities in tenths: a bucket holds its upper edge, not its lower one; 0 is in the first.

    >>> groups = buckets_of(np.array([0.1, 0.15, 1.0]))
    >>> [groups.names[code] for code in groups.codes]
    ['0 to 0.1', '0.1 to 0.2', '0.9 to 1']
    """
    edges = np.arange(1, BUCKETS) / BUCKETS
    names = [f"{i / BUCKETS:g} to {(i + 1) / BUCKETS:g}" for i in range(BUCKETS)]
    return Groups(np.searchsorted(edges, confidence, side="left").astype(np.int64), names)
