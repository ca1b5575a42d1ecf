"""Divergences from a mixture: Jensen-Shannon and its kin, from the pair forms.

The logarithm of a mixture over one of its parts is log1p of a mean of expm1's where the parts are near, so nothing
cancels; the equally weighted divergence is a sum of even functions of (p - q)/(p + q), the same bits either way round.
Source: Lin, J., Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37(1) (1991).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from divtool.numerics.divergence import kl_rows
from divtool.numerics.errorfree import Doubles
from divtool.numerics.mixtures import mixture
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}

# ((1 + x) log(1 + x) + (1 - x) log(1 - x)) / 2 = sum_k x^(2k) / (2k (2k - 1)): to 2^-54 of the whole for |x| <= 1/2
_NEAR = 0.5
_FAR = 4.0
# below it a double has fewer digits
_NORMAL = 2.0**-1022
_SERIES = tuple(1.0 / (2 * k * (2 * k - 1)) for k in range(22, 0, -1))


def jensen_shannon_rows(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """The Jensen-Shannon divergence with equal weights (n,), in nats, at most log 2.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> jensen_shannon_rows(p, q, np.array([[-np.inf, np.inf]])) / np.log(2)
    array([1.])
    """
    with np.errstate(**_QUIET):
        size = np.abs(t)
        x = np.tanh(size / 2.0)
        far = ~(x <= _NEAR)
        square = np.where(far, 0.0, x)
        square *= square
        psi = np.full_like(square, _SERIES[0])
        for coefficient in _SERIES[1:]:
            psi *= square
            psi += coefficient
        psi *= square
        if far.any():
            less = np.exp(-size)
            weighted = np.where(size == np.inf, 0.0, less * size)
            psi = np.where(far, (math.log(2.0) - np.log1p(less)) - weighted / (1.0 + less), psi)
        return np.asarray(np.minimum(row_sum((p + q) / 2.0 * psi), math.log(2.0)))


def log_mixture(t: Doubles, share: float) -> Doubles:
    """log((1 - share) + share e^t) of each class: of a mixture of p and q over p, for t = log(q/p).

    >>> import numpy as np
    >>> np.exp(log_mixture(np.log([[0.5, 3.0]]), 0.5))
    array([[0.75, 2.  ]])
    """
    with np.errstate(**_QUIET):
        if share in (0.0, 1.0):
            return t if share else np.where(np.isnan(t), t, 0.0)
        growth = share * np.expm1(t)
        low = np.log((1.0 - share) + share * np.exp(np.minimum(t, 0.0)))
        high = t + math.log(share)  # beyond the range of exp the other part is nothing
        return np.where(growth < -0.5, low, np.where(np.isinf(growth), high, np.log1p(growth)))


def skew_kl_rows(p: Doubles, q: Doubles, t: Doubles, share: float) -> Doubles:
    """KL(p || (1 - share) p + share q) of each row (n,), in nats.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> np.exp(skew_kl_rows(p, q, np.array([[-np.inf, np.inf]]), 0.75))
    array([4.])
    """
    return kl_rows(p, (1.0 - share) * p + share * q, log_mixture(t, share))


def weighted_jensen_shannon_rows(p: Doubles, q: Doubles, t: Doubles, weight: float) -> Doubles:
    """weight KL(p || m) + (1 - weight) KL(q || m), m = weight p + (1 - weight) q, of each row (n,), in nats.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> np.exp(weighted_jensen_shannon_rows(p, q, np.array([[-np.inf, np.inf]]), 0.5))
    array([2.])
    """
    if weight == 0.5:
        return jensen_shannon_rows(p, q, t)
    mixture, rest = weight * p + (1.0 - weight) * q, 1.0 - weight
    of_p = kl_rows(p, mixture, log_mixture(t, rest)) if weight > 0.0 else 0.0
    of_q = kl_rows(q, mixture, log_mixture(-t, weight)) if rest > 0.0 else 0.0
    return np.asarray(weight * of_p + rest * of_q)


def members_jensen_shannon_rows(members: Doubles, members_t: Doubles, weights: Doubles) -> Doubles:
    """sum_i w_i KL(p_i || m), m = sum_i w_i p_i, of each row (n,), in nats.

    ``members`` (k, n, C), ``members_t`` (k, n, C) the logarithm of each over the first, ``weights`` (k,) of sum 1.

    >>> import numpy as np
    >>> members, t = np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), np.array([[[0.0, 0.0]], [[-np.inf, np.inf]]])
    >>> np.exp(members_jensen_shannon_rows(members, t, np.array([0.5, 0.5])))
    array([2.])
    """
    with np.errstate(**_QUIET):
        mean = mixture(members, weights)
        over_first = _log_of_mean(members_t, weights)
        total = np.zeros(len(mean))
        for weight, member, t in zip(weights, members, members_t, strict=True):
            if weight > 0.0:
                change = over_first - t
                # a class that the first has not is measured by what the others have; one that is far from the first's
                # too, for the rounding of a large t would show
                far = (np.abs(t) > _FAR) & (np.abs(change) > 1.0 / _FAR) & (np.minimum(member, mean) > _NORMAL)
                change = np.where(np.isfinite(change) & ~far, change, np.log(mean / member))
                change = np.where((member == 0.0) & (mean == 0.0) & ~np.isfinite(change), 0.0, change)
                total += weight * kl_rows(member, mean, change)
        return np.asarray(np.minimum(total, math.log(len(members))))


def _log_of_mean(members_t: Doubles, weights: Doubles) -> Doubles:
    """log sum_i w_i e^(t_i), by expm1 where all t are small."""
    top = members_t[0].copy()
    growth, mean = np.zeros_like(top), np.zeros_like(top)
    for t in members_t[1:]:
        top = np.maximum(top, t)
    for weight, t in zip(weights, members_t, strict=True):
        growth += weight * np.expm1(t)
        mean += np.where(t == top, weight, weight * np.exp(t - top))
    return np.asarray(np.where(np.abs(growth) < 0.5, np.log1p(growth), top + np.log(mean)))


def jeffreys_rows(t: Doubles, delta: Doubles) -> Doubles:
    """KL(p || q) + KL(q || p) of each row (n,), in nats: sum (p - q) log(p/q); +inf where only one is impossible.

    >>> import numpy as np
    >>> jeffreys_rows(np.array([[1.0, -1.0]]), np.array([[-0.25, 0.25]]))
    array([0.5])
    """
    with np.errstate(**_QUIET):
        terms = 0.0 - delta * t
        return row_sum(np.where(np.isinf(t), np.inf + np.abs(delta), terms))


def arithmetic_geometric_rows(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """sum m log(m / sqrt(p q)) of each row (n,), in nats, m = (p + q)/2: the mean of log cosh(t / 2).

    >>> import numpy as np
    >>> p, q = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    >>> np.exp(arithmetic_geometric_rows(p, q, np.log(q / p)))
    array([1.25])
    """
    with np.errstate(**_QUIET):
        half = np.abs(t) / 2.0
        near = np.log1p(2.0 * np.sinh(half / 2.0) ** 2)
        cosh = np.where(half > 1.0, half + (np.log1p(np.exp(-2.0 * half)) - math.log(2.0)), near)
        terms = (p + q) / 2.0 * cosh
        return row_sum(np.where(np.isinf(t), np.inf + (p + q), terms))
