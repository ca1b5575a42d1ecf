"""What the first rows of an input say: what its numbers are, and which of doubtful columns are classes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from divtool.engine.candidates import base_of
from divtool.engine.inputs import Input
from divtool.errors import InputError
from divtool.formats.source import INTEGER, Block, Selection, Source
from divtool.meaning.alike import apart_from_series, odd_one_out, side_by_side, sum_of_others
from divtool.meaning.binary import decide_single
from divtool.meaning.columns import Columns, chance_like
from divtool.meaning.ids import id_like
from divtool.meaning.kinds import Kind, decide_kind, kind_of_cells, whole_numbers
from divtool.numerics.rowsum import row_sum
from divtool.options import KINDS, Reading

_SAMPLE_ROWS, _SAMPLE_BYTES = 4096, 1 << 20
_FEWEST_SAMPLED = 16
_FEWEST_COUNTED = 10
_WHOLE = 1e-3


def with_kind(given: Input, reading: Reading, allowed: frozenset[str], option: str = "") -> Input:
    """The input with the kind of its numbers; ``option`` is what says it where they do not."""
    assert given.role is not None
    own = {"p": reading.given_p, "q": reading.given_q}.get(base_of(given.role) or "")
    wanted = own or (reading.given if given.role != "target" else None)
    sample = sample_of(given.source, Selection(given.columns.classes, missing=given.drop_missing))
    by_cell = kind_of_cells(sample.matrix, allowed, wanted)
    if given.single:
        kind = decide_single(sample.matrix, given.header, given.columns.classes[0], given=wanted)
    elif given.role == "target" and "chances" in allowed:
        # Answers are from 0 (no) to 1 (yes); what is not is refused by its row.
        kind = Kind("chances", "answers from 0 to 1")
    elif by_cell is not None:
        kind = by_cell
        if kind.name == "counts" and reading.columns is None:
            _check_counts(sample, given)
    elif given.role == "target":
        kind = _kind_of_target(sample, given, reading)
    else:
        if reading.columns is None and wanted != "logits":
            _check_models(sample, given)
        kind = decide_kind(
            sample.matrix, given.header, given=wanted, normalize=reading.normalize, option=option,
            only_logits="probs" not in allowed, unnormalized=reading.allow_unnormalized,
        )  # fmt: skip
        if wanted is None and reading.columns is None:
            _check_alike(sample, given, kind)
    return replace(given, kind=kind, allowed=allowed)


def _check_alike(sample: Block, given: Input, kind: Kind) -> None:
    """Logits are not guessed from columns of unlike content or unlike names: ages and prices beside scores, what was
    made of the scores, or the outputs of several models are no classes of one table."""
    header = given.header
    if kind.name != "logits" or (header.names is None and not header.lines):
        return
    classes, x = given.columns.classes, sample.matrix.astype(np.float64)
    odd = odd_one_out(x, kind.tolerance)
    if odd is not None:
        name, said = header.name(classes[odd[0]]), odd[1]
        what = f'"{name}" {said}' if said else f'The rows sum to 1 without "{name}"'
        raise _unlike(given, what, f"leave it out: --columns '!{name}'")
    whole = [bool((column == np.round(column)).all()) and bool(column.any()) for column in x.T]
    if any(whole) and not all(whole):
        name, other = header.name(classes[whole.index(True)]), header.name(classes[whole.index(False)])
        raise _unlike(given, f'"{name}" holds whole numbers, "{other}" does not', "name them: --columns a,b,c")
    names = given.class_names or ()
    series = apart_from_series(names)
    if series is not None:
        first, last, other = series
        raise _unlike(given, f'"{other}" is none of "{first}" to "{last}"', f"name them: --columns {first}-{last}")
    _refuse_models(given)


def _check_models(sample: Block, given: Input) -> None:
    """Probabilities of several models side by side: a row sums to their number."""
    x = sample.matrix.astype(np.float64)
    x = x[np.isfinite(x).all(axis=1)]
    if not x.size or not ((x >= 0.0) & (x <= 1.0)).all():
        return
    sums = row_sum(x)
    if ((np.round(sums) >= 2.0) & (np.abs(sums - np.round(sums)) < _WHOLE)).all():
        _refuse_models(given)


def _refuse_models(given: Input) -> None:
    models = side_by_side(given.class_names or ())
    if models is not None:
        starts = [f'"{start}"' if start else "nothing" for start in models]
        raise _unlike(
            given, f"The same names stand behind {starts[0]} and behind {starts[1]}",
            f"choose those of one model: --columns '/^{re.escape(models[1])}/'",
        )  # fmt: skip


def _unlike(given: Input, what: str, way_out: str) -> InputError:
    return InputError(
        f"which columns are the classes? {what}", path=given.title,
        hint=f"{way_out}; or, if all are logits: --given logits",
    )  # fmt: skip


def _check_counts(sample: Block, given: Input) -> None:
    """A total beside counts is no class."""
    total = sum_of_others(sample.matrix.astype(np.float64))
    if total is not None:
        name = given.header.name(given.columns.classes[total])
        raise InputError(
            f'"{name}" is the sum of the others in every row: a total is no class', path=given.title,
            hint=f"leave it out: --columns '!{name}'",
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


def narrowed(columns: Columns, source: Source, *, drop_missing: bool) -> Columns:
    """The one column that is called a probability, where all others hold whole numbers: ages and codes of features, or
    what came to be, beside the probability of class 1."""
    header = source.header
    named = [column for column in columns.classes if header.names is not None and chance_like(header.name(column))]
    if len(named) != 1 or len(columns.classes) == 1:
        return columns
    x = sample_of(source, Selection(columns.classes, missing=drop_missing)).matrix.astype(np.float64)
    own = list(columns.classes).index(named[0])
    rest = np.delete(x, own, axis=1)
    inside = bool(((x[:, own] >= 0.0) & (x[:, own] <= 1.0)).all())
    if not inside or not (rest == np.round(rest)).all():
        return columns
    why = f'not called a probability, as "{header.name(named[0])}" is'
    others = tuple((header.name(column), why) for column in columns.classes if column != named[0])
    return replace(columns, classes=(named[0],), excluded=columns.excluded + others)


def first_counts(source: Source) -> bool:
    """Whether the first column counts the rows 0, 1, 2, ...: an index that was saved."""
    header = source.header
    if header.names is None or header.width < 3 or header.types[0] != INTEGER or id_like(header.names[0]):
        return False
    keys = sample_of(source, Selection((), (0,))).keys[0]
    return len(keys) >= _FEWEST_COUNTED and all(keys.text(i) == str(i) for i in range(min(len(keys), 1000)))
