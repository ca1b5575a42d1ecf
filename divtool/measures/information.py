"""The entropies of two variables, all in nats: what most statistics of a joint table are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from divtool.accumulators.joint_table import Integers, JointTable
from divtool.numerics import association

# From the counts of a variable's outcomes, and how many outcomes it could have, to its entropy.
Estimate = Callable[[Integers, int], float]


@dataclass(frozen=True)
class Information:
    """H(X), H(Y), H(X,Y), H(X|Y), H(Y|X) and I(X;Y) in nats."""

    x: float
    y: float
    joint: float
    x_given_y: float
    y_given_x: float
    mutual: float


def information_of(table: JointTable, estimate: Estimate | None = None) -> Information:
    """The entropies of a table of two variables, of the observed frequencies or by an estimator of entropy.

    The plain ones are sums of positive terms: H(Y|X) is no difference of entropies, and I(X;Y) is exactly 0 for an
    independent table. An estimator gives H of each variable and of both; the others follow as I = H(X) + H(Y) - H(X,Y),
    which need not be positive. It is told that X could have had the outcomes that occur, and (X, Y) all their pairs.

    >>> import numpy as np
    >>> from divtool.accumulators.joint_table import table_of
    >>> information_of(table_of(np.array([[1, 1], [1, 1]]))).mutual
    0.0
    """
    cells, rows, columns, total = table.counts, table.sums(0), table.sums(1), table.total
    x, y = table.margin(0).counts, table.margin(1).counts
    if estimate is None:
        of_x, of_y, joint = (association.entropy(each, total) for each in (x, y, cells))
        x_given_y = association.conditional_entropy(cells, columns, total)
        y_given_x = association.conditional_entropy(cells, rows, total)
        mutual = association.mutual_information(cells, rows, columns, total)
        return Information(of_x, of_y, joint, x_given_y, y_given_x, _within(mutual, of_x, of_y, x_given_y, y_given_x))
    of_x, of_y, joint = estimate(x, x.size), estimate(y, y.size), estimate(cells, x.size * y.size)
    return Information(of_x, of_y, joint, joint - of_y, joint - of_x, of_x + of_y - joint)


def _within(mutual: float, x: float, y: float, x_given_y: float, y_given_x: float) -> float:
    """Mutual information is an entropy where one variable tells the other, and never more than one: what rounding adds
    in the last place goes."""
    if x_given_y == 0.0:
        return x
    return y if y_given_x == 0.0 else min(mutual, x, y)
