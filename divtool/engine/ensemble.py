"""``ensemble``: what is asked of its members, which are a file each or lie along an axis of one array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from divtool.engine.arrays import with_class_axes
from divtool.engine.operands import Opened, open_one
from divtool.engine.request import Request, declared, request_of
from divtool.errors import UsageError
from divtool.formats.member_axis import axis_of, member_sources
from divtool.measures.declare import Declaration
from divtool.options import Reading

LEADING = "predictive-entropy"
USUAL = ("expected-entropy", "js-members", "disagreement")
_WEIGHED = ("expected-entropy", "js-members")


def ensemble_request(operands: Sequence[Any], options: Mapping[str, Any]) -> Request:
    """The request of an ensemble: its usual measures, and what else is asked for; weights weigh in all of them."""
    return replace(request_of(declared(LEADING), operands, ensemble_options(options)), command="ensemble")


def ensemble_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the leading measure that ask for the usual ones too, unless one number is wanted.

    >>> ensemble_options({"weights": "1,2"})["measure"]
    ('expected-entropy:weights=1/2', 'js-members:weights=1/2', 'disagreement')
    """
    given = options.get("measure") or ()
    more = (given,) if isinstance(given, str) else tuple(given)
    weights = options.get("weights") or ""
    # A comma stands between measures.
    text = ("/".join(map(str, weights)) if isinstance(weights, list | tuple) else str(weights)).replace(",", "/")
    usual = tuple(f"{name}:weights={text}" if text and name in _WEIGHED else name for name in USUAL)
    changed = {"weights": text} if text else {}
    # One number is wanted: the others are measured for a threshold, or written by row.
    wanted = any(options.get(name) for name in ("fail_if", "per_row", "save_state"))
    alone = options.get("quiet") and not wanted
    return {**options, **changed, "measure": more if alone else (*usual, *more)}


def members_along_axis(verb: Declaration, operands: Sequence[Any], reading: Reading) -> list[Opened]:
    """The one operand as many: member0, member1, ... along ``reading.member_axis``. The class axis, if it is given, is
    one of the whole array.

    Raises :class:`UsageError` where there is more than one file, or it is no array with such axes.
    """
    assert reading.member_axis is not None
    if len(operands) != 1:
        raise UsageError(
            f"--member-axis says where one array holds the members; there are {len(operands)} files",
            hint="without it every file is a member",
        )
    operand = verb.operands[-1]
    whole = open_one(replace(operand, role=f"{operand.role}0"), operands[0], reading)
    members = member_sources(whole.source, reading.member_axis)
    opened = [
        replace(whole, operand=replace(operand, role=f"{operand.role}{i}"), source=each)
        for i, each in enumerate(members)
    ]
    return with_class_axes(opened, _class_axis(whole, reading))


def _class_axis(whole: Opened, reading: Reading) -> int | None:
    """The class axis among those that are left when the member axis is gone."""
    shape, given = whole.header.shape or (), reading.class_axis
    if given is None:
        return None
    own, members = (
        axis_of(axis, shape, flag) for axis, flag in ((given, "--class-axis"), (reading.member_axis or 0, ""))
    )
    if own == members:
        raise UsageError(f"--class-axis {given} and --member-axis {reading.member_axis} name the same axis")
    return own - (own > members)
