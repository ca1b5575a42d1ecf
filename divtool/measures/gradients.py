"""Gradients of losses with respect to the logits, written to a file: of each row's own loss, not of a mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.binary import ANSWERS, TRUTH, Over, PosWeight, columns_of, weights_of_yes
from divtool.measures.declare import LABELS, PREDICTIONS, transform
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.logspace import error_of
from divtool.numerics.rowsum import row_sum
from divtool.numerics.scores import sum_of_others

LOGITS = replace(
    PREDICTIONS,
    metavar="LOGITS",
    help="Logits, a row each.",
    kinds=frozenset({"logits"}),
    example="examples/data/digits_a.npy",
)


@transform(
    "ce-gradient",
    title="Gradient of the cross-entropy",
    operands=(PREDICTIONS, LABELS),
    formula="d CE / d x_k = (q_k sum_j w_j p_j - w_k p_k) / T   (q = softmax(x / T))",
    cite="Bridle, J. S. (1990); Nielsen, M. A. (2015), Neural Networks and Deep Learning, chapter 3",
)
def ce_gradient(prediction: Matrix, target: Matrix, cost: Matrix, temperature: float) -> Matrix:
    """Gradient of each row's cross-entropy with respect to its logits: prediction less truth.

    Of the row's loss: for the gradient of a mean divide by its denominator. ``prediction``, ``target`` (truth times
    class weights), ``cost`` = -log q, (n, C) each. At the label it is what the model leaves to the others, so a nearly
    certain label keeps every digit.

    Edges: 0 throughout where all mass is on the label, and for a row whose label has weight 0. Where a soft truth is
    nearly met, the absolute error is a few u.

    >>> import numpy as np
    >>> q = np.array([[0.75, 0.25]])
    >>> ce_gradient(q, np.array([[1.0, 0.0]]), -np.log(q), 1.0)
    array([[-0.25,  0.25]])
    """
    mass = row_sum(target)[:, None]
    share = np.where(mass > 0.0, target / np.where(mass > 0.0, mass, 1.0), 0.0)
    return mass * np.where(mass > 0.0, error_of(prediction, share, cost), 0.0) / temperature


@transform(
    "bce-gradient",
    title="Gradient of the binary cross-entropy",
    operands=(replace(ANSWERS, help="Logits, a column a question (or probabilities of yes)."), TRUTH),
    formula="d BCE / d z_k = w_k ((1 - y_k) s_k - c y_k (1 - s_k)) / (C T)   (s = sigmoid(z / T); --over sum: not / C)",
    cite="Nielsen, M. A. (2015), Neural Networks and Deep Learning, chapter 3",
)
def bce_gradient(
    truth: Matrix, chance: Matrix, cost_of_yes: Matrix, weights: Rows, temperature: float, *,
    pos_weight: PosWeight = "", over: Over = "mean",
) -> Matrix:  # fmt: skip
    """Gradient of each row's binary cross-entropy with respect to its logits.

    Of the row's loss, which is a mean over columns (--over sum: the sum). ``truth``, ``chance`` (the probability of
    yes) and ``cost_of_yes`` (n, C), ``weights`` (C,). Nearly certain answers keep every digit.

    Edges: 0 where an answer is right and certain. Where a soft truth is nearly met, the absolute error is a few u.

    >>> import numpy as np
    >>> s = np.array([[0.75, 0.5]])
    >>> bce_gradient(np.array([[1.0, 0.0]]), s, -np.log(s), np.ones(2), 1.0)
    array([[-0.125,  0.25 ]])
    """
    yes = weights_of_yes(pos_weight, truth.shape[1])
    pulled = (1.0 - truth) * chance + yes * truth * np.expm1(-cost_of_yes)
    return weights * pulled / (columns_of(over, truth.shape[1]) * temperature)


@transform(
    "quadratic-gradient",
    title="Gradient of the quadratic cost",
    operands=(LOGITS, replace(LABELS, example="examples/data/digits_labels.npy")),
    formula="d (1/2 sum_j (a_j - y_j)^2) / d x_k   (a = sigmoid(x / T), or softmax(x / T) with --through softmax)",
    cite="Nielsen, M. A. (2015), Neural Networks and Deep Learning, chapters 2 and 3",
)
def quadratic_gradient(
    prediction: Matrix, error: Matrix, cost: Matrix, chance: Matrix, chance_error: Matrix, cost_of_yes: Matrix,
    temperature: float, *,
    through: Annotated[str, "How outputs come from logits: sigmoid or softmax."] = "sigmoid",
) -> Matrix:  # fmt: skip
    """Gradient of each row's quadratic cost with respect to its logits, through a sigmoid or a softmax.

    Through a sigmoid (a - y) a (1 - a), which is why such a neuron learns slowly where it is badly wrong. Of the row's
    cost, 1/2 of the sum over classes. The forms are (n, C) each; nearly certain outputs keep every digit.

    Edges: 0 where an output is certain, right or wrong. Where a soft truth is nearly met, the absolute error is
    a few u.

    >>> import numpy as np
    >>> half = np.array([[0.5]])
    >>> quadratic_gradient(half, -half, half, half, -half, np.log(2 * np.array([[1.0]])), 1.0)
    array([[-0.125]])
    """
    if through == "sigmoid":
        return chance_error * chance * -np.expm1(-cost_of_yes) / temperature
    if through != "softmax":
        raise UsageError(f'--through {through}: expected "sigmoid" or "softmax"')
    # e_k - sum_j a_j e_j, where at a nearly certain label the two would cancel
    pulled = error * -np.expm1(-cost) - sum_of_others(prediction * error)
    return prediction * pulled / temperature
