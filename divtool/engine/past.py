"""The outcomes of a column in the rows before, for variables that look back at them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded, Entry

# Room for this share of the lag is filled before what is held is moved: each row is moved so many times at most.
_SPARE = 4


class Past:
    """The codes of the last rows of a column: those of the block taken last, and of ``lag`` rows before it. Work and
    memory are in proportion to the rows taken and to ``lag``, however small the blocks are.

    >>> past = Past(2)
    >>> past.take(Coded(np.array([0, 1]), ["a", "b"]))
    >>> past.take(Coded(np.array([0]), ["c"]))
    >>> earlier = past.earlier(2, 1)
    >>> [earlier.entries[code] for code in earlier.codes]
    ['a']
    """

    def __init__(self, lag: int) -> None:
        self.lag = lag
        # Before the first row stands whatever has the code 0: nobody counts it.
        self._codes: npt.NDArray[np.int32] = np.zeros(lag, np.int32)
        self._end = lag
        self._places: dict[Entry, int] = {}
        self._entries: list[Entry] = []

    def take(self, coded: Coded) -> None:
        """The rows of a block, in codes of its own."""
        lookup = np.array([self._place(entry) for entry in coded.entries], np.int32)
        rows = len(coded.codes)
        if self._end + rows > len(self._codes):
            held = self._codes[self._end - self.lag : self._end]
            if self.lag + rows > len(self._codes):
                self._codes = np.empty(self.lag + max(rows, self.lag // _SPARE), np.int32)
            self._codes[: self.lag] = held
            self._end = self.lag
        self._codes[self._end : self._end + rows] = lookup[coded.codes]
        self._end += rows

    def _place(self, entry: Entry) -> int:
        place = self._places.setdefault(entry, len(self._entries))
        if place == len(self._entries):
            self._entries.append(entry)
        return place

    def earlier(self, lag: int, rows: int) -> Coded:
        """What stands ``lag`` rows before each of the last ``rows`` rows."""
        stop = self._end - lag
        return Coded(self._codes[stop - rows : stop].astype(np.int64), self._entries)
