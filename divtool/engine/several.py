"""What a result says besides its measures: groups of rows, which candidate is best, the worst rows by name, gates."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from divtool.accumulators.moments import MomentFigures
from divtool.engine.asked import Asked
from divtool.engine.candidates import base_of
from divtool.engine.plan import Plan
from divtool.engine.present import UNSEEN, Counts, one_result, presented
from divtool.engine.request import Request
from divtool.engine.state import State
from divtool.formats.keys import Keys
from divtool.numerics.exactsum import rounded
from divtool.options import Measuring
from divtool.registry import natural
from divtool.result import MeasureResult, Result, Verdict, WorstRow


def completed(
    result: Result, plan: Plan, state: State, request: Request, named: Callable[[WorstRow], WorstRow] | None = None
) -> Result:
    """The result with all that was asked for. ``named`` gives a row its id and label; without it they are read again
    where they stand."""
    if plan.by:
        result = replace(result, groups=group_results(plan, state, request.measuring))
        if plan.cluster is not None:
            said = f'groups have no standard errors: "{plan.cluster}" tells which of all rows belong together'
            result = replace(result, warnings=(*result.warnings, said))
    if plan.candidates and plan.paired and len(plan.paired[0]) > 1:
        result = replace(result, verdict=_verdict(result, plan, state, request))
    if request.writing.worst > 1:
        name = named or partial(_worst, plan)
        result = replace(
            result, results=tuple(replace(each, worst=tuple(map(name, each.worst))) for each in result.results)
        )
    if request.writing.fail_if:
        from divtool.engine.gates import judged, parse_gates

        result = replace(result, gates=judged(parse_gates(request.writing.fail_if), result.results))
    return result


def group_results(plan: Plan, state: State, measuring: Measuring) -> tuple[MeasureResult, ...]:
    """The measures over each group of rows, groups in natural order (classes in theirs), measures in that of the run;
    what nobody asked for is left out."""
    found = []
    for by, grouped in zip(plan.by, state.groups, strict=True):
        figures = [each.present() for each in grouped]
        names = sorted({name for each in figures for name in each}, key=natural)
        if by.how in ("label", "prediction") and plan.names is not None:
            names = [name for name in plan.names if name in names]
        for name in names:
            for asked, own in zip(plan.asked, figures, strict=True):
                if name in own and not asked.automatic:
                    counts = Counts(own[name].moments.n)
                    # Clusters are counted over all rows: a group's error is left out, not made of single rows.
                    errors = {} if plan.cluster is None else {"clustered": None}
                    one = one_result(plan, asked, own[name], counts, measuring, **errors)
                    found.append(replace(one, by=by.name, group=name))
    return tuple(found)


def _verdict(result: Result, plan: Plan, state: State, request: Request) -> Verdict | None:
    # Imported when it is needed: most runs score one file.
    from divtool.engine.verdict import verdict_of

    places = plan.paired[0]
    asked = plan.asked[places[0]]
    shown = _differences_shown(plan, asked, state.statistics[places[0]].present().moments, request.measuring)
    reference = next((each.title for each in plan.inputs if each.role == "p"), None)
    return verdict_of(
        asked, [result.results[place] for place in places], state.paired[0].present(), request.comparing, shown,
        None if reference is None else os.path.basename(reference), _noise(result, plan),
    )  # fmt: skip


def _noise(result: Result, plan: Plan) -> float:
    """The difference of two rows below which nothing can be told: where one side was rounded to probabilities."""
    kinds = {each.kind for each in result.inputs if each.roles and base_of(each.roles[0]) in ("p", "q")}
    mixed = kinds & {"probs", "counts"} and kinds & {"logits", "log-probs"}
    return UNSEEN * plan.classes if mixed else 0.0


def _differences_shown(
    plan: Plan, asked: Asked, moments: MomentFigures, measuring: Measuring
) -> Callable[[float], float]:
    """How a difference of means becomes one of what is shown: in its unit, of sums, or over all cells."""
    if asked.declared.mean == "geometric":
        return float
    of_unit = presented(asked, measuring)[1]
    if measuring.reduction == "sum":
        return lambda value: float(of_unit(value * rounded(moments.share)))
    cells = plan.classes if measuring.reduction == "numel" else 1
    return lambda value: float(of_unit(value / cells))


def _worst(plan: Plan, each: WorstRow) -> WorstRow:
    leader = plan.inputs[0].as_read
    id_ = None
    if leader.columns.id is not None:
        slab = next(iter(leader.ids_only().slabs(leader.locate(each.row, each.row + 1), 1 << 16)), None)
        ids: Keys | None = None if slab is None else slab.ids
        id_ = None if ids is None or not len(ids) else ids.text(0)
    return replace(each, id=id_, label=_label(plan, each.row))


def _label(plan: Plan, row: int) -> str | None:
    for given in plan.inputs:
        if given.as_read.labels is not None:
            slab = next(iter(given.slabs(given.locate(row, row + 1), 1 << 16)), None)
            if slab is None or slab.codes is None or not slab.codes.size or slab.codes[0] < 0:
                return None
            code = int(slab.codes[0])
            return str(code) if plan.names is None else plan.names[code]
    return None
