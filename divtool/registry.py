"""Name -> declared thing: one class for measures, formats and reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from divtool.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Declared things by name, in the order of their declaration.

    >>> colours = Registry[int]("colour")
    >>> colours.add("red", 1)
    >>> colours.get("red"), colours.names()
    (1, ['red'])
    >>> colours.get("rad")
    Traceback (most recent call last):
    divtool.errors.UsageError: there is no colour "rad"
    hint: did you mean "red"?
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> None:
        """Declare ``thing``; a name can be taken only once."""
        if name in self._things:
            raise ValueError(f'the {self.noun} "{name}" is declared twice')
        self._things[name] = thing

    def remove(self, name: str) -> None:
        """Take a declaration back (for tests that declare liars)."""
        del self._things[name]

    def get(self, name: str) -> T:
        """The thing of that name, or a :class:`UsageError` that lists close names."""
        if name in self._things:
            return self._things[name]
        raise UsageError(f'there is no {self.noun} "{name}"', hint=suggestion(name, self.names()))

    def names(self) -> list[str]:
        """All names, in the order of their declaration."""
        return list(self._things)

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __len__(self) -> int:
        return len(self._things)


def suggestion(name: str, known: list[str]) -> str:
    """One line for a misspelt name: the names that are close to it, else all (or the first of many)."""
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(f'"{each}"' for each in close) + "?"
    listed = ", ".join(known[:12])
    return f"known: {listed}{', ...' if len(known) > 12 else ''}" if known else ""


_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[object, ...]:
    """A sorting key in which "10" comes after "2"."""
    return tuple(
        (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in _DIGITS.split(name) if piece
    )
