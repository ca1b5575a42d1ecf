"""What a ZIP says it holds, held against what is there: its directory, the header before each entry, their places."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, NoReturn, Protocol

from divtool.errors import InputError

# Some twenty thousand entries; zipfile would read any directory into memory.
LARGEST_DIRECTORY = 1 << 20
_STEP = 1 << 16
_ENCRYPTED, _SIZES_FOLLOW, _UTF8, _DEFLATED = 1, 8, 0x800, 8
_UNSAID = 0xFFFFFFFF
_AGAIN = "fetch or save the file again"

# Archives that people hand over by mistake: a name inside that tells them, what they are, and the way out.
_OTHERS = (
    ("data.pkl", "is a PyTorch file, a pickle, which divtool never loads",
     "convert it: python -c \"import numpy, torch; numpy.save('array.npy', torch.load('FILE', map_location='cpu',"
     ' weights_only=True).float().numpy())"'),
    ("xl/workbook.xml", "is an Excel workbook", "save the sheet as CSV"),
    ("content.xml", "is a document of an office program", "save the sheet as CSV"),
    ("word/document.xml", "is a document of an office program", "expected a table of numbers"),
    ("model.weights.h5", "is a Keras model, not its output", "save that: np.save('preds.npy', model.predict(data))"),
    (".pkl", "is an archive with a pickle, which divtool never loads", "load it where you trust it, and np.save it"),
    (".joblib", "is an archive with a pickle, which divtool never loads", "load it where you trust it, and np.save it"),
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A file in the archive: its data are the ``packed`` bytes at ``place``, and unpack to ``size`` bytes."""

    file: str
    method: int
    place: int
    packed: int
    size: int
    checksum: int

    @property
    def named_npy(self) -> bool:
        """Whether it has the suffix of an array."""
        return self.file.endswith(".npy")

    @property
    def name(self) -> str:
        """The name of the array: that of the file without its suffix."""
        return self.file.removesuffix(".npy") or self.file

    @property
    def stored(self) -> bool:
        """Whether its data lie there as they are."""
        return self.method == 0


class _Bounded(io.BufferedReader):
    """A file of which no more is read at once than a directory may take."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; one who asks for more than that believes a hostile file."""
        if size is not None and size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile(f"its directory claims {size:,} bytes")
        return super().read(LARGEST_DIRECTORY if size is None or size < 0 else size)


def entries_of(path: str, shown: str) -> list[Entry]:
    """The files of a ZIP. Raises :class:`InputError` where they overlap, are not where the directory says, are
    encrypted or share a name."""
    try:
        with _Bounded(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            infos = [each for each in archive.infolist() if not each.filename.endswith("/")]
            if not all(each.filename for each in infos):
                raise ValueError("an entry has no name")
            infos.sort(key=lambda each: each.header_offset)
            entries = [_entry(file, info, shown) for info in infos]
            ends = [*(info.header_offset for info in infos), archive.start_dir][1:]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError, OverflowError) as error:
        why = "the directory at its end is missing" if "not a zip" in str(error) else str(error)
        raise InputError(f"the ZIP file is damaged or cut short: {why}", path=shown, hint=_AGAIN) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=shown) from None
    for entry, end in zip(entries, ends, strict=True):
        if entry.place + entry.packed > end:
            raise InputError(f'"{entry.file}" in it runs into what follows', path=shown, hint=_AGAIN)
    _refuse_twins(entries, shown)
    return entries


def _entry(file: IO[bytes], info: zipfile.ZipInfo, shown: str) -> Entry:
    """An entry of the directory, which the header before the data must agree with."""
    if info.flag_bits & _ENCRYPTED:
        raise InputError(
            f'"{info.filename}" in it is encrypted', path=shown, hint="unzip it where you know the password"
        )
    file.seek(info.header_offset)
    header = struct.unpack("<4s5H3L2H", file.read(30))
    name = file.read(header[9])
    flags, method, checksum, packed, size = header[2], header[3], *header[6:9]
    same = header[0] == b"PK\x03\x04" and method == info.compress_type and not flags & _ENCRYPTED
    same = same and name.decode("utf-8" if info.flag_bits & _UTF8 else "cp437") == info.orig_filename
    if not flags & _SIZES_FOLLOW:
        same = same and checksum == info.CRC and packed in (info.compress_size, _UNSAID)
        same = same and size in (info.file_size, _UNSAID)
    if not same or (method == 0 and info.compress_size != info.file_size):
        raise zipfile.BadZipFile(f'its directory and the header of "{info.filename}" differ')
    place = info.header_offset + 30 + header[9] + header[10]
    return Entry(info.filename, method, place, info.compress_size, info.file_size, info.CRC)


def _refuse_twins(entries: Sequence[Entry], shown: str) -> None:
    for one, other in pairwise(sorted(each.name for each in entries)):
        if one == other:
            raise InputError(f'two arrays are named "{one}"', path=shown, hint=_AGAIN)


def refuse_without_arrays(entries: Sequence[Entry], shown: str) -> NoReturn:
    """Say what a ZIP is that holds no array, and what to do."""
    names = [each.file for each in entries]
    for mark, what, hint in _OTHERS:
        if any(name == mark or name.endswith(mark if mark.startswith(".") else f"/{mark}") for name in names):
            raise InputError(f"{what}; expected an NPZ file of arrays", path=shown, hint=hint)
    listed = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    raise InputError(
        f"is a ZIP archive without arrays: {listed}" if names else "is an empty ZIP archive", path=shown,
        hint=f"unzip it first: unzip {shown}" if names else "expected an NPZ file of arrays",
    )  # fmt: skip


class Unpacked(Protocol):
    """The bytes of an entry one after the other."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def unpacking(path: str, entry: Entry, shown: str) -> Iterator[Unpacked]:
    """An entry as a stream; its checksum is compared when a packed one ends. Raises :class:`InputError` if damaged."""
    if entry.method not in (0, _DEFLATED):
        raise InputError(
            f"is packed by method {entry.method}; expected stored or deflated", path=shown,
            hint="unzip it, or save it again: np.savez_compressed",
        )  # fmt: skip
    with open(path, "rb") as file:
        file.seek(entry.place)
        stored = _Stored(file, entry.packed)
        yield stored if entry.stored else _Inflated(stored, entry, shown)


class _Stored:
    """The next ``left`` bytes of a file."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self._file, self._left = file, left

    def read(self, size: int, /) -> bytes:
        piece = self._file.read(min(size, self._left))
        self._left -= len(piece)
        return piece


class _Inflated:
    """Deflated bytes unpacked, never more of them than are asked for."""

    def __init__(self, packed: _Stored, entry: Entry, shown: str) -> None:
        self._packed, self._entry, self._shown = packed, entry, shown
        self._inflate, self._waiting = zlib.decompressobj(-zlib.MAX_WBITS), b""
        self._size = self._checksum = 0
        self._over = False

    def read(self, size: int, /) -> bytes:
        pieces: list[bytes] = []
        left = size
        while left and not (self._inflate.eof or self._over):
            pieces.append(self._next(left))
            left -= len(pieces[-1])
        if left:
            self._check()
        return b"".join(pieces)

    def _next(self, most: int) -> bytes:
        """Some more bytes; none where those packed so far say nothing yet, or no more."""
        self._waiting = self._waiting or self._packed.read(_STEP)
        ended = not self._waiting
        try:
            piece = self._inflate.decompress(self._waiting, most)
        except zlib.error:
            raise self._damaged("its packed bytes make no sense") from None
        self._waiting, self._over = self._inflate.unconsumed_tail, ended and not piece
        self._size, self._checksum = self._size + len(piece), zlib.crc32(piece, self._checksum)
        return piece

    def _check(self) -> None:
        entry = self._entry
        if not self._inflate.eof or self._size != entry.size:
            raise self._damaged(f"{entry.size:,} bytes are promised, {self._size:,} are there")
        if self._checksum != entry.checksum:
            raise self._damaged("its checksum is another")

    def _damaged(self, why: str) -> InputError:
        return InputError(f"is damaged: {why}", path=self._shown, hint=_AGAIN)
