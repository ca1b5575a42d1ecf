"""The temperature that makes labels most likely: passes over the file for a convex problem of one number, then one more
for what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from divtool.accumulators.moments import Moments
from divtool.accumulators.reliability import Reliability
from divtool.accumulators.scores import Scores
from divtool.calibrated import TemperatureResult, TemperedScores
from divtool.engine.calibration import reliability_bins
from divtool.engine.calibration_options import READING, RUNNING
from divtool.engine.held_out import same_file, seen_before
from divtool.engine.labelled import Labelled, Progress, as_told, close, folded, labelled_plan
from divtool.engine.plan import Plan
from divtool.engine.present import about_sums, input_reports, warnings
from divtool.engine.state import State
from divtool.errors import InputError, UsageError
from divtool.numerics.binsums import in_all
from divtool.numerics.calibration import curve_errors
from divtool.numerics.exactsum import ExactSum, rounded
from divtool.numerics.temperature import Search, leads, slopes
from divtool.options import Measuring, Reading, Running, option, parse_rows, pick
from divtool.registry import suggestion

_MOST_PASSES = 200
# Temperatures are taken by -T from 1e-100 to 1e100.
_COLDEST, _HOTTEST = 1e-100, 1e100


@dataclass(frozen=True)
class Tempering:
    """Another file to which the temperature is applied, and the bins of its calibration error."""

    apply: str | None = option(
        None, "Another file of the model: what the temperature does to it is shown as well.", metavar="TEST"
    )
    apply_labels: str | None = option(
        None, "The labels of that file, unless they are in it (as with --label-col) or it is the fitted file again.",
        metavar="LABELS",
    )  # fmt: skip
    apply_rows: str | None = option(
        None, "Only these rows of that file; --rows are those of the file that is fitted.", metavar="A:B"
    )
    bins: int = option(15, "Bins (of equal width) of the expected calibration error.", metavar="N", least=1, most=65536)


@dataclass
class Slope:
    """The sum of the slopes and curvatures of all rows at one inverse temperature. On the first pass also those at 0,
    what the slope tends to, and the first row whose label is impossible."""

    counts: State
    n: int = 0
    slope: ExactSum = field(default_factory=ExactSum)
    curvature: ExactSum = field(default_factory=ExactSum)
    at_zero: ExactSum = field(default_factory=ExactSum)
    at_infinity: ExactSum = field(default_factory=ExactSum)
    impossible: int = 0
    first_impossible: int | None = None

    def merge(self, other: Slope) -> None:
        """Take what a later part has kept."""
        self.counts.merge(other.counts)
        self.n += other.n
        for name in ("slope", "curvature", "at_zero", "at_infinity"):
            getattr(self, name).merge(getattr(other, name))
        self.impossible += other.impossible
        found = [each for each in (self.first_impossible, other.first_impossible) if each is not None]
        self.first_impossible = min(found, default=None)


def _take_slopes(inverse: float, first: bool, state: Slope, rows: Labelled) -> None:
    lead = leads(rows.logits, rows.codes)
    state.n += len(lead)
    impossible = (lead == np.inf).any(axis=1)
    if impossible.any():
        own = rows.rows[impossible]
        state.impossible += own.size
        state.first_impossible = min(
            int(own.min()), int(own.min()) if state.first_impossible is None else state.first_impossible
        )
        lead = lead[~impossible]
    if not len(lead):
        return
    found = slopes(lead, inverse)
    state.slope.update(found.slope)
    state.curvature.update(found.curvature)
    if first:
        state.at_zero.update(slopes(lead, 0.0).slope)
        state.at_infinity.update(lead.max(axis=1))


@dataclass
class Tempered:
    """Costs and reliability at two temperatures: 1 and the one that was found."""

    counts: State
    costs: tuple[Moments, Moments]
    curves: tuple[Reliability, Reliability]

    def merge(self, other: Tempered) -> None:
        """Take what a later part has kept."""
        self.counts.merge(other.counts)
        for mine, theirs in zip(self.costs, other.costs, strict=True):
            mine.merge(theirs)
        for own, others in zip(self.curves, other.curves, strict=True):
            own.merge(others)


def _take_scores(temperature: float, state: Tempered, rows: Labelled) -> None:
    for each, cost, curve in zip((1.0, temperature), state.costs, state.curves, strict=True):
        own = rows.at(each)
        if own.rows.size:
            cost.update(Scores(own.rows, own.cost))
            # The first choice is that of the file: a temperature may round two probabilities to one.
            curve.update(own.probability.max(axis=1)[None, :], rows.right[None, :])


def temperature_result(
    operands: Sequence[Any], options: Mapping[str, Any], version: str, progress: Progress | None = None
) -> TemperatureResult:
    """Fit it, and show what it does. Raises :class:`InputError` where no temperature is best."""
    other = _applied_to(operands, options)
    own = pick(Tempering, {"bins": options.get("bins")})
    groups = (pick(Reading, options), pick(Measuring, options), pick(Running, options))
    plans = [labelled_plan("temperature", operands, *groups)]
    if other:
        # The rows of the fitted file are no rows of another one.
        reading = replace(groups[0], rows=options.get("apply_rows"))
        plans.append(labelled_plan("temperature", other, reading, *groups[1:]))
    plans[0], inverse, error, passes = _fitted(plans[0], progress)
    scores: list[tuple[TemperedScores, State]] = []
    try:
        for place, use in enumerate(("fit", "apply")[: len(plans)]):
            plans[place], found = _scores(plans[place], use, 1.0 / inverse, own.bins, progress)
            scores.append(found)
        told = [(as_told(plan), state) for plan, (_, state) in zip(plans, scores, strict=True)]
        return TemperatureResult(
            version=version, inputs=tuple(report for plan, _ in told for report in input_reports(plan)),
            matched=_once(note for plan, state in told for note in (*plan.notes, *about_sums(state))),
            temperature=1.0 / inverse, std_error=error, bins=own.bins, passes=passes,
            results=tuple(score for score, _ in scores),
            warnings=(
                *_once(said for plan, state in told for said in warnings(plan, state)),
                *(seen_before(operands[0], other[0], [each for each, _ in scores]) if other else ()),
            ),
            settings=_settings(groups, options.get("apply_rows")),
        )  # fmt: skip
    finally:
        for each in plans:
            close(each)


def _once(said: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))


def _applied_to(operands: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    """The other file and its labels; those of the fitted file where it is the same one again. Raises
    :class:`UsageError` for options that there are not, or do not fit."""
    known = [*READING, "ignore_index", *RUNNING, *Tempering.__dataclass_fields__]
    for name in options:
        if name not in known:
            raise UsageError(f'temperature has no option "{name}"', hint=suggestion(name, known))
    other, labels = options.get("apply"), options.get("apply_labels")
    if other is None:
        for name, what in (("apply_labels", "labels"), ("apply_rows", "rows")):
            if options.get(name) is not None:
                raise UsageError(
                    f"--{name.replace('_', '-')} are the {what} of --apply, which is not given",
                    hint="--apply FILE names it, which may be the fitted file again",
                )  # fmt: skip
        return []
    if options.get("apply_rows") is not None:
        parse_rows(options["apply_rows"], "--apply-rows")
    if labels is None and same_file(operands[0], other):
        return [other, *operands[1:]]
    return [each for each in (other, labels) if each is not None]


def _settings(groups: tuple[Reading, Measuring, Running], apply_rows: str | None) -> dict[str, object]:
    found = {name: getattr(groups[0], name) for name in ("rows", "vocab", "missing", "join")}
    found["ignore_index"] = groups[1].ignore_index
    defaults = {**vars(Reading()), **vars(Measuring())}
    changed = {name: value for name, value in found.items() if value != defaults[name]}
    return changed if apply_rows is None else {**changed, "apply_rows": apply_rows}


def _fitted(plan: Plan, progress: Progress | None) -> tuple[Plan, float, float, int]:
    """The plan with its rows in order, the inverse temperature, the standard error of the temperature, and how many
    passes it took."""
    search, passes = Search(1.0), 0
    while not search.done:
        take = partial(_take_slopes, search.at, passes == 0)
        plan, state = folded(plan, partial(_no_slope, plan), take, progress)
        passes += 1
        try:
            if passes == 1:
                _refuse_what_has_no_best(plan, state)
            search.take(rounded(state.slope.present()), rounded(state.curvature.present()))
            if passes > _MOST_PASSES or not _COLDEST <= 1.0 / search.at <= _HOTTEST:
                raise InputError(
                    f"no temperature from {_COLDEST:g} to {_HOTTEST:g} is best", path=plan.inputs[0].title,
                    hint="divide the logits by a common factor first",
                )  # fmt: skip
        except BaseException:
            close(plan)
            raise
    # The curvature in T, where the slope is 0, is that in 1/T over T^4.
    return plan, search.at, search.at**-2 / rounded(state.curvature.present()) ** 0.5, passes


def _no_slope(plan: Plan) -> Slope:
    return Slope(State.empty(plan))


def _refuse_what_has_no_best(plan: Plan, state: Slope) -> None:
    """Refuse files for which the NLL has no least value at a temperature above 0, or none at all."""
    title = plan.inputs[0].title
    if not state.n:
        raise _no_row(plan, "to fit a temperature to")
    if state.first_impossible is not None:
        others = "" if state.impossible == 1 else f" (as have {state.impossible - 1:,} more rows)"
        raise plan.inputs[0].place_of(state.first_impossible).refusal(
            f"the label has probability 0, which no temperature changes{others}",
            hint="fit on logits, or on probabilities that were not rounded to 0",
        )  # fmt: skip
    if state.at_infinity.present() == 0:
        raise InputError(
            "every label is the model's first choice: the colder, the better, so that no temperature above 0 is best",
            path=title, hint="fit on rows that the model was not trained on",
        )  # fmt: skip
    if state.at_zero.present() >= 0:
        raise InputError(
            "the hotter, the better: the labels are no likelier than chance under the model", path=title,
            hint="are the labels those of these rows, and counted from 0 in the order of the columns?",
        )  # fmt: skip


def _scores(
    plan: Plan, use: str, temperature: float, bins: int, progress: Progress | None
) -> tuple[Plan, tuple[TemperedScores, State]]:
    def empty() -> Tempered:
        return Tempered(State.empty(plan), (Moments(), Moments()), (Reliability(bins), Reliability(bins)))

    plan, state = folded(plan, empty, partial(_take_scores, temperature), progress)
    before, after = (each.present() for each in state.costs)
    curves = [each.present()[0] for each in state.curves]
    if not before.n:
        close(plan)
        raise _no_row(plan, "to apply the temperature to")
    every, (first, stop) = in_all(curves[0].bins), _read(plan)
    eces = [rounded(curve_errors(each.bins).expected) for each in curves]
    counts = state.counts
    scores = TemperedScores(
        use, plan.inputs[0].title, before.n, counts.rows, counts.ignored, counts.missing,
        every.hits / every.rows, before.mean, after.mean, before.std_error, after.std_error, eces[0], eces[1],
        first_row=first, stop_row=stop, reliability_before=reliability_bins(curves[0]),
        reliability_after=reliability_bins(curves[1]),
    )  # fmt: skip
    return plan, (scores, counts)


def _read(plan: Plan) -> tuple[int, int]:
    """The first row of the file that was read, and the one behind the last."""
    count = plan.inputs[0].count()
    first, stop = plan.rows or (0, count)
    return min(first, count), min(stop, count)


def _no_row(plan: Plan, what: str) -> InputError:
    first, stop = _read(plan)
    asked = f": it has {plan.inputs[0].count():,}, and none of them was asked for" if first == stop else ""
    return InputError(f"there is no row {what}{asked}", path=plan.inputs[0].title)
