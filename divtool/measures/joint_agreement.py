"""How far two labelings with the same names agree: the figures of a confusion matrix, X the truth, Y the prediction.
A class that one of them never names is one that it never names.

All are ratios of whole numbers, rounded once.
"""

from __future__ import annotations

from fractions import Fraction

from divtool.accumulators.joint_table import JointTable
from divtool.measures.statistic import statistic
from divtool.numerics.exactsum import rounded, rounded_root

FAMILY = "agreement"
_LAWS = {"at-most-one", "one-if-identical", "scale-free", "names-do-not-matter"}


def _by_class(table: JointTable) -> list[tuple[int, int, int]]:
    """For each class that either side knows: how often both say it, how often X does, how often Y does."""
    sides = [dict(zip(names, _counts(table, place), strict=True)) for place, names in enumerate(table.entries)]
    cells = zip(table.cells.tolist(), table.counts.tolist(), strict=True)
    both = {table.entries[0][x]: count for (x, y), count in cells if table.entries[0][x] == table.entries[1][y]}
    names = dict.fromkeys([*table.entries[0], *table.entries[1]])
    return [(both.get(name, 0), sides[0].get(name, 0), sides[1].get(name, 0)) for name in names]


def _counts(table: JointTable, place: int) -> list[int]:
    """How often each outcome of a variable occurs."""
    margin = table.margin(place)
    counts = [0] * len(table.entries[place])
    for code, count in zip(margin.cells[:, 0].tolist(), margin.counts.tolist(), strict=True):
        counts[code] = count
    return counts


def _agreed(table: JointTable) -> Fraction:
    return Fraction(sum(both for both, _, _ in _by_class(table)), table.total)


@statistic(
    "accuracy", title="accuracy", family=FAMILY, formula="sum n(k,k) / N", cite="", unit="1", bounds=(0.0, 1.0),
    better="higher", laws=_LAWS | {"non-negative", "symmetric"}, square=True, also=("agreement",),
)  # fmt: skip
def accuracy(table: JointTable) -> float:
    """The share of cases in which both say the same."""
    return rounded(_agreed(table))


@statistic(
    "balanced-accuracy", title="balanced accuracy", family=FAMILY, formula="mean over classes of n(k,k) / n(X = k)",
    cite="Brodersen, K. H. et al. (2010), The balanced accuracy and its posterior distribution, ICPR", unit="1",
    bounds=(0.0, 1.0), better="higher", laws=_LAWS | {"non-negative"}, square=True,
)  # fmt: skip
def balanced_accuracy(table: JointTable) -> float:
    """The mean recall of the classes that X has."""
    recalls = [Fraction(both, truth) for both, truth, _ in _by_class(table) if truth]
    return rounded(sum(recalls, Fraction(0)) / len(recalls))


def _f1(both: int, truth: int, said: int) -> Fraction:
    return Fraction(2 * both, truth + said)


@statistic(
    "f1-macro", title="F1 (macro)", family=FAMILY, formula="mean over classes of 2 n(k,k) / (n(X = k) + n(Y = k))",
    cite="van Rijsbergen, C. J. (1979), Information Retrieval, chapter 7", unit="1", bounds=(0.0, 1.0), better="higher",
    laws=_LAWS | {"non-negative", "symmetric"}, square=True, also=("f1", "dice"),
)  # fmt: skip
def f1_macro(table: JointTable) -> float:
    """The mean F1 of the classes that occur on either side."""
    scores = [_f1(*each) for each in _by_class(table) if each[1] + each[2]]
    return rounded(sum(scores, Fraction(0)) / len(scores))


@statistic(
    "f1-weighted", title="F1 (weighted)", family=FAMILY, formula="mean of the classes' F1, weighted by n(X = k)",
    cite="van Rijsbergen, C. J. (1979), Information Retrieval, chapter 7", unit="1", bounds=(0.0, 1.0), better="higher",
    laws=_LAWS | {"non-negative"}, square=True,
)  # fmt: skip
def f1_weighted(table: JointTable) -> float:
    """The F1 of the classes, each weighted by its share of X."""
    scores = [_f1(*each) * each[1] for each in _by_class(table) if each[1]]
    return rounded(sum(scores, Fraction(0)) / table.total)


@statistic(
    "cohens-kappa", title="Cohen's kappa", family=FAMILY, formula="(a - e) / (1 - e), e = sum p(X = k) p(Y = k)",
    cite="Cohen, J. (1960), A coefficient of agreement for nominal scales, Educ. Psychol. Measurement 20",
    unit="1", bounds=(-1.0, 1.0), better="higher", laws=_LAWS | {"symmetric", "zero-if-independent"}, square=True,
    also=("kappa",),
)  # fmt: skip
def cohens_kappa(table: JointTable) -> float:
    """Agreement beyond that of independent labelings.

    Edges: 1 where both know a single class, and it is the same one.
    """
    by_chance = Fraction(sum(truth * said for _, truth, said in _by_class(table)), table.total**2)
    return 1.0 if by_chance == 1 else rounded((_agreed(table) - by_chance) / (1 - by_chance))


@statistic(
    "matthews", title="Matthews correlation", family=FAMILY,
    formula="(N sum n(k,k) - sum n(X=k) n(Y=k)) / sqrt((N^2 - sum n(X=k)^2)(N^2 - sum n(Y=k)^2))",
    cite="Gorodkin, J. (2004), Comparing two K-category assignments, Computational Biology and Chemistry 28", unit="1",
    bounds=(-1.0, 1.0), better="higher", laws=_LAWS - {"one-if-identical"} | {"symmetric", "zero-if-independent"},
    square=True, also=("mcc",),
)  # fmt: skip
def matthews(table: JointTable) -> float:
    """The correlation of two labelings.

    Edges: 0 where either side has a single class.
    """
    classes, total = _by_class(table), table.total
    covariance = total * sum(both for both, _, _ in classes) - sum(truth * said for _, truth, said in classes)
    of_x = total**2 - sum(truth**2 for _, truth, _ in classes)
    of_y = total**2 - sum(said**2 for _, _, said in classes)
    if of_x * of_y == 0:
        return 0.0
    size = rounded_root(Fraction(covariance**2, of_x * of_y))
    return size if covariance >= 0 else -size
