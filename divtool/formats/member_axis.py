"""One array that holds the outputs of several models, or of several draws of one, along an axis: a source for each."""

from __future__ import annotations

from divtool.errors import InputError, UsageError
from divtool.formats.npy import ArraySource, NpySource
from divtool.formats.source import Source

# Each is opened and sampled by itself; an axis that long holds rows or classes.
_MOST_MEMBERS = 1024
_LEAST_DIMENSIONS = 3


def member_sources(source: Source, axis: int) -> list[Source]:
    """The members of an array along one of its axes (negative: from the last).

    Raises :class:`UsageError` for what is no array of three dimensions or more, or has no such axis, and
    :class:`InputError` for fewer than two members, or more than 1,024.

    >>> import numpy as np
    >>> members = member_sources(ArraySource(np.zeros((4, 2, 3)), "x"), 1)
    >>> [(each.header.path, each.header.shape) for each in members]
    [('x[:,0]', (4, 3)), ('x[:,1]', (4, 3))]
    """
    shape, path = source.header.shape or (), source.header.path
    if not isinstance(source, NpySource | ArraySource) or len(shape) < _LEAST_DIMENSIONS:
        raise UsageError(
            f"--member-axis {axis} is for arrays of three dimensions or more (members, rows and classes); {path} is"
            f" {'of ' + str(len(shape)) if shape else 'no array'}",
            hint="without it every file is a member: give two files or more",
        )
    axis = axis_of(axis, shape, "--member-axis")
    count = shape[axis]
    if not 1 < count <= _MOST_MEMBERS:
        raise InputError(
            f"axis {axis} of {shape} has {count:,} entries; expected 2 to {_MOST_MEMBERS:,} members", path=path,
            hint="name the axis along which the members lie: --member-axis",
        )  # fmt: skip
    return [source.at(axis, place) for place in range(count)]


def axis_of(axis: int, shape: tuple[int, ...], flag: str) -> int:
    """An axis counted from the first. Raises :class:`UsageError` where there is none."""
    if not -len(shape) <= axis < len(shape):
        raise UsageError(f"{flag} {axis}: the array has {len(shape)} axes, 0 to {len(shape) - 1}")
    return axis % len(shape)
