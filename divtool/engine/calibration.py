"""Calibration of one model: one pass over predictions and labels, then every figure from what the bins hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from divtool.accumulators.moments import MomentFigures, Moments
from divtool.accumulators.reliability import Curve, EqualMass, EqualMassByClass, Reliability
from divtool.accumulators.scores import Scores
from divtool.calibrated import CalibrationFigure, CalibrationResult, ReliabilityBin
from divtool.engine.calibration_options import COUNTS, VARIANTS, CalibrationRequest, Variant, title_of
from divtool.engine.gates import judged_figures
from divtool.engine.labelled import Labelled, Progress, as_told, close, folded, labelled_plan
from divtool.engine.plan import Plan
from divtool.engine.present import about_sums, input_reports, warnings
from divtool.engine.state import State
from divtool.errors import InputError, UsageError
from divtool.meaning.labels import LabelRule
from divtool.numerics.binsums import BinSums, in_all
from divtool.numerics.calibration import (
    ClasswiseErrors,
    brier_parts,
    curve_errors,
    error_of_gap,
    error_of_mean_confidence,
    gap,
    joined_errors,
    mean_confidence,
)
from divtool.numerics.exactsum import rounded, rounded_root
from divtool.registry import suggestion

# Class by class, a state holds a few numbers for each bin of each class: so many classes are looked at unasked, and so
# many bins of all classes together at the most.
_UNASKED, _MOST_CELLS = 1000, 1 << 20


@dataclass(frozen=True)
class Wanted:
    """What a pass has to keep: how many bins, class by class (``classes``, else 0) by width or mass, of one class."""

    plan: Plan
    bins: int
    classes: int
    by_width: bool
    by_mass: bool
    mass: bool
    one: int | None

    def empty(self) -> Calibrated:
        """Nothing read yet."""
        return Calibrated(
            State.empty(self.plan), Moments(), Moments(), Reliability(self.bins),
            EqualMass(self.bins) if self.mass else None,
            Reliability(self.bins, self.classes, full=False) if self.by_width else None,
            EqualMassByClass(self.bins, self.classes) if self.by_mass else None,
        )  # fmt: skip


@dataclass
class Calibrated:
    """What is known of the rows so far; merges."""

    counts: State
    cost: Moments
    brier: Moments
    width: Reliability
    mass: EqualMass | None
    by_width: Reliability | None
    by_mass: EqualMassByClass | None

    def merge(self, other: Calibrated) -> None:
        """Take what a later part has kept."""
        self.counts.merge(other.counts)
        self.cost.merge(other.cost)
        self.brier.merge(other.brier)
        self.width.merge(other.width)
        if self.mass is not None and other.mass is not None:
            self.mass.merge(other.mass)
        if self.by_width is not None and other.by_width is not None:
            self.by_width.merge(other.by_width)
        if self.by_mass is not None and other.by_mass is not None:
            self.by_mass.merge(other.by_mass)

    def take(self, rows: Labelled, one: int | None) -> None:
        """Take more rows; ``one`` is the class that is looked at alone."""
        if not rows.rows.size:
            return
        self.cost.update(Scores(rows.rows, rows.cost))
        self.brier.update(Scores(rows.rows, rows.brier))
        if one is None:
            confidence, hit = rows.probability.max(axis=1), rows.right
        else:
            confidence, hit = np.ascontiguousarray(rows.probability[:, one]), rows.codes == one
        self.width.update(confidence[None, :], hit[None, :])
        if self.mass is not None:
            self.mass.update(confidence, hit)
        if self.by_width is not None or self.by_mass is not None:
            columns = np.ascontiguousarray(rows.probability.T)
            hits = np.arange(len(columns))[:, None] == rows.codes
            if self.by_width is not None:
                self.by_width.update(columns, hits)
            if self.by_mass is not None:
                self.by_mass.update(columns, hits)


def calibration_result(
    operands: Sequence[Any], request: CalibrationRequest, version: str, progress: Progress | None = None
) -> CalibrationResult:
    """Run it. Raises :class:`InputError` where no row is left, or a figure that was named cannot be had."""
    plan = labelled_plan("calibration", operands, request.reading, request.measuring, request.running)
    wanted = _wanted(plan, request)
    plan, state = folded(plan, wanted.empty, partial(_take, wanted.one), progress)
    try:
        return _result(plan, wanted, state, request, version)
    finally:
        close(plan)


def _take(one: int | None, state: Calibrated, rows: Labelled) -> None:
    state.take(rows, one)


def _wanted(plan: Plan, request: CalibrationRequest) -> Wanted:
    bins, classes = request.own.bins, plan.classes
    one = None if request.own.of_class is None else _class_of(plan, request.own.of_class)
    asked = any(VARIANTS[name].classwise for name in request.named if name in VARIANTS)
    fits = classes * bins <= _MOST_CELLS
    if asked and not fits:
        raise UsageError(
            f"{classes:,} classes of {bins:,} bins each are more than {_MOST_CELLS:,} in all",
            hint="take fewer --bins, or leave out what is class by class",
        )
    looked = one is None and fits and (asked or classes <= _UNASKED)
    return Wanted(
        plan, bins, classes,
        by_width=looked and request.wants(classwise=True, mass=False),
        by_mass=looked and request.wants(classwise=True, mass=True),
        mass=request.own.binning == "mass" or request.wants(classwise=False, mass=True), one=one,
    )  # fmt: skip


def _class_of(plan: Plan, name: str) -> int:
    """The class of a name, or of a label as it is written in the labels."""
    rule = next(rule for rule in (each.as_read.labels for each in plan.inputs) if isinstance(rule, LabelRule))
    names = list(plan.names or ())
    if name in rule.codes or name in names:
        return rule.codes[name] if name in rule.codes else names.index(name)
    raise UsageError(f'--class "{name}": there is no such class', hint=suggestion(name, [*rule.codes]))


def _result(
    plan: Plan, wanted: Wanted, state: Calibrated, request: CalibrationRequest, version: str
) -> CalibrationResult:
    told, cost = as_told(plan), state.cost.present()
    _refuse_nothing(plan, state, cost.n)
    curves = _curves(state)
    shown = curves[False, request.own.binning == "mass"][0]
    figures, lacking = _figures(request, curves, shown, state, cost)
    counts = state.counts
    numbers = dict(zip(COUNTS, (cost.n, counts.rows, counts.ignored, counts.missing, cost.infinite), strict=True))
    gates = judged_figures(request.gates, {**{each.name: each.value for each in figures}, **numbers})
    return CalibrationResult(
        version=version, inputs=input_reports(told), matched=(*plan.notes, *about_sums(counts)),
        outcome="top label" if wanted.one is None else f"class {request.own.of_class}", classes=plan.classes,
        bins=request.own.bins, binning=request.own.binning, n=cost.n, rows=counts.rows, ignored=counts.ignored,
        missing=counts.missing, infinite=cost.infinite, results=figures,
        reliability=reliability_bins(shown),
        edges_rounded=shown.rounded, gates=gates, warnings=(*warnings(told, counts), *lacking, *_about(cost, curves)),
        settings=_settings(request),
    )  # fmt: skip


def _refuse_nothing(plan: Plan, state: Calibrated, n: int) -> None:
    if n:
        return
    counts = state.counts
    why = f": all {counts.rows:,} rows are ignored or left out" if counts.rows else ""
    raise InputError(
        f"there is no row to look at{why}", path=plan.inputs[0].title,
        hint="see --ignore-index, --missing, --join and --rows" if why else "",
    )  # fmt: skip


Curves = Mapping[tuple[bool, bool], Sequence[Curve]]


def _curves(state: Calibrated) -> Curves:
    """The curves that there are, by (class by class, equal mass)."""
    found: dict[tuple[bool, bool], Sequence[Curve]] = {(False, False): state.width.present()}
    if state.mass is not None:
        found[False, True] = (state.mass.present(),)
    if state.by_width is not None:
        found[True, False] = state.by_width.present()
    every = None if state.by_mass is None else state.by_mass.present()
    if every is not None:
        found[True, True] = every
    return found


def _figures(
    request: CalibrationRequest, curves: Curves, shown: Curve, state: Calibrated, cost: MomentFigures
) -> tuple[tuple[CalibrationFigure, ...], list[str]]:
    """The figures, and what could not be had of those that nobody named."""
    errors = {key: joined_errors([curve_errors(each.bins) for each in own]) for key, own in curves.items()}
    plain = _plain_figures(shown, state, cost)
    figures, missing = [], []
    for name in request.names:
        variant = VARIANTS.get(name)
        title = title_of(name, request.own.of_class)
        if variant is None:
            value, error, family, unit = plain[name]
            figures.append(CalibrationFigure(name, title, value, unit, family, error))
        elif (variant.classwise, variant.mass) in errors:
            value = _error_of(variant, errors[variant.classwise, variant.mass])
            figures.append(CalibrationFigure(name, title, value, "1", variant.family))
        elif name in request.named:
            raise InputError(
                f"{name} needs all probabilities at once, and those of {cost.n:,} rows are too many",
                hint="take fewer rows (--rows A:B), or bins of equal width: " + name.replace("-mass", ""),
            )  # fmt: skip
        else:
            missing.append(name)
    return tuple(figures), [f"not looked at, for the number of classes and rows: {', '.join(missing)}"] * bool(missing)


def _error_of(variant: Variant, errors: ClasswiseErrors) -> float:
    if variant.kind == "mce":
        return errors.greatest
    if variant.kind == "ece":
        return errors.expected_debiased if variant.debiased else errors.expected
    return errors.root_squared_debiased if variant.debiased else errors.root_squared


_Plain = tuple[float, float | None, str, str]


def _plain_figures(shown: Curve, state: Calibrated, cost: MomentFigures) -> dict[str, _Plain]:
    """The figures that are no calibration errors: value, standard error, family, unit."""
    every, brier = in_all(shown.bins), state.brier.present()
    rate, parts = every.hits / every.rows, brier_parts(shown.bins)
    sure = (rounded(mean_confidence(every)), error_of_mean_confidence(every))
    spread = None if every.rows < 2 else rounded_root(_binomial(every))
    whole, cut = "the model", "Brier score of the confidence"
    found: dict[str, _Plain] = {
        "accuracy": (rate, spread, whole, "1"), "frequency": (rate, spread, whole, "1"),
        "mean-confidence": (*sure, whole, "1"),
        "overconfidence": (rounded(gap(every)), error_of_gap(every), whole, "1"),
        "nll": (cost.mean, cost.std_error, whole, "nats"), "brier": (brier.mean, brier.std_error, whole, "1"),
    }  # fmt: skip
    names = ("brier-confidence", "reliability", "resolution", "uncertainty", "within-bin-variance",
             "within-bin-covariance")  # fmt: skip
    return found | {name: (rounded(each), None, cut, "1") for name, each in zip(names, parts, strict=True)}


def _binomial(every: BinSums) -> Fraction:
    """The square of the standard error of a share."""
    return Fraction(every.hits * (every.rows - every.hits), every.rows**2 * (every.rows - 1))


def reliability_bins(curve: Curve) -> tuple[ReliabilityBin, ...]:
    """The bins of a curve as they are reported, from the lowest to the highest."""
    return tuple(_bin(*each) for each in zip(curve.edges, curve.edges[1:], curve.bins, strict=False))


def _bin(low: float, high: float, each: BinSums) -> ReliabilityBin:
    if not each.rows:
        return ReliabilityBin(low, high, 0)
    return ReliabilityBin(
        low, high, each.rows, rounded(mean_confidence(each)), each.hits / each.rows, rounded(gap(each)),
        error_of_gap(each),
    )  # fmt: skip


def _about(cost: MomentFigures, curves: Curves) -> list[str]:
    """What a reader should know before quoting the numbers."""
    said = []
    if cost.infinite:
        rows = "1 row gives its label" if cost.infinite == 1 else f"{cost.infinite:,} rows give their label"
        said.append(f"{rows} probability 0, so the negative log-likelihood is infinite")
    if any(each.rounded for own in curves.values() for each in own):
        said.append("bins of equal mass are cut with a histogram: their edges are within 2**-11, relative to the"
                    " distance from 0 or 1; what is in the bins is exact")  # fmt: skip
    return said


def _settings(request: CalibrationRequest) -> dict[str, object]:
    """The settings that are not the defaults."""
    found: dict[str, object] = {}
    for group, names in ((request.reading, ("rows", "vocab", "missing", "join")),
                         (request.measuring, ("temperature", "ignore_index")),
                         (request.own, ("classwise", "debias", "of_class"))):  # fmt: skip
        changed = {each.name: getattr(group, each.name) for each in fields(group) if each.name in names}
        defaults = {each.name: each.default for each in fields(group)}
        found |= {name: value for name, value in changed.items() if value != defaults[name]}
    return found
