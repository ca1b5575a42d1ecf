"""Exact counts of joint outcomes: what the statistics of tables are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
# int64, or Python's own integers (dtype object) where numbers could grow beyond it.
Integers = npt.NDArray[Any]

# Products of two sums of such a table stay within int64.
_MOST_PLAIN = 1 << 31


@dataclass(frozen=True)
class JointTable:
    """How often each combination of outcomes of k variables occurred: filled cells only, codes rising.

    ``entries`` are the names of each variable's outcomes (None: a missing value, always the last), ``cells`` (m, k)
    their places, ``counts`` (m,) whole numbers above 0. ``cases`` is the number of cases where the counts are counts;
    None where they are probabilities, as whole multiples of a unit that does not matter.

    >>> table = table_of(np.array([[3, 1], [0, 4]]))
    >>> table.total, table.sums(0).tolist(), table.margin(1).counts.tolist()
    (8, [4, 4, 4], [3, 5])
    """

    entries: tuple[tuple[str | None, ...], ...]
    cells: Codes
    counts: Integers
    cases: int | None = None

    @property
    def width(self) -> int:
        """The number of variables."""
        return len(self.entries)

    @cached_property
    def total(self) -> int:
        """The sum of all counts."""
        return int(self.counts.sum()) if self.counts.dtype == object else sum(self.counts.tolist())

    @cached_property
    def _known(self) -> dict[tuple[int, ...], tuple[Codes, Codes, Integers]]:
        return {}

    def _grouped(self, places: tuple[int, ...]) -> tuple[Codes, Codes, Integers]:
        """The distinct combinations of some variables, for each cell its combination, and their counts."""
        if places not in self._known:
            distinct, inverse = self._combinations(places)
            sums = np.zeros(len(distinct), self.counts.dtype)
            np.add.at(sums, inverse, self.counts)
            self._known[places] = (distinct, inverse, sums)
        return self._known[places]

    def _combinations(self, places: tuple[int, ...]) -> tuple[Codes, Codes]:
        if len(places) > 1:
            distinct, inverse = np.unique(self.cells[:, places], axis=0, return_inverse=True)
            return distinct, inverse.reshape(-1)
        codes = self.cells[:, places[0]]
        there = np.zeros(len(self.entries[places[0]]), np.bool_)
        there[codes] = True
        return np.flatnonzero(there)[:, None], (np.cumsum(there) - 1)[codes]

    def sums(self, *places: int) -> Integers:
        """For each cell (m,) the count of all cells with the same outcomes of these variables."""
        _, inverse, sums = self._grouped(places)
        return np.asarray(sums[inverse])

    def groups(self, *places: int) -> Codes:
        """For each cell (m,) the number of its combination of outcomes of these variables, counted from 0."""
        return self._grouped(places)[1]

    def margin(self, *places: int) -> JointTable:
        """The table of some of the variables, in the order named."""
        distinct, _, sums = self._grouped(places)
        return JointTable(tuple(self.entries[place] for place in places), distinct, sums, self.cases)

    def per_stratum(self, *places: int) -> list[tuple[Integers, Integers]]:
        """The sums of rows and of columns (the first two variables), for each combination of outcomes of some others
        that occurs; of the whole table, if none are named."""
        if not places:
            return [(self.margin(0).counts, self.margin(1).counts)]
        sums = []
        for axis in (0, 1):
            part = self.margin(axis, *places)
            stratum = part.groups(*range(1, part.width))
            order = np.argsort(stratum, kind="stable")
            cuts = np.flatnonzero(np.diff(stratum[order])) + 1
            sums.append(np.split(part.counts[order], cuts))
        return list(zip(*sums, strict=True))

    def without_missing(self) -> JointTable:
        """The cases that lack no value; the outcomes that are left are numbered anew."""
        lacking = np.zeros(len(self.cells), np.bool_)
        for place, entries in enumerate(self.entries):
            if entries and entries[-1] is None:
                lacking |= self.cells[:, place] == len(entries) - 1
        known = tuple(names[:-1] if names and names[-1] is None else names for names in self.entries)
        return self._part(known, self.cells[~lacking], self.counts[~lacking]).occurring()

    def occurring(self) -> JointTable:
        """The same without the names of outcomes that no case has."""
        used = [np.unique(self.cells[:, place]) for place in range(self.width)]
        entries = tuple(tuple(names[i] for i in kept.tolist()) for names, kept in zip(self.entries, used, strict=True))
        columns = [np.searchsorted(kept, self.cells[:, place]) for place, kept in enumerate(used)]
        return JointTable(entries, np.stack(columns, axis=1), self.counts, self.cases)

    def _part(self, entries: tuple[tuple[str | None, ...], ...], cells: Codes, counts: Integers) -> JointTable:
        return JointTable(entries, cells, counts, None if self.cases is None else int(counts.sum()))


def table_of(counts: Any, entries: Sequence[Sequence[str | None]] | None = None, *, cases: bool = True) -> JointTable:
    """The table of an array of whole numbers with an axis for each variable, its outcomes called 0, 1, ... unless they
    have names. ``cases``: the numbers count cases."""
    array = np.asarray(counts)
    names: Sequence[Sequence[str | None]] = (
        entries if entries is not None else [[str(i) for i in range(size)] for size in array.shape]
    )
    cells = np.argwhere(array != 0).astype(np.int64)
    filled = fitting(array[tuple(cells.T)])
    total = sum(int(each) for each in filled)
    return JointTable(tuple(map(tuple, names)), cells, filled, total if cases else None)


def fitting(counts: Any) -> Integers:
    """Counts in a type in which products of two sums of them are exact.

    >>> fitting(np.array([1, 2])).dtype, fitting([2**40]).dtype
    (dtype('int64'), dtype('O'))
    """
    whole = [int(each) for each in np.asarray(counts).tolist()]
    return np.array(whole, np.int64 if sum(whole) < _MOST_PLAIN else object)
