"""Divergences between a reference and a model."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import generalized_kl_rows, kl_rows
from divtool.numerics.jensen import arithmetic_geometric_rows, jeffreys_rows, skew_kl_rows
from divtool.numerics.logspace import weighted_cost

INF = float("inf")
_KEPT = {"non-negative", "zero-on-identical", "class-permutation", "shift-invariant"}


def kl_at_once(kl_of_pair: Rows) -> Rows:
    """KL(p || q) by the kernel that reads the stored rows."""
    return kl_of_pair


def kl_of_any_rows(stored_p: Matrix, stored_q: Matrix) -> Rows:
    """The divergence of rows of any sum: sum p log(p/q) - p + q, which is the usual one where the sums are 1."""
    return generalized_kl_rows(stored_p, stored_q)


def kl_word_for_word(p: Matrix, t: Matrix) -> Rows:
    """sum p log(p/q) as it stands, for rows that need not sum to 1."""
    return weighted_cost(p, -t)


@measure(
    "kl",
    title="Kullback-Leibler divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="KL(p || q) = sum_k p_k log(p_k / q_k)",
    cite="Kullback, S. and Leibler, R. A. (1951), On Information and Sufficiency, Ann. Math. Stat. 22(1)",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="KL(p || q)",
    common=True,
    promise=32,
    shortcut=kl_at_once,
    plain=kl_word_for_word,
    loose=kl_of_any_rows,
    also=("relative-entropy", "kld", "kl-div", "kullback-leibler", "kldiv", "rel-entr"),
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


@measure(
    "jeffreys",
    title="Jeffreys divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="J = KL(p || q) + KL(q || p) = sum_k (p_k - q_k) log(p_k / q_k)",
    cite="Jeffreys, H. (1946), An Invariant Form for the Prior Probability in Estimation Problems, Proc. R. Soc. A 186",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT | {"symmetric"},
    promise=32,
    common=True,
    also=("psi", "population-stability-index"),
    clipped=True,
)
def jeffreys(t: Matrix, delta: Matrix) -> Rows:
    """Jeffreys divergence, the sum of both directions of KL; the population stability index (PSI) of two histograms.

    ``t`` = log(q/p), ``delta`` = p - q, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing. The sum is not halved.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> jeffreys(np.log(q / p), p - q) / np.log(3)
    array([0.25])
    """
    return jeffreys_rows(t, delta)


@measure(
    "skew-kl",
    title="Skewed Kullback-Leibler divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="KL(p || (1 - a) p + a q), a: the skew",
    cite="Lee, L. (2001), On the Effectiveness of the Skew Divergence for Statistical Language Analysis, AISTATS",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="KL(p || (1 - a) p + a q)",
    promise=32,
)
def skewed_kullback_leibler(
    p: Matrix, q: Matrix, t: Matrix, *, skew: Annotated[float, "The model's share a of the mixture, 0 to 1."] = 0.99
) -> Rows:
    """Kullback-Leibler divergence from the reference to a mixture with it: finite where the model misses a class.

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row, in nats, at most -log(1 - a).

    Edges: exactly 0 on identical rows; p = 0 counts nothing; +inf only for a skew of 1, which is KL(p || q).

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> np.exp(skewed_kullback_leibler(p, q, np.array([[-np.inf, np.inf]]), skew=0.75))
    array([4.])
    """
    if not 0.0 <= skew <= 1.0:
        raise UsageError(f"--skew {skew:g}: expected a share of 0 to 1")
    return skew_kl_rows(p, q, t, skew)


@measure(
    "k-divergence",
    title="K divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="K = KL(p || (p + q)/2)",
    cite="Lin, J. (1991), Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37(1)",
    bounds=(0.0, float(np.log(2.0))),
    better="lower",
    laws=_KEPT | {"at-most-log-classes", "at-most-one"},
    direction="KL(p || (p + q)/2)",
    promise=32,
)
def k_divergence(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """K divergence: the Kullback-Leibler divergence from the reference to the mean of both sides.

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row, in nats, at most log 2.

    Edges: exactly 0 on identical rows; log 2 where no class is shared; never infinite.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> np.exp(k_divergence(p, q, np.array([[-np.inf, np.inf]])))
    array([2.])
    """
    return np.asarray(np.minimum(skew_kl_rows(p, q, t, 0.5), np.log(2.0)))


@measure(
    "taneja",
    title="Taneja divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="T = sum_k m_k log(m_k / sqrt(p_k q_k)), m = (p + q)/2",
    cite="Taneja, I. J. (1995), New Developments in Generalized Information Measures, Adv. Imaging Electron Phys. 91",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT | {"symmetric"},
    promise=32,
)
def taneja(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """Taneja's divergence, of the arithmetic mean of both sides from their geometric mean.

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing.

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> np.exp(taneja(p, q, np.log(q / p)))
    array([1.25])
    """
    return arithmetic_geometric_rows(p, q, t)
