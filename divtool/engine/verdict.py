"""Which candidate is best, by how much, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from divtool.accumulators.paired_figures import Drawn, PairedDifference, PairedFigures
from divtool.engine.asked import Asked
from divtool.options import Comparing
from divtool.result import Difference, MeasureResult, Verdict


def verdict_of(
    asked: Asked, results: Sequence[MeasureResult], paired: PairedFigures | None, comparing: Comparing,
    shown: Callable[[float], float] = float, reference: str | None = None, noise: float = 0.0,
) -> Verdict | None:  # fmt: skip
    """The verdict over the results of the verb's measure, one for each candidate in the order given; ``paired`` holds
    their rows in that order, whose differences ``shown`` puts into the unit of the results. ``reference`` is what they
    are compared with, if it is a file like them; differences of rows up to ``noise`` are not seen at all. None where
    neither more nor less of the measure is better."""
    better = asked.declared.better
    if better is None or len(results) < 2:
        return None
    order = ranked(results, better)
    differences = () if paired is None else _differences(asked, results, order, paired, comparing, shown, noise)
    names = [results[place].candidate or "" for place in order]
    tied = [names[0], *(each.candidate for each in differences if each.tied)]
    if paired is None:
        first = results[order[0]]
        tied += [results[place].candidate or "" for place in order[1:] if results[place].value == first.value]
    first = results[order[0]]
    return Verdict(
        measure=first.name, unit=first.unit, better=better, order=tuple(names), tied=tuple(tied),
        said=_said([results[place] for place in order], differences, tied, better, reference, comparing.level),
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


@dataclass(frozen=True)
class _Shown:
    """How differences of means become differences of what is shown. ``base``: the means are geometric, and this is the
    best one, which a difference of logarithms makes another by a factor."""

    of_unit: Callable[[float], float]
    base: float | None = None

    def value(self, difference: float | None) -> float | None:
        """A difference, or a bound of one."""
        if difference is None or self.base is None:
            return None if difference is None else self.of_unit(difference)
        return self.base * math.expm1(difference)

    def error(self, error: float | None, difference: float) -> float | None:
        """The standard error of a difference, by the delta method where means are geometric."""
        if error is None or self.base is None:
            return None if error is None else self.of_unit(error)
        return self.base * math.exp(difference) * error


def _differences(
    asked: Asked, results: Sequence[MeasureResult], order: Sequence[int], paired: PairedFigures, comparing: Comparing,
    of_unit: Callable[[float], float], noise: float,
) -> tuple[Difference, ...]:  # fmt: skip
    best, *others = order
    shown = _Shown(of_unit, results[best].value if asked.declared.mean == "geometric" else None)
    drawn: Sequence[Drawn | None] = [None] * len(others)
    if comparing.resamples:
        pairs = [(place, best) for place in others]
        drawn = paired.drawn_each(pairs, comparing.resamples, comparing.seed, comparing.level)
    return tuple(
        _difference(results[place], results[best], paired.difference(place, best, comparing.level), own, shown, noise)
        for place, own in zip(others, drawn, strict=True)
    )


def _difference(
    own: MeasureResult, best: MeasureResult, found: PairedDifference, drawn: Drawn | None, shown: _Shown, noise: float,
) -> Difference:  # fmt: skip
    from divtool.numerics.signs import sign_p

    whole = Difference(
        candidate=own.candidate or "", than=best.candidate or "", value=own.value - best.value, std_error=None,
        low=None, high=None, n=found.n, units=found.units, above=found.above, below=found.below, equal=found.equal,
        tied=False, left_out=found.left_out,
    )  # fmt: skip
    if not (math.isfinite(own.value) and math.isfinite(best.value)):
        # No mean, no difference of means; that one is infinite and the other is not is no matter of chance.
        same = own.infinite == best.infinite and own.nan == best.nan and not (found.above or found.below)
        return replace(whole, tied=same)
    low, high = found.low, found.high
    unknown = low is None or high is None or low <= 0.0 <= high
    return replace(
        whole, value=shown.value(found.value) or 0.0,
        std_error=shown.error(found.std_error, found.value), low=shown.value(low), high=shown.value(high),
        tied=unknown or abs(found.value) <= noise, p_sign=sign_p(found.above, found.below) if found.units else None,
        p_permutation=None if drawn is None else drawn.p_permutation,
        boot_low=None if drawn is None else shown.value(drawn.boot_low),
        boot_high=None if drawn is None else shown.value(drawn.boot_high),
    )  # fmt: skip


def _said(
    results: Sequence[MeasureResult], differences: Sequence[Difference], tied: Sequence[str], better: str,
    reference: str | None, level: float,
) -> str:  # fmt: skip
    """The verdict in a sentence."""
    best, following, *_ = results
    if math.isnan(best.value):
        return f"no candidate has a {best.name} that is a number"
    if math.isinf(best.value) and better == "lower":
        return f"every candidate is infinite: {best.candidate} in the fewest rows ({best.infinite:,})"
    if len(tied) > 1:
        return _tie_said(best, differences, tied, level)
    praise = f"is closest to {reference}" if reference is not None else "is best"
    winner = f"{best.candidate} {praise}: {best.name} {_short(best.value)}{_spaced(best.unit)}"
    if math.isinf(following.value) or math.isnan(following.value):
        odd, what = (following.infinite, "infinite") if math.isinf(following.value) else (following.nan, "no number")
        return f"{winner}; the next, {following.candidate}, is {what} in {'1 row' if odd == 1 else f'{odd:,} rows'}"
    if not differences:
        return f"{winner}; the next is {following.candidate}, {_short(following.value)}"
    first = differences[0]
    how = "below" if first.value > 0.0 else "above"
    return f"{winner}, {_short(abs(first.value))}{_interval(first, level)} {how} the next, {first.candidate}"


def _tie_said(best: MeasureResult, differences: Sequence[Difference], tied: Sequence[str], level: float) -> str:
    """What candidates have in common of which none is known to be better."""
    names = ", ".join(tied[:-1]) + f" and {tied[-1]}"
    among = [each for each in differences if each.tied]
    if not any(each.above or each.below for each in among):
        return f"{names} are the same by {best.name}"
    if all(each.low is None for each in among):
        units = "row" if among[0].units == among[0].n else "cluster"
        return f"{names} cannot be told apart by a single {units}"
    first = among[0]
    said = f"{names} are tied: their differences in {best.name} may be chance"
    return f"{said}; that of {first.candidate} is {_short(first.value)}{_spaced(best.unit)}{_interval(first, level)}"


def _interval(each: Difference, level: float) -> str:
    """The interval of a difference, as one of sizes where its sign is known."""
    if each.low is None or each.high is None:
        return ""
    low, high = each.low, each.high
    if low > 0.0 or high < 0.0:
        low, high = sorted((abs(low), abs(high)))
    return f" ({100 * level:.6g} %: {_short(low)} to {_short(high)})"


def _spaced(unit: str) -> str:
    return "" if unit in ("", "1") else f" {unit}"


def _short(value: float) -> str:
    return f"{value:.4g}"


def _notes(differences: Sequence[Difference], comparing: Comparing) -> tuple[str, ...]:
    said = []
    left = max((each.left_out for each in differences), default=0)
    if left:
        said.append(f"differences leave out rows that are infinite or no number for one of the two (up to {left:,})")
    if comparing.resamples and any(each.low is not None and each.boot_low is None for each in differences):
        said.append("no resamples were drawn: there are too many rows to keep, or too few to draw from")
    return tuple(said)
