"""Which column of one side is which column of the other: by name where both have names, else by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from divtool.errors import InputError
from divtool.registry import natural


@dataclass(frozen=True)
class Side:
    """One side's classes: how the file is called, and its class names in the order of its columns, if it has any."""

    path: str
    width: int
    names: tuple[str, ...] | None


@dataclass(frozen=True)
class Matched:
    """``orders[i]`` lists side i's columns in the common order; ``names`` are the classes in that order."""

    orders: tuple[tuple[int, ...] | range, ...]
    names: tuple[str, ...] | None
    how: str


def match_classes(sides: Sequence[Side]) -> Matched:
    """The common order of the classes of all sides.

    Named classes are put into natural order, so that the order of a file's columns cannot change a bit of the result.
    Raises :class:`InputError` for another number of classes, or a class on one side only.
    """
    first = sides[0]
    for other in sides[1:]:
        if other.width != first.width:
            raise InputError(
                f"{other.path} has {other.width} classes, {first.path} has {first.width}; expected as many",
                hint="choose the class columns: --columns a,b,c",
            )
    named = [side for side in sides if side.names is not None]
    if len(named) < len(sides) or not named:
        names = named[0].names if named else None
        return Matched(tuple(range(side.width) for side in sides), names, "by position" if len(sides) > 1 else "")
    names_of = _common_names(sides)
    names = tuple(sorted(names_of[0], key=natural))
    orders = tuple(tuple(own.index(name) for name in names) for own in names_of)
    return Matched(orders, names, "by name" if len(sides) > 1 else "")


def _common_names(sides: Sequence[Side]) -> list[tuple[str, ...]]:
    bare = [side.names or () for side in sides]
    if all(set(own) == set(bare[0]) for own in bare):
        return bare
    short = [stripped(own) for own in bare]
    for candidates in (short, [bare[0], *short[1:]], [short[0], *bare[1:]]):
        if all(set(own) == set(candidates[0]) for own in candidates):
            return candidates
    odd = next(place for place, own in enumerate(bare) if set(own) != set(bare[0]))
    first, second, own = sides[0], sides[odd], set(bare[odd])
    only = sorted(own - set(bare[0]), key=natural) or sorted(set(bare[0]) - own, key=natural)
    has, lacks = (second.path, first.path) if own - set(bare[0]) else (first.path, second.path)
    raise InputError(
        f'the class "{only[0]}" of {has} is not among the classes of {lacks}',
        hint="classes are matched by name: rename the columns, or choose them with --columns",
    )


def stripped(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names without the beginning and the end that all of them share (``prob_cat, prob_dog`` -> ``cat, dog``).

    >>> stripped(("Class_1", "Class_2", "Class_10")), stripped(("cat", "cow"))
    (('1', '2', '10'), ('cat', 'cow'))
    """
    if len(names) < 2:
        return names
    head = _shared(names)
    tail = _shared(tuple(name[::-1] for name in names))
    short = tuple(name[head : len(name) - tail] for name in names)
    return short if all(short) and len(set(short)) == len(short) else names


def _shared(names: tuple[str, ...]) -> int:
    """The length of the shared beginning, back to where a word ends: "ca" of cat and cow is none."""
    low, high = min(names), max(names)
    size = 0
    while size < min(len(low), len(high)) and low[size] == high[size]:
        size += 1
    while size and low[size - 1].isalnum():
        size -= 1
    return size
