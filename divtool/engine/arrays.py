"""Operands that are arrays of more than two dimensions: their class axes found, their positions made rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from divtool.errors import InputError, UsageError
from divtool.formats.source import FLOAT, Arranged, Selection, Stored
from divtool.meaning.axes import (
    Axis,
    Shape,
    check_positions,
    decide_axis,
    fits_labels,
    shape_text,
    sums_to_one,
    unknown_axis,
    without,
)

if TYPE_CHECKING:
    from divtool.engine.operands import Opened

_SAMPLE_ROWS, _SAMPLE_BYTES = 4096, 1 << 20
# So many of the first cells can be probabilities, or logarithms of them, where an array holds such.
_MOST = 0.9


def with_class_axes(opened: Sequence[Opened], given: int | None) -> list[Opened]:
    """The operands with every array's rows along its class axis, and labels as one row for each position.

    Arrays of rows by columns stay what they are unless an axis is given. Raises :class:`InputError` where no evidence
    names the axis, or where shapes do not agree.
    """
    tables = [each for each in opened if _is_table(each)]
    if given is not None and not any(_dimensions(each) > 1 for each in tables):
        raise UsageError(
            f"--class-axis {given} is for arrays of two dimensions or more; {_only([e.header.path for e in opened])}"
        )
    if given is None and all(_dimensions(each) <= 2 for each in opened):
        return list(opened)
    labels = [each for each in opened if not _is_table(each) and _is_hard(each, tables)]
    axes = _axes([each for each in opened if each not in labels], labels, given)
    _check(opened, tables, labels, axes)
    return [_arranged(each, labels, axes, many=max(map(_dimensions, opened)) > 2) for each in opened]


def _only(paths: Sequence[str]) -> str:
    return f"{paths[0]} is none" if len(paths) == 1 else "none of the inputs is one"


def _is_table(each: Opened) -> bool:
    return not each.is_truth and "signs" not in each.operand.kinds


def _dimensions(each: Opened) -> int:
    return len(each.header.shape or ())


def _is_hard(truth: Opened, tables: Sequence[Opened]) -> bool:
    """Whether the truth is a label for each position, not a distribution; tables beside arrays are no arrays."""
    shape = truth.header.shape
    if shape is None or "signs" in truth.operand.kinds or not tables:
        return True
    floats = len(truth.header.types) > 0 and truth.header.types[0] == FLOAT
    theirs = tables[0].header.shape
    if theirs is None:
        return not floats
    if shape == theirs:
        return False
    kept = any(fits_labels(theirs, axis, shape) for axis in range(len(theirs)))
    return kept or not (floats and len(shape) == len(theirs))


def _axes(arrays: Sequence[Opened], labels: Sequence[Opened], given: int | None) -> dict[str, Axis]:
    """The class axis of each array, by its role, that has one to be found."""
    wanted = [each for each in arrays if _dimensions(each) > 2 or (given is not None and _dimensions(each) == 2)]
    beside = next(((each.header.path, each.header.shape) for each in labels if each.header.shape is not None), None)
    found: dict[str, Axis] = {}
    for each in wanted:
        axis = decide_axis(
            each.header.shape or (), path=each.header.path, given=given,
            labels=beside[1] if beside is not None and _is_table(each) else None,
            sums=partial(_sums, each) if given is None and _may_sum(each) else None,
        )  # fmt: skip
        if axis is not None:
            found[each.operand.role] = axis
    return {each.operand.role: _agreed(each, wanted, found, beside) for each in wanted}


def _agreed(each: Opened, wanted: Sequence[Opened], found: dict[str, Axis], labels: tuple[str, Shape] | None) -> Axis:
    """The axis found for an array, else that of another of its shape, else the one that leaves another's positions."""
    shape, own = each.header.shape or (), found.get(each.operand.role)
    known = [(other, other.header.shape or (), found[other.operand.role]) for other in wanted
             if other is not each and other.operand.role in found]  # fmt: skip
    for other, theirs, axis in known:
        if theirs == shape and own is not None and own.axis != axis.axis:
            raise _contradiction(each, own, other, axis)
        if theirs == shape and own is None:
            return Axis(axis.axis, f"as in {other.header.path}")
    for other, theirs, axis in known if own is None else []:
        left = decide_axis(shape, path=each.header.path, labels=without(theirs, axis.axis))
        if left is not None:
            return Axis(left.axis, f"without it the shape is that of the rows of {other.header.path}")
    if own is None:
        raise unknown_axis(shape, each.header.path, labels)
    return own


def _contradiction(each: Opened, own: Axis, other: Opened, theirs: Axis) -> InputError:
    return InputError(
        f"the classes seem to be on axis {own.axis} ({own.evidence}), in {other.header.path} on axis {theirs.axis}"
        f" ({theirs.evidence}), though both have shape {shape_text(each.header.shape or ())}",
        path=each.header.path, hint=f"say it for both: --class-axis {own.axis}",
    )  # fmt: skip


def _check(opened: Sequence[Opened], tables: Sequence[Opened], labels: Sequence[Opened], axes: dict[str, Axis]) -> None:
    """The positions of all arrays must have one shape."""
    leader = next((each for each in tables if _dimensions(each) > 1), None)
    if leader is None or max(map(_dimensions, opened)) <= 2:
        return
    shape, axis = leader.header.shape or (), _axis_of(leader, axes)
    for each in opened:
        if each is leader or each.header.shape is None:
            continue
        theirs: Shape = each.header.shape
        if each not in labels:
            own = _axis_of(each, axes)
            theirs = without(theirs, own) if len(theirs) > 1 else theirs
        check_positions(shape, axis, leader.header.path, theirs, each.header.path, labels=each in labels)


def _axis_of(each: Opened, axes: dict[str, Axis]) -> int:
    found = axes.get(each.operand.role)
    return 1 if found is None else found.axis


def _arranged(each: Opened, labels: Sequence[Opened], axes: dict[str, Axis], *, many: bool) -> Opened:
    shape, source = each.header.shape, cast(Arranged, each.source)
    if shape is None:
        return each
    if each in labels:
        if not many or len(shape) < 2:
            return each
        said = f"one label for each position of {shape_text(shape)}"
        return replace(each, source=source.with_class_axis(None, said))
    axis = axes.get(each.operand.role)
    if axis is None:
        return each
    said = f"classes on axis {axis.axis} of {shape_text(shape)}: {axis.evidence}"
    return replace(each, source=source.with_class_axis(axis.axis, said))


def _may_sum(each: Opened) -> bool:
    """Whether probabilities may stand there, and the first cells may be some: most are within 0 and 1, or none above
    0 if they are logarithms."""
    if "probs" not in each.operand.kinds:
        return False
    cells = _sample(each, None)
    if not cells.size or cells.dtype.kind not in "fiub":
        return False
    x = cells.astype(np.float64)
    return bool(max(((x >= 0.0) & (x <= 1.001)).mean(), (x <= 0.001).mean()) > _MOST)


def _sums(each: Opened, axis: int) -> bool:
    sample = _sample(each, axis)
    return bool(sample.size) and sums_to_one(sample)


def _sample(each: Opened, axis: int | None) -> Stored:
    source = cast(Arranged, each.source).with_class_axis(axis, "")
    width = source.header.width
    rows = max(2, min(_SAMPLE_ROWS, _SAMPLE_BYTES // (8 * max(1, width))))
    blocks = source.blocks(source.locate(0, rows), Selection(range(width)), 8 * rows * max(1, width))
    return next((block.matrix for block in blocks), np.empty((0, width)))
