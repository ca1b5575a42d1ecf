"""Which candidate is best, by how much, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from divtool.accumulators.paired_figures import Drawn, PairedDifference, PairedFigures
from divtool.engine.asked import Asked
from divtool.options import Comparing
from divtool.result import Difference, MeasureResult, Verdict


def verdict_of(
    asked: Asked, results: Sequence[MeasureResult], paired: PairedFigures | None, comparing: Comparing,
    shown: Callable[[float], float] = float, reference: str | None = None,
) -> Verdict | None:  # fmt: skip
    """The verdict over the results of the verb's measure, one for each candidate in the order given; ``paired`` holds
    their rows in that order, whose differences ``shown`` puts into the unit of the results. ``reference`` is what they
    are compared with, if it is a file like them. None where neither more nor less of the measure is better."""
    better = asked.declared.better
    if better is None or len(results) < 2:
        return None
    order = ranked(results, better)
    differences = () if paired is None else _differences(results, order, paired, comparing, shown)
    names = [results[place].candidate or "" for place in order]
    tied = [names[0], *(each.candidate for each in differences if each.tied)]
    if paired is None:
        first = results[order[0]]
        tied += [results[place].candidate or "" for place in order[1:] if results[place].value == first.value]
    first = results[order[0]]
    return Verdict(
        measure=first.name, unit=_unit(asked, first), better=better, order=tuple(names), tied=tuple(tied),
        said=_said([results[place] for place in order], differences, tied, better, reference),
        differences=differences, level=comparing.level, clusters=comparing.cluster,
        resamples=comparing.resamples if any(each.boot_low is not None for each in differences) else 0,
        seed=comparing.seed, notes=_notes(differences, comparing),
    )  # fmt: skip


def ranked(results: Sequence[MeasureResult], better: str) -> list[int]:
    """The places of results, the best first: NaN is last, and of infinite ones those with fewer infinite rows are
    before the others; equals stay in the order given."""
    sign = -1.0 if better == "higher" else 1.0

    def key(place: int) -> tuple[bool, float, int, float]:
        each = results[place]
        undefined = math.isnan(each.value)
        finite = math.inf if math.isnan(each.finite_mean) else sign * each.finite_mean
        return undefined, 0.0 if undefined else sign * each.value, each.infinite, finite

    return sorted(range(len(results)), key=key)


def _unit(asked: Asked, first: MeasureResult) -> str:
    """The unit of differences: those of geometric means are those of their logarithms."""
    return "nats" if asked.declared.mean == "geometric" else first.unit


def _differences(
    results: Sequence[MeasureResult], order: Sequence[int], paired: PairedFigures, comparing: Comparing,
    shown: Callable[[float], float],
) -> tuple[Difference, ...]:  # fmt: skip
    best, *others = order
    drawn: Sequence[Drawn | None] = [None] * len(others)
    if comparing.resamples:
        pairs = [(place, best) for place in others]
        drawn = paired.drawn_each(pairs, comparing.resamples, comparing.seed, comparing.level)
    return tuple(
        _difference(results[place], results[best], paired.difference(place, best, comparing.level), own, shown)
        for place, own in zip(others, drawn, strict=True)
    )


def _difference(
    own: MeasureResult, best: MeasureResult, found: PairedDifference, drawn: Drawn | None,
    shown: Callable[[float], float],
) -> Difference:  # fmt: skip
    from divtool.numerics.signs import sign_p

    def of(value: float | None) -> float | None:
        return None if value is None else shown(value)

    equal = found.above == found.below == 0 and not found.left_out
    inside = found.low is not None and found.high is not None and found.low <= 0.0 <= found.high
    # That one is infinite and the other is not is no matter of chance.
    known = math.isfinite(own.value) == math.isfinite(best.value)
    return Difference(
        candidate=own.candidate or "", than=best.candidate or "", value=shown(found.value),
        std_error=of(found.std_error), low=of(found.low), high=of(found.high), n=found.n, units=found.units,
        above=found.above, below=found.below, equal=found.equal, tied=equal or (inside and known),
        p_sign=sign_p(found.above, found.below) if found.units else None,
        p_permutation=None if drawn is None else drawn.p_permutation,
        boot_low=None if drawn is None else of(drawn.boot_low),
        boot_high=None if drawn is None else of(drawn.boot_high), left_out=found.left_out,
    )  # fmt: skip


def _said(
    results: Sequence[MeasureResult], differences: Sequence[Difference], tied: Sequence[str], better: str,
    reference: str | None,
) -> str:  # fmt: skip
    """The verdict in a sentence."""
    best, *others = results
    praise = f"is closest to {reference}" if reference is not None else "is best"
    if math.isnan(best.value):
        return f"no candidate has a {best.name} that is a number"
    if math.isinf(best.value) and better == "lower":
        return f"every candidate is infinite: {best.candidate} in the fewest rows ({best.infinite:,})"
    value = f"{best.name} {_short(best.value)}{_spaced(best.unit)}"
    if len(tied) > 1:
        rest = differences[0] if differences else None
        names = ", ".join(tied[:-1]) + f" and {tied[-1]}"
        if rest is None or (rest.above == rest.below == 0 and len(tied) == 2):
            return f"{names} are the same by {best.name}"
        return f"{names} are tied: their differences in {best.name} may be chance{_interval(rest, best.unit)}"
    if not differences:
        return f"{best.candidate} {praise}: {value}; the next is {others[0].candidate}, {_short(others[0].value)}"
    first = differences[0]
    if math.isinf(others[0].value):
        rows = "1 row" if others[0].infinite == 1 else f"{others[0].infinite:,} rows"
        return f"{best.candidate} {praise}: {value}; the next, {first.candidate}, is infinite in {rows}"
    how = "below" if better == "lower" else "above"
    return (
        f"{best.candidate} {praise}: {value}, {_short(abs(first.value))} {how} the next, {first.candidate}"
        f"{_interval(first, '')}"
    )


def _interval(each: Difference, unit: str) -> str:
    if each.low is None or each.high is None:
        return ""
    low, high = sorted((each.low, each.high), key=abs)
    if each.low > 0.0 or each.high < 0.0:
        return f" [{_short(abs(low))} to {_short(abs(high))}]"
    return f" ({each.candidate}: {_short(each.value)} [{_short(each.low)} to {_short(each.high)}]{_spaced(unit)})"


def _spaced(unit: str) -> str:
    return "" if unit in ("", "1") else f" {unit}"


def _short(value: float) -> str:
    return f"{value:.4g}"


def _notes(differences: Sequence[Difference], comparing: Comparing) -> tuple[str, ...]:
    said = []
    left = max((each.left_out for each in differences), default=0)
    if left:
        said.append(f"differences leave out rows that are infinite for one of the two (up to {left:,})")
    if comparing.resamples and differences and all(each.boot_low is None for each in differences):
        said.append("no resamples were drawn: there are too many rows to keep, or too few to draw from")
    return tuple(said)
