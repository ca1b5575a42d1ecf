"""Distances of the roots of two distributions: Hellinger, Bhattacharyya, and their names in Cha's survey."""

from __future__ import annotations

import math

import numpy as np

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.alpha import log_affinity_rows, order
from divtool.numerics.geometry import squared_hellinger_rows
from divtool.numerics.rowsum import row_sum

INF = float("inf")
CHA = (
    "Cha, S.-H. (2007), Comprehensive Survey on Distance/Similarity Measures between Probability Density Functions, "
    "Int. J. Math. Models Methods Appl. Sci. 1(4)"
)
BHATTACHARYYA = (
    "Bhattacharyya, A. (1943), On a Measure of Divergence between Two Statistical Populations, "
    "Bull. Calcutta Math. Soc. 35"
)
HELLINGER = "Hellinger, E. (1909), Neue Begruendung der Theorie quadratischer Formen, J. Reine Angew. Math. 136"
_KEPT = {"non-negative", "zero-on-identical", "symmetric", "class-permutation", "shift-invariant"}
_METRIC = _KEPT | {"triangle-inequality"}


@measure(
    "squared-hellinger",
    title="Squared Hellinger distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="H^2 = 1/2 sum_k (sqrt p_k - sqrt q_k)^2 = 1 - sum_k sqrt(p_k q_k)",
    cite=HELLINGER,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_KEPT | {"at-most-one"},
    promise=32,
)
def squared_hellinger(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Squared Hellinger distance: half the squared distance of the roots.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> squared_hellinger(p, q, p - q)
    array([0.5])
    """
    return squared_hellinger_rows(p, q, delta)


@measure(
    "hellinger",
    title="Hellinger distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="H = sqrt(1 - sum_k sqrt(p_k q_k))",
    cite=HELLINGER,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
    common=True,
    also=("hellinger-distance",),
)
def hellinger(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Hellinger distance, at most 1 (some tools print twice this number, or its product with the root of 2: matusita).

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> hellinger(p, q, p - q)
    array([1.])
    """
    return np.asarray(np.sqrt(squared_hellinger_rows(p, q, delta)))


@measure(
    "squared-chord",
    title="Squared chord distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="sum_k (sqrt p_k - sqrt q_k)^2",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_KEPT,
    promise=32,
)
def squared_chord(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Squared chord distance: the squared distance of the roots, twice the squared Hellinger distance.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 2.

    Edges: exactly 0 on identical rows; 2 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> squared_chord(p, q, p - q)
    array([1.])
    """
    return np.asarray(2.0 * squared_hellinger_rows(p, q, delta))


@measure(
    "matusita",
    title="Matusita distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="sqrt(sum_k (sqrt p_k - sqrt q_k)^2)",
    cite="Matusita, K. (1955), Decision Rules, Based on the Distance, for Problems of Fit, Two Samples, and "
    "Estimation, Ann. Math. Stat. 26(4)",
    unit="1",
    bounds=(0.0, math.sqrt(2.0)),
    better="lower",
    laws=_METRIC,
    promise=16,
)
def matusita(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Matusita's distance: the distance of the roots, the Hellinger distance times the root of 2.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and the root of 2.

    Edges: exactly 0 on identical rows; the root of 2 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> matusita(p, q, p - q)
    array([1.])
    """
    return np.asarray(np.sqrt(2.0 * squared_hellinger_rows(p, q, delta)))


@measure(
    "bhattacharyya",
    title="Bhattacharyya distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="-log sum_k sqrt(p_k q_k)",
    cite=BHATTACHARYYA,
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    promise=32,
)
def bhattacharyya(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Bhattacharyya distance: -log of the coefficient; half the Renyi divergence of order 1/2.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; +inf where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> np.exp(bhattacharyya(p, q, np.array([[np.log(0.25), np.inf]]), p - q))
    array([2.])
    """
    return np.asarray(0.0 - log_affinity_rows(p, q, t, delta, order(0.5)))


@measure(
    "bhattacharyya-coefficient",
    title="Bhattacharyya coefficient",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="BC = sum_k sqrt(p_k q_k)",
    cite=BHATTACHARYYA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws={"non-negative", "symmetric", "class-permutation", "shift-invariant", "at-most-one"},
    promise=16,
    also=("fidelity", "affinity"),
)
def bhattacharyya_coefficient(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Bhattacharyya coefficient (Cha's fidelity): the cosine of the roots, a similarity.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 1 on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> bhattacharyya_coefficient(p, q, p - q)
    array([0.5])
    """
    apart = squared_hellinger_rows(p, q, delta)
    return np.where(apart < 0.5, 1.0 - apart, row_sum(np.sqrt(p) * np.sqrt(q)))
