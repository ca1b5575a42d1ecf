"""Families of entropies with an order: Renyi's, Tsallis's, and Hill's numbers."""

from __future__ import annotations

from typing import Annotated

from divtool.errors import UsageError
from divtool.measures.declare import DISTRIBUTION, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.rowentropy import hill_rows, renyi_rows, tsallis_rows

_INF = float("inf")
Order = Annotated[float, "The order, from 0 to inf; 1 is Shannon's."]


def _checked(order: float) -> float:
    if not order >= 0.0:
        raise UsageError(f"--order {order:g}: expected an order from 0 to inf")
    return order


@measure(
    "renyi-entropy",
    title="Renyi entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="H_a(p) = log(sum_k p_k^a) / (1 - a)   (a = --order; 0: log of the support, 1: Shannon, inf: -log max p)",
    cite="Renyi, A. (1961), On Measures of Entropy and Information, Proc. 4th Berkeley Symp. 1",
    bounds=(0.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes", "grows-with-temperature"},
    promise=32,
    also=("collision-entropy", "hartley"),
)
def renyi_entropy(p: Matrix, surprisal_p: Matrix, gap_p: Matrix, *, order: Order = 2.0) -> Rows:
    """Renyi entropy of each row, continuous in its order: 2 is the collision entropy, 0 Hartley's.

    ``p``, ``surprisal_p``, ``gap_p`` (n, C). One number a row, in nats, between 0 and log C; it falls as the order
    grows.

    Edges: 0^0 = 0, so order 0 counts the possible classes; order 1 is Shannon's entropy, inf the min-entropy; 0 on a
    one-hot row; an order below 0 is refused.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5, 0.0]])
    >>> surprisal = np.array([[np.log(2), np.log(2), np.inf]])
    >>> renyi_entropy(p, surprisal, surprisal - np.log(2)) / np.log(2)
    array([1.])
    """
    return renyi_rows(p, surprisal_p, gap_p, _checked(order))


@measure(
    "tsallis-entropy",
    title="Tsallis entropy",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="T_a(p) = (1 - sum_k p_k^a) / (a - 1)   (a = --order; 1: Shannon, in nats)",
    cite="Tsallis, C. (1988), Possible Generalization of Boltzmann-Gibbs Statistics, J. Stat. Phys. 52;"
    " Havrda, J. and Charvat, F. (1967), Kybernetika 3",
    unit="1",
    bounds=(0.0, _INF),
    laws={
        "non-negative", "class-permutation", "shift-invariant", "at-most-one", "at-most-log-classes",
        "grows-with-temperature",
    },
    promise=32,
)  # fmt: skip
def tsallis_entropy(p: Matrix, surprisal_p: Matrix, gap_p: Matrix, *, order: Order = 2.0) -> Rows:
    """Tsallis entropy of each row, continuous in its order; order 2 is the Gini-Simpson index.

    ``p``, ``surprisal_p``, ``gap_p`` (n, C). One number a row without a unit, whatever the order. The laws are those of
    order 2.

    Edges: 0^0 = 0, so order 0 gives the number of possible classes less 1; order inf gives 0; 0 on a one-hot row; an
    order below 0 is refused.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> tsallis_entropy(p, -np.log(p), -np.log(2 * p))
    array([0.625])
    """
    return tsallis_rows(p, surprisal_p, gap_p, _checked(order))


@measure(
    "hill",
    title="Hill number",
    family="entropies",
    operands=(DISTRIBUTION,),
    formula="D_a(p) = (sum_k p_k^a)^(1 / (1 - a)) = exp(H_a(p))   (a = --order)",
    cite="Hill, M. O. (1973), Diversity and Evenness: A Unifying Notation and Its Consequences, Ecology 54(2)",
    unit="1",
    bounds=(1.0, _INF),
    laws={"non-negative", "class-permutation", "shift-invariant", "grows-with-temperature"},
    promise=32,
    also=("effective-number", "inverse-simpson"),
)
def hill_number(p: Matrix, surprisal_p: Matrix, gap_p: Matrix, uniform_p: Matrix, *, order: Order = 2.0) -> Rows:
    """Hill number of each row: how many equally likely classes would be as diverse. Order 2 is 1 / sum p^2.

    ``p``, ``surprisal_p``, ``gap_p``, ``uniform_p`` (n, C). One number a row, from 1 to C.

    Edges: order 0 counts the possible classes, order 1 is exp of Shannon's entropy, inf is 1 / max p; 1 on a one-hot
    row, C on a uniform one; an order below 0 is refused.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5]])
    >>> hill_number(p, -np.log(p), 0 * p, 0 * p)
    array([2.])
    """
    return hill_rows(p, surprisal_p, gap_p, uniform_p, _checked(order))
