"""Text files whose rows are lines: cut at newlines into slices, each parsed on its own, in as many threads as run."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from divtool.errors import InputError
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.lines import LineIndex, record_ends
from divtool.formats.source import Block, Extent, Header, Place, Selection

# What a parser has to do for each column of a slice should be little beside the slice, but a slice must not be huge.
SAMPLE, ROWS, LARGEST = 1 << 20, 150, 1 << 24


class LineSource:
    """What text tables and JSON lines have in common. A format gives ``header`` and ``_parsed``."""

    header: Header
    _index: LineIndex

    def __init__(self, path: str, shown: str) -> None:
        self.path, self._shown = path, shown
        self._before = fingerprint(path)

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Slices of whole lines; the newlines are looked for only as far as slices are asked for."""
        index, at = self._index, 0
        while index.total is None or index.rows[at] < index.total:
            wanted = index.offsets[at] + max(target_bytes, self._slice_bytes(at))
            index.reach_offset(wanted)
            last = max(at + 1, bisect_left(index.offsets, wanted))
            if last < len(index.offsets):
                yield self._extent(index.rows[at], index.rows[last], at, last)
                at = last
            else:
                yield self._extent(index.rows[at], index.count(), at, last)
                return

    def _slice_bytes(self, mark: int) -> int:
        """How large a slice that begins at a mark should be at the least, by the length of the lines there."""
        index = self._index
        index.reach_offset(index.offsets[mark] + SAMPLE)
        last = min(bisect_left(index.offsets, index.offsets[mark] + SAMPLE), len(index.offsets) - 1)
        rows = index.rows[last] - index.rows[mark]
        return min(LARGEST, (index.offsets[last] - index.offsets[mark]) * ROWS // rows) if rows > 0 else LARGEST

    def _extent(self, first: int, stop: int, mark: int, last: int) -> Extent:
        """Rows first:stop between two marks; its place is row and offset of both."""
        index = self._index
        whole = last >= len(index.offsets)
        end = (index.count(), index.end) if whole else (index.rows[last], index.offsets[last])
        return Extent(first, stop, (index.rows[mark], index.offsets[mark], *end))

    def locate(self, first: int, stop: int) -> Extent:
        """The slice between the marks around these rows."""
        index = self._index
        index.reach_row(stop)
        if index.total is not None:
            first, stop = min(first, index.total), min(stop, index.total)
        return self._extent(first, stop, index.mark_before(first), index.mark_before(max(stop - 1, 0)) + 1)

    def count(self) -> int:
        """The number of rows."""
        return self._index.count()

    def estimate(self) -> int:
        """As many rows as the rest of the file would hold at the length of those found so far."""
        index = self._index
        if index.total is not None:
            return index.total
        found = index.offsets[-1] - index.offsets[0]
        return index.rows[-1] * (index.end - index.offsets[0]) // found if found else 0

    def place_of(self, row: int) -> Place:
        """The row with its line."""
        return Place(self._shown, row, self._index.line_of(row))

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self._shown)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows slice by slice. Raises :class:`InputError` for the first row that is none, with its line."""
        row, offset, end_row, end = extent.place or (0, 0, 0, 0)
        while offset < end and row < extent.stop:
            mark = bisect_right(self._index.offsets, offset) - 1
            size = max(block_bytes, self._slice_bytes(mark))
            next_row, last = self._slice_end(offset, end, end_row, size)
            first, stop = max(row, extent.first), min(next_row, extent.stop)
            if first < stop:
                # The text has no name here: it would be kept while its rows are worked on.
                yield self._parsed(
                    self._only(self._read(offset, last), first - row, stop - row, next_row - row),
                    first, stop - first, selection,
                )  # fmt: skip
            row, offset = next_row, last

    def _parsed(self, data: bytes, first: int, rows: int, selection: Selection) -> Block:
        """So many rows, whose text this is, from row ``first`` on."""
        raise NotImplementedError

    def _slice_end(self, offset: int, end: int, end_row: int, size: int) -> tuple[int, int]:
        """Row and offset at which the next slice ends: the last mark within ``size``, the first one after it if there
        is none, the end of the extent where that is nearer."""
        offsets, rows = self._index.offsets, self._index.rows
        if end - offset > size:
            low = bisect_right(offsets, offset + size) - 1
            low += offsets[low] <= offset
            if low < len(offsets) and offsets[low] < end:
                return rows[low], offsets[low]
        return end_row, end

    def _read(self, offset: int, end: int) -> bytes:
        with open(self.path, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), end - offset, offset)
        if len(data) < end - offset:
            raise InputError("the file ends early: it was cut while it was read", path=self._shown)
        return data

    def _only(self, data: bytes, begin: int, stop: int, rows: int) -> bytes:
        """The records begin:stop of some. Others are not parsed: what is wrong with them is not asked."""
        if begin == 0 and stop == rows:
            return data
        ends = record_ends(data, quotes=self._index.quotes)
        first = int(ends[begin - 1]) + 1 if begin else 0
        return data[first : int(ends[stop - 1]) + 1 if stop <= ends.size else len(data)]
