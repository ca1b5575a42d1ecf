"""Hypothesis strategies: logits of every magnitude with ties, masks and near-certain classes, and samples of them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from divtool.measures.laws import Sample

Matrix = npt.NDArray[np.float64]

# From subnormal to nearly the largest double; between 700 and 1e300 a softmax is one-hot.
SCALES = (5e-324, 1e-310, 1e-300, 1e-8, 1e-3, 1.0, 30.0, 700.0, 1e5, 1e300)
# Of 16 bits, so that no value lies where adding 2**20 to a logit is inexact but not without effect.
_FACTOR = st.floats(-1.0, 1.0, width=16)


def _row(classes: int) -> st.SearchStrategy[list[float]]:
    return st.one_of(
        st.tuples(st.sampled_from(SCALES), st.lists(_FACTOR, min_size=classes, max_size=classes)).map(
            lambda drawn: [drawn[0] * factor for factor in drawn[1]]
        ),
        st.lists(st.sampled_from([-1.0, 0.0, 2.5]), min_size=classes, max_size=classes),
        st.integers(0, classes - 1).map(lambda hot: [800.0 if k == hot else 0.0 for k in range(classes)]),
    )


@st.composite
def logits(draw: st.DrawFn, rows: int, classes: int, *, masks: bool = True) -> Matrix:
    """(rows, classes) logits: any magnitude a row, ties, near one-hot rows, and with ``masks`` some -inf; in each row
    at least one logit is finite."""
    matrix = np.array([draw(_row(classes)) for _ in range(rows)])
    if masks and draw(st.booleans()):
        hidden = np.array(draw(st.lists(st.lists(st.booleans(), min_size=classes, max_size=classes),
                                        min_size=rows, max_size=rows)))  # fmt: skip
        hidden[np.arange(rows), draw(st.integers(0, classes - 1))] = False
        matrix[hidden] = -math.inf
    matrix.flags.writeable = False
    return matrix


@st.composite
def samples(draw: st.DrawFn, *, masks: bool = True) -> Sample:
    """A reference, a model that may be equal or near to it, and labels."""
    rows, classes = draw(st.integers(1, 4)), draw(st.integers(2, 9))
    p = draw(logits(rows, classes, masks=masks))
    q = draw(st.one_of(logits(rows, classes, masks=masks), st.just(p), _near(p)))
    labels = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)), dtype=np.int64)
    return Sample(p, q, labels)


def _near(p: Matrix) -> st.SearchStrategy[Matrix]:
    def moved(steps: list[float]) -> Matrix:
        with np.errstate(over="ignore"):
            away = p * (1.0 + np.resize(steps, p.shape))
        return np.where(np.isinf(away), p, away)

    return st.lists(st.sampled_from([0.0, 1e-15, -1e-9, 1e-4]), min_size=1, max_size=5).map(moved)


def chunkings(rows: int) -> st.SearchStrategy[list[int]]:
    """Ways to cut ``rows`` rows into pieces, some of them empty: the sizes, which sum to ``rows``."""
    cuts = st.lists(st.integers(0, rows), max_size=6).map(sorted)
    return cuts.map(lambda inner: [b - a for a, b in zip([0, *inner], [*inner, rows], strict=True)])
