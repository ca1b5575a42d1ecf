"""Kinds of content that are known cell by cell, without a rule for the row: counts, answers, plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.formats.source import Stored


@dataclass(frozen=True)
class Cells:
    """What a cell may be: within ``low`` and ``high``, finite, ``whole`` if so; ``expected`` says it."""

    low: float
    high: float
    whole: bool
    expected: str

    def refused(self, matrix: Stored) -> npt.NDArray[np.bool_]:
        """The cells that may not be (n, C)."""
        x = matrix.astype(np.float64)
        bad = ~((x >= self.low) & (x <= self.high)) | np.isinf(x)
        return bad | (x != np.round(x)) if self.whole else bad


_INF = float("inf")
CELLS = {
    "counts": Cells(0.0, _INF, True, "whole numbers from 0"),
    "chances": Cells(0.0, 1.0, False, "a probability from 0 to 1"),
    "values": Cells(-_INF, _INF, False, "a finite number"),
    "positives": Cells(0.0, _INF, False, "a finite number, not below 0"),
    "signs": Cells(-1.0, 1.0, True, "1 (alike) or -1 (not alike)"),
}


def first_refused(kind: str, matrix: Stored) -> tuple[int, int] | None:
    """Row and column of the first cell that may not be.

    >>> first_refused("counts", np.array([[1.0, 2.0], [0.5, 3.0]]))
    (1, 0)
    """
    bad = CELLS[kind].refused(matrix)
    if kind == "signs":
        bad |= matrix == 0
    if not bad.any():
        return None
    row, column = np.argwhere(bad)[0].tolist()
    return row, column


def looks_like_answers(sample: npt.NDArray[np.float64]) -> bool:
    """Whether every number of a sample can be the probability of a yes."""
    return bool(((sample >= 0.0) & (sample <= 1.0)).all())
