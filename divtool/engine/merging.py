"""``merge``: the states of runs over different rows as one result, that of a single run over all of them.

One state after the other is read, held against the first, taken and forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from divtool.accumulators.saved_fields import DamagedError, Fields
from divtool.engine.asked import Asked
from divtool.engine.chunk import Settings
from divtool.engine.inputs import Readable
from divtool.engine.layout import Layout
from divtool.engine.plan import By, Plan
from divtool.engine.present import about_sums, measure_results, row_warnings
from divtool.engine.request import Request, declared
from divtool.engine.restored import Document, damaged, read_state
from divtool.engine.saved import Names, Saved, Stretch, names_in, write_state
from divtool.engine.several import completed
from divtool.engine.state import FIRST, State
from divtool.errors import InputError, UsageError
from divtool.formats.atomic import check_output
from divtool.measures.declare import Declaration, Keyword
from divtool.options import Comparing, Measuring, Reading, Running, Writing, fields_of
from divtool.result import InputReport, Result, WorstRow
from divtool.units import unit_of_base

_MOST_CLASSES = 1 << 31
_NUMBERS = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}
_REDUCTIONS = ("mean", "sum", "batchmean", "numel")


@dataclass(frozen=True)
class Told:
    """An input of which no more is known than was said of it."""

    report: InputReport
    lost: tuple[int, int]
    kind: None = None

    @property
    def title(self) -> str:
        """How the file is called."""
        return self.report.path

    @property
    def role(self) -> str | None:
        """Its role; None for a file of labels."""
        return next((each for each in self.report.roles if each != "labels"), None)

    def count(self) -> int:
        """The number of its rows."""
        return self.report.rows


@dataclass(frozen=True)
class Run:
    """What the runs of all states were."""

    version: str
    kernels: str
    command: str
    plan: Plan
    measuring: Measuring
    comparing: Comparing
    settings: dict[str, object]


def merged(paths: Sequence[str], writing: Writing, *, separate: bool = False, shapes: bool = False) -> Result:
    """The result of several states. ``separate``: each is of files of its own, whatever these are called.

    Raises :class:`InputError` for what is no state, for states of runs that differ, and for rows that two have.
    """
    if not paths:
        raise UsageError("merge takes the states of one run or more", hint="usage: divtool merge part1.json part2.json")
    _check_outputs(paths, writing)
    pending: Document | None = read_state(paths[0])
    assert pending is not None
    first, run = pending.head, run_of(pending)
    _check_gates(run, writing)
    state, names, layout = State.empty(run.plan), Names(), Layout(separate=separate)
    for path in paths:
        document, pending = pending or read_state(path), None
        check_same(first, document)
        shift = layout.place(document.stretches, path)
        names |= _taken(state, document.saved(run.plan, shift))
        # The next one is read without it.
        del document
    result = _result(run, state, names, layout, writing, shapes=shapes)
    if writing.save_state is not None:
        stretches = tuple(each.stretch for each in layout.files)
        write_state(writing.save_state, Saved(first.run, stretches, state, names_in(result)))
    return result


def _check_gates(run: Run, writing: Writing) -> None:
    if writing.fail_if:
        from divtool.engine.gates import check_gates, parse_gates

        measures = [(each.label, each.declared.name) for each in run.plan.asked]
        check_gates(parse_gates(writing.fail_if), measures, run.measuring.reduction or "mean")


def _check_outputs(paths: Sequence[str], writing: Writing) -> None:
    outputs = [each for each in (writing.output, writing.save_state) if each is not None]
    for each in outputs:
        check_output(each, paths)
    if len(outputs) > 1 and os.path.realpath(outputs[0]) == os.path.realpath(outputs[1]):
        raise UsageError(f"{outputs[0]}: --output and --save-state name the same file")


def _taken(state: State, part: Saved) -> Names:
    """Merge, in whichever order the rows come; the names of the part's worst rows."""
    missing = sorted((*state.first_missing, *part.state.first_missing))[:FIRST]
    state.merge(part.state)
    state.first_missing = missing
    return part.names


def _result(run: Run, state: State, names: Names, layout: Layout, writing: Writing, *, shapes: bool) -> Result:
    stretches = [each.stretch for each in layout.files]
    plan = replace(run.plan, inputs=_inputs(stretches), notes=_each_once(each.notes for each in stretches))
    request = Request(
        plan.asked[0].declared, (), Reading(), run.measuring, run.comparing, Running(),
        replace(writing, worst=plan.worst), {}, run.command,
    )  # fmt: skip
    said = [*_each_once(each.before for each in stretches), *row_warnings(plan, state)]
    result = Result(
        version=run.version, command=run.command, kernels=run.kernels,
        inputs=tuple(cast(Told, each).report for each in plan.inputs), matched=(*plan.notes, *about_sums(state)),
        results=measure_results(plan, state, run.measuring, shapes=shapes),
        warnings=_each_once([layout.gaps(), said, *(each.after for each in stretches)]), rows=state.rows,
        settings=_with_rows(run.settings, layout.rows), candidates=plan.candidates,
    )  # fmt: skip
    return completed(result, plan, state, request, partial(_named, names))


def _named(names: Names, each: WorstRow) -> WorstRow:
    id_, label = names.get(each.row, (None, None))
    return replace(each, id=id_, label=label)


def _each_once(pieces: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said for piece in pieces for said in piece))


def _inputs(stretches: Sequence[Stretch]) -> tuple[Readable, ...]:
    """The inputs of all stretches, those of one role as one."""
    sides = [list(zip(*each, strict=True)) for each in zip(*((s.inputs, s.lost) for s in stretches), strict=True)]
    found = []
    for reports, lost in zip(*sides, strict=True):
        report, parts = reports[0], len(reports)
        if parts > 1:
            report = replace(
                report, path=f"{report.path} and {parts - 1} more", rows=sum(each.rows for each in reports),
                origin=f"{parts} parts",
            )  # fmt: skip
        found.append(cast(Readable, Told(report, (sum(a for a, _ in lost), sum(b for _, b in lost)))))
    return tuple(found)


def _with_rows(settings: dict[str, object], rows: str | None) -> dict[str, object]:
    """The settings as a run over these rows has them, in its order."""
    order = [each.name for group in (Measuring, Reading, Comparing) for each in fields_of(group)]
    settings = settings | ({} if rows is None else {"rows": rows})
    return dict(sorted(settings.items(), key=lambda each: order.index(each[0]) if each[0] in order else len(order)))


# What a run was


def run_of(document: Document) -> Run:
    """What the run of a state was. Raises :class:`InputError` where that cannot be."""
    from divtool import __version__

    fields = Fields(document.run, '"run"')
    try:
        version = fields.text("divtool")
        if version != __version__:
            raise InputError(
                f"was made by divtool {version[:40]}, this is {__version__}", path=document.path,
                hint="merge with the version that made the states, or make them again",
            )  # fmt: skip
        run = _run(fields, version, document.stretches[0])
        fields.end()
    except (DamagedError, UsageError) as error:
        raise damaged(document.path, str(error)) from None
    return run


def _run(fields: Fields, version: str, stretch: Stretch) -> Run:
    measuring = Measuring(
        base=fields.text("base"), reduction=_one_of(fields, "reduction", (None, *_REDUCTIONS)),
        empty=_one_of(fields, "empty", ("error", "nan", "zero")) or "error",
    )  # fmt: skip
    unit_of_base(measuring.base)
    level = fields.value("level")
    if type(level) is not float or not 0.0 < level < 1.0:
        raise DamagedError('"level" is no share')
    comparing = Comparing(
        level=level, resamples=fields.count("resamples"), seed=fields.count("seed", 0, 1 << 63),
        cluster=fields.text_or_none("cluster"),
    )  # fmt: skip
    fields.value("inputs")
    settings = {name: _tuples(value) for name, value in fields.part("settings").held.items()}
    plan = replace(_plan(fields, stretch), drops_missing=settings.get("missing") == "drop")
    return Run(version, fields.text("kernels"), fields.text("command"), plan, measuring, comparing, settings)


def _one_of(fields: Fields, name: str, choices: tuple[str | None, ...]) -> str | None:
    value = fields.text_or_none(name)
    if value not in choices:
        raise DamagedError(f'"{name}" is none of {", ".join(map(str, choices))}')
    return value


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(each) for name, each in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _plan(fields: Fields, stretch: Stretch) -> Plan:
    """The plan of the run, as far as results are made of it."""
    candidates = fields.texts("candidates")
    asked = tuple(_asked(each, len(candidates)) for each in fields.each("measures"))
    names = None if fields.value("class_names") is None else fields.texts("class_names")
    paired = tuple(
        Fields({"places": each}, '"paired"').counts("places", None, len(asked) - 1) for each in fields.entries("paired")
    )
    plan = Plan(
        asked=asked, inputs=_inputs([stretch]), settings=Settings(), names=names,
        classes=fields.count("classes", 1, _MOST_CLASSES), by_id=False, keep_rows=False, labels=fields.truth("labels"),
        ignore=(), threads=1, chunk_bytes=1, normalizer=fields.text("normalizer"), candidates=candidates,
        by=tuple(_by(each) for each in fields.each("by")), cluster=fields.text_or_none("cluster"), paired=paired,
        worst=fields.count("worst", 1, 1000),
    )  # fmt: skip
    if not asked or (names is not None and len(names) != plan.classes) or not all(paired):
        raise DamagedError('"run" contradicts itself')
    return plan


def _by(fields: Fields) -> By:
    by = By(fields.text("name"), fields.text("how"), fields.text_or_none("role"))
    fields.end()
    return by


def _asked(fields: Fields, candidates: int) -> Asked:
    measure = declared(fields.text("measure"))
    if measure.is_transform:
        raise DamagedError(f"{measure.name} is no measure")
    options = fields.part("options")
    known = {each.name: each for each in measure.keywords}
    keywords = {name: _option(measure, known.get(name), value) for name, value in options.held.items()}
    roles = [Fields({"pair": each}, '"roles"').texts("pair") for each in fields.entries("roles")]
    candidate = None if fields.value("candidate") is None else fields.count("candidate", 0, candidates - 1)
    if any(len(each) != 2 for each in roles):
        raise DamagedError('"roles" are in no order')
    asked = Asked(
        measure, keywords, roles=tuple((a, b) for a, b in roles), reversed=fields.truth("reversed"),
        automatic=fields.truth("automatic"), candidate=candidate,
    )  # fmt: skip
    fields.truth("plain")
    fields.end()
    return asked


def _option(measure: Declaration, keyword: Keyword | None, value: Any) -> Any:
    """A measure's own option in its type."""
    if keyword is not None and keyword.type is float and isinstance(value, str):
        value = _NUMBERS.get(value)
    if keyword is None or type(value) is not keyword.type:
        raise DamagedError(f'an option of {measure.name} is none: "{value}"')
    return value


_CALLED = {
    "class_names": "classes", "cluster": "clusters", "worst": "number of worst rows", "divtool": "version of divtool",
    "inputs": "kinds of inputs", "by": "groups",
}  # fmt: skip
_LONGEST = 160


def check_same(first: Document, other: Document) -> None:
    """Refuse states of runs that are not the same but for their rows. Raises :class:`InputError` that says where."""
    if first.run == other.run:
        return
    place, theirs, mine = _difference("", other.run, first.run)
    raise InputError(
        f"is of another run than {first.path}: {place} {_short(theirs)}, there {_short(mine)}", path=other.path,
        hint="merge takes the parts of one run, alike but for their rows",
    )  # fmt: skip


def _difference(place: str, one: Any, two: Any) -> tuple[str, Any, Any]:
    """The first place where two runs differ, and what they have there."""
    if isinstance(one, dict) and isinstance(two, dict):
        name = next(each for each in {**two, **one} if one.get(each) != two.get(each) or (each in one) != (each in two))
        return _difference(f"{place} {_CALLED.get(name, name)}".strip(), one.get(name), two.get(name))
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two) and _hold_objects(one, two):
        at = next(i for i, (a, b) in enumerate(zip(one, two, strict=True)) if a != b)
        return _difference(f"{place} {at + 1}:", one[at], two[at])
    return place, one, two


def _hold_objects(*lists: list[Any]) -> bool:
    return all(isinstance(each, dict) for entries in lists for each in entries)


def _short(value: Any) -> str:
    """What a run has there, as far as it can be said in a few words."""
    if isinstance(value, list):
        named = [each.get("measure") or each.get("name") if isinstance(each, dict) else each for each in value]
        value = ", ".join(map(str, named))
    text = "(none)" if value in (None, "") else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
