"""Numbers as JSON holds them to the last bit, and back: every field is asked for by its type, and nothing is believed.

Whole numbers of any size are hexadecimal texts, arrays the bytes of little-endian doubles or 64-bit integers in base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from divtool.numerics.exactsum import Doubles

Integers = npt.NDArray[np.int64]
Thing = TypeVar("Thing")

# Sums of 2**62 products of doubles have fewer digits.
_LONGEST = 2048
_MOST = 1 << 62
_HEX = re.compile(r"-?0x[0-9a-f]+", re.ASCII)


class DamagedError(ValueError):
    """What was read is not what is ever written."""


def packed(array: Doubles | Integers) -> str:
    """The bytes of an array.

    >>> packed(np.array([1.0])), packed(np.array([1]))
    ('AAAAAAAA8D8=', 'AQAAAAAAAAA=')
    """
    return base64.b64encode(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()).decode()


def whole_text(number: int) -> str:
    """A whole number of any size.

    >>> whole_text(-255), whole_text(0)
    ('-0xff', '0x0')
    """
    return hex(number)


@dataclass
class Fields:
    """A JSON object on its way back. ``where`` is what messages call it; fields that nobody asked for are refused by
    :meth:`end`.

    >>> fields = Fields({"n": 3, "sum": "0xff"}, "moments")
    >>> fields.count("n"), fields.whole("sum"), fields.end()
    (3, 255, None)
    """

    held: Mapping[str, Any]
    where: str
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not isinstance(self.held, dict):
            raise DamagedError(f"{self.where} is no object")

    def value(self, name: str) -> Any:
        """What the field holds."""
        if name not in self.held:
            raise DamagedError(f'{self.where} has no "{name}"')
        self.asked.add(name)
        return self.held[name]

    def _of(self, name: str, kind: type[Thing]) -> Thing:
        value = self.value(name)
        if type(value) is not kind:
            raise DamagedError(f'"{name}" of {self.where} is no {_WORDS[kind]}')
        return value

    def text(self, name: str) -> str:
        """A text."""
        return self._of(name, str)

    def text_or_none(self, name: str) -> str | None:
        """A text, or nothing."""
        return None if self.value(name) is None else self.text(name)

    def truth(self, name: str) -> bool:
        """True or false."""
        return self._of(name, bool)

    def count(self, name: str, least: int = 0, most: int = _MOST) -> int:
        """A whole number within bounds."""
        value = self._of(name, int)
        if not least <= value <= most:
            raise DamagedError(f'"{name}" of {self.where} is {value}, not from {least} to {most}')
        return value

    def whole(self, name: str) -> int:
        """A whole number of any size."""
        return whole_of(self.text(name), f'"{name}" of {self.where}')

    def entries(self, name: str, size: int | None = None) -> list[Any]:
        """A list, of a size if that is known."""
        value: list[Any] = self._of(name, list)
        if size is not None and len(value) != size:
            raise DamagedError(f'"{name}" of {self.where} has {len(value)} entries, not {size}')
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(Fields({"entry": each}, f'"{name}" of {self.where}').text("entry") for each in self.entries(name))

    def counts(self, name: str, size: int | None = None, most: int = _MOST) -> tuple[int, ...]:
        """A list of whole numbers that are not negative."""
        entries = self.entries(name, size)
        return tuple(Fields({"entry": each}, f'"{name}" of {self.where}').count("entry", 0, most) for each in entries)

    def part(self, name: str) -> Fields:
        """An object inside."""
        return Fields(self.value(name), f'"{name}" of {self.where}')

    def each(self, name: str, size: int | None = None) -> list[Fields]:
        """The objects of a list."""
        return [Fields(each, f'entry {i} of "{name}"') for i, each in enumerate(self.entries(name, size))]

    def maybe(self, name: str, read: Callable[[Fields], Thing]) -> Thing | None:
        """An object inside, or nothing."""
        return None if self.value(name) is None else read(self.part(name))

    def doubles(self, name: str, *, nan: bool = False) -> Doubles:
        """An array of doubles, none of them NaN unless such are welcome."""
        array: Doubles = np.frombuffer(self._bytes(name), "<f8").astype(np.float64)
        if not nan and np.isnan(array).any():
            raise DamagedError(f'"{name}" of {self.where} holds NaN')
        return array

    def integers(self, name: str, least: int = 0, most: int = _MOST) -> Integers:
        """An array of whole numbers within bounds."""
        array: Integers = np.frombuffer(self._bytes(name), "<i8").astype(np.int64)
        if array.size and not least <= int(array.min()) <= int(array.max()) <= most:
            raise DamagedError(f'"{name}" of {self.where} holds what is not from {least} to {most}')
        return array

    def _bytes(self, name: str) -> bytes:
        try:
            found = base64.b64decode(self.text(name), validate=True)
        except (binascii.Error, ValueError):
            raise DamagedError(f'"{name}" of {self.where} is no base64') from None
        if len(found) % 8:
            raise DamagedError(f'"{name}" of {self.where} ends within a number')
        return found

    def end(self) -> None:
        """Refuse fields that nobody asked for."""
        more = sorted(set(self.held) - self.asked)
        if more:
            raise DamagedError(f'{self.where} has a field "{more[0][:60]}" that is not known')


_WORDS: dict[type, str] = {str: "text", bool: "truth", int: "whole number", list: "list", float: "number"}


def whole_of(text: Any, where: str) -> int:
    """The number that :func:`whole_text` wrote."""
    if not isinstance(text, str) or len(text) > _LONGEST or not _HEX.fullmatch(text):
        raise DamagedError(f"{where} is no hexadecimal number")
    return int(text, 16)
