"""The variables of a table: its columns with their outcomes, as they were asked for or as they stand there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from divtool.accumulators.joint import JointCounts
from divtool.engine.binning import find_bins
from divtool.engine.coding import first_outcomes
from divtool.engine.counting import Variable, count_outcomes
from divtool.engine.operands import open_one
from divtool.engine.plan import running_of
from divtool.errors import InputError, UsageError
from divtool.findings import VariableReport
from divtool.formats.source import FLOAT, Header, Source
from divtool.meaning.bins import BinRules, parse_bins
from divtool.meaning.columns import describe_excluded
from divtool.meaning.grammar import find_column
from divtool.meaning.outcomes import Outcomes, decide_outcomes
from divtool.measures.declare import Operand
from divtool.options import Reading, Running, parse_rows
from divtool.outcome_options import Counting
from divtool.registry import suggestion
from divtool.result import InputReport

Progress = Callable[[int, int], None]

TABLE = Operand("table", "TABLE", "A table with a row for each case (or FILE:ARRAY).", frozenset({"values"}))
# The names of so many outcomes are told with a variable.
MOST_TOLD = 1000


@dataclass(frozen=True)
class Variables:
    """The variables of a table, of which ``wanted`` came to be asked for by name; the columns left out, and notes."""

    source: Source
    chosen: tuple[Variable, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    weights: int | None

    def place(self, column: int) -> int:
        """Where the variable of a column stands among them."""
        return next(i for i, each in enumerate(self.chosen) if each.column == column)


def open_table(thing: Any, reading: Reading) -> Source:
    """The table that an operand names."""
    source = open_one(TABLE, thing, reading).source
    if source.count() == 0:
        raise InputError("holds no rows", path=source.header.path, hint="expected a row for each case")
    return source


def decided_of(
    source: Source, reading: Reading, counting: Counting, *, wanted: Sequence[int] = (), only: bool = False
) -> tuple[Outcomes, int | None]:  # fmt: skip
    """Which columns are variables, and the one that counts the cases: ``wanted`` ones in any case, and those that
    --columns names (all that can be, if it names none), or, if ``only``, no others."""
    header, rules = source.header, parse_bins(counting.bins)
    weights = None if counting.counts is None else find_column(header, counting.counts, "--counts")
    if weights is not None and weights in wanted:
        raise UsageError(f"--counts {counting.counts}: the column counts the cases; it is no variable")
    taken = {} if weights is None else {weights: "counts the cases"}
    if only:
        taken |= {i: "not asked for" for i in range(header.width) if i not in wanted}
    try:
        decided = decide_outcomes(
            header, cache(partial(first_outcomes, source)), chosen=None if only else reading.columns, bins=rules,
            wanted=wanted, taken=taken, uncut=() if only else wanted,
        )  # fmt: skip
    except InputError as error:
        _explain(error, header, only)
        raise
    _check_bins(rules, decided)
    return decided, weights


def _explain(error: InputError, header: Header, only: bool) -> None:
    """A hint that fits what was asked: two columns are not left out, and fractions alone may be a model's outputs."""
    if only:
        error.hint = error.hint.partition("; to leave columns out")[0]
    elif header.width > 2 and all(word == FLOAT for word in header.types):
        error.hint += "; if these are a model's outputs: divtool joint OUTPUTS LABELS"


def variables_of(
    source: Source, reading: Reading, counting: Counting, running: Running, *, wanted: Sequence[int] = (),
    only: bool = False,
) -> Variables:  # fmt: skip
    """The variables that :func:`decided_of` finds, with the intervals of those that hold numbers."""
    decided, weights = decided_of(source, reading, counting, wanted=wanted, only=only)
    threads, chunk_bytes = running_of(running)
    rows = None if reading.rows is None else parse_rows(reading.rows)
    cut = {each.column: each.rule for each in decided.variables if each.rule is not None}
    bins = find_bins(source, cut, threads=threads, chunk_bytes=chunk_bytes, rows=rows) if cut else {}
    variables = tuple(Variable(each.column, each.name, bins.get(each.column)) for each in decided.variables)
    notes = [note for each in bins.values() for note in each.notes]
    if cut and not bins:
        notes.append("--bins cuts no column: all numbers are whole, and no more different ones than intervals")
    if decided.left_out and not only:
        notes.append(f"left out: {describe_excluded(decided.left_out)}")
    return Variables(source, variables, decided.left_out, tuple(notes), weights)


def _check_bins(rules: BinRules, decided: Outcomes) -> None:
    """Refuse rules that no variable obeys."""
    names = [each.name for each in decided.variables]
    stray = [name for name in rules.own if name not in names]
    if stray:
        raise UsageError(
            f'--bins {stray[0]}=...: "{stray[0]}" is none of the variables', hint=suggestion(stray[0], names)
        )
    if rules.every is not None and all(each.rule is None or each.name in rules.own for each in decided.variables):
        raise UsageError(
            f"--bins {rules.every}: no variable holds numbers, which this rule is for",
            hint="text is never cut: its entries are its outcomes",
        )


def counted(
    variables: Variables, looked_at: Sequence[Variable], subsets: Sequence[tuple[int, ...]], reading: Reading,
    counting: Counting, running: Running, progress: Progress | None,
) -> JointCounts:  # fmt: skip
    """The counts of subsets of ``looked_at``, in one pass over the table. Raises :class:`InputError` if nothing was
    counted."""
    threads, chunk_bytes = running_of(running)
    source, total = variables.source, variables.source.estimate()
    counts = count_outcomes(
        source, looked_at, subsets, threads=threads, chunk_bytes=chunk_bytes,
        rows=None if reading.rows is None else parse_rows(reading.rows), weights_column=variables.weights,
        refuse_missing=counting.missing == "error",
        progress=None if progress is None else lambda rows: progress(rows, total),
    )  # fmt: skip
    if not counts.cases:
        said = f"no case is left of {source.count():,} rows"
        raise InputError(said, path=source.header.path, hint="see --rows, --counts and --lag")
    return counts


def table_report(source: Source) -> InputReport:
    """The table as it was understood."""
    header = source.header
    return InputReport(
        header.path, header.format, header.dtype, source.count(), header.width, ("table",), origin=header.origin,
        shape=header.shape,
    )  # fmt: skip


def rule_of(each: Variable) -> str:
    """How the numbers of a variable became outcomes, empty if they are no numbers."""
    return "" if each.bins is None else str(each.bins.rule)


def name_of(each: Variable) -> str:
    """The name of a variable, with how much earlier its values stand."""
    return each.name + (f" {each.lag} row{'' if each.lag == 1 else 's'} earlier" if each.lag else "")


def variable_report(
    source: Source, each: Variable, entries: Sequence[str | None], counts: Mapping[str | None, int]
) -> VariableReport:
    """A variable with its outcomes; ``counts`` tells how many cases have no value."""
    return VariableReport(
        name=name_of(each), path=source.header.path,
        outcomes=len(entries), missing=counts.get(None, 0), rule=rule_of(each),
        entries=tuple(entries) if len(entries) <= MOST_TOLD else (),
    )  # fmt: skip
