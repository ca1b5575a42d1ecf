"""Counts of joint outcomes, taken while a file streams by: one accumulator for all joint tables of a run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint_cells import (
    CellList,
    Codes,
    Integers,
    Layout,
    grouped,
    keys_of,
    layout_of,
    mapped,
    room_for,
)
from divtool.accumulators.joint_table import JointTable, fitting
from divtool.errors import ResourceError
from divtool.numerics.counting import MOST_WEIGHT, code_type
from divtool.numerics.kernels import count_tables
from divtool.registry import natural

Entry = str | None

# What the whole run may hold. The numbers of parts are never larger than those of the whole, so whether a run is
# refused does not depend on how it was split. An entry takes some 200 bytes, a cell of two variables 16.
MOST_ENTRIES, MOST_ENTRIES_IN_ALL, MOST_CELLS = 1 << 18, 1 << 19, 1 << 22
# Longer runs of digits are not turned into numbers.
_LONGEST_NATURAL = 1000


@dataclass(frozen=True)
class Coded:
    """One variable over some rows: ``codes`` (n,) are the places of their outcomes in ``entries`` (None: missing)."""

    codes: npt.NDArray[np.int64]
    entries: Sequence[Entry]


class JointCounts:
    """How often each combination of outcomes occurs, for some subsets of the variables: exact whole numbers.

    ``names`` are the variables, ``subsets`` the places of those whose joint table is wanted. ``orders`` gives outcomes
    that have an order of their own, such as intervals, in that order; others come in natural order. Starts empty,
    takes rows, merges, presents; what is presented does not depend on how the rows were split, or in which order
    outcomes were first seen.

    Raises :class:`ResourceError` where there are more outcomes or combinations than memory should be spent on.

    >>> counts = JointCounts(("x", "y"), [(0, 1)])
    >>> counts.update([Coded(np.array([0, 0, 1]), ["b", "a"]), Coded(np.array([1, 1, 0]), [None, "10"])])
    >>> table = counts.table((0, 1))
    >>> table.entries, table.cells.tolist(), table.counts.tolist()
    ((('a', 'b'), ('10', None)), [[0, 1], [1, 0]], [1, 2])
    """

    def __init__(
        self, names: Sequence[str], subsets: Iterable[Sequence[int]],
        orders: Sequence[Sequence[str] | None] | None = None,
    ) -> None:  # fmt: skip
        self.names = tuple(names)
        self.subsets = tuple(dict.fromkeys(tuple(subset) for subset in subsets))
        if any(not subset or not all(0 <= place < len(self.names) for place in subset) for subset in self.subsets):
            raise ValueError("a subset names no variable, or one that is not there")
        self.orders = (None,) * len(self.names) if orders is None else tuple(orders)
        self.rows = self.cases = 0
        self._numbers = {subset: number for number, subset in enumerate(self.subsets)}
        self._sorted: dict[int, tuple[tuple[Entry, ...], Codes]] = {}
        self._codes: list[dict[Entry, int]] = [{} for _ in self.names]
        self._entries_in_all = 0
        self._layout = layout_of(self.subsets, (1,) * len(self.names))
        self._flat: Integers = np.zeros(self._layout.cells, np.int64)
        dense = set(self._layout.tables.tolist())
        self._lists = {i: CellList(len(each)) for i, each in enumerate(self.subsets) if i not in dense}

    def update(self, columns: Sequence[Coded], weights: npt.NDArray[np.int64] | None = None) -> None:
        """Take rows: a column for each variable. ``weights`` (n,), not negative: each row stands for so many cases."""
        rows = len(columns[0].codes) if columns else 0
        cases = rows if weights is None else _sum(weights)
        if cases >= MOST_WEIGHT and rows > 1:
            for half in (slice(None, rows // 2), slice(rows // 2, None)):
                self.update([Coded(each.codes[half], each.entries) for each in columns], weights[half])  # type: ignore[index]
            return
        self.rows += rows
        if weights is not None and not weights.all():
            # What stands for no case has no outcome either.
            there = weights != 0
            columns, weights = [Coded(each.codes[there], each.entries) for each in columns], weights[there]
        if cases:
            self._count(columns, weights, cases)

    def _count(self, columns: Sequence[Coded], weights: npt.NDArray[np.int64] | None, cases: int) -> None:
        lookups = [self._learn(place, each.entries, each.codes) for place, each in enumerate(columns)]
        self._make_room()
        self._add_cases(cases)
        codes = np.empty((len(columns), len(columns[0].codes)), code_type(max(map(len, self._codes))))
        for own, lookup, each in zip(codes, lookups, columns, strict=True):
            own[:] = lookup.astype(codes.dtype)[each.codes]
        flat = self._flat if self._flat.dtype != object else np.zeros(self._flat.shape, np.int64)
        layout = self._layout
        count_tables(codes, layout.columns, layout.strides, layout.offsets, flat, weights)
        if flat is not self._flat:
            self._flat += flat
        for number, cells in self._lists.items():
            cells.add(*grouped(codes[list(self.subsets[number])].T, weights))
            self._refuse_many_cells()

    def merge(self, other: JointCounts) -> None:
        """Take what another part has counted, of the same variables and subsets."""
        lookups = [self._learn(place, list(codes)) for place, codes in enumerate(other._codes)]
        self._make_room()
        self.rows += other.rows
        self._add_cases(other.cases)
        alike = self._layout.widths == other._layout.widths
        if alike and all(np.array_equal(lookup, np.arange(len(lookup))) for lookup in lookups):
            self._flat += other._flat
        else:
            self._take_flat(other._flat, other._layout, lookups)
        for number, cells in other._lists.items():
            codes, counts = cells.cells()
            if len(counts):
                self._add_cells(number, mapped(codes, lookups, self.subsets[number]), counts)
        self._refuse_many_cells()

    def _learn(self, place: int, entries: Sequence[Entry], codes: Codes | None = None) -> Codes:
        """The codes that entries have here; new ones get the next, if they occur among ``codes``."""
        known = self._codes[place]
        found: list[int | None] = list(map(known.get, entries))
        if None in found:
            occurring: Iterable[int] = range(len(entries))
            if codes is not None:
                occurring = np.flatnonzero(np.bincount(codes, minlength=len(entries))).tolist()
            new = {entries[i] for i in occurring}.difference(known)
            # In an order of their own: parts that have the same entries then mostly have the same codes.
            for entry in (*sorted(each for each in new if each is not None), *(new & {None})):
                known[entry] = len(known)
            self._entries_in_all += len(new)
            self._refuse_many_entries(place)
            found = [known.get(entry, 0) for entry in entries]
        return np.array(found, np.int64)

    def _make_room(self) -> None:
        """Move the tables where a column has more entries than its width."""
        widths = tuple(max(width, room_for(len(codes)))
                       for width, codes in zip(self._layout.widths, self._codes, strict=True))  # fmt: skip
        if widths == self._layout.widths:
            return
        flat, layout = self._flat, self._layout
        self._layout = layout_of(self.subsets, widths)
        self._flat = np.zeros(self._layout.cells, flat.dtype)
        for number in sorted(set(layout.tables.tolist()).difference(self._layout.tables.tolist())):
            self._lists[number] = CellList(len(self.subsets[number]))
        lists, self._lists = self._lists, {}
        dense = set(self._layout.tables.tolist())
        for number, cells in lists.items():
            if number in dense:
                self._add_cells(number, *cells.cells())
            else:
                self._lists[number] = cells
        self._take_flat(flat, layout, [np.arange(width) for width in layout.widths])

    def _take_flat(self, flat: Integers, layout: Layout, lookups: Sequence[Codes]) -> None:
        """Take the tables of a flat array, whose codes are others."""
        cells = np.flatnonzero(flat)
        if not len(cells):
            return
        place, codes = layout.codes_at(cells)
        homes = np.full(len(self.subsets), -1)
        homes[self._layout.tables] = np.arange(len(self._layout.tables))
        home = homes[layout.tables[place]]
        joined = np.concatenate(lookups)
        begins = np.cumsum([0, *map(len, lookups)])
        codes = joined[begins[layout.columns[place]] + codes]
        stay = home >= 0
        at = self._layout.offsets[home[stay]] + (codes[stay] * self._layout.strides[home[stay]]).sum(axis=1)
        self._flat[at] += flat[cells[stay]]
        for gone in np.unique(place[~stay]).tolist():
            number = int(layout.tables[gone])
            those = place == gone
            self._add_cells(number, codes[those][:, : len(self.subsets[number])], flat[cells[those]])

    def _add_cells(self, number: int, codes: npt.NDArray[Any], counts: Integers) -> None:
        if number in self._lists:
            self._lists[number].add(codes, counts)
            return
        home = int(np.searchsorted(self._layout.tables, number))
        strides = self._layout.strides[home][: codes.shape[1]]
        self._flat[self._layout.offsets[home] + (codes * strides).sum(axis=1)] += counts

    def _add_cases(self, cases: int) -> None:
        self.cases += cases
        if self.cases >= MOST_WEIGHT and self._flat.dtype != object:
            self._flat = self._flat.astype(object)
            for number, cells in list(self._lists.items()):
                self._lists[number] = wide = CellList(len(self.subsets[number]))
                codes, counts = cells.cells()
                wide.add(codes.astype(np.int64), counts.astype(object))

    def _refuse_many_entries(self, place: int) -> None:
        if len(self._codes[place]) > MOST_ENTRIES:
            raise ResourceError(
                f'the column "{self.names[place]}" has more than {MOST_ENTRIES:,} different entries',
                hint=self._way_out([self.names[place]]),
            )
        if self._entries_in_all > MOST_ENTRIES_IN_ALL:
            raise ResourceError(
                f"the columns have more than {MOST_ENTRIES_IN_ALL:,} different entries together, most of them"
                f" {self._quoted(self._widest())}", hint=self._way_out(self._widest()),
            )  # fmt: skip

    def _refuse_many_cells(self) -> None:
        if sum(cells.stored for cells in self._lists.values()) + self._flat.size <= MOST_CELLS:
            return
        filled = sum(len(cells.cells()[1]) for cells in self._lists.values()) + int(np.count_nonzero(self._flat))
        if filled > MOST_CELLS:
            raise ResourceError(
                f"more than {MOST_CELLS:,} different combinations of entries occur; the columns with the most entries"
                f" are {self._quoted(self._widest())}", hint=self._way_out(self._widest()),
            )  # fmt: skip

    def _widest(self) -> list[str]:
        """The columns that have the most entries, of those that are counted together."""
        used = sorted({place for subset in self.subsets for place in subset})
        most = sorted(used, key=lambda place: -len(self._codes[place]))
        return [self.names[place] for place in most[:3]]

    def _quoted(self, names: Sequence[str]) -> str:
        return ", ".join(f'"{name}"' for name in names)

    def _way_out(self, names: Sequence[str]) -> str:
        leave, intervals = shlex.quote(f"!{names[0]}"), shlex.quote(f"{names[0]}=10")
        return f"leave it out: --columns {leave}; if it holds numbers, put them into intervals: --bins {intervals}"

    def entries(self, place: int) -> tuple[Entry, ...]:
        """The outcomes of a variable that occur: in their own order where they have one, else in natural order;
        a missing value last."""
        return self._ranked(place)[0]

    def _ranked(self, place: int) -> tuple[tuple[Entry, ...], Codes]:
        """The outcomes in the order in which they are presented, and for each code its place there."""
        codes = self._codes[place]
        if len(self._sorted.get(place, ((),))[0]) != len(codes) or not codes:
            known = {entry: at for at, entry in enumerate(self.orders[place] or ())}
            entries = tuple(sorted(codes, key=lambda entry: (entry is None, known.get(entry or "", len(known)),
                                                             _natural(entry or ""))))  # fmt: skip
            ranks = np.argsort(np.array([codes[entry] for entry in entries], np.int64))
            self._sorted[place] = (entries, ranks.astype(np.int64, copy=False))
        return self._sorted[place]

    def size(self, place: int) -> int:
        """How many outcomes of a variable occur, a missing value among them."""
        return len(self._codes[place])

    def table(self, subset: Sequence[int]) -> JointTable:
        """The joint table of one of the subsets."""
        codes, counts = self._filled(self._numbers[tuple(subset)])
        entries, ranks = zip(*map(self._ranked, subset), strict=True)
        cells = np.stack([rank[codes[:, j]] for j, rank in enumerate(ranks)], axis=1)
        order = np.argsort(keys_of(cells), kind="stable")
        return JointTable(entries, cells[order], fitting(counts[order]), self.cases)

    def _filled(self, number: int) -> tuple[npt.NDArray[Any], Integers]:
        """The filled cells of a subset's table, in codes of this state."""
        if number in self._lists:
            return self._lists[number].cells()
        home = int(np.searchsorted(self._layout.tables, number))
        begin, end = self._layout.offsets[home : home + 2].tolist()
        cells = begin + np.flatnonzero(self._flat[begin:end])
        return self._layout.codes_at(cells)[1][:, : len(self.subsets[number])], self._flat[cells]

    def present(self) -> dict[tuple[int, ...], JointTable]:
        """The joint tables of all subsets."""
        return {subset: self.table(subset) for subset in self.subsets}


def _natural(entry: str) -> tuple[object, ...]:
    return natural(entry) if len(entry) <= _LONGEST_NATURAL else ((1, 0, entry),)


def _sum(weights: npt.NDArray[np.int64]) -> int:
    """The exact sum of whole numbers from 0."""
    return (int((weights >> 31).sum()) << 31) + int((weights & ((1 << 31) - 1)).sum())
