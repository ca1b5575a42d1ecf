"""``divtool merge``: states of runs over different rows, as one result."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import typer

from divtool import api
from divtool.cli.running import run_verb
from divtool.cli.signature import parameter, tool_function
from divtool.engine.request import declared
from divtool.measures.declare import Declaration
from divtool.options import Writing
from divtool.result import Result

_WRITING = ("format", "output", "save_state", "fail_if", "quiet", "digits")


def merge_command() -> Callable[..., int]:
    """The command: states, and the options of writing."""
    states = typer.Argument(metavar="STATE...", help="Files that --save-state wrote (a glob is several).")
    separate = typer.Option(help="Each state is of files of its own, though they have the same names.")
    own = [
        parameter("states", list[str], states, inspect.Parameter.empty), parameter("separate", bool, separate, False)
    ]  # fmt: skip
    return tool_function(own, [(Writing, _WRITING)], _merge)


def _merge(states: list[str], *, separate: bool, **options: Any) -> int:
    """
    One result of several runs over different rows, which --save-state kept: every bit is that of
    a single run over all of them.

    \b
    Slices:    of the same files, made with --rows A:B, in any order; what is missing
               between them is said, and rows that two states hold are refused
    Files:     of different files the rows go on in the order given, as in a folder
    Refused:   states of other measures, settings, classes or versions, damaged ones
    Again:     --save-state keeps what was merged; such states merge as well

    \b
    Example:   divtool kl a.npy b.npy --rows 0:1000 --save-state part1.json
               divtool kl a.npy b.npy --rows 1000: --save-state part2.json
               divtool merge part1.json part2.json -f json
    """
    return run_verb(declared("ce"), states, options, run=partial(_run, separate))


def _run(separate: bool, verb: Declaration, states: list[str], options: dict[str, Any], **ways: Any) -> Result:
    return api.run_merge(states, options, separate=separate, shapes=ways["shapes"])
