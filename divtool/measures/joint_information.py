"""Entropy and mutual information of two variables, and the shares that are made of them."""

from __future__ import annotations

import math
from typing import Annotated

from divtool.accumulators.joint_table import JointTable
from divtool.errors import UsageError
from divtool.measures.information import Information
from divtool.measures.statistic import statistic
from divtool.numerics import association

FAMILY = "joint outcomes"
_COVER = "Cover, T. M. and Thomas, J. A. (2006), Elements of Information Theory, chapter 2"
_INFINITE = float("inf")
_BASIC = {"non-negative", "scale-free", "names-do-not-matter"}


@statistic(
    "entropy-x", title="H(X)", family=FAMILY, formula="-sum p(x) log p(x)", cite=_COVER, bounds=(0.0, _INFINITE),
    laws=_BASIC,
)  # fmt: skip
def entropy_x(information: Information) -> float:
    """Entropy of the first variable."""
    return information.x


@statistic(
    "entropy-y", title="H(Y)", family=FAMILY, formula="-sum p(y) log p(y)", cite=_COVER, bounds=(0.0, _INFINITE),
    laws=_BASIC,
)  # fmt: skip
def entropy_y(information: Information) -> float:
    """Entropy of the second variable."""
    return information.y


@statistic(
    "joint-entropy", title="H(X,Y)", family=FAMILY, formula="-sum p(x,y) log p(x,y)", cite=_COVER,
    bounds=(0.0, _INFINITE), laws=_BASIC | {"symmetric"},
)  # fmt: skip
def joint_entropy(information: Information) -> float:
    """Entropy of both variables together."""
    return information.joint


@statistic(
    "entropy-x-given-y", title="H(X|Y)", family=FAMILY, formula="-sum p(x,y) log p(x|y)", cite=_COVER,
    bounds=(0.0, _INFINITE), laws=_BASIC, also=("conditional-entropy-x",),
)  # fmt: skip
def entropy_x_given_y(information: Information) -> float:
    """What remains uncertain of the first variable once the second is known."""
    return information.x_given_y


@statistic(
    "entropy-y-given-x", title="H(Y|X)", family=FAMILY, formula="-sum p(x,y) log p(y|x)", cite=_COVER,
    bounds=(0.0, _INFINITE), laws=_BASIC, also=("conditional-entropy",),
)  # fmt: skip
def entropy_y_given_x(information: Information) -> float:
    """What remains uncertain of the second variable once the first is known."""
    return information.y_given_x


@statistic(
    "mutual-information", title="I(X;Y)", family=FAMILY, formula="sum p(x,y) log( p(x,y) / (p(x) p(y)) )", cite=_COVER,
    bounds=(0.0, _INFINITE), laws=_BASIC | {"symmetric", "zero-if-independent"},
    also=("mi", "information-gain", "gain"),
)  # fmt: skip
def mutual_information(information: Information) -> float:
    """What each variable tells of the other: information gain, exactly 0 where they are independent."""
    return information.mutual


@statistic(
    "variation-of-information", title="variation of information", family=FAMILY, formula="H(X|Y) + H(Y|X)",
    cite="Meila, M. (2007), Comparing clusterings, Journal of Multivariate Analysis 98", bounds=(0.0, _INFINITE),
    better="lower", laws=_BASIC | {"symmetric"}, also=("vi",),
)  # fmt: skip
def variation_of_information(information: Information) -> float:
    """How far two labelings are apart: a metric, 0 where each tells the other."""
    return information.x_given_y + information.y_given_x


@statistic(
    "lautum-information", title="lautum information", family=FAMILY,
    formula="sum p(x) p(y) log( p(x) p(y) / p(x,y) )",
    cite="Palomar, D. P. and Verdu, S. (2008), Lautum information, IEEE Trans. Inf. Theory 54", bounds=(0.0, _INFINITE),
    laws=_BASIC | {"symmetric", "zero-if-independent"}, also=("lautum",),
)  # fmt: skip
def lautum_information(table: JointTable) -> float:
    """Mutual information with its arguments exchanged: +inf where a pair of outcomes never occurs."""
    return association.lautum_information(table.counts, table.sums(0), table.sums(1), table.total)


def share(part: float, whole: float, nothing: float = 1.0) -> float:
    """part / whole; ``nothing`` where there is nothing to have a part of."""
    return part / whole if whole > 0.0 else nothing


_NORMS = {
    "min": "min(H(X), H(Y))",
    "geometric": "sqrt(H(X) H(Y))",
    "arithmetic": "(H(X) + H(Y)) / 2",
    "max": "max(H(X), H(Y))",
    "joint": "H(X,Y)",
}
_TITLES = {"arithmetic": "NMI (arithmetic), symmetric uncertainty"}
_VINH = (
    "Vinh, N. X., Epps, J. and Bailey, J. (2010), Information theoretic measures for clusterings comparison, JMLR 11"
)


def norm_of(information: Information, norm: str) -> float:
    """What mutual information is divided by under one of the named norms."""
    x, y = information.x, information.y
    if norm == "geometric":
        return math.sqrt(x * y)
    if norm == "joint":
        return information.joint
    if norm not in _NORMS:
        raise UsageError(f'norm "{norm}": expected one of {", ".join(_NORMS)}')
    return {"min": min(x, y), "max": max(x, y), "arithmetic": (x + y) / 2.0}[norm]


def _normalized(norm: str, also: tuple[str, ...] = ()) -> None:
    """Declare mutual information over one norm."""

    def normalized(information: Information) -> float:
        return share(information.mutual, norm_of(information, norm))

    normalized.__doc__ = f"""Mutual information over {_NORMS[norm]}: 1 where each variable tells the other.

    Edges: 1 where both have a single outcome{", and where only one has" if norm in ("min", "geometric") else ""}.
    """
    one_sided = {"one-if-identical", "symmetric", "at-most-one"}
    # Over the least of two entropies, or their geometric mean, nothing of nothing is all.
    independent = set() if norm in ("min", "geometric") else {"zero-if-independent"}
    statistic(
        f"nmi-{norm}", title=_TITLES.get(norm, f"NMI ({norm})"), family=FAMILY, formula=f"I(X;Y) / ({_NORMS[norm]})",
        cite=_VINH, unit="1", bounds=(0.0, 1.0), better="higher", laws=_BASIC | one_sided | independent, also=also,
    )(normalized)  # fmt: skip


_normalized("min")
_normalized("geometric")
_normalized("arithmetic", ("nmi", "symmetric-uncertainty"))
_normalized("max")
_normalized("joint", ("iqr", "jaccard-information"))


@statistic(
    "homogeneity", title="homogeneity, Theil's U(X|Y)", family=FAMILY, formula="I(X;Y) / H(X)", unit="1",
    bounds=(0.0, 1.0),
    cite="Rosenberg, A. and Hirschberg, J. (2007), V-measure, EMNLP-CoNLL", better="higher",
    laws=_BASIC | {"at-most-one", "one-if-identical"}, also=("theils-u-x-given-y", "uncertainty-coefficient-x"),
)  # fmt: skip
def homogeneity(information: Information) -> float:
    """The share of H(X) that Y tells, Theil's U(X|Y): 1 where each cluster (Y) holds one class (X) only.

    Edges: 1 where X has a single outcome.
    """
    return share(information.mutual, information.x)


@statistic(
    "completeness", title="completeness, Theil's U(Y|X)", family=FAMILY, formula="I(X;Y) / H(Y)", unit="1",
    bounds=(0.0, 1.0),
    cite="Rosenberg, A. and Hirschberg, J. (2007), V-measure, EMNLP-CoNLL", better="higher",
    laws=_BASIC | {"at-most-one", "one-if-identical"},
    also=("theils-u", "theils-u-y-given-x", "uncertainty-coefficient"),
)  # fmt: skip
def completeness(information: Information) -> float:
    """The share of H(Y) that X tells, Theil's U(Y|X): 1 where each class (X) lies in one cluster (Y).

    Edges: 1 where Y has a single outcome.
    """
    return share(information.mutual, information.y)


@statistic(
    "v-measure", title="V-measure", family=FAMILY, formula="(1 + b) h c / (b h + c), h homogeneity, c completeness",
    cite="Rosenberg, A. and Hirschberg, J. (2007), V-measure, EMNLP-CoNLL", unit="1", bounds=(0.0, 1.0),
    better="higher", laws=_BASIC | {"at-most-one", "one-if-identical", "zero-if-independent", "symmetric"},
)  # fmt: skip
def v_measure(information: Information, *, beta: Annotated[float, "Weight of completeness."] = 1.0) -> float:
    """The harmonic mean of homogeneity and completeness, with its usual beta of 1 the same as NMI (arithmetic).

    Edges: 1 where both variables have a single outcome.
    """
    whole = beta * information.y + information.x
    return share((1.0 + beta) * information.mutual, whole)


@statistic(
    "gain-ratio", title="gain ratio", family=FAMILY, formula="I(X;Y) / H(X)", unit="1", bounds=(0.0, 1.0),
    cite="Quinlan, J. R. (1993), C4.5: Programs for Machine Learning, section 2.2", better="higher",
    laws=_BASIC | {"at-most-one", "zero-if-independent"},
)  # fmt: skip
def gain_ratio(information: Information) -> float:
    """Information gain over the entropy of the attribute X, so that many outcomes are no merit.

    Edges: 0 where X has a single outcome.
    """
    return share(information.mutual, information.x, nothing=0.0)
