"""The header of an NPY file, read strictly by our own hands: what it says is held against the size of the file."""

from __future__ import annotations

import ast
import math
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from divtool.errors import InputError

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16
_UNTYPED = "cells of 2 bytes without a type, read as bfloat16 (as ml_dtypes saves it)"


@dataclass(frozen=True)
class Layout:
    """How an array lies in a file: its stored type, whether its 2-byte cells are bfloat16, and ``pieces``: from which
    cell on it lies at which byte."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    pieces: tuple[tuple[int, int], ...]
    bfloat16: bool = False
    notes: tuple[str, ...] = ()
    origin: str = ""

    @property
    def type_name(self) -> str:
        """The type as it is said."""
        if self.bfloat16:
            return "bfloat16"
        return "text" if self.dtype.kind in "US" else self.dtype.newbyteorder("=").name

    @property
    def widened(self) -> np.dtype[Any]:
        """The type in which rows are handed out."""
        return np.dtype(np.float32) if self.bfloat16 else self.dtype

    def stretches(self, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The cells first:stop piece by piece: from which cell on, up to which, and where the first of them lies.

        >>> two = Layout(np.dtype("<u2"), (5,), False, ((0, 100), (3, 900)))
        >>> list(two.stretches(2, 5)), list(two.stretches(4, 5))
        ([(2, 3, 104), (3, 5, 900)], [(4, 5, 902)])
        """
        at = bisect_right(self.pieces, first, key=lambda piece: piece[0]) - 1
        while first < stop:
            begin, place = self.pieces[at]
            end = min(stop, self.pieces[at + 1][0]) if at + 1 < len(self.pieces) else stop
            if end > first:
                yield first, end, place + (first - begin) * self.dtype.itemsize
            first, at = max(first, end), at + 1


def read_layout(path: str, shown: str) -> Layout:
    """The layout of an NPY file; ``shown`` is how messages call it. Raises :class:`InputError` for any other file."""
    with open(path, "rb") as file:
        return layout_of(file.read, os.fstat(file.fileno()).st_size, 0, shown)


def layout_of(read: Callable[[int], bytes], size: int, place: int, shown: str) -> Layout:
    """The layout of ``size`` bytes that begin at ``place`` of a file; ``read`` gives the next of them."""
    head = read(10)
    if len(head) < 10 or not head.startswith(MAGIC):
        raise InputError("is no complete NPY file: its header is cut short", path=shown)
    if head[6] not in (1, 2, 3):
        raise InputError(f"NPY format version {head[6]} is not known; expected 1, 2 or 3", path=shown)
    if head[6] >= 2:
        head += read(2)
    length = int.from_bytes(head[8:], "little")
    if length > _LONGEST_HEADER:
        raise InputError(f"the NPY header claims {length:,} bytes; expected at most {_LONGEST_HEADER:,}", path=shown)
    text = read(length)
    if len(text) < length:
        raise InputError("is no complete NPY file: its header is cut short", path=shown)
    offset = len(head) + length
    layout = _parse_layout(text, place + offset, shown)
    _check_size(layout, offset, size, shown)
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
        if not dtype.itemsize:
            raise InputError("holds cells of no size; expected numbers", path=path)
    except InputError:
        raise
    except Exception:
        raise bad from None
    whole = isinstance(shape, tuple) and all(type(side) is int and 0 <= side < 1 << 62 for side in shape)
    if not (whole and isinstance(fortran, bool)) or len(shape) > 32:
        raise bad
    untyped = dtype == np.dtype("V2")
    return Layout(
        np.dtype("<u2") if untyped else dtype, shape, fortran and len(shape) > 1, ((0, offset),), untyped,
        (_UNTYPED,) if untyped else (),
    )  # fmt: skip


def _check_size(layout: Layout, offset: int, size: int, path: str) -> None:
    promised = offset + math.prod(layout.shape) * layout.dtype.itemsize
    if promised != size:
        state = "is cut short" if promised > size else "has bytes after its end"
        raise InputError(
            f"{state}: the header promises {promised:,} bytes, the file has {size:,}", path=path,
            hint="fetch or save it again",
        )  # fmt: skip
