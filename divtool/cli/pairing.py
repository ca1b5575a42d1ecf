"""``divtool matrix``: every two of several files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from divtool import api
from divtool.cli.progress import Progress
from divtool.cli.running import chosen_form, emit_records, on_terminal, tell
from divtool.cli.signature import parameter, tool_function
from divtool.engine.matrix import MEASURING, RUNNING
from divtool.formats.atomic import check_output
from divtool.formats.opening import file_and_key
from divtool.options import Measuring, Reading, Running, Writing, fields_of, pick
from divtool.reports.matrix import render_matrix

_WRITING = ("format", "output", "digits")


def matrix_command() -> Callable[..., None]:
    """The command: the files, and the options of measures of two distributions."""
    files = typer.Argument(metavar="FILES...", help="Distributions over the same rows and classes (a glob is several).")
    having = api.declared("kl").having
    reading = [each.name for each in fields_of(Reading, having) if not each.name.startswith("given_")]
    measuring, running = ("measure", *MEASURING), (*RUNNING, "progress")
    groups = [(Reading, reading), (Measuring, measuring), (Running, running), (Writing, _WRITING)]
    return tool_function([parameter("files", list[str], files, inspect.Parameter.empty)], groups, _matrix)


def _matrix(files: list[str], **options: Any) -> None:
    """
    Every two of several files by a measure (-m js if none is named), in one pass over
    each file: a table with a row and a column for each.

    \b
    Symmetric: measures such as js, tv, hellinger are computed once for two files
    Directed:  of kl and the like the row is the reference, the column the model
    Output:    a table for people; TSV, CSV, JSON lines and Parquet have a line for
               each pair: measure, reference, model, value, std_error, infinite, n

    \b
    Example:   divtool matrix examples/data/digits_a.npy examples/data/digits_b.npy examples/data/digits_soft.npy
    """
    writing = pick(Writing, {name: options.pop(name) for name in _WRITING})
    form = chosen_form(writing.format, writing.output)
    if writing.output is not None:
        check_output(writing.output, [file_and_key(each)[0] for each in files])
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    with Progress(options.pop("progress")) as progress:
        result = api.run_matrix(files, options, progress)
    tell(result.warnings)
    text = render_matrix(result, form, digits=writing.digits, terminal=on_terminal(writing.output))
    emit_records(text, form, writing.output)
