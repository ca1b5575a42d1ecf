"""The library's front door, and the only thing the command line calls: from operands and options to a result."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from divtool import __version__
from divtool.engine.asked import Asked, asked_for, check_options
from divtool.engine.explain import explanation
from divtool.engine.fold import RowOrderError, State, fold
from divtool.engine.local import local_engine
from divtool.engine.plan import Plan
from divtool.engine.prepare import prepare
from divtool.engine.present import about_sums, input_reports, measure_results, warnings
from divtool.engine.presets import own_options, understood
from divtool.engine.rows import Collected, column_names, sink_of
from divtool.errors import InputError, UsageError
from divtool.findings import FitResult, GainResult, JointResult
from divtool.formats.atomic import check_output, whole_file
from divtool.formats.opening import file_and_key, is_glob, matching
from divtool.formats.writing import RowWriter, row_file, row_format
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.numerics import kernels
from divtool.options import GROUPS, Measuring, Reading, Running, Writing, fields_of, pick
from divtool.registry import suggestion
from divtool.reports.rendering import form_of_suffix, render
from divtool.result import UNREADABLE, Explanation, Inspection, Result
from divtool.units import unit_of_base

if TYPE_CHECKING:
    from divtool.engine.fitting import Candidate

Progress = Callable[[int, int], None]
# So much of a file is looked at to say what it is.
_INSPECTED = 1 << 28
OpenRows = Callable[[Sequence[str], Sequence[str]], RowWriter]


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
    result = run(declared(measure), operands, options)
    output = options.get("output")
    if output is not None and os.fspath(output) not in result.written:
        form = options.get("format") or form_of_suffix(os.fspath(output))
        with whole_file(os.fspath(output)) as stream:
            stream.write(render(result, form, digits=options.get("digits") or 7).encode())
    return result


def declared(name: str) -> Declaration:
    """The declaration of a measure or transform."""
    if name not in MEASURES:
        load_families()
    return MEASURES.get(name)


@dataclass(frozen=True)
class Request:
    """What was asked for, checked as far as it can be without opening a file."""

    asked: Declaration
    operands: Sequence[Any]
    reading: Reading
    measuring: Measuring
    running: Running
    writing: Writing
    keywords: dict[str, Any]

    @property
    def gives_rows(self) -> bool:
        """Whether the result is a table of rows, not a number."""
        return self.asked.is_transform or self.measuring.reduction == "none"

    @property
    def measures(self) -> list[Asked]:
        """The verb's measure and all others of the run."""
        both = not (self.writing.quiet or self.gives_rows)
        measuring = self.measuring
        asked = asked_for(self.asked, self.keywords, measuring.measure, reverse=measuring.reverse, both=both)
        if measuring.measure:
            check_options(asked, measuring)
        return asked

    @property
    def row_files(self) -> list[str]:
        """The files that rows are written to."""
        paths = [self.writing.per_row] if self.writing.per_row else []
        return [*paths, self.writing.output] if self.gives_rows and self.writing.output else paths


def run(
    asked: Declaration,
    operands: Sequence[Any],
    options: dict[str, Any],
    *,
    rows_to: OpenRows | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run one verb. ``rows_to`` opens a writer for rows that have no file (--reduction none on standard output);
    ``progress`` hears of rows done and of about how many there are."""
    request = _request(asked, operands, options)
    collected = Collected()
    plan = _planned(request)
    try:
        state = _folded(plan, request, rows_to or collected.open, progress)
    except RowOrderError:
        # Imported when it is needed: NPY files are scored without Arrow.
        from divtool.engine.join import with_rows_in_order

        plan = with_rows_in_order(plan)
        try:
            state = _folded(plan, request, rows_to or collected.open, progress)
        finally:
            for each in plan.inputs:
                each.close()
    return Result(
        version=__version__, command=request.asked.name, kernels=kernels.FLAVOUR, inputs=input_reports(plan),
        matched=(*plan.notes, *about_sums(state)), results=measure_results(plan, state, request.measuring),
        warnings=warnings(plan, state), written=tuple(request.row_files), rows=state.rows,
        settings=_changed(request.measuring) | _chosen(request.reading), row_values=collected.rows(),
    )  # fmt: skip


def explain(measure: str, /, *operands: Any, **options: Any) -> Explanation:
    """What :func:`compute` would do: the same decisions, and the parts into which the data would be cut.

    >>> import numpy as np
    >>> explain("ce", np.array([[2.5, 1.0], [0.0, 3.5]]), np.array([0, 1])).cut["rows"]
    2
    """
    asked = declared(measure)
    return explanation(_planned(_request(asked, operands, options)), __version__, asked.name)


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
        raise UsageError(f"inspect takes names of files, not a {type(name).__name__}")
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
    _planned(_request(asked, names, given))


def _planned(request: Request) -> Plan:
    return prepare(
        request.measures, request.operands, reading=request.reading, measuring=request.measuring,
        running=request.running, keep_rows=request.gives_rows or bool(request.writing.per_row),
    )  # fmt: skip


def _request(asked: Declaration, operands: Sequence[Any], options: dict[str, Any]) -> Request:
    known = [each.name for group in GROUPS for each in fields_of(group, asked.having)]
    known += [each.name for each in asked.keywords]
    for name in options:
        if name not in known:
            raise UsageError(f'{asked.name} has no option "{name}"', hint=suggestion(name, known))
    options = own_options(asked, options)
    verb, reading, measuring = understood(asked, pick(Reading, options), pick(Measuring, options))
    request = Request(verb, operands, reading, measuring, pick(Running, options), pick(Writing, options), options)
    unit_of_base(request.measuring.base)
    _check_outputs(request)
    return request


def _check_outputs(request: Request) -> None:
    """Everything about outputs that can be known before a row is read."""
    named = [*request.operands, request.measuring.class_weight]
    inputs = [file_and_key(os.fspath(each))[0] for each in named if isinstance(each, str | os.PathLike)]
    per_row, output = request.writing.per_row, request.writing.output
    for path in request.row_files:
        row_format(path)
    for path in filter(None, (per_row, output)):
        check_output(path, inputs)
    if per_row and output and os.path.realpath(per_row) == os.path.realpath(output):
        raise UsageError(f"{output}: --per-row and --output name the same file")


def _changed(measuring: Measuring) -> dict[str, object]:
    """The settings that are not the defaults: they belong to the number."""
    chosen = {each.name: getattr(measuring, each.name) for each in fields_of(Measuring)}
    plain = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in chosen.items()}
    if not isinstance(plain["sample_weight"], str | None):
        # A number for each row is no setting to repeat beside the result.
        plain["sample_weight"] = "from memory"
    return {each.name: plain[each.name] for each in fields_of(Measuring) if plain[each.name] != each.default}


def _chosen(reading: Reading) -> dict[str, object]:
    """The settings of reading that say which rows and classes count."""
    defaults = Reading()
    names = ("rows", "vocab", "missing", "join")
    return {name: getattr(reading, name) for name in names if getattr(reading, name) != getattr(defaults, name)}


def _folded(plan: Plan, request: Request, rows_to: OpenRows, progress: Progress | None) -> State:
    leader = plan.inputs[0].as_read.source
    with ExitStack() as stack:
        writers = list(_writers(stack, plan, request, rows_to))
        state = fold(
            plan, local_engine(plan.threads), sink=sink_of(plan, writers, request.measuring),
            progress=None if progress is None else lambda rows: progress(rows, leader.estimate()),
        )  # fmt: skip
        # Whatever still makes the run an error must do so before the files get their names.
        measure_results(plan, state, request.measuring)
    return state


def _writers(stack: ExitStack, plan: Plan, request: Request, rows_to: OpenRows) -> Iterator[RowWriter]:
    keys, numbers = column_names(plan)
    for path in request.row_files:
        single = not request.asked.is_transform and len(numbers) == 1
        yield stack.enter_context(row_file(path, keys, numbers, single=single))
    if request.gives_rows and not request.writing.output:
        yield rows_to(keys, numbers)


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
