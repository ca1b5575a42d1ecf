"""Distances of distributions over classes that have an order (ratings, ages, bins), one unit apart."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import norm_rows, sum_of_squares
from divtool.numerics.ordered import cumulative_gap, wasserstein_rows

INF = float("inf")
_KEPT = {"non-negative", "zero-on-identical", "symmetric", "shift-invariant"}
_METRIC = _KEPT | {"triangle-inequality"}


@measure(
    "wasserstein",
    title="Wasserstein distance",
    family="ordered classes",
    operands=(REFERENCE, MODEL),
    formula="(min over couplings of E |X - Y|^r)^(1/r); at r = 1 sum_k |P(X <= k) - Q(X <= k)|",
    cite="Villani, C. (2009), Optimal Transport: Old and New, Springer; Dall'Aglio, G. (1956), Sugli estremi dei "
    "momenti delle funzioni di ripartizione doppia, Ann. Sc. Norm. Super. Pisa 10",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_METRIC,
    promise=64,
    common=True,
    also=("emd", "w1", "earth-mover"),
    ordered=True,
)
def wasserstein(p: Matrix, q: Matrix, delta: Matrix, *, order: Annotated[float, "The order r, 1 to 64."] = 1.0) -> Rows:
    """Wasserstein distance (earth mover's distance) over classes in their order, one unit apart.

    ``p``, ``q``, ``delta`` = p - q, (n, C) each. One number a row, between 0 and C - 1. The rounding of the running
    sums grows as the root of the number of classes: the promise is for a thousand, and for order 1. Beyond it, what
    rounding moves by as much as C classes weighs up to C^r u.

    Edges: exactly 0 on identical rows, and for a single class; never infinite.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    >>> wasserstein(p, q, p - q)
    array([2.])
    """
    if not 1.0 <= order <= 64.0:
        raise UsageError(f"--order {order:g}: expected a number of 1 to 64")
    return wasserstein_rows(p, q, delta, order)


@measure(
    "energy-distance",
    title="Energy distance",
    family="ordered classes",
    operands=(REFERENCE, MODEL),
    formula="sqrt(2 sum_k (P(X <= k) - Q(X <= k))^2)",
    cite="Szekely, G. J. and Rizzo, M. L. (2013), Energy Statistics, J. Stat. Plan. Inference 143(8); scaled as "
    "scipy.stats.energy_distance",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_METRIC,
    promise=16,
    ordered=True,
)
def energy_distance(delta: Matrix) -> Rows:
    """Energy distance over classes in their order, one unit apart: the root of twice Cramer's.

    ``delta`` (n, C) is p - q. One number a row, between 0 and the root of 2 (C - 1).

    Edges: exactly 0 on identical rows, and for a single class; never infinite.

    >>> import numpy as np
    >>> energy_distance(np.array([[1.0, 0.0, -1.0]]))
    array([2.])
    """
    return np.asarray(np.sqrt(2.0) * norm_rows(cumulative_gap(delta)))


@measure(
    "cramer",
    title="Cramer distance",
    family="ordered classes",
    operands=(REFERENCE, MODEL),
    formula="sum_k (P(X <= k) - Q(X <= k))^2",
    cite="Cramer, H. (1928), On the Composition of Elementary Errors, Scand. Actuar. J. 11",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    promise=32,
    ordered=True,
)
def cramer(delta: Matrix) -> Rows:
    """Cramer's distance (squared), the sum of squared differences of the running sums: the ranked probability score.

    ``delta`` (n, C) is p - q. One number a row, between 0 and C - 1.

    Edges: exactly 0 on identical rows, and for a single class; never infinite.

    >>> import numpy as np
    >>> cramer(np.array([[0.5, 0.0, -0.5]]))
    array([0.5])
    """
    return sum_of_squares(cumulative_gap(delta))


@measure(
    "ks",
    title="Kolmogorov-Smirnov distance",
    family="ordered classes",
    operands=(REFERENCE, MODEL),
    formula="max_k |P(X <= k) - Q(X <= k)|",
    cite="Kolmogorov, A. (1933), Sulla determinazione empirica di una legge di distribuzione, G. Ist. Ital. Attuari 4",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
    ordered=True,
)
def kolmogorov_smirnov(delta: Matrix) -> Rows:
    """Kolmogorov-Smirnov distance over classes in their order: the largest difference of the running sums.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1.

    Edges: exactly 0 on identical rows, and for a single class; 1 where one side lies wholly before the other.

    >>> import numpy as np
    >>> kolmogorov_smirnov(np.array([[0.25, -0.5, 0.25]]))
    array([0.25])
    """
    return np.asarray(np.minimum(np.abs(cumulative_gap(delta)).max(axis=1, initial=0.0), 1.0))


@measure(
    "kuiper",
    title="Kuiper distance",
    family="ordered classes",
    operands=(REFERENCE, MODEL),
    formula="max_k (P(X <= k) - Q(X <= k)) + max_k (Q(X <= k) - P(X <= k))",
    cite="Kuiper, N. H. (1960), Tests Concerning Random Points on a Circle, Proc. K. Ned. Akad. Wet. A 63",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_METRIC | {"at-most-one"},
    promise=16,
    ordered=True,
)
def kuiper(delta: Matrix) -> Rows:
    """Kuiper's distance: the largest lead of either side's running sum over the other's, added.

    ``delta`` (n, C) is p - q. One number a row, between 0 and 1. The same wherever a circle of classes is cut.

    Edges: exactly 0 on identical rows, and for a single class; 1 where one side lies wholly before the other.

    >>> import numpy as np
    >>> kuiper(np.array([[0.25, -0.5, 0.25]]))
    array([0.5])
    """
    gap = cumulative_gap(delta)
    return np.asarray(np.minimum(gap.max(axis=1, initial=0.0) + (-gap).max(axis=1, initial=0.0), 1.0))
