"""Which axis of an array holds the classes: decided by shapes and by sums along the axes, with the evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError, UsageError
from divtool.formats.source import Stored
from divtool.numerics.rowsum import row_sum

Shape = tuple[int, ...]
SumsToOne = Callable[[int], bool]

# Of a longer axis no sum is taken: so many classes there are not.
_MOST_CLASSES = 1 << 20
_LEAST_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Axis:
    """The class axis of an array, and how it is known."""

    axis: int
    evidence: str


def shape_text(shape: Shape) -> str:
    """A shape as it is said.

    >>> shape_text((8, 64, 64)), shape_text((8,))
    ('(8, 64, 64)', '(8)')
    """
    return f"({', '.join(map(str, shape))})"


def without(shape: Shape, axis: int) -> Shape:
    """The shape without one axis: that of the positions."""
    return shape[:axis] + shape[axis + 1 :]


def fits_labels(shape: Shape, axis: int, labels: Shape) -> bool:
    """Whether labels of this shape are one for each position: without the class axis, or with one of length 1."""
    positions = without(shape, axis)
    return labels in (positions, (*positions, 1), (*positions[:axis], 1, *positions[axis:]))


def decide_axis(
    shape: Shape, *, path: str, given: int | None = None, labels: Shape | None = None, sums: SumsToOne | None = None
) -> Axis | None:
    """The axis that is given, else the only one without which the shape is that of the labels, else the only one along
    which a sample sums to 1. None: nothing tells.

    >>> decide_axis((8, 21, 64, 64), path="x.npy", labels=(8, 64, 64))
    Axis(axis=1, evidence='the one that the labels lack')
    """
    axes = range(len(shape))
    if given is not None:
        return Axis(_checked(shape, given, path), "as given")
    fitting = [axis for axis in axes if labels is not None and fits_labels(shape, axis, labels)]
    if len(fitting) == 1:
        return Axis(fitting[0], "the one that the labels lack")
    if sums is None:
        return None
    # Along an axis of length 1 everything is its own sum.
    tried = [axis for axis in (fitting or axes) if 1 < shape[axis] <= _MOST_CLASSES]
    summing = [axis for axis in tried if sums(axis)]
    return Axis(summing[0], "only along it the sums are 1") if len(summing) == 1 else None


def _checked(shape: Shape, given: int, path: str) -> int:
    if not -len(shape) <= given < len(shape):
        raise UsageError(
            f"--class-axis {given}: {path} has shape {shape_text(shape)}; expected an axis from {-len(shape)}"
            f" to {len(shape) - 1}"
        )
    return given % len(shape)


def sums_to_one(sample: Stored) -> bool:
    """Whether most rows of a sample are probabilities, or logarithms of them.

    >>> sums_to_one(np.array([[0.25, 0.75], [0.5, 0.5]])), sums_to_one(np.array([[0.25, 0.25]]))
    (True, False)
    """
    eps = float(np.finfo(sample.dtype).eps) if sample.dtype.kind == "f" else 0.0
    tolerance = max(_LEAST_TOLERANCE, 8.0 * eps)
    x: npt.NDArray[np.float64] = sample.astype(np.float64)
    with np.errstate(all="ignore"):
        inside = ((x >= 0.0) & (x <= 1.0 + tolerance)).all(axis=1)
        below = np.asarray((x <= tolerance).all(axis=1) & (x < 0.0).any(axis=1))
        sums = row_sum(np.where(below[:, None], np.exp(np.minimum(x, tolerance)), x))
        near = np.asarray((inside | below) & (np.abs(sums - 1.0) <= 2.0 * tolerance))
    return bool(2 * near.sum() > len(x))


def unknown_axis(shape: Shape, path: str, labels: tuple[str, Shape] | None) -> InputError:
    """The refusal of an array of which nothing tells where its classes are; ``labels``: the labels' file and shape."""
    hint = "say it: --class-axis AXIS (0 is the first, 1 the second, -1 the last)"
    if labels is None:
        return InputError(
            f"has shape {shape_text(shape)}: which axis holds the classes? There are no labels that tell, and"
            " no single axis along which the sums are 1",
            path=path, hint=hint,
        )  # fmt: skip
    name, theirs = labels
    fitting = [axis for axis in range(len(shape)) if fits_labels(shape, axis, theirs)]
    if not fitting:
        return InputError(
            f"has shape {shape_text(theirs)}, {path} has {shape_text(shape)}; expected that without its class axis",
            path=name, hint=_expected(shape),
        )  # fmt: skip
    return InputError(
        f"has shape {shape_text(shape)}: which axis holds the classes? {name} has its shape without axis"
        f" {_listed(fitting)}", path=path, hint=f"say it: --class-axis {fitting[0]}",
    )  # fmt: skip


def _expected(shape: Shape) -> str:
    shapes = dict.fromkeys(shape_text(without(shape, axis)) for axis in range(len(shape)))
    return f"labels for such an array have one of the shapes {', '.join(shapes)}"


def _listed(axes: Sequence[int]) -> str:
    return ", ".join(map(str, axes[:-1])) + f" or {axes[-1]}"


def check_positions(shape: Shape, axis: int, path: str, theirs: Shape, name: str, *, labels: bool) -> None:
    """Refuse another input whose rows have not the shape of those of the array at ``path``.

    ``theirs`` is the whole shape of labels, else the shape of the other's rows.
    """
    positions = without(shape, axis)
    if fits_labels(shape, axis, theirs) if labels else theirs == positions:
        return
    other = next((i for i in range(len(shape)) if fits_labels(shape, i, theirs)), None)
    raise InputError(
        f"has {'shape' if labels else 'rows of shape'} {shape_text(theirs)}; expected {shape_text(positions)}, which is"
        f" {shape_text(shape)} of {path} without its class axis {axis}", path=name,
        hint=f"are the classes on axis {other}? --class-axis {other}" if other is not None else "",
    )  # fmt: skip
