"""Classes that are no classes: columns that pad a vocabulary, and rows that stand for missing ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from divtool.formats.source import Stored
from divtool.meaning.kinds import Kind
from divtool.numerics.logspace import softmax, spread_of_logits


def mass_beyond(kind: Kind, matrix: Stored, width: int) -> npt.NDArray[np.float64]:
    """The share of each row's mass that its columns from ``width`` on have.

    >>> mass_beyond(Kind("probs", ""), np.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]]), 2).tolist()
    [0.25, 0.0]
    """
    x = matrix.astype(np.float64)
    if kind.name in ("logits", "log-probs"):
        x = softmax(spread_of_logits(x, 1.0))
    total = x.sum(axis=1)
    share: npt.NDArray[np.float64] = x[:, width:].sum(axis=1) / np.where(total == 0.0, 1.0, total)
    return share


def filled(kind: Kind, matrix: Stored, missing: npt.NDArray[np.bool_] | None, *, single: bool) -> Stored:
    """The matrix with numbers that break no rule of its kind in the rows that are to be left out."""
    if missing is None:
        return matrix
    rows = np.array(matrix)
    rows[missing] = -np.inf if kind.name == "log-probs" and not single else 0
    rows[missing, 0] = 0 if kind.name == "log-probs" else 1
    return rows
