"""``divtool calibration`` and ``divtool temperature``: how sure a model is, against how often it is right."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from divtool import api
from divtool.cli.progress import Progress
from divtool.cli.running import chosen_form, emit_records, on_terminal, plain_signs, tell, told_gates
from divtool.cli.signature import parameter, tool_function
from divtool.engine.calibration_options import MEASURING, READING, RUNNING, Calibrating
from divtool.errors import UsageError
from divtool.formats.atomic import check_output
from divtool.formats.opening import file_and_key
from divtool.options import Measuring, Reading, Running, Writing, fields_of, pick

_WRITING = ("format", "output", "quiet", "digits")
_PREDICTIONS = typer.Argument(metavar="PREDICTIONS", help="Logits or probabilities, a row each.", show_default=False)
_LABELS = typer.Argument(
    metavar="[LABELS]", help="A class for each row (index or name), unless it is in PREDICTIONS.", show_default=False
)


def calibration_command() -> Callable[..., None]:
    """The command: the operands of ce, the bins, and the options of reading and writing."""
    groups = [(Calibrating, [each.name for each in fields_of(Calibrating)]), (Reading, READING),
              (Measuring, MEASURING), (Running, (*RUNNING, "progress")), (Writing, _WRITING)]  # fmt: skip
    return tool_function(_operands(), groups, _calibration)


def temperature_command() -> Callable[..., None]:
    """The command: the operands of ce, another file to apply the temperature to, reading and writing."""
    from divtool.engine.temperature import Tempering

    groups = [(Tempering, [each.name for each in fields_of(Tempering)]), (Reading, READING),
              (Measuring, ("ignore_index",)), (Running, (*RUNNING, "progress")), (Writing, _WRITING)]  # fmt: skip
    return tool_function(_operands(), groups, _temperature)


def _operands() -> list[inspect.Parameter]:
    return [
        parameter("predictions", str, _PREDICTIONS, inspect.Parameter.empty),
        parameter("labels", str | None, _LABELS, None),
    ]


def _calibration(predictions: str, labels: str | None, **options: Any) -> int:
    """
    How well a model knows how often it is right.

    \b
    ece, mce, rmsce   sum n_b/N |gap_b|, max |gap_b|, root of sum n_b/N gap_b^2, where
                      gap_b = mean confidence - accuracy of the rows in bin b
    ...-mass          bins of equal mass (adaptive) instead of equal width
    ...-debiased      without what finite bins add by chance
    classwise-...     each class's probability against that class; mean over classes
    reliability, resolution, uncertainty, within-bin-variance, -covariance
                      the parts of the Brier score of the confidence, exactly

    \b
    Edges:     bins are (a, b], 0 in the first and 1 in the last; the edges are the
               doubles nearest to k/n, so 0.3 lies on 3/10. Of equally probable
               classes the first is the model's choice. Equal confidences are
               never in two bins of equal mass.

    \b
    Example:   divtool calibration examples/data/digits_a.npy examples/data/digits_labels.npy
    """
    operands = [each for each in (predictions, labels) if each is not None]
    writing, form = _writing(options, operands)
    if writing.quiet and len(",".join(options["measure"]).split(",")) > 1:
        raise UsageError("--quiet prints one number; -m asks for more", hint="-f json or -f tsv holds all of them")
    with Progress(options.pop("progress")) as progress:
        result = api.run_calibration(operands, options, progress)
    tell(result.warnings)
    if writing.quiet:
        emit_records(f"{result.value!r}\n", form, writing.output)
    else:
        from divtool.reports.calibration import render_calibration

        shown, plain = on_terminal(writing.output), plain_signs(writing.output)
        text = render_calibration(result, form, digits=writing.digits, terminal=shown, ascii_only=plain)
        emit_records(text, form, writing.output)
    return told_gates(result)


def _temperature(predictions: str, labels: str | None, **options: Any) -> None:
    """
    The temperature that fits a model's confidence to its labels: its logits divided by T, the NLL is least.

    \b
    Formula:   min over T > 0 of  mean_i -log softmax(x_i / T) at the label of row i
    Search:    convex in 1/T: safeguarded Newton steps over exact sums, a pass each
    Error:     T^2 / sqrt(sum_i Var_i), Var_i the variance of the logits under
               softmax(x_i / T): the observed information
    Edges:     probabilities are taken by their logarithms; refused are labels of
               probability 0 (infinite at every T), labels that are all the first
               choice (T = 0) and labels no likelier than chance (T = infinity)

    \b
    Rows:      --rows are those of the file that is fitted, --apply-rows those of the other

    \b
    Examples:  divtool temperature val.npy val_labels.npy --apply test.npy --apply-labels y.npy
               divtool temperature val.npz --rows 0:5000 --apply val.npz --apply-rows 5000:
               divtool ce test.npy y.npy -T "$(divtool temperature val.npy val_labels.npy -q)"
    """
    operands = [each for each in (predictions, labels) if each is not None]
    others = [options[name] for name in ("apply", "apply_labels") if options[name] is not None]
    writing, form = _writing(options, [*operands, *others])
    with Progress(options.pop("progress")) as progress:
        result = api.run_temperature(operands, options, progress)
    tell(result.warnings)
    if writing.quiet:
        emit_records(f"{result.value!r}\n", form, writing.output)
        return
    from divtool.reports.calibration import render_temperature

    text = render_temperature(result, form, digits=writing.digits, terminal=on_terminal(writing.output))
    emit_records(text, form, writing.output)


def _writing(options: dict[str, Any], inputs: list[str]) -> tuple[Writing, str]:
    """How to write, taken out of the options, and in which form; checked before anything is read."""
    writing = pick(Writing, {name: options.pop(name) for name in _WRITING})
    if writing.quiet and writing.format is not None:
        raise UsageError("--quiet prints the bare number; --format asks for more")
    form = chosen_form(writing.format, writing.output) if not writing.quiet else "tsv"
    if writing.output is not None:
        check_output(writing.output, [file_and_key(each)[0] for each in inputs])
    for name, value in options.items():
        options[name] = tuple(value) if isinstance(value, list) else value
    return writing, form
