"""``divtool fit``: which simple distribution over whole numbers loses least."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import typer

from divtool import api
from divtool.cli.running import chosen_form, emit_records, on_terminal, plain_signs, tell
from divtool.cli.signature import parameter, tool_function
from divtool.engine.fit_options import READING, Fitting
from divtool.errors import UsageError
from divtool.findings import FitResult
from divtool.formats.atomic import check_output
from divtool.formats.opening import file_and_key
from divtool.options import REPORTS, Reading, Writing, fields_of


def fit_command() -> Callable[..., None]:
    """The command: what was observed, the families, and the options of reading and writing that matter to it."""
    help_ = (
        "Outcomes with their counts or probabilities in two columns, either alone in a column or a row (of 0, 1, 2,"
        " ...), or a column of samples; FILE:COLUMN names a column, - is standard input."
    )
    observed = typer.Argument(metavar="OBSERVED", help=help_, show_default=False)
    own = [parameter("observed", str, observed, inspect.Parameter.empty)]
    options: list[tuple[type, Sequence[str]]] = [
        (Fitting, [each.name for each in fields_of(Fitting)]),
        (Reading, READING),
        (Writing, ("format", "output", "quiet", "digits")),
    ]
    return tool_function(own, options, _fit)


def _fit(observed: str, **options: Any) -> None:
    """How well simple distributions over whole numbers describe an observed one.

    Each family is fitted so that it loses least: KL(observed || model) = sum p log(p/q) is least where the likelihood
    is greatest. In closed form for the binomial (p = mean/n), Poisson (lambda = mean), geometric (p = 1/(1 + mean))
    and step; by a search for the negative binomial, Zipf and the rounded normal. Ranked, with KL the other way round,
    and with AIC and BIC where there are counts. A model that gives no mass to something observed loses infinitely much,
    and the outcome is said.

    divtool fit examples/data/worms.csv --family uniform,binomial --base 2
    """
    form = _form_of(options)
    output, models = options["output"], [*(options["model"] or ())]
    if output is not None:
        check_output(output, [file_and_key(each)[0] for each in (observed, *models)])
    chosen = {name: value for name, value in options.items() if name not in ("format", "output", "quiet", "digits")}
    chosen = {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}
    result = api.fit(observed, **chosen)
    tell(() if form == "table" else result.notes)
    emit_records(_text(result, form, options), form, output)


def _form_of(options: dict[str, Any]) -> str:
    """The form of the report: asked for, else by the output's suffix, else a table on a terminal and TSV in a pipe."""
    asked, output = options["format"], options["output"]
    if asked is not None and asked not in REPORTS:
        raise UsageError(f'--format "{asked}": expected one of {", ".join(REPORTS)}')
    if not 1 <= options["digits"] <= 17:
        raise UsageError(f"--digits {options['digits']}: expected a number from 1 to 17")
    if options["quiet"] and asked is not None:
        raise UsageError("--quiet prints the bare number; --format asks for more")
    return chosen_form(asked, output)


def _text(result: FitResult, form: str, options: dict[str, Any]) -> str | bytes:
    if options["quiet"]:
        return f"{result.value!r}\n"
    from divtool.reports.fitted import render_fit

    return render_fit(
        result, form, digits=options["digits"], terminal=on_terminal(options["output"]),
        ascii_only=plain_signs(options["output"]),
    )  # fmt: skip
