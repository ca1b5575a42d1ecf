"""Whether a file is still the file that was opened: size, time and inode must not change while it is read."""

from __future__ import annotations

import os
from typing import TypeAlias

from divtool.errors import InputError

Fingerprint: TypeAlias = tuple[int, int, int, int]


def fingerprint(path: str, shown: str = "") -> Fingerprint:
    """What identifies the file and its state; ``shown`` is how messages call it, where not by its path."""
    try:
        state = os.stat(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=shown or path) from None
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def check_fingerprint(path: str, before: Fingerprint, shown: str) -> None:
    """Refuse a file that was changed or replaced since it was opened; ``shown`` is how messages call it."""
    if fingerprint(path, shown) != before:
        raise InputError(
            "the file was changed while it was read", path=shown, hint="run again when nothing writes to it any more"
        )
