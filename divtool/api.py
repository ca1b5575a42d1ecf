"""The library's front door, and the only thing the command line calls: from operands and options to a result."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from divtool import __version__
from divtool.calibrated import CalibrationResult, TemperatureResult
from divtool.engine.explain import explanation
from divtool.engine.inside import with_labels_inside
from divtool.engine.request import declared as declared
from divtool.engine.request import request_of
from divtool.engine.run import Progress, Ways, planned, run_request
from divtool.engine.separate import runs_apart, together
from divtool.errors import InputError, UsageError
from divtool.findings import FitResult, GainResult, JointResult
from divtool.formats.atomic import check_output, whole_file
from divtool.formats.opening import file_and_key, is_glob, matching
from divtool.measures.declare import Declaration
from divtool.options import GROUPS, Reading, Writing, fields_of, pick
from divtool.registry import suggestion
from divtool.reports.rendering import as_bytes, form_of_suffix, render
from divtool.result import UNREADABLE, Explanation, Inspection, MatrixResult, Result

if TYPE_CHECKING:
    from divtool.engine.fitting import Candidate

# So much of a file is looked at to say what it is.
_INSPECTED = 1 << 28


def compute(measure: str, /, *operands: Any, **options: Any) -> Result:
    """Compute a measure over files or arrays.

    ``measure`` is the name of a verb ("ce", "kl", "entropy", ...). Each operand is a path, a NumPy array, a pandas
    DataFrame or an Arrow table, in the order of the verb's operands. Options are those of the command line with
    underscores for hyphens (``given``, ``base``, ``temperature``, ``class_weight``, ``per_row``, ``output``, ...).
    With ``reduction="none"``, and from a transform without an ``output``, the rows are in ``row_values``.
    ``format`` and ``digits`` matter with an ``output``; ``quiet`` and ``progress`` are the command line's alone.

    Raises :class:`divtool.errors.DivtoolError`: UsageError for arguments that do not fit, InputError for data that is
    not what it was taken for, OutputError for a file that cannot be written.

    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]]), np.array([0, 2])
    >>> compute("ce", logits, labels).value
    2.236744934100905
    """
    if options.pop("explain", False):
        raise UsageError("explain is an option of the command line; here it is divtool.explain(...)")
    return _written(run(declared(measure), operands, options, shapes=True), options)


def _written(result: Result, options: Mapping[str, Any]) -> Result:
    """The result, which now is in the file that was asked for."""
    output = options.get("output")
    if output is not None and os.fspath(output) not in result.written:
        form = options.get("format") or form_of_suffix(os.fspath(output))
        with whole_file(os.fspath(output)) as stream:
            stream.write(as_bytes(render(result, form, digits=options.get("digits") or 7)))
    return result


def run(asked: Declaration, operands: Sequence[Any], options: dict[str, Any], **ways: Unpack[Ways]) -> Result:
    """Run one verb; see :class:`divtool.engine.run.Ways`."""
    request = with_labels_inside(request_of(asked, operands, options))
    apart = runs_apart(request)
    if apart is None:
        return run_request(request, **ways)
    return together(request, [run_request(each, **ways) for each in apart])


def compare(reference: Any, /, *candidates: Any, **options: Any) -> Result:
    """Compare candidates with a reference over the same rows, by several measures in one pass over each file.

    The candidates are ranked by the first of ``measure`` (default: kl, js, tv, same-top-1), with the intervals of their
    differences to the best in ``verdict``. Where that is a loss (ce, brier, ...), the reference holds the labels.
    Options are those of :func:`compute`.

    >>> import numpy as np
    >>> reference = np.array([[2.5, 1.0], [0.0, 3.5], [1.5, 1.0]])
    >>> result = compare(reference, reference * 0.5, reference * 0.9, measure="js,tv")
    >>> result.verdict.order
    ('q1', 'q')
    """
    return _written(run_compare([reference, *candidates], options, shapes=True), options)


def run_compare(operands: Sequence[Any], options: Mapping[str, Any], **ways: Unpack[Ways]) -> Result:
    """The same for the command line; see :func:`run`."""
    from divtool.engine.compare import compare_request

    return run_request(compare_request(operands, options), **ways)


def ensemble(*members: Any, **options: Any) -> Result:
    """What the members of an ensemble say together, and how far they part: predictive and expected entropy, their
    mutual information, disagreement, and what ``measure`` names besides.

    Each member is a path, an array, a DataFrame or an Arrow table; or one array holds them all along ``member_axis``.
    ``weights`` weigh the members. Options are those of :func:`compute`.

    >>> import numpy as np
    >>> result = ensemble(np.array([[[2.5, 1.0]], [[0.0, 3.5]]]), member_axis=0)
    >>> result["predictive-entropy"].value > result["expected-entropy"].value > 0.0
    True
    """
    return _written(run_ensemble(members, options, shapes=True), options)


def run_ensemble(members: Sequence[Any], options: Mapping[str, Any], **ways: Unpack[Ways]) -> Result:
    """The same for the command line; see :func:`run`."""
    from divtool.engine.ensemble import ensemble_request

    return run_request(ensemble_request(members, options), **ways)


def matrix(*files: Any, **options: Any) -> MatrixResult:
    """Compare every two files with each other, by ``measure`` (default: js), in one pass over each of them.

    Options are those of :func:`compute` that the measures have.

    >>> import numpy as np
    >>> x = np.array([[2.5, 1.25], [0.5, 3.25]])
    >>> matrix(x, x / 2, x, measure="tv")["tv"].values[0][2]
    0.0
    """
    writing = pick(Writing, options)
    result = run_matrix(files, {name: value for name, value in options.items() if name not in ("format", "output")})
    if writing.output is not None:
        from divtool.reports.matrix import render_matrix

        check_output(writing.output, [os.fspath(each) for each in files if isinstance(each, str | os.PathLike)])
        with whole_file(writing.output) as stream:
            stream.write(as_bytes(render_matrix(result, writing.format or form_of_suffix(writing.output))))
    return result


def run_matrix(files: Sequence[Any], options: dict[str, Any], progress: Progress | None = None) -> MatrixResult:
    """The same for the command line."""
    from divtool.engine.matrix import matrix_result
    from divtool.engine.operands import named_files

    return matrix_result(named_files(files, pick(Reading, options)), options, progress)


def merge(*states: Any, separate: bool = False, **options: Any) -> Result:
    """The result of several runs over different rows, each kept by ``save_state``: that of one run over all of them.

    The states are of slices of the same files (``rows``), in any order, or of different files, whose rows go on in the
    order given; ``separate`` says that they are different though they have the same names. ``options`` are ``fail_if``,
    ``output``, ``format``, ``digits``, and ``save_state``, which keeps what was merged.

    Raises :class:`divtool.errors.InputError` for what is no state, for runs that differ in more than their rows, and
    for rows that two states hold.
    """
    return _written(run_merge(states, options, separate=separate), options)


def run_merge(
    states: Sequence[Any], options: Mapping[str, Any], *, separate: bool = False, shapes: bool = True
) -> Result:
    """The same for the command line."""
    from divtool.engine.merging import merged

    several = [name for each in states for name in (each if isinstance(each, list | tuple) else [each])]
    files = [file for name in several for file in _files(name, concat=False)]
    return merged(files, pick(Writing, options), separate=separate, shapes=shapes)


def explain(measure: str, /, *operands: Any, **options: Any) -> Explanation:
    """What :func:`compute` would do: the same decisions, and the parts into which the data would be cut.

    >>> import numpy as np
    >>> explain("ce", np.array([[2.5, 1.0], [0.0, 3.5]]), np.array([0, 1])).cut["rows"]
    2
    """
    asked = declared(measure)
    return explanation(planned(request_of(asked, operands, options)), __version__, asked.name)


def inspect(*names: str, everything: bool = False, **options: Any) -> tuple[Inspection, ...]:
    """What files are, each with the commands that fit it. Options are those of reading (``given``, ``columns``, ...).

    Figures are of the first 256 MiB of a file, or of ``everything``.

    Raises :class:`divtool.errors.InputError` for a file that cannot be opened, if there is no other: among several it
    has the format "unreadable", and its doubt says why.
    """
    # What only this tool needs is imported when it is needed: every run would pay for it.
    from divtool.engine.fitting import fitting_commands
    from divtool.engine.suggested import with_outcomes

    reading = pick(Reading, options)
    files = [file for name in names for file in _files(name, concat=reading.concat)]
    seen = [_inspected(file, reading, sys.maxsize if everything else _INSPECTED, len(files)) for file in files]
    commands = fitting_commands(seen, options, _check_fits)
    return tuple(
        replace(each, commands=with_outcomes(each, own, reading)) for each, own in zip(seen, commands, strict=True)
    )


def _files(name: Any, *, concat: bool) -> list[str]:
    """The files that a name stands for."""
    if not isinstance(name, str | os.PathLike):
        raise UsageError(f"expected names of files, not a {type(name).__name__}")
    path = os.fspath(name)
    return matching(path) if is_glob(path) and not concat and is_glob(file_and_key(path)[0]) else [path]


def _inspected(name: str, reading: Reading, most_bytes: int, files: int) -> Inspection:
    from divtool.engine.inspect import inspect_file

    try:
        return inspect_file(name, reading, most_bytes)
    except InputError as error:
        if files == 1:
            raise
        return Inspection(name, UNREADABLE, 0, doubts=((error.message, error.hint),))


def _check_fits(candidate: Candidate) -> None:
    verb, names, options = candidate
    if verb == "joint":
        from divtool.engine.sides import check_sides

        check_sides(names, pick(Reading, options))
        return
    asked = declared(verb)
    known = {each.name for group in GROUPS for each in fields_of(group, asked.having)}
    given = {name: value for name, value in options.items() if name in known}
    planned(request_of(asked, names, given))


def joint(*operands: Any, **options: Any) -> JointResult:
    """What two variables say of each other: entropies, mutual information and what is made of them, tests, agreement.

    Three forms: ``joint(table, "x", "y")`` takes two columns of a table with a row for each case; ``joint(a, b)``
    labels of the same cases, or their distributions, from two files, arrays or columns (``FILE:COLUMN``);
    ``joint(counts)`` a contingency table or one of joint probabilities. Options are those of ``divtool joint``
    (``measure``, ``estimator``, ``bins``, ``missing``, ``counts``, ``given``, ``norm``, ``beta``, ``cells``, ...).

    Raises :class:`divtool.errors.DivtoolError`, as :func:`compute` does.

    >>> joint([0, 0, 1, 1], [0, 0, 0, 1])["mutual-information"].value
    0.2157615543388357
    """
    return run_joint(operands, options)


def run_joint(operands: Sequence[Any], options: dict[str, Any], progress: Progress | None = None) -> JointResult:
    """The same for the command line: ``progress`` hears of rows done and of about how many there are."""
    from divtool.engine.joint import joint_request, joint_result

    request = joint_request(options)
    if request.cells is not None:
        check_output(request.cells, [file_and_key(each)[0] for each in operands if isinstance(each, str)])
    return joint_result(operands, request, __version__, progress)


def mi(table: Any, target: str | None = None, /, **options: Any) -> GainResult:
    """Mutual information over the columns of a table: of each with a ``target`` (ranked), of all pairs
    (``matrix=True``), or of all columns together (``together=True``). The lines of a ranking are records:
    ``pandas.DataFrame(result.ranking)``.

    ``table`` is a path, a DataFrame, an Arrow table or an array. Options are those of ``divtool mi`` (``columns``,
    ``given_columns``, ``lag``, ``history``, ``bins``, ``missing``, ``counts``, ``estimator``, ``permutations``,
    ``seed``, ``sort``, ``base``, ...).

    Raises :class:`divtool.errors.DivtoolError`, as :func:`compute` does.

    >>> import numpy as np
    >>> result = mi(np.array([[0, 0], [0, 0], [1, 0], [1, 1]]), target="1")
    >>> result.ranking[0].name, result.ranking[0].gain
    ('0', 0.2157615543388357)
    """
    if target is not None:
        options = {"target": target} | options
    return run_mi(table, options)


def run_mi(table: Any, options: dict[str, Any], progress: Progress | None = None) -> GainResult:
    """The same for the command line: ``progress`` hears of rows done and of about how many there are."""
    from divtool.engine.mutual import gain_request, gain_result

    request = gain_request(options)
    if request.counting.estimator.strip().lower().startswith("ksg"):
        from divtool.engine.continuous import continuous_result

        return continuous_result(table, request, __version__, progress)
    return gain_result(table, request, __version__, progress)


def fit(observed: Any, **options: Any) -> FitResult:
    """How well simple distributions describe an observed one over whole numbers, each with the parameters that lose
    least.

    ``observed`` is a path, an array, a DataFrame, an Arrow table or a mapping of outcomes to their counts or
    probabilities. Options are those of ``divtool fit`` (``family``, ``model``, ``trials``, ``cut``, ``fix``,
    ``support``, ``given``, ``columns``, ``normalize``, ``base``) and of reading (``missing``, ``header``, ...); a
    ``model`` may be anything that ``observed`` may be.

    >>> fit({0: 4, 1: 4, 2: 1}, family="binomial")["binomial"].parameters
    {'n': 2, 'p': 0.3333333333333333}
    """
    from divtool.engine.fit_models import fit_models, given_models
    from divtool.engine.fit_options import READING, Fitting

    options, models = given_models(options)
    known = [*(each.name for each in fields_of(Fitting)), *READING]
    for name in options:
        if name not in known:
            raise UsageError(f'fit has no option "{name}"', hint=suggestion(name, known))
    reading = {name: value for name, value in options.items() if name in READING}
    return fit_models(observed, pick(Fitting, options), pick(Reading, reading), models)


def calibration(predictions: Any, labels: Any = None, /, **options: Any) -> CalibrationResult:
    """How well a model knows how often it is right: calibration errors, the parts of its Brier score, a reliability
    table.

    ``predictions`` and ``labels`` are those of ``ce``: paths, arrays, DataFrames, Arrow tables; the labels may stand
    beside the predictions (``label_col``). Options are those of ``divtool calibration`` (``bins``, ``binning``,
    ``classwise``, ``debias``, ``of_class``, ``measure``, ``temperature``, ``ignore_index``, ...).

    Raises :class:`divtool.errors.DivtoolError`, as :func:`compute` does.

    >>> import numpy as np
    >>> result = calibration(np.array([[0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]), np.array([0, 1, 1]), bins=2)
    >>> result.value, result["accuracy"].value
    (0.08333333333333333, 0.6666666666666666)
    """
    return run_calibration([each for each in (predictions, labels) if each is not None], options)


def run_calibration(
    operands: Sequence[Any], options: dict[str, Any], progress: Progress | None = None
) -> CalibrationResult:
    """The same for the command line: ``progress`` hears of rows done and of about how many there are."""
    from divtool.engine.calibration import calibration_result
    from divtool.engine.calibration_options import calibration_request

    return calibration_result(operands, calibration_request(options), __version__, progress)


def temperature(predictions: Any, labels: Any = None, /, **options: Any) -> TemperatureResult:
    """The temperature by which logits are to be divided so that their labels are likeliest; of a table of
    probabilities, the logits are their logarithms.

    ``apply`` and ``apply_labels`` name another file of the model, and its labels, to see what the temperature does to
    it. Other options are those of ``divtool temperature`` (``bins``, ``label_col``, ``ignore_index``, ...).

    Raises :class:`divtool.errors.DivtoolError`; InputError where no temperature is best (every label is the first
    choice, or the labels are no likelier than chance).

    >>> import numpy as np
    >>> logits, labels = np.array([[2.5, 0.5]] * 3 + [[0.5, 2.5]]), np.array([0, 0, 1, 1])
    >>> round(temperature(logits, labels).value, 12)
    1.820478453254
    """
    return run_temperature([each for each in (predictions, labels) if each is not None], options)


def run_temperature(
    operands: Sequence[Any], options: dict[str, Any], progress: Progress | None = None
) -> TemperatureResult:
    """The same for the command line."""
    from divtool.engine.temperature import temperature_result

    return temperature_result(operands, options, __version__, progress)
