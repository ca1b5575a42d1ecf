"""Distances of two distributions as points: the lengths of their difference, and the angle between them."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import (
    cosine_distance_rows,
    cosine_rows,
    norm_rows,
    sum_of_squares,
    total_variation_rows,
)

INF = float("inf")
CHA = (
    "Cha, S.-H. (2007), Comprehensive Survey on Distance/Similarity Measures between Probability Density Functions, "
    "Int. J. Math. Models Methods Appl. Sci. 1(4)"
)
_KEPT = {"non-negative", "zero-on-identical", "symmetric", "class-permutation", "shift-invariant"}
_METRIC = _KEPT | {"triangle-inequality"}


@measure(
    "tv",
    title="Total variation distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="TV = 1/2 sum_k |p_k - q_k|",
    cite="Levin, D. A., Peres, Y. and Wilmer, E. L. (2009), Markov Chains and Mixing Times, AMS, section 4.1",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    common=True,
    promise=16,
    also=("total-variation",),
)
def total_variation(delta: Matrix) -> Rows:
    """Total variation distance: the most by which the probability of any event differs. Half of l1.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared; a class that neither side has counts nothing.

    >>> import numpy as np
    >>> total_variation(np.array([[0.25, -0.25, 0.0]]))
    array([0.25])
    """
    return total_variation_rows(delta)


@measure(
    "l1",
    title="L1 distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="sum_k |p_k - q_k|",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_METRIC,
    promise=16,
    also=("manhattan", "cityblock"),
)
def l1_distance(delta: Matrix) -> Rows:
    """L1 distance (Manhattan, city block): the sum of absolute differences, twice the total variation.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 2.

    Edges: exactly 0 on identical rows; 2 where no class is shared.

    >>> import numpy as np
    >>> l1_distance(np.array([[0.25, -0.25, 0.0]]))
    array([0.5])
    """
    return np.asarray(2.0 * total_variation_rows(delta))


@measure(
    "l2",
    title="L2 distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="sqrt(sum_k (p_k - q_k)^2)",
    cite=CHA,
    unit="1",
    bounds=(0.0, math.sqrt(2.0) * (1.0 + 2.0**-52)),
    better="lower",
    laws=_METRIC,
    promise=16,
    also=("euclidean",),
)
def l2_distance(delta: Matrix) -> Rows:
    """Euclidean distance: the root of the sum of squared differences.

    ``delta`` (n, C) is p - q. One number a row, between 0 and the root of 2.

    Edges: exactly 0 on identical rows; the root of 2 for two different one-hot rows; differences whose squares would
    underflow keep their digits.

    >>> import numpy as np
    >>> l2_distance(np.array([[3e-200, -4e-200]]))
    array([5.e-200])
    """
    return norm_rows(delta)


@measure(
    "squared-l2",
    title="Squared L2 distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0 * (1.0 + 2.0**-52)),
    better="lower",
    laws=_KEPT,
    promise=32,
)
def squared_l2_distance(delta: Matrix) -> Rows:
    """Squared Euclidean distance: the sum of squared differences (the Brier score of a soft truth).

    ``delta`` (n, C) is p - q. One number a row, between 0 and 2.

    Edges: exactly 0 on identical rows; 2 for two different one-hot rows.

    >>> import numpy as np
    >>> squared_l2_distance(np.array([[0.25, -0.25]]))
    array([0.125])
    """
    return sum_of_squares(delta)


@measure(
    "linf",
    title="L-infinity distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="max_k |p_k - q_k|",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
    also=("chebyshev",),
)
def linf_distance(delta: Matrix) -> Rows:
    """Chebyshev distance: the largest difference of any one probability.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 for two different one-hot rows.

    >>> import numpy as np
    >>> linf_distance(np.array([[0.25, -0.5, 0.25]]))
    array([0.5])
    """
    return np.asarray(np.minimum(np.abs(delta).max(axis=1), 1.0))


@measure(
    "minkowski",
    title="Minkowski distance",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="(sum_k |p_k - q_k|^r)^(1/r), r: the order",
    cite=CHA,
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_METRIC,
    promise=16,
)
def minkowski_distance(
    delta: Matrix, *, order: Annotated[float, "The order r, from 1 (l1) over 2 (l2) to inf (linf)."] = 3.0
) -> Rows:
    """Minkowski distance of an order: l1 at 1, l2 at 2, linf at inf.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 2^(1/r).

    Edges: exactly 0 on identical rows; 2^(1/r) for two different one-hot rows. An order below 1 is refused: it gives no
    distance.

    >>> import numpy as np
    >>> minkowski_distance(np.array([[3.0, 4.0, -5.0]]) / 8)
    array([0.75])
    """
    if not order >= 1.0:
        raise UsageError(f"--order {order:g}: expected a number of at least 1, or inf")
    if order == INF:
        return linf_distance(delta)
    return l1_distance(delta) if order == 1.0 else norm_rows(delta, order)


@measure(
    "cosine",
    title="Cosine similarity of two distributions",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="sum_k p_k q_k / (|p| |q|)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws={"non-negative", "symmetric", "class-permutation", "shift-invariant", "at-most-one"},
    promise=16,
    common=True,
)
def cosine(p: Matrix, q: Matrix) -> Rows:
    """Cosine of the angle between two distributions, a similarity.

    ``p``, ``q`` (n, C) sum to 1 in each row. One number a row, between 0 and 1.

    Edges: exactly 1 on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> cosine(np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]]))
    array([0.6])
    """
    return cosine_rows(p, q)


@measure(
    "cosine-distance",
    title="Cosine distance of two distributions",
    family="distances",
    operands=(REFERENCE, MODEL),
    formula="1 - sum_k p_k q_k / (|p| |q|)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_KEPT | {"at-most-one"},
    promise=32,
)
def cosine_distance(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Cosine distance, 1 less the cosine, with every digit where both sides are nearly the same.

    Half the squared distance of p / |p| and q / |q|. ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row,
    between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]])
    >>> cosine_distance(p, q, p - q)
    array([0.4])
    """
    return cosine_distance_rows(p, q, delta)
