"""Where the rows of a text file begin: newlines found at memory speed, just ahead of whoever parses them.

A newline ends a record when the number of quotation marks before it is even (a doubled quote inside a quoted cell
keeps the count even), so quoted cells may hold newlines; where quotes mean nothing of that kind (JSON lines), every
newline ends a record. Every ``STRIDE`` bytes the index keeps a mark: row, line and offset of a record's beginning. Rows
can then be cut anywhere without parsing what is before them.
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
LONGEST_RECORD = 1 << 26
_READ = 1 << 20
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


class LineIndex:
    """The rows of ``path`` from byte ``start`` (the first row's beginning) on; it grows as far as it is asked.

    ``quotes``: whether newlines between quotation marks belong to a cell.
    """

    def __init__(self, path: str, shown: str, start: int, first_line: int, *, quotes: bool = True) -> None:
        self.path, self.shown, self.quotes = path, shown, quotes
        self.end = _end_without_blank_tail(path, start)
        self.rows = array("q", [0])
        self.lines = array("q", [first_line])
        self.offsets = array("q", [start])
        self.quoted = False
        self._next_row, self._next_line = 0, first_line
        self._scanned = self._record = start
        self._record_line = first_line
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
        # Another thread may be adding a mark: its row comes first, its offset last.
        return bisect_right(self.rows, row, 0, len(self.offsets)) - 1

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
            newlines, ends = record_places(file.read(STRIDE + LONGEST_RECORD))
        if ends.size < row - self.rows[mark]:
            return self.lines[mark]
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
            data = os.pread(file.fileno(), stop - self._scanned, self._scanned)
        if len(data) < stop - self._scanned:
            raise InputError("the file ends early: it was cut while it was read", path=self.shown)
        newlines, ends, odd = _newlines(data, self._odd, quotes=self.quotes)
        self.quoted = self.quoted or odd or (self.quotes and b'"' in data)
        self._refuse_blank(np.frombuffer(data, np.uint8), newlines, ends)
        self._keep_marks(newlines, ends)
        self._odd = odd
        self._next_row += ends.size
        if ends.size:
            self._record = self._scanned + int(ends[-1]) + 1
            self._record_line = self._next_line + int(np.searchsorted(newlines, ends[-1], side="right"))
        self._next_line += newlines.size
        self._scanned = stop
        if self._scanned - self._record > LONGEST_RECORD:
            self._refuse_long_record()
        if self._scanned >= self.end:
            if self._odd:
                raise self._left_open()
            self.total = self._next_row + (1 if self._record < self.end else 0)

    def _refuse_long_record(self) -> None:
        if self._odd:
            raise self._left_open()
        raise InputError(
            f"a line is longer than {LONGEST_RECORD >> 20} MiB; is this a text table?",
            path=self.shown, line=self._next_line,
        )  # fmt: skip

    def _left_open(self) -> InputError:
        return InputError(
            'a quotation mark (") that opens here is not closed', path=self.shown, row=self._next_row,
            line=self._record_line,
            hint='a quotation mark inside a cell must be doubled, and the cell stand in quotation marks',
        )  # fmt: skip

    def _mark(self, row: int, line: int, offset: int) -> None:
        # Readers go by the offsets without the lock: they must never see one whose row is not there yet.
        self.rows.append(row)
        self.lines.append(line)
        self.offsets.append(offset)

    def _keep_marks(self, newlines: Places, ends: Places) -> None:
        strides = np.arange(STRIDE, _READ + 1, STRIDE)
        for at in np.unique(np.searchsorted(ends, strides, side="right")).tolist():
            if at == 0:
                continue
            offset = self._scanned + int(ends[at - 1]) + 1
            if offset > self.offsets[-1] and offset < self.end:
                line = self._next_line + int(np.searchsorted(newlines, ends[at - 1], side="right"))
                self._mark(self._next_row + at, line, offset)

    def _refuse_blank(self, data: Bytes, newlines: Places, ends: Places) -> None:
        if ends.size == 0:
            return
        # An end right behind the one before it, or with only a carriage return between, closes an empty line.
        before = np.concatenate([[self._record - self._scanned - 1], ends[:-1]])
        gap = ends - before
        blank = (gap == 1) | ((gap == 2) & (data[np.maximum(ends - 1, 0)] == _RETURN))
        if blank.any():
            at = int(np.flatnonzero(blank)[0])
            raise self._blank(self._next_row + at, self._next_line + int(np.searchsorted(newlines, ends[at])))

    def _blank(self, row: int, line: int) -> InputError:
        return InputError(
            "the line is blank; every line must hold a row, or later rows would be matched wrongly",
            path=self.shown, line=line, row=row, hint="remove the line, or write the value that it stands for",
        )  # fmt: skip


def record_ends(data: bytes, *, quotes: bool = True) -> Places:
    """The places in some text, which begins with a record, of the newlines that end one."""
    return _newlines(data, False, quotes=quotes)[1]


def record_places(data: bytes) -> tuple[Places, Places]:
    """The places of all newlines in some text, which begins with a record, and of those that end one."""
    return _newlines(data, False, quotes=True)[:2]


def _newlines(data: bytes, odd: bool, *, quotes: bool) -> tuple[Places, Places, bool]:
    """All newlines; those that end a record; whether the data stops inside a quoted cell."""
    text = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(text == _NEWLINE)
    if not quotes or b'"' not in data:
        return newlines, newlines[:0] if odd else newlines, odd
    marks = np.flatnonzero(text == _QUOTE)
    inside = (np.searchsorted(marks, newlines) + int(odd)) % 2 == 1
    return newlines, newlines[~inside], bool((marks.size + int(odd)) % 2)


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
