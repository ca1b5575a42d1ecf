"""From a name to a source: the file's first bytes decide what it is, not its suffix."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from divtool.errors import InputError
from divtool.formats.source import Container, Source, Ways
from divtool.registry import natural

HEAD = 16


# A file is one table, or several arrays of which one is to be chosen.
Found: TypeAlias = Source | Container


@dataclass(frozen=True)
class Known:
    """A format: how its first bytes look, and the module and function that read it (imported when they are needed)."""

    name: str
    begins: Callable[[bytes], bool]
    module: str
    opener: str


def _with(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _safetensors(head: bytes) -> bool:
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32


def _json(head: bytes) -> bool:
    """Whether it begins as an object or an array does: names of columns may stand in brackets too."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    inside = text[1:].lstrip()[:1]
    return (text[:1] == b"{" and inside in (b'"', b"}", b"")) or (
        text[:1] == b"[" and (inside in (b"", b'"', b"[", b"{", b"]", b"-") or inside.isdigit() or text[1:4] in _WORDS)
    )


# How other values of an array begin: null, true, false, NaN, Infinity.
_WORDS = (b"nul", b"tru", b"fal", b"NaN", b"Inf")


# Tried in this order; what is none of them is a text table.
READABLE = (
    Known("npy", _with(b"\x93NUMPY"), "npy", "open_npy"),
    Known("npz", _with(b"PK\x03\x04", b"PK\x05\x06"), "npz", "open_npz"),
    Known("parquet", _with(b"PAR1"), "parquet", "open_parquet"),
    Known("arrow", _with(b"ARROW1", b"\xff\xff\xff\xff"), "arrow", "open_arrow"),
    Known("llama", _with(b"_logits_"), "llama", "open_llama"),
    Known("safetensors", _safetensors, "safetensors", "open_safetensors"),
    Known("jsonl", _json, "jsonl", "open_jsonl"),
    Known("csv", _with(b""), "csv", "open_csv"),
    Known("tsv", lambda head: False, "csv", "open_tsv"),
)

# What people hand over by mistake: said by name, with the way out.
_REFUSED = (
    (b"\x89HDF", "is an HDF5 file", "save the array: np.save('array.npy', h5py.File(FILE)['NAME'][:])"),
    (b"\x80", "is a pickle, which divtool never loads", "load it where you trust it, and np.save the array"),
    (b"FEA1", "is a Feather file of version 1", "write it again: pyarrow.feather.write_feather(table, FILE)"),
    (b"PARE", "is an encrypted Parquet file", "write it again without encryption"),
    (b"ORC", "is an ORC file", "write it as Parquet: pyarrow.parquet.write_table(pyarrow.orc.read_table(FILE), NEW)"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive", "unpack it first: 7z x FILE"),
    (b"Rar!", "is a RAR archive", "unpack it first: unrar x FILE"),
    (b"SQLite format 3", "is an SQLite database", "export the table: sqlite3 -header -csv FILE 'select * from TABLE'"),
    (b"\xd0\xcf\x11\xe0", "is a workbook or document of Microsoft Office", "save the sheet as CSV"),
    (b"MATLAB 5.0", "is a MATLAB file", "save the array: np.save('array.npy', scipy.io.loadmat(FILE)['NAME'])"),
    (b"GGUF", "is a model of llama.cpp, not its output", "llama-perplexity --kl-divergence-base FILE writes logits"),
    (b"%PDF", "is a PDF document", "expected a table of numbers"),
    (b"\x89PNG", "is a picture", "expected a table of numbers"),
    (b"\xff\xd8\xff", "is a picture", "expected a table of numbers"),
    (b"GIF8", "is a picture", "expected a table of numbers"),
    (b"\x7fELF", "is a program", "expected a table of numbers"),
    (b"<!DOCTYPE", "is a web page", "was a login page saved instead of the file?"),
    (b"<!doctype", "is a web page", "was a login page saved instead of the file?"),
    (b"<html", "is a web page", "was a login page saved instead of the file?"),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the file itself", "fetch it: git lfs pull"),
)
_EXPECTED = "expected CSV, TSV, JSON lines, Parquet, Arrow, NPY, NPZ or safetensors"


def open_source(path: str, ways: Ways | None = None) -> Source:
    """Open a file that is one table. Raises :class:`InputError` if there is no such table, or a choice of several."""
    found = open_file(path, ways)
    if not isinstance(found, Container):
        return found
    names = [member.name for member in found.members]
    if len(names) == 1:
        return found.open(names[0])
    raise InputError(
        f"holds several arrays: {', '.join(names[:8])}", path=path, hint=f"name one after the file: {path}:{names[0]}"
    )


def open_file(path: str, ways: Ways | None = None) -> Found:
    """Open what a name stands for: a file, a folder or (with ``concat``) a glob of parts, an address, or ``-`` for
    standard input. Raises :class:`InputError` for what is no table that divtool knows."""
    ways = ways or Ways()
    if path == "-":
        from divtool.formats.spool import spooled_input

        return open_local(spooled_input(), "<stdin>", ways)
    if "://" in path:
        from divtool.formats.remote import open_remote

        return open_remote(path, ways)
    if os.path.isdir(path) or (is_glob(path) and ways.concat):
        from divtool.formats.parts import open_parts

        return open_parts(path, ways)
    return open_local(path, path, ways)


def open_local(path: str, shown: str, ways: Ways) -> Found:
    """Open a file of this machine; ``shown`` is how messages call it."""
    kind = _kind_of_file(path, shown)
    if kind == "pipe":
        from divtool.formats.spool import spooled_pipe

        path = spooled_pipe(path, shown)
    head = _first_bytes(path, shown)
    if ways.format is None:
        _refuse_by_name(head, shown)
    from divtool.formats.compressed import noted, packing_of, unpacked

    packing = packing_of(head)
    if packing is not None:
        return noted(open_local(unpacked(path, shown, packing), shown, ways), packing)
    known = next(each for each in READABLE if (each.begins(head) if ways.format is None else each.name == ways.format))
    opener: Any = getattr(import_module(f"divtool.formats.{known.module}"), known.opener)
    found: Found = opener(path, shown, ways)
    return found


def _refuse_by_name(head: bytes, shown: str) -> None:
    for bytes_, what, way_out in _REFUSED:
        if head.startswith(bytes_[:HEAD]):
            raise InputError(f"{what}; {_EXPECTED}", path=shown, hint=way_out)


def _kind_of_file(path: str, shown: str) -> str:
    """Whether it is a file or a pipe; anything else is refused."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        hint = _similar(path) if isinstance(error, FileNotFoundError) else ""
        said = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {said}", path=shown, hint=hint) from None
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISFIFO(mode):
        return "pipe"
    raise InputError("is no regular file", path=shown, hint="expected a file, a folder of parts, a pipe or '-'")


def _first_bytes(path: str, shown: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=shown) from None


def _similar(path: str) -> str:
    from difflib import get_close_matches

    if is_glob(path):
        return "no file has such a name"
    folder, name = os.path.split(path)
    with suppress(OSError):
        close = get_close_matches(name, os.listdir(folder or "."), n=1)
        if close:
            return f"did you mean {os.path.join(folder, close[0])}?"
    return ""


def is_glob(name: str) -> bool:
    """Whether a name is a pattern of file names, and not itself the name of a file."""
    return any(mark in name for mark in "*?[") and not os.path.lexists(name)


def file_and_key(name: str) -> tuple[str, str | None]:
    """``FILE:KEY`` in its two parts (an array or a column of FILE), where FILE is there and the whole is not.

    >>> file_and_key("preds.npz")
    ('preds.npz', None)
    """
    path, _, key = name.rpartition(":")
    if not key or not path or os.path.lexists(name):
        return name, None
    if "://" in name:
        # What stands behind an address and its last colon is a key unless it goes on as a path.
        return (name, None) if "/" in key else (path, key)
    return (path, key) if os.path.exists(path) or is_glob(path) else (name, None)


def matching(pattern: str) -> list[str]:
    """The files that a glob means, in natural order. Raises :class:`InputError` if there are none."""
    from glob import glob

    found = sorted(glob(pattern), key=natural)
    if not found:
        raise InputError("no file has such a name", path=pattern)
    return found
