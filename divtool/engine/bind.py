"""An operand bound to its role: which of its columns are classes, what its numbers are, where the truth stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from divtool.engine.inputs import WEIGHT_ROLE, Input
from divtool.engine.operands import Opened
from divtool.errors import InputError, UsageError
from divtool.formats.keys import Keys
from divtool.formats.opening import open_source
from divtool.formats.source import FLOAT, INTEGER, OTHER, Block, Header, Selection, Source
from divtool.meaning.classes import Matched
from divtool.meaning.columns import Columns, decide_label, decide_matrix, find_column, id_like, label_like
from divtool.meaning.kinds import Kind, decide_kind, kind_of_cells, whole_numbers
from divtool.meaning.labels import decide_labels
from divtool.numerics.rowsum import row_sum
from divtool.options import KINDS, Measuring, Reading

_SAMPLE_ROWS, _SAMPLE_BYTES = 4096, 1 << 20
_FEWEST_SAMPLED = 16
_MOST_TRIED = 100
_FEWEST_COUNTED = 10


def matrix_input(
    opened: Opened, id: int | None, all_opened: Sequence[Opened], reading: Reading, weight: int | None = None
) -> Input:
    """A table of distributions in its role, with the labels beside them where they have no file of their own.

    ``weight`` is the column that weighs the rows: it is no class.
    """
    header, role = opened.header, opened.operand.role
    if "signs" in opened.operand.kinds:
        return _sign_input(opened, id, reading)
    label = _label_in(opened, all_opened, reading)
    try:
        columns = decide_matrix(
            header, id=id, label=label, chosen=reading.columns, first_counts=_first_counts(opened.source),
            weight=weight, least=2 if "probs" in opened.operand.kinds else 1,
        )  # fmt: skip
    except InputError as error:
        if any(each.is_truth for each in all_opened):
            error.hint += " (the predictions come first, the labels last)"
        raise
    pair = {each.operand.role for each in all_opened} >= {"p", "q"}
    option = f"--given-{role}" if pair else "--given"
    given = Input(opened.source, columns, role, order=range(len(columns.classes)))
    return _with_kind(given, reading, opened.operand.kinds, option)


def _sign_input(opened: Opened, id: int | None, reading: Reading) -> Input:
    """One column of 1 and -1, whatever it is called."""
    header = opened.header
    numbers = [i for i in range(header.width) if i != id and header.types[i] in (INTEGER, FLOAT)]
    column = numbers[0] if len(numbers) == 1 else decide_label(header, id=id, named=opened.column)
    if column is None:
        raise InputError(
            f"has {header.width} columns; expected one of 1 (alike) and -1 (not alike)", path=header.path,
            hint=f"name it after the file: {header.path}:COLUMN",
        )  # fmt: skip
    given = Input(opened.source, Columns((column,), id, None), opened.operand.role, order=range(1))
    return _with_kind(given, reading, opened.operand.kinds)


def weight_input(opened: Opened, id: int | None, column: int) -> Input:
    """The column that weighs the rows, as an input of its own."""
    given = Input(opened.source, Columns((column,), id, None), WEIGHT_ROLE, order=range(1))
    return replace(given, kind=Kind("positives", "weights of the rows"))


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


def _with_kind(given: Input, reading: Reading, allowed: frozenset[str], option: str = "") -> Input:
    assert given.role is not None
    own = {"p": reading.given_p, "q": reading.given_q}.get(given.role)
    wanted = own or (reading.given if given.role != "target" else None)
    sample = sample_of(given.source, Selection(given.columns.classes))
    by_cell = kind_of_cells(sample.matrix, allowed, wanted)
    if by_cell is not None:
        kind = by_cell
    elif given.role == "target":
        kind = _kind_of_target(sample, given, reading)
    else:
        kind = decide_kind(
            sample.matrix, given.header, given=wanted, normalize=reading.normalize, option=option,
            only_logits="probs" not in allowed,
        )  # fmt: skip
        if wanted is None and reading.columns is None:
            _check_alike(sample, given, kind)
    return replace(given, kind=kind, allowed=allowed)


def _check_alike(sample: Block, given: Input, kind: Kind) -> None:
    """Logits are not guessed from columns of unlike content: ages and prices beside a score are no classes."""
    if kind.name != "logits" or given.header.names is None:
        return
    header, classes = given.header, given.columns.classes
    # Without one column the rest sum to 1: a loss or a score beside probabilities.
    x = sample.matrix.astype(np.float64)
    for i in range(x.shape[1] if 2 < x.shape[1] <= _MOST_TRIED else 0):
        rest = np.abs(row_sum(np.delete(x, i, axis=1)) - 1.0)
        if 2 * (rest <= kind.tolerance).sum() > len(x):
            odd = header.name(classes[i])
            raise InputError(
                f'which columns are the classes? The rows sum to 1 without "{odd}"', path=given.title,
                hint=f"leave it out: --columns '!{odd}'; or, if all are logits: --given logits",
            )  # fmt: skip
    whole = [bool((column == np.round(column)).all()) for column in sample.matrix.T]
    if any(whole) and not all(whole):
        odd, even = header.name(classes[whole.index(True)]), header.name(classes[whole.index(False)])
        raise InputError(
            f'which columns are the classes? "{odd}" holds whole numbers, "{even}" does not', path=given.title,
            hint="name them: --columns a,b,c; or, if all are logits: --given logits",
        )  # fmt: skip


def _kind_of_target(sample: Block, given: Input, reading: Reading) -> Kind:
    if whole_numbers(sample.matrix) and not reading.normalize:
        return Kind("counts", "whole numbers: votes for each class")
    try:
        kind = decide_kind(sample.matrix, given.header, given=None, normalize=reading.normalize)
    except InputError as error:
        # --given speaks of the predictions.
        error.hint = "soft labels are probabilities: --normalize divides each row by its sum"
        raise
    if kind.name != "probs":
        raise InputError(
            f"holds {KINDS[kind.name]} ({kind.evidence}); expected labels, or soft labels that sum to 1 in each row",
            path=given.title, hint="class labels stand in one column; write soft labels as probabilities",
        )  # fmt: skip
    return kind


def sample_of(source: Source, selection: Selection) -> Block:
    """The first rows of a file."""
    width = max(1, len(selection.matrix) + len(selection.keys))
    rows = min(_SAMPLE_ROWS, max(_FEWEST_SAMPLED, _SAMPLE_BYTES // (8 * width)))
    for block in source.blocks(source.locate(0, rows), selection, _SAMPLE_BYTES):
        return block.part(0, min(rows, len(block)))
    raise InputError("holds no rows", path=source.header.path, hint="expected a row for each example")


def _first_counts(source: Source) -> bool:
    header = source.header
    if header.names is None or header.width < 3 or header.types[0] != INTEGER or id_like(header.names[0]):
        return False
    keys = sample_of(source, Selection((), (0,))).keys[0]
    return len(keys) >= _FEWEST_COUNTED and all(keys.text(i) == str(i) for i in range(min(len(keys), 1000)))


def truth_input(
    opened: Opened, id: int | None, predictions: Input, reading: Reading, weight: int | None = None
) -> Input:
    """The labels file: class labels in one column, or soft rows (answers, where the predictions are answers)."""
    opened = _without_taken_header(opened, predictions, reading)
    header = opened.header
    answers = predictions.kind is not None and "chances" in predictions.allowed
    label = decide_label(header, id=id, named=opened.column, weight=weight)
    if label is not None and answered_alone(predictions) and header.types[label] == FLOAT:
        # One column of answers may be soft.
        label = None
    if label is not None and header.types[label] in (FLOAT, OTHER) and not header.lines:
        raise InputError(
            f"the labels are of type {header.dtype}; expected whole numbers or text", path=header.path,
            hint="save them as integers: labels.astype(int)",
        )  # fmt: skip
    if label is None:
        named = _columns_named_alike(header, predictions, id)
        if named is None:
            return soft_rows(opened, id, reading, weight, answers=answers)
        given = Input(opened.source, named, "target", order=range(len(named.classes)))
        return _with_kind(given, reading, frozenset({"chances"}) if answers else frozenset())
    return Input(opened.source, Columns((), id, label))


def _columns_named_alike(header: Header, predictions: Input, id: int | None) -> Columns | None:
    """The columns called like the classes of the predictions, where each class has one: the others are no classes."""
    if header.names is None or predictions.header.names is None:
        return None
    names = [predictions.header.name(column) for column in predictions.columns.classes]
    if not set(names) <= set(header.names):
        return None
    classes = tuple(i for i, name in enumerate(header.names) if name in names)
    rest = [(name, "names the rows" if i == id else f"no class of {predictions.title}")
            for i, name in enumerate(header.names) if i not in classes]  # fmt: skip
    return Columns(classes, id, None, tuple(rest))


def soft_rows(
    opened: Opened, id: int | None, reading: Reading, weight: int | None = None, *, answers: bool,
    chosen: str | None = None,
) -> Input:  # fmt: skip
    """The truth as rows: soft labels, votes, or ``answers`` to yes-or-no questions."""
    columns = decide_matrix(
        opened.header, id=id, label=None, chosen=chosen, first_counts=_first_counts(opened.source), weight=weight,
        least=1 if answers else 2,
    )  # fmt: skip
    given = Input(opened.source, columns, "target", order=range(len(columns.classes)))
    return _with_kind(given, reading, frozenset({"chances"}) if answers else frozenset())


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


def answered_alone(predictions: Input) -> bool:
    """Whether there is one column of answers, so that its labels are 0 (no) and 1 (yes); distributions have two."""
    return "probs" not in predictions.allowed and len(predictions.columns.classes) == 1


def with_labels(inputs: list[Input], matched: Matched, measuring: Measuring) -> list[Input]:
    """The label rule for the input that holds labels, if one does."""
    predictions = inputs[0]
    for i, each in enumerate(inputs):
        if each.columns.label is None:
            continue
        keys: Keys = sample_of(each.source, Selection((), (each.columns.label,))).keys[0]
        own, names, order = None, matched.names, predictions.order
        if predictions.header.names is not None:
            own = tuple(predictions.header.name(c) for c in predictions.columns.classes)
        if answered_alone(predictions):
            own, names, order = None, None, range(2)
        rule = decide_labels(
            keys, names=names, order=order, file_names=own, ignore=tuple(measuring.ignore_index),
            path=each.title, column=each.header.name(each.columns.label) if each.header.names else None,
        )  # fmt: skip
        inputs = [*inputs[:i], replace(each, labels=rule), *inputs[i + 1 :]]
    return inputs
