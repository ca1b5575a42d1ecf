"""Similarities and distances of Cha's survey (2007) that are made of inner products."""

from __future__ import annotations

import numpy as np

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import sum_of_squares
from divtool.numerics.rowsum import row_sum

CHA = (
    "Cha, S.-H. (2007), Comprehensive Survey on Distance/Similarity Measures between Probability Density Functions, "
    "Int. J. Math. Models Methods Appl. Sci. 1(4)"
)
_ALIKE = {"non-negative", "symmetric", "class-permutation", "shift-invariant", "at-most-one"}


@measure(
    "inner-product",
    title="Inner product",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k p_k q_k",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_ALIKE,
    promise=16,
)
def inner_product(p: Matrix, q: Matrix) -> Rows:
    """Inner product of two distributions: the chance that a draw from each gives the same class.

    ``p``, ``q`` (n, C) sum to 1 in each row. One number a row, between 0 and 1.

    Edges: 0 where no class is shared; 1 only for equal one-hot rows, less for other identical ones.

    >>> import numpy as np
    >>> inner_product(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]]))
    array([0.5])
    """
    return np.asarray(np.minimum(row_sum(p * q), 1.0))


@measure(
    "kumar-hassebrook",
    title="Kumar-Hassebrook similarity",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k p_k q_k / (sum_k p_k^2 + sum_k q_k^2 - sum_k p_k q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_ALIKE,
    promise=16,
)
def kumar_hassebrook(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Similarity of Kumar and Hassebrook (peak to correlation energy; Tanimoto's index of vectors).

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 1 on identical rows; 0 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    >>> kumar_hassebrook(p, q, p - q)
    array([0.5])
    """
    shared = row_sum(p * q)
    return np.asarray(shared / (shared + sum_of_squares(delta)))


@measure(
    "jaccard",
    title="Jaccard distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / (sum_k p_k^2 + sum_k q_k^2 - sum_k p_k q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_ALIKE | {"zero-on-identical"},
    promise=16,
)
def jaccard(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Jaccard's distance of two vectors, 1 less the similarity of Kumar and Hassebrook.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1. (The weighted Jaccard distance of
    shares is soergel.)

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    >>> jaccard(p, q, p - q)
    array([0.5])
    """
    apart = sum_of_squares(delta)
    return np.asarray(apart / (apart + row_sum(p * q)))


@measure(
    "dice",
    title="Dice distance",
    family="Cha's survey",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / (sum_k p_k^2 + sum_k q_k^2)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_ALIKE | {"zero-on-identical"},
    promise=32,
)
def dice(p: Matrix, q: Matrix, delta: Matrix) -> Rows:
    """Dice's distance of two vectors: squared differences over the sum of squares.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> dice(p, q, p - q)
    array([1.])
    """
    apart = sum_of_squares(delta)
    return np.asarray(np.minimum(apart / row_sum(p * p + q * q), 1.0))
