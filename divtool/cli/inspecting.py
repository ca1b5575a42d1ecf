"""``divtool inspect``: what a file is, and what to type next."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from divtool import __version__, api
from divtool.cli.running import emit
from divtool.cli.signature import parameter, tool_function
from divtool.errors import InputError, UsageError
from divtool.options import Reading
from divtool.reports.inspection import as_json, as_text
from divtool.result import UNREADABLE

_OPTIONS = (
    "given", "columns", "id", "label_col", "header", "no_header", "delimiter", "class_axis", "input_format",
    "concat", "normalize",
)  # fmt: skip
_FORMS = ("table", "json")


def inspect_command() -> Callable[..., None]:
    """The command: the options of reading that make a difference to what a file is."""
    files = typer.Argument(metavar="FILE...", help="Files, folders of parts, FILE:ARRAY, or - for standard input.")
    everything = typer.Option("--all", help="Look at every row of a large file, not at its first 256 MiB.")
    form = typer.Option("-f", "--format", metavar="|".join(_FORMS), help="Form of the report.")
    own = [
        parameter("names", list[str], files, inspect.Parameter.empty),
        parameter("everything", bool, everything, False),
        parameter("format", str | None, form, None),
    ]
    return tool_function(own, [(Reading, _OPTIONS)], _inspect)


def _inspect(names: list[str], everything: bool, format: str | None, **options: Any) -> None:
    """What a file is, what is odd in it, and what to type next."""
    if format not in (None, *_FORMS):
        raise UsageError(f'--format "{format}": expected one of {", ".join(_FORMS)}')
    defaults = Reading()
    chosen = {name: value for name, value in options.items() if value != getattr(defaults, name)}
    seen = api.inspect(*names, everything=everything, **chosen)
    emit([(as_json(seen, __version__) if format == "json" else as_text(seen)).encode()])
    if any(each.format == UNREADABLE for each in seen):
        raise typer.Exit(InputError.status)
