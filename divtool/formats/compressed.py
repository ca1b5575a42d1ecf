"""Compressed files: unpacked into a temporary file first, so that every format can be read from any place in it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

from divtool.errors import InputError
from divtool.formats.source import Container, Source, joined
from divtool.formats.spool import Guard, spool

# No table of numbers is packed tighter than this; only small files may be, which do no harm.
_MOST_RATIO = 200
_HARMLESS = 1 << 30
# A header may ask for gigabytes of memory; xz at its most thorough asks for 65 MiB.
_MOST_MEMORY = 1 << 28
_READ = 1 << 16


@dataclass(frozen=True)
class Packing:
    """A way of compressing: its name, its first bytes, and what opens it."""

    name: str
    magic: bytes
    open: Callable[[str], Any]


class Members:
    """One compressed stream after another, as ``cat`` joins them. What follows the last one is refused: the standard
    library would take a damaged stream for the end of the file, and its rows would be missing."""

    def __init__(self, path: str, make: Callable[[], Any]) -> None:
        self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115
        self._make, self._unpacker, self._ahead = make, make(), b""

    def __enter__(self) -> Members:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int, /) -> bytes:
        """At most so many of the next bytes, none at the end. Raises ``EOFError`` for a stream that is cut."""
        while True:
            if self._unpacker.eof and not self._begin_next():
                return b""
            given = b""
            if self._unpacker.needs_input:
                given, self._ahead = self._ahead or self._file.read(_READ), b""
                if not given:
                    raise EOFError("it ends in the middle")
            piece: bytes = self._unpacker.decompress(given, size)
            if piece:
                return piece

    def _begin_next(self) -> bool:
        # Zero bytes may fill up the last block of a tape.
        left: bytes = self._unpacker.unused_data.lstrip(b"\0")
        while not left and (more := self._file.read(_READ)):
            left = more.lstrip(b"\0")
        self._ahead = left
        self._unpacker = self._make() if left else self._unpacker
        return bool(left)


def _zstd(path: str) -> Any:
    import pyarrow as pa

    return pa.input_stream(path, compression="zstd")


def _bzip2(path: str) -> Members:
    return Members(path, bz2.BZ2Decompressor)


def _xz(path: str) -> Members:
    return Members(path, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY))


PACKINGS = (
    Packing("gzip", b"\x1f\x8b", gzip.open),
    Packing("zstd", b"\x28\xb5\x2f\xfd", _zstd),
    Packing("bzip2", b"BZh", _bzip2),
    Packing("xz", b"\xfd7zXZ\x00", _xz),
)


def packing_of(head: bytes) -> Packing | None:
    """How a file is compressed, by its first bytes."""
    return next((each for each in PACKINGS if head.startswith(each.magic)), None)


def unpacked(path: str, shown: str, packing: Packing) -> str:
    """The file unpacked, as a temporary file. Raises :class:`InputError` where it is damaged, cut, a bomb, or packed
    more than once."""
    most = max(_HARMLESS, _MOST_RATIO * os.path.getsize(path))
    guard = Guard(shown, most, f"unpacks to more than {most >> 20:,} MiB: a decompression bomb?")
    try:
        with packing.open(path) as stream:
            copy = spool(stream, guard)
    except (EOFError, zlib.error, lzma.LZMAError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            # The system speaks, not the file.
            raise
        said = (str(error).splitlines() or ["no reason is given"])[0]
        raise InputError(
            f"the {packing.name} file is damaged or cut short: {said}", path=shown, hint="fetch or pack it again"
        ) from None
    _refuse_second_packing(copy, shown, packing)
    return copy


def _refuse_second_packing(copy: str, shown: str, packing: Packing) -> None:
    """Files can be made that unpack to themselves, or to much more at every step."""
    with open(copy, "rb") as file:
        again = packing_of(file.read(16))
    if again is not None:
        with suppress(OSError):
            os.unlink(copy)
        raise InputError(
            f"is packed twice: {packing.name} around {again.name}", path=shown, hint="unpack it once yourself"
        )


def noted(found: Source | Container, packing: Packing) -> Source | Container:
    """The same, with a note of what was unpacked."""
    if not isinstance(found, Container):
        found.header = replace(found.header, origin=joined(packing.name, found.header.origin))
    return found
