"""Streams made into files of our own, since rows are read where they lie, and more than once.

What cannot be a table is not copied to its end: zeros from a device, a line without an end, a bomb.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
from contextlib import suppress
from typing import IO, Protocol

from divtool.errors import InputError, ResourceError
from divtool.formats.scratch import discard, new_file, temporary

_STEP = 1 << 20
# A text line longer than this is none; binary formats are told by their first bytes.
_LONGEST_LINE = 1 << 26
# Room that is left to others on the disk of temporary files.
_SPARED = 1 << 28
_CHECKED_EVERY = 1 << 26
_PATIENCE = 10.0


class Readable(Protocol):
    """Anything with ``read``."""

    def read(self, size: int, /) -> bytes: ...


class Guard:
    """Watches what is copied, and refuses what no table looks like. ``most``: how many bytes there may be."""

    def __init__(self, shown: str, most: int | None = None, why: str = "") -> None:
        self.shown, self.most, self.why = shown, most, why
        self.size = self.line = 0
        self.text: bool | None = None
        self.checked = 0

    def take(self, piece: bytes, folder: str) -> None:
        """Look at the next bytes."""
        if self.text is None:
            # NPY, NPZ, Parquet, Arrow and others hold a zero among their first bytes, or begin with no letter at all.
            self.text = b"\0" not in piece[:4096] and piece[:1] not in (b"\x93", b"P", b"\xff")
            if not piece[:4096].strip(b"\0"):
                raise InputError("is nothing but zero bytes", path=self.shown, hint="expected a table")
        self.size += len(piece)
        if self.most is not None and self.size > self.most:
            raise InputError(self.why, path=self.shown, hint="unpack it yourself where you trust it")
        newline = piece.rfind(b"\n")
        self.line = self.line + len(piece) if newline < 0 else len(piece) - newline - 1
        if self.text and self.line > _LONGEST_LINE:
            raise InputError(f"a line is longer than {_LONGEST_LINE >> 20} MiB; is this a text table?", path=self.shown)
        if self.size - self.checked >= _CHECKED_EVERY:
            self.checked = self.size
            if shutil.disk_usage(folder).free < _SPARED:
                raise ResourceError(
                    f"no room for {self.shown} among the temporary files", hint="TMPDIR names their folder"
                )


def spool(stream: Readable, guard: Guard, begun: bytes = b"") -> str:
    """Copy a stream, of which ``begun`` was read already, into a temporary file that vanishes with the program."""
    path = temporary()
    try:
        with new_file(path) as copy:
            copy.write(begun)
            _copy(stream, copy, guard)
    except BaseException:
        discard(path)
        raise
    return path


def _copy(stream: Readable, copy: IO[bytes], guard: Guard) -> None:
    folder = os.path.dirname(copy.name)
    while piece := stream.read(_STEP):
        guard.take(piece, folder)
        copy.write(piece)


def spooled_input() -> str:
    """Standard input as a file."""
    if sys.stdin is None:
        raise InputError("standard input is closed", path="<stdin>")
    return spool(sys.stdin.buffer, Guard("<stdin>"))


def spooled_pipe(path: str, shown: str) -> str:
    """A named pipe as a file. One that nobody writes to is refused after a while."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        begun = b""
        if not select.select([pipe], [], [], _PATIENCE)[0]:
            with suppress(BlockingIOError):
                # Where the other end is open, there is nothing to read yet; else this is the end.
                begun = os.read(pipe.fileno(), 1)
                if not begun:
                    raise InputError(
                        f"nobody has written to this pipe for {_PATIENCE:g} seconds", path=shown,
                        hint="start what writes to it first, or give a file",
                    )  # fmt: skip
        os.set_blocking(pipe.fileno(), True)
        return spool(pipe, Guard(shown), begun)
