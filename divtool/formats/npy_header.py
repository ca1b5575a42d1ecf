"""The header of an NPY file, read strictly by our own hands: what it says is held against the size of the file."""

from __future__ import annotations

import ast
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from divtool.errors import InputError

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16


@dataclass(frozen=True)
class Layout:
    """What lies in the file behind the header, which ends at ``offset``."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    offset: int


def read_layout(path: str, shown: str) -> Layout:
    """The layout of an NPY file; ``shown`` is how messages call it. Raises :class:`InputError` for any other file."""
    with open(path, "rb") as file:
        head = file.read(12)
        if len(head) < 10 or not head.startswith(MAGIC):
            raise InputError("is no complete NPY file: its header is cut short", path=shown)
        version, wide = head[6], head[6] >= 2
        if version not in (1, 2, 3):
            raise InputError(f"NPY format version {version} is not known; expected 1, 2 or 3", path=shown)
        length = int.from_bytes(head[8 : 12 if wide else 10], "little")
        start = 12 if wide else 10
        if length > _LONGEST_HEADER:
            raise InputError(
                f"the NPY header claims {length:,} bytes; expected at most {_LONGEST_HEADER:,}", path=shown
            )
        file.seek(start)
        text = file.read(length)
        if len(text) < length:
            raise InputError("is no complete NPY file: its header is cut short", path=shown)
        size = os.fstat(file.fileno()).st_size
    layout = _parse_layout(text, start + length, shown)
    _check_size(layout, size, shown)
    return layout


def _parse_layout(text: bytes, offset: int, path: str) -> Layout:
    bad = InputError("the NPY header is damaged; expected a literal with descr, fortran_order and shape", path=path)
    try:
        # literal_eval builds plain values only; it runs nothing.
        fields = ast.literal_eval(text.decode("latin1").strip())
        descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
        if "O" in str(descr) or np.dtype(descr).hasobject:
            raise InputError(
                "holds Python objects (a pickle), which divtool never loads",
                path=path,
                hint="save plain numbers: np.save(file, np.asarray(array.tolist(), dtype=float))",
            )
        if not isinstance(descr, str):
            raise InputError("holds records with fields; expected one plain type", path=path)
        dtype = np.dtype(descr)
    except InputError:
        raise
    except Exception:
        raise bad from None
    whole = isinstance(shape, tuple) and all(type(side) is int and 0 <= side < 1 << 62 for side in shape)
    if not (whole and isinstance(fortran, bool)) or len(shape) > 32:
        raise bad
    return Layout(dtype, shape, fortran and len(shape) > 1, offset)


def _check_size(layout: Layout, size: int, path: str) -> None:
    promised = layout.offset + math.prod(layout.shape) * layout.dtype.itemsize
    if promised != size:
        state = "is cut short" if promised > size else "has bytes after its end"
        raise InputError(f"{state}: the header promises {promised:,} bytes, the file has {size:,}", path=path)
