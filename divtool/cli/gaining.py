"""``divtool mi``: what the columns of a table tell of a target, of each other, and together."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from divtool import api
from divtool.cli.joining import READING, RUNNING, WRITING
from divtool.cli.progress import Progress
from divtool.cli.running import chosen_form, emit_records, on_terminal, tell
from divtool.cli.signature import parameter, tool_function
from divtool.formats.atomic import check_output
from divtool.formats.opening import file_and_key
from divtool.options import Measuring, Reading, Running, Writing, fields_of, pick
from divtool.outcome_options import Counting, Gaining
from divtool.reports.gains import render_gains


def mi_command() -> Callable[..., None]:
    """The command: one table, what is asked of it, the options of counting."""
    table = typer.Argument(metavar="TABLE", help="A table with a row for each case, or - for standard input.")
    own = [parameter("table", str, table, inspect.Parameter.empty)]
    without_id = tuple(name for name in READING if name != "id")
    groups = [
        (Gaining, [each.name for each in fields_of(Gaining)]), (Counting, [each.name for each in fields_of(Counting)]),
        (Reading, without_id), (Measuring, ("base",)), (Running, RUNNING), (Writing, WRITING),
    ]  # fmt: skip
    return tool_function(own, groups, _mi)


def _mi(table: str, **options: Any) -> None:
    """
    Mutual information over the columns of a table: what each tells of a target, ranked;
    of all pairs (--matrix); of all columns together (--together).

    \b
    Formula:   I(X;Y) = sum p(x,y) log( p(x,y) / (p(x) p(y)) )
               given Z:   I(X;Y|Z) = sum p(x,y,z) log( p(x,y|z) / (p(x|z) p(y|z)) )
               with --lag L:   transfer entropy I(Y_t; X_(t-L) | Y_(t-1), ...)
    By chance: a column that tells nothing has (|X|-1)(|Y|-1)/2N on average, and 2N
               times its gain is chi-square; --permutations N draws the null instead.
    Edges:     exactly 0 where columns are independent; numbers with fractions need
               a rule (--bins); a missing value is an outcome of its own unless
               --missing says otherwise; columns that name rows are left out.

    \b
    Example:   divtool mi examples/data/admissions.csv --target admitted --counts applicants
    """
    writing = pick(Writing, {name: options.pop(name) for name in WRITING})
    form = chosen_form(writing.format, writing.output)
    if writing.output is not None:
        check_output(writing.output, [file_and_key(table)[0]])
    with Progress(options.pop("progress")) as progress:
        result = api.run_mi(table, options, progress)
    tell(result.warnings)
    text = render_gains(result, form, digits=writing.digits, terminal=on_terminal(writing.output))
    emit_records(text, form, writing.output)
