"""The mean of several distributions: its entropy, and the shares of its parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


def mixture(members: Doubles, weights: Doubles) -> Doubles:
    """sum_i w_i p_i (n, C) of ``members`` (k, n, C), for ``weights`` (k,).

    >>> import numpy as np
    >>> mixture(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), np.array([0.25, 0.75]))
    array([[0.25, 0.75]])
    """
    total: Doubles = np.zeros_like(members[0])
    for weight, member in zip(weights, members, strict=True):
        total += weight * member
    return total


def mixture_entropy_rows(members: Doubles, weights: Doubles) -> Doubles:
    """-sum m log m, m = sum_i w_i p_i, of each row in nats (n,).

    Every term is of one sign; the logarithm of a class that has most of the mass is taken of what the others have, so
    that a nearly certain row keeps its digits.

    >>> import numpy as np
    >>> np.exp(mixture_entropy_rows(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), np.array([0.5, 0.5])))
    array([2.])
    """
    mean = mixture(members, weights)
    first = mean.argmax(axis=1)[:, None]
    top = np.take_along_axis(mean, first, axis=1)[:, 0]
    np.put_along_axis(mean, first, 0.0, axis=1)
    with np.errstate(**_QUIET):
        rest = row_sum(mean)
        of_top = top * np.where(top < 0.5, 0.0 - np.log(top), 0.0 - np.log1p(-rest))
        return np.asarray(row_sum(np.where(mean == 0.0, 0.0, 0.0 - mean * np.log(mean))) + of_top)
