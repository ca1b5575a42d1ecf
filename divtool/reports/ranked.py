"""The candidates of a run, the best first, each with its own figures: what every form of a report is laid out from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from divtool.reports.names import short_names
from divtool.result import Difference, MeasureResult, Result

_DIGITS_APART = 3
# What the agreement of first choices is asked for as.
_AGREEMENT = re.compile("top|agreement|fidelity")


@dataclass(frozen=True)
class Entry:
    """A candidate: its place (0 where nothing says which is better), its short name, the measure it is ranked by, its
    other measures by label, and what it is above the best. ``tied``: it is not known to be worse than the best."""

    rank: int
    candidate: str
    name: str
    main: MeasureResult
    others: Mapping[str, MeasureResult]
    difference: Difference | None = None
    tied: bool = False

    @property
    def best(self) -> bool:
        """Whether it stands first."""
        return self.rank == 1

    @property
    def standing(self) -> str:
        """``tied`` or ``best``, else nothing. What is no number is the best of nothing."""
        return "tied" if self.tied else "best" if self.best and not math.isnan(self.main.value) else ""


@dataclass(frozen=True)
class Ranking:
    """All candidates, the best first; ``others`` are the labels of their other measures, ``level`` that of the
    intervals."""

    label: str
    entries: tuple[Entry, ...]
    others: tuple[str, ...]
    level: float = 0.95

    @property
    def best(self) -> Entry:
        """The candidate that stands first."""
        return self.entries[0]


def ranking_of(result: Result) -> Ranking | None:
    """The candidates of a run; None where there are none. Without a verdict they keep the order in which they were
    given."""
    if not result.candidates or not result.results:
        return None
    verdict = result.verdict
    label = verdict.measure if verdict is not None else result.results[0].name
    of_each: dict[str, dict[str, MeasureResult]] = {name: {} for name in result.candidates}
    for each in result.results:
        if each.candidate is not None:
            of_each.setdefault(each.candidate, {})[each.name] = each
    order = [name for name in (verdict.order if verdict else result.candidates) if label in of_each.get(name, {})]
    order += [name for name in of_each if name not in order and label in of_each[name]]
    if not order:
        return None
    apart = {each.candidate: each for each in verdict.differences} if verdict else {}
    tied = set(verdict.tied) if verdict and len(verdict.tied) > 1 else set()
    names = short_names(order)
    entries = tuple(
        Entry(
            rank=place if verdict else 0, candidate=name, name=names[name], main=of_each[name][label],
            others={other: each for other, each in of_each[name].items() if other != label},
            difference=apart.get(name), tied=name in tied,
        )
        for place, name in enumerate(order, start=1)
    )  # fmt: skip
    labels = dict.fromkeys(other for entry in entries for other in entry.others)
    return Ranking(label, entries, tuple(labels), verdict.level if verdict else 0.95)


def asked_for(result: Result) -> list[MeasureResult]:
    """The measures of a run that somebody asked for: without the other direction of one, and without the agreement of
    first choices that stands beside every divergence."""
    return [each for each in result.results if not each.automatic]


def worst_of(result: Result, ranking: Ranking | None) -> list[tuple[str, MeasureResult]]:
    """The measures whose worst rows are to be listed, with what they are of: the candidates by the measure that they
    are ranked by, or the measures of one file. None where one row a measure is all there is."""
    if ranking is None:
        asked = asked_for(result)
        measures = [(each.name if len(asked) > 1 else "", each) for each in asked]
    else:
        measures = [(each.name, each.main) for each in ranking.entries]
    return [(name, each) for name, each in measures if len(each.worst) > 1]


def bounds(each: MeasureResult, level: float) -> tuple[float, float] | None:
    """The interval of a mean at a level, by the normal distribution; None where there is no standard error."""
    from statistics import NormalDist

    if each.std_error is None or not math.isfinite(each.std_error) or not math.isfinite(each.value):
        return None
    reach = NormalDist().inv_cdf((1 + level) / 2) * each.std_error
    return each.value - reach, each.value + reach


def alike(values: Sequence[float], digits: int) -> list[str]:
    """Numbers of a column with as many decimals each, so that they can be compared at a look; by significant digits
    where they are too far apart for that.

    >>> alike([0.5, 0.0625], 4), alike([1e-9, 3.0], 4)
    (['0.5000', '0.0625'], ['1e-09', '3'])
    """
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    if not sizes or max(sizes) >= 10.0**digits or min(sizes) < max(sizes) * 10.0**-_DIGITS_APART:
        return [f"{value:.{digits}g}" for value in values]
    decimals = max(0, digits - 1 - math.floor(math.log10(max(sizes))))
    if decimals > digits + 2:
        return [f"{value:.{digits}g}" for value in values]
    return [f"{value:.{decimals}f}" for value in values]


def signed(values: Sequence[float], digits: int) -> list[str]:
    """Differences of a column, alike, with their signs.

    >>> signed([0.5, -0.25, 0.0], 2)
    ['+0.50', '-0.25', '0.00']
    """
    return [("+" if value > 0 else "") + text for value, text in zip(values, alike(values, digits), strict=True)]


def percent(level: float) -> str:
    """A level as people say it.

    >>> percent(0.95), percent(0.999)
    ('95 %', '99.9 %')
    """
    return f"{level * 100:.6g} %"
