"""Divergences of rows of numbers that are not negative and need not sum to 1."""

from __future__ import annotations

from divtool.measures.declare import POSITIVES, Operand, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import generalized_kl_rows, itakura_saito_rows

REFERENCE = Operand(
    "p",
    "P",
    "The reference: rows of numbers that are not negative, taken as they are.",
    POSITIVES,
    example="examples/data/ink_a.npy",
)
MODEL = Operand(
    "q",
    "Q",
    "The rows compared with it: numbers that are not negative, taken as they are.",
    POSITIVES,
    example="examples/data/ink_b.npy",
)


@measure(
    "generalized-kl",
    title="Generalized Kullback-Leibler divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="D(p || q) = sum_k p_k log(p_k / q_k) - p_k + q_k",
    cite="Csiszar, I. (1991), Why Least Squares and Maximum Entropy?, Ann. Stat. 19(4) (the I-divergence)",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "zero-on-identical", "class-permutation"},
    direction="D(p || q)",
    promise=16,
    also=("i-divergence",),
)
def generalized_kullback_leibler(stored_p: Matrix, stored_q: Matrix) -> Rows:
    """Kullback-Leibler divergence of rows with any sums (the I-divergence): the mass that differs is counted too.

    ``stored_p``, ``stored_q`` (n, C) are numbers of at least 0, as they are. One number a row, in nats; KL(p || q)
    where both sides sum to 1.

    Edges: exactly 0 on identical rows; p = 0 counts q; p > 0 with q = 0 makes the row +inf; both 0 counts nothing.

    >>> import numpy as np
    >>> generalized_kullback_leibler(np.array([[0.0, 2.0]]), np.array([[3.0, 2.0]]))
    array([3.])
    """
    return generalized_kl_rows(stored_p, stored_q)


@measure(
    "itakura-saito",
    title="Itakura-Saito divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="D(p || q) = sum_k p_k / q_k - log(p_k / q_k) - 1",
    cite="Itakura, F. and Saito, S. (1968), Analysis Synthesis Telephony Based on the Maximum Likelihood Method, ICA 6",
    unit="1",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "zero-on-identical", "class-permutation"},
    direction="D(p || q)",
    promise=16,
)
def itakura_saito(stored_p: Matrix, stored_q: Matrix) -> Rows:
    """Itakura-Saito divergence of positive rows, such as power spectra: the same when both sides are scaled alike.

    ``stored_p``, ``stored_q`` (n, C) are numbers of at least 0, as they are. One number a row, without a unit: a ratio
    and a logarithm are added.

    Edges: exactly 0 on identical rows; a cell that is 0 on one side alone makes the row +inf; both 0 counts nothing.

    >>> import numpy as np
    >>> itakura_saito(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]])) + np.log(2)
    array([1.])
    """
    return itakura_saito_rows(stored_p, stored_q)
