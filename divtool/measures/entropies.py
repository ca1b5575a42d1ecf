"""Entropies of one distribution a row."""

from __future__ import annotations

from divtool.measures.declare import DISTRIBUTION, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.logspace import weighted_cost


@measure(
    "entropy",
    title="Shannon entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="H(p) = -sum_k p_k log p_k",
    cite="Shannon, C. E. (1948), A Mathematical Theory of Communication, Bell Syst. Tech. J. 27",
    bounds=(0.0, float("inf")),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes", "grows-with-temperature"},
    common=True,
)
def shannon_entropy(p: Matrix, surprisal_p: Matrix) -> Rows:
    """Shannon entropy of each row: how undecided the distribution is.

    ``p`` (n, C) sums to 1 in each row, ``surprisal_p`` (n, C) is -log p in nats. One number a row, in nats, between 0
    and log C.

    Edges: 0 log 0 = 0; a one-hot row has entropy 0 (not -0, not NaN). A table's rows are normalised.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> shannon_entropy(p, -np.log2(p))
    array([1.5])
    """
    return weighted_cost(p, surprisal_p)
