"""Per-row output: which columns it has, and how the rows of a chunk become them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from divtool.engine.asked import Asked
from divtool.engine.fold import RowSink
from divtool.engine.plan import Plan
from divtool.engine.present import presented
from divtool.engine.state import RowBatch
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.source import Stored
from divtool.formats.writing import RowWriter
from divtool.meaning.labels import Codes
from divtool.options import Measuring


def column_names(plan: Plan) -> tuple[list[str], list[str]]:
    """The columns of keys and of numbers: a measure has row, id and label as far as there are any, then its value; a
    transform has the id and a column for each class."""
    if plan.gives_matrix:
        classes = list(plan.names or (f"p{i}" for i in range(plan.classes)))
        return _ids(plan, classes), classes
    measures = [_column_of(plan, each) for each in plan.in_rows(plan.asked)]
    return ["row", *_ids(plan, ["row", "label", *measures]), *(["label"] if plan.labels else [])], measures


def _column_of(plan: Plan, asked: Asked) -> str:
    """The measure, with the name of the file that it scores where there are several."""
    return asked.label if asked.candidate is None else f"{asked.label}:{plan.candidates[asked.candidate]}"


def _ids(plan: Plan, taken: list[str]) -> list[str]:
    """The id column's own name, with a tail where another column has it."""
    if not _has_ids(plan):
        return []
    name = _id_name(plan)
    return [name + "_id" if name in taken else name]


def sink_of(plan: Plan, writers: Sequence[RowWriter], measuring: Measuring) -> RowSink | None:
    """Hands the rows of each chunk to every writer, in the unit asked for; None where there is no writer."""
    if not writers:
        return None
    shown = [] if plan.gives_matrix else [presented(asked, measuring)[1] for asked in plan.in_rows(plan.asked)]

    def take(batch: RowBatch) -> None:
        keys = _keys(plan, batch)
        values = batch.values
        if shown:
            values = np.stack([as_shown(values[:, i]) for i, as_shown in enumerate(shown)], axis=1)
        for writer in writers:
            writer.write(keys, values)

    return take


def _keys(plan: Plan, batch: RowBatch) -> list[Keys]:
    keys: list[Keys] = [] if plan.gives_matrix else [IntegerKeys(batch.rows)]
    if batch.ids is not None and _has_ids(plan):
        keys.append(batch.ids)
    if batch.codes is not None and not plan.gives_matrix:
        keys.append(_labels(plan, batch.codes))
    return keys


def _labels(plan: Plan, codes: Codes) -> Keys:
    """Labels as the user wrote them: class names, else class indices; an ignored label stays what it was."""
    ignored = np.array([*plan.ignore, 0], dtype=np.int64)
    if plan.names is None or (plan.settings.answers and plan.classes == 1):
        return IntegerKeys(np.where(codes < 0, ignored[-1 - np.minimum(codes, -1)], codes))
    return text_keys([plan.names[code] if code >= 0 else str(ignored[-1 - code]) for code in codes.tolist()])


def _has_ids(plan: Plan) -> bool:
    return plan.inputs[0].as_read.columns.id is not None


def _id_name(plan: Plan) -> str:
    leader = plan.inputs[0].as_read
    assert leader.columns.id is not None
    return leader.header.name(leader.columns.id) if leader.header.names is not None else "id"


class Collected:
    """Rows that nobody gave a file or a screen: kept, for a program that asked for them."""

    def __init__(self) -> None:
        self._blocks: list[Stored] = []
        self._single = False

    def open(self, keys: Sequence[str], numbers: Sequence[str]) -> Collected:
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
