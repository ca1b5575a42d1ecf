"""A state read from its file. Nothing is believed: each field is checked, all of them together by their SHA-256, and no
code runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from divtool.accumulators.saved_fields import DamagedError, Fields
from divtool.accumulators.saving import restored_groups, restored_pairs, restored_statistics
from divtool.engine.plan import Plan
from divtool.engine.saved import SCHEMA, Names, Saved, Stretch, digest_of, side_of
from divtool.engine.state import State
from divtool.errors import InputError
from divtool.options import KINDS
from divtool.result import InputReport

_LARGEST = 1 << 32


@dataclass(frozen=True)
class Document:
    """A state that was read as far as to say what it is; its rows are taken by :meth:`saved`."""

    path: str
    run: dict[str, Any]
    stretches: tuple[Stretch, ...]
    fields: Fields

    @property
    def head(self) -> Document:
        """What it is, without what it holds."""
        return replace(self, fields=Fields({}, ""))

    def saved(self, plan: Plan, shift: int) -> Saved:
        """The state in full, with its rows numbered ``shift`` higher. ``plan`` is that of its run."""
        try:
            state, names = _state(self.fields, plan, shift), _names(self.fields, shift)
            self.fields.end()
        except DamagedError as error:
            raise damaged(self.path, str(error)) from None
        return Saved(self.run, self.stretches, state, names)


def damaged(path: str, why: str) -> InputError:
    """The error that a file deserves which is no state."""
    return InputError(
        f"is no state of divtool, or damaged: {why}", path=path, hint="--save-state writes such files; make it again"
    )


def read_state(path: str) -> Document:
    """What a file holds. Raises :class:`InputError` where that is no state, another version's, or damaged."""
    held = _held(path)
    try:
        fields = Fields(held, "the file")
        schema = fields.text("schema")
        if schema != SCHEMA:
            raise InputError(
                f'has the schema "{schema[:60]}"; expected "{SCHEMA}"', path=path,
                hint="that is a report; --save-state FILE keeps a run" if schema.startswith("divtool/")
                else "make it again with this version of divtool",
            )  # fmt: skip
        digest = fields.text("sha256")
        if digest != digest_of({name: each for name, each in held.items() if name != "sha256"}):
            raise DamagedError("its SHA-256 is another")
        run: dict[str, Any] = dict(fields.part("run").held)
        stretches = tuple(_stretch(each) for each in fields.each("files"))
        if not stretches or any(run.get("inputs") != [side_of(one) for one in each.inputs] for each in stretches):
            raise DamagedError("its files are not those of its run")
    except DamagedError as error:
        raise damaged(path, str(error)) from None
    return Document(path, run, stretches, fields)


def _held(path: str) -> Any:
    try:
        with open(path, "rb") as stream:
            text = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    if len(text) > _LARGEST:
        raise damaged(path, f"it is larger than {_LARGEST:,} bytes")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise damaged(path, f"no JSON ({why})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return fields


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _stretch(fields: Fields) -> Stretch:
    inputs = tuple(_report(each) for each in fields.each("inputs"))
    count = fields.count("count")
    lost = [Fields({"pair": each}, '"lost"').counts("pair", 2) for each in fields.entries("lost", len(inputs))]
    rows = [Fields({"range": each}, '"rows"').counts("range", 2, count) for each in fields.entries("rows")]
    found = Stretch(
        inputs, tuple((a, b) for a, b in lost), count, tuple((a, b) for a, b in rows), fields.texts("notes"),
        fields.texts("before"), fields.texts("after"),
    )  # fmt: skip
    fields.end()
    if not inputs or not rows or any(a > b for a, b in rows):
        raise DamagedError(f"{fields.where} has no rows, or no files")
    return found


def _report(fields: Fields) -> InputReport:
    def maybe(name: str) -> int | None:
        return None if fields.value(name) is None else fields.count(name)

    excluded = [Fields({"pair": each}, '"excluded"').texts("pair") for each in fields.entries("excluded")]
    if any(len(each) != 2 for each in excluded):
        raise DamagedError(f'"excluded" of {fields.where} is in no order')
    report = InputReport(
        path=fields.text("path"), format=fields.text("format"), dtype=fields.text("dtype"), rows=fields.count("rows"),
        columns=fields.count("columns"), roles=fields.texts("roles"), classes=maybe("classes"),
        class_names=None if fields.value("class_names") is None else fields.texts("class_names"),
        kind=fields.text_or_none("kind"), evidence=fields.text_or_none("evidence"),
        labels=fields.text_or_none("labels"), label_column=fields.text_or_none("label_column"),
        id_column=fields.text_or_none("id_column"), excluded=tuple((a, b) for a, b in excluded),
        arranged=fields.text("arranged"), origin=fields.text("origin"),
        shape=None if fields.value("shape") is None else fields.counts("shape"), class_axis=maybe("class_axis"),
        positions=maybe("positions"),
    )  # fmt: skip
    fields.end()
    if report.kind not in (None, *KINDS):
        raise DamagedError(f'"kind" of {fields.where} is none')
    return report


def _state(fields: Fields, plan: Plan, shift: int) -> State:
    counts, measures = fields.part("counts"), len(plan.asked)
    state = State(
        tuple(restored_statistics(each, shift) for each in fields.each("statistics", measures)),
        rows=counts.count("rows"), ignored=counts.count("ignored"), dropped=list(counts.counts("dropped", measures)),
        normalized=counts.count("normalized"), rounded=counts.count("rounded"), missing=counts.count("missing"),
        first_missing=[row + shift for row in counts.counts("first_missing")],
        beyond=dict(_beyond(counts, shift)),
        groups=tuple(
            tuple(restored_groups(each, shift) for each in Fields({"own": own}, '"groups"').each("own", measures))
            for own in fields.entries("groups", len(plan.by))
        ),
        paired=tuple(restored_pairs(each, shift) for each in fields.each("paired", len(plan.paired))),
    )  # fmt: skip
    counts.end()
    _check(state, plan)
    return state


def _beyond(fields: Fields, shift: int) -> Iterator[tuple[str, tuple[float, int]]]:
    for entry in fields.entries("beyond"):
        if not (isinstance(entry, list) and len(entry) == 3):
            raise DamagedError('"beyond" is in no order')
        own = Fields(dict(zip(("path", "mass", "row"), entry, strict=True)), '"beyond"')
        try:
            yield own.text("path"), (float.fromhex(own.text("mass")), -(own.count("row") + shift))
        except (ValueError, OverflowError):
            raise DamagedError('"mass" of "beyond" is no number') from None


def _check(state: State, plan: Plan) -> None:
    """What must be true of all parts together, or they are of different runs."""
    for statistics, dropped in zip(state.statistics, state.dropped, strict=True):
        if statistics.moments.n + state.ignored + state.missing + dropped != state.rows:
            raise DamagedError("its measures count other numbers of rows")
        if statistics.extremes.keep != plan.worst or statistics.quantiles.budget != plan.exact_rows:
            raise DamagedError("its measures keep other numbers of rows")
    for paired, places in zip(state.paired, plan.paired, strict=True):
        if paired.columns != len(places) or paired.n > state.rows:
            raise DamagedError("it compares other columns")
        if paired.n and (paired.codes is None) != (plan.cluster is None):
            raise DamagedError("its clusters are not those of its run")


def _names(fields: Fields, shift: int) -> Names:
    found: Names = {}
    for entry in fields.entries("worst_rows"):
        if not (isinstance(entry, list) and len(entry) == 3):
            raise DamagedError('"worst_rows" is in no order')
        own = Fields(dict(zip(("row", "id", "label"), entry, strict=True)), '"worst_rows"')
        found[own.count("row") + shift] = own.text_or_none("id"), own.text_or_none("label")
    return found
