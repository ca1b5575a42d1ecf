"""What is known of the rows scored so far: it starts empty and merges, whoever scored them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from divtool.accumulators.bundle import RowStatistics
from divtool.accumulators.grouped import Grouped
from divtool.accumulators.paired import Paired
from divtool.engine.plan import Plan
from divtool.engine.twins import MOST_ROWS, Hashes
from divtool.formats.keys import Keys
from divtool.meaning.labels import Codes

# So many rows are named where many are meant.
FIRST = 3


@dataclass
class RowBatch:
    """Per-row output of a chunk: row numbers, ids, class numbers, and a column of values for each measure."""

    rows: npt.NDArray[np.int64]
    ids: Keys | None
    codes: Codes | None
    values: npt.NDArray[np.float64]


@dataclass
class State:
    """What is known of the rows scored so far. Starts empty, merges.

    ``statistics`` and ``dropped`` are those of each measure, ``groups`` for each way of grouping those of each measure
    over each group, ``paired`` what compares columns of measures row by row.
    """

    statistics: tuple[RowStatistics, ...]
    rows: int = 0
    ignored: int = 0
    dropped: list[int] = field(default_factory=list)
    normalized: int = 0
    rounded: int = 0
    missing: int = 0
    first_missing: list[int] = field(default_factory=list)
    beyond: dict[str, tuple[float, int]] = field(default_factory=dict)
    groups: tuple[tuple[Grouped, ...], ...] = ()
    paired: tuple[Paired, ...] = ()
    batches: list[RowBatch] = field(default_factory=list)
    ids: list[Hashes] = field(default_factory=list)

    @classmethod
    def empty(cls, plan: Plan) -> State:
        """Nothing scored yet."""
        measures = [asked for asked in plan.asked if not asked.declared.is_transform]
        return cls(
            tuple(RowStatistics(plan.worst, budget=plan.exact_rows) for _ in measures), dropped=[0] * len(measures),
            groups=tuple(tuple(Grouped(by.name) for _ in measures) for by in plan.by),
            paired=tuple(Paired(len(places)) for places in plan.paired),
        )  # fmt: skip

    def merge(self, other: State) -> None:
        """Take what a later part has kept; its rows of output are taken elsewhere, in order."""
        for mine, theirs in zip(self.statistics, other.statistics, strict=True):
            mine.merge(theirs)
        for own, others in zip(self.groups, other.groups, strict=True):
            for group, more in zip(own, others, strict=True):
                group.merge(more)
        for pairs, more_pairs in zip(self.paired, other.paired, strict=True):
            pairs.merge(more_pairs)
        self.rows += other.rows
        self.ignored += other.ignored
        self.dropped = [mine + theirs for mine, theirs in zip(self.dropped, other.dropped, strict=True)]
        self.normalized += other.normalized
        self.rounded += other.rounded
        self.missing += other.missing
        self.first_missing = (self.first_missing + other.first_missing)[:FIRST]
        for path, found in other.beyond.items():
            # The greatest, and of equals the first row: no order of merging changes it.
            self.beyond[path] = max(self.beyond.get(path, found), found)
        if self.rows <= MOST_ROWS:
            self.ids += other.ids
        else:
            self.ids = []
