"""From accumulated figures to a result: the one place where nats become the unit asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from divtool.accumulators.bundle import RowFigures, RowStatistics
from divtool.accumulators.moments import MomentFigures
from divtool.engine.asked import Asked
from divtool.engine.candidates import base_of
from divtool.engine.inputs import ASIDE, KEY_ROLE, Input, Readable
from divtool.engine.naming import SAME_BESIDE
from divtool.engine.plan import Plan
from divtool.engine.state import State
from divtool.errors import InputError
from divtool.formats.source import Header
from divtool.meaning.columns import describe_excluded
from divtool.numerics.exactsum import rounded
from divtool.options import KINDS, Measuring
from divtool.registry import natural
from divtool.result import InputReport, MeasureResult, Shape, WorstRow
from divtool.units import PURE, Unit, unit_of_base


@dataclass(frozen=True)
class Counts:
    """What became of the rows that a measure was to see."""

    rows: int
    ignored: int = 0
    dropped: int = 0
    missing: int = 0


def measure_results(
    plan: Plan, state: State, measuring: Measuring, *, shapes: bool = False
) -> tuple[MeasureResult, ...]:
    """The figures of every measure; ``shapes``: in detail, for charts. Raises :class:`InputError` where no row is
    left to average."""
    measures = [asked for asked in plan.asked if not asked.declared.is_transform]
    if not measures:
        return ()
    figures = [statistics.present() for statistics in state.statistics]
    if measuring.empty == "error":
        for asked, each, dropped in zip(measures, figures, state.dropped, strict=True):
            if not asked.automatic:
                _refuse_nothing(plan, state, asked, each, dropped)
    errors = _clustered_errors(plan, state)
    results = []
    for place, (asked, each) in enumerate(zip(measures, figures, strict=True)):
        counts = Counts(state.rows, state.ignored, state.dropped[place], state.missing)
        result = one_result(plan, asked, each, counts, measuring, **errors[place] if errors else {})
        if shapes:
            result = replace(result, shape=_shape(state.statistics[place], presented(asked, measuring)[1]))
        results.append(result)
    return tuple(results)


def _clustered_errors(plan: Plan, state: State) -> dict[int, dict[str, float | None]]:
    """The standard errors of means over rows that belong together."""
    if plan.cluster is None:
        return {}
    found: dict[int, dict[str, float | None]] = {}
    for places, paired in zip(plan.paired, state.paired, strict=True):
        figures = paired.present()
        found |= {place: {"clustered": figures.std_error(column)} for column, place in enumerate(places)}
    return found


def _shape(statistics: RowStatistics, shown: Callable[[Any], Any]) -> Shape | None:
    """How rows are spread, in the unit of the result."""
    found = statistics.quantiles.shape(shown)
    return Shape(**vars(found)) if found.curve else None


def _refuse_nothing(plan: Plan, state: State, asked: Asked, figures: RowFigures, dropped: int) -> None:
    """Nothing left to average is an error unless another answer was asked for."""
    answer = "; --empty nan or --empty zero answers all the same"
    if state.rows and state.rows == state.missing:
        raise InputError(
            f"nothing is left to average: all {state.rows:,} rows are left out, for empty cells or for their ids",
            path=plan.inputs[0].title, hint="see --missing and --join" + answer,
        )  # fmt: skip
    if plan.rows is not None and not state.rows:
        raise InputError(
            f"has {plan.inputs[0].count():,} rows, none of them among --rows {plan.rows[0]}:",
            path=plan.inputs[0].title, hint="rows are counted from 0",
        )  # fmt: skip
    if state.rows == state.ignored:
        raise InputError(
            f"nothing is left to average: all {state.rows:,} rows are ignored", path=plan.inputs[0].title,
            hint="--ignore-index says which labels are left out" + answer,
        )  # fmt: skip
    if figures.moments.n == 0:
        raise InputError(
            f"nothing is left to average: {asked.declared.name} is infinite in all {dropped:,} rows, which --zeros drop"
            " leaves out", path=plan.inputs[0].title, hint="--zeros inf counts them" + answer,
        )  # fmt: skip
    if figures.moments.share == 0:
        raise InputError(
            "nothing is left to average: the weights of all rows are 0", path=plan.inputs[0].title,
            hint="give the classes or rows that occur a weight above 0" + answer,
        )  # fmt: skip


def one_result(
    plan: Plan, asked: Asked, figures: RowFigures, counts: Counts, measuring: Measuring,
    clustered: float | bool | None = False,
) -> MeasureResult:  # fmt: skip
    """One measure over some rows. ``clustered`` is the standard error over clusters, where there are any."""
    declared, moments, extremes = asked.declared, figures.moments, figures.extremes
    unit, shown = presented(asked, measuring)
    reduction = measuring.reduction if measuring.reduction in ("sum", "numel") else "mean"
    value, error = _figure(plan, moments, reduction)
    if clustered is not False and reduction != "sum":
        error = clustered
    low, high = extremes.smallest, extremes.largest
    nan = float("nan")
    shown_value = shown(value)
    if declared.mean == "geometric" and error is not None:
        # The delta method: the error of an exponential is the exponential times the error.
        error = float(np.exp(value)) * error
    elif error is not None:
        error = shown(error)
    if moments.n == 0 or moments.share == 0:
        shown_value, error = {"zero": 0.0}.get(measuring.empty, nan), None
    return MeasureResult(
        measure=declared.name, title=declared.title, direction=asked.direction, value=shown_value, unit=unit.name,
        reduction="mean" if reduction == "numel" else "geometric mean" if declared.mean == "geometric" else reduction,
        denominator=_denominator(plan, moments, reduction), n=moments.n, rows=counts.rows,
        ignored=counts.ignored, dropped=counts.dropped, missing=counts.missing,
        infinite=moments.infinite, nan=moments.nan,
        finite_mean=shown(moments.finite_mean),
        std_error=error, minimum=shown(low[0].value) if low else nan,
        maximum=shown(high[0].value) if high else nan,
        quantiles={_percent(point): shown(at) for point, at in figures.quantiles.points.items()},
        quantile_bound=figures.quantiles.bound, top_row=high[0].row if high else None,
        worst=tuple(WorstRow(each.row, shown(each.value)) for each in (low if declared.better == "higher" else high)),
        first_infinite=extremes.first_infinite, first_nan=extremes.first_nan, better=declared.better,
        label=asked.label, parameters=asked.parameters, of=_subject(plan, asked),
        candidate=None if asked.candidate is None else plan.candidates[asked.candidate],
        units="rows" if plan.cluster is None else "clusters", automatic=asked.automatic,
    )  # fmt: skip


def _subject(plan: Plan, asked: Asked) -> str | None:
    """The one input that a measure of one distribution speaks of, where the run has more."""
    files = [each for each in plan.inputs if base_of(each.role) in ("p", "q")]
    if len(asked.roles) != 1 or len(files) + plan.labels < 2:
        return None
    return next((each.title for each in files if each.role == asked.roles[0][1]), None)


def _figure(plan: Plan, moments: MomentFigures, reduction: str) -> tuple[float, float | None]:
    """The number and its standard error."""
    if reduction == "sum":
        return moments.sum, None
    if reduction == "numel" and not (moments.nan or moments.infinite or not moments.n):
        # torch's word "mean" for kl_div: over all cells.
        error = moments.std_error
        cells = moments.n * plan.classes
        return rounded(moments.finite_sum / cells), None if error is None else error / plan.classes
    return moments.mean, moments.std_error


def presented(asked: Asked, measuring: Measuring) -> tuple[Unit, Callable[[Any], Any]]:
    """The unit of a measure, and how a number (or an array of them) as it is computed becomes one as it is shown."""
    declared = asked.declared
    if declared.mean == "geometric":
        return PURE, lambda value: value if value is None else _plain(np.exp(value))
    if declared.unit == "nats":
        unit = unit_of_base(measuring.base)
    elif declared.unit == "sqrt(nats)":
        unit = unit_of_base(measuring.base).root
    elif declared.unit == "nats^2":
        unit = unit_of_base(measuring.base).square
    else:
        unit = PURE
    return unit, unit.of_nats


def _plain(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) else float(value)


def _denominator(plan: Plan, moments: MomentFigures, reduction: str) -> tuple[str, float]:
    if reduction == "sum":
        return ("none", 1.0)
    if reduction == "numel":
        return ("cells", float(moments.n * plan.classes))
    weighted = moments.share != moments.n
    return ("sum of weights" if weighted else "rows", rounded(moments.share))


def _percent(point: float) -> str:
    return f"p{100 * point:.10g}"


def input_reports(plan: Plan) -> tuple[InputReport, ...]:
    """Every input as it was understood; columns that group rows are no inputs to speak of."""
    return tuple(input_report(each) for each in plan.inputs if each.role != KEY_ROLE)


def input_report(readable: Readable) -> InputReport:
    """One input as it was understood."""
    given = readable.as_read
    header, columns = given.header, given.columns
    roles = ([given.role] if given.role else []) + (["labels"] if given.labels else [])
    named = columns.label is not None and header.names is not None
    return InputReport(
        path=header.path, format=header.format, dtype=header.dtype, rows=given.count(), columns=header.width,
        roles=tuple(roles), classes=given.width if given.role else None,
        class_names=given.class_names if given.role else None,
        kind=given.kind.name if given.kind else None, evidence=given.kind.evidence if given.kind else None,
        labels=None if given.labels is None else _labels(given), excluded=columns.excluded,
        label_column=header.name(columns.label) if named and columns.label is not None else None,
        id_column=None if columns.id is None else header.name(columns.id),
        arranged=header.arranged, origin=header.origin, shape=header.shape if header.arranged else None,
        class_axis=header.class_axis if header.arranged else None, positions=_positions(header),
    )  # fmt: skip


def _positions(header: Header) -> int | None:
    """Rows that one entry of the first axis has."""
    if not header.arranged or header.class_axis == 0:
        return None
    return math.prod(header.positions[1:])


def _labels(given: Input) -> str:
    assert given.labels is not None
    if given.labels.how == "name":
        return "class names"
    if given.labels.how == "truth":
        return "False and True"
    return "-1 and 1" if given.labels.how == "sign" else f"class indices 0 to {given.labels.classes - 1}"


def _about_matching(plan: Plan) -> list[str]:
    """Where rows or labels were matched by nothing but their place."""
    said = []
    inputs = [each.as_read for each in plan.inputs if each.role not in ASIDE]
    with_ids = [each for each in inputs if each.columns.id is not None]
    names = ", ".join(each.title for each in inputs if each.columns.id is None)
    checked = any(SAME_BESIDE in note for note in plan.notes)
    if len(inputs) > 1 and with_ids and names and not checked:
        which = f"rows of {names}" if plan.by_id else "rows"
        said.append(f"{which} are matched by position: {with_ids[0].title} has ids, {names} has none")
    by_index = any(each.labels is not None and each.labels.how == "index" for each in inputs)
    if by_index:
        said += _out_of_order(inputs[0], "label indices count the columns of")
        said += _in_another_order(inputs)
    if any("classes matched by position" in note for note in plan.notes):
        for each in inputs:
            said += _out_of_order(each, "classes are matched by their position in")
    return said


def _in_another_order(inputs: Sequence[Input]) -> list[str]:
    """Candidates whose columns stand in another order than those that label indices count."""
    named = [each for each in inputs if each.class_names is not None and base_of(each.role) == "q"]
    odd = [each.title for each in named[1:] if each.class_names != named[0].class_names]
    if not odd:
        return []
    return [f"label indices count the columns of {named[0].title}; those of {', '.join(odd)} are in another order"]


def _out_of_order(given: Input, what: str) -> list[str]:
    names = given.class_names
    if names is None or given.role is None:
        return []
    if list(names) == sorted(names, key=natural):
        return []
    shown = ", ".join(f"{i} = {name}" for i, name in enumerate(names[:6]))
    return [f"{what} {given.title}, which are not in order: {shown}"]


# Probabilities were rounded when they were made: so small a difference of one is none.
UNSEEN = 1e-15

# Columns that are left out because of what they are used for, or what was asked for.
_EXPECTED = ("names the rows", "label", "a label by its name", "not asked for", "a saved index")


def warnings(plan: Plan, state: State) -> tuple[str, ...]:
    """What a reader should know before quoting the number."""
    before, after = standing_warnings(plan)
    return tuple(dict.fromkeys((*before, *row_warnings(plan, state), *after)))


def row_warnings(plan: Plan, state: State) -> list[str]:
    """What is to be said of the rows that were scored."""
    said = []
    if state.normalized:
        said.append(f"{_rows(state.normalized)} did not sum to 1 and were divided by their sum ({plan.normalizer})")
    said += _about_missing(plan, state)
    for path, (mass, row) in sorted(state.beyond.items()):
        said.append(
            f"{path}: the classes beyond the first {plan.classes:,} are left out (--vocab); they have at most"
            f" {mass:.2g} of a row's mass (row {-row})"
        )
    return said


def standing_warnings(plan: Plan) -> tuple[list[str], list[str]]:
    """What is to be said of the files, before and behind what is said of their rows."""
    said = []
    kinds = {each.title: each.kind.name for each in plan.inputs
             if each.kind is not None and base_of(each.role) in ("p", "q")}  # fmt: skip
    tables = [title for title, kind in kinds.items() if kind in ("probs", "counts")]
    logs = [title for title, kind in kinds.items() if kind in ("logits", "log-probs")]
    if tables and logs:
        unseen = f": differences below about {UNSEEN:g} per class cannot be seen"
        one, other = KINDS[kinds[tables[0]]], KINDS[kinds[logs[0]]]
        said.append(
            f"one side holds {one}, the other {other}{unseen}" if len(kinds) == 2
            else f"{_listed(tables)} {'holds' if len(tables) == 1 else 'hold'} {one}, {_listed(logs)} {other}{unseen}"
        )  # fmt: skip
    for each in plan.inputs:
        given = each.as_read
        said += [note if note.startswith(given.title) else f"{given.title}: {note}" for note in given.header.notes]
        if given.kind is not None and given.kind.name == "logits" and given.kind.doubt:
            said.append(f"{given.title}: {given.kind.doubt}")
        odd = tuple(pair for pair in given.columns.excluded if pair[1] not in _EXPECTED)
        said += [f"{given.title}: left out as no class: {describe_excluded(odd)}"] if odd else []
    return _about_matching(plan), said


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")


def about_sums(state: State) -> tuple[str, ...]:
    """What was seen of the row sums, where it is worth a word and no warning."""
    if not state.rounded:
        return ()
    return (f"{_rows(state.rounded)} sum to 1 only within the rounding of the decimals",)


def _about_missing(plan: Plan, state: State) -> list[str]:
    """Rows that were left out for an empty cell, or for an id that another file has not."""
    said = []
    for each in plan.inputs:
        if any(each.lost):
            said.append(
                f"ids that only one file has were left out (--join inner): {each.lost[0]:,} of {plan.inputs[0].title},"
                f" {each.lost[1]:,} of {each.title}"
            )
    lost = [each.lost[0] for each in plan.inputs if each.lost[0]]
    empty = state.missing - max(lost, default=0)
    # Ids that one file lacks may be other ones than those that another lacks: then all that is missing is their doing.
    if empty > 0 and (plan.drops_missing or not lost):
        shown = ", ".join(map(str, state.first_missing)) + (", ..." if state.missing > len(state.first_missing) else "")
        said.append(f"{_rows(empty)} with an empty cell left out (--missing drop): {shown}")
    return said


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
