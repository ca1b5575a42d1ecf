"""How much of an association is chance: adjusted mutual information, and tests of independence."""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction
from typing import Annotated

from divtool.accumulators.joint_table import JointTable
from divtool.measures.information import information_of
from divtool.measures.joint_information import FAMILY, norm_of
from divtool.measures.statistic import Significance, statistic
from divtool.numerics import association
from divtool.numerics.chance import excess_information
from divtool.numerics.chisquare import chi_square_survival, log_chi_square_survival
from divtool.numerics.exactsum import rounded_root

_SAME = {"scale-free", "names-do-not-matter"}
_AGRESTI = "Agresti, A. (2013), Categorical Data Analysis, 3rd edition, section 3.2"
# Below so many expected cases a cell's count is far from normal (Cochran 1954).
_FEW = 5
_LOG_TEN = math.log(10.0)


@statistic(
    "ami", title="AMI", family=FAMILY, formula="(I - E I) / (norm(H(X), H(Y)) - E I), E over tables with these margins",
    cite="Vinh, N. X., Epps, J. and Bailey, J. (2010), JMLR 11", unit="1", bounds=(-float("inf"), 1.0), better="higher",
    laws={"symmetric", "at-most-one", "one-if-identical", "names-do-not-matter"}, counted=True,
    also=("adjusted-mutual-information",),
)  # fmt: skip
def adjusted_mutual_information(
    table: JointTable,
    *,
    norm: Annotated[str, "Norm of the entropies: min, geometric, arithmetic, max."] = "arithmetic",
) -> float:
    """Mutual information beyond that of random labelings with the same counts: 0 by chance, 1 where labelings agree.

    Edges: exactly 0 where all tables with these margins have the same mutual information; 1 where the labelings are the
    same up to names, which two of a single outcome, or of nothing but different ones, are.
    """
    information = information_of(table)
    if information.x_given_y == information.y_given_x == 0.0:
        return 1.0
    rows, columns = table.margin(0).counts, table.margin(1).counts
    excess = excess_information(information.mutual, rows, columns, table.total)
    # norm - E I = (norm - I) + (I - E I), of which the first is a mean of conditional entropies: nothing cancels.
    x, y = information.y_given_x, information.x_given_y
    rest = {"arithmetic": (x + y) / 2.0, "max": max(x, y), "min": min(x, y)}.get(norm)
    if rest is None:
        rest = norm_of(information, norm) - information.mutual
    return 0.0 if excess == 0.0 else excess / (rest + excess)


def _tested(table: JointTable, value: float) -> Significance:
    """A statistic that is chi-square with (rows - 1)(columns - 1) degrees of freedom where X and Y are independent."""
    rows, columns = table.margin(0).counts, table.margin(1).counts
    degrees = (rows.size - 1) * (columns.size - 1)
    log_p = log_chi_square_survival(value, degrees)
    return Significance(value, degrees, chi_square_survival(value, degrees), 0.0 + log_p / _LOG_TEN)


@statistic(
    "g-test", title="G", family=FAMILY, formula="2 N I(X;Y) in nats", cite=_AGRESTI, unit="1",
    bounds=(0.0, float("inf")), laws={"non-negative", "symmetric", "zero-if-independent", "names-do-not-matter"},
    counted=True, also=("g", "likelihood-ratio-test"),
)  # fmt: skip
def g_test(table: JointTable) -> Significance:
    """The likelihood-ratio test of independence.

    Edges: with a single outcome on either side there is nothing to test: 0 degrees of freedom, p-value 1.
    """
    cells, rows, columns, total = table.counts, table.sums(0), table.sums(1), table.total
    return _tested(table, 2.0 * total * association.mutual_information(cells, rows, columns, total))


@statistic(
    "chi2-test", title="chi-square", family=FAMILY, formula="sum (n - e)^2 / e, e = n(x) n(y) / N", cite=_AGRESTI,
    unit="1", bounds=(0.0, float("inf")),
    laws={"non-negative", "symmetric", "zero-if-independent", "names-do-not-matter"}, counted=True,
    also=("chi2", "chi-square-test"),
)  # fmt: skip
def chi2_test(table: JointTable) -> Significance:
    """Pearson's test of independence, without Yates' correction.

    Edges: with a single outcome on either side there is nothing to test: 0 degrees of freedom, p-value 1.
    """
    return _tested(table, association.chi_square(table.counts, table.sums(0), table.sums(1), table.total))


@statistic(
    "cramers-v", title="Cramer's V", family=FAMILY, formula="sqrt(chi-square / (N min(rows - 1, columns - 1)))",
    cite="Cramer, H. (1946), Mathematical Methods of Statistics, chapter 21", unit="1", bounds=(0.0, 1.0),
    better="higher", laws=_SAME | {"non-negative", "at-most-one", "symmetric", "zero-if-independent"},
)  # fmt: skip
def cramers_v(table: JointTable) -> float:
    """Chi-square as a share of the most it can be.

    Edges: 0 where either variable has a single outcome.
    """
    least = min(table.margin(0).counts.size, table.margin(1).counts.size) - 1
    if least == 0:
        return 0.0
    value = association.chi_square(table.counts, table.sums(0), table.sums(1), table.total)
    return min(1.0, rounded_root(Fraction(value) / (table.total * least)))


def few_expected(table: JointTable) -> tuple[int, int]:
    """How many cells expect fewer than five cases if the first two variables are independent, given all others, and how
    many cells there are."""
    few = cells = 0
    for rows, columns in table.per_stratum(*range(2, table.width)):
        ranked = sorted(columns.tolist())
        bound = _FEW * sum(ranked)
        few += sum(bisect_left(ranked, bound / row) for row in rows.tolist())
        cells += rows.size * columns.size
    return few, cells
