"""Where the record batches of an Arrow file or stream lie and how many rows each has: read by our own hands from their
FlatBuffers, and held against the size of the file before Arrow allocates what they promise."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError

MAGIC = b"ARROW1"
_CONTINUED = b"\xff\xff\xff\xff"
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_LONGEST_MESSAGE = 1 << 28
_MOST_ROWS = 1 << 48
# What is packed tighter than this is no table of numbers; small batches may be, which do no harm.
_MOST_RATIO, _HARMLESS = 200, 1 << 30


@dataclass(frozen=True)
class Stretch:
    """A message with its body: where it begins, where its body does, and where that ends."""

    first: int
    body: int
    end: int


@dataclass(frozen=True)
class Layout:
    """The batches of a file in order, their rows, and the dictionaries that they refer to."""

    batches: tuple[Stretch, ...]
    rows: tuple[int, ...]
    dictionaries: tuple[Stretch, ...]


class _DamageError(Exception):
    """Something does not lie where it should."""


class _Table:
    """A table of a FlatBuffer; fields go by their number. Whatever points outside is refused."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._map = at - self._number("<i", at)
        self._known = self._number("<H", self._map)

    def _number(self, kind: str, at: int) -> int:
        if at < 0:
            raise _DamageError("an offset is negative")
        try:
            (value,) = struct.unpack_from(kind, self._data, at)
        except struct.error:
            raise _DamageError("an offset points outside") from None
        return int(value)

    def _place(self, field: int) -> int | None:
        slot = 4 + 2 * field
        offset = self._number("<H", self._map + slot) if slot + 2 <= self._known else 0
        return self._at + offset if offset else None

    def number(self, field: int, kind: str) -> int:
        """A number; 0 where it is left out."""
        place = self._place(field)
        return 0 if place is None else self._number(kind, place)

    def table(self, field: int) -> _Table | None:
        """A table inside."""
        place = self._place(field)
        return None if place is None else _Table(self._data, place + self._number("<I", place))

    def pairs(self, field: int, words: int) -> npt.NDArray[np.int64]:
        """A list of records of ``words`` 8-byte numbers each, one a row."""
        place = self._place(field)
        if place is None:
            return np.empty((0, words), np.int64)
        begin = place + self._number("<I", place)
        count = self._number("<I", begin)
        if begin + 4 + 8 * words * count > len(self._data):
            raise _DamageError("a list is longer than what holds it")
        return np.frombuffer(self._data, "<i8", words * count, begin + 4).reshape(count, words)


def _root(data: bytes) -> _Table:
    if len(data) < 8:
        raise _DamageError("a header is cut short")
    return _Table(data, int.from_bytes(data[:4], "little"))


class Messages:
    """The messages of a file of Arrow's."""

    def __init__(self, path: str, shown: str) -> None:
        self._shown = shown
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> Messages:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def layout(self) -> Layout:
        """What the footer of a file says. Raises :class:`InputError` where that cannot be."""
        try:
            length, magic = struct.unpack("<i6s", self._bytes(self.size - 10, 10))
            if magic != MAGIC or not 8 <= length <= self.size - 18:
                raise _DamageError("it does not end as it should")
            footer = _root(self._bytes(self.size - 10 - length, length))
            batches, dictionaries = self._stretches(footer, 3), self._stretches(footer, 2)
            rows = tuple(self._rows(each) for each in batches)
        except _DamageError as error:
            raise self.refusal(str(error)) from None
        if sum(rows) > _MOST_ROWS:
            raise self.refusal(f"it promises {sum(rows):,} rows")
        return Layout(batches, rows, dictionaries)

    def check(self, stretch: Stretch) -> None:
        """Refuse a batch whose buffers lie outside its body, or would unpack to much more than a table does."""
        try:
            self._check_buffers(self._batch(stretch), stretch)
        except _DamageError as error:
            raise self.refusal(str(error)) from None

    def check_stream(self) -> None:
        """Walk over a stream from message to message and check each."""
        try:
            for stretch, message in self._walk():
                kind = message.number(1, "<B")
                if kind in (_BATCH, _DICTIONARY):
                    self._check_buffers(_content(message), stretch)
                elif kind != _SCHEMA:
                    raise _DamageError(f"a message is of no known kind ({kind})")
        except _DamageError as error:
            raise self.refusal(str(error)) from None

    def refusal(self, said: str) -> InputError:
        """The error that the file is damaged."""
        return InputError(f"the Arrow file is damaged or cut short: {said}", path=self._shown, hint="write it again")

    def _bytes(self, first: int, size: int) -> bytes:
        if first < 0 or size < 0 or first + size > self.size:
            raise _DamageError("a part of it lies past its end")
        pieces = os.pread(self._file.fileno(), size, first)
        if len(pieces) < size:
            raise _DamageError("it was cut while it was read")
        return pieces

    def _stretches(self, footer: _Table, field: int) -> tuple[Stretch, ...]:
        found = []
        for first, head, body in footer.pairs(field, 3).tolist():
            # The length of the head is 4 bytes of 8, the rest fills up.
            begin = first + (head & 0xFFFFFFFF)
            if not (8 <= first < begin and 0 <= body <= self.size - begin):
                raise _DamageError("a batch lies past its end")
            found.append(Stretch(first, begin, begin + body))
        return tuple(found)

    def _message(self, first: int, most: int) -> tuple[_Table | None, int]:
        """The message at a place, and where its body begins; None at the end of a stream."""
        begun = self._bytes(first, 4)
        start = first + 4
        if begun == _CONTINUED:
            begun, start = self._bytes(start, 4), start + 4
        length = int.from_bytes(begun, "little", signed=True)
        if length == 0:
            return None, start
        if not 8 <= length <= min(most, _LONGEST_MESSAGE):
            raise _DamageError(f"the head of a batch claims {length:,} bytes")
        return _root(self._bytes(start, length)), start + length

    def _batch(self, stretch: Stretch) -> _Table:
        message, body = self._message(stretch.first, stretch.body - stretch.first)
        if message is None or body != stretch.body or message.number(3, "<q") != stretch.end - stretch.body:
            raise _DamageError("the footer and the head of a batch do not agree")
        return _content(message)

    def _rows(self, stretch: Stretch) -> int:
        rows = self._batch(stretch).number(0, "<q")
        if not 0 <= rows <= _MOST_ROWS:
            raise _DamageError(f"a batch claims {rows:,} rows")
        return rows

    def _walk(self) -> Iterator[tuple[Stretch, _Table]]:
        at = 0
        while at < self.size:
            message, body = self._message(at, self.size)
            if message is None:
                return
            length = message.number(3, "<q")
            if not 0 <= length <= self.size - body:
                raise _DamageError("it ends inside a batch")
            yield Stretch(at, body, body + length), message
            at = body + length
        # The mark at the end may be left out; but then nobody knows whether batches are missing.
        raise _DamageError("it ends without the mark that ends a stream")

    def _check_buffers(self, batch: _Table, stretch: Stretch) -> None:
        if not 0 <= batch.number(0, "<q") <= _MOST_ROWS or (batch.pairs(1, 2) < 0).any():
            raise _DamageError("a batch claims an absurd number of rows")
        buffers, length = batch.pairs(2, 2), stretch.end - stretch.body
        first, size = buffers[:, 0], buffers[:, 1]
        if ((first < 0) | (size < 0) | (first > length) | (size > length - np.clip(first, 0, length))).any():
            raise _DamageError("a column lies outside its batch")
        if batch.table(3) is None:
            return
        unpacked = sum(self._unpacked(stretch.body + at, each) for at, each in buffers[size > 0].tolist())
        if unpacked > max(_HARMLESS, _MOST_RATIO * length):
            raise _DamageError(f"a batch unpacks to {unpacked:,} bytes: a decompression bomb?")

    def _unpacked(self, first: int, size: int) -> int:
        """How large a compressed column says that it is."""
        if size < 8:
            raise _DamageError("a compressed column is cut short")
        claimed = int.from_bytes(self._bytes(first, 8), "little", signed=True)
        if claimed < -1:
            raise _DamageError("a compressed column claims an absurd size")
        return size if claimed == -1 else claimed


def _content(message: _Table) -> _Table:
    """The record batch of a message, or that in which a dictionary lies."""
    kind, header = message.number(1, "<B"), message.table(2)
    if header is not None and kind == _DICTIONARY:
        header = header.table(1)
    if header is None or kind not in (_BATCH, _DICTIONARY):
        raise _DamageError("a batch is no batch")
    return header


def is_stream(head: Any) -> bool:
    """Whether the first bytes are those of a stream, not of a file."""
    return not bytes(head).startswith(MAGIC)
