"""Files that appear whole or not at all: written beside their place, synced, then renamed onto it."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from divtool.errors import OutputError, UsageError
from divtool.formats.scratch import discard, noted


def check_output(path: str, inputs: Sequence[str]) -> None:
    """Refuse an output that is an input, a folder, or in a folder that cannot be written to."""
    there = os.path.exists(path)
    for each in (file for name in inputs for file in _meant(name)):
        if os.path.isdir(each) and _is_inside(path, each):
            raise UsageError(f"{path}: the output would be a part of the folder {each}, which is an input")
        if there and any(_is_same(path, file) for file in _files_of(each)):
            raise UsageError(f"{path}: the output is also an input; inputs are never written")
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder; expected a file name")
    if not os.path.isdir(folder):
        raise OutputError(f"{path}: the folder {folder} does not exist", hint="make it first")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{path}: no permission to write in the folder {folder}")


def _meant(name: str) -> list[str]:
    """The files and folders of this machine that an operand stands for."""
    from divtool.formats.opening import is_glob

    if name.lower().startswith("file://"):
        from urllib.parse import unquote, urlsplit

        return [unquote(urlsplit(name).path)]
    if is_glob(name):
        from glob import glob

        return glob(name)
    return [name]


def _files_of(path: str) -> Iterator[str]:
    """The file, or those of a folder: they may be links to anywhere."""
    yield path
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names)


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _is_inside(path: str, folder: str) -> bool:
    inside, around = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([inside, around]) == around


@contextmanager
def whole_file(path: str) -> Iterator[IO[bytes]]:
    """A binary stream whose content becomes ``path`` when the block ends without an error, and vanishes otherwise."""
    if os.path.exists(path) and not os.path.isfile(path):
        # A device or a pipe (/dev/stdout, /dev/null) has no place to rename onto.
        with io.BufferedWriter(_Output(path, "wb", path)) as stream:
            yield stream
        return
    # A link stays a link: what it points to is replaced.
    path = os.path.realpath(path)
    name = f".{os.path.basename(path)[:80]}.{secrets.token_hex(4)}"
    beside = noted(os.path.join(os.path.dirname(path), name))
    try:
        stream = io.BufferedWriter(_Output(beside, "xb", path))
        try:
            yield stream
            with _spoken(path):
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            # What the block ended with is told, not that what it left could not be written either.
            with suppress(Exception):
                stream.close()
            raise
        with _spoken(path):
            stream.close()
            os.replace(beside, path)
    finally:
        discard(beside)


class _Output(io.FileIO):
    """What goes wrong with it is told by the name of the file that it is to become: nothing else that fails meanwhile,
    an input or a temporary file, is mistaken for it."""

    def __init__(self, path: str, mode: str, shown: str) -> None:
        self._shown = shown
        with _spoken(shown):
            super().__init__(path, mode)

    def write(self, data: Any, /) -> int:
        """Write some of the bytes. Where nobody reads a pipe any more, they go nowhere, as on standard output."""
        try:
            with _spoken(self._shown):
                return super().write(data)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return super().write(data)

    def close(self) -> None:
        """Close the file; what the system could not write may be told only now."""
        with _spoken(self._shown):
            super().close()


@contextmanager
def _spoken(path: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: could not be written: {error.strerror or error}") from None
