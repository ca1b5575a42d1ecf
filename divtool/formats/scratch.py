"""Files and folders that must not outlive their use, whatever ends it.

Their names are noted before they are made, and forgotten after they are gone. A signal may come at any moment, and so
between two steps of a cleanup; what it leaves is removed when the program ends.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from divtool.errors import ResourceError

# The process that made each: one forked from it must not remove them.
_there_may_be: dict[str, int] = {}


def noted(path: str) -> str:
    """The same path, of what is about to be made; it is there no more after :func:`discard` or the program's end."""
    _there_may_be[path] = os.getpid()
    return path


def temporary(prefix: str = "divtool-") -> str:
    """The path of a temporary file or folder that is about to be made, noted."""
    return noted(os.path.join(tempfile.gettempdir(), prefix + secrets.token_hex(8)))


def temporary_folder(prefix: str = "divtool-") -> str:
    """A temporary folder, made and noted."""
    path = temporary(prefix)
    os.mkdir(path, 0o700)
    return path


def new_file(path: str) -> IO[bytes]:
    """A file of our own that nobody else reads, to write."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def discard(path: str) -> None:
    """Remove a file or a folder, if it is there."""
    _remove(path)
    _there_may_be.pop(path, None)


def _remove(path: str) -> None:
    # contextlib.suppress takes steps of its own, before any of which a signal may come.
    try:
        os.unlink(path)
    except OSError:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)


@atexit.register
def _remove_all() -> None:
    for path, process in tuple(_there_may_be.items()):
        if process == os.getpid():
            _remove(path)


@contextmanager
def room_for_temporaries() -> Iterator[None]:
    """What the system says of temporary files, as a :class:`ResourceError`: they are no result."""
    try:
        yield
    except OSError as error:
        raise ResourceError(
            f"temporary files: {error.strerror or error}", hint="temporary files go to the folder that TMPDIR names"
        ) from None
