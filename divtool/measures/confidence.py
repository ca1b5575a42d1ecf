"""How sure a model is of its first choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from divtool.measures.declare import DISTRIBUTION, measure
from divtool.measures.vocabulary import Matrix, Rows

_INF = float("inf")
LOGITS = replace(DISTRIBUTION, metavar="LOGITS", help="Logits, a row each.", kinds=frozenset({"logits"}))


@measure(
    "max-probability",
    title="Largest probability",
    family="confidence",
    operands=(DISTRIBUTION,),
    formula="max_k p_k",
    cite="Hendrycks, D. and Gimpel, K. (2017), A Baseline for Detecting Misclassified Examples, ICLR",
    unit="1",
    bounds=(0.0, 1.0),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-one"},
    promise=16,
    also=("confidence", "msp"),
    common=True,
)
def max_probability(p: Matrix) -> Rows:
    """Largest probability of each row: how sure the model is.

    ``p`` (n, C). One number a row, from 1/C to 1.

    Edges: 1 for a one-hot row, 1/C for a flat one. Near 1 its distance from 1 is ``least-confidence``.

    >>> import numpy as np
    >>> max_probability(np.array([[0.25, 0.75]]))
    array([0.75])
    """
    return np.asarray(p.max(axis=1))


@measure(
    "least-confidence",
    title="Least confidence",
    family="confidence",
    operands=(DISTRIBUTION,),
    formula="1 - max_k p_k",
    cite="Lewis, D. D. and Gale, W. A. (1994), A Sequential Algorithm for Training Text Classifiers, SIGIR",
    unit="1",
    bounds=(0.0, 1.0),
    laws={
        "non-negative", "class-permutation", "shift-invariant", "at-most-one", "at-most-log-classes",
        "grows-with-temperature",
    },
    promise=16,
)  # fmt: skip
def least_confidence(complement_p: Matrix) -> Rows:
    """What each row's most probable class leaves to the others.

    ``complement_p`` (n, C) is 1 - p. One number a row, from 0 to 1 - 1/C, with every digit where the model is nearly
    certain.

    Edges: 0 for a one-hot row, 1 - 1/C for a flat one.

    >>> import numpy as np
    >>> least_confidence(1 - np.array([[0.25, 0.75]]))
    array([0.25])
    """
    return np.asarray(complement_p.min(axis=1))


@measure(
    "margin",
    title="Margin of the first choice",
    family="confidence",
    operands=(DISTRIBUTION,),
    formula="p_(1) - p_(2)   (the largest probability less the second)",
    cite="Scheffer, T., Decomain, C. and Wrobel, S. (2001), Active Hidden Markov Models, IDA",
    unit="1",
    bounds=(0.0, 1.0),
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-one"},
    promise=16,
)
def margin(p: Matrix, gap_p: Matrix) -> Rows:
    """How far each row's most probable class is ahead of the next.

    Taken from the gap of the second, so that nearly equal classes keep every digit. ``p`` (n, C), ``gap_p`` (n, C) is
    log(max p / p). One number a row, from 0 to 1.

    Edges: 0 where two classes are first; 1 for a one-hot row and for a row of one class.

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> margin(p, np.log(0.5 / p))
    array([0.25])
    """
    second = np.partition(gap_p, 1, axis=1)[:, 1] if p.shape[1] > 1 else _INF
    with np.errstate(invalid="ignore"):
        return np.asarray(0.0 - p.max(axis=1) * np.expm1(-second))


@measure(
    "energy-score",
    title="Energy score",
    family="confidence",
    operands=(LOGITS,),
    formula="E(x) = -T log sum_k exp(x_k / T)   (T = --temperature)",
    cite="Liu, W., Wang, X., Owens, J. D. and Li, Y. (2020), Energy-based Out-of-distribution Detection, NeurIPS",
    unit="1",
    bounds=(-_INF, _INF),
    laws={"class-permutation"},
    promise=16,
)
def energy_score(log_sum_p: Rows, temperature: float) -> Rows:
    """Energy of each row of logits: low where the model has seen much of the like.

    ``log_sum_p`` (n,) is the log of the sum of exponentials at temperature ``temperature``. One number a row, in the
    unit of the logits. Its absolute error is at most 4u (T + max |x|); it may be near 0, so it has no relative bound.

    Edges: -inf logits count nothing; a row with +inf gives -inf. Only of logits: probabilities would all give 0.

    >>> import numpy as np
    >>> energy_score(np.array([3.0]), 2.0)
    array([-6.])
    """
    return -temperature * log_sum_p
