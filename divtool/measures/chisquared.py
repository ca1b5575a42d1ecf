"""The chi-square family, each under a name of its own: squared differences over one side, both, or their sum."""

from __future__ import annotations

import numpy as np

from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import pearson_rows
from divtool.numerics.ratios import kumar_johnson_rows, squared_balance_rows, triangular_rows

INF = float("inf")
CHA = (
    "Cha, S.-H. (2007), Comprehensive Survey on Distance/Similarity Measures between Probability Density Functions, "
    "Int. J. Math. Models Methods Appl. Sci. 1(4)"
)
_KEPT = {"non-negative", "zero-on-identical", "class-permutation", "shift-invariant"}
_SYMMETRIC = _KEPT | {"symmetric"}


@measure(
    "chi2-pearson",
    title="Pearson chi-square divergence",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / q_k",
    cite="Pearson, K. (1900), On the Criterion that a Given System of Deviations ..., Philos. Mag. 50",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="chi2(p || q)",
    promise=1024,
    common=True,
    also=("chi2", "chi-square", "chisquare", "chi-squared"),
    clipped=True,
)
def chi2_pearson(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Pearson's chi-square divergence: squared differences over the model (what is expected).

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row; times n it is
    the test statistic of n observations with shares p.

    Edges: exactly 0 on identical rows; a class with p > 0 and q = 0 makes the row +inf; one that neither side has
    counts nothing.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> chi2_pearson(p, q, np.log(q / p), p - q) * 3
    array([1.])
    """
    return pearson_rows(p, q, t, delta)


@measure(
    "chi2-neyman",
    title="Neyman chi-square divergence",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / p_k",
    cite="Neyman, J. (1949), Contribution to the Theory of the Chi-Square Test, Berkeley Symp.",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="chi2(q || p)",
    promise=1024,
    clipped=True,
)
def chi2_neyman(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Neyman's chi-square divergence: squared differences over the reference. Pearson's with the sides exchanged.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; a class with q > 0 and p = 0 makes the row +inf; one that neither side has
    counts nothing.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.25, 0.75]]), np.array([[0.5, 0.5]])
    >>> chi2_neyman(p, q, np.log(q / p), p - q) * 3
    array([1.])
    """
    return pearson_rows(q, p, -t, -delta)


@measure(
    "triangular",
    title="Triangular discrimination",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 / (p_k + q_k)",
    cite="Topsoe, F. (2000), Some Inequalities for Information Divergence and Related Measures of Discrimination, "
    "IEEE Trans. Inf. Theory 46(4)",
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws=_SYMMETRIC,
    promise=16,
)
def triangular(t: Matrix, delta: Matrix) -> Rows:
    """Triangular discrimination: squared differences over the sum of both sides (Cha's squared chi-square).

    ``t`` = log(q/p), ``delta`` = p - q, (n, C) each. One number a row, between 0 and 2.

    Edges: exactly 0 on identical rows; 2 where no class is shared; a class that neither side has counts nothing.

    >>> import numpy as np
    >>> triangular(np.array([[-np.inf, np.inf]]), np.array([[1.0, -1.0]]))
    array([2.])
    """
    return triangular_rows(t, delta)


@measure(
    "le-cam",
    title="Le Cam distance",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="1/2 sum_k (p_k - q_k)^2 / (p_k + q_k)",
    cite="Le Cam, L. (1986), Asymptotic Methods in Statistical Decision Theory, Springer",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_SYMMETRIC | {"at-most-one"},
    promise=16,
)
def le_cam(t: Matrix, delta: Matrix) -> Rows:
    """Le Cam's distance (squared; also Vincze's), half the triangular discrimination.

    ``t`` = log(q/p), ``delta`` = p - q, (n, C) each. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows; 1 where no class is shared; a class that neither side has counts nothing.

    >>> import numpy as np
    >>> le_cam(np.array([[-np.inf, np.inf]]), np.array([[1.0, -1.0]]))
    array([1.])
    """
    return np.asarray(triangular_rows(t, delta) / 2.0)


@measure(
    "probabilistic-symmetric",
    title="Probabilistic symmetric chi-square",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="2 sum_k (p_k - q_k)^2 / (p_k + q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, 4.0),
    better="lower",
    laws=_SYMMETRIC,
    promise=16,
)
def probabilistic_symmetric(t: Matrix, delta: Matrix) -> Rows:
    """Probabilistic symmetric chi-square, twice the triangular discrimination.

    ``t`` = log(q/p), ``delta`` = p - q, (n, C) each. One number a row, between 0 and 4.

    Edges: exactly 0 on identical rows; 4 where no class is shared; a class that neither side has counts nothing.

    >>> import numpy as np
    >>> probabilistic_symmetric(np.array([[-np.inf, np.inf]]), np.array([[1.0, -1.0]]))
    array([4.])
    """
    return np.asarray(2.0 * triangular_rows(t, delta))


@measure(
    "chi2-additive",
    title="Additive symmetric chi-square",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k - q_k)^2 (p_k + q_k) / (p_k q_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_SYMMETRIC,
    promise=1024,
    clipped=True,
)
def chi2_additive(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Additive symmetric chi-square: Pearson's plus Neyman's.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> chi2_additive(p, q, np.log(q / p), p - q) * 12
    array([7.])
    """
    return np.asarray(pearson_rows(p, q, t, delta) + pearson_rows(q, p, -t, -delta))


@measure(
    "squared-divergence",
    title="Divergence of squared relative differences",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="2 sum_k (p_k - q_k)^2 / (p_k + q_k)^2",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_SYMMETRIC,
    promise=16,
)
def squared_divergence(t: Matrix) -> Rows:
    """Sum of squared relative differences, doubled: what Cha's survey calls "divergence". Every class counts alike.

    ``t`` (n, C) is log(q/p). One number a row, between 0 and 2C.

    Edges: exactly 0 on identical rows; 2 for each class that only one side has, nothing for one that neither has.

    >>> import numpy as np
    >>> squared_divergence(np.array([[-np.inf, 0.0, np.inf]]))
    array([4.])
    """
    return np.asarray(2.0 * squared_balance_rows(t))


@measure(
    "clark",
    title="Clark distance",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="sqrt(sum_k ((p_k - q_k) / (p_k + q_k))^2)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_SYMMETRIC | {"triangle-inequality"},
    promise=16,
)
def clark(t: Matrix) -> Rows:
    """Clark's distance, the root of the sum of squared relative differences. Every class counts alike.

    ``t`` (n, C) is log(q/p). One number a row, between 0 and the root of C.

    Edges: exactly 0 on identical rows; a class that only one side has adds 1 under the root, one that neither has
    nothing.

    >>> import numpy as np
    >>> clark(np.array([[-np.inf] * 4]))
    array([2.])
    """
    return np.asarray(np.sqrt(squared_balance_rows(t)))


@measure(
    "kumar-johnson",
    title="Kumar-Johnson divergence",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="sum_k (p_k^2 - q_k^2)^2 / (2 (p_k q_k)^(3/2))",
    cite="Kumar, P. and Johnson, A. (2005), On a Symmetric Divergence Measure and Information Inequalities, "
    "J. Inequal. Pure Appl. Math. 6(3)",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_SYMMETRIC,
    promise=1024,
)
def kumar_johnson(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Kumar and Johnson's symmetric divergence: Pearson's, Neyman's and the geometric mean in one.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; a class that only one side has makes the row +inf, one that neither has counts
    nothing.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> kumar_johnson(p, q, np.log(q / p), p - q)
    array([5.625])
    """
    return kumar_johnson_rows(p, q, t, delta)


@measure(
    "min-symmetric-chi2",
    title="Minimum of both chi-square divergences",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="min(sum_k (p_k - q_k)^2 / q_k, sum_k (p_k - q_k)^2 / p_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_SYMMETRIC,
    promise=1024,
)
def min_symmetric_chi2(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Smaller of Pearson's and Neyman's chi-square divergence.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; +inf only where each side has a class that the other has not.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> min_symmetric_chi2(p, q, np.log(q / p), p - q) * 4
    array([1.])
    """
    return np.asarray(np.minimum(pearson_rows(p, q, t, delta), pearson_rows(q, p, -t, -delta)))


@measure(
    "max-symmetric-chi2",
    title="Maximum of both chi-square divergences",
    family="chi-square",
    operands=(REFERENCE, MODEL),
    formula="max(sum_k (p_k - q_k)^2 / q_k, sum_k (p_k - q_k)^2 / p_k)",
    cite=CHA,
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_SYMMETRIC,
    promise=1024,
)
def max_symmetric_chi2(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Larger of Pearson's and Neyman's chi-square divergence.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; +inf where either side has a class that the other has not.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> max_symmetric_chi2(p, q, np.log(q / p), p - q) * 3
    array([1.])
    """
    return np.asarray(np.maximum(pearson_rows(p, q, t, delta), pearson_rows(q, p, -t, -delta)))
