"""Entropies of one distribution a row, and what else says how sure a model is."""

from __future__ import annotations

import math

import numpy as np

from divtool.measures.declare import DISTRIBUTION, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import kl_rows
from divtool.numerics.logspace import weighted_cost
from divtool.numerics.rowentropy import (
    effective_classes,
    extropy_rows,
    residual_entropy_rows,
    varentropy_rows,
)

_INF = float("inf")


def entropy_at_once(entropy_of_p: Rows) -> Rows:
    """The entropy by the kernel that reads the stored rows."""
    return entropy_of_p


@measure(
    "entropy",
    title="Shannon entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="H(p) = -sum_k p_k log p_k",
    cite="Shannon, C. E. (1948), A Mathematical Theory of Communication, Bell Syst. Tech. J. 27",
    bounds=(0.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes", "grows-with-temperature"},
    common=True,
    promise=16,
    shortcut=entropy_at_once,
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


@measure(
    "normalized-entropy",
    title="Normalized entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="H(p) / log C",
    cite="Pielou, E. C. (1966), The Measurement of Diversity, J. Theor. Biol. 13 (evenness); Shannon (1948)",
    unit="1",
    bounds=(0.0, 1.0),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-one", "grows-with-temperature"},
    promise=16,
    also=("evenness", "efficiency"),
)
def normalized_entropy(p: Matrix, surprisal_p: Matrix) -> Rows:
    """Entropy of each row over the largest that its number of classes allows: from 0 (certain) to 1 (uniform).

    ``p``, ``surprisal_p`` (n, C). One number a row, the same in every base.

    Edges: 0 log 0 = 0; a row of one class gives 0.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5, 0.0, 0.0]])
    >>> normalized_entropy(p, np.array([[np.log(2), np.log(2), np.inf, np.inf]]))
    array([0.5])
    """
    return weighted_cost(p, surprisal_p) / _log_classes(p)


def _log_classes(p: Matrix) -> float:
    """log C; 1 for one class, where what is divided by it is 0."""
    return math.log(p.shape[1]) if p.shape[1] > 1 else 1.0


def _lacks(p: Matrix, uniform: Matrix) -> Rows:
    return kl_rows(p, np.full_like(p, 1.0 / max(p.shape[1], 1)), uniform)


@measure(
    "kl-to-uniform",
    title="Divergence from the uniform distribution",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="KL(p || uniform) = log C - H(p)",
    cite="Kullback, S. and Leibler, R. A. (1951), On Information and Sufficiency, Ann. Math. Stat. 22(1)",
    bounds=(0.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes"},
    promise=32,
    also=("negentropy",),
)
def kl_to_uniform(p: Matrix, uniform_p: Matrix) -> Rows:
    """Kullback-Leibler divergence of each row from the uniform distribution: what its entropy lacks of log C.

    Not computed as that difference, so nearly uniform rows keep every digit. ``p`` (n, C), ``uniform_p`` (n, C) is
    log(1 / (C p)). One number a row, in nats, from 0 to log C.

    Edges: exactly 0 on a uniform row and on a row of one class; 0 log 0 = 0; log C on a one-hot row.

    >>> import numpy as np
    >>> p = np.array([[1.0, 0.0]])
    >>> kl_to_uniform(p, np.array([[-np.log(2), np.inf]])) / np.log(2)
    array([1.])
    """
    return _lacks(p, uniform_p)


@measure(
    "redundancy",
    title="Redundancy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="1 - H(p) / log C = KL(p || uniform) / log C",
    cite="Shannon, C. E. (1948), A Mathematical Theory of Communication, Bell Syst. Tech. J. 27",
    unit="1",
    bounds=(0.0, 1.0),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-one"},
    promise=32,
)
def redundancy(p: Matrix, uniform_p: Matrix) -> Rows:
    """Redundancy of each row: which part of the largest entropy it lacks, from 0 (uniform) to 1 (certain).

    ``p`` (n, C), ``uniform_p`` (n, C) is log(1 / (C p)). One number a row, the same in every base; nearly uniform rows
    keep every digit.

    Edges: exactly 0 on a uniform row and on a row of one class; 0 log 0 = 0; 1 on a one-hot row.

    >>> import numpy as np
    >>> redundancy(np.array([[1.0, 0.0]]), np.array([[-np.log(2), np.inf]]))
    array([1.])
    """
    return _lacks(p, uniform_p) / _log_classes(p)


@measure(
    "entropy-perplexity",
    title="Perplexity of the distribution",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="exp(H(p))",
    cite="Jelinek, F. et al. (1977), Perplexity, J. Acoust. Soc. Am. 62; Hill, M. O. (1973), Ecology 54",
    unit="1",
    bounds=(1.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant", "grows-with-temperature"},
    promise=32,
)
def entropy_perplexity(p: Matrix, surprisal_p: Matrix, uniform_p: Matrix) -> Rows:
    """Exponential of each row's entropy: how many equally likely classes would be as undecided.

    Of each row alone, with an arithmetic mean over rows; the perplexity of a model against labels is ``perplexity``.
    ``p``, ``surprisal_p``, ``uniform_p`` (n, C). One number a row, from 1 to C, the same in every base.

    Edges: 0 log 0 = 0; 1 on a one-hot row, C on a uniform one.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5, 0.0]])
    >>> entropy_perplexity(p, np.array([[np.log(2)] * 2 + [np.inf]]), np.array([[np.log(2 / 3)] * 2 + [np.inf]]))
    array([2.])
    """
    entropy = weighted_cost(p, surprisal_p)
    return effective_classes(entropy, 0.0 - weighted_cost(p, uniform_p), p.shape[1])


@measure(
    "min-entropy",
    title="Min-entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="-log max_k p_k",
    cite="Renyi, A. (1961), On Measures of Entropy and Information, Proc. 4th Berkeley Symp. 1",
    bounds=(0.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes", "grows-with-temperature"},
    promise=16,
)
def min_entropy(surprisal_p: Matrix) -> Rows:
    """Surprisal of each row's most probable class: the Renyi entropy of order inf.

    ``surprisal_p`` (n, C) is -log p in nats. One number a row, in nats, between 0 and log C.

    Edges: 0 on a one-hot row; a nearly certain row keeps every digit.

    >>> import numpy as np
    >>> min_entropy(-np.log2(np.array([[0.5, 0.25, 0.25]])))
    array([1.])
    """
    return np.asarray(surprisal_p.min(axis=1))


@measure(
    "gini-simpson",
    title="Gini-Simpson index",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="1 - sum_k p_k^2 = sum_k p_k (1 - p_k)",
    cite="Simpson, E. H. (1949), Measurement of Diversity, Nature 163; Gini, C. (1912), Variabilita e mutabilita",
    unit="1",
    bounds=(0.0, 1.0),
    laws={
        "non-negative", "class-permutation", "shift-invariant", "at-most-one", "at-most-log-classes",
        "grows-with-temperature",
    },
    promise=16,
    also=("gini-impurity",),
)  # fmt: skip
def gini_simpson(p: Matrix, complement_p: Matrix) -> Rows:
    """Probability that two draws from a row's distribution differ (the Gini impurity).

    ``p`` (n, C) and ``complement_p`` (n, C), which is 1 - p. One number a row, from 0 to 1 - 1/C.

    Edges: 0 on a one-hot row; a nearly certain row keeps every digit.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> gini_simpson(p, 1 - p)
    array([0.625])
    """
    return weighted_cost(p, complement_p)


@measure(
    "extropy",
    title="Extropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="-sum_k (1 - p_k) log(1 - p_k)",
    cite="Lad, F., Sanfilippo, G. and Agro, G. (2015), Extropy: Complementary Dual of Entropy, Statist. Sci. 30(1)",
    bounds=(0.0, 1.0),
    laws={
        "non-negative", "class-permutation", "shift-invariant", "at-most-one", "at-most-log-classes",
        "grows-with-temperature",
    },
    promise=16,
)  # fmt: skip
def extropy(p: Matrix, complement_p: Matrix) -> Rows:
    """Extropy of each row, the dual of its entropy: the same for two classes, less than 1 nat for any number.

    ``p`` (n, C) and ``complement_p`` (n, C), which is 1 - p. One number a row, in nats.

    Edges: 0 log 0 = 0, so a one-hot row gives 0.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5]])
    >>> extropy(p, 1 - p) / np.log(2)
    array([1.])
    """
    return extropy_rows(p, complement_p)


@measure(
    "varentropy",
    title="Varentropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="V(p) = sum_k p_k (log p_k + H(p))^2   (nats squared)",
    cite="Kontoyiannis, I. and Verdu, S. (2014), Optimal Lossless Data Compression: Non-Asymptotics and Asymptotics,"
    " IEEE Trans. Inf. Theory 60(2)",
    unit="nats^2",
    bounds=(0.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant"},
    promise=32,
)
def varentropy(p: Matrix, gap_p: Matrix) -> Rows:
    """Variance of the surprisal of each row: how unevenly its classes inform.

    ``p`` (n, C), ``gap_p`` (n, C) is log(max p / p). One number a row, in nats squared whatever the base.

    Edges: an impossible class counts nothing; exactly 0 where all possible classes are equally likely.

    >>> import numpy as np
    >>> varentropy(np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 0.0, np.inf]]))
    array([0.])
    """
    return varentropy_rows(p, gap_p)


@measure(
    "cumulative-residual-entropy",
    title="Cumulative residual entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="-sum_k P(X > k) log P(X > k)   (classes in their order, one unit apart)",
    cite="Rao, M., Chen, Y., Vemuri, B. C. and Wang, F. (2004), Cumulative Residual Entropy, IEEE Trans. Inf. Theory"
    " 50(6)",
    bounds=(0.0, _INF),
    laws={"non-negative", "shift-invariant"},
    promise=32,
    also=("cre",),
    ordered=True,
)
def cumulative_residual_entropy(p: Matrix) -> Rows:
    """Cumulative residual entropy of each row, for ordered classes: uncertainty that knows how far classes are apart.

    ``p`` (n, C), columns in the order of the classes. One number a row, in nats.

    Edges: 0 log 0 = 0; 0 on a one-hot row and on a row of one class. Another order of the classes gives another number.

    >>> import numpy as np
    >>> cumulative_residual_entropy(np.array([[0.5, 0.0, 0.5]])) / np.log(2)
    array([1.])
    """
    return residual_entropy_rows(p)
