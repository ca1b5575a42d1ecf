"""From accumulated figures to a result: the one place where nats become the unit asked for."""

from __future__ import annotations

from divtool.accumulators.bundle import RowFigures
from divtool.accumulators.moments import MomentFigures
from divtool.engine.fold import State
from divtool.engine.inputs import Input, Readable
from divtool.engine.plan import Asked, Plan
from divtool.errors import InputError
from divtool.meaning.classes import natural
from divtool.meaning.columns import describe_excluded
from divtool.numerics.exactsum import rounded
from divtool.result import InputReport, MeasureResult, WorstRow
from divtool.units import PURE, Unit


def measure_results(plan: Plan, state: State, unit: Unit, reduction: str) -> tuple[MeasureResult, ...]:
    """The figures of every measure. Raises :class:`InputError` where no row is left to average."""
    measures = [asked for asked in plan.asked if not asked.declared.is_transform]
    if measures and state.rows == state.ignored:
        raise InputError(
            f"nothing is left to average: all {state.rows:,} rows are ignored", path=plan.inputs[0].title,
            hint="--ignore-index says which labels are left out",
        )  # fmt: skip
    figures = [statistics.present() for statistics in state.statistics]
    if any(each.moments.share == 0 for each in figures):
        raise InputError(
            "nothing is left to average: the class weights of all rows are 0", path=plan.inputs[0].title,
            hint="give the classes that occur a --class-weight above 0",
        )  # fmt: skip
    return tuple(_one(asked, each, state, unit, reduction) for asked, each in zip(measures, figures, strict=True))


def _one(asked: Asked, figures: RowFigures, state: State, unit: Unit, reduction: str) -> MeasureResult:
    declared, moments, extremes = asked.declared, figures.moments, figures.extremes
    if declared.unit != "nats":
        unit = PURE
    shown = unit.of_nats
    value = moments.sum if reduction == "sum" else moments.mean
    error = moments.std_error if reduction != "sum" else None
    low, high = extremes.smallest, extremes.largest
    nan = float("nan")
    return MeasureResult(
        measure=declared.name, title=declared.title, direction=declared.direction, value=shown(value), unit=unit.name,
        reduction=reduction, denominator=_denominator(moments, reduction), n=moments.n, rows=state.rows,
        ignored=state.ignored, infinite=moments.infinite, nan=moments.nan, finite_mean=shown(moments.finite_mean),
        std_error=None if error is None else shown(error), minimum=shown(low.value) if low else nan,
        maximum=shown(high[0].value) if high else nan,
        quantiles={_percent(point): shown(at) for point, at in figures.quantiles.points.items()},
        quantile_bound=figures.quantiles.bound, worst=tuple(WorstRow(each.row, shown(each.value)) for each in high),
        first_infinite=extremes.first_infinite, first_nan=extremes.first_nan, better=declared.better,
    )  # fmt: skip


def _denominator(moments: MomentFigures, reduction: str) -> tuple[str, float]:
    if reduction == "sum":
        return ("none", 1.0)
    weighted = moments.share != moments.n
    return ("sum of weights" if weighted else "rows", rounded(moments.share))


def _percent(point: float) -> str:
    return f"p{100 * point:.10g}"


def input_reports(plan: Plan) -> tuple[InputReport, ...]:
    """Every input as it was understood."""
    return tuple(_report(each) for each in plan.inputs)


def _report(readable: Readable) -> InputReport:
    given = readable.as_read
    header, columns = given.header, given.columns
    roles = ([given.role] if given.role else []) + (["labels"] if given.labels else [])
    named = columns.label is not None and header.names is not None
    return InputReport(
        path=header.path, format=header.format, dtype=header.dtype, rows=readable.count(), columns=header.width,
        roles=tuple(roles), classes=len(columns.classes) if given.role else None,
        class_names=_class_names(given) if given.role and header.names is not None else None,
        kind=given.kind.name if given.kind else None, evidence=given.kind.evidence if given.kind else None,
        labels=None if given.labels is None else _labels(given), excluded=columns.excluded,
        label_column=header.name(columns.label) if named and columns.label is not None else None,
        id_column=None if columns.id is None else header.name(columns.id),
    )  # fmt: skip


def _class_names(given: Input) -> tuple[str, ...]:
    """The classes in the order of the file, which is what label indices count."""
    return tuple(given.header.name(column) for column in given.columns.classes)


def _labels(given: Input) -> str:
    assert given.labels is not None
    return "class names" if given.labels.how == "name" else f"class indices 0 to {given.labels.classes - 1}"


def _about_matching(plan: Plan) -> list[str]:
    """Where rows or labels were matched by nothing but their place."""
    said = []
    inputs = [each.as_read for each in plan.inputs]
    with_ids = [each for each in inputs if each.columns.id is not None]
    if len(inputs) > 1 and with_ids and not plan.by_id:
        names = ", ".join(each.title for each in inputs if each.columns.id is None)
        said.append(f"rows are matched by position: {with_ids[0].title} has ids, {names} has none")
    by_index = any(each.labels is not None and each.labels.how == "index" for each in inputs)
    if by_index:
        said += _out_of_order(inputs[0], "label indices count the columns of")
    if any("classes matched by position" in note for note in plan.notes):
        for each in inputs:
            said += _out_of_order(each, "classes are matched by their position in")
    return said


def _out_of_order(given: Input, what: str) -> list[str]:
    if given.header.names is None or given.role is None:
        return []
    names = _class_names(given)
    if list(names) == sorted(names, key=natural):
        return []
    shown = ", ".join(f"{i} = {name}" for i, name in enumerate(names[:6]))
    return [f"{what} {given.title}, which are not in order: {shown}"]


# Columns that are left out because of what they are used for, or what was asked for.
_EXPECTED = ("names the rows", "label", "not asked for", "a saved index")


def warnings(plan: Plan, state: State) -> tuple[str, ...]:
    """What a reader should know before quoting the number."""
    said = _about_matching(plan)
    if state.normalized:
        said.append(f"{_rows(state.normalized)} did not sum to 1 and were divided by their sum (--normalize)")
    if state.rounded:
        said.append(f"{_rows(state.rounded)} summed to 1 only within the rounding of the decimals")
    kinds = {each.kind.name for each in plan.inputs if each.kind is not None and each.role in ("p", "q")}
    if len(kinds & {"probs"}) and len(kinds) > 1:
        said.append(
            "one side holds probabilities, the other logits: differences below about 1e-15 per class cannot be seen"
        )
    for each in plan.inputs:
        given = each.as_read
        said += given.header.notes
        if given.kind is not None and given.kind.name == "logits" and given.kind.doubt:
            said.append(f"{given.title}: {given.kind.doubt}")
        odd = tuple(pair for pair in given.columns.excluded if pair[1] not in _EXPECTED)
        said += [f"{given.title}: left out as no class: {describe_excluded(odd)}"] if odd else []
    return tuple(said)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
