"""Class weights: typed on the command line, in a mapping, or in a file; every class must have one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from divtool.errors import InputError, UsageError
from divtool.formats.opening import open_source
from divtool.formats.source import TEXT, Selection
from divtool.registry import suggestion

# Beyond it products with a loss could overflow.
_MOST = 1e100


def class_weights(
    given: str | Mapping[str, float] | Sequence[float] | None,
    names: tuple[str, ...] | None,
    order: tuple[int, ...] | range,
    classes: int,
) -> tuple[float, ...] | None:
    """One weight for each class, in the common order of the classes; None where none are given.

    ``order`` lists the file's positions in that order: weights without names go by position in the file.
    """
    if given is None:
        return None
    table = _table(given)
    positions = [str(position) for position in order]
    by_name = names is not None and (set(table) <= set(names) or not set(table) <= set(positions))
    keys = list(names) if names is not None and by_name else positions
    unknown = [name for name in table if name not in keys]
    if unknown:
        raise UsageError(f'--class-weight: there is no class "{unknown[0]}"', hint=suggestion(unknown[0], keys))
    missing = [name for name in keys if name not in table]
    if missing:
        raise UsageError(f'--class-weight: the class "{missing[0]}" has no weight; expected one for each of {classes}')
    return tuple(_checked(name, table[name]) for name in keys)


def _checked(name: str, weight: float) -> float:
    if not 0.0 <= weight <= _MOST:
        raise UsageError(f'--class-weight: the weight of "{name}" is {weight:g}; expected a number from 0 to {_MOST:g}')
    return float(weight)


def _table(given: str | Mapping[str, float] | Sequence[float]) -> dict[str, float]:
    if isinstance(given, Mapping):
        return {str(name): _number(weight) for name, weight in given.items()}
    if not isinstance(given, str) and not hasattr(given, "__iter__"):
        raise UsageError(f"--class-weight {given!r}: expected one number for each class, or class=weight,...")
    if not isinstance(given, str):
        return {str(i): _number(weight) for i, weight in enumerate(given)}
    if os.path.exists(given):
        return _from_file(given)
    if "=" not in given:
        return {str(i): _number(piece) for i, piece in enumerate(given.split(","))}
    return _once([_pair(piece) for piece in given.split(",")])


def _once(pairs: list[tuple[str, float]]) -> dict[str, float]:
    names = [name for name, _ in pairs]
    twice = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
    if twice:
        raise UsageError(f'--class-weight: the class "{twice[0]}" has two weights')
    return dict(pairs)


def _pair(piece: str) -> tuple[str, float]:
    name, _, weight = piece.rpartition("=")
    return name.strip(), _number(weight, piece)


def _number(weight: object, piece: str = "") -> float:
    try:
        return float(weight)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UsageError(
            f'--class-weight: "{piece or weight}" is no class=weight, number or file',
            hint="expected cat=1,dog=2.5 or one number for each class in their order, or the name of a file",
        ) from None


def _from_file(path: str) -> dict[str, float]:
    """A column of weights in the order of the classes, or a column of class names beside it."""
    source = open_source(path)
    header = source.header
    if header.width > 2:
        raise InputError(f"has {header.width} columns; expected class and weight", path=path)
    named = header.width == 2
    if not named and header.types[0] == TEXT:
        raise InputError("holds no weights; expected a column of numbers", path=path)
    selection = Selection((header.width - 1,), (0,) if named else ())
    pairs: list[tuple[str, float]] = []
    for block in source.blocks(source.locate(0, source.count()), selection, 1 << 20):
        weights = block.matrix[:, 0].tolist()
        names = [block.keys[0].text(i) for i in range(len(weights))] if named else [
            str(len(pairs) + i) for i in range(len(weights))]  # fmt: skip
        pairs += zip(names, weights, strict=True)
    return _once(pairs)
