"""Groups of rows as reports lay them out: a line a group, of each candidate and of each measure that was asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from divtool.reports.ranked import Ranking
from divtool.result import MeasureResult, Result


@dataclass(frozen=True)
class Groups:
    """The groups that one column makes. ``labels`` are the measures, that of the run first; ``candidates`` the best
    first, or None where there is one file; ``lines`` the names of the groups, as they were given, with the figures of
    each (candidate, label) that has rows in them."""

    by: str
    labels: tuple[str, ...]
    candidates: tuple[str | None, ...]
    lines: Mapping[str, Mapping[tuple[str | None, str], MeasureResult]]

    def found(self, group: str, candidate: str | None, label: str) -> MeasureResult | None:
        """A figure; None where there is none."""
        return self.lines[group].get((candidate, label))

    def of(self, candidate: str | None, label: str) -> list[tuple[str, MeasureResult]]:
        """The groups that a candidate has rows in, with its figures."""
        return [(group, figures[candidate, label]) for group, figures in self.lines.items()
                if (candidate, label) in figures]  # fmt: skip

    def worst(self, candidate: str | None, label: str) -> str | None:
        """The worst group of two or more; None where it is not known which way is better."""
        known = [(each.value, group, each) for group, each in self.of(candidate, label) if not math.isnan(each.value)]
        if len(known) < 2 or known[0][2].better is None:
            return None
        value = (min if known[0][2].better == "higher" else max)(value for value, _, _ in known)
        return next(group for found, group, _ in known if found == value)


def groups_of(result: Result, ranking: Ranking | None) -> list[Groups]:
    """The groups of a run, by the column that makes them, in the order given."""
    found: dict[str, list[MeasureResult]] = {}
    for each in result.groups:
        found.setdefault(each.by or "", []).append(each)
    main = ranking.label if ranking is not None else result.results[0].name if result.results else ""
    return [_groups(by, groups, main, ranking) for by, groups in found.items()]


def _groups(by: str, groups: Sequence[MeasureResult], main: str, ranking: Ranking | None) -> Groups:
    labels = dict.fromkeys(each.name for each in groups)
    ordered = ([main] if main in labels else []) + [label for label in labels if label != main]
    candidates = dict.fromkeys(each.candidate for each in groups)
    if ranking is not None:
        ranked = [entry.candidate for entry in ranking.entries]
        candidates = dict.fromkeys([*(name for name in ranked if name in candidates), *candidates])
    lines: dict[str, dict[tuple[str | None, str], MeasureResult]] = {}
    for each in groups:
        lines.setdefault(each.group or "", {})[each.candidate, each.name] = each
    return Groups(by, tuple(ordered), tuple(candidates), lines)
