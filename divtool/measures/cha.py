"""What the other files leave of the survey of Cha (2007): distances and similarities under its names.

Zeros are exact: where the survey's tables divide by 0 the number is +inf, and nothing over nothing counts nothing.
"""

from __future__ import annotations

import numpy as np

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import shared_rows, total_variation_rows
from divtool.numerics.ratios import balance, triangular_rows
from divtool.numerics.rowsum import row_sum

INF = float("inf")
CHA = (
    "Cha, S.-H. (2007), Comprehensive Survey on Distance/Similarity Measures between Probability Density Functions, "
    "Int. J. Math. Models Methods Appl. Sci. 1(4)"
)
_ALIKE = {"non-negative", "symmetric", "class-permutation", "shift-invariant"}
_KEPT = _ALIKE | {"zero-on-identical"}
_METRIC = _KEPT | {"triangle-inequality"}


@measure(
    "sorensen",
    title="Sorensen distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k| / sum_k (p_k + q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
    also=("bray-curtis", "czekanowski"),
)
def sorensen(delta: Matrix) -> Rows:
    """Sorensen's distance (Bray-Curtis; Czekanowski's distance): of rows that sum to 1 the total variation.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> sorensen(np.array([[0.25, -0.25]]))
    array([0.25])
    """
    return total_variation_rows(delta)


@measure(
    "gower",
    title="Gower distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="1/C sum_k |p_k - q_k|",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
)
def gower(delta: Matrix) -> Rows:
    """Gower's distance: the mean absolute difference of a probability.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 2/C. Probabilities are not scaled by their range.

    Edges: exactly 0 on identical rows; classes that neither side has count in C.

    >>> import numpy as np
    >>> gower(np.array([[0.25, -0.25]]))
    array([0.25])
    """
    return np.asarray(2.0 * total_variation_rows(delta) / delta.shape[1])


@measure(
    "soergel",
    title="Soergel distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k| / sum_k max(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
    also=("tanimoto",),
)
def soergel(delta: Matrix) -> Rows:
    """Soergel's distance (Tanimoto's distance, and 1 less Ruzicka's similarity): 2 TV / (1 + TV).

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> soergel(np.array([[0.6, -0.6]]))
    array([0.75])
    """
    variation = total_variation_rows(delta)
    return np.asarray(2.0 * variation / (1.0 + variation))


@measure(
    "kulczynski-d",
    title="Kulczynski distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k| / sum_k min(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    promise=16,
)
def kulczynski_distance(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Kulczynski's distance: what differs over what is shared.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; +inf where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    >>> kulczynski_distance(p, q, p - q)
    array([2.])
    """
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(2.0 * total_variation_rows(delta) / shared_rows(p, q, delta))


@measure(
    "kulczynski-s",
    title="Kulczynski similarity",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k min(p_k, q_k) / sum_k |p_k - q_k|",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="higher",
    laws=_ALIKE,
    promise=16,
)
def kulczynski_similarity(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Kulczynski's similarity: what is shared over what differs, 1 over the distance.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row.

    Edges: +inf on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    >>> kulczynski_similarity(p, q, p - q)
    array([0.5])
    """
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(shared_rows(p, q, delta) / (2.0 * total_variation_rows(delta)))


@measure(
    "canberra",
    title="Canberra distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k| / (p_k + q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_METRIC,
    promise=16,
)
def canberra(t: Matrix) -> Rows:
    """Canberra distance: the sum of relative differences. Every class counts alike.

    ``t`` (n, C) is log(q/p). One number a row, between 0 and C.

    Edges: exactly 0 on identical rows; 1 for each class that only one side has, nothing for one that neither has.

    >>> import numpy as np
    >>> canberra(np.array([[-np.inf, 0.0, np.inf]]))
    array([2.])
    """
    return row_sum(np.abs(balance(t)))


@measure(
    "lorentzian",
    title="Lorentzian distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k log(1 + |p_k - q_k|)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_METRIC,
    promise=16,
)
def lorentzian(delta: Matrix) -> Rows:
    """Lorentzian distance: the sum of logarithms of 1 plus each absolute difference. Always the natural logarithm.

    ``delta`` (n, C) is p - q. One number a row, below 2.

    Edges: exactly 0 on identical rows; twice log 2 for two different one-hot rows.

    >>> import numpy as np
    >>> np.exp(lorentzian(np.array([[1.0, -1.0]])))
    array([4.])
    """
    return row_sum(np.log1p(np.abs(delta)))


@measure(
    "intersection",
    title="Intersection",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k min(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_ALIKE | {"at-most-one"},
    promise=16,
)
def intersection(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Intersection of two distributions, a similarity: 1 less the total variation (Czekanowski's similarity).

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 1 on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> intersection(p, q, p - q)
    array([0.25])
    """
    return shared_rows(p, q, delta)


@measure(
    "wave-hedges",
    title="Wave-Hedges distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k| / max(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_METRIC,
    promise=16,
)
def wave_hedges(t: Matrix) -> Rows:
    """Wave-Hedges distance: the sum of what each class lacks on its smaller side, relative to its larger.

    ``t`` (n, C) is log(q/p). One number a row, between 0 and C.

    Edges: exactly 0 on identical rows; 1 for each class that only one side has, nothing for one that neither has.

    >>> import numpy as np
    >>> wave_hedges(np.log([[0.5, 1.0, 4.0]]))
    array([1.25])
    """
    return row_sum(0.0 - np.expm1(0.0 - np.abs(t)))


@measure(
    "motyka",
    title="Motyka distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k max(p_k, q_k) / sum_k (p_k + q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.5, 1.0),
    better="lower",
    laws=_ALIKE | {"at-most-one", "triangle-inequality"},
    promise=16,
)
def motyka(delta: Matrix) -> Rows:
    """Motyka's distance, (1 + TV)/2: the larger sides' share of all. Motyka's similarity is 1 less it.

    ``delta`` (n, C) is p - q. One number a row, between 1/2 and 1.

    Edges: 1/2, not 0, on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> motyka(np.array([[0.5, -0.5]]))
    array([0.75])
    """
    return np.asarray((1.0 + total_variation_rows(delta)) / 2.0)


@measure(
    "ruzicka",
    title="Ruzicka similarity",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k min(p_k, q_k) / sum_k max(p_k, q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_ALIKE | {"at-most-one"},
    promise=16,
)
def ruzicka(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Ruzicka's similarity (weighted Jaccard index): what is shared over what either side has.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 1 on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.4, 0.6]])
    >>> ruzicka(p, q, p - q)
    array([0.25])
    """
    return np.asarray(shared_rows(p, q, delta) / (1.0 + total_variation_rows(delta)))


@measure(
    "harmonic-mean",
    title="Harmonic mean similarity",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="2 sum_k p_k q_k / (p_k + q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_ALIKE | {"at-most-one"},
    promise=16,
)
def harmonic_mean(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Harmonic mean similarity: the sum of the harmonic means of both sides, 1 less Le Cam's distance.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, between 0
    and 1.

    Edges: exactly 1 on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> harmonic_mean(p, q, np.log(q / p), p - q)
    array([0.64])
    """
    apart = triangular_rows(t, delta) / 2.0
    with np.errstate(over="ignore", under="ignore"):
        shared = row_sum(2.0 * np.minimum(p, q) / (1.0 + np.exp(0.0 - np.abs(t))))
    return np.where(apart < 0.5, 1.0 - apart, shared)


@measure(
    "average-l1-linf",
    title="Average of L1 and L-infinity",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="(sum_k |p_k - q_k| + max_k |p_k - q_k|) / 2",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.5),
    better="lower",
    laws=_METRIC,
    promise=16,
)
def average_l1_linf(delta: Matrix) -> Rows:
    """Mean of the L1 and the L-infinity distance.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1.5.

    Edges: exactly 0 on identical rows; 1.5 for two different one-hot rows.

    >>> import numpy as np
    >>> average_l1_linf(np.array([[0.5, -0.5]]))
    array([0.75])
    """
    return np.asarray(total_variation_rows(delta) + np.minimum(np.abs(delta).max(axis=1), 1.0) / 2.0)
