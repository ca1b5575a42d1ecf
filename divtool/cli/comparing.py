"""``divtool compare``: which of several files is closest to a reference, and whether that is more than chance."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Union

import typer

from divtool import api
from divtool.cli.running import run_verb
from divtool.cli.signature import parameter, tool_function
from divtool.measures.declare import Declaration
from divtool.options import GROUPS, fields_of
from divtool.result import Result


def compare_command() -> Callable[..., int]:
    """The command: a reference, candidates, and the options of every measure of two files."""
    reference = typer.Argument(
        metavar="REF", help="The reference: distributions, or labels where -m begins with a loss."
    )
    candidates = typer.Argument(metavar="CAND...", help="The files that are ranked (a glob is several).")
    measure = typer.Option(
        "-m", "--measure", metavar="NAME,...",
        help="These measures; the first ranks (default: kl,js,tv,same-top-1). NAME:OPTION=VALUE sets an option.",
    )  # fmt: skip
    own = [
        parameter("reference", str, reference, inspect.Parameter.empty),
        parameter("candidates", Union[list[str], None], candidates, None),  # noqa: UP007
        parameter("measure", list[str], measure, []),
    ]
    having = api.declared("kl").having | api.declared("ce").having
    # The labels, where there are any, are the reference.
    left = ("measure", "label_col")
    groups = [(group, [each.name for each in fields_of(group, having) if each.name not in left]) for group in GROUPS]
    return tool_function(own, groups, _compare)


def _compare(reference: str, candidates: list[str] | None, **options: Any) -> int:
    """
    Which of several files is closest to a reference: all of -m in one pass over each file,
    the candidates ranked by the first of them (kl, js, tv, same-top-1 if none is named).

    \b
    Ranked:    with the difference of each to the best, over the same rows, and its
               interval (--level, by Student's t); "tied" where 0 is inside of it
    Checked:   by a bootstrap, a permutation test (--resamples, --seed) and a sign
               test, all in -f json; --cluster COL for rows that belong together
    Losses:    with -m ce (or brier, ...) REF holds the labels: the best model wins
    Looked at: --by COL in groups, --worst N rows, --per-row FILE, -o report.html
    Gates:     --fail-if 'kl.p99>1' --fail-if 'top1<0.95' end with status 1

    \b
    Example:   divtool compare examples/data/digits_soft.npy examples/data/digits_a.npy examples/data/digits_b.npy
    """
    return run_verb(api.declared("kl"), [reference, *(candidates or [])], options, run=_run, measures=1)


def _run(declared: Declaration, operands: list[str], options: dict[str, Any], **ways: Any) -> Result:
    return api.run_compare(operands, options, **ways)
