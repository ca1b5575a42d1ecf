"""Which simple distribution loses least: a screenful with a chart for people, records for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.findings import FitResult, FittedModel
from divtool.reports.bars import drawn_bars
from divtool.reports.plain import input_record
from divtool.reports.records import document, report
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, number
from divtool.result import InputReport

_SAID = {"probs": "probabilities"}
# The columns in the order in which they are left out where a screen is too narrow.
_LEAST_WANTED = ("in bits", "in nats", "reverse", "BIC", "AIC")
_NARROWEST, _GAP = 80, 2
# What gives way before a column does: digits of parameters.
_FEWER_DIGITS = 4
_FEW = 3
_FEWEST_ALIKE = 2
# Smaller p-values are no doubles with all their digits.
_LEAST_P = 1e-300


def render_fit(
    result: FitResult, form: str, *, digits: int = 7, terminal: bool = False, ascii_only: bool = False
) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`; ``ascii_only``: the chart has no other signs.

    ``digits``, ``terminal`` and ``ascii_only`` matter to the table alone.
    """
    if form == "table":
        return drawn(lambda width: _pieces(result, digits, width, ascii_only=ascii_only), terminal=terminal)
    if form == "json":
        return _as_json(result)
    records = [_record(each, result) for each in result.models]
    return report(records, form, title="Which simple distribution loses least", inputs=result.inputs,
                  notes=result.notes)  # fmt: skip


def _record(each: FittedModel, result: FitResult) -> dict[str, object]:
    parameters = "; ".join(f"{name}={value!r}" for name, value in each.parameters.items())
    return {
        "family": each.name, "loss": each.loss, "unit": result.unit, "loss_nats": each.loss_nats,
        "loss_bits": each.loss_bits, "reverse": each.reverse, "parameters": parameters,
        "fixed": " ".join(each.fixed), "free": each.free, "log_likelihood": each.log_likelihood, "aic": each.aic,
        "bic": each.bic, "expected": each.expected, "p_value": each.p_value, "log10_p_value": each.log10_p_value,
        "degrees_of_freedom": each.degrees_of_freedom, "rough": each.rough,
        "infinite_at": each.infinite_at, "reverse_infinite_at": each.reverse_infinite_at,
        "loss_bound": each.loss_bound, "cases": result.cases, "notes": "; ".join(each.notes),
    }  # fmt: skip


def _as_json(result: FitResult) -> str:
    observed = {
        "cases": result.cases, "outcomes": result.outcomes, "support": list(result.support),
        "support_given": result.support_given, "mean": result.mean, "variance": result.variance,
        "entropy": result.entropy,
    }  # fmt: skip
    return document(
        result.version, "fit", settings=dict(result.settings), inputs=_inputs(result.inputs),
        unit=result.unit, observed=observed, results=[_model(each) for each in result.models],
        chart=[asdict(each) for each in result.chart], notes=list(result.notes),
    )  # fmt: skip


def _inputs(inputs: Sequence[InputReport]) -> dict[str, object]:
    """What was observed, and the models of the user's own in their order."""
    names = ["observed", *(f"model {i}" for i in range(1, len(inputs)))]
    return {name: input_record(each) for name, each in zip(names, inputs, strict=True)}


def _model(each: FittedModel) -> dict[str, object]:
    said = asdict(each)
    return {"family": said.pop("name"), **said}


def _pieces(result: FitResult, digits: int, width: int, *, ascii_only: bool) -> list[RenderableType]:
    pieces: list[RenderableType] = [Text(_input(each)) for each in result.inputs]
    pieces += [Text(_about(result, digits), "dim"), Text(""), _headline(result, digits), *_verdict(result), Text("")]
    table, left_out = _models(result, digits, width)
    said = [f"not shown: {_listed(left_out)} (a wider screen, or -f tsv)"] if left_out else []
    pieces.append(table)
    pieces += [Text(f"{safe(line, 400)}", "dim") for line in [*said, *_notes(result, "reverse" not in left_out)]]
    if result.chart:
        best = safe(result.best.title, 40)
        pieces += [Text(""), *map(Text, drawn_bars(result.chart, best, min(width, _NARROWEST), ascii_only=ascii_only))]
    return pieces


def _input(each: InputReport) -> str:
    role = "model" if each.roles == ("q",) else "observed"
    what = f"{each.format} ({safe(each.origin, 60)})" if each.origin else each.format
    rows = f"{each.rows:,} row{'' if each.rows == 1 else 's'}"
    kind = _SAID.get(each.kind or "", each.kind or "")
    return f"{role}  {safe(each.path, 60)}  {what}, {rows}  {kind}: {safe(each.evidence or '', 120)}"


def _about(result: FitResult, digits: int) -> str:
    first, last = result.support
    support = "as given" if result.support_given else "the least and the greatest listed"
    cases = "" if result.cases is None else f"{result.cases:,} cases; "
    return (
        f"{cases}outcomes {first} to {last} ({support}), mean {number(result.mean, digits)}, variance"
        f" {number(result.variance, digits)}, entropy {number(result.entropy, digits)} {result.unit}"
    )


def _headline(result: FitResult, digits: int) -> Text:
    best = result.best
    if best.loss == float("inf"):
        return Text("Every model is infinitely far from what was observed")
    also = [each for each in result.models[1:] if each.loss == best.loss]
    name = " and ".join(safe(each.title, 40) for each in (best, *also[:2]))
    text = Text(f"{name} {'lose' if also else 'loses'} least", "bold")
    text.append("   KL(observed || model) ", "not bold")
    text.append(number(best.loss, digits), "bold cyan")
    return text.append(f" {result.unit}", "not bold")


def _verdict(result: FitResult) -> list[Text]:
    """Whether the model that loses least describes what was counted."""
    best, cases = result.best, result.cases
    if cases is None or best.loss == float("inf"):
        return []
    if not best.degrees_of_freedom:
        return [Text("As many parameters as there is to describe: nothing is left to test whether it fits", "dim")]
    if best.expected is None:
        return [Text("There are too few cases to test whether it fits: fewer than cells", "dim")]
    degrees = f"{best.degrees_of_freedom:,} degree{'' if best.degrees_of_freedom == 1 else 's'} of freedom"
    return [
        Text(
            f"If {safe(best.title, 40)} were true, {cases:,} case{'' if cases == 1 else 's'} would lose"
            f" {number(best.expected, _FEW)} {result.unit} by chance on average: p {'' if best.rough else '= '}"
            f"{_chance(best)} (G-test, {degrees}{'; rough: many cells expect few cases' if best.rough else ''})"
        )
    ]


def _chance(each: FittedModel) -> str:
    """The p-value, with a sign before it where it is rough."""
    if each.p_value is None or each.log10_p_value is None:
        return ""
    tiny = each.p_value <= _LEAST_P and each.log10_p_value > -float("inf")
    return "~" * bool(each.rough) + (f"10^{each.log10_p_value:.1f}" if tiny else number(each.p_value, _FEW))


def _models(result: FitResult, digits: int, width: int) -> tuple[Table, list[str]]:
    """A line for each model; columns that do not fit are left out, never cut, and named."""
    rows = [_line(each, result, digits, min(digits, 6)) for each in result.models]
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    if _alike_in_reverse(result) is not None:
        shown.remove("reverse")
    left_out: list[str] = []
    for name in _LEAST_WANTED:
        if _width(rows, shown) <= width:
            break
        if name in shown:
            shown.remove(name)
            left_out.append(name)
    if _width(rows, shown) > width:
        rows = [_line(each, result, digits, min(digits, _FEWER_DIGITS)) for each in result.models]
    left_out.sort(key=[*rows[0]].index)
    return _table(rows, shown), left_out


def _width(rows: Sequence[Mapping[str, str]], shown: Sequence[str]) -> int:
    return sum(max(len(one), *(len(row[one]) for row in rows)) + _GAP for one in shown) - _GAP


def _table(rows: Sequence[Mapping[str, str]], shown: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        left = name in ("family", "parameters")
        table.add_column(name, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[name], "bold cyan" if name == "loss" else "") for name in shown))
    return table


def _line(each: FittedModel, result: FitResult, digits: int, few: int) -> dict[str, str]:
    other = ("in bits", each.loss_bits) if result.unit != "bits" else ("in nats", each.loss_nats)
    parameters = ", ".join(
        f"{name} {_parameter(value, few)}{' (given)' if name in each.fixed else ''}"
        for name, value in each.parameters.items()
    )

    def shown(value: float | None, most: int) -> str:
        return "" if value is None else number(value, most)

    return {
        "family": safe(each.name, 24), "parameters": parameters, "loss": number(each.loss, digits),
        "by chance": shown(each.expected, _FEW), "p": _chance(each), other[0]: number(other[1], digits),
        "reverse": shown(each.reverse, min(digits, 6)), "AIC": shown(each.aic, digits + 1),
        "BIC": shown(each.bic, digits + 1),
    }  # fmt: skip


def _parameter(value: float | int, digits: int) -> str:
    return str(value) if isinstance(value, int) else number(value, digits)


def _alike_in_reverse(result: FitResult) -> str | None:
    """What to say once where KL(model || observed) is infinite for all models that exist; None where it is not."""
    models = [each for each in result.models if each.reverse is not None]
    if len(models) < _FEWEST_ALIKE or any(each.reverse != float("inf") for each in models):
        return None
    places = {each.reverse_infinite_at for each in models}
    (place,) = places if len(places) == 1 else (None,)
    where = "outcomes that were not observed" if place is None else f"{place}, which was not observed"
    return f"reverse, KL(model || observed), is infinite for all of them: they give mass to {where}"


def _notes(result: FitResult, with_reverse: bool) -> list[str]:
    """What the numbers alone do not say."""
    lines = [f"{each.name}: {'; '.join(each.notes)}" for each in result.models if each.notes]
    infinite = [f"{each.name} at {each.infinite_at}" for each in result.models if each.infinite_at is not None]
    if infinite:
        lines.append("infinite where a model gives no mass to what was observed: " + _listed(infinite))
    reverse = [
        f"{each.name} at {each.reverse_infinite_at}" for each in result.models if each.reverse_infinite_at is not None
    ]
    alike = _alike_in_reverse(result)
    if alike is not None:
        lines.append(alike)
    elif reverse and with_reverse:
        lines.append("reverse, KL(model || observed), is infinite where a model gives mass to what was not observed: "
                     + _listed(reverse))  # fmt: skip
    lines += [f"{each.name}: known to +- {each.loss_bound:.1g}" for each in result.models if each.loss_bound]
    return [*lines, *result.notes]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
