"""Which classes come first in a row, from the order of its cells alone; and votes for them.

A class that is more probable has the larger logit, so rows are compared as they are stored, in their own type.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from divtool.numerics.errorfree import Doubles

Cells: TypeAlias = npt.NDArray[Any]
Choices: TypeAlias = npt.NDArray[np.int64]

NONE = -1
_BLOCK = 32


def first_choice(x: Cells, nothing: float) -> Choices:
    """The place of the largest cell of each row (n,), of equal ones the first; -1 for a row that holds NaN, or nothing
    above ``nothing``.

    >>> import numpy as np
    >>> first_choice(np.array([[0.0, 2.0, 2.0], [0.0, np.nan, 1.0], [0.0, 0.0, 0.0]]), 0.0)
    array([ 1, -1, -1])
    """
    found = np.asarray(x.argmax(axis=1), dtype=np.int64)
    # Where a row holds NaN, its first NaN is found.
    largest = np.take_along_axis(x, found[:, None], axis=1)[:, 0]
    return np.where(largest > nothing, found, NONE)


def among_largest(x: Cells, k: int) -> npt.NDArray[np.bool_]:
    """Which cells (n, C) are among the k largest of their row, of equal ones those of lower place.

    >>> import numpy as np
    >>> among_largest(np.array([[1, 3, 1, 2, 1]]), 3)
    array([[ True,  True, False,  True, False]])
    """
    classes = x.shape[1]
    if k >= classes:
        return np.ones(x.shape, dtype=np.bool_)
    found: npt.NDArray[np.bool_] = np.greater_equal(x, _at_most_least(x, k)[:, None])
    if np.count_nonzero(found) > k * len(x):
        rows, places = np.divmod(np.flatnonzero(found), classes)
        values = x[rows, places]
        # By row, then by value from above (no unsigned or infinite number is negated), then by place.
        order = np.lexsort((-places, values, -rows))[::-1]
        rows, places = rows[order], places[order]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        found[rows[rank >= k], places[rank >= k]] = False
    return found


def _at_most_least(x: Cells, k: int) -> Cells:
    """A number for each row (n,) that its k-th largest cell is not below, and most of its cells are."""
    blocks = x.shape[1] // _BLOCK
    if blocks >= 2 * k:
        # The k-th largest of the largest cells of groups is one; a group is one cell of each stretch.
        x = x[:, : blocks * _BLOCK].reshape(len(x), _BLOCK, blocks).max(axis=1)
    return np.asarray(np.partition(x, x.shape[1] - k, axis=1)[:, x.shape[1] - k])


def votes(choices: Choices) -> Choices:
    """How many members vote for the same class, from the class each votes for (k, n): in each column the sizes of the
    parties, in no special order, and 0 in the places left over.

    >>> import numpy as np
    >>> votes(np.array([[5, 0], [5, 2], [1, 3]])).tolist()
    [[1, 1], [0, 1], [2, 1]]
    """
    ballots = np.sort(choices, axis=0)
    last = np.ones(ballots.shape, dtype=np.bool_)
    last[:-1] = ballots[1:] != ballots[:-1]
    upto = np.ones(ballots.shape, dtype=np.int64)
    for i in range(1, len(ballots)):
        upto[i] = np.where(last[i - 1], 1, upto[i - 1] + 1)
    return np.where(last, upto, 0)


def where_chosen(values: Doubles, *choices: Choices) -> Doubles:
    """The values (n,) of rows in which everyone has a choice, NaN for the others."""
    missing = np.logical_or.reduce([each < 0 for each in choices])
    return np.where(missing, np.nan, values) if missing.any() else values
