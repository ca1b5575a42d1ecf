"""Two variables from whatever holds them: two columns, two files, or a table of counts or probabilities."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from divtool.accumulators.joint_table import JointTable
from divtool.engine.contingency import contingency
from divtool.engine.figures import MOST_CELLS, cell_figures, figures_of, statistics_asked
from divtool.engine.operands import check_concat, open_one
from divtool.engine.plan import running_of
from divtool.engine.present import input_report
from divtool.engine.sides import joined
from divtool.engine.suggested import looks_counted
from divtool.engine.variables import MOST_TOLD, TABLE, counted, open_table, rule_of, table_report, variables_of
from divtool.errors import InputError, UsageError
from divtool.findings import CellFigure, Figure, JointResult, VariableReport
from divtool.formats.keys import text_keys
from divtool.formats.tab_cells import tab_cell
from divtool.formats.writing import row_file, row_format
from divtool.meaning.grammar import find_column
from divtool.measures.estimators import estimator
from divtool.measures.information import information_of
from divtool.measures.joint_chance import few_expected
from divtool.options import Measuring, Reading, Running, pick
from divtool.outcome_options import Counting
from divtool.registry import suggestion
from divtool.result import InputReport
from divtool.units import unit_of_base

Progress = Callable[[int, int], None]

# So many cells are written at once.
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class JointRequest:
    """What was asked for: statistics by name (none: all), with the options of their own, and a file for the cells."""

    reading: Reading
    counting: Counting
    running: Running
    base: str = "e"
    measures: tuple[str, ...] = ()
    given: str | None = None
    own: Mapping[str, Any] | None = None
    cells: str | None = None


@dataclass(frozen=True)
class Found:
    """A table of two variables and where it came from."""

    table: JointTable
    variables: tuple[VariableReport, VariableReport]
    inputs: tuple[InputReport, ...]
    rows: int
    matched: tuple[str, ...] = ()
    left_out: int = 0
    warnings: tuple[str, ...] = ()


def joint_result(
    operands: Sequence[Any], request: JointRequest, version: str, progress: Progress | None = None
) -> JointResult:
    """The figures of two variables. Raises :class:`UsageError` for operands or options that do not fit."""
    asked, estimate = statistics_asked(request.measures), estimator(request.counting.estimator)
    unit = unit_of_base(request.base)
    check_concat(operands, request.reading)
    running_of(request.running)
    found = _found(operands, request, progress)
    table = found.table
    if table.cases is None and estimate is not None:
        raise UsageError(
            f"--estimator {request.counting.estimator}: probabilities do not tell how many cases there were",
            hint="plug-in takes them as they are",
        )
    own = dict(request.own or {})
    figures, lacking = figures_of(
        table, information_of(table, estimate), asked, own, unit, named=bool(request.measures),
        estimator=request.counting.estimator,
    )  # fmt: skip
    _refuse_unused(own, figures)
    cells = cell_figures(table, unit) if request.cells or len(table.cells) <= MOST_CELLS else []
    if request.cells:
        _write_cells(request.cells, cells)
    return JointResult(
        version=version, command="joint", inputs=found.inputs, matched=found.matched, variables=found.variables,
        cases=table.cases, rows=found.rows, left_out=found.left_out, estimator=request.counting.estimator,
        unit=unit.name, results=tuple(figures), cells=tuple(cells if len(cells) <= MOST_CELLS else []),
        warnings=(*found.warnings, *lacking, *_warnings(table, figures)),
        written=(request.cells,) if request.cells else (), settings=_settings(request),
    )  # fmt: skip


def _found(operands: Sequence[Any], request: JointRequest, progress: Progress | None) -> Found:
    given = [each for each in operands if each is not None]
    _refuse_one_column(given, request)
    if len(given) == 1:
        return _from_cells(given[0], request)
    if len(given) == 2:
        return _from_sides(given, request, progress)
    if len(given) == 3 and all(isinstance(each, str | int) for each in given[1:]):
        return _from_columns(given[0], [str(each) for each in given[1:]], request, progress)
    raise UsageError(
        "joint takes a table and two of its columns, two files, or a contingency table",
        hint="usage: divtool joint TABLE X Y, divtool joint FILE FILE, divtool joint COUNTS",
    )


def _refuse_one_column(given: Sequence[Any], request: JointRequest) -> None:
    """A table and the name of one column: the other is missing, and no file is."""
    if len(given) != 2 or not isinstance(given[0], str) or not isinstance(given[1], str) or os.path.exists(given[1]):
        return
    if os.path.isfile(given[0]) and open_one(TABLE, given[0], request.reading).header.find(given[1]) is not None:
        raise UsageError(
            f'"{given[1]}" is a column of {given[0]}; which is the other?', hint=f"divtool joint {given[0]} X Y"
        )


def _from_columns(thing: Any, names: Sequence[str], request: JointRequest, progress: Progress | None) -> Found:
    source = open_table(thing, request.reading)
    columns = [find_column(source.header, name, option) for name, option in zip(names, ("X", "Y"), strict=True)]
    if columns[0] == columns[1]:
        raise UsageError(f'X and Y are the same column, "{names[0]}"')
    _refuse(request, "--given", "--columns", "--id", "--join", "--normalize")
    chosen = variables_of(source, request.reading, request.counting, request.running, wanted=columns, only=True)
    looked_at = [chosen.chosen[chosen.place(column)] for column in columns]
    counts = counted(chosen, looked_at, [(0, 1)], request.reading, request.counting, request.running, progress)
    named = [(each.name, source.header.path, rule_of(each)) for each in looked_at]
    found = _found_in(
        counts.table((0, 1)), request, named, (table_report(source),), counts.rows, notes=chosen.notes
    )  # fmt: skip
    return replace(found, warnings=looks_counted(source, request.counting, columns))


def _from_sides(things: Sequence[Any], request: JointRequest, progress: Progress | None) -> Found:
    _refuse(request, "--bins", "--counts", "--given")
    both = joined(things, request.reading, request.counting, request.running, progress)
    if not both.soft:
        _refuse(request, "--columns", "--normalize")
    named = [(each.title, each.title, "") for each in both.inputs]
    found = _found_in(both.table, request, named, tuple(map(input_report, both.inputs)), both.rows, soft=both.soft)
    said = "each case adds the product of both rows' probabilities"
    return replace(
        found, matched=(*both.matched, *((said,) if both.soft else ())), left_out=found.left_out + both.left_out
    )


def _from_cells(thing: Any, request: JointRequest) -> Found:
    _refuse(request, "--bins", "--counts", "--missing", "--join")
    source = open_one(TABLE, thing, request.reading).source
    found = contingency(source, request.reading, request.given)
    header, table = source.header, found.table.occurring()
    report = replace(table_report(source), kind=found.kind, evidence=found.evidence)
    path = header.path
    named_by = f'rows, named by "{found.rows_named_by}"' if found.rows_named_by else "rows"
    variables = (_report(named_by, path, "", table, 0), _report("columns", path, "", table, 1))
    empty = [
        f"{before - after} of the {what} hold no case" for before, after, what in
        zip(map(len, found.table.entries), map(len, table.entries), ("rows", "columns"), strict=True) if before > after
    ]  # fmt: skip
    return Found(table, variables, (report,), source.count(), tuple(empty))


def _found_in(
    table: JointTable, request: JointRequest, named: Sequence[tuple[str, str, str]], inputs: tuple[InputReport, ...],
    rows: int, *, notes: tuple[str, ...] = (), soft: bool = False,
) -> Found:  # fmt: skip
    """The counts of two variables, each with its name, its file and its rule; without cases that lack a value, if they
    are to be dropped."""
    kept = table.without_missing() if request.counting.missing == "drop" else table.occurring()
    left_out = 0 if soft or table.cases is None else table.total - kept.total
    if not kept.counts.size:
        raise InputError("no case is left: each lacks a value", path=inputs[0].path, hint="see --missing")
    x, y = (_report(*each, kept, place) for place, each in enumerate(named))
    return Found(kept, (x, y), inputs, rows, matched=notes, left_out=left_out)


def _report(name: str, path: str, rule: str, table: JointTable, place: int) -> VariableReport:
    alone, entries = table.margin(place), table.entries[place]
    lacking = 0
    if table.cases is not None and entries and entries[-1] is None:
        lacking = int(alone.counts[alone.cells[:, 0] == len(entries) - 1].sum())
    told = entries if len(entries) <= MOST_TOLD else ()
    return VariableReport(name, path, len(alone.counts), lacking, rule, tuple(told))


def _refuse(request: JointRequest, *flags: str) -> None:
    """Refuse options that could not be obeyed."""
    # --missing is declared by both; joint has that of counting.
    defaults = (Counting(), Reading())
    for flag in flags:
        name = flag.removeprefix("--")
        group = next((each for each in defaults if hasattr(each, name)), None)
        if name == "given":
            given = request.given is not None
        else:
            own = request.reading if isinstance(group, Reading) else request.counting
            given = getattr(own, name) != getattr(group, name)
        if given:
            raise UsageError(f"{flag} does not apply to this form of joint",
                             hint="divtool joint --help shows the three forms and what they take")  # fmt: skip


def _refuse_unused(own: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """Refuse options of statistics that there are none of."""
    for name in own:
        if not any(name in each.parameters for each in figures):
            raise UsageError(f"--{name} belongs to none of the statistics asked for")


def _warnings(table: JointTable, figures: Sequence[Figure]) -> tuple[str, ...]:
    warnings = []
    for what, place in (("X", 0), ("Y", 1)):
        outcomes = table.margin(place).counts.size
        if table.cases is not None and outcomes == table.total > 1:
            warnings.append(f"every case has another {what}: it names the cases, and tells everything about them")
    if len(table.cells) > 1 and any(each.p_value is not None for each in figures):
        few, cells = few_expected(table)
        if 5 * few > cells:
            warnings.append(
                f"{few:,} of {cells:,} cells expect fewer than 5 cases: the p-values are rough (mi --permutations draws"
                " the null instead)"
            )
    return tuple(warnings)


def _write_cells(path: str, cells: Sequence[CellFigure]) -> None:
    """A line for each filled cell. Lines of TSV are split at tabs by whoever reads them."""
    written = tab_cell if row_format(path) == "tsv" else str
    with row_file(path, ("x", "y"), ("count", "expected", "pmi", "npmi")) as writer:
        for first in range(0, len(cells), _AT_ONCE):
            some = cells[first : first + _AT_ONCE]
            keys = [
                text_keys([written(text or "") for text in texts])
                for texts in zip(*((e.x, e.y) for e in some), strict=True)
            ]
            writer.write(keys, np.array([(e.count, e.expected, e.pmi, e.npmi) for e in some]))


def _settings(request: JointRequest) -> dict[str, object]:
    """The settings that are not the defaults: they belong to the numbers."""
    said: dict[str, object] = {}
    for group, defaults, names in (
        (request.reading, Reading(), ("columns", "id", "rows", "join", "normalize")),
        (request.counting, Counting(), ("missing", "bins", "counts", "estimator")),
    ):
        said |= {name: getattr(group, name) for name in names if getattr(group, name) != getattr(defaults, name)}
    said |= {"given": request.given} if request.given is not None else {}
    said |= {"measure": list(request.measures)} if request.measures else {}
    said |= {"base": request.base} if request.base != "e" else {}
    return said | dict(request.own or {})


# The options of joint, by the group that declares them.
READING = ("columns", "id", "header", "no_header", "delimiter", "input_format", "concat", "rows", "join", "normalize")
COUNTING = ("missing", "bins", "counts", "estimator")
RUNNING = ("threads", "chunk_size")
OWN = ("measure", "given", "norm", "beta", "cells", "base")
_NORMS = ("min", "geometric", "arithmetic", "max")


def joint_request(options: Mapping[str, Any]) -> JointRequest:
    """What options ask for. Raises :class:`UsageError` for one that joint does not have."""
    known = [*READING, *COUNTING, *RUNNING, *OWN]
    for name in options:
        if name not in known:
            raise UsageError(f'joint has no option "{name}"', hint=suggestion(name, known))
    given = options.get("given")
    if given not in (None, "counts", "probs"):
        raise UsageError(f'--given "{given}": expected counts or probs')
    measuring = pick(Measuring, {name: options[name] for name in ("base", "measure") if name in options})
    defaults = {"norm": "arithmetic", "beta": 1.0}
    own = {name: options[name] for name, default in defaults.items() if options.get(name, default) != default}
    if not 0.0 <= own.get("beta", 1.0) < float("inf"):
        raise UsageError(f"--beta {own['beta']:g}: expected a number from 0")
    if own.get("norm", "arithmetic") not in _NORMS:
        raise UsageError(f'--norm "{own["norm"]}": expected one of {", ".join(_NORMS)}')
    cells = options.get("cells")
    if cells is not None:
        row_format(cells)
    return JointRequest(
        pick(Reading, {name: options[name] for name in READING if name in options}),
        pick(Counting, {name: options[name] for name in COUNTING if name in options}),
        pick(Running, {name: options[name] for name in RUNNING if name in options}),
        measuring.base, measuring.measure, given, own, cells,
    )  # fmt: skip
