"""The Vicissitude distances of Cha's survey (2007): differences over the smaller or the larger side of each class."""

from __future__ import annotations

import numpy as np

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import excess_odds
from divtool.numerics.ratios import larger_over_rows, smaller_over_rows
from divtool.numerics.rowsum import row_sum

INF = float("inf")
CHA = (
    "Cha, S.-H. (2007), Comprehensive Survey on Distance/Similarity Measures between Probability Density Functions, "
    "Int. J. Math. Models Methods Appl. Sci. 1(4)"
)
_KEPT = {"non-negative", "zero-on-identical", "symmetric", "class-permutation", "shift-invariant"}


@measure(
    "vicis-wave-hedges",
    title="Vicis-Wave Hedges distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k| / min(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    promise=1024,
)
def vicis_wave_hedges(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """Vicis-Wave Hedges distance: the sum of absolute differences relative to the smaller side.

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> vicis_wave_hedges(p, q, np.log(q / p))
    array([6.])
    """
    return row_sum(excess_odds(p, q, t))


@measure(
    "vicis-symmetric-chi2-1",
    title="Vicis symmetric chi-square 1",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / min(p_k, q_k)^2",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    promise=32,
)
def vicis_symmetric_chi2_1(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """First Vicis symmetric chi-square: squared differences relative to the smaller side, squared.

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing.

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> vicis_symmetric_chi2_1(p, q, np.log(q / p))
    array([18.])
    """
    with np.errstate(over="ignore", under="ignore"):
        excess = excess_odds(p, q, t)
        return row_sum(excess * excess)


@measure(
    "vicis-symmetric-chi2-2",
    title="Vicis symmetric chi-square 2",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / min(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    promise=1024,
)
def vicis_symmetric_chi2_2(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Second Vicis symmetric chi-square: squared differences over the smaller side.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> vicis_symmetric_chi2_2(p, q, np.log(q / p), p - q)
    array([0.375])
    """
    return smaller_over_rows(p, q, t, delta)


@measure(
    "vicis-symmetric-chi2-3",
    title="Vicis symmetric chi-square 3",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / max(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_KEPT,
    promise=16,
)
def vicis_symmetric_chi2_3(t: Matrix, delta: Matrix) -> Rows:
    """Third Vicis symmetric chi-square: squared differences over the larger side.

    ``t`` = log(q/p), ``delta`` = p - q, (n, C) each. One number a row, between 0 and 2.

    Edges: exactly 0 on identical rows; 2 where no class is shared; a class that neither side has counts nothing.

    >>> import numpy as np
    >>> vicis_symmetric_chi2_3(np.array([[-np.inf, np.inf]]), np.array([[1.0, -1.0]]))
    array([2.])
    """
    return larger_over_rows(t, delta)
