"""What several variables say together: of a joint table of any number of variables."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from divtool.accumulators.joint_table import Integers, JointTable
from divtool.errors import ResourceError
from divtool.measures.statistic import Subsets, statistic
from divtool.numerics import association

FAMILY = "several variables"
_LAWS = {"scale-free", "names-do-not-matter", "symmetric"}
_INFINITE = float("inf")
# Co-information takes a sum over all subsets of the variables.
_MOST_VARIABLES = 12


def _total(width: int) -> Subsets:
    return [*((1, (place,)) for place in range(width)), (-1, tuple(range(width)))]


def _dual(width: int) -> Subsets:
    whole = tuple(range(width))
    others = [tuple(each for each in whole if each != place) for place in whole]
    return [(1 - width, whole), *((1, each) for each in others if each)]


def _difference(width: int) -> Subsets:
    return [*_total(width), *((-factor, subset) for factor, subset in _dual(width))]


def _alternating(width: int) -> Subsets:
    sizes = range(1, _fewer(width) + 1)
    return [(1 if size % 2 else -1, subset) for size in sizes for subset in combinations(range(width), size)]


def _signed(width: int) -> Subsets:
    return [((-1) ** width * factor, subset) for factor, subset in _alternating(width)]


def _fewer(width: int) -> int:
    """The number of variables, if all their subsets can be looked at."""
    if width <= _MOST_VARIABLES:
        return width
    raise ResourceError(
        f"co-information of {width} variables takes {2**width:,} entropies (at most {_MOST_VARIABLES} variables)",
        hint="name fewer columns: --columns a,b,c",
    )


def _all(table: JointTable) -> tuple[int, ...]:
    return tuple(range(table.width))


def _product(factors: list[Integers], size: int) -> Integers:
    """The product of counts, in Python's integers."""
    product = np.ones(size, object)
    for factor in factors:
        product = product * factor.astype(object)
    return product


def _without(table: JointTable, place: int) -> Integers:
    """For each cell the count of all cells with the same outcomes of the other variables."""
    others = tuple(each for each in _all(table) if each != place)
    return table.sums(*others) if others else np.full_like(table.counts, table.total)


@statistic(
    "total-correlation", title="total correlation", family=FAMILY, formula="sum H(X_i) - H(X_1, ..., X_k)",
    cite="Watanabe, S. (1960), Information theoretical analysis of multivariate correlation, IBM Journal 4",
    bounds=(0.0, _INFINITE), laws=_LAWS | {"non-negative", "zero-if-independent"}, subsets=_total,
    also=("multi-information", "tc"),
)  # fmt: skip
def total_correlation(table: JointTable) -> float:
    """What all variables together share: KL from their joint distribution to the product of their own."""
    margins = [table.sums(place) for place in _all(table)]
    return association.total_correlation(table.counts, margins, table.total)


@statistic(
    "dual-total-correlation", title="dual total correlation", family=FAMILY,
    formula="H(X_1, ..., X_k) - sum H(X_i | all others)",
    cite="Han, T. S. (1978), Nonnegative entropy measures of multivariate symmetric correlations, Inf. Control 36",
    bounds=(0.0, _INFINITE), laws=_LAWS | {"non-negative", "zero-if-independent"}, subsets=_dual,
    also=("binding-information", "dtc"),
)  # fmt: skip
def dual_total_correlation(table: JointTable) -> float:
    """What of the joint entropy is known from more than one variable."""
    cells, size = table.counts, len(table.counts)
    known = _product([cells] * (table.width - 1), size) * table.total
    rest = _product([_without(table, place) for place in _all(table)], size)
    return max(0.0, association.weighted_logs(cells, table.total, known, rest))


@statistic(
    "o-information", title="O-information", family=FAMILY, formula="total correlation - dual total correlation",
    cite="Rosas, F. E. et al. (2019), Quantifying high-order interdependencies, Physical Review E 100",
    bounds=(-_INFINITE, _INFINITE), laws=_LAWS | {"zero-if-independent"}, subsets=_difference,
)  # fmt: skip
def o_information(table: JointTable) -> float:
    """Above 0 where variables repeat each other, below 0 where only all of them together tell; 0 for two."""
    cells, size, total = table.counts, len(table.counts), table.total
    shared = _product([_without(table, place) for place in _all(table)], size) * total ** max(0, table.width - 2)
    own = _product([table.sums(place) for place in _all(table)], size)
    return association.weighted_logs(cells, total, shared, own * _product([cells] * max(0, table.width - 2), size))


@statistic(
    "co-information", title="co-information", family=FAMILY, formula="-sum over subsets T of (-1)^|T| H(T)",
    cite="Bell, A. J. (2003), The co-information lattice, ICA", bounds=(-_INFINITE, _INFINITE),
    laws=_LAWS | {"zero-if-independent"}, subsets=_alternating,
)  # fmt: skip
def co_information(table: JointTable) -> float:
    """What all variables have in common: for three, I(X;Y) - I(X;Y|Z), which may be negative."""
    odd: list[Integers] = []
    even: list[Integers] = []
    for factor, subset in _alternating(table.width):
        (odd if factor > 0 else even).append(table.sums(*subset))
    # Each entropy is -sum (n/N) log(count/N); the powers of N leave one, for there is one odd subset more.
    numerator = _product(even, len(table.counts)) * table.total
    return association.weighted_logs(table.counts, table.total, numerator, _product(odd, len(table.counts)))


@statistic(
    "interaction-information", title="interaction information", family=FAMILY, formula="(-1)^k co-information",
    cite="McGill, W. J. (1954), Multivariate information transmission, Psychometrika 19",
    bounds=(-_INFINITE, _INFINITE), laws=_LAWS | {"zero-if-independent"}, subsets=_signed, also=("mcgill",),
)  # fmt: skip
def interaction_information(table: JointTable) -> float:
    """What knowing one more variable adds: for three, I(X;Y|Z) - I(X;Y), above 0 where they tell more together."""
    value = co_information(table)
    return value if table.width % 2 == 0 else 0.0 - value


def conditional_mutual_information(table: JointTable, x: int, y: int, given: tuple[int, ...]) -> float:
    """I(X; Y | Z) in nats, Z all outcomes of the ``given`` variables together; exactly 0 where X and Y are independent
    within each outcome of Z.

    >>> from divtool.accumulators.joint_table import table_of
    >>> exclusive = table_of(np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]))
    >>> conditional_mutual_information(exclusive, 0, 1, (2,))
    0.6931471805599453
    """
    with_x, with_y, alone = table.sums(x, *given), table.sums(y, *given), table.sums(*given)
    # Where one variable tells the other, it is the other's entropy, to the last bit.
    for tells, told in ((x, y), (y, x)):
        known = table.margin(told, *given)
        if len(known.counts) and _tells(table, tells, given):
            return association.conditional_entropy(known.counts, known.sums(*range(1, known.width)), table.total)
    return association.conditional_information(
        table.counts, with_x, with_y, alone, table.groups(*given), table.total
    )  # fmt: skip


def _tells(table: JointTable, place: int, given: tuple[int, ...]) -> bool:
    """Whether one variable and the given ones leave nothing to be known of a cell."""
    return len(table.margin(place, *given).counts) == len(table.counts)
