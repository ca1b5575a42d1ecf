"""NPZ: a ZIP of NPY files. What is stored is read where it lies, what is deflated from a temporary copy; nothing in the
archive is believed before it was held against the file, and nothing is unpickled."""

from __future__ import annotations

import os
import struct
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Self

import numpy as np

from divtool.errors import InputError
from divtool.formats.fingerprint import Fingerprint, check_fingerprint, fingerprint
from divtool.formats.keys import IntegerKeys, Keys
from divtool.formats.npy import NpySource, NpyWriter, opened
from divtool.formats.npy_header import MAGIC, Layout, layout_of
from divtool.formats.scratch import room_for_temporaries
from divtool.formats.source import Member, Stored, Ways
from divtool.formats.spool import Guard, spool
from divtool.formats.zip_directory import Entry, entries_of, refuse_without_arrays, unpacking

_STEP = 1 << 20
# Arrays of one value shrink about a thousandfold; only small ones may, which do no harm.
_MOST_RATIO = 200
_HARMLESS = 1 << 30
_AGAIN = "fetch or save the file again"


@dataclass(frozen=True)
class NpzFile:
    """The arrays of an NPZ file; ``entries`` are where they lie, by their names."""

    path: str
    file: str
    members: tuple[Member, ...]
    entries: dict[str, Entry]
    before: Fingerprint
    format: str = "npz"

    def open(self, name: str) -> NpySource:
        """One of the arrays. Raises :class:`InputError` if it is no array of plain values, or damaged."""
        entry, shown = self.entries[name], f"{self.path}:{name}"
        layout = _layout(self.file, entry, shown)
        check_fingerprint(self.file, self.before, self.path)
        if entry.stored:
            return StoredArray(self.file, shown, layout, entry, self.before)
        return DeflatedArray(self.file, self.path, name, self.before, _unpacked(self.file, entry, shown, self.before))


class StoredArray(NpySource):
    """An array that lies in the archive as it is; its checksum is compared after the last row was read."""

    def __init__(self, path: str, shown: str, layout: Layout, entry: Entry, before: Fingerprint) -> None:
        super().__init__(path, shown, layout, "npz", before)
        self._entry = entry

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened, or what was read is not what was written."""
        super().check_unchanged()
        checksum, left = 0, self._entry.size
        with opened(self.path, self.header.path) as file:
            file.seek(self._entry.place)
            while left and (piece := file.read(min(_STEP, left))):
                checksum, left = zlib.crc32(piece, checksum), left - len(piece)
        if left or checksum != self._entry.checksum:
            raise InputError("is damaged: its checksum is another", path=self.header.path, hint=_AGAIN)


class DeflatedArray(NpySource):
    """An array that was unpacked into a temporary file; it travels as the name of its archive and its own."""

    def __init__(self, archive: str, archive_shown: str, name: str, before: Fingerprint, copy: str) -> None:
        super().__init__(copy, f"{archive_shown}:{name}", None, "npz")
        self._made_of = (archive, archive_shown, name, before)
        self._at: tuple[int, int] | None = None

    def at(self, axis: int, place: int) -> Self:
        """What lies at one place of an axis, as an array of its own."""
        other = super().at(axis, place)
        other._at = (axis, place)
        return other

    def check_unchanged(self) -> None:
        """Refuse if the archive is not what it was when it was opened."""
        archive, _, _, before = self._made_of
        check_fingerprint(archive, before, self.header.path)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (*self._made_of, self._at, self.header.class_axis, self.header.arranged)


def _reopened(
    archive: str, shown: str, name: str, before: Fingerprint, at: tuple[int, int] | None, axis: int | None,
    arranged: str,
) -> DeflatedArray:  # fmt: skip
    """The same array in another process, which may have to unpack it for itself."""
    if os.path.exists(archive) and fingerprint(archive, shown)[2:] != before[2:]:
        raise InputError("the file was changed while it was read", path=shown)
    entries = {each.name: each for each in entries_of(archive, shown)}
    copy = _unpacked(archive, entries[name], f"{shown}:{name}", before)
    whole = DeflatedArray(archive, shown, name, before, copy)
    return (whole if at is None else whole.at(*at)).with_class_axis(axis, arranged)


def open_npz(path: str, shown: str, ways: Ways) -> NpzFile:
    """Open a file of arrays; ``shown`` is how messages call it. Raises :class:`InputError` for any other ZIP."""
    before = fingerprint(path, shown)
    every = entries_of(path, shown)
    arrays = {each.name: each for each in every if each.named_npy or _begins_like_npy(path, each, shown)}
    if not arrays:
        refuse_without_arrays(every, shown)
    if not any(_begins_like_npy(path, each, shown) for each in arrays.values()):
        raise InputError(f'its array "{next(iter(arrays))}" is no NPY file, or damaged', path=shown, hint=_AGAIN)
    return NpzFile(shown, path, tuple(_member(path, each, shown) for each in arrays.values()), arrays, before)


def _member(path: str, entry: Entry, shown: str) -> Member:
    try:
        layout = _layout(path, entry, f"{shown}:{entry.name}")
    except InputError:
        # An array of another kind is no harm as long as nobody asks for it.
        return Member(entry.name, (), "unreadable")
    return Member(entry.name, layout.shape, layout.type_name)


def _begins_like_npy(path: str, entry: Entry, shown: str) -> bool:
    try:
        with unpacking(path, entry, shown) as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except InputError:
        return False


def _layout(path: str, entry: Entry, shown: str) -> Layout:
    with unpacking(path, entry, shown) as stream:
        return layout_of(stream.read, entry.size, entry.place, shown)


_copies: dict[tuple[Fingerprint, str], str] = {}
_one_at_a_time = threading.Lock()


def _unpacked(path: str, entry: Entry, shown: str, before: Fingerprint) -> str:
    """A deflated array as a temporary file, unpacked once in a process."""
    with _one_at_a_time:
        key = before, entry.name
        if not os.path.exists(_copies.get(key, "")):
            _copies[key] = _unpack(path, entry, shown)
        return _copies[key]


def _unpack(path: str, entry: Entry, shown: str) -> str:
    most = max(_HARMLESS, _MOST_RATIO * entry.packed)
    why = f"unpacks to more than {most >> 20:,} MiB: a decompression bomb?"
    if entry.size > most:
        raise InputError(why, path=shown, hint="unpack it yourself where you trust it")
    guard = Guard(shown, min(most, entry.size), f"unpacks to more than the {entry.size:,} bytes that it promises")
    with unpacking(path, entry, shown) as stream:
        copy = spool(stream, guard)
    if guard.size != entry.size:
        os.unlink(copy)
        raise InputError(
            f"is cut short: {entry.size:,} bytes are promised, {guard.size:,} are there", path=shown, hint=_AGAIN
        )
    return copy


class NpzWriter:
    """Rows of doubles as the array "values", columns of whole numbers as arrays of their own names beside it.

    Text has no width that is known before its last row, so that columns of text are left out. Arrays wait in temporary
    files, since a ZIP holds one after the other.
    """

    def __init__(self, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool) -> None:
        self._stream = stream
        with room_for_temporaries():
            self._values = tempfile.TemporaryFile()  # noqa: SIM115
            self._writer = NpyWriter(self._values, key_names, number_names, single)
            self._keys: dict[str, IO[bytes]] = {
                _beside(name): tempfile.TemporaryFile()  # noqa: SIM115
                for name in key_names
            }
        self._rows = 0

    @room_for_temporaries()
    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Append rows."""
        self._writer.write(keys, numbers)
        self._rows += numbers.shape[0]
        for name, key in zip(tuple(self._keys), keys, strict=False):
            if not isinstance(key, IntegerKeys):
                self._keys[name].close()
            elif not self._keys[name].closed:
                self._keys[name].write(np.ascontiguousarray(key.values, np.dtype("<i8")).data)

    @room_for_temporaries()
    def close(self) -> None:
        """Write the archive."""
        with ExitStack() as stack:
            for waiting in (self._values, *self._keys.values()):
                stack.callback(waiting.close)
            self._writer.close()
            with zipfile.ZipFile(self._stream, "w") as archive:
                _add(archive, "values", b"", self._values)
                for name, waiting in self._keys.items():
                    if not waiting.closed:
                        _add(archive, name, _integer_header(self._rows), waiting)


def _beside(name: str) -> str:
    return f"{name}_" if name == "values" else name


def _integer_header(rows: int) -> bytes:
    text = f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({rows},), }}"
    return MAGIC + b"\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode() + b"\n"


def _add(archive: zipfile.ZipFile, name: str, head: bytes, waiting: IO[bytes]) -> None:
    # The time of day is left out: the same rows are the same bytes.
    info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
    waiting.seek(0)
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(head)
        for piece in iter(partial(waiting.read, _STEP), b""):
            member.write(piece)
