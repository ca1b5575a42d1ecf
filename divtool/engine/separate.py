"""Files that share nothing: each is scored by a run of its own, and the results stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from divtool.engine.candidates import FEWEST, short_names
from divtool.engine.operands import named_files, open_one
from divtool.engine.request import Request
from divtool.errors import UsageError
from divtool.formats.source import FLOAT, INTEGER
from divtool.meaning.ids import id_like
from divtool.options import Comparing, fields_of, flag_of
from divtool.result import InputReport, MeasureResult, Result


def runs_apart(request: Request) -> list[Request] | None:
    """A request for each file where there are several that share neither a reference nor labels: of a measure of one
    distribution, or of losses whose labels lie beside each file's predictions. None for an ordinary run."""
    asked = request.asked
    if asked.is_transform or asked.operands[-1].many or request.reading.member_axis is not None:
        return None
    alone = len(asked.operands) == 1
    inside = asked.roles == ("q", "target") and request.reading.label_col is not None
    if not (alone or inside):
        return None
    files = named_files(request.operands, request.reading)
    if len(files) < FEWEST:
        return None
    _check(request)
    if inside and len(files) == FEWEST:
        _refuse_labels_file(files, request)
    return [replace(request, operands=[each], writing=replace(request.writing, fail_if=())) for each in files]


def _refuse_labels_file(files: Sequence[Any], request: Request) -> None:
    """Refuse predictions and labels where --label-col names a column of the labels file."""
    named = request.reading.label_col
    assert named is not None
    first, second = (open_one(request.asked.operands[0], each, request.reading).header for each in files)
    label = second.find(named)
    numbers = [place for place, kind in enumerate(second.types) if kind in (FLOAT, INTEGER)]
    bare = all(place == label or id_like(second.name(place)) for place in numbers)
    if label is not None and (bare or first.find(named) is None):
        raise UsageError(
            "the labels come from a file of their own or from --label-col, not from both",
            hint=f"to name the column of the labels file, write {second.path}:{named}",
        )


def _check(request: Request) -> None:
    why = "the files are scored one by one, for they share no labels and no reference"
    for each in fields_of(Comparing):
        if each.name in ("level", "resamples", "seed") and getattr(request.comparing, each.name) != each.default:
            raise UsageError(f"{flag_of(each)} speaks of differences over the same rows; {why}")
    if request.gives_rows or request.writing.per_row:
        raise UsageError(f"--per-row and --reduction none write the rows of one run; {why}", hint="run them one by one")
    if request.writing.save_state is not None:
        raise UsageError(f"--save-state keeps one run; {why}", hint="run them one by one")


def together(request: Request, results: Sequence[Result]) -> Result:
    """The results of several files as one, each with the name of its file."""
    from divtool.engine.gates import judged, parse_gates
    from divtool.engine.verdict import verdict_of

    names = short_names([each.inputs[0].path for each in results])
    found = tuple(_as(name, one) for name, each in zip(names, results, strict=True) for one in each.results)
    own = request.measures[0]
    first = [_as(name, each.results[0]) for name, each in zip(names, results, strict=True)]
    warnings = [f"{name}: {said}" for name, each in zip(names, results, strict=True) for said in each.warnings]
    return replace(
        results[0], results=found, candidates=names, inputs=_with_own_roles(results),
        matched=tuple(dict.fromkeys(note for each in results for note in each.matched)),
        warnings=tuple(_told_once(warnings, results)), rows=sum(each.rows for each in results),
        groups=tuple(_as(name, one) for name, each in zip(names, results, strict=True) for one in each.groups),
        verdict=verdict_of(own, first, None, request.comparing),
        gates=judged(parse_gates(request.writing.fail_if), found) if request.writing.fail_if else (),
    )  # fmt: skip


def _told_once(warnings: Sequence[str], results: Sequence[Result]) -> list[str]:
    """Warnings that every file has are told once."""
    common = set.intersection(*(set(each.warnings) for each in results))
    shared = [said for said in results[0].warnings if said in common]
    return shared + [each for each in warnings if each.partition(": ")[2] not in common]


def _as(name: str, result: MeasureResult) -> MeasureResult:
    return replace(result, candidate=name)


def _with_own_roles(results: Sequence[Result]) -> tuple[InputReport, ...]:
    """The inputs of all runs, whose roles are numbered as those of several candidates are."""
    return tuple(
        replace(report, roles=tuple(role + (str(place) if place else "") for role in report.roles))
        for place, each in enumerate(results) for report in each.inputs
    )  # fmt: skip
