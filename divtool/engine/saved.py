"""The file in which a run is kept: what was computed, from which rows, and all that is known of them (docs/states.md).

A state says everything about its run but the rows, so that a result can be made of it, or of several, without the files
that it came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from divtool import __version__
from divtool.accumulators.saving import saved_groups, saved_pairs, saved_statistics
from divtool.engine.asked import Asked
from divtool.engine.inputs import KEY_ROLE
from divtool.engine.plan import Plan
from divtool.engine.present import input_reports, standing_warnings
from divtool.engine.request import Request
from divtool.engine.state import FIRST, State
from divtool.formats.atomic import whole_file
from divtool.formats.jsonl import plain
from divtool.numerics import kernels
from divtool.result import InputReport, Result

SCHEMA = "divtool-state/1"

Names = dict[int, tuple[str | None, str | None]]


@dataclass(frozen=True)
class Stretch:
    """The files of a run whose rows are known, and which of them: ranges of row numbers in the ``count`` rows of the
    first. ``lost`` are the ids that each file had for itself, ``notes`` how rows and classes were matched, ``before``
    and ``after`` what is to be said of the files before and behind what is said of their rows."""

    inputs: tuple[InputReport, ...]
    lost: tuple[tuple[int, int], ...]
    count: int
    rows: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Saved:
    """A run that is kept. ``run`` says as JSON what it was, ``names`` the ids and labels of the worst rows."""

    run: dict[str, Any]
    stretches: tuple[Stretch, ...]
    state: State
    names: Names


def saved_run(plan: Plan, state: State, request: Request, result: Result) -> Saved:
    """A run as it is kept."""
    before, after = standing_warnings(plan)
    count = plan.inputs[0].count()
    first, stop = (min(bound, count) for bound in plan.rows or (0, count))
    stretch = Stretch(
        input_reports(plan), tuple(each.lost for each in plan.inputs if each.role != KEY_ROLE), count, ((first, stop),),
        plan.notes, tuple(before), tuple(after),
    )  # fmt: skip
    return Saved(_run(plan, request), (stretch,), state, names_in(result))


def names_in(result: Result) -> Names:
    """The ids and labels of its worst rows."""
    return {row.row: (row.id, row.label) for each in result.results for row in each.worst}


def _run(plan: Plan, request: Request) -> dict[str, Any]:
    """What a run was, apart from its rows: all parts of one are the same in it."""
    measuring, comparing = request.measuring, request.comparing
    return {
        "divtool": __version__, "kernels": kernels.FLAVOUR, "command": request.command or request.asked.name,
        "measures": [_measure(each) for each in plan.asked],
        "settings": {name: _json(value) for name, value in request.settings.items() if name != "rows"},
        "base": measuring.base, "reduction": measuring.reduction, "empty": measuring.empty,
        "level": comparing.level, "resamples": comparing.resamples, "seed": comparing.seed,
        "by": [asdict(each) for each in plan.by], "cluster": plan.cluster,
        "candidates": list(plan.candidates), "paired": [list(each) for each in plan.paired], "worst": plan.worst,
        "classes": plan.classes, "class_names": None if plan.names is None else list(plan.names),
        "labels": plan.labels, "normalizer": plan.normalizer,
        "inputs": [side_of(each) for each in input_reports(plan)],
    }  # fmt: skip


def _measure(asked: Asked) -> dict[str, Any]:
    return {
        "measure": asked.declared.name, "options": {name: _json(value) for name, value in asked.keywords.items()},
        "roles": [list(each) for each in asked.roles], "reversed": asked.reversed, "automatic": asked.automatic,
        "candidate": asked.candidate, "plain": asked.plain is not None,
    }  # fmt: skip


def side_of(report: InputReport) -> dict[str, Any]:
    """What an input is, whichever file it is."""
    names = None if report.class_names is None else list(report.class_names)
    return {"roles": list(report.roles), "kind": report.kind, "classes": report.classes, "class_names": names,
            "labels": report.labels, "label_column": report.label_column}  # fmt: skip


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value


def write_state(path: str, saved: Saved) -> None:
    """The state as a file, which appears whole or not at all."""
    document = _document(saved)
    document["sha256"] = digest_of(document)
    encoder, mark = json.JSONEncoder(allow_nan=False), "{"
    with whole_file(path) as stream:
        for name, part in document.items():
            stream.write(f'{mark}\n"{name}": '.encode())
            for piece in encoder.iterencode(part):
                stream.write(piece.encode())
            mark = ","
        stream.write(b"\n}\n")


def _document(saved: Saved) -> dict[str, Any]:
    state = saved.state
    return {
        "schema": SCHEMA,
        "run": saved.run,
        "files": [_json(asdict(each)) for each in saved.stretches],
        "counts": {
            "rows": state.rows, "ignored": state.ignored, "dropped": list(state.dropped),
            "normalized": state.normalized, "rounded": state.rounded, "missing": state.missing,
            "first_missing": sorted(state.first_missing)[:FIRST],
            "beyond": [[path, float(mass).hex(), -row] for path, (mass, row) in sorted(state.beyond.items())],
        },
        "statistics": [saved_statistics(each) for each in state.statistics],
        "groups": [[saved_groups(each) for each in own] for own in state.groups],
        "paired": [saved_pairs(each) for each in state.paired],
        "worst_rows": [[row, *saved.names[row]] for row in sorted(saved.names)],
    }  # fmt: skip


def digest_of(document: Mapping[str, Any]) -> str:
    """The SHA-256 of a document without it, in one form whatever it looked like in the file."""
    total = sha256()
    for piece in json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).iterencode(document):
        total.update(piece.encode())
    return total.hexdigest()


def with_rows(stretch: Stretch, rows: Sequence[tuple[int, int]]) -> Stretch:
    """The same files with these rows known, neighbouring ranges joined.

    >>> one = Stretch((), (), 9, ((0, 2),), (), (), ())
    >>> with_rows(one, [(5, 6), (2, 4), (0, 2)]).rows
    ((0, 4), (5, 6))
    """
    joined: list[tuple[int, int]] = []
    for first, stop in sorted(rows):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((first, stop))
    return replace(stretch, rows=tuple(joined))
