"""Columns that are no classes, for they have something else to do: to weigh rows, to group or to cluster them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from divtool.engine.bind import key_input, weight_input
from divtool.engine.inputs import Input
from divtool.engine.operands import WEIGHTS, Opened, open_operand
from divtool.engine.plan import CONFIDENCE, LABEL, PREDICTION, By
from divtool.errors import InputError
from divtool.meaning.columns import find_anywhere, find_weight, label_like, no_such_column
from divtool.options import Comparing, Measuring, Reading
from divtool.registry import suggestion

_WORDS = (LABEL, PREDICTION, CONFIDENCE)

Place = tuple[int, int]


@dataclass(frozen=True)
class Aside:
    """Where such columns stand: files among the operands, and their columns."""

    opened: Sequence[Opened]
    weight: Place | None
    by: tuple[tuple[By, Place | None], ...]
    cluster: Place | None

    @property
    def places(self) -> list[Place]:
        """The columns that are certainly no classes and no labels."""
        keys = [place for _, place in self.by] + [self.cluster]
        found = [place for place in keys if place is not None and not self._may_be_label(place)]
        return found + ([self.weight] if self.weight is not None else [])

    @property
    def notes(self) -> tuple[str, ...]:
        """Whose column it is, where several files have one of the name."""
        said = []
        for place in (*(place for _, place in self.by), self.cluster):
            if place is None:
                continue
            own = self.opened[place[0]]
            name = own.header.name(place[1])
            others = {id(each.source) for each in self.opened if each.header.names and name in each.header.names}
            said += [f'"{name}" is that of {own.header.path}'] if len(others) > 1 else []
            said += [f"--by {name} takes the column of {own.header.path}"] if name in _WORDS and name != LABEL else []
        return tuple(dict.fromkeys(said))

    def _may_be_label(self, place: Place) -> bool:
        """A column that groups rows may be that of the labels as well."""
        opened = self.opened[place[0]]
        name = opened.header.name(place[1])
        return opened.is_truth and (label_like(name) or opened.column == name or opened.header.width == 1)

    def of(self, file: int) -> dict[int, str]:
        """The columns of one file, with what they are used for."""
        said = {column: "says what rows have in common" for at, column in self.places if at == file}
        if self.weight is not None and self.weight[0] == file:
            said[self.weight[1]] = "weighs the rows"
        return said

    def inputs(self, ids: Sequence[int | None], first: Input, measuring: Measuring, reading: Reading) -> list[Input]:
        """An input for each such column: the weight, those of --by in their order, the cluster last."""
        found = []
        if self.weight is not None:
            file, column = self.weight
            found.append(weight_input(
                self.opened[file], self._id(file, ids, first), column, drop_missing=reading.drops_missing
            ))  # fmt: skip
        elif measuring.sample_weight is not None:
            found.append(weight_input(open_operand(WEIGHTS, measuring.sample_weight), None, 0))
        for place in (place for _, place in self.by if place is not None):
            found.append(key_input(self.opened[place[0]], self._id(place[0], ids, first), place[1]))
        if self.cluster is not None:
            file, column = self.cluster
            found.append(key_input(
                self.opened[file], self._id(file, ids, first), column, each_named=True,
                drop_missing=reading.drops_missing,
            ))  # fmt: skip
        return found

    def _id(self, file: int, ids: Sequence[int | None], first: Input) -> int | None:
        # A column of the leading file stands where it should: no id need say so.
        return None if self.opened[file].source is first.source else ids[file]


def columns_aside(opened: Sequence[Opened], measuring: Measuring, comparing: Comparing, role: str | None) -> Aside:
    """The columns that were asked for by name. ``role`` is that of the reference of a comparison."""
    headers, truth = [each.header for each in opened], [each.is_truth for each in opened]
    weight = None
    if isinstance(measuring.sample_weight, str):
        weight = find_weight(headers, truth, measuring.sample_weight)
    by = []
    for name in dict.fromkeys(comparing.by):
        place = find_anywhere(headers, truth, name)
        if place is None and name not in _WORDS:
            error = no_such_column(headers, name, "--by")
            hint = suggestion(name, list(_WORDS))
            if not hint.startswith("did"):
                hint = "; or ".join(filter(None, (error.hint, f"{', '.join(_WORDS[:2])} or {CONFIDENCE}")))
            raise InputError(error.message, hint=hint)
        by.append((By(name, "column" if place is not None else name, role), place))
    cluster = None
    if comparing.cluster is not None:
        cluster = find_anywhere(headers, truth, comparing.cluster)
        if cluster is None:
            raise no_such_column(headers, comparing.cluster, "--cluster")
    return Aside(opened, weight, tuple(by), cluster)
