"""Mutual information of columns of numbers without intervals, by nearest neighbours: what ``--estimator ksg`` finds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from divtool.accumulators.joint_table import JointTable
from divtool.engine.couples import Couple, coupled
from divtool.engine.gains import Null, gain_of, own_entropy, pair_gain, permuted_figures, target_entropy
from divtool.engine.held import Held
from divtool.engine.mutual import GainRequest, Progress, in_order, settings_of
from divtool.engine.numeric import EACH, MOST_CATEGORIES, held_columns, rules_of
from divtool.engine.plan import running_of
from divtool.engine.variables import MOST_TOLD, open_table, rule_of, table_report
from divtool.errors import UsageError
from divtool.findings import Gain, GainResult, PairGain, VariableReport
from divtool.formats.source import Source
from divtool.meaning.grammar import find_column
from divtool.measures.joint_information import share
from divtool.numerics.neighbours import repeated, shuffled

_ASKED = re.compile(r"ksg(?::([0-9]{1,9}))?", re.IGNORECASE)
_NEIGHBOURS, _MOST_NEIGHBOURS = 3, 1000
_SHOWN = 6


def neighbours_of(estimator: str) -> int:
    """How many neighbours ``ksg`` or ``ksg:K`` asks for. Raises :class:`UsageError` for what is neither.

    >>> neighbours_of("ksg"), neighbours_of("ksg:5")
    (3, 5)
    """
    asked = _ASKED.fullmatch(estimator.strip())
    number = 0 if asked is None else _NEIGHBOURS if asked[1] is None else int(asked[1])
    if not 1 <= number <= _MOST_NEIGHBOURS:
        raise UsageError(f'estimator "{estimator}": expected ksg or ksg:K, K neighbours from 1 to {_MOST_NEIGHBOURS:,}')
    return number


def continuous_result(
    thing: object, request: GainRequest, version: str, progress: Progress | None = None
) -> GainResult:
    """What the columns of a table tell, by nearest neighbours where they hold numbers."""
    neighbours = neighbours_of(request.counting.estimator)
    _check(request)
    source, gaining = open_table(thing, request.reading), request.gaining
    target = None if gaining.target is None else find_column(source.header, gaining.target, "--target")
    columns, notes = held_columns(source, target, request, progress)
    whole = [each.variable.name for each in columns if each.numbers is not None and each.whole]
    if whole:
        notes.append(f"numbers: {_listed(whole)} ({'are' if len(whole) > 1 else 'is'} whole, but more than "
                     f"{MOST_CATEGORIES} different ones; --bins COLUMN={EACH} makes each a category)")  # fmt: skip
    if any(each.numbers is not None and each.lacking.any() for each in columns):
        notes.append("cases that lack a number are left out of its pairs")
    lonely = [each.variable.name for each in columns if each.codes is not None and not repeated(each.codes).all()]
    if lonely:
        notes.append(f"cases alone in their category of {_listed(lonely)} are left out of its pairs with numbers")
    base = GainResult(
        version=version, command="mi", inputs=(table_report(source),), notes=tuple(notes), question="", target=None,
        variables=tuple(_report(source, each) for each in columns), rows=len(columns[0].lacking),
        cases=len(columns[0].lacking), estimator=f"ksg:{neighbours}", null="", unit=request.unit.name,
        settings=settings_of(request),
    )  # fmt: skip
    finish = _ranked if target is not None else _all_pairs
    return finish(base, columns, target, request, neighbours, progress)


def _check(request: GainRequest) -> None:
    """Refuse what neighbours know nothing of."""
    gaining, counting = request.gaining, request.counting
    for flag, given, why in (
        ("--together", gaining.together, "is for two columns at a time"),
        ("--given-columns", gaining.given_columns is not None, "knows no conditions"),
        ("--lag", gaining.lag is not None, "knows no conditions, which transfer entropy has"),
        ("--counts", counting.counts is not None, "takes each row as one case"),
    ):
        if given:
            raise UsageError(f"{flag}: the estimator ksg {why}",
                             hint="cut the numbers into intervals (--bins 10) and leave out --estimator")  # fmt: skip
    every = rules_of(request)[0].every
    if every is not None:
        raise UsageError(f"--bins {every} would cut all numbers, which the estimator ksg takes as they are",
                         hint=f"to cut one of them: --bins COLUMN={every}")  # fmt: skip


def _ranked(
    base: GainResult, columns: Sequence[Held], target: int | None, request: GainRequest, neighbours: int,
    progress: Progress | None,
) -> GainResult:  # fmt: skip
    """Each column's gain about the target."""
    null, threads = Null(request.gaining.permutations, request.gaining.seed), running_of(request.running)[0]
    drop, unit = request.counting.missing == "drop", request.unit
    place = next(i for i, each in enumerate(columns) if each.variable.column == target)
    mine, others = columns[place], [each for i, each in enumerate(columns) if i != place]
    gains = []
    for done, each in enumerate(others):
        _tell(progress, base.rows, done, len(others))
        gains.append(_gain(coupled(each, mine, neighbours, threads, drop=drop), each, request, null))
    entropy = None if mine.codes is None else unit.of_nats(target_entropy(request.kept(_alone(mine)), None))
    reports = [each for i, each in enumerate(base.variables) if i != place]
    said = [] if null.permutations else ["0 for neighbours (p-values: --permutations N)"]
    if null.permutations or any(each.rule.startswith("counts") for each in gains):
        said.append(str(null))
    return replace(
        base, question=f"what each column tells of {mine.variable.name}", target=base.variables[place],
        variables=tuple(reports), null=", ".join(said), target_entropy=entropy,
        ranking=tuple(in_order(gains, request.gaining.sort)), warnings=_warnings(gains, others),
    )  # fmt: skip


def _gain(pair: Couple, each: Held, request: GainRequest, null: Null) -> Gain:
    """What a column tells of the target."""
    name, unit, missing = each.variable.name, request.unit, int(each.lacking.sum())
    rule = pair.method + (f", {rule_of(each.variable)}" if each.variable.bins is not None else "")
    if pair.counted:
        return gain_of(request.kept(pair.table()), name, None, null, unit, missing=missing, rule=rule)
    gain = pair.information()
    outcomes = _different(pair.x)
    if math.isnan(gain):
        return Gain(name, gain, math.nan, math.nan, math.nan, None, None, outcomes, missing, pair.cases, rule)
    told = math.nan if pair.y.codes is None else share(gain, target_entropy(_alone(pair.y), None))
    expected, p, log10_p, high = 0.0, None, None, None
    if null.permutations:
        values = shuffled(pair.information, pair.cases, null.permutations, null.random(name))
        expected, p, log10_p, high = permuted_figures(values, gain)
    return Gain(
        name=name, gain=unit.of_nats(gain), expected=unit.of_nats(expected), excess=unit.of_nats(gain - expected),
        share=told, p_value=p, log10_p_value=log10_p, outcomes=outcomes, missing=missing,
        cases=pair.cases, rule=rule, null_high=None if high is None else unit.of_nats(high),
    )  # fmt: skip


def _all_pairs(
    base: GainResult, columns: Sequence[Held], target: int | None, request: GainRequest, neighbours: int,
    progress: Progress | None,
) -> GainResult:  # fmt: skip
    """All pairs of columns; those of categories with themselves have their entropy, numbers have none."""
    threads, drop, unit = running_of(request.running)[0], request.counting.missing == "drop", request.unit
    own = [own_entropy(request.kept(_alone(each)), each.variable.name, None, unit)
           for each in columns if each.codes is not None]  # fmt: skip
    chosen = [(x, y) for i, x in enumerate(columns) for y in columns[i + 1 :]]
    found = []
    for done, (x, y) in enumerate(chosen):
        _tell(progress, base.rows, done, len(chosen))
        pair, names = coupled(x, y, neighbours, threads, drop=drop), (x.variable.name, y.variable.name)
        found.append(
            pair_gain(request.kept(pair.table()), names, None, unit) if pair.counted
            else PairGain(*names, unit.of_nats(pair.information()), math.nan, pair.cases)
        )  # fmt: skip
    return replace(base, question="mutual information of all pairs of columns", pairs=(*own, *found))


def _tell(progress: Progress | None, rows: int, done: int, of: int) -> None:
    if progress is not None:
        progress(rows * (done + 1), rows * (of + 1))


def _alone(held: Held) -> JointTable:
    """The counts of a column of categories."""
    assert held.codes is not None
    codes, counts = np.unique(held.codes, return_counts=True)
    return JointTable((held.entries,), codes[:, None], counts, int(counts.sum()))


def _different(held: Held) -> int:
    """How many different values a column has, of those it has."""
    values = held.codes if held.numbers is None else held.numbers
    return int(np.unique(values[~np.isnan(values)]).size) if values is not None else 0


def _report(source: Source, held: Held) -> VariableReport:
    kind = rule_of(held.variable) or ("categories" if held.numbers is None else "numbers")
    entries = held.entries if len(held.entries) <= MOST_TOLD else ()
    return VariableReport(held.variable.name, source.header.path, _different(held), int(held.lacking.sum()), kind,
                          entries)  # fmt: skip


def _warnings(gains: Sequence[Gain], columns: Sequence[Held]) -> tuple[str, ...]:
    """Categories whose gain is a matter of how many they are, and pairs too small for neighbours."""
    naming = [gain.name for gain, each in zip(gains, columns, strict=True)
              if each.codes is not None and gain.outcomes == gain.cases > 1]  # fmt: skip
    short = [gain.name for gain in gains if math.isnan(gain.gain)]
    return tuple(
        said for names, said in (
            (naming, f"{_listed(naming)}: every case has another entry, which tells all of any target and nothing of "
                     "a new case"),
            (short, f"{_listed(short)}: too few cases to have neighbours"),
        ) if names
    )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
