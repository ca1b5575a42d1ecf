"""What the rows of a file of JSON lines have in common, by the first of them: a field for each value, however deep it
stands in its object. What contradicts it later is refused where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from divtool.formats.fields import Field, Fields
from divtool.formats.first_line import NUMBER, WHOLE
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT

Path: TypeAlias = tuple[str | int, ...]

_DEEPEST = 16


class TooDeepError(ValueError):
    """Objects within objects, more than a table of numbers has."""


@dataclass(frozen=True)
class Spot:
    """Where a field stands: the keys that lead to it. ``place`` is that of the number in lists of lists such as
    ``[["-1.5", "False"], ["-0.3", "True"]]``."""

    path: Path
    field: Field
    place: int | None = None

    @property
    def name(self) -> str:
        """The keys with dots between them."""
        return self.field.name


@dataclass(frozen=True)
class Shape:
    """The fields of a row: an object, or (``listed``) an array. ``keys`` are those of each object by its path."""

    spots: tuple[Spot, ...]
    keys: dict[Path, frozenset[str]]
    listed: bool

    @property
    def fields(self) -> Fields:
        """The fields without their places."""
        return Fields(tuple(spot.field for spot in self.spots))

    @property
    def key_count(self) -> int:
        """How many keys a whole row has."""
        return sum(len(keys) for keys in self.keys.values())

    def counted(self, row: Any) -> int:
        """How many keys a row has in the objects that are known."""
        total = 0
        for path in self.keys:
            inner = at_path(row, path)
            total += len(inner) if isinstance(inner, dict) else 0
        return total


def at_path(row: Any, path: Path) -> Any:
    """What stands there, None where nothing does."""
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row


def decide_shape(rows: Sequence[Any]) -> Shape:
    """The shape of some rows, all of them objects or all of them arrays."""
    if isinstance(rows[0], list):
        width = len(rows[0])
        columns = [[row[i] for row in rows if len(row) > i] for i in range(width)]
        return Shape(tuple(_spot((i,), cells) for i, cells in enumerate(columns)), {}, listed=True)
    found: dict[Path, list[Any]] = {}
    keys: dict[Path, set[str]] = {}
    for row in rows:
        for path, value in _leaves(row, (), keys):
            found.setdefault(path, []).append(value)
    # What is null in one row and an object in another has no field of its own.
    spots = [
        _spot(path, cells) for path, cells in found.items() if path not in keys or any(c is not None for c in cells)
    ]
    return Shape(_settled(spots, found), {path: frozenset(each) for path, each in keys.items()}, listed=False)


def _leaves(row: dict[str, Any], above: Path, keys: dict[Path, set[str]]) -> Iterator[tuple[Path, Any]]:
    if len(above) > _DEEPEST:
        raise TooDeepError(f"objects stand in objects more than {_DEEPEST} deep")
    keys.setdefault(above, set()).update(row)
    for key, value in row.items():
        path = (*above, key)
        if isinstance(value, dict):
            yield from _leaves(value, path, keys)
        else:
            yield path, value


def _spot(path: Path, cells: list[Any]) -> Spot:
    name = ".".join(str(key) for key in path)
    there = [cell for cell in cells if cell is not None]
    lists = [unwrapped(cell) for cell in there if isinstance(cell, list)]
    if 2 * len(lists) > len(there):
        return _list_spot(path, name, [each for each in lists if each])
    numbers = sum(is_number(cell) for cell in there)
    if not there or 2 * numbers < len(there):
        return Spot(path, Field(name, TEXT))
    whole = all(isinstance(cell, int) or (isinstance(cell, str) and WHOLE.fullmatch(cell)) for cell in there)
    return Spot(path, Field(name, INTEGER if whole else FLOAT))


def _list_spot(path: Path, name: str, lists: list[list[Any]]) -> Spot:
    other = Spot(path, Field(name, OTHER))
    if not lists:
        return other
    first = lists[0]
    if all(is_number(cell) or cell is None for cell in first):
        whole = all(isinstance(cell, int) for cell in first)
        return Spot(path, Field(name, INTEGER if whole else FLOAT, len(first)))
    if not all(isinstance(cell, list) and cell for cell in first):
        return other
    places = [[i for i, cell in enumerate(inner) if is_number(cell)] for inner in first]
    if any(len(each) != 1 or each != places[0] for each in places):
        return other
    return Spot(path, Field(name, FLOAT, len(first)), places[0][0])


def _settled(spots: list[Spot], found: dict[Path, list[Any]]) -> tuple[Spot, ...]:
    """Lists of changing length (token ids, say) are no rows of numbers, unless they are all that could be."""
    ragged = [
        spot for spot in spots
        if spot.field.width is not None
        and len({len(unwrapped(cell)) for cell in found[spot.path] if isinstance(cell, list)}) > 1
    ]  # fmt: skip
    numbers = [spot for spot in spots if spot not in ragged and (spot.field.width or spot.field.type == FLOAT)]
    if not numbers:
        return tuple(spots)
    return tuple(replace(each, field=Field(each.name, OTHER)) if each in ragged else each for each in spots)


def unwrapped(cell: list[Any]) -> list[Any]:
    """A list without lists around it that hold nothing else: ``[[["-1.5", "False"]], ...]`` has one around each."""
    if len(cell) == 1 and isinstance(cell[0], list):
        return unwrapped(cell[0]) if any(isinstance(each, list) for each in cell[0]) else cell[0]
    if cell and all(isinstance(each, list) and len(each) == 1 and isinstance(each[0], list) for each in cell):
        return [each[0] for each in cell]
    return cell


def is_nested(cell: Any) -> bool:
    """Whether a value is a list of rows of numbers."""
    return isinstance(cell, list) and bool(cell) and all(
        isinstance(each, list) and len(each) > 1 and all(map(is_number, each)) for each in cell
    )  # fmt: skip


def is_number(cell: Any) -> bool:
    """Whether a value is a number, or the text of one."""
    if isinstance(cell, str):
        return NUMBER.fullmatch(cell) is not None
    return isinstance(cell, int | float) and not isinstance(cell, bool)
