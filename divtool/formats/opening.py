"""From a name to a source: the file's first bytes decide what it is, not its suffix."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from divtool.errors import InputError
from divtool.formats.source import Source


@dataclass(frozen=True)
class Known:
    """A format: its magic bytes, and the module and function that read it (imported when they are needed)."""

    name: str
    magic: bytes
    module: str
    opener: str


READABLE = (
    Known("npy", b"\x93NUMPY", "npy", "open_npy"),
    Known("parquet", b"PAR1", "parquet", "open_parquet"),
)

# What people hand over by mistake, or what is not read yet: said by name, with the way out.
_REFUSED = (
    (b"PK\x03\x04", "is a ZIP archive (an NPZ or a model file?)", "save one array: np.save('array.npy', data['NAME'])"),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it first: gunzip FILE"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd", "unpack it first: zstd -d FILE"),
    (b"BZh", "is compressed with bzip2", "unpack it first: bunzip2 FILE"),
    (b"\xfd7zXZ\x00", "is compressed with xz", "unpack it first: unxz FILE"),
    (b"\x89HDF", "is an HDF5 file", "save the array: np.save('array.npy', h5py.File(FILE)['NAME'][:])"),
    (b"\x80", "is a pickle, which divtool never loads", "load it where you trust it, and np.save the array"),
    (b"ARROW1", "is an Arrow file", "write it as Parquet"),
    (b"%PDF", "is a PDF document", "expected a table of numbers"),
    (b"\x89PNG", "is a picture", "expected a table of numbers"),
)


def open_source(path: str, *, delimiter: str | None = None, no_header: bool = False) -> Source:
    """Open a file for reading; ``-`` is standard input. Raises :class:`InputError` if there is no such table."""
    shown = "<stdin>" if path == "-" else path
    path = _spooled_input() if path == "-" else path
    magic = _first_bytes(path)
    for known in READABLE:
        if magic.startswith(known.magic):
            source: Source = _function(known)(path, shown)
            return source
    for bytes_, what, way_out in _REFUSED:
        if magic.startswith(bytes_):
            raise InputError(f"{what}; expected CSV, TSV, Parquet or NPY", path=shown, hint=way_out)
    from divtool.formats.csv import open_csv

    return open_csv(path, shown, delimiter=delimiter, no_header=no_header)


def _function(known: Known) -> Callable[[str, str], Any]:
    opener: Callable[[str, str], Any] = getattr(import_module(f"divtool.formats.{known.module}"), known.opener)
    return opener


def _first_bytes(path: str) -> bytes:
    if os.path.isdir(path):
        raise InputError("is a folder; expected a file", path=path)
    try:
        if not os.path.isfile(path) and os.path.exists(path):
            raise InputError("is no regular file", path=path, hint="pipe it in and name it '-'")
        with open(path, "rb") as file:
            return file.read(16)
    except OSError as error:
        hint = _similar(path) if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"cannot be read: {error.strerror}", path=path, hint=hint) from None


def _similar(path: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    with suppress(OSError):
        close = get_close_matches(name, os.listdir(folder or "."), n=1)
        if close:
            return f"did you mean {os.path.join(folder, close[0])}?"
    return ""


def _spooled_input() -> str:
    """Standard input as a file of our own, since rows are read where they lie, and more than once."""
    if sys.stdin is None:
        raise InputError("standard input is closed", path="<stdin>")
    with tempfile.NamedTemporaryFile(prefix="divtool-stdin-", delete=False) as spool:
        atexit.register(_forget, spool.name)
        shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
    return spool.name


def _forget(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
