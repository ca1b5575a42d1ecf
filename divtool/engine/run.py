"""A run from request to result: plan, fold, and what the figures come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TypedDict, Unpack

from divtool import __version__
from divtool.engine.fold import fold
from divtool.engine.local import local_engine
from divtool.engine.plan import Plan
from divtool.engine.prepare import prepare
from divtool.engine.present import about_sums, input_reports, measure_results, warnings
from divtool.engine.request import Request
from divtool.engine.rows import Collected, column_names, sink_of
from divtool.engine.state import State
from divtool.engine.tasks import RowOrderError
from divtool.formats.writing import RowWriter, row_file
from divtool.numerics import kernels
from divtool.result import Result

Progress = Callable[[int, int], None]
OpenRows = Callable[[Sequence[str], Sequence[str]], RowWriter]


class Ways(TypedDict, total=False):
    """How a run is accompanied: ``rows_to`` opens a writer for rows that have no file, ``progress`` hears of rows done
    and of about how many there are; ``shapes``: how rows are spread is wanted in detail, for charts."""

    rows_to: OpenRows | None
    progress: Progress | None
    shapes: bool


def planned(request: Request, *, every_pair: bool = False) -> Plan:
    """The plan of a request: the files are opened, and decisions about them made. ``every_pair`` of files is compared,
    or all with one."""
    return prepare(
        request.measures, request.operands, reading=request.reading, measuring=request.measuring,
        running=request.running, keep_rows=request.gives_rows or bool(request.writing.per_row),
        comparing=request.comparing, worst=request.writing.worst, every_pair=every_pair,
    )  # fmt: skip


def run_request(request: Request, *, every_pair: bool = False, **ways: Unpack[Ways]) -> Result:
    """Run a request; see :func:`planned`."""
    collected = Collected()
    plan = planned(request, every_pair=every_pair)
    run = partial(
        _ran, request=request, rows_to=ways.get("rows_to") or collected.open, progress=ways.get("progress"),
        shapes=ways.get("shapes", False),
    )  # fmt: skip
    try:
        result = run(plan)
    except RowOrderError:
        # Imported when it is needed: NPY files are scored without Arrow.
        from divtool.engine.join import with_rows_in_order

        plan = with_rows_in_order(plan)
        try:
            result = run(plan)
        finally:
            for each in plan.inputs:
                each.close()
    return result if collected.rows() is None else replace(result, row_values=collected.rows())


def _ran(plan: Plan, *, request: Request, rows_to: OpenRows, progress: Progress | None, shapes: bool) -> Result:
    state = _folded(plan, request, rows_to, progress)
    result = result_of(plan, state, request, shapes=shapes)
    if request.writing.save_state is not None:
        from divtool.engine.saved import saved_run, write_state

        write_state(request.writing.save_state, saved_run(plan, state, request, result))
    return result


def result_of(plan: Plan, state: State, request: Request, *, shapes: bool = False) -> Result:
    """What a state comes to."""
    from divtool.engine.several import completed

    result = Result(
        version=__version__, command=request.command or request.asked.name, kernels=kernels.FLAVOUR,
        inputs=input_reports(plan), matched=(*plan.notes, *about_sums(state)),
        results=measure_results(plan, state, request.measuring, shapes=shapes), warnings=warnings(plan, state),
        written=tuple(request.row_files), rows=state.rows, settings=request.settings, candidates=plan.candidates,
    )  # fmt: skip
    return completed(result, plan, state, request)


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
