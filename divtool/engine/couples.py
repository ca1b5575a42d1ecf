"""Two columns of the same cases, numbers or categories, and their mutual information without intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from divtool.accumulators.joint_table import JointTable
from divtool.engine.held import Codes, Held
from divtool.numerics.neighbours import Numbers, ksg, numbers, repeated, ross


@dataclass(frozen=True)
class Couple:
    """Two columns of the same cases, each with a value in all of them."""

    x: Held
    y: Held
    neighbours: int
    threads: int

    @cached_property
    def _numbers(self) -> tuple[Numbers | None, Numbers | None]:
        x, y = (None if each.numbers is None else numbers(each.numbers) for each in (self.x, self.y))
        return x, y

    @property
    def counted(self) -> bool:
        """Whether both hold categories."""
        return self.x.numbers is None and self.y.numbers is None

    @property
    def method(self) -> str:
        """How their mutual information is found."""
        if self.counted:
            return "counts"
        both = self.x.numbers is not None and self.y.numbers is not None
        return f"{'ksg' if both else 'ross'}:{self.neighbours}"

    @property
    def cases(self) -> int:
        """How many there are."""
        return len(self.x.lacking)

    def information(self, order: Codes | None = None) -> float:
        """Mutual information in nats, of numbers; with ``order``, after Y was put into it."""
        x, y = self._numbers
        if y is not None:
            y = y if order is None else y.taken(order)
            return ksg(x, y, self.neighbours, self.threads) if x is not None else self._of_classes(y, self.x.codes)
        codes = self.y.codes if order is None or self.y.codes is None else self.y.codes[order]
        return self._of_classes(x, codes)

    def _of_classes(self, values: Numbers | None, codes: Codes | None) -> float:
        assert values is not None
        assert codes is not None
        return ross(values, codes, self.neighbours)

    def table(self) -> JointTable:
        """The counts of two columns of categories."""
        assert self.x.codes is not None
        assert self.y.codes is not None
        width = max(1, len(self.y.entries))
        cells, counts = np.unique(self.x.codes * width + self.y.codes, return_counts=True)
        places = np.stack(np.divmod(cells, width), axis=1)
        return JointTable((self.x.entries, self.y.entries), places, counts, int(counts.sum())).occurring()


def coupled(x: Held, y: Held, neighbours: int, threads: int, *, drop: bool) -> Couple:
    """Two columns without the cases that lack a number (with ``drop``: a category) or are alone in their category
    where neighbours within it are asked for."""
    kept = np.ones(len(x.lacking), np.bool_)
    for each in (x, y):
        if drop or each.numbers is not None:
            kept &= ~each.lacking
    x, y = _part(x, kept), _part(y, kept)
    for mine, other in ((x, y), (y, x)):
        if mine.codes is not None and other.numbers is not None:
            there = repeated(mine.codes)
            x, y = _part(x, there), _part(y, there)
    return Couple(x, y, neighbours, threads)


def _part(held: Held, kept: Any) -> Held:
    if kept.all():
        return held
    return replace(
        held, numbers=None if held.numbers is None else held.numbers[kept],
        codes=None if held.codes is None else held.codes[kept],
    )  # fmt: skip
