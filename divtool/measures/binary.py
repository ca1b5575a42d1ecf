"""Losses of models that answer one yes-or-no question a column."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import LABELS, PREDICTIONS, SCORES, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.bernoulli import cost_rows
from divtool.numerics.rowsum import row_sum

_INF = float("inf")
ANSWERS = replace(
    PREDICTIONS, help="The model's answers, a column a question: logits, or probabilities of yes.", kinds=SCORES,
    example="examples/data/tumours.csv",
)  # fmt: skip
TRUTH = replace(
    LABELS, metavar="TRUTH", example="examples/data/tumour_labels.csv",
    help="The truth: a column a question, from 0 (no) to 1 (yes), or labels (FILE:COLUMN names a column).",
)  # fmt: skip
PosWeight = Annotated[str, "What a yes counts beside a no: a number, or one a column (1,2.5,...)."]
Over = Annotated[str, "A row is the mean or the sum over its columns."]


def weights_of_yes(text: str, columns: int) -> Rows:
    """The weight of a yes in each column, from the text of the option."""
    try:
        given = [float(piece) for piece in text.split(",")] if text.strip() else [1.0]
    except ValueError:
        given = []
    if len(given) not in (1, columns) or not all(0.0 <= each < _INF for each in given):
        raise UsageError(
            f'--pos-weight "{text}": expected a number from 0, or {columns} of them with commas between, one a column'
        )
    return np.resize(np.asarray(given), columns)


def columns_of(over: str, columns: int) -> float:
    """What the sum over the columns of a row is divided by."""
    if over not in ("mean", "sum"):
        raise UsageError(f'--over {over}: expected "mean" or "sum"')
    return float(max(columns, 1)) if over == "mean" else 1.0


@measure(
    "bce",
    title="Binary cross-entropy",
    family="losses",
    operands=(ANSWERS, TRUTH),
    formula="mean over columns of -w (c y log s + (1 - y) log(1 - s))   (s: probability of yes, c: --pos-weight)",
    cite="Good, I. J. (1952), Rational Decisions, J. R. Stat. Soc. B 14; weights as in torch.nn.BCEWithLogitsLoss and"
    " tf.nn.weighted_cross_entropy_with_logits",
    bounds=(0.0, _INF),
    better="lower",
    laws={"non-negative", "class-permutation"},
    promise=16,
    common=True,
    also=("binary-cross-entropy", "log-loss", "sigmoid-cross-entropy", "logloss", "binary-crossentropy"),
)
def binary_cross_entropy(
    truth: Matrix, cost_of_yes: Matrix, cost_of_no: Matrix, weights: Rows, *, pos_weight: PosWeight = "",
    over: Over = "mean",
) -> Rows:  # fmt: skip
    """Binary cross-entropy of answers against the truth, one question or several (multi-label).

    ``truth`` (n, C) is from 0 to 1, ``cost_of_yes`` and ``cost_of_no`` (n, C) are -log s and -log(1 - s), ``weights``
    (C,) the class weights. One number a row, in nats: the mean over its columns, so that the mean over rows is that
    over all cells; with --over sum their sum. From logits nothing saturates: z = -100 against a yes costs 100.

    Edges: 0 * inf = 0, so an answer of 0 or 1 that is right costs 0; a wrong one makes the row +inf. A class weight
    scales a column and does not enter the denominator.

    >>> import numpy as np
    >>> one = np.array([[1.0]])
    >>> binary_cross_entropy(one, np.array([[2.0]]), np.array([[np.inf]]), np.array([1.0]), pos_weight="3")
    array([6.])
    """
    divisor = columns_of(over, truth.shape[1])
    return cost_rows(truth, cost_of_yes, cost_of_no, weights_of_yes(pos_weight, truth.shape[1]), weights) / divisor


@measure(
    "quadratic-cost",
    title="Quadratic cost",
    family="losses",
    operands=(ANSWERS, TRUTH),
    formula="1/2 sum_k (s_k - y_k)^2   (s: probability of yes)",
    cite="Nielsen, M. A. (2015), Neural Networks and Deep Learning, chapter 1; Rumelhart, D. E., Hinton, G. E. and"
    " Williams, R. J. (1986), Nature 323",
    unit="1",
    bounds=(0.0, _INF),
    better="lower",
    laws={"non-negative", "class-permutation"},
    promise=16,
)
def quadratic_cost(chance_error: Matrix) -> Rows:
    """Half the squared distance between the outputs of sigmoids and the truth, over the columns of a row.

    ``chance_error`` (n, C) is s - y, with every digit where the answer is nearly certain. One number a row.

    Edges: 0 where every answer is right and certain; 1/2 for a column that is certain and wrong. Where a soft truth is
    nearly met, the absolute error is a few u of the distance.

    >>> import numpy as np
    >>> quadratic_cost(np.array([[0.5, -1.0]]))
    array([0.625])
    """
    return 0.5 * row_sum(chance_error * chance_error)
