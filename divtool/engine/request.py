"""What was asked for, checked as far as it can be without opening a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from divtool.engine.asked import Asked, asked_for, check_options
from divtool.engine.presets import own_options, understood
from divtool.errors import UsageError
from divtool.formats.atomic import check_output
from divtool.formats.opening import file_and_key
from divtool.formats.writing import row_format
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.options import GROUPS, Comparing, Measuring, Reading, Running, Writing, fields_of, pick
from divtool.registry import suggestion
from divtool.units import unit_of_base


def declared(name: str) -> Declaration:
    """The declaration of a measure or transform."""
    if name not in MEASURES:
        load_families()
    return MEASURES.get(name)


@dataclass(frozen=True)
class Request:
    """A run as it was asked for. ``command`` is what it is called, if not by its measure."""

    asked: Declaration
    operands: Sequence[Any]
    reading: Reading
    measuring: Measuring
    comparing: Comparing
    running: Running
    writing: Writing
    keywords: dict[str, Any]
    command: str = ""

    @property
    def gives_rows(self) -> bool:
        """Whether the result is a table of rows, not a number."""
        return self.asked.is_transform or self.measuring.reduction == "none"

    @property
    def measures(self) -> list[Asked]:
        """The verb's measure and all others of the run."""
        measuring, writing = self.measuring, self.writing
        # A bare number needs nothing beside it, but for what is held to a threshold or written by row.
        alone = writing.quiet and not (writing.fail_if or writing.per_row or writing.save_state)
        both = not (alone or self.gives_rows)
        asked = asked_for(
            self.asked, self.keywords, measuring.measure, reverse=measuring.reverse, both=both,
            agree=both and measuring.like is None,
        )  # fmt: skip
        if measuring.measure:
            check_options(asked, measuring)
        return asked

    @property
    def row_files(self) -> list[str]:
        """The files that rows are written to."""
        paths = [self.writing.per_row] if self.writing.per_row else []
        return [*paths, self.writing.output] if self.gives_rows and self.writing.output else paths

    @property
    def settings(self) -> dict[str, object]:
        """The settings that are not the defaults: they belong to the number."""
        return _changed(self.measuring) | _chosen(self.reading) | _compared(self.comparing)


def request_of(asked: Declaration, operands: Sequence[Any], options: dict[str, Any]) -> Request:
    """The request. Raises :class:`UsageError` for options that do not fit, or outputs that cannot be written."""
    known = [each.name for group in GROUPS for each in fields_of(group, asked.having)]
    known += [each.name for each in asked.keywords]
    for name in options:
        if name not in known:
            raise UsageError(f'{asked.name} has no option "{name}"', hint=suggestion(name, known))
    options = own_options(asked, options)
    verb, reading, measuring = understood(asked, pick(Reading, options), pick(Measuring, options))
    request = Request(
        verb, operands, reading, measuring, pick(Comparing, options), pick(Running, options), pick(Writing, options),
        options,
    )  # fmt: skip
    unit_of_base(request.measuring.base)
    _check_outputs(request)
    _check_rows_alone(request)
    if request.measuring.reduction == "sum" and any(each.declared.mean == "geometric" for each in request.measures):
        hint = "divtool ce --reduction sum adds the losses"
        raise UsageError("--reduction sum: a geometric mean has no sum", hint=hint)
    if request.writing.fail_if:
        from divtool.engine.gates import check_gates, parse_gates

        measures = [(each.label, each.declared.name) for each in request.measures]
        check_gates(parse_gates(request.writing.fail_if), measures, request.measuring.reduction or "mean")
    return request


def _check_rows_alone(request: Request) -> None:
    """Refuse what is made of all rows where only the rows are printed."""
    asked = {"--by": request.comparing.by, "--cluster": request.comparing.cluster, "--worst": request.writing.worst > 1}
    for flag, given in asked.items():
        if given and request.gives_rows:
            raise UsageError(f"{flag} speaks of the figures of all rows; --reduction none prints the rows themselves")


def _check_outputs(request: Request) -> None:
    """Everything about outputs that can be known before a row is read."""
    named = [*request.operands, request.measuring.class_weight]
    inputs = [file_and_key(os.fspath(each))[0] for each in named if isinstance(each, str | os.PathLike)]
    writing = request.writing
    outputs: dict[str, str | None] = {
        "--per-row": writing.per_row, "--output": writing.output, "--save-state": writing.save_state,
    }  # fmt: skip
    if request.gives_rows and writing.save_state is not None:
        raise UsageError("--save-state keeps the figures of a run; --reduction none gives its rows")
    for path in request.row_files:
        row_format(path)
    written: dict[str, str] = {}
    for flag, name in outputs.items():
        if name is None:
            continue
        check_output(name, inputs)
        other = written.setdefault(os.path.realpath(name), flag)
        if other != flag:
            raise UsageError(f"{name}: {other} and {flag} name the same file")


def _changed(measuring: Measuring) -> dict[str, object]:
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


def _compared(comparing: Comparing) -> dict[str, object]:
    defaults = Comparing()
    names = [each.name for each in fields_of(Comparing)]
    return {name: getattr(comparing, name) for name in names if getattr(comparing, name) != getattr(defaults, name)}
