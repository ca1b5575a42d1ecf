"""An operand bound to its role: which of its columns are classes, what its numbers are, where the truth stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from divtool.engine.candidates import base_of
from divtool.engine.first_lines import with_header
from divtool.engine.inputs import KEY_ROLE, WEIGHT_ROLE, Input
from divtool.engine.operands import Opened
from divtool.engine.sampling import first_counts, narrowed, sample_of, with_kind
from divtool.errors import InputError, UsageError
from divtool.formats.first_line import are_numbers
from divtool.formats.keys import Keys
from divtool.formats.source import FLOAT, INTEGER, OTHER, Header, Selection
from divtool.meaning.classes import Matched
from divtool.meaning.columns import Columns, decide_label, decide_matrix, label_like, labels_in, outcomes_of
from divtool.meaning.grammar import find_column
from divtool.meaning.kinds import Kind
from divtool.meaning.labels import decide_labels
from divtool.options import Measuring, Reading


def matrix_input(
    opened: Opened, id: int | None, all_opened: Sequence[Opened], reading: Reading,
    aside: Mapping[int, str] = MappingProxyType({}), *, of_two: bool = False,
) -> Input:  # fmt: skip
    """A table of distributions in its role, with the labels beside them where they have no file of their own.

    ``aside`` are columns that are no classes, with what they are used for. ``of_two``: a single column may speak of two
    classes.
    """
    if "signs" in opened.operand.kinds:
        return _sign_input(opened, id, reading)
    label = _label_in(opened, all_opened, reading)
    drop = reading.drops_missing
    taken = {**dict.fromkeys(_truth_in(opened, all_opened), "the truth"), **aside}
    of_two = of_two and "probs" in opened.operand.kinds
    try:
        columns = decide_matrix(
            opened.header, id=id, label=label, chosen=reading.columns, first_counts=first_counts(opened.source),
            taken=taken, least=2 if "probs" in opened.operand.kinds else 1, of_two=of_two,
            beside=[each.header for each in all_opened if each is not opened],
        )  # fmt: skip
    except InputError as error:
        if any(each.is_truth for each in all_opened):
            error.hint = " ".join(filter(None, (error.hint, "(the predictions come first, the labels last)")))
        raise
    if of_two and reading.columns is None:
        columns = narrowed(columns, opened.source, drop_missing=drop)
    single = of_two and len(columns.classes) == 1
    vocabulary = _vocabulary(opened.header, columns, reading.vocab) if "probs" in opened.operand.kinds else None
    given = Input(opened.source, columns, opened.operand.role, single=single, vocabulary=vocabulary, drop_missing=drop)
    given = replace(given, order=range(given.width))
    pair = {each.operand.role for each in all_opened} >= {"p", "q"}
    return with_kind(given, reading, opened.operand.kinds, f"--given-{base_of(given.role)}" if pair else "--given")


def _truth_in(opened: Opened, all_opened: Sequence[Opened]) -> tuple[int, ...]:
    """The columns of this file that hold the truth class by class."""
    return next((each.chosen for each in all_opened if each.is_truth and each.source is opened.source), ())


def _vocabulary(header: Header, columns: Columns, wanted: int | None) -> int | None:
    if wanted is None or len(columns.classes) == wanted:
        return None
    if len(columns.classes) < wanted:
        raise InputError(
            f"has {len(columns.classes):,} classes; expected at least {wanted:,} (--vocab)", path=header.path
        )
    return wanted


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
    given = Input(
        opened.source, Columns((column,), id, None), opened.operand.role, order=range(1),
        drop_missing=reading.drops_missing,
    )  # fmt: skip
    return with_kind(given, reading, opened.operand.kinds)


def key_input(
    opened: Opened, id: int | None, column: int, *, each_named: bool = False, drop_missing: bool = False
) -> Input:
    """A column that says what rows have in common, as an input of its own; ``each_named``: no cell may be empty."""
    columns = Columns((), id, None)
    return Input(
        opened.source, columns, KEY_ROLE, key=column, each_named=each_named, drop_missing=each_named and drop_missing
    )


def weight_input(opened: Opened, id: int | None, column: int, *, drop_missing: bool = False) -> Input:
    """The column that weighs the rows, as an input of its own."""
    given = Input(
        opened.source, Columns((column,), id, None), WEIGHT_ROLE, order=range(1), drop_missing=drop_missing
    )  # fmt: skip
    return replace(given, kind=Kind("positives", "weights of the rows"))


def _label_in(opened: Opened, all_opened: Sequence[Opened], reading: Reading) -> int | None:
    """The label column of the predictions file, where labels are asked for and have no file of their own."""
    header = opened.header
    if reading.label_col is not None:
        inside = _truth_in(opened, all_opened)
        return None if inside else find_column(header, reading.label_col, "--label-col")
    needs_truth = opened.operand.role == "q" and len(all_opened) == 1
    if not needs_truth:
        return None
    named = labels_in(header)
    if len(named) == 1 and header.names is not None:
        return named[0]
    outcomes = outcomes_of(header)
    if outcomes and not named:
        raise UsageError(
            f"{header.path}: there are no labels, but a column for each class that may say what came to be:"
            f" {', '.join(header.name(i) for i in outcomes[:6])}",
            hint=f"if they are the truth: --label-col {','.join(header.name(i) for i in outcomes)}",
        )
    if not named:
        _refuse_lists_of_labels(header)
    which, column = ", ".join(f'"{header.name(i)}"' for i in named), header.name(named[0]) if named else "COL"
    said = f"which column holds the labels? {which} may" if named else "there are no labels"
    raise UsageError(
        f"{header.path}: {said}",
        hint=f"give a labels file, or name the column of the labels: --label-col {column}",
    )


def _refuse_lists_of_labels(header: Header) -> None:
    lists = next((each for each in header.vectors if label_like(each.name)), None)
    if lists is not None:
        raise InputError(
            "holds a list of labels in each row; expected one label", path=header.path, column=lists.name,
            hint=f"in JSON lines: jq -c '.{lists.name} |= .[0]' FILE > NEW.jsonl" if lists.width == 1
            else f"if it is a soft label, a share for each class: --label-col {lists.name}",
        )  # fmt: skip


def truth_input(
    opened: Opened, id: int | None, predictions: Input, reading: Reading,
    aside: Mapping[int, str] = MappingProxyType({}),
) -> Input:  # fmt: skip
    """The labels file: class labels in one column, or soft rows (answers, where the predictions are answers)."""
    if opened.chosen:
        columns = Columns(opened.chosen, id, None)
        given = Input(
            opened.source, columns, "target", order=range(len(opened.chosen)), drop_missing=reading.drops_missing
        )  # fmt: skip
        return with_kind(given, reading, frozenset({"chances"}) if "chances" in predictions.allowed else frozenset())
    opened = _without_taken_header(opened, predictions, reading)
    header = opened.header
    answers = predictions.kind is not None and "chances" in predictions.allowed
    named = None if opened.column is not None or labels_in(header) else _columns_named_alike(header, predictions, id)
    label = None if named is not None else decide_label(header, id=id, named=opened.column, aside=aside)
    if label is not None and answered_alone(predictions) and header.types[label] == FLOAT:
        # One column of answers may be soft.
        label = None
    if label is not None and header.types[label] == OTHER:
        raise InputError(
            f"the labels are of type {header.dtype}; expected whole numbers or text", path=header.path,
            hint="save them as integers: labels.astype(int)",
        )  # fmt: skip
    if label is None:
        named = named or _columns_named_alike(header, predictions, id)
        if named is None:
            return soft_rows(opened, id, reading, aside, answers=answers)
        given = Input(
            opened.source, named, "target", order=range(len(named.classes)), drop_missing=reading.drops_missing
        )  # fmt: skip
        return with_kind(given, reading, frozenset({"chances"}) if answers else frozenset())
    return Input(opened.source, Columns((), id, label), drop_missing=reading.drops_missing)


def _columns_named_alike(header: Header, predictions: Input, id: int | None) -> Columns | None:
    """The columns called like the classes of the predictions, where each class has one: the others are no classes."""
    if header.names is None:
        return None
    names = predictions.class_names or ()
    if not names or not set(names) <= set(header.names):
        return None
    classes = tuple(i for i, name in enumerate(header.names) if name in names)
    rest = [(name, "names the rows" if i == id else f"no class of {predictions.title}")
            for i, name in enumerate(header.names) if i not in classes]  # fmt: skip
    return Columns(classes, id, None, tuple(rest))


def soft_rows(
    opened: Opened, id: int | None, reading: Reading, aside: Mapping[int, str] = MappingProxyType({}), *,
    answers: bool, chosen: str | None = None,
) -> Input:  # fmt: skip
    """The truth as rows: soft labels, votes, or ``answers`` to yes-or-no questions."""
    columns = decide_matrix(
        opened.header, id=id, label=None, chosen=chosen, first_counts=first_counts(opened.source),
        taken=dict(aside), least=1 if answers else 2,
    )  # fmt: skip
    given = Input(
        opened.source, columns, "target", order=range(len(columns.classes)), drop_missing=reading.drops_missing
    )  # fmt: skip
    return with_kind(given, reading, frozenset({"chances"}) if answers else frozenset())


def _without_taken_header(opened: Opened, predictions: Input, reading: Reading) -> Opened:
    """A headerless list of class names would lose its first row: a single column called like a class has no header."""
    header = opened.header
    classes = predictions.class_names or ()
    if header.names is None or header.width != 1 or header.names[0] not in classes or reading.header:
        return opened
    # A number above them is the name that pandas gives, unless the row counts say otherwise.
    return opened if are_numbers(header.names) else with_header(opened, False)


def answered_alone(predictions: Input) -> bool:
    """Whether there is one column of answers, so that its labels are 0 (no) and 1 (yes); distributions have two."""
    return "probs" not in predictions.allowed and len(predictions.columns.classes) == 1


def _label_sample(given: Input) -> Keys:
    """The first labels, without those that are missing if such rows are to be left out."""
    assert given.columns.label is not None
    sample = sample_of(given.source, Selection((), (given.columns.label,), given.drop_missing))
    return sample.keys[0] if sample.missing is None else sample.keys[0].where(~sample.missing)


def with_labels(
    inputs: list[Input], matched: Matched, measuring: Measuring, *, ordered: bool = False
) -> list[Input]:  # fmt: skip
    """The label rule for the input that holds labels, if one does. ``ordered``: the order of the classes was given."""
    predictions = inputs[0]
    for i, each in enumerate(inputs):
        if each.columns.label is None:
            continue
        keys: Keys = _label_sample(each)
        own, names, order = predictions.class_names, matched.names, predictions.order
        if answered_alone(predictions):
            own, names, order = None, None, range(2)
        rule = decide_labels(
            keys, names=names, order=order, file_names=own, ignore=tuple(measuring.ignore_index),
            path=each.title, column=each.header.name(each.columns.label) if each.header.names else None,
        )  # fmt: skip
        if predictions.single:
            rule = replace(rule, note=f"{predictions.title} has one column of classes, read as that of class 1 of two")
        if rule.how == "index" and predictions.header.unordered and not ordered:
            raise InputError(
                f"holds positions, but the scores of {predictions.title} stand in no order of classes", path=each.title,
                hint="give labels by name, or the order of the classes: --columns a,b,c",
            )  # fmt: skip
        inputs = [*inputs[:i], replace(each, labels=rule), *inputs[i + 1 :]]
    return inputs
