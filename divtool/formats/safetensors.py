"""safetensors: named arrays behind a JSON header, which is believed only where it fits the file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from divtool.errors import InputError
from divtool.formats.fingerprint import Fingerprint, check_fingerprint, fingerprint
from divtool.formats.npy import ArrayWriter, NpySource
from divtool.formats.npy_header import Layout
from divtool.formats.source import Member, Ways
from divtool.registry import natural

# Some forty thousand tensors.
LONGEST_HEADER = 1 << 22
_MOST_DIMENSIONS = 32
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "?",
}  # fmt: skip
_AGAIN = "fetch or save the file again"
# The parts of one table, numbered: logits_0, logits_1, ...; and what may stand beside them.
_WINDOW = re.compile(r"(.*[^0-9_.-])[_.-]([0-9]{1,9})")
_COMPANIONS = ("tokens", "input_ids", "labels", "targets", "ids")


@dataclass(frozen=True)
class Tensor:
    """An array of the file: its type as the file calls it, and the bytes begin:end of the data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def known(self) -> bool:
        """Whether divtool reads numbers of this type."""
        return self.dtype in _TYPES

    @property
    def layout(self) -> Layout:
        """How it lies behind the byte where data begin."""
        return Layout(np.dtype(_TYPES[self.dtype]), self.shape, False, ((0, self.begin),), self.dtype == "BF16")


@dataclass(frozen=True)
class SafetensorsFile:
    """The arrays of a safetensors file: its tensors, and tables whose parts are several of them (``layouts``)."""

    path: str
    file: str
    members: tuple[Member, ...]
    tensors: dict[str, Tensor]
    layouts: dict[str, Layout]
    before: Fingerprint
    format: str = "safetensors"

    def open(self, name: str) -> NpySource:
        """One of the arrays. Raises :class:`InputError` if its numbers are of a type that divtool does not read."""
        shown = f"{self.path}:{name}"
        if name not in self.layouts:
            raise InputError(
                f"its numbers are of type {self.tensors[name].dtype}; expected one of {', '.join(_TYPES)}", path=shown,
                hint="save it as a wider type: tensor.float()",
            )  # fmt: skip
        check_fingerprint(self.file, self.before, self.path)
        return NpySource(self.file, shown, self.layouts[name], "safetensors", self.before)


def open_safetensors(path: str, shown: str, ways: Ways) -> SafetensorsFile:
    """Open a file of tensors; ``shown`` is how messages call it. Raises :class:`InputError` where it is damaged."""
    before = fingerprint(path, shown)
    size = before[2]
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise _damaged(f"its header claims {length:,} bytes; expected at most {LONGEST_HEADER:,}", shown)
        text = file.read(length)
    if size < 8 or len(text) < length:
        raise _damaged("its header is cut short", shown)
    tensors = _tensors(text, shown)
    _check_places(tensors, size - 8 - length, shown)
    moved = [replace(each, begin=each.begin + 8 + length, end=each.end + 8 + length) for each in tensors]
    windows = _windows(moved)
    layouts = {**windows, **{each.name: each.layout for each in moved if each.known}}
    members = [Member(name, each.shape, each.type_name) for name, each in windows.items()]
    members += [
        Member(each.name, each.shape, each.layout.type_name if each.known else each.dtype) for each in moved
    ]  # fmt: skip
    return SafetensorsFile(shown, path, tuple(members), {each.name: each for each in moved}, layouts, before)


def _damaged(why: str, shown: str) -> InputError:
    return InputError(f"the safetensors file is damaged: {why}", path=shown, hint=_AGAIN)


def _tensors(text: bytes, shown: str) -> list[Tensor]:
    """The tensors that the header names, in natural order of their names."""
    try:
        # Windows and other systems differ in what they take for text; this format does not.
        fields = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise _damaged("its header is nested too deeply", shown) from None
    except ValueError as error:
        raise _damaged(f"its header is no plain JSON: {error}", shown) from None
    if not isinstance(fields, dict):
        raise _damaged("its header is no JSON object", shown)
    fields.pop("__metadata__", None)
    return sorted((_tensor(name, each, shown) for name, each in fields.items()), key=lambda each: natural(each.name))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands in it twice")
    return fields


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _tensor(name: str, fields: Any, shown: str) -> Tensor:
    """What the header says of one tensor. Raises :class:`InputError` where it says it wrongly."""
    bad = _damaged(f'its header does not say what "{name[:80]}" is', shown)
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise bad
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not (isinstance(dtype, str) and _whole(shape) and _whole(offsets) and len(offsets) == 2):
        raise bad
    if len(shape) > _MOST_DIMENSIONS or not _is_text(name) or offsets[1] < offsets[0]:
        raise bad
    tensor = Tensor(name, dtype, tuple(shape), *offsets)
    promised = math.prod(shape) * np.dtype(_TYPES[dtype]).itemsize if tensor.known else None
    if promised is not None and promised != tensor.end - tensor.begin:
        raise _damaged(
            f'"{name[:80]}" should take {promised:,} bytes; its header gives it {tensor.end - tensor.begin:,}', shown
        )
    return tensor


def _whole(numbers: Any) -> bool:
    """Whether this is a list of plain whole numbers, not below 0 (JSON's truths are numbers to Python)."""
    return isinstance(numbers, list) and all(type(each) is int and 0 <= each < 1 << 62 for each in numbers)


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeError:
        return False
    return True


def _check_places(tensors: Sequence[Tensor], size: int, shown: str) -> None:
    """The data must be tensor after tensor, up to the end of the file."""
    at = 0
    for each in sorted(tensors, key=lambda each: (each.begin, each.end)):
        if each.begin != at:
            state = "overlaps another array" if each.begin < at else "does not follow the array before it"
            raise _damaged(f'"{each.name[:80]}" {state}', shown)
        at = each.end
    if at != size:
        state = "it is cut short" if at > size else "it has bytes after its end"
        raise _damaged(f"{state}: its header promises {at:,} bytes of data, the file has {size:,}", shown)


def _windows(tensors: Sequence[Tensor]) -> dict[str, Layout]:
    """Tables whose parts are numbered tensors, by the name without the number; none where anything else is there."""
    parts: dict[str, dict[int, Tensor]] = {}
    for each in tensors:
        match = _WINDOW.fullmatch(each.name)
        if match:
            parts.setdefault(match[1], {})[int(match[2])] = each
        elif each.name not in _COMPANIONS:
            return {}
    numbered = sum(len(each) for each in parts.values()) + sum(not _WINDOW.fullmatch(each.name) for each in tensors)
    if numbered < len(tensors):
        return {}
    names = {each.name for each in tensors}
    return {name: _joined(list(each.values())) for name, each in parts.items() if name not in names and _follow(each)}


def _follow(parts: dict[int, Tensor]) -> bool:
    """Whether tensors are numbered from 0 without a gap, with one type and the same columns. Those of one dimension
    must be whole numbers: others could be rows as well as columns."""
    first = next(iter(parts.values()))
    whole = first.dtype[0] in "IU"
    same = all((each.dtype, each.shape[1:]) == (first.dtype, first.shape[1:]) and each.shape for each in parts.values())
    return len(parts) > 1 and sorted(parts) == [*range(len(parts))] and same and first.known and (
        whole or len(first.shape) > 1
    )  # fmt: skip


def _joined(parts: Sequence[Tensor]) -> Layout:
    """One array of which the tensors are the rows, one after the other."""
    cells = accumulate((math.prod(each.shape) for each in parts), initial=0)
    pieces = tuple((first, each.begin) for first, each in zip(cells, parts, strict=False) if math.prod(each.shape))
    shape = (sum(each.shape[0] for each in parts), *parts[0].shape[1:])
    origin = f"{parts[0].name} to {parts[-1].name}"
    return replace(parts[0].layout, shape=shape, pieces=pieces or ((0, parts[0].begin),), origin=origin)


class SafetensorsWriter(ArrayWriter):
    """Rows of doubles as the tensor "values"."""

    def _header(self) -> bytes:
        shape = [self._rows] if self._single else [self._rows, self._width]
        tensor = {"dtype": "F64", "shape": shape, "data_offsets": [0, 8 * math.prod(shape)]}
        # Spaces behind the header are part of the format.
        text = json.dumps({"values": tensor}, separators=(",", ":")).encode().ljust(248)
        return len(text).to_bytes(8, "little") + text
