"""Scores of predictions against the truth that are no logarithms: squared and ranked errors, and plain mistakes."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import LABELS, PREDICTIONS, measure
from divtool.measures.losses import HARD
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.geometry import norm_rows
from divtool.numerics.rowsum import row_sum
from divtool.numerics.scores import ranked_probability_rows, spherical_rows


@measure(
    "brier",
    title="Brier score",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="sum_k (q_k - p_k)^2   (p: the label as one-hot, or soft; --half: half of it)",
    cite="Brier, G. W. (1950), Verification of Forecasts Expressed in Terms of Probability, Mon. Weather Rev. 78(1)",
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    promise=16,
    also=("brier-score", "squared-error"),
    common=True,
)
def brier(
    error: Matrix, *, half: Annotated[bool, "Half the sum: from 0 to 1, and of two classes that of one."] = False
) -> Rows:
    """Brier score: the squared distance between prediction and truth, over all classes.

    ``error`` (n, C) is prediction - truth. One number a row, from 0 to 2. At a hard label the error is what the model
    leaves to the others, so a nearly certain label keeps every digit; where a soft truth is nearly met, the absolute
    error is a few u of the distance.

    Edges: 0 where all mass is on the label, 2 where all of it is on another class. Class weights do not apply.

    >>> import numpy as np
    >>> brier(np.array([[-0.5, 0.25, 0.25]]))
    array([0.375])
    """
    total = row_sum(error * error)
    return total * 0.5 if half else total


@measure(
    "el2n",
    title="Length of the error (EL2N)",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="sqrt(sum_k (q_k - p_k)^2)",
    cite="Paul, M., Ganguli, S. and Dziugaite, G. K. (2021), Deep Learning on a Data Diet, NeurIPS",
    unit="1",
    bounds=(0.0, 1.4142135623730951),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    promise=16,
)
def error_length(error: Matrix) -> Rows:
    """Length of the error vector: how hard an example is, and that of the cross-entropy's gradient by the logits.

    ``error`` (n, C) is prediction - truth. One number a row, from 0 to the root of 2; nothing underflows on the way.

    Edges: 0 where all mass is on the label. Where a soft truth is nearly met, the absolute error is a few u.

    >>> import numpy as np
    >>> error_length(np.array([[-0.75, 1.0]]))
    array([1.25])
    """
    return norm_rows(error)


@measure(
    "spherical",
    title="Spherical score",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="sum_k p_k q_k / sqrt(sum_k q_k^2)   (p: the label as one-hot, or soft)",
    cite="Good, I. J. (1971), Comment on Measuring Information and Uncertainty; Gneiting, T. and Raftery, A. E. (2007),"
    " Strictly Proper Scoring Rules, J. Am. Stat. Assoc. 102",
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws={"non-negative", "class-permutation", "shift-invariant", "at-most-one"},
    promise=16,
)
def spherical(prediction: Matrix, truth: Matrix) -> Rows:
    """Spherical score: the label's probability over the length of the prediction; a proper score, higher is better.

    ``prediction``, ``truth`` (n, C). One number a row, from 0 to 1.

    Edges: 1 where all mass is on the label, 0 where none is. Class weights do not apply.

    >>> import numpy as np
    >>> spherical(np.array([[0.6, 0.8]]), np.array([[0.0, 1.0]]))
    array([0.8])
    """
    return spherical_rows(prediction, truth)


@measure(
    "rps",
    title="Ranked probability score",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="sum_(k<C) (Q_k - P_k)^2   (sums of the first k classes, in their order; --normalized: over C - 1)",
    cite="Epstein, E. S. (1969), A Scoring System for Probability Forecasts of Ranked Categories, J. Appl. Meteorol. 8",
    unit="1",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "shift-invariant"},
    promise=32,
    also=("ranked-probability-score",),
    ordered=True,
)
def ranked_probability_score(
    error: Matrix, *, normalized: Annotated[bool, "Divide by the number of classes less one: from 0 to 1."] = False
) -> Rows:
    """Ranked probability score: the squared error of the cumulative distribution, for classes in an order.

    ``error`` (n, C) is prediction - truth, columns in the order of the classes. One number a row, from 0 to C - 1. Each
    cumulative error is summed from the end that has less before it, so near-certain rows keep every digit.

    Edges: 0 where all mass is on the label, and on a row of one class. Another order of the classes gives another
    number. Where a soft truth is nearly met, the absolute error is a few u of its square root.

    >>> import numpy as np
    >>> ranked_probability_score(np.array([[0.25, 0.25, -0.5]]))
    array([0.3125])
    """
    total = ranked_probability_rows(error)
    return total / (error.shape[1] - 1) if normalized and error.shape[1] > 1 else total


@measure(
    "error-rate",
    title="Error rate",
    family="losses",
    operands=(PREDICTIONS, HARD),
    formula="1 if argmax_k q_k is not the label, else 0",
    cite="Zero-one loss: Hastie, T., Tibshirani, R. and Friedman, J. (2009), The Elements of Statistical Learning, 2.4",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws={"non-negative", "shift-invariant", "at-most-one"},
    promise=16,
    also=("zero-one", "top-1-error", "accuracy"),
)
def error_rate(rank_of_label: Rows) -> Rows:
    """Zero-one loss: the share of rows whose most probable class is not the label. Accuracy is 1 less this.

    ``rank_of_label`` (n,) is how many classes stand before the label. One number a row, 0 or 1.

    Edges: of equally probable classes the one of lowest index is the model's answer, as with argmax.

    >>> import numpy as np
    >>> error_rate(np.array([0.0, 3.0]))
    array([0., 1.])
    """
    return np.where(rank_of_label > 0.0, 1.0, 0.0)


@measure(
    "top-k-error",
    title="Top-k error",
    family="losses",
    operands=(PREDICTIONS, HARD),
    formula="1 if k classes stand before the label, else 0   (k = --k)",
    cite="Russakovsky, O. et al. (2015), ImageNet Large Scale Visual Recognition Challenge, IJCV 115(3)",
    unit="1",
    bounds=(0.0, 1.0),
    better="lower",
    laws={"non-negative", "shift-invariant", "at-most-one", "at-most-log-classes"},
    promise=16,
    also=("top-k-accuracy",),
)
def top_k_error(
    rank_of_label: Rows, *, k: Annotated[int, "How many of the most probable classes may hold the label."] = 5
) -> Rows:
    """Share of rows whose label is not among the model's k most probable classes.

    ``rank_of_label`` (n,) is how many classes stand before the label. One number a row, 0 or 1.

    Edges: of equally probable classes those of lower index come first; with k classes or fewer it is 0; k below 1 is
    refused.

    >>> import numpy as np
    >>> top_k_error(np.array([0.0, 4.0, 5.0]))
    array([0., 0., 1.])
    """
    if k < 1:
        raise UsageError(f"--k {k}: expected a whole number from 1")
    return np.where(rank_of_label >= k, 1.0, 0.0)
