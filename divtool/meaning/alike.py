"""What speaks against columns being the classes of one table, where rows do not sum to 1 to speak for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from divtool.numerics.logspace import log_sum_exp
from divtool.numerics.rowsum import row_sum

Doubles = npt.NDArray[np.float64]

_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_BOUNDARY = re.compile(r"[_.:/ -]")
# Of more columns than this not every one is held against all others.
MOST_TRIED = 100
_MOST_NAMES = 2000
_NEAR = 1e-6


def odd_one_out(x: Doubles, tolerance: float) -> tuple[int, str] | None:
    """A column that the others make: without it the rows sum to 1, or it is their greatest, their sum or the logarithm
    of the sum of their exponentials. The column and what it is.

    >>> odd_one_out(np.array([[1.0, 2.0, 2.0], [3.0, 0.5, 3.0]]), 1e-6)
    (2, 'is the greatest of the others in every row')
    """
    if not 2 < x.shape[1] <= MOST_TRIED or not np.isfinite(x).all() or len(x) < 2:
        return None
    for i in range(x.shape[1]):
        rest = np.delete(x, i, axis=1)
        if 2 * (np.abs(row_sum(rest) - 1.0) <= tolerance).sum() > len(x):
            return i, ""
    for i in reversed(range(x.shape[1])):
        rest = np.delete(x, i, axis=1)
        for made, said in (
            (rest.max(axis=1), "is the greatest of the others in every row"),
            (row_sum(rest), "is the sum of the others in every row"),
            (log_sum_exp(rest), "is the log-sum-exp of the others in every row"),
        ):
            if (np.abs(x[:, i] - made) <= _NEAR * (1.0 + np.abs(made))).all():
                return i, said
    return None


def sum_of_others(x: Doubles) -> int | None:
    """The column that is the sum of the others in every row: a total beside counts."""
    for i in range(x.shape[1] if 2 < x.shape[1] <= MOST_TRIED and len(x) > 1 else 0):
        if (row_sum(np.delete(x, i, axis=1)) == x[:, i]).all():
            return i
    return None


def apart_from_series(names: Sequence[str]) -> tuple[str, str, str] | None:
    """Where some names are one word with the numbers 0, 1, 2, ... (or 1, 2, ...) and others are not: the first and the
    last of the series, and the first name that is not of it.

    >>> apart_from_series(["logits_0", "logits_1", "logits_2", "logits_max"])
    ('logits_0', 'logits_2', 'logits_max')
    """
    series: dict[str, dict[int, str]] = {}
    for name in names:
        found = _NUMBERED.fullmatch(name)
        if found:
            series.setdefault(found[1], {})[int(found[2])] = name
    whole = [
        numbers for numbers in series.values()
        if len(numbers) > 1 and min(numbers) in (0, 1) and max(numbers) - min(numbers) == len(numbers) - 1
    ]  # fmt: skip
    if len(whole) != 1 or len(whole[0]) == len(names):
        return None
    inside = set(whole[0].values())
    return whole[0][min(whole[0])], whole[0][max(whole[0])], next(name for name in names if name not in inside)


def side_by_side(names: Sequence[str]) -> tuple[str, str] | None:
    """The first two of several beginnings under which the same classes stand: outputs of several models in one table.

    >>> side_by_side(["a_cat", "a_dog", "b_cat", "b_dog"]), side_by_side(["cat", "dog", "raw_cat", "raw_dog"])
    (('a_', 'b_'), ('', 'raw_'))
    """
    if len(names) > _MOST_NAMES:
        return None
    rests: dict[str, set[str]] = {}
    for name in names:
        for found in _BOUNDARY.finditer(name):
            rests.setdefault(name[: found.end()], set()).add(name[found.end() :])
    every, seen = set(names), dict[frozenset[str], str]()
    for start, found_rests in rests.items():
        if len(found_rests) < 2:
            continue
        if found_rests <= every:
            return "", start
        first = seen.setdefault(frozenset(found_rests), start)
        if first != start:
            return first, start
    return None


def other_scale(x: Doubles) -> str:
    """What other scale than that of logits the numbers are on, where most rows sum to 1 on it; empty if on none.

    >>> other_scale(np.log2(np.array([[0.25, 0.75], [0.5, 0.5]])))
    '2^x sums to 1 in each row: logarithms of probabilities to the base 2'
    """
    with np.errstate(all="ignore"):
        scales = (
            (np.exp2(x), "2^x sums to 1 in each row: logarithms of probabilities to the base 2"),
            (10.0**x, "10^x sums to 1 in each row: logarithms of probabilities to the base 10"),
            (np.exp(-x), "exp(-x) sums to 1 in each row: negated log-probabilities"),
            (1.0 / np.where(x > 0.0, x, np.nan), "1/x sums to 1 in each row: decimal odds"),
            (x / np.where(x > 0.0, 1.0 + x, np.nan), "x/(1+x) sums to 1 in each row: odds"),
            # Of two logits x and -x it sums to 1 as well.
            (1.0 / (1.0 + np.exp(-x if x.shape[1] > 2 else x + np.nan)), "the sigmoids sum to 1 in each row: log-odds"),
        )
        for powers, said in scales:
            if 2 * (np.abs(row_sum(powers) - 1.0) <= _NEAR).sum() > len(x):
                return said
    return ""
