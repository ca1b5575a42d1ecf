"""From operands and options to a plan: open every input, decide what it means, refuse what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from divtool.engine.bind import matrix_input, truth_input, with_labels
from divtool.engine.chunk import Settings
from divtool.engine.inputs import Input
from divtool.engine.operands import Opened, id_columns, open_operands
from divtool.engine.plan import Asked, Plan, running_of
from divtool.errors import InputError, UsageError
from divtool.meaning.classes import Matched, Side, match_classes
from divtool.meaning.weights import class_weights
from divtool.measures.declare import Declaration
from divtool.options import KINDS, Measuring, Reading, Running

# Beyond it quotients of ordinary logits would overflow or vanish.
_COLDEST = 1e-100


def prepare(
    declared: Sequence[Declaration],
    operands: Sequence[Any],
    *,
    reading: Reading,
    measuring: Measuring,
    running: Running,
    keywords: dict[str, Any],
    keep_rows: bool,
) -> Plan:
    """The plan of a run, or the error that says why there can be none."""
    if not _COLDEST <= measuring.temperature <= 1.0 / _COLDEST:
        raise UsageError(f"--temperature {measuring.temperature:g}: expected a number above 0, from 1e-100 to 1e100")
    opened = open_operands(declared[0], operands, reading)
    inputs, matched = _with_common_classes(_bound(opened, reading), keep_order=declared[0].is_transform)
    inputs = with_labels(inputs, matched, measuring)
    _check_kinds(inputs, opened, measuring)
    _check_use(inputs, reading, measuring)
    classes, hard = len(matched.orders[0]), any(each.labels is not None for each in inputs)
    weights = class_weights(measuring.class_weight, matched.names, inputs[0].order, classes)
    settings = Settings(measuring.temperature, measuring.label_smoothing, weights)
    threads, chunk_bytes = running_of(running)
    by_id = len(inputs) > 1 and all(each.columns.id is not None for each in inputs)
    if by_id and reading.id is None and not _same_id_name(inputs):
        raise _ids_of_two_names(inputs)
    return Plan(
        asked=tuple(_ask(each, keywords, hard, settings) for each in declared), inputs=tuple(inputs),
        settings=settings, names=matched.names, classes=classes, by_id=by_id, keep_rows=keep_rows, labels=hard,
        ignore=tuple(measuring.ignore_index), threads=threads, chunk_bytes=chunk_bytes,
        notes=_notes(inputs, matched, by_id),
    )  # fmt: skip


def _bound(opened: Sequence[Opened], reading: Reading) -> list[Input]:
    """Every operand in its role; the truth last, since its labels are held against the predictions' classes."""
    ids = id_columns(opened, reading)
    inputs = [
        matrix_input(each, id, opened, reading) for each, id in zip(opened, ids, strict=True) if not each.is_truth
    ]
    truths = [(each, id) for each, id in zip(opened, ids, strict=True) if each.is_truth]
    return inputs + [truth_input(each, id, inputs[0], reading) for each, id in truths]


def _ask(declared: Declaration, keywords: dict[str, Any], hard: bool, settings: Settings) -> Asked:
    own = {each.name: keywords[each.name] for each in declared.keywords if each.name in keywords}
    plain = hard and settings.smoothing == 0.0
    return Asked(declared, own, declared.shortcut if plain else None)


def _ids_of_two_names(inputs: Sequence[Input]) -> InputError:
    named = [(each.title, each.header.name(each.columns.id)) for each in inputs if each.columns.id is not None]
    return InputError(
        f'names its rows by "{named[0][1]}", {named[1][0]} by "{named[1][1]}": are these the same ids?',
        path=named[0][0], hint=f"if they are: --id {named[0][1]},{named[1][1]}; else rename or remove one",
    )  # fmt: skip


def _same_id_name(inputs: Sequence[Input]) -> bool:
    names = {each.header.name(each.columns.id).strip().lower() for each in inputs if each.columns.id is not None}
    return len(names) == 1


def _with_common_classes(inputs: list[Input], *, keep_order: bool) -> tuple[list[Input], Matched]:
    sides = [
        Side(
            each.title, len(each.columns.classes),
            None if each.header.names is None else tuple(each.header.name(i) for i in each.columns.classes),
        )
        for each in inputs if each.role is not None
    ]  # fmt: skip
    matched = match_classes(sides)
    if keep_order:
        # What is written back to the user has the columns of the user's file, in their order.
        matched = Matched((range(sides[0].width),), sides[0].names, "")
    orders = iter(matched.orders)
    return [replace(each, order=next(orders)) if each.role is not None else each for each in inputs], matched


def _check_kinds(inputs: Sequence[Input], opened: Sequence[Opened], measuring: Measuring) -> None:
    for each, operand in zip(inputs, (o.operand for o in opened), strict=False):
        if each.kind is None or each.role == "target":
            continue
        if each.kind.name not in operand.kinds:
            raise InputError(
                f"already holds {KINDS[each.kind.name]} ({each.kind.evidence}); expected"
                f" {' or '.join(KINDS[kind] for kind in sorted(operand.kinds, reverse=True))}",
                path=each.title, hint="if they are logits all the same: --given logits",
            )  # fmt: skip
        if measuring.temperature != 1.0 and each.kind.name == "probs":
            raise InputError(
                f"holds probabilities ({each.kind.evidence}); a temperature divides logits",
                path=each.title, hint="give the logits, or leave out --temperature",
            )  # fmt: skip


def _check_use(inputs: Sequence[Input], reading: Reading, measuring: Measuring) -> None:
    """Refuse options that could not be obeyed."""
    if (reading.delimiter is not None or reading.no_header) and not any(each.header.lines for each in inputs):
        raise UsageError("--delimiter and --no-header are for text tables; no input is one")
    kinds = {each.kind.name for each in inputs if each.kind is not None}
    if reading.normalize and "probs" not in kinds:
        raise UsageError("--normalize divides probabilities; no input holds any (--given probs says that one does)")
    if any(each.role == "target" for each in inputs) and tuple(measuring.ignore_index) != Measuring().ignore_index:
        raise UsageError("--ignore-index leaves out class labels; these labels are soft rows")


def _notes(inputs: Sequence[Input], matched: Matched, by_id: bool) -> tuple[str, ...]:
    notes = []
    if len(inputs) > 1:
        first = inputs[0]
        with_id = [each for each in inputs if each.columns.id is not None]
        if by_id and first.columns.id is not None:
            notes.append(f'rows matched by the column "{first.header.name(first.columns.id)}"')
        elif with_id:
            without = ", ".join(each.title for each in inputs if each.columns.id is None)
            notes.append(f"rows matched by position ({without} has no id column)")
        else:
            notes.append("rows matched by position")
    if matched.how:
        notes.append(f"classes matched {matched.how}")
    rule = next((each.labels for each in inputs if each.labels), None)
    if rule is not None:
        how = "name" if rule.how == "name" else f"index, 0 to {rule.classes - 1}"
        notes.append(f"labels matched by {how}")
    return tuple(notes)
