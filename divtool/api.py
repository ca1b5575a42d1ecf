"""The library's front door, and the only thing the command line calls: from operands and options to a result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from divtool import __version__
from divtool.engine.fold import RowBatch, RowOrderError, RowSink, State, fold, with_rows_in_order
from divtool.engine.inputs import Input
from divtool.engine.labels import Codes
from divtool.engine.local import local_engine
from divtool.engine.plan import Plan
from divtool.engine.prepare import prepare
from divtool.engine.present import input_reports, measure_results, warnings
from divtool.errors import UsageError
from divtool.formats.atomic import check_output
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.source import Stored
from divtool.formats.writing import RowWriter, row_file, row_format
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.numerics import kernels
from divtool.options import GROUPS, Measuring, Reading, Running, Writing, fields_of, pick
from divtool.registry import suggestion
from divtool.result import Result
from divtool.units import unit_of_base

Progress = Callable[[int, int | None], None]
OpenRows = Callable[[Sequence[str], Sequence[str]], RowWriter]


def compute(measure: str, *operands: Any, **options: Any) -> Result:
    """Compute a measure over files or arrays.

    ``measure`` is the name of a verb ("ce", "kl", "entropy", ...). Each operand is a path, a NumPy array, a pandas
    DataFrame or an Arrow table, in the order of the verb's operands. Options are those of the command line with
    underscores for hyphens (``given``, ``base``, ``temperature``, ``class_weight``, ``per_row``, ``output``, ...).

    Raises :class:`divtool.errors.DivtoolError`: UsageError for arguments that do not fit, InputError for data that is
    not what it was taken for, OutputError for a file that cannot be written.

    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]]), np.array([0, 2])
    >>> compute("ce", logits, labels).value
    2.236744934100905
    """
    return run(declared(measure), operands, options)


def declared(name: str) -> Declaration:
    """The declaration of a measure or transform."""
    if name not in MEASURES:
        load_families()
    return MEASURES.get(name)


def run(
    asked: Declaration, operands: Sequence[Any], options: dict[str, Any], *,
    rows_to: OpenRows | None = None, progress: Progress | None = None,
) -> Result:  # fmt: skip
    """Run one verb. ``rows_to`` opens a writer for rows that have no file (--reduction none on standard output);
    ``progress`` hears of rows done and rows in all (None where that is not known)."""
    _check_names(asked, options)
    reading, measuring = pick(Reading, options), pick(Measuring, options)
    running, writing = pick(Running, options), pick(Writing, options)
    unit = unit_of_base(measuring.base)
    _check_outputs(asked, operands, writing)
    collected = _Collected()
    rows_to = rows_to or collected.open
    wants_rows = bool(writing.per_row) or asked.is_transform or measuring.reduction == "none"
    plan = prepare(
        [asked], operands, reading=reading, measuring=measuring, running=running, keywords=options, keep_rows=wants_rows
    )
    log_unit = unit.nats if asked.unit == "nats" else 1.0
    try:
        state = _folded(plan, asked, measuring, writing, rows_to, progress, log_unit)
    except RowOrderError:
        plan = with_rows_in_order(plan)
        state = _folded(plan, asked, measuring, writing, rows_to, progress, log_unit)
    reduction = "mean" if measuring.reduction == "none" else measuring.reduction
    return Result(
        version=__version__, command=asked.name, kernels=kernels.FLAVOUR, inputs=input_reports(plan),
        matched=plan.notes, results=measure_results(plan, state, unit, reduction), warnings=warnings(plan, state),
        written=tuple(path for path in _row_paths(asked, writing)), rows=state.rows,
        settings=_changed(measuring), row_values=collected.rows(),
    )  # fmt: skip


class _Collected:
    """Rows that nobody gave a file or a screen: kept, for a program that asked for them."""

    def __init__(self) -> None:
        self._blocks: list[Stored] = []
        self._single = False

    def open(self, keys: Sequence[str], numbers: Sequence[str]) -> _Collected:
        """Start anew."""
        self._blocks, self._single = [np.empty((0, len(numbers)))], keys[:1] == ["row"]
        return self

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Keep rows."""
        self._blocks.append(numbers)

    def close(self) -> None:
        """Nothing is left to do."""

    def rows(self) -> Stored | None:
        """All rows, (n,) for a measure and (n, C) for a transform; None where none were asked for."""
        if not self._blocks:
            return None
        rows = np.concatenate(self._blocks)
        return rows[:, 0] if self._single and rows.shape[1] == 1 else rows


def _check_names(asked: Declaration, options: dict[str, Any]) -> None:
    known = [each.name for group in GROUPS for each in fields_of(group, asked.having)]
    known += [each.name for each in asked.keywords]
    for name in options:
        if name not in known:
            raise UsageError(f'{asked.name} has no option "{name}"', hint=suggestion(name, known))


def _changed(measuring: Measuring) -> dict[str, object]:
    return {
        each.name: getattr(measuring, each.name)
        for each in fields_of(Measuring)
        if getattr(measuring, each.name) != each.default
    }


def _row_paths(asked: Declaration, writing: Writing) -> list[str]:
    """The files that rows are written to."""
    paths = [writing.per_row] if writing.per_row else []
    return [*paths, writing.output] if asked.is_transform and writing.output else paths


def _check_outputs(asked: Declaration, operands: Sequence[Any], writing: Writing) -> None:
    """Everything about outputs that can be known before a row is read."""
    inputs = [os.fspath(each) for each in operands if isinstance(each, str | os.PathLike)]
    for path in _row_paths(asked, writing):
        row_format(path)
    for path in filter(None, (writing.per_row, writing.output)):
        check_output(path, inputs)
    if writing.per_row and writing.output and os.path.abspath(writing.per_row) == os.path.abspath(writing.output):
        raise UsageError(f"{writing.output}: --per-row and --output name the same file")


def _folded(
    plan: Plan, asked: Declaration, measuring: Measuring, writing: Writing, rows_to: OpenRows,
    progress: Progress | None, log_unit: float,
) -> State:  # fmt: skip
    total = plan.inputs[0].header.rows if isinstance(plan.inputs[0], Input) else None
    with ExitStack() as stack:
        writers = list(_writers(stack, plan, asked, measuring, writing, rows_to))
        state = fold(
            plan, local_engine(plan.threads), sink=_sink(plan, writers, log_unit) if writers else None,
            progress=None if progress is None else lambda rows: progress(rows, total),
        )  # fmt: skip
        if not asked.is_transform:
            measure_results(plan, state, unit_of_base("e"), "mean")
    return state


def _writers(
    stack: ExitStack, plan: Plan, asked: Declaration, measuring: Measuring, writing: Writing, rows_to: OpenRows
) -> Iterator[RowWriter]:
    keys, numbers = _column_names(plan, asked)
    for path in _row_paths(asked, writing):
        yield stack.enter_context(row_file(path, keys, numbers, single=not asked.is_transform))
    on_screen = (asked.is_transform and not writing.output) or measuring.reduction == "none"
    if on_screen:
        yield rows_to(keys, numbers)


def _column_names(plan: Plan, asked: Declaration) -> tuple[list[str], list[str]]:
    """The columns of per-row output: row number, id and label as far as there are any, then the numbers."""
    leader = plan.inputs[0]
    header = leader.header if isinstance(leader, Input) else None
    id_name = "id"
    if isinstance(leader, Input) and leader.columns.id is not None and header is not None:
        id_name = header.name(leader.columns.id)
    keys = ["row"] if not asked.is_transform else []
    keys += [id_name] if _has_ids(plan) else []
    if asked.is_transform:
        return keys, list(plan.names or (f"p{i}" for i in range(plan.classes)))
    return keys + (["label"] if plan.labels else []), [each.declared.name for each in plan.asked]


def _has_ids(plan: Plan) -> bool:
    leader = plan.inputs[0]
    return isinstance(leader, Input) and leader.columns.id is not None


def _sink(plan: Plan, writers: Sequence[RowWriter], log_unit: float) -> RowSink:
    """Hand the rows of each chunk to every writer; an ignored row keeps its place with an empty label."""
    transform = plan.asked[0].declared.is_transform

    def take(batch: RowBatch) -> None:
        keys: list[Keys] = [] if transform else [IntegerKeys(batch.rows)]
        if batch.ids is not None and _has_ids(plan):
            keys.append(batch.ids)
        if batch.codes is not None and not transform:
            keys.append(_labels(plan, batch.codes))
        values = batch.values if log_unit == 1.0 else batch.values / log_unit
        for writer in writers:
            writer.write(keys, values)

    return take


def _labels(plan: Plan, codes: Codes) -> Keys:
    if plan.names is None:
        return IntegerKeys(codes)
    return text_keys([plan.names[code] if code >= 0 else "" for code in codes.tolist()])
