"""Divergences with an order: all through S_a = sum p^a q^(1-a), and continuous through the orders where it is 1."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.alpha import Order, alpha_rows, log_affinity_rows, missed_rows, renyi_rows
from divtool.numerics.chernoff import chernoff_information_rows
from divtool.numerics.rowsum import row_sum

INF = float("inf")
_KEPT = {"non-negative", "zero-on-identical", "class-permutation", "shift-invariant"}


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise UsageError(f"--{name} {value:g}: expected a finite number")
    return value


@measure(
    "renyi",
    title="Renyi divergence",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="D_a(p || q) = log(sum_k p_k^a q_k^(1-a)) / (a - 1), a: the order",
    cite="van Erven, T. and Harremoes, P. (2014), Renyi Divergence and Kullback-Leibler Divergence, "
    "IEEE Trans. Inf. Theory 60(7)",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="Renyi(p || q)",
    promise=1024,
    common=True,
    also=("alpha-divergence",),
    note="for orders from 0",
)
def renyi(
    p: Matrix,
    q: Matrix,
    t: Matrix,
    delta: Matrix,
    *,
    order: Annotated[float, "The order a: 0.5, 1 (KL), 2, inf (the largest log ratio), ..."] = 2.0,
) -> Rows:
    """Renyi divergence of an order: KL at 1, -2 log of the Bhattacharyya coefficient at 1/2, log max p/q at inf.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; from order 1 on a class with p > 0 and q = 0 makes the row +inf, below it only
    rows that share no class are; order 0 is -log of the model's mass where p > 0. Below 0 the number is at most 0, and
    a class with q > 0 and p = 0 makes it -inf.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u; orders beyond 3 or so
    multiply this by their size.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> np.exp(renyi(p, q, np.log(q / p), p - q, order=np.inf))
    array([2.])
    """
    if math.isnan(order) or order == -INF:
        raise UsageError(f"--order {order:g}: expected a number, or inf")
    return renyi_rows(p, q, t, delta, order)


@measure(
    "tsallis",
    title="Tsallis divergence",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="(sum_k p_k^a q_k^(1-a) - 1) / (a - 1), a: the order",
    cite="Tsallis, C. (1998), Generalized Entropy-Based Criterion for Consistent Testing, Phys. Rev. E 58(2)",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="Tsallis(p || q)",
    promise=1024,
    note="for orders from 0",
)
def tsallis(
    p: Matrix, q: Matrix, t: Matrix, delta: Matrix, *, order: Annotated[float, "The order a; 1 is KL in nats."] = 2.0
) -> Rows:
    """Tsallis divergence of an order: KL at 1, Pearson's chi-square at 2, the model's mass where p = 0 at 0.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row.

    Edges: exactly 0 on identical rows; from order 1 on a class with p > 0 and q = 0 makes the row +inf; below it rows
    that share no class are 1/(1 - a). Below 0 the number is at most 0.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u; orders beyond 3 or so
    multiply this by their size.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> tsallis(p, q, np.log(q / p), p - q) * 3
    array([1.])
    """
    a = _finite("order", order)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if a == 0.0:
            return row_sum(np.where(t == INF, q, 0.0 * q))
        return np.asarray(a * alpha_rows(p, q, t, delta, Order(a, a - 1.0)) + 0.0)


@measure(
    "amari",
    title="Amari alpha divergence",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="4 (1 - sum_k p_k^((1-a)/2) q_k^((1+a)/2)) / (1 - a^2), a: alpha",
    cite="Amari, S. (1985), Differential-Geometrical Methods in Statistics, Springer",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="D^(a)(p || q)",
    promise=1024,
)
def amari(
    p: Matrix,
    q: Matrix,
    t: Matrix,
    delta: Matrix,
    *,
    alpha: Annotated[float, "Amari's alpha: -1 is KL(p || q), 0 symmetric, 1 KL(q || p)."] = 0.5,
) -> Rows:
    """Alpha divergence in Amari's numbering: KL(p || q) at -1, four times squared Hellinger at 0, KL(q || p) at 1.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, in nats at -1
    and 1.

    Edges: exactly 0 on identical rows; +inf from alpha = 1 on where q > 0 = p, and up to alpha = -1 where p > 0 = q.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u; orders beyond 3 or so
    multiply this by their size.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> amari(p, q, np.array([[-np.inf, np.inf]]), p - q, alpha=0.0)
    array([4.])
    """
    a = _finite("alpha", alpha)
    return alpha_rows(p, q, t, delta, Order((1.0 - a) / 2.0, (1.0 + a) / -2.0))


@measure(
    "minka",
    title="Minka alpha divergence",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="(1 - sum_k p_k^a q_k^(1-a)) / (a (1 - a)), a: the order",
    cite="Minka, T. (2005), Divergence Measures and Message Passing, Microsoft Research TR-2005-173",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="D_a(p || q)",
    promise=1024,
)
def minka(
    p: Matrix,
    q: Matrix,
    t: Matrix,
    delta: Matrix,
    *,
    order: Annotated[float, "The order a: 0 is KL(q || p), 1 KL(p || q), 2 half of Pearson's chi-square."] = 2.0,
) -> Rows:
    """Alpha divergence in Minka's numbering: KL(q || p) at 0, KL(p || q) at 1 (Cichocki's alpha divergence).

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, in nats at 0
    and 1.

    Edges: exactly 0 on identical rows; +inf from order 1 on where p > 0 = q, and up to order 0 where q > 0 = p.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u; orders beyond 3 or so
    multiply this by their size.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> minka(p, q, np.array([[-np.inf, np.inf]]), p - q, order=0.5)
    array([4.])
    """
    a = _finite("order", order)
    return alpha_rows(p, q, t, delta, Order(a, a - 1.0))


@measure(
    "cressie-read",
    title="Cressie-Read power divergence",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="2 / (l (l + 1)) sum_k p_k ((p_k / q_k)^l - 1), l: the power",
    cite="Cressie, N. and Read, T. R. C. (1984), Multinomial Goodness-of-Fit Tests, J. R. Stat. Soc. B 46(3)",
    unit="1",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT,
    direction="CR(p || q)",
    promise=1024,
)
def cressie_read(
    p: Matrix,
    q: Matrix,
    t: Matrix,
    delta: Matrix,
    *,
    power: Annotated[float, "The power: 1 Pearson, 0 G^2, -1/2 Freeman-Tukey, -1 modified G^2, -2 Neyman."] = 2.0 / 3.0,
) -> Rows:
    """Power divergence of Cressie and Read, for one observation: times n it is the test statistic.

    ``p`` is what is observed, ``q`` what is expected. ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair
    forms, (n, C) each. One number a row: 2 KL(p || q) at power 0, Pearson's chi-square at 1.

    Edges: exactly 0 on identical rows; +inf from power 0 on where p > 0 = q, and up to -1 where q > 0 = p.

    Where a probability below 2.2e-308 weighs in, a row is known to 1024 u, elsewhere to 32 u; orders beyond 3 or so
    multiply this by their size.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> cressie_read(p, q, np.log(q / p), p - q, power=1.0) * 3
    array([1.])
    """
    a = _finite("power", power)
    return np.asarray(2.0 * alpha_rows(p, q, t, delta, Order(a + 1.0, a)))


@measure(
    "chernoff",
    title="Chernoff divergence",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="-log sum_k p_k^a q_k^(1-a), a: the order",
    cite="Chernoff, H. (1952), A Measure of Asymptotic Efficiency for Tests of a Hypothesis, Ann. Math. Stat. 23(4)",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT | {"symmetric"},
    direction="C_a(p, q)",
    promise=32,
)
def chernoff(
    p: Matrix, q: Matrix, t: Matrix, delta: Matrix, *, order: Annotated[float, "The order a, 0 to 1."] = 0.5
) -> Rows:
    """Chernoff divergence of an order within 0 and 1; at 1/2 the Bhattacharyya distance, and only there symmetric.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; +inf where no class is shared; the limits at order 0 and 1 are -log of the mass
    that one side has where the other is possible.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> np.exp(2 * chernoff(p, q, np.array([[np.log(2), -np.inf]]), p - q))
    array([2.])
    """
    if not 0.0 <= order <= 1.0:
        raise UsageError(f"--order {order:g}: expected a number of 0 to 1")
    if order in (0.0, 1.0):
        return missed_rows(q, t) if order == 0.0 else missed_rows(p, -t)
    return np.asarray(0.0 - log_affinity_rows(p, q, t, delta, Order(order, order - 1.0)))


@measure(
    "chernoff-information",
    title="Chernoff information",
    family="order families",
    operands=(REFERENCE, MODEL),
    formula="max over a in [0, 1] of -log sum_k p_k^a q_k^(1-a)",
    cite="Chernoff, H. (1952), A Measure of Asymptotic Efficiency for Tests of a Hypothesis, Ann. Math. Stat. 23(4)",
    bounds=(0.0, INF),
    better="lower",
    laws=_KEPT | {"symmetric"},
    promise=32,
)
def chernoff_information(p: Matrix, q: Matrix, t: Matrix, delta: Matrix) -> Rows:
    """Chernoff information: how fast the error of the best test between both sides falls with each observation.

    The best order is found for each row. ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C)
    each. One number a row, in nats.

    Edges: exactly 0 on identical rows; +inf where no class is shared; where the best order is a limit (0 or 1), the
    limit is taken.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> np.exp(chernoff_information(p, q, np.array([[np.log(2), -np.inf]]), p - q))
    array([2.])
    """
    return chernoff_information_rows(p, q, t, delta)
