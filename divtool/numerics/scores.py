"""Sums behind the scores of predictions: cumulative errors of ordered classes, and sums that leave one class out."""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.geometry import norm_rows
from divtool.numerics.logspace import weighted_cost
from divtool.numerics.ordered import running_sum
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
# what the sum of a row's errors may be by rounding alone
_ROUNDING = 2.0**-44


def spherical_rows(prediction: Doubles, truth: Doubles) -> Doubles:
    """sum truth * prediction over the length of the prediction (n,), at most 1.

    >>> import numpy as np
    >>> spherical_rows(np.array([[0.6, 0.8]]), np.array([[0.0, 1.0]]))
    array([0.8])
    """
    with np.errstate(**_QUIET):
        return np.asarray(np.minimum(weighted_cost(truth, prediction) / norm_rows(prediction), 1.0))


def _reversed(x: Doubles) -> Doubles:
    return np.ascontiguousarray(x[:, ::-1])


def cumulative_error(error: Doubles) -> Doubles:
    """The sum of the first 1, ..., C - 1 entries of ``error`` (n, C), as (n, C - 1).

    All of a row's errors sum to 0, so a sum that has most of them behind it is taken from the far end; where a stored
    row does not sum to 1, what is over is added.

    >>> import numpy as np
    >>> cumulative_error(np.array([[1e-20, -1e-20 - 3e-40, 3e-40]]))
    array([[ 1.e-20, -3.e-40]])
    """
    with np.errstate(**_QUIET):
        size = running_sum(np.abs(error))
        over = row_sum(error)
        over = np.where(np.abs(over) > _ROUNDING, over, 0.0)[:, None]
        near = running_sum(error)[:, :-1]
        far = _reversed(running_sum(_reversed(error)))[:, 1:]
        return np.where(size[:, :-1] <= size[:, -1:] / 2.0, near, over - far)


def ranked_probability_rows(error: Doubles) -> Doubles:
    """The sum of the squared cumulative errors of each row (n,).

    >>> import numpy as np
    >>> ranked_probability_rows(np.array([[0.25, 0.25, -0.5]]))
    array([0.3125])
    """
    away = cumulative_error(error)
    with np.errstate(**_QUIET):
        return row_sum(away * away)


def sum_of_others(x: Doubles) -> Doubles:
    """For each class the sum of the row without it (n, C): left out, never subtracted.

    >>> import numpy as np
    >>> sum_of_others(np.array([[1.0, 1e-20, 1e-20]]))
    array([[2.e-20, 1.e+00, 1.e+00]])
    """
    before, after = np.zeros_like(x), np.zeros_like(x)
    before[:, 1:] = running_sum(x)[:, :-1]
    after[:, :-1] = _reversed(running_sum(_reversed(x)))[:, 1:]
    return before + after
