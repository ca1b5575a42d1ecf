"""Many files that are one table: the rows of a folder's parts, or of a glob's, one after the other.

Thousands of parts cost little: of each the header is read once, and only the last few used are held open.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from divtool.errors import InputError
from divtool.formats.folders import Listing, list_parts
from divtool.formats.keys import Keys, TextKeys
from divtool.formats.opening import Found
from divtool.formats.part_files import Parts
from divtool.formats.source import (
    TEXT,
    Block,
    Container,
    Extent,
    Header,
    Member,
    Place,
    Selection,
    Ways,
    empty_matrix,
    joined,
    row_steps,
)
from divtool.formats.union import columns_in, facts_of, united


class PartsSource:
    """A table in many files. ``starts`` holds the first rows of the parts as far as they are known: those of text are
    counted when somebody asks for what comes after."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        lead = self._lead()
        facts = [facts_of(parts.source(number).header, lead, parts.listing.way_out) for number in range(len(parts))]
        self._file = united(lead, facts)
        rows = [each.rows for each in facts if each.rows is not None]
        self._starts = list(accumulate(rows, initial=0)) if len(rows) == len(facts) else [0]
        self._lengths = [each.shape[0] for each in facts if each.shape]
        self._keys = self._key_names(lead)
        self.header = self._header()

    def _lead(self) -> Header:
        """The header that the others are held against: of the first of the usual parts that has rows."""
        usual = self._parts.listing.usual
        for number in usual:
            source = self._parts.source(number)
            if source.header.rows or (source.header.rows is None and source.locate(0, 1).stop):
                return source.header
        return self._parts.source(usual[0]).header

    def _key_names(self, lead: Header) -> list[int]:
        """The keys of folders that become columns: those that the files have no column of. Arrays have no names."""
        names = lead.names
        keys = enumerate(self._parts.listing.keys)
        return [] if names is None else [place for place, key in keys if key not in names]

    def _header(self) -> Header:
        listing, file = self._parts.listing, self._file
        added = [listing.keys[place] for place in self._keys]
        parts = f"{len(listing.paths):,} part{'s' if len(listing.paths) > 1 else ''}"
        left = [key for place, key in enumerate(listing.keys) if place not in self._keys]
        if left:
            parts += f" ({', '.join(left)} of the folders' names left out)"
        passed = f"{', '.join(listing.passed[:4])} passed over" if listing.passed else ""
        return replace(
            file, path=listing.name, size=self._parts.size, origin=joined(parts, passed, file.origin),
            names=None if file.names is None else (*file.names, *added),
            types=(*file.types, *[TEXT] * len(added)) if added else file.types,
        )  # fmt: skip

    def with_class_axis(self, axis: int | None, arranged: str) -> PartsSource:
        """The same arrays with their classes on another axis; None: each cell is a row. ``arranged`` says so."""
        if axis == 0 and len(self._parts) > 1:
            raise InputError(
                "the parts follow each other along the first axis, which therefore cannot hold the classes",
                path=self.header.path, hint="name another: --class-axis",
            )  # fmt: skip
        other = copy(self)
        other._parts = self._parts.arranged(axis, arranged)
        lead = other._parts.source(0).header
        shape = (sum(self._lengths), *(lead.shape or ())[1:])
        sides = math.prod(side for place, side in enumerate(shape) if place not in (0, axis))
        other._starts = [first * sides for first in accumulate(self._lengths, initial=0)]
        other._file = replace(lead, shape=shape, rows=other._starts[-1], dtype=self._file.dtype)
        other.header = other._header()
        return other

    @property
    def _counted(self) -> bool:
        return len(self._starts) > len(self._parts)

    def _learn(self, number: int, rows: int) -> None:
        """Where the part after one begins."""
        starts = self._starts
        # Appending a value twice would be the harm of two threads that learn the same.
        with self._parts.lock:
            if len(starts) == number + 1:
                starts.append(starts[number] + rows)

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """The joints of each part; small parts together."""
        held: list[tuple[int, Extent]] = []
        size = 0
        for number in range(len(self._parts)):
            small = self._parts.size_of(number) < target_bytes
            with self._moved(number):
                source = self._parts.source(number)
                for inner in source.extents(target_bytes):
                    if held and not small:
                        yield self._extent(held)
                        held, size = [], 0
                    if inner.first < inner.stop:
                        held.append((number, inner))
                self._learn(number, source.count())
            size += self._parts.size_of(number)
            if held and size >= target_bytes:
                yield self._extent(held)
                held, size = [], 0
        if held:
            yield self._extent(held)

    def _extent(self, pieces: list[tuple[int, Extent]]) -> Extent:
        """Stretches of parts, which follow each other, as one; its place is part, first and last row of each."""
        number, inner = pieces[0]
        first = self._starts[number] + inner.first
        place = tuple(value for part, each in pieces for value in (part, each.first, each.stop))
        return Extent(first, first + sum(each.stop - each.first for _, each in pieces), place)

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows; parts are counted only as far as that needs."""
        pieces: list[tuple[int, Extent]] = []
        number = min(bisect_right(self._starts, first), len(self._starts)) - 1
        while number < len(self._parts):
            begin = self._starts[number]
            inner = self._inner(number, max(first - begin, 0), stop - begin)
            if inner.first < inner.stop:
                pieces.append((number, inner))
            if inner.stop == stop - begin:
                break
            number += 1
        if pieces:
            return self._extent(pieces)
        end = self._starts[-1] if self._counted else first
        return Extent(min(first, end), min(first, end))

    def _inner(self, number: int, first: int, stop: int) -> Extent:
        """Rows first:stop of a part; where it ends before, the part after it has its place."""
        if len(self._starts) > number + 1:
            rows = self._starts[number + 1] - self._starts[number]
            return Extent(min(first, rows), min(stop, rows))
        with self._moved(number):
            source = self._parts.source(number)
            inner = source.locate(first, stop)
            if inner.stop < stop:
                self._learn(number, source.count())
        return inner

    def count(self) -> int:
        """The number of rows, reading all text to its end if need be."""
        while not self._counted:
            number = len(self._starts) - 1
            with self._moved(number):
                self._learn(number, self._parts.source(number).count())
        return self._starts[-1]

    def estimate(self) -> int:
        """As many rows as the rest would hold at the size of those found so far."""
        if self._counted:
            return self._starts[-1]
        known = len(self._starts) - 1
        if known == 0:
            rows, size = self._parts.source(0).estimate(), self._parts.size_of(0)
        else:
            rows, size = self._starts[-1], sum(self._parts.size_of(number) for number in range(known))
        return rows * self._parts.size // max(1, size)

    def place_of(self, row: int) -> Place:
        """The part that a row stands in, and where it does there."""
        while self._starts[-1] <= row and not self._counted:
            number = len(self._starts) - 1
            self._learn(number, self._parts.source(number).count())
        number = min(bisect_right(self._starts, row), len(self._parts)) - 1
        own = row - self._starts[number]
        inside = self._parts.source(number).place_of(own)
        return replace(inside, row=row, own=own if self._starts[number] else None)

    def check_unchanged(self) -> None:
        """Refuse if a part changed, was added or was taken away."""
        self._parts.check_unchanged()

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of the selected columns, part by part."""
        place = extent.place or self.locate(extent.first, extent.stop).place
        row = extent.first
        for number, first, stop in zip(place[::3], place[1::3], place[2::3], strict=True):
            for block in self._blocks(number, Extent(first, stop), row - first, selection, block_bytes):
                yield self._with_keys(block, number, selection)
            row += stop - first

    def _blocks(
        self, number: int, inner: Extent, before: int, selection: Selection, block_bytes: int
    ) -> Iterator[Block]:
        """Rows of one part, of the columns that its file has; ``before`` are the rows of the parts before it."""
        own = self._own(number, selection)
        if len(own.matrix) == 0 and not own.keys:
            for first, stop in row_steps(inner, max(1, block_bytes // 8)):
                yield Block(before + first, empty_matrix(stop - first))
            return
        try:
            source = self._parts.source(number)
            for block in source.blocks(source.locate(inner.first, inner.stop), own, block_bytes):
                yield replace(block, first=before + block.first)
        except InputError as error:
            raise error.moved(before) from None

    def _own(self, number: int, selection: Selection) -> Selection:
        """A selection in the columns of a part."""
        width, wanted = self._file.width, selection.matrix
        if (wanted[-1] if isinstance(wanted, range) and wanted else max(wanted, default=-1)) >= width:
            raise InputError(
                "the names of folders are text, no numbers", path=self.header.path,
                column=self.header.name(max(wanted)), hint="leave the column out of --columns",
            )  # fmt: skip
        keys = tuple(column for column in selection.keys if column < width)
        order = columns_in(self._parts.source(number).header, self._file)
        if order is None:
            return selection if keys == selection.keys else replace(selection, keys=keys)
        matrix = [order[column] for column in wanted]
        return replace(selection, matrix=matrix, keys=tuple(order[column] for column in keys))

    def _with_keys(self, block: Block, number: int, selection: Selection) -> Block:
        """The block with the values of the folders' names among its keys."""
        width = self._file.width
        if all(column < width for column in selection.keys):
            return block
        values = self._parts.listing.values[number]
        own = iter(block.keys)
        marks = iter(block.absent or (None,) * len(block.keys))
        keys: list[Keys] = []
        absent: list[npt.NDArray[np.bool_] | None] = []
        missing = block.missing
        for column in selection.keys:
            if column < width:
                keys.append(next(own))
                absent.append(next(marks))
                continue
            value = values[self._keys[column - width]]
            if value is None and not (selection.missing or selection.cells):
                raise self.place_of(block.first).refusal("the value is missing", column=self.header.name(column))
            if value is None and not selection.cells:
                missing = np.ones(len(block), np.bool_)
            absent.append(np.ones(len(block), np.bool_) if value is None and selection.cells else None)
            keys.append(_repeated(value or "", len(block)))
        matrix = block.matrix if missing is block.missing else np.full(block.matrix.shape, np.nan)
        marked = tuple(absent) if any(each is not None for each in absent) else ()
        return replace(block, matrix=matrix, keys=tuple(keys), missing=missing, absent=marked)

    @contextmanager
    def _moved(self, number: int) -> Iterator[None]:
        """Errors of a part's rows as errors of the table's."""
        try:
            yield
        except InputError as error:
            raise error.moved(self._starts[number]) from None


class PartsContainer:
    """Files of several arrays, of which those of one name are one table."""

    def __init__(self, listing: Listing, ways: Ways, format: str, members: tuple[Member, ...]) -> None:
        self.path, self.format, self.members = listing.name, format, members
        self._listing, self._ways = listing, ways

    def open(self, name: str) -> PartsSource:
        """The arrays of that name, one after the other."""
        return PartsSource(Parts(self._listing, self._ways, name))


def open_parts(name: str, ways: Ways) -> Found:
    """Open a folder or a glob of parts. Raises :class:`InputError` where they do not make one table."""
    listing = list_parts(name)
    parts = Parts(listing, ways)
    lead = parts.found(listing.usual[0])
    if not isinstance(lead, Container):
        return PartsSource(parts)
    members = list(lead.members)
    for number in range(len(parts)):
        found = parts.found(number)
        if not isinstance(found, Container):
            raise InputError(
                f"is one table, {lead.path} holds several arrays", path=found.header.path, hint=listing.way_out
            )
        theirs = {each.name: each for each in found.members}
        members = [_joined(each, theirs[each.name], first=number == 0) for each in members if each.name in theirs]
    if not members:
        raise InputError("no array has the same name in every part", path=name, hint=listing.way_out)
    return PartsContainer(listing, ways, lead.format, tuple(members))


def _joined(member: Member, other: Member, *, first: bool) -> Member:
    """The array of two parts, one after the other; what does not fit together is refused when it is opened."""
    if first or not member.shape or not other.shape:
        return replace(member, shape=other.shape)
    return replace(member, shape=(member.shape[0] + other.shape[0], *member.shape[1:]))


def _repeated(text: str, times: int) -> TextKeys:
    """The same text for many rows (``pa.repeat`` would import pandas)."""
    data = text.encode()
    offsets = pa.py_buffer(np.arange(times + 1, dtype=np.int64) * len(data))
    texts = pa.Array.from_buffers(pa.large_string(), times, [None, offsets, pa.py_buffer(data * times)])
    return TextKeys(pc.cast(texts, pa.string()))
