"""The mutual information of two variables that have nothing to do with each other, sampled: random tables with the same
margins as an observed one, each as likely as if one variable's values had been shuffled over the cases.

Small tables are drawn cell by cell, each hypergeometric given those before it (Patefield, 1981, Applied Statistics 30,
has the same distribution); where the table has more cells than there are cases, the cases themselves are shuffled.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.errors import ResourceError, UsageError
from divtool.numerics.errorfree import Doubles
from divtool.numerics.exactsum import exact_sum
from divtool.numerics.logdefect import entropy_defect

Integers = npt.NDArray[Any]
Seed = int | np.random.SeedSequence | np.random.Generator

# NumPy draws hypergeometric numbers from fewer than 10^9 cases only.
_MOST_CASES = 10**9 - 1
# Tables are drawn together while a column of them holds so many numbers.
_AT_ONCE = 1 << 16
# A hypergeometric number costs about as much as so many cases of a shuffle.
_DRAW_COSTS = 8
# More cases are not shuffled, for they would not fit into a few hundred MB.
_MOST_SHUFFLED = 1 << 23
# Tables with the same mutual information may differ in its last bits; those within this share count as equal.
TIE = 2.0**-44


def permuted_information(
    row_sums: Integers, column_sums: Integers, total: int, permutations: int, seed: Seed
) -> Doubles:
    """The plug-in mutual information (permutations,) in nats, each within 32 u, of random tables with these margins.

    ``seed``: a number, a SeedSequence or a Generator (which moves on, so that strata can share one). The same seed
    gives the same values; exchanging rows and columns does not. Refused for 10^9 cases and more.

    >>> permuted_information(np.array([2, 2]), np.array([3, 1]), 4, 3, seed=0).round(6).tolist()
    [0.215762, 0.215762, 0.215762]
    """
    if permutations < 1:
        raise UsageError(f"{permutations} permutations - expected 1 or more")
    if total > _MOST_CASES:
        raise ResourceError(
            f"permutations of {total} cases - expected at most {_MOST_CASES}",
            hint="with so many cases the p-value of the chi-square distribution is as good",
        )
    rng = np.random.default_rng(seed)
    a, b = (np.asarray(each)[np.asarray(each) > 0].astype(np.int64) for each in (row_sums, column_sums))
    if a.size < 2 or b.size < 2:
        return np.zeros(permutations)
    if total <= _MOST_SHUFFLED and (a.size - 1) * (b.size - 1) * _DRAW_COSTS > total:
        return np.array([_shuffled(rng, a, b, total) for _ in range(permutations)])
    step = max(_AT_ONCE // b.size, 1)
    sizes = [min(step, permutations - done) for done in range(0, permutations, step)]
    return np.concatenate([_drawn(rng, a, b, total, size) for size in sizes])


def _drawn(rng: np.random.Generator, a: Integers, b: Integers, total: int, size: int) -> Doubles:
    """The information of so many tables, drawn together row by row."""
    left = np.repeat(b[:, None], size, axis=1)  # (columns, tables): what of each column is not yet given to a row
    terms = np.zeros((a.size, size))
    for place, row_sum in enumerate(a.tolist()):
        row = _row(rng, left, row_sum) if place < a.size - 1 else left
        terms[place] = _row_information(row, row_sum, b, total)
        left = left - row
    return np.array([math.fsum(column) for column in terms.T.tolist()])


def _row(rng: np.random.Generator, left: Integers, row_sum: int) -> Integers:
    """One row of each table: from what is left of the columns, so many cases at random."""
    row = np.empty_like(left)
    wanted = np.full(left.shape[1], row_sum, np.int64)
    beyond = left.sum(axis=0)
    for column, available in enumerate(left[:-1]):
        beyond = beyond - available
        row[column] = rng.hypergeometric(available, beyond, wanted)
        wanted = wanted - row[column]
    row[-1] = wanted
    return row


def _row_information(row: Integers, row_sum: int, b: Integers, total: int) -> Doubles:
    """A row's part (tables,) of the mutual information: sum e/N phi(n/e - 1), e = row sum * column sum / N."""
    expected = row_sum * b[:, None]
    terms = (expected / total) * entropy_defect((row * total - expected) / expected)
    return np.asarray(np.add.reduce(terms, axis=0) / total)


def _shuffled(rng: np.random.Generator, a: Integers, b: Integers, total: int) -> float:
    """The information of one table, by shuffling the cases' columns; cells that stay empty count e/N each."""
    pairs = np.repeat(np.arange(a.size), a) * b.size + rng.permutation(np.repeat(np.arange(b.size), b))
    cells, counts = np.unique(pairs, return_counts=True)
    expected = a[cells // b.size] * b[cells % b.size]
    terms = (expected / total) * entropy_defect((counts * total - expected) / expected)
    empty = total * total - sum(expected.tolist())
    return exact_sum(np.append(terms, empty / total)) / total


def at_least(null: Doubles, observed: float) -> int:
    """How many values of the null are as large as the observed one; those smaller by a share of TIE count as ties.

    >>> at_least(np.array([0.1, 0.3, 0.30000000000000004, 0.5]), 0.30000000000000004)
    3
    """
    return int((null >= observed - abs(observed) * TIE).sum())


def permutation_p(null: Doubles, observed: float) -> float:
    """(1 + how many are as large)/(1 + permutations): never 0 (Phipson and Smyth, 2010, Permutation p-values should
    never be zero, Statistical Applications in Genetics and Molecular Biology 9).

    >>> permutation_p(np.array([0.1, 0.2, 0.3]), 0.3)
    0.5
    """
    return (1 + at_least(null, observed)) / (1 + null.size)
