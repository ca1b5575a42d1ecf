"""``divtool joint``: what two variables say of each other."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import typer

from divtool import api
from divtool.cli.progress import Progress
from divtool.cli.running import chosen_form, emit_records, on_terminal, tell
from divtool.cli.signature import parameter, tool_function
from divtool.errors import UsageError
from divtool.formats.atomic import check_output
from divtool.formats.opening import file_and_key
from divtool.options import Measuring, Reading, Running, Writing, pick
from divtool.outcome_options import Counting
from divtool.reports.joint import render_joint

READING = ("columns", "id", "header", "no_header", "delimiter", "input_format", "concat", "rows")
RUNNING = ("threads", "chunk_size", "progress")
WRITING = ("format", "output", "digits")


def joint_command() -> Callable[..., None]:
    """The command: three forms of operands, the options of counting, those of single statistics."""
    table = typer.Argument(metavar="TABLE", help="A table, a file of labels or distributions, or a table of counts.")
    first = typer.Argument(metavar="[X|FILE]", help="A column of TABLE, or the file of the other variable.")
    second = typer.Argument(metavar="[Y]", help="The other column of TABLE.")
    given = typer.Option("--given", metavar="counts|probs", help="What the cells of a contingency table are.")
    measure = typer.Option(
        "-m", "--measure", metavar="NAME,...", help="These statistics alone, or a family of them (divtool list joint)."
    )
    norm = typer.Option(metavar="NAME", help="Norm of adjusted mutual information: min, geometric, arithmetic, max.")
    beta = typer.Option(help="Weight of completeness in the V-measure.")
    cells = typer.Option(metavar="FILE", help="Write a line for each cell: count, expected count, PMI, NPMI.")
    quiet = typer.Option("-q", "--quiet", help="Print the bare number: mutual information, or the one that -m names.")
    own = [
        parameter("table", str, table, inspect.Parameter.empty), parameter("x", str | None, first, None),
        parameter("y", str | None, second, None), parameter("measure", list[str], measure, []),
        parameter("given", str | None, given, None), parameter("norm", str, norm, "arithmetic"),
        parameter("beta", float, beta, 1.0), parameter("cells", str | None, cells, None),
        parameter("quiet", bool, quiet, False),
    ]  # fmt: skip
    groups = [(Reading, (*READING, "join", "normalize")), (Counting, ("missing", "bins", "counts", "estimator")),
              (Measuring, ("base",)), (Running, RUNNING), (Writing, WRITING)]  # fmt: skip
    return tool_function(own, groups, _joint)


def _joint(table: str, x: str | None, y: str | None, quiet: bool, **options: Any) -> None:
    """
    What two variables say of each other, from counts of their outcomes.

    \b
    divtool joint TABLE X Y      two columns of a table with a row for each case
    divtool joint FILE FILE      labels of the same cases in two files (FILE:COLUMN
                                 names the column), or tables of distributions
    divtool joint COUNTS         a contingency table, or joint probabilities

    \b
    H(X), H(Y), H(X,Y), H(X|Y), H(Y|X), I(X;Y), PMI of each cell; variation of
    information, NMI (min, geometric, arithmetic, max, joint), AMI, homogeneity,
    completeness, V-measure, gain ratio, Theil's U, lautum information; G-test and
    chi-square with p-values, Cramer's V; for labelings with the same names accuracy,
    kappa, F1, Matthews correlation. Exact counts: independent variables give 0.

    \b
    Example:   divtool joint examples/data/admissions.csv gender admitted --counts applicants
    """
    options["measure"] = tuple(options["measure"])
    several = UsageError("--quiet prints one number; -m asks for more", hint="-f json or -f tsv holds all of them")
    if quiet and len(",".join(options["measure"]).split(",")) > 1:
        raise several
    writing = pick(Writing, {name: options.pop(name) for name in WRITING})
    if quiet and writing.format is not None:
        raise UsageError("--quiet prints the bare number; --format asks for more")
    form = chosen_form(writing.format, writing.output)
    if writing.output is not None:
        check_output(writing.output, [file_and_key(each)[0] for each in (table, x, y) if each is not None])
        if options["cells"] is not None and os.path.realpath(options["cells"]) == os.path.realpath(writing.output):
            raise UsageError(f"{writing.output}: --cells and --output name the same file")
    with Progress(options.pop("progress")) as progress:
        result = api.run_joint([each for each in (table, x, y) if each is not None], options, progress)
    if quiet and options["measure"] and len(result.results) > 1:
        raise several
    tell(result.warnings)
    shown = on_terminal(writing.output)
    text = f"{result.value!r}\n" if quiet else render_joint(result, form, digits=writing.digits, terminal=shown)
    emit_records(text, form, writing.output)
