"""What the members of an ensemble say together, and how far they part: uncertainty and votes.

The entropy of their mean is the mean of their entropies and their mutual information (``js-members``) together.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from divtool.measures.declare import measure
from divtool.measures.jensen import MEMBERS, SHARES_HELP, shares_of
from divtool.measures.vocabulary import Labels, Matrix, Rows
from divtool.numerics.choices import votes, where_chosen
from divtool.numerics.mixtures import mixture_entropy_rows

_INF = float("inf")
_DEPEWEG = (
    "Depeweg, S. et al. (2018), Decomposition of Uncertainty in Bayesian Deep Learning, ICML; "
    "Lakshminarayanan, B. et al. (2017), Simple and Scalable Predictive Uncertainty Estimation, NeurIPS"
)
_ENTROPY = {"non-negative", "class-permutation", "shift-invariant", "at-most-log-classes"}
_VOTES = {"non-negative", "shift-invariant", "at-most-one"}


@measure(
    "predictive-entropy",
    title="Entropy of the mean of the members",
    family="ensembles",
    operands=(MEMBERS,),
    formula="H(m) = -sum_k m_k log m_k, m = sum_i w_i p_i",
    cite=_DEPEWEG,
    bounds=(0.0, _INF),
    laws=_ENTROPY,
    promise=32,
    also=("total-uncertainty", "ensemble-entropy"),
)
def predictive_entropy(members: Matrix, *, weights: Annotated[str, SHARES_HELP] = "") -> Rows:
    """Entropy of the mean of the members: all of an ensemble's uncertainty.

    ``members`` (k, n, C) are distributions. One number a row, in nats, from 0 to log C. It is ``expected-entropy``
    plus ``js-members``.

    Edges: 0 log 0 = 0; 0 where all members are sure of one class; weights are divided by their sum.

    >>> import numpy as np
    >>> np.exp(predictive_entropy(np.array([[[1.0, 0.0]], [[0.0, 1.0]]])))
    array([2.])
    """
    return mixture_entropy_rows(members, shares_of(weights, len(members)))


@measure(
    "expected-entropy",
    title="Mean of the entropies of the members",
    family="ensembles",
    operands=(MEMBERS,),
    formula="sum_i w_i H(p_i)",
    cite=_DEPEWEG,
    bounds=(0.0, _INF),
    laws=_ENTROPY | {"grows-with-temperature"},
    promise=32,
    also=("aleatoric", "aleatoric-uncertainty", "mean-entropy"),
)
def expected_entropy(entropies: Rows, *, weights: Annotated[str, SHARES_HELP] = "") -> Rows:
    """Mean of the members' entropies: the uncertainty that they share (aleatoric).

    ``entropies`` (k, n) are the Shannon entropies of the members. One number a row, in nats, from 0 to log C.

    Edges: 0 where each member is sure, though they be of different classes; weights are divided by their sum.

    >>> import numpy as np
    >>> expected_entropy(np.array([[0.5, 0.0], [1.5, 0.0]]))
    array([1., 0.])
    """
    total = np.zeros(entropies.shape[1])
    for share, each in zip(shares_of(weights, len(entropies)), entropies, strict=True):
        total += share * each
    return total


@measure(
    "disagreement",
    title="Pairs of members that disagree",
    family="ensembles",
    operands=(MEMBERS,),
    formula="share of pairs i < j with argmax p_i != argmax p_j",
    cite="Skalak, D. B. (1996), The Sources of Increased Accuracy for Two Proposed Boosting Algorithms; "
    "Kuncheva, L. I. and Whitaker, C. J. (2003), Measures of Diversity in Classifier Ensembles, Machine Learning 51",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_VOTES,
    promise=1,
    also=("pairwise-disagreement", "churn"),
)
def disagreement(choices: Labels) -> Rows:
    """Share of the pairs of members whose most probable classes differ.

    ``choices`` (k, n) is each member's most probable class, of equal ones the first. One number a row, from 0 to 1.

    Edges: 0 where all choose the same; 1 where no two do; of two members 0 or 1.

    >>> import numpy as np
    >>> disagreement(np.array([[0, 1], [0, 2], [1, 3]]))
    array([0.66666667, 1.        ])
    """
    members = len(choices)
    pairs, parties = members * (members - 1), votes(choices)
    alike = (parties * np.maximum(parties - 1, 0)).sum(axis=0)
    return where_chosen((pairs - alike) / max(pairs, 1), *choices)


@measure(
    "variation-ratio",
    title="Variation ratio of the votes",
    family="ensembles",
    operands=(MEMBERS,),
    formula="1 - max_c n_c / k, n_c of the k members choose c",
    cite="Freeman, L. C. (1965), Elementary Applied Statistics; Beluch, W. H. et al. (2018), The Power of Ensembles "
    "for Active Learning in Image Classification, CVPR",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws=_VOTES | {"at-most-log-classes"},
    promise=1,
)
def variation_ratio(choices: Labels) -> Rows:
    """Share of the members that do not vote for the commonest class.

    ``choices`` (k, n) is each member's most probable class, of equal ones the first. One number a row, from 0 to
    1 - 1/k.

    Edges: 0 where all vote for one class; which of two classes with as many votes is the commonest does not matter.

    >>> import numpy as np
    >>> variation_ratio(np.array([[0, 1], [0, 2], [1, 3], [0, 4]]))
    array([0.25, 0.75])
    """
    return where_chosen((len(choices) - votes(choices).max(axis=0)) / len(choices), *choices)


@measure(
    "vote-entropy",
    title="Entropy of the votes",
    family="ensembles",
    operands=(MEMBERS,),
    formula="-sum_c (n_c/k) log(n_c/k), n_c of the k members choose c",
    cite="Dagan, I. and Engelson, S. P. (1995), Committee-Based Sampling for Training Probabilistic Classifiers, ICML",
    bounds=(0.0, _INF),
    better="lower",
    laws={"non-negative", "shift-invariant", "at-most-log-classes"},
    promise=16,
)
def vote_entropy(choices: Labels) -> Rows:
    """Entropy of the members' votes: how widely they are scattered over the classes.

    ``choices`` (k, n) is each member's most probable class, of equal ones the first. One number a row, in nats, from 0
    to the logarithm of the number of members or of classes, whichever is less.

    Edges: exactly 0 where all vote for one class; log k where each of k members votes for another.

    >>> import numpy as np
    >>> np.exp(vote_entropy(np.array([[0, 1], [0, 2]])))
    array([1., 2.])
    """
    members, parties = len(choices), votes(choices)
    held = np.maximum(parties, 1)
    terms = parties * np.log1p((members - held) / held)
    # The parties stand in the order of their classes: their sum must not depend on that.
    return where_chosen(np.sort(terms, axis=0).sum(axis=0) / members, *choices)
