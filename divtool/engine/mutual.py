"""Mutual information over the columns of a table: of each with a target, of all pairs, of all together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from divtool.accumulators.joint import JointCounts
from divtool.accumulators.joint_table import JointTable
from divtool.engine.counting import Variable
from divtool.engine.figures import several_figures
from divtool.engine.gains import Null, gain_of, own_entropy, pair_gain, target_entropy
from divtool.engine.operands import check_concat
from divtool.engine.suggested import looks_counted
from divtool.engine.variables import (
    Variables,
    counted,
    name_of,
    open_table,
    rule_of,
    table_report,
    variable_report,
    variables_of,
)
from divtool.errors import InputError, ResourceError, UsageError
from divtool.findings import Gain, GainResult, PairGain, VariableReport
from divtool.formats.source import FLOAT, INTEGER, Source
from divtool.meaning.grammar import chosen_columns, find_column
from divtool.measures.estimators import estimator
from divtool.measures.information import Estimate
from divtool.options import Measuring, Reading, Running, pick
from divtool.outcome_options import Counting, Gaining, parse_lags
from divtool.registry import natural, suggestion
from divtool.units import Unit, unit_of_base

Progress = Callable[[int, int], None]
# More different numbers than this, with fewer cases of each, would be told better by intervals.
_MANY, _FEW_EACH = 20, 10
_SHOWN = 6
READING = ("columns", "header", "no_header", "delimiter", "input_format", "concat", "rows")
COUNTING = ("missing", "bins", "counts", "estimator")
RUNNING = ("threads", "chunk_size")
# All pairs of some 1,450 columns; the figures of columns together take time with the square of their number.
_MOST_PAIRS, _MOST_TOGETHER = 1 << 20, 1000
GAINING = ("target", "matrix", "together", "given_columns", "lag", "history", "permutations", "seed", "sort")


@dataclass(frozen=True)
class GainRequest:
    """What was asked for, and how the table is to be read and counted."""

    reading: Reading
    counting: Counting
    running: Running
    gaining: Gaining
    unit: Unit

    @property
    def estimate(self) -> Estimate | None:
        """The estimator of entropy, None for the observed frequencies."""
        return estimator(self.counting.estimator)

    def kept(self, table: JointTable) -> JointTable:
        """The cases that count."""
        return table.without_missing() if self.counting.missing == "drop" else table.occurring()


def gain_request(options: Mapping[str, Any]) -> GainRequest:
    """What options ask for. Raises :class:`UsageError` for those that do not fit together."""
    known = [*READING, *COUNTING, *RUNNING, *GAINING, "base"]
    for name in options:
        if name not in known:
            raise UsageError(f'mi has no option "{name}"', hint=suggestion(name, known))

    def of(group: Any, names: Sequence[str]) -> Any:
        return pick(group, {name: options[name] for name in names if name in options})

    gaining = of(Gaining, GAINING)
    counting = of(Counting, COUNTING)
    _check(gaining, counting)
    unit = unit_of_base(of(Measuring, ("base",)).base)
    return GainRequest(of(Reading, READING), counting, of(Running, RUNNING), gaining, unit)


def _check(gaining: Gaining, counting: Counting) -> None:
    asked = [flag for flag, given in (("--target", gaining.target is not None), ("--matrix", gaining.matrix),
                                      ("--together", gaining.together)) if given]  # fmt: skip
    if len(asked) != 1:
        raise UsageError(
            f"{' and '.join(asked)} exclude each other" if asked else "what is to be told? No target is named",
            hint="--target COL ranks all columns, --matrix takes all pairs, --together all columns at once",
        )
    defaults = Gaining()
    for name in ("given_columns", "lag", "permutations"):
        if gaining.target is None and getattr(gaining, name) != getattr(defaults, name):
            raise UsageError(f"--{name.replace('_', '-')} is for --target")
    if gaining.together and gaining.sort != defaults.sort:
        raise UsageError("--sort is for --target and --matrix")
    if gaining.lag is not None:
        parse_lags(gaining.lag)
        if counting.counts is not None:
            raise UsageError("--lag is for rows that are steps in time; --counts makes a row stand for several cases")
    if gaining.lag is None and gaining.history != defaults.history:
        raise UsageError("--history is for --lag: how much of the target's own past is known")
    if not gaining.permutations and gaining.seed != defaults.seed:
        raise UsageError("--seed is for --permutations")


def gain_result(thing: Any, request: GainRequest, version: str, progress: Progress | None = None) -> GainResult:
    """What the columns of a table tell, as asked for."""
    check_concat([thing], request.reading)
    source, gaining = open_table(thing, request.reading), request.gaining
    wanted = [] if gaining.target is None else [find_column(source.header, gaining.target, "--target")]
    given = [] if gaining.given_columns is None else chosen_columns(
        source.header, gaining.given_columns, "--given-columns"
    )[0]  # fmt: skip
    if gaining.given_columns is not None and not given:
        raise UsageError(f'--given-columns "{gaining.given_columns}" names no column that is known')
    if wanted and wanted[0] in given:
        raise UsageError(f'"{gaining.target}" is the target; it cannot be given')
    variables = variables_of(source, request.reading, request.counting, request.running, wanted=[*wanted, *given])
    if len(variables.chosen) < 2:
        raise InputError(
            f'only the column "{variables.chosen[0].name}" is left; mutual information takes two',
            path=source.header.path,
            hint="; ".join(variables.notes) or "expected a table with several columns",
        )
    if gaining.target is not None:
        result = _ranked(variables, wanted[0], given, request, version, progress)
    else:
        result = (_paired if gaining.matrix else _together)(variables, request, version, progress)
    doubt = looks_counted(source, request.counting, [*wanted, *given])
    return replace(result, warnings=(*doubt, *result.warnings))


def _ranked(
    variables: Variables, target: int, given: Sequence[int], request: GainRequest, version: str,
    progress: Progress | None,
) -> GainResult:  # fmt: skip
    """Each column's gain about the target, given others or the target's own past."""
    gaining = request.gaining
    columns = [each for each in variables.chosen if each.column != target and each.column not in given]
    if not columns:
        raise UsageError("no column is left that could tell of the target")
    the_target = variables.chosen[variables.place(target)]
    conditions = [variables.chosen[variables.place(column)] for column in given]
    if gaining.lag is not None:
        columns = [replace(each, lag=lag) for lag in parse_lags(gaining.lag) for each in columns]
        conditions += [replace(the_target, lag=i) for i in range(1, gaining.history + 1)]
    looked_at = [the_target, *conditions, *columns]
    places = range(len(conditions) + 1, len(looked_at))
    subsets = [(place, 0, *range(1, len(conditions) + 1)) for place in places]
    counts = counted(variables, looked_at, subsets, request.reading, request.counting, request.running, progress)
    null, alone = Null(gaining.permutations, gaining.seed), _each_alone(counts)
    gains = [
        replace(
            gain_of(
                request.kept(counts.table(subset)), each.name, request.estimate, null, request.unit,
                missing=_lacking(alone[subset[0]]), rule=rule_of(each),
            ),
            lag=each.lag or None,
        )
        for each, subset in zip(columns, subsets, strict=True)
    ]  # fmt: skip
    others = tuple(range(2, 2 + len(conditions)))
    whole = request.kept(counts.table(subsets[0]).margin(1, *others))
    entropy = request.unit.of_nats(target_entropy(whole, request.estimate)) if whole.counts.size else math.nan
    return GainResult(
        version=version, command="mi", inputs=(table_report(variables.source),),
        notes=(*variables.notes, *_conditions(conditions, gaining)),
        question=_question(the_target.name, conditions, gaining),
        target=_report(variables.source, the_target, alone[0]),
        variables=tuple(_report(variables.source, looked_at[place], alone[place]) for place in places),
        rows=counts.rows, estimator=request.counting.estimator, null=_null(null, conditions), unit=request.unit.name,
        cases=counts.cases, conditions=tuple(map(name_of, conditions)), target_entropy=entropy,
        ranking=tuple(in_order(gains, gaining.sort)), warnings=_warnings(variables.source, columns, gains),
        settings=settings_of(request),
    )  # fmt: skip


def _null(null: Null, conditions: Sequence[Variable]) -> str:
    where = " within each outcome of what is known" if null.permutations else ", summed over what is known"
    return f"{null}{where if conditions else ''}"


def _question(target: str, conditions: Sequence[Variable], gaining: Gaining) -> str:
    if gaining.lag is not None:
        past = {0: "", 1: "its row before"}.get(gaining.history, f"its {gaining.history} rows before")
        known = [*filter(None, [past]), *(each.name for each in conditions if not each.lag)]
        what = "transfer entropy: what" if gaining.history else "what"
        earlier = f"{gaining.lag.replace(':', ' to ')} row{'' if gaining.lag == '1' else 's'} earlier"
        return f"{what} each column, {earlier}, tells of {target}" + (f" beyond {' and '.join(known)}" if known else "")
    if conditions:
        return f"what each column tells of {target} where {', '.join(each.name for each in conditions)} is known"
    return f"what each column tells of {target}"


def _conditions(conditions: Sequence[Variable], gaining: Gaining) -> list[str]:
    if gaining.lag is None:
        return []
    first = max(parse_lags(gaining.lag)[-1], gaining.history)
    return ["the first row has no past and does not count" if first == 1 else
            f"the first {first:,} rows have no past and do not count"]  # fmt: skip


def _check_size(number: int, most: int, what: str) -> None:
    if number > most:
        raise ResourceError(f"{number:,} {what} are too many (at most {most:,})",
                            hint="name fewer columns: --columns a,b,c")  # fmt: skip


def _paired(variables: Variables, request: GainRequest, version: str, progress: Progress | None) -> GainResult:
    """All pairs of columns."""
    chosen = variables.chosen
    _check_size(len(chosen) * (len(chosen) - 1) // 2, _MOST_PAIRS, "pairs of columns")
    pairs = [(i, j) for i in range(len(chosen)) for j in range(i + 1, len(chosen))]
    subsets = [*((i,) for i in range(len(chosen))), *pairs]
    counts = counted(variables, chosen, subsets, request.reading, request.counting, request.running, progress)
    estimate, unit = request.estimate, request.unit
    own = [own_entropy(request.kept(counts.table((i,))), each.name, estimate, unit) for i, each in enumerate(chosen)]
    found = [
        pair_gain(request.kept(counts.table(pair)), (chosen[pair[0]].name, chosen[pair[1]].name), estimate, unit)
        for pair in pairs
    ]
    few = sum(each.rough for each in found)
    said = (
        f"{few:,} of {len(found):,} pairs have few cases in a cell: their p-values are rough, their gain may be chance"
    )
    return _of_all(variables, counts, request, version, "mutual information of all pairs of columns",
                   pairs=(*own, *in_order(found, request.gaining.sort)), warnings=(said,) if few else ())  # fmt: skip


def _together(variables: Variables, request: GainRequest, version: str, progress: Progress | None) -> GainResult:
    """All columns as one table."""
    chosen, whole = variables.chosen, tuple(range(len(variables.chosen)))
    _check_size(len(chosen), _MOST_TOGETHER, "columns together")
    counts = counted(variables, chosen, [whole], request.reading, request.counting, request.running, progress)
    table = request.kept(counts.table(whole))
    if not table.counts.size:
        raise InputError("no case is left: each lacks a value", path=variables.source.header.path)
    figures, lacking = several_figures(table, request.estimate, request.unit)
    return _of_all(variables, counts, request, version, f"what {len(chosen)} columns tell together",
                   figures=tuple(figures), warnings=tuple(lacking))  # fmt: skip


def _of_all(
    variables: Variables, counts: JointCounts, request: GainRequest, version: str, question: str, **parts: Any
) -> GainResult:
    alone = _each_alone(counts)
    reports = tuple(_report(variables.source, each, alone[i]) for i, each in enumerate(variables.chosen))
    return GainResult(
        version=version, command="mi", inputs=(table_report(variables.source),), notes=variables.notes,
        question=question, target=None, variables=reports, rows=counts.rows, cases=counts.cases,
        estimator=request.counting.estimator,
        null="", unit=request.unit.name, settings=settings_of(request), **parts,
    )  # fmt: skip


def _each_alone(counts: JointCounts) -> dict[int, JointTable]:
    """The counts of each variable."""
    alone: dict[int, JointTable] = {}
    for subset in counts.subsets:
        new = [place for place in subset if place not in alone]
        table = counts.table(subset) if new else None
        for place in new:
            assert table is not None
            alone[place] = table if table.width == 1 else table.margin(subset.index(place))
    return alone


def _lacking(alone: JointTable) -> int:
    """How many cases have no value of a variable."""
    names = alone.entries[0]
    if not names or names[-1] is not None:
        return 0
    return int(alone.counts[alone.cells[:, 0] == len(names) - 1].sum())


def _report(source: Source, each: Variable, alone: JointTable) -> VariableReport:
    return variable_report(source, each, alone.occurring().entries[0], {None: _lacking(alone)})


_Ranked = TypeVar("_Ranked", Gain, PairGain)


def _names_of(each: Gain | PairGain) -> tuple[object, ...]:
    return natural(each.name) if isinstance(each, Gain) else (natural(each.x), natural(each.y))


_KEYS: dict[str, Callable[[Gain | PairGain], Any]] = {
    "gain": lambda each: -each.gain,
    "excess": lambda each: -each.excess,
    "p-value": lambda each: (each.log10_p_value if each.log10_p_value is not None else 0.0, -each.excess),
    "name": _names_of,
}


def in_order(gains: Sequence[_Ranked], by: str) -> list[_Ranked]:
    """Ranked; of equals the one named first in natural order, and columns without a single case last."""
    ranked = sorted(gains, key=_names_of)
    return sorted(ranked, key=lambda each: (math.isnan(each.gain), 0 if math.isnan(each.gain) else _KEYS[by](each)))


def _warnings(source: Source, columns: Sequence[Variable], gains: Sequence[Gain]) -> tuple[str, ...]:
    """Columns whose gain is a matter of how many outcomes they have."""
    naming = [each.name for each in gains if each.outcomes == each.cases > 1]
    numbers = [
        gain.name for each, gain in zip(columns, gains, strict=True)
        if each.bins is None and source.header.types[each.column] in (FLOAT, INTEGER) and gain.name not in naming
        and gain.outcomes > _MANY and gain.cases < _FEW_EACH * gain.outcomes
    ]  # fmt: skip
    rough = [each.name for each in gains if each.rough and each.name not in (*naming, *numbers)]
    said = []
    if rough:
        said.append(
            f"{_quoted(rough)}: few cases in a cell, so the p-value is rough and the excess may be chance"
            " (--permutations 1000 draws the null)"
        )
    if naming:
        said.append(
            f"{_quoted(naming)}: every case has another entry, which tells all of any target and nothing of a new case"
        )
    if numbers:
        said.append(
            f"{_quoted(numbers)}: many different numbers, few cases of each; intervals tell more: --bins frequency:8"
        )
    return tuple(said)


def _quoted(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(f'"{name}"' for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def settings_of(request: GainRequest) -> dict[str, object]:
    """The settings that are not the defaults: they belong to the numbers."""
    said: dict[str, object] = {}
    for group, defaults, names in (
        (request.reading, Reading(), ("columns", "rows")), (request.counting, Counting(), COUNTING),
        (request.gaining, Gaining(), GAINING),
    ):  # fmt: skip
        said |= {name: getattr(group, name) for name in names if getattr(group, name) != getattr(defaults, name)}
    return said
