"""Where the rows of a text file begin: newlines found at memory speed, just ahead of whoever parses them.

A newline ends a record when the number of quotation marks before it is even (a doubled quote inside a quoted cell
keeps the count even), so quoted cells may hold newlines. Every ``STRIDE`` bytes the index keeps a mark: row, line and
offset of a record's beginning. Rows can then be cut anywhere without parsing what is before them.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from threading import Lock

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError

STRIDE = 1 << 16
_READ = 1 << 20
_LONGEST_RECORD = 1 << 26
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34

Bytes = npt.NDArray[np.uint8]


class LineIndex:
    """The rows of ``path`` from byte ``start`` (the first row's beginning) on; it grows as far as it is asked."""

    def __init__(self, path: str, shown: str, start: int, first_line: int) -> None:
        self.path, self.shown = path, shown
        self.end = _end_without_blank_tail(path, start)
        self.rows = array("q", [0])
        self.lines = array("q", [first_line])
        self.offsets = array("q", [start])
        self.quoted = False
        self._next_row, self._next_line = 0, first_line
        self._scanned = self._record = start
        self._odd = False
        self._lock = Lock()
        self.total: int | None = None
        if start >= self.end:
            self.total = 0

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._lock = Lock()

    def reach_row(self, row: int) -> None:
        """Scan until that row's beginning is known, or the end."""
        self._reach(lambda: self.rows[-1] >= row)

    def reach_offset(self, offset: int) -> None:
        """Scan until a mark at or past that offset is known, or the end."""
        self._reach(lambda: self.offsets[-1] >= offset)

    def count(self) -> int:
        """The number of rows, scanning to the end."""
        self._reach(lambda: False)
        assert self.total is not None
        return self.total

    def mark_before(self, row: int) -> int:
        """The number of the last mark at or before a row."""
        return bisect_right(self.rows, row) - 1

    def line_of(self, row: int) -> int:
        """The line that a row begins on, found by reading from the mark before it."""
        self.reach_row(row)
        mark = self.mark_before(row)
        if not self.quoted or self.rows[mark] == row:
            return self.lines[mark] + row - self.rows[mark]
        return self._line_among_quotes(mark, row)

    def _line_among_quotes(self, mark: int, row: int) -> int:
        with open(self.path, "rb") as file:
            file.seek(self.offsets[mark])
            data = np.frombuffer(file.read(STRIDE + _LONGEST_RECORD), np.uint8)
        newlines, ends, _ = _newlines(data, False)
        last = int(ends[row - self.rows[mark] - 1])
        return self.lines[mark] + int(np.searchsorted(newlines, last, side="right"))

    def _reach(self, done: object) -> None:
        assert callable(done)
        while self.total is None and not done():
            with self._lock:
                if self.total is None and not done():
                    self._scan()

    def _scan(self) -> None:
        stop = min(self._scanned + _READ, self.end)
        with open(self.path, "rb", buffering=0) as file:
            data = np.frombuffer(os.pread(file.fileno(), stop - self._scanned, self._scanned), np.uint8)
        if data.size < stop - self._scanned:
            raise InputError("the file ends early: it was cut while it was read", path=self.shown)
        newlines, ends, odd = _newlines(data, self._odd)
        self.quoted = self.quoted or ends.size != newlines.size or bool(odd) or (data == _QUOTE).any().item()
        self._refuse_blank(data, ends)
        self._keep_marks(newlines, ends)
        self._odd = odd
        self._next_row += ends.size
        self._next_line += newlines.size
        if ends.size:
            self._record = self._scanned + int(ends[-1]) + 1
        self._scanned = stop
        if self._scanned - self._record > _LONGEST_RECORD:
            raise InputError(
                f"a line is longer than {_LONGEST_RECORD >> 20} MiB; is this a text table?",
                path=self.shown, line=self._next_line,
            )  # fmt: skip
        if self._scanned >= self.end:
            self.total = self._next_row + (1 if self._record < self.end else 0)

    def _keep_marks(self, newlines: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> None:
        strides = np.arange(STRIDE, _READ + 1, STRIDE)
        for at in np.unique(np.searchsorted(ends, strides, side="right")).tolist():
            if at == 0:
                continue
            offset = self._scanned + int(ends[at - 1]) + 1
            if offset > self.offsets[-1] and offset < self.end:
                self.rows.append(self._next_row + at)
                self.lines.append(self._next_line + int(np.searchsorted(newlines, ends[at - 1], side="right")))
                self.offsets.append(offset)

    def _refuse_blank(self, data: Bytes, ends: npt.NDArray[np.int64]) -> None:
        if ends.size == 0:
            return
        # An end right behind the one before it, or with only a carriage return between, closes an empty line.
        before = np.concatenate([[self._record - self._scanned - 1], ends[:-1]])
        gap = ends - before
        blank = (gap == 1) | ((gap == 2) & (data[np.maximum(ends - 1, 0)] == _RETURN))
        if blank.any():
            row = self._next_row + int(np.flatnonzero(blank)[0])
            raise InputError(
                "the line is blank; every line must hold a row, or later rows would be matched wrongly",
                path=self.shown, line=self._next_line + int(np.flatnonzero(blank)[0]), row=row,
                hint="remove the line, or write the value that it stands for",
            )  # fmt: skip


def record_ends(data: bytes) -> npt.NDArray[np.int64]:
    """The places in some text, which begins with a record, of the newlines that end one."""
    return _newlines(np.frombuffer(data, np.uint8), False)[1]


def _newlines(data: Bytes, odd: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], bool]:
    """All newlines; those that end a record; whether the data stops inside a quoted cell."""
    newlines = np.flatnonzero(data == _NEWLINE)
    quotes = np.flatnonzero(data == _QUOTE)
    if quotes.size == 0:
        return newlines, newlines[:0] if odd else newlines, odd
    inside = (np.searchsorted(quotes, newlines) + int(odd)) % 2 == 1
    return newlines, newlines[~inside], bool((quotes.size + int(odd)) % 2)


def _end_without_blank_tail(path: str, start: int) -> int:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > start:
            first = max(start, end - 4096)
            file.seek(first)
            kept = file.read(end - first).rstrip(b"\r\n")
            end = first + len(kept)
            if kept:
                break
    return end
