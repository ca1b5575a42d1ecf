"""From operands and options to a plan: open every input, decide what it means, refuse what does not fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from divtool.engine.chunk import Settings
from divtool.engine.classes import Matched, Side, match_classes
from divtool.engine.columns import Columns, decide_label, decide_matrix, find_column, find_id, id_like, label_like
from divtool.engine.inputs import Input
from divtool.engine.kinds import Kind, decide_kind
from divtool.engine.labels import decide_labels
from divtool.engine.plan import Asked, Plan, running_of
from divtool.engine.weights import class_weights
from divtool.errors import InputError, UsageError
from divtool.formats.keys import Keys
from divtool.formats.opening import open_source
from divtool.formats.source import INTEGER, Block, Header, Selection, Source
from divtool.measures.declare import Declaration, Operand
from divtool.options import Measuring, Reading, Running

_SAMPLE_ROWS, _SAMPLE_BYTES = 4096, 1 << 20
_FEWEST_SAMPLED = 16


@dataclass(frozen=True)
class Opened:
    """An operand, opened. ``column`` is the column named behind the file's name."""

    operand: Operand
    source: Source
    column: str | None = None

    @property
    def header(self) -> Header:
        """What the file says of itself."""
        return self.source.header


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
    _check_numbers(measuring, running)
    opened = _open(declared[0], operands, reading)
    ids = _ids(opened, reading)
    inputs = [
        _matrix_input(each, ids[i], opened, reading, measuring) for i, each in enumerate(opened) if not _is_truth(each)
    ]
    truth = next((i for i, each in enumerate(opened) if _is_truth(each)), None)
    if truth is not None:
        inputs.append(_truth_input(opened[truth], ids[truth], inputs[0], reading))
    inputs, matched = _with_common_classes(inputs, keep_order=declared[0].is_transform)
    inputs = _with_labels(inputs, matched, reading, measuring)
    _check_kinds(inputs, opened, measuring, reading)
    names = matched.names
    hard = any(each.labels is not None for each in inputs)
    classes = len(matched.orders[0])
    weights = class_weights(measuring.class_weight, names, inputs[0].order, classes)
    settings = Settings(measuring.temperature, measuring.label_smoothing, weights)
    threads, chunk_bytes = running_of(running)
    by_id = len(inputs) > 1 and all(each.columns.id is not None for each in inputs) and _same_id_name(inputs)
    return Plan(
        asked=tuple(_ask(each, keywords, hard, settings) for each in declared),
        inputs=tuple(inputs), settings=settings, names=names, classes=classes, by_id=by_id, keep_rows=keep_rows,
        labels=hard, threads=threads, chunk_bytes=chunk_bytes, notes=_notes(inputs, matched, by_id),
    )  # fmt: skip


def _check_numbers(measuring: Measuring, running: Running) -> None:
    if not 0.0 < measuring.temperature < np.inf:
        raise UsageError(f"--temperature {measuring.temperature:g}: expected a number above 0")
    if not 0.0 <= measuring.label_smoothing <= 1.0:
        raise UsageError(f"--label-smoothing {measuring.label_smoothing:g}: expected a number from 0 to 1")
    if not 0 <= running.threads <= 1024:
        raise UsageError(f"--threads {running.threads}: expected a number from 0 (one per processor) to 1024")


def _ask(declared: Declaration, keywords: dict[str, Any], hard: bool, settings: Settings) -> Asked:
    own = {each.name: keywords[each.name] for each in declared.keywords if each.name in keywords}
    plain = hard and settings.smoothing == 0.0
    return Asked(declared, own, declared.shortcut if plain else None)


# Opening


def _is_truth(opened: Opened) -> bool:
    return opened.operand.role == "target"


def _open(declared: Declaration, operands: Sequence[Any], reading: Reading) -> list[Opened]:
    wanted = [each for each in declared.operands if not each.optional]
    allowed = list(declared.operands)
    usage = f"divtool {declared.name} " + " ".join(f"[{o.metavar}]" if o.optional else o.metavar for o in allowed)
    if not len(wanted) <= len(operands) <= len(allowed):
        raise UsageError(
            f"{declared.name} takes {_count(wanted, allowed)}, not {len(operands)}", hint=f"usage: {usage}"
        )
    if reading.label_col is not None and len(operands) == len(allowed) and len(allowed) > len(wanted):
        raise UsageError(
            "the labels come from a file of their own or from --label-col, not from both",
            hint=f"to name the column of the labels file, write {operands[-1]}:{reading.label_col}",
        )
    return [_open_one(operand, thing, reading) for operand, thing in zip(allowed, operands, strict=False)]


def _count(wanted: Sequence[Operand], allowed: Sequence[Operand]) -> str:
    low, high = len(wanted), len(allowed)
    return f"{low} file{'s' if low > 1 else ''}" if low == high else f"{low} or {high} files"


def _open_one(operand: Operand, thing: Any, reading: Reading) -> Opened:
    if not isinstance(thing, str | os.PathLike):
        from divtool.formats.memory import open_object

        return Opened(operand, open_object(thing, operand.metavar.lower()))
    path, column = os.fspath(thing), None
    if operand.role == "target" and not os.path.exists(path) and os.path.isfile(path.rpartition(":")[0]):
        path, _, column = path.rpartition(":")
    return Opened(operand, open_source(path, delimiter=reading.delimiter, no_header=reading.no_header), column)


# Ids


def _ids(opened: Sequence[Opened], reading: Reading) -> list[int | None]:
    """The id column of each input: asked for, or named alike in all of them, or in a file that stands alone."""
    found = []
    for each in opened:
        wanted = reading.id
        if wanted is not None and each.header.names is None and len(opened) > 1 and each.header.find(wanted) is None:
            wanted = None
        found.append(find_id(each.header, wanted))
    return found


def _same_id_name(inputs: Sequence[Input]) -> bool:
    names = {each.header.name(each.columns.id).strip().lower() for each in inputs if each.columns.id is not None}
    return len(names) == 1


# Matrices


def _matrix_input(
    opened: Opened, id: int | None, all_opened: Sequence[Opened], reading: Reading, measuring: Measuring
) -> Input:
    header, role = opened.header, opened.operand.role
    label = _label_in(opened, all_opened, reading)
    columns = decide_matrix(
        header, id=id, label=label, chosen=reading.columns, first_counts=_first_counts(opened.source)
    )
    return _with_kind(Input(opened.source, columns, role, order=range(len(columns.classes))), reading)


def _label_in(opened: Opened, all_opened: Sequence[Opened], reading: Reading) -> int | None:
    """The label column of the predictions file, where labels are asked for and have no file of their own."""
    header = opened.header
    if reading.label_col is not None:
        return find_column(header, reading.label_col, "--label-col")
    needs_truth = opened.operand.role == "q" and len(all_opened) == 1
    if not needs_truth:
        return None
    named = [i for i, name in enumerate(header.names or ()) if label_like(name)]
    if len(named) == 1:
        return named[0]
    said = "several columns may hold them: " + ", ".join(f'"{header.name(i)}"' for i in named) if named else ""
    raise UsageError(
        f"{header.path}: there are no labels" if not named else f"{header.path}: which column holds the labels? {said}",
        hint="give a labels file, or name the column of the labels: --label-col COL",
    )


def _with_kind(given: Input, reading: Reading) -> Input:
    assert given.role is not None
    option = {"p": "--given-p", "q": "--given-q"}.get(given.role, "--given")
    own = {"p": reading.given_p, "q": reading.given_q}.get(given.role)
    wanted = own or (reading.given if given.role != "target" else None)
    sample = _sample(given.source, Selection(given.columns.classes))
    if given.role == "target":
        kind = _kind_of_target(sample, given, reading)
    else:
        kind = decide_kind(sample.matrix, given.header, given=wanted, normalize=reading.normalize, option=option)
    return replace(given, kind=kind)


def _kind_of_target(sample: Block, given: Input, reading: Reading) -> Kind:
    kind = decide_kind(sample.matrix, given.header, given=reading.given_p, normalize=reading.normalize)
    if kind.name != "probs":
        raise InputError(
            f"holds {kind.name} ({kind.evidence}); expected labels, or soft labels that sum to 1 in each row",
            path=given.title, hint="class labels stand in one column; write soft labels as probabilities",
        )  # fmt: skip
    return kind


def _sample(source: Source, selection: Selection) -> Block:
    width = max(1, len(selection.matrix) + len(selection.keys))
    rows = min(_SAMPLE_ROWS, max(_FEWEST_SAMPLED, _SAMPLE_BYTES // (8 * width)))
    for block in source.blocks(source.locate(0, rows), selection, _SAMPLE_BYTES):
        return block.part(0, min(rows, len(block)))
    raise InputError("holds no rows", path=source.header.path, hint="expected a row for each example")


def _first_counts(source: Source) -> bool:
    header = source.header
    if header.names is None or header.width < 3 or header.types[0] != INTEGER or id_like(header.names[0]):
        return False
    keys = _sample(source, Selection((), (0,))).keys[0]
    return len(keys) > 1 and all(keys.text(i) == str(i) for i in range(min(len(keys), 1000)))


# The truth


def _truth_input(opened: Opened, id: int | None, predictions: Input, reading: Reading) -> Input:
    opened = _without_taken_header(opened, predictions, reading)
    header = opened.header
    label = decide_label(header, id=id, named=opened.column)
    if label is None:
        columns = decide_matrix(header, id=id, label=None, chosen=None, first_counts=_first_counts(opened.source))
        return _with_kind(Input(opened.source, columns, "target", order=range(len(columns.classes))), reading)
    return Input(opened.source, Columns((), id, label))


def _without_taken_header(opened: Opened, predictions: Input, reading: Reading) -> Opened:
    """A headerless list of class names would lose its first row: a single column called like a class has no header."""
    header = opened.header
    classes = {predictions.header.name(i) for i in predictions.columns.classes} if predictions.header.names else set()
    if (
        header.names is None
        or header.width != 1
        or header.names[0] not in classes
        or header.format not in ("csv", "tsv")
    ):
        return opened
    return replace(opened, source=open_source(header.path, delimiter=reading.delimiter, no_header=True))


def _with_labels(inputs: list[Input], matched: Matched, reading: Reading, measuring: Measuring) -> list[Input]:
    """The label rule for the input that holds labels, if one does."""
    predictions = inputs[0]
    for i, each in enumerate(inputs):
        if each.columns.label is None:
            continue
        keys: Keys = _sample(each.source, Selection((), (each.columns.label,))).keys[0]
        own = None
        if predictions.header.names is not None:
            own = tuple(predictions.header.name(c) for c in predictions.columns.classes)
        rule = decide_labels(
            keys, names=matched.names, order=predictions.order, file_names=own, ignore=tuple(measuring.ignore_index),
            path=each.title, column=each.header.name(each.columns.label) if each.header.names else None,
        )  # fmt: skip
        inputs = [*inputs[:i], replace(each, labels=rule), *inputs[i + 1 :]]
    return inputs


# Both together


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


def _check_kinds(inputs: Sequence[Input], opened: Sequence[Opened], measuring: Measuring, reading: Reading) -> None:
    for each, operand in zip(inputs, (o.operand for o in opened), strict=False):
        if each.kind is None or each.role == "target":
            continue
        if each.kind.name not in operand.kinds:
            raise InputError(
                f"already holds {each.kind.name} ({each.kind.evidence}); expected {' or '.join(sorted(operand.kinds))}",
                path=each.title, hint="if they are logits all the same: --given logits",
            )  # fmt: skip
        if measuring.temperature != 1.0 and each.kind.name == "probs":
            raise InputError(
                f"holds probabilities ({each.kind.evidence}); a temperature divides logits",
                path=each.title, hint="give the logits, or leave out --temperature",
            )  # fmt: skip


def _notes(inputs: Sequence[Input], matched: Matched, by_id: bool) -> tuple[str, ...]:
    notes = []
    if len(inputs) > 1:
        first = inputs[0]
        with_id = [each for each in inputs if each.columns.id is not None]
        if by_id and first.columns.id is not None:
            notes.append(f'rows matched by the column "{first.header.name(first.columns.id)}"')
        elif with_id:
            without = next((each for each in inputs if each.columns.id is None), None)
            why = f"{without.title} has no id column" if without else "the id columns have different names"
            notes.append(f"rows matched by position ({why})")
        else:
            notes.append("rows matched by position")
    if matched.how:
        notes.append(f"classes matched {matched.how}")
    rule = next((each.labels for each in inputs if each.labels), None)
    if rule is not None:
        how = "name" if rule.how == "name" else f"index, 0 to {rule.classes - 1}"
        notes.append(f"labels matched by {how}")
    return tuple(notes)
