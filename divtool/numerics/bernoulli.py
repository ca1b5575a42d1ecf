"""Answers to yes-or-no questions: the sigmoid of a logit and what yes and no cost, cell by cell, within 8 u.

Everything is written in e^-|z|, which is at most 1: no overflow, and no 1 - x of an x that was rounded near 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.logspace import divided, error_of
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


def _tempered(z: Doubles, temperature: float) -> tuple[Doubles, Doubles]:
    """z / temperature and e^-|z / temperature|, which carries the rounding of the quotient."""
    value, error = divided(np.asarray(z, dtype=np.float64), np.asarray(0.0), temperature)
    e = np.exp(-np.abs(value))
    return value, e - e * np.copysign(1.0, value) * error


def softplus(z: Doubles, temperature: float = 1.0) -> Doubles:
    """log(1 + e^(z / temperature)): 0 for -inf, +inf for +inf.

    >>> import numpy as np
    >>> softplus(np.array([-40.0, 0.0, 800.0]))
    array([4.24835426e-18, 6.93147181e-01, 8.00000000e+02])
    """
    with np.errstate(**_QUIET):
        value, e = _tempered(z, temperature)
        return np.asarray(np.maximum(value, 0.0) + np.log1p(e))


def sigmoid(z: Doubles, temperature: float = 1.0) -> Doubles:
    """1 / (1 + e^(-z / temperature)): the probability of yes, from 0 for -inf to 1 for +inf.

    >>> import numpy as np
    >>> sigmoid(np.array([-700.0, 0.0, np.inf]))
    array([9.85967654e-305, 5.00000000e-001, 1.00000000e+000])
    """
    with np.errstate(**_QUIET):
        value, e = _tempered(z, temperature)
        return np.where(value < 0.0, e, 1.0) / (1.0 + e)


def cost_of_yes_from_logits(z: Doubles, temperature: float = 1.0) -> Doubles:
    """-log sigmoid(z / temperature), in nats: 0 for +inf, +inf for -inf.

    >>> import numpy as np
    >>> cost_of_yes_from_logits(np.array([1.0, -100.0]))
    array([  0.31326169, 100.        ])
    """
    return softplus(-np.asarray(z, dtype=np.float64), temperature)


def cost_of_no_from_logits(z: Doubles, temperature: float = 1.0) -> Doubles:
    """-log(1 - sigmoid(z / temperature)), in nats: 0 for -inf, +inf for +inf.

    >>> import numpy as np
    >>> cost_of_no_from_logits(np.array([1.0, -100.0]))
    array([1.31326169e+00, 3.72007598e-44])
    """
    return softplus(z, temperature)


def cost_of_yes_from_chances(p: Doubles) -> Doubles:
    """-log p, in nats: 0 (not -0) for 1, +inf for 0.

    >>> import numpy as np
    >>> cost_of_yes_from_chances(np.array([1.0, 0.5, 0.0]))
    array([0.        , 0.69314718,        inf])
    """
    with np.errstate(**_QUIET):
        return 0.0 - np.log(np.asarray(p, dtype=np.float64))


def cost_of_no_from_chances(p: Doubles) -> Doubles:
    """-log(1 - p), in nats, of the stored p: 0 (not -0) for 0, +inf for 1.

    >>> import numpy as np
    >>> cost_of_no_from_chances(np.array([1.0, 1e-300]))
    array([    inf, 1.e-300])
    """
    with np.errstate(**_QUIET):
        return 0.0 - np.log1p(-np.asarray(p, dtype=np.float64))


def chance_error(chance: Doubles, truth: Doubles, cost_of_yes: Doubles) -> Doubles:
    """chance - truth, where ``cost_of_yes`` is -log of the chance; a chance near 1 keeps its digits.

    >>> import numpy as np
    >>> chance_error(np.array([1.0]), np.array([1.0]), np.array([1e-20]))
    array([-1.e-20])
    """
    return error_of(chance, truth, cost_of_yes)


def cost_rows(truth: Doubles, cost_of_yes: Doubles, cost_of_no: Doubles, yes: Doubles, weights: Doubles) -> Doubles:
    """The sum over columns of weight (yes truth cost_of_yes + (1 - truth) cost_of_no) (n,), where 0 * inf = 0.

    >>> import numpy as np
    >>> two = np.array([2.0])
    >>> cost_rows(np.array([[0.5]]), np.array([[1.0]]), np.array([[3.0]]), two, two)
    array([5.])
    """
    with np.errstate(**_QUIET):
        of_yes, of_no = weights * yes * truth, weights * (1.0 - truth)
        cost = np.where(of_yes == 0.0, 0.0 * truth, of_yes * cost_of_yes)
        return row_sum(cost + np.where(of_no == 0.0, 0.0 * truth, of_no * cost_of_no))
