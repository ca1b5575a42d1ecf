"""Divergences between a reference and a model."""

from __future__ import annotations

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import kl_rows


@measure(
    "kl",
    title="Kullback-Leibler divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="KL(p || q) = sum_k p_k log(p_k / q_k)",
    cite="Kullback, S. and Leibler, R. A. (1951), On Information and Sufficiency, Ann. Math. Stat. 22(1)",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "zero-on-identical", "class-permutation", "shift-invariant"},
    direction="KL(p || q)",
    common=True,
)
def kullback_leibler(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """Kullback-Leibler divergence of a model from a reference.

    Computed as sum p * (e^t - 1 - t) with t = log(q/p): every term is at least 0, so nothing cancels and near-equal
    rows keep every digit. ``p``, ``q``, ``t`` are the pair forms, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; a class with p > 0 and q = 0 makes the row +inf; p = 0 counts nothing; a logit
    of -inf on both sides counts nothing.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> kullback_leibler(p, q, np.log(q / p))
    array([0.14384104])
    """
    return kl_rows(p, q, t)
