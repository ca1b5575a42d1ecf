"""Thresholds that a run is held to: ``[MEASURE.]STATISTIC OP NUMBER``, read, checked before anything is computed, and
judged once the numbers are there."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from divtool.errors import UsageError
from divtool.registry import suggestion
from divtool.result import GateResult, MeasureResult

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
COUNTS = ("n", "rows", "ignored", "dropped", "missing", "infinite", "nan")
QUANTILES = ("p50", "p90", "p95", "p99", "p99.9")
STATISTICS = ("value", "mean", "sum", "median", *QUANTILES, "max", "min", "std_error", "finite_mean", *COUNTS)

_GATE = re.compile(r"\s*(?P<left>.*?)\s*(?P<operator>>=|<=|==|!=|>|<)\s*(?P<number>.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)", re.IGNORECASE | re.ASCII)
_FORM = "write MEASURE.STATISTIC OP NUMBER, as in mean>0.05, kl.p99>=1 or top1<0.95"


@dataclass(frozen=True)
class Gate:
    """A threshold: the run fails where the ``statistic`` of the ``measure`` (None: the verb's own) stands in this
    relation to ``number``, or is NaN. ``text`` is how it was given."""

    text: str
    measure: str | None
    statistic: str
    operator: str
    number: float

    def fails(self, actual: float) -> bool:
        """Whether the run fails for this value."""
        return math.isnan(actual) or OPERATORS[self.operator](actual, self.number)


def parse_gates(texts: Sequence[str]) -> tuple[Gate, ...]:
    """Read thresholds. A measure alone means its value; what is no statistic is taken for a measure, which
    :func:`check_gates` knows. Raises :class:`UsageError` for what cannot be read.

    >>> [(gate.measure, gate.statistic, gate.operator, gate.number) for gate in parse_gates(["kl.p99.9 >= 1"])]
    [('kl', 'p99.9', '>=', 1.0)]
    """
    return tuple(_parsed(text) for text in texts)


def _parsed(text: str) -> Gate:
    found = _GATE.fullmatch(text)
    if found is None or not found["left"]:
        raise UsageError(f'--fail-if "{text}": expected a statistic, an operator and a number', hint=_FORM)
    if not _NUMBER.fullmatch(found["number"]):
        raise UsageError(
            f'--fail-if "{text}": "{found["number"]}" is not a number - expected one such as 0.05, 1e-3 or inf',
            hint="a run fails for nan whatever the threshold" if found["number"].lower() == "nan" else _FORM,
        )
    measure, statistic = _parts(found["left"])
    return Gate(text.strip(), measure, statistic, found["operator"], float(found["number"]))


def _parts(left: str) -> tuple[str | None, str]:
    """Measure and statistic; a statistic may have a dot in its name, and so may the options of a measure."""
    if left in STATISTICS:
        return None, left
    for statistic in sorted(STATISTICS, key=len, reverse=True):
        measure = left.removesuffix("." + statistic).rstrip()
        if measure and measure != left:
            return measure, statistic
    return left, "value"


def check_gates(gates: Sequence[Gate], measures: Sequence[tuple[str, str]], reduction: str = "mean") -> None:
    """Refuse thresholds on what a run does not give. ``measures`` are the (label, name) of its measures, its own first;
    ``reduction`` is the run's. Raises :class:`UsageError` with names that are close."""
    for gate in gates:
        _place(gate, measures)
        _check_reduction(gate, reduction)


def judged(gates: Sequence[Gate], results: Sequence[MeasureResult]) -> tuple[GateResult, ...]:
    """Hold the results of a run, its own measure first, to the thresholds: in their order, and where a measure was
    taken of several files, with one outcome for each."""
    named = [(each.name, each.measure) for each in results]
    return tuple(_judged(gate, each) for gate in gates if results for each in _results(gate, results, named))


def _results(gate: Gate, results: Sequence[MeasureResult], named: Sequence[tuple[str, str]]) -> list[MeasureResult]:
    label = named[_place(gate, named)][0]
    return [each for each in results if each.name == label]


def _judged(gate: Gate, result: MeasureResult) -> GateResult:
    _check_reduction(gate, result.reduction)
    actual = _statistic(gate.statistic, result)
    return GateResult(gate.text, result.name, gate.statistic, actual, gate.fails(actual), result.candidate)


def judged_figures(
    gates: Sequence[Gate], figures: Mapping[str, float], candidate: str | None = None
) -> tuple[GateResult, ...]:
    """Hold plain numbers, by their names, to the thresholds; the first of them is the run's own.

    >>> [gate.failed for gate in judged_figures(parse_gates(["ece>0.05", "mce>0.5"]), {"ece": 0.1, "mce": 0.2})]
    [True, False]
    """
    found = []
    for gate in gates:
        name = _figure(gate, list(figures))
        actual = float(figures[name])
        found.append(GateResult(gate.text, name, "value", actual, gate.fails(actual), candidate))
    return tuple(found)


def check_figures(gates: Sequence[Gate], names: Sequence[str]) -> None:
    """Refuse thresholds on what is none of these numbers, the first of which is the run's own. Raises
    :class:`UsageError`."""
    for gate in gates:
        _figure(gate, names)


def _figure(gate: Gate, names: Sequence[str]) -> str:
    if gate.measure is None and gate.statistic not in names:
        if gate.statistic == "value":
            return names[0]
        raise UsageError(f'--fail-if "{gate.text}": there is no "{gate.statistic}" here', hint=_among(names))
    name = gate.measure or gate.statistic
    if name not in names:
        raise UsageError(f'--fail-if "{gate.text}": there is no "{name}" here', hint=suggestion(name, list(names)))
    if gate.measure is not None and gate.statistic != "value":
        raise UsageError(f'--fail-if "{gate.text}": "{name}" is one number, and has no {gate.statistic}')
    return name


def said(result: GateResult) -> str:
    """A line on how it came out.

    >>> said(GateResult("mean > 0.05", "ce", "mean", 0.0614, True, "preds.csv"))
    "--fail-if 'mean > 0.05': failed, ce is 0.0614 (preds.csv)"
    """
    what = result.measure if result.statistic in ("value", "mean") else f"{result.measure} {result.statistic}"
    actual = f"{result.actual:.0f}" if result.statistic in COUNTS else repr(result.actual)
    whose = f" ({result.candidate})" if result.candidate else ""
    return f"--fail-if '{result.text}': {'failed' if result.failed else 'passed'}, {what} is {actual}{whose}"


def _place(gate: Gate, measures: Sequence[tuple[str, str]]) -> int:
    """Which of the measures a threshold is on: by the label that tells it from the others, else by its name."""
    if gate.measure is None:
        return 0
    labels, names = [label for label, _ in measures], [name for _, name in measures]
    for wanted in (gate.measure, _agreement(gate.measure)):
        if wanted in labels:
            return labels.index(wanted)
        found = {label: place for place, (label, name) in reversed(list(enumerate(measures))) if name == wanted}
        if len(found) > 1:
            raise UsageError(
                f'--fail-if "{gate.text}": there are {len(found)} measures "{wanted}"', hint=_among(sorted(found))
            )
        if found:
            return next(iter(found.values()))
    raise _unknown(gate, gate.measure, labels, names)


def _agreement(measure: str) -> str:
    """``top1`` is short for the agreement of first choices, ``top5`` (or another number) for that of the first five."""
    number = re.fullmatch(r"top-?([1-9]\d{0,3})", measure, re.ASCII)
    if number is None:
        return measure
    return {"1": "same-top-1", "5": "same-top-k"}.get(number[1], f"same-top-k(k={number[1]})")


def _unknown(gate: Gate, measure: str, labels: Sequence[str], names: Sequence[str]) -> UsageError:
    known = [*dict.fromkeys([*labels, *names])]
    owner, dot, statistic = measure.rpartition(".")
    if dot and (owner in known or _agreement(owner) in known):
        return UsageError(
            f'--fail-if "{gate.text}": there is no statistic "{statistic}"', hint=suggestion(statistic, [*STATISTICS])
        )
    meant = _declared(_agreement(measure))
    hint = suggestion(measure, [*known, *STATISTICS])
    if meant in known:
        hint = f'did you mean "{meant}"?'
    elif meant is not None:
        hint = f"measure it too, with -m {meant}; {_among(known)}"
    return UsageError(f'--fail-if "{gate.text}": this run has neither a measure nor a statistic "{measure}"', hint=hint)


def _declared(name: str) -> str | None:
    """The measure of that name, or known by it. The names that a measure is also known by may stand for its opposite
    (accuracy for the error rate): they are good for a hint only."""
    from divtool.measures import load_families
    from divtool.measures.declare import MEASURES

    load_families()
    name = name.partition("(")[0].lower()
    return next((each.name for each in MEASURES if name in (each.name, *each.also)), None)


def _among(names: Sequence[str]) -> str:
    return "there are " + ", ".join(names) if len(names) > 1 else f"there is {names[0]}"


def _check_reduction(gate: Gate, reduction: str) -> None:
    """A sum is no mean, nor can one be had from the other without another rounding."""
    if gate.statistic == "mean" and reduction == "sum":
        raise UsageError(
            f'--fail-if "{gate.text}": the run gives a sum, by --reduction sum',
            hint="hold sum, value or finite_mean to a threshold, or leave out --reduction sum",
        )
    if gate.statistic == "sum" and reduction != "sum":
        raise UsageError(f'--fail-if "{gate.text}": the run gives a mean', hint="--reduction sum gives the sum")


def _statistic(name: str, result: MeasureResult) -> float:
    """NaN where there is no such figure, as of the standard error of a single row."""
    if name in ("value", "mean", "sum"):
        return result.value
    if name == "median":
        name = "p50"
    if name in QUANTILES:
        return result.quantiles.get(name, float("nan"))
    if name in COUNTS:
        return float(getattr(result, name))
    found = {"max": result.maximum, "min": result.minimum, "std_error": result.std_error,
             "finite_mean": result.finite_mean}[name]  # fmt: skip
    return float("nan") if found is None else float(found)
