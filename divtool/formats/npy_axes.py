"""How an array of any number of dimensions becomes rows of classes, and where in a file those rows lie.

Rows are the positions of the array with its class axis moved last, in C order. Nothing is transposed as a whole: a
stretch of rows is a few boxes of the array, and a box is read run by run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from divtool.formats.source import Extent, Header, Place, Stored

Bounds = tuple[tuple[int, int], ...]
Fill = Callable[[Stored, int], None]

# Runs that lie this near to each other in a file are read in one stretch with what is between them: a call costs as
# much as reading some 16 KiB.
_NEAR = 1 << 14
_STRIP = 1 << 20


@dataclass(frozen=True)
class Arrangement:
    """Which axis of an array of this shape holds the classes; None: each cell is a row of its own.

    >>> Arrangement((8, 21, 64, 64), 1).positions, Arrangement((8, 21, 64, 64), 1).classes
    ((8, 64, 64), 21)
    """

    shape: tuple[int, ...]
    axis: int | None

    @property
    def positions(self) -> tuple[int, ...]:
        """The shape without the class axis."""
        return self.shape if self.axis is None else self.shape[: self.axis] + self.shape[self.axis + 1 :]

    @property
    def classes(self) -> int:
        """The length of the class axis."""
        return 1 if self.axis is None else self.shape[self.axis]

    @property
    def rows(self) -> int:
        """The number of positions."""
        return math.prod(self.positions)

    def view(self, array: Stored) -> Stored:
        """An array in memory with the class axis moved last, nothing copied."""
        return array[..., None] if self.axis is None else np.moveaxis(array, self.axis, -1)


@dataclass(frozen=True)
class Places:
    """``sides``: the shape as it lies in the file, in C order; ``order``: its axes, the class axis last."""

    sides: tuple[int, ...]
    order: tuple[int, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """The shape of the rows; rows are counted in C order of it."""
        return tuple(self.sides[axis] for axis in self.order[:-1])

    @property
    def unit(self) -> int:
        """How many rows lie together in the file, so that it is well cut there."""
        return max(1, math.prod(self.positions[1:]))

    @property
    def in_order(self) -> bool:
        """Whether the file holds row after row."""
        return self.order == tuple(range(len(self.order)))

    def read(self, first: int, stop: int, dtype: np.dtype[np.generic], fill: Fill) -> Stored:
        """Rows first:stop, (n, classes) in C order; ``fill`` reads a contiguous array at a place counted in cells."""
        classes = self.sides[self.order[-1]]
        rows = np.empty((stop - first, classes), dtype)
        if self.in_order:
            fill(rows, first * classes)
            return rows
        done = 0
        for box in boxes(first, stop, self.positions):
            bounds = dict(zip(self.order, (*box, (0, classes)), strict=True))
            piece = np.empty([high - low for low, high in (bounds[axis] for axis in range(len(bounds)))], dtype)
            _fill_box(piece, tuple(bounds[axis] for axis in range(len(bounds))), self.sides, 0, fill)
            turned = piece.transpose(self.order)
            count = piece.size // classes if classes else 0
            rows[done : done + count].reshape(turned.shape)[...] = turned
            done += count
        return rows


def places_of(arrangement: Arrangement, *, fortran: bool) -> Places:
    """Where the rows of an array lie in a file that holds it in C or in Fortran order."""
    shape, axis = arrangement.shape, arrangement.axis
    if axis is None:
        shape, axis = (*shape, 1), len(shape)
    if not fortran:
        # What stands before the class axis, and what after it, are one axis each.
        outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        return Places((outer, shape[axis], inner), (0, 2, 1)) if inner != 1 else Places((outer, shape[axis]), (0, 1))
    last = len(shape) - 1
    return Places(shape[::-1], (*(last - i for i in range(len(shape)) if i != axis), last - axis))


def boxes(first: int, stop: int, shape: tuple[int, ...]) -> Iterator[Bounds]:
    """Positions first:stop, counted in C order, as boxes in their order.

    >>> list(boxes(2, 7, (3, 3)))
    [((0, 1), (2, 3)), ((1, 2), (0, 3)), ((2, 3), (0, 1))]
    """
    if first >= stop:
        return
    if len(shape) <= 1:
        yield ((first, stop),) if shape else ()
        return
    inner = math.prod(shape[1:])
    start, before = divmod(first, inner)
    end, after = divmod(stop, inner)
    if start == end or before:
        # Within one entry of the first axis, or the rest of one.
        for rest in boxes(before, after if start == end else inner, shape[1:]):
            yield ((start, start + 1), *rest)
        start += 1
    if start < end:
        yield ((start, end), *((0, side) for side in shape[1:]))
    if start <= end and after:
        for rest in boxes(0, after, shape[1:]):
            yield ((end, end + 1), *rest)


@dataclass(frozen=True)
class Cut:
    """What lies at one place ``at`` of an axis of an array in a file: the axis is ``length`` long, the axes before it
    are ``outer`` long together, those behind it ``inner``."""

    outer: int
    length: int
    inner: int
    at: int

    def fill(self, block: Stored, place: int, fill: Fill) -> None:
        """A stretch of what was cut out into a contiguous ``block``, from a place counted in its own cells; ``fill``
        reads from a place counted in cells of the whole array."""
        flat, done = block.reshape(-1), 0
        sides, chosen = (self.outer, self.length, self.inner), (self.at, self.at + 1)
        for outer, inner in boxes(place, place + flat.size, (self.outer, self.inner)):
            size = (outer[1] - outer[0]) * (inner[1] - inner[0])
            piece = flat[done : done + size].reshape(outer[1] - outer[0], 1, inner[1] - inner[0])
            _fill_box(piece, (outer, chosen, inner), sides, 0, fill)
            done += size


def cut_of(shape: tuple[int, ...], axis: int, at: int, *, fortran: bool) -> Cut:
    """The place of an axis of an array of this shape, which lies in its file in C or in Fortran order.

    >>> cut_of((5, 3, 4), 1, 2, fortran=False)
    Cut(outer=5, length=3, inner=4, at=2)
    """
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    return Cut(after if fortran else before, shape[axis], before if fortran else after, at)


def unit_steps(extent: Extent, rows: int, unit: int) -> Iterator[tuple[int, int]]:
    """The extent in steps of at most ``rows`` rows, cut where a unit ends as far as units fit into a step, else so
    that each unit is cut evenly.

    >>> list(unit_steps(Extent(1, 9), 6, 3)), list(unit_steps(Extent(0, 7), 3, 4))
    ([(1, 6), (6, 9)], [(0, 2), (2, 4), (4, 6), (6, 7)])
    """
    rows, at = max(1, rows), extent.first
    step = rows - rows % unit if rows >= unit else -(-unit // -(-unit // rows))
    while at < extent.stop:
        begin = at - at % unit
        stop = begin + step if rows >= unit else min(begin + unit, begin + ((at - begin) // step + 1) * step)
        yield at, min(stop, extent.stop)
        at = stop


def _fill_box(piece: Stored, bounds: Bounds, sides: tuple[int, ...], place: int, fill: Fill) -> None:
    """Read a box of an array with these sides that begins at ``place`` of the file, in cells."""
    if piece.size == 0:
        return
    low, high = bounds[0]
    spacing = math.prod(sides[1:])
    cut = [i for i in range(1, len(sides)) if bounds[i] != (0, sides[i])]
    if not cut:
        fill(piece, place + low * spacing)
    elif cut == [1] and spacing * piece.dtype.itemsize <= _NEAR:
        _fill_strips(piece, bounds, sides, place, fill)
    else:
        for i in range(low, high):
            _fill_box(piece[i - low], bounds[1:], sides[1:], place + i * spacing, fill)


def _fill_strips(piece: Stored, bounds: Bounds, sides: tuple[int, ...], place: int, fill: Fill) -> None:
    """The same where entries of the first axis are small: whole entries are read, and cut in memory."""
    (low, high), wanted = bounds[0], slice(*bounds[1])
    spacing = math.prod(sides[1:])
    most = max(1, _STRIP // (spacing * piece.dtype.itemsize))
    for start in range(low, high, most):
        strip = np.empty((min(most, high - start), *sides[1:]), piece.dtype)
        fill(strip, place + start * spacing)
        piece[start - low : start - low + len(strip)] = strip[:, wanted]


class DirectRows:
    """What files and arrays of rows of one size have in common: any rows can be had directly. Extents are cut where
    units of so many rows end."""

    header: Header
    _row_bytes: int
    _unit: int = 1

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Stretches of rows."""
        for first, stop in unit_steps(Extent(0, self.count()), target_bytes // self._row_bytes, self._unit):
            yield Extent(first, stop)

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows."""
        return Extent(min(first, self.count()), min(stop, self.count()))

    def count(self) -> int:
        """The number of rows."""
        return self.header.rows or 0

    def estimate(self) -> int:
        """The number of rows."""
        return self.count()

    def place_of(self, row: int) -> Place:
        """There are no lines."""
        return Place(self.header.path, row)

    def check_unchanged(self) -> None:
        """Nothing to check."""
