"""Divergences of distributions from their mixture: Jensen and Shannon's, its root, its double, of two or of many."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import MODEL, REFERENCE, Operand, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.jensen import (
    jensen_shannon_rows,
    members_jensen_shannon_rows,
    weighted_jensen_shannon_rows,
)

SHARES_HELP = "A share for each member, such as 0.5,0.3,0.2 (with -m as 0.5/0.3/0.2; default: equal)."
LOG2 = float(np.log(2.0))
LIN = "Lin, J. (1991), Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37(1)"
_KEPT = {"non-negative", "zero-on-identical", "symmetric", "class-permutation", "shift-invariant"}
MEMBERS = Operand(
    "member",
    "FILES",
    "The distributions of each member: two files or more of the same rows.",
    many=True,
    example="examples/data/digits_a.npy examples/data/digits_b.npy examples/data/digits_soft.npy",
)


def js_at_once(js_of_pair: Rows, *, weight: float = 0.5) -> Rows:
    """JS(p, q) of equal shares by the kernel that reads the stored rows."""
    return js_of_pair


def js_distance_at_once(js_of_pair: Rows) -> Rows:
    """The root of the same."""
    return np.sqrt(js_of_pair)


def topsoe_at_once(js_of_pair: Rows) -> Rows:
    """Twice the same."""
    return 2.0 * js_of_pair


@measure(
    "js",
    title="Jensen-Shannon divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="JS = w KL(p || m) + (1 - w) KL(q || m), m = w p + (1 - w) q, w = 1/2",
    cite=LIN,
    bounds=(0.0, LOG2),
    better="lower",
    laws=_KEPT | {"at-most-log-classes", "at-most-one"},
    common=True,
    promise=32,
    shortcut=js_at_once,
    also=("jsd", "js-divergence", "jensen-shannon", "jensen-difference"),
)
def jensen_shannon(
    p: Matrix, q: Matrix, t: Matrix, *, weight: Annotated[float, "The reference's share w, 0 to 1."] = 0.5
) -> Rows:
    """Jensen-Shannon divergence: how far both sides are from their mean (Cha's Jensen difference).

    The divergence, not its root (js-distance). ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One
    number a row, in nats, at most log 2, or the entropy of the weights.

    Edges: exactly 0 on identical rows; log 2 where no class is shared; never infinite; 0 for a weight of 0 or 1.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> jensen_shannon(p, q, np.array([[-np.inf, np.inf]])) / np.log(2)
    array([1.])
    """
    if not 0.0 <= weight <= 1.0:
        raise UsageError(f"--weight {weight:g}: expected a share of 0 to 1")
    return weighted_jensen_shannon_rows(p, q, t, weight)


@measure(
    "js-distance",
    title="Jensen-Shannon distance",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="sqrt(JS), JS = (KL(p || m) + KL(q || m))/2, m = (p + q)/2",
    cite="Endres, D. M. and Schindelin, J. E. (2003), A New Metric for Probability Distributions, "
    "IEEE Trans. Inf. Theory 49(7)",
    unit="sqrt(nats)",
    bounds=(0.0, float(np.sqrt(np.log(2.0)))),
    better="lower",
    laws=_KEPT | {"at-most-one", "triangle-inequality"},
    promise=16,
    shortcut=js_distance_at_once,
    also=("jensenshannon", "jsdistance"),
)
def jensen_shannon_distance(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """Jensen-Shannon distance, the square root of the divergence: a metric.

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row, in the root of nats.

    Edges: exactly 0 on identical rows; the root of log 2 where no class is shared; never infinite or NaN.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> jensen_shannon_distance(p, q, np.array([[-np.inf, np.inf]])) / np.sqrt(np.log(2))
    array([1.])
    """
    return np.asarray(np.sqrt(jensen_shannon_rows(p, q, t)))


@measure(
    "topsoe",
    title="Topsoe divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="KL(p || m) + KL(q || m), m = (p + q)/2",
    cite="Topsoe, F. (2000), Some Inequalities for Information Divergence and Related Measures of Discrimination, "
    "IEEE Trans. Inf. Theory 46(4)",
    bounds=(0.0, 2.0 * LOG2),
    better="lower",
    laws=_KEPT,
    promise=32,
    shortcut=topsoe_at_once,
)
def topsoe(p: Matrix, q: Matrix, t: Matrix) -> Rows:
    """Topsoe's divergence, twice the Jensen-Shannon divergence (the information radius unhalved).

    ``p``, ``q``, ``t`` = log(q/p) are the pair forms, (n, C) each. One number a row, in nats.

    Edges: exactly 0 on identical rows; 2 log 2 where no class is shared; never infinite.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> np.exp(topsoe(p, q, np.array([[-np.inf, np.inf]])))
    array([4.])
    """
    return np.asarray(2.0 * jensen_shannon_rows(p, q, t))


@measure(
    "js-members",
    title="Jensen-Shannon divergence of several distributions (mutual information)",
    family="divergences",
    operands=(MEMBERS,),
    formula="JS = sum_i w_i KL(p_i || m) = H(m) - sum_i w_i H(p_i), m = sum_i w_i p_i",
    cite=LIN,
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes"},
    promise=32,
)
def jensen_shannon_of_members(
    members: Matrix,
    members_t: Matrix,
    *,
    weights: Annotated[str, SHARES_HELP] = "",
) -> Rows:
    """Jensen-Shannon divergence of several members: how much an ensemble disagrees (its epistemic uncertainty).

    ``members`` (k, n, C) are distributions, ``members_t`` (k, n, C) the logarithm of each over the first. One number a
    row, in nats, at most the entropy of the weights.

    Edges: exactly 0 where all members are identical; log k where k members share no class; never infinite. Weights
    are divided by their sum.

    >>> import numpy as np
    >>> members, t = np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), np.array([[[0.0, 0.0]], [[-np.inf, np.inf]]])
    >>> np.exp(jensen_shannon_of_members(members, t))
    array([2.])
    """
    return members_jensen_shannon_rows(members, members_t, shares_of(weights, len(members)))


def shares_of(text: str, members: int) -> Rows:
    """The share of each member (k,), which sum to 1, from what --weights says; equal ones where it says nothing.

    >>> shares_of("1,3", 2), shares_of("1/3", 2)
    (array([0.25, 0.75]), array([0.25, 0.75]))
    """
    if not text.strip():
        return np.full(members, 1.0 / members)
    try:
        shares = np.array([float(each) for each in text.replace("/", ",").split(",")])
    except ValueError:
        raise UsageError(f'--weights "{text}": expected numbers separated by commas, such as 0.5,0.3,0.2') from None
    if len(shares) != members:
        raise UsageError(f'--weights "{text}": expected {members} numbers, one for each member')
    if not (np.isfinite(shares).all() and (shares >= 0.0).all() and shares.any()):
        raise UsageError(f'--weights "{text}": expected numbers of at least 0, not all of them 0')
    return np.asarray(shares / sum(shares.tolist()))
