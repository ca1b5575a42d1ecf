"""Losses of a model's distribution against the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import LABELS, PREDICTIONS, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import g
from divtool.numerics.logspace import weighted_cost

_INF = float("inf")

HARD = replace(
    LABELS, help="The true class: an index or a name a row (FILE:COLUMN names a column).", kinds=frozenset({"labels"})
)
LOG_PROBS = replace(
    PREDICTIONS, help="The model's log-probabilities, a row each, taken as they are stored.",
    kinds=frozenset({"log-probs"}), example="examples/data/log_preds.csv",
)  # fmt: skip


def cross_entropy_of_label(cost_of_label: Rows, weight_of_label: Rows) -> Rows:
    """Cross-entropy where all mass is on one class: the cost at the label, times the label's class weight."""
    return _weighted(weight_of_label, cost_of_label)


def _weighted(weight: Rows, cost: Rows) -> Rows:
    # 0 * inf = 0: a class of weight 0 does not count, however impossible the model finds it.
    return weight * cost if (weight > 0.0).all() else _times(weight, cost)


def _times(weight: Rows, cost: Rows) -> Rows:
    return weighted_cost(weight[:, None], cost[:, None])


@measure(
    "ce",
    title="Cross-entropy",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="CE = -sum_k w_k p_k log q_k   (p: the label as one-hot, or soft; w: class weights)",
    cite="Good, I. J. (1952), Rational Decisions, J. R. Stat. Soc. B 14; reductions as in torch.nn.CrossEntropyLoss",
    bounds=(0.0, _INF),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    share="target_share",
    shortcut=cross_entropy_of_label,
    common=True,
    promise=16,
    also=(
        "log-loss",
        "logloss",
        "cross-entropy",
        "crossentropy",
        "categorical-crossentropy",
        "softmax-cross-entropy",
    ),
)
def cross_entropy(target: Matrix, cost: Matrix) -> Rows:
    """Cross-entropy of predictions against labels.

    ``target`` (n, C) holds the mass of each class, ``cost`` (n, C) is -log q in nats. One number a row, in nats.

    Edges: a class without mass counts nothing, even where q = 0 (0 * inf = 0); mass on a class with q = 0 makes the
    row +inf; rows whose label is ignored are not in the mean. On a probability table q is the stored cell.
    With class weights the mean divides by the sum of the labels' weights.

    >>> import numpy as np
    >>> cross_entropy(np.array([[0.0, 1.0]]), -np.log(np.array([[0.75, 0.25]])))
    array([1.38629436])
    """
    return weighted_cost(target, cost)


@measure(
    "nll",
    title="Negative log-likelihood",
    family="losses",
    operands=(LOG_PROBS, LABELS),
    formula="NLL = -sum_k w_k p_k x_k   (x: stored log-probabilities; p: the label as one-hot, or soft; w: weights)",
    cite="Fisher, R. A. (1922), Phil. Trans. R. Soc. A 222; reductions as in torch.nn.NLLLoss",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "class-permutation"},
    share="target_share",
    promise=16,
    also=("nll-loss",),
)
def negative_log_likelihood(target: Matrix, stored_q: Matrix) -> Rows:
    """Negative log-likelihood: what stored log-probabilities say against the labels, without a softmax.

    ``target`` (n, C) holds the mass of each class, ``stored_q`` (n, C) the log-probabilities as they are. One number a
    row, in nats. Of proper log-probabilities it is the cross-entropy; of logits it is not, and is no likelihood.

    Edges: a class without mass counts nothing, even at -inf (0 * inf = 0); mass on a class at -inf makes the row +inf;
    rows whose label is ignored are not in the mean. With class weights the mean divides by the sum of the labels'
    weights.

    >>> import numpy as np
    >>> negative_log_likelihood(np.array([[0.0, 1.0]]), np.array([[-1.5, -0.25]]))
    array([0.25])
    """
    return weighted_cost(target, -stored_q)


@measure(
    "perplexity",
    title="Perplexity",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="exp(mean of CE)   (the mean over rows, or over class weights)",
    cite="Jelinek, F., Mercer, R. L., Bahl, L. R. and Baker, J. K. (1977), Perplexity, J. Acoust. Soc. Am. 62",
    unit="1",
    bounds=(1.0, _INF),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    share="target_share",
    shortcut=cross_entropy_of_label,
    mean="geometric",
    promise=16,
    common=True,
    also=("ppl",),
)
def perplexity(target: Matrix, cost: Matrix) -> Rows:
    """Perplexity of predictions against labels: among how many equally likely classes the model might as well guess.

    The exponential of the mean cross-entropy, not the mean of exponentials. The function gives the cross-entropy of
    each row in nats, of which figures and rows show the exponential. ``target``, ``cost`` (n, C) as for ``ce``.

    Edges: a class without mass counts nothing; mass on a class with q = 0 makes the row, and the mean, +inf; rows whose
    label is ignored are not in the mean.

    >>> import numpy as np
    >>> np.exp(perplexity(np.array([[0.0, 1.0]]), -np.log(np.array([[0.75, 0.25]]))))
    array([4.])
    """
    return weighted_cost(target, cost)


@measure(
    "focal",
    title="Focal loss",
    family="losses",
    operands=(PREDICTIONS, HARD),
    formula="FL = -w_y (1 - q_y)^gamma log q_y",
    cite="Lin, T.-Y., Goyal, P., Girshick, R., He, K. and Dollar, P. (2017), Focal Loss, ICCV",
    bounds=(0.0, _INF),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    share="target_share",
    promise=32,
    also=("focal-loss",),
)
def focal(
    cost_of_label: Rows,
    weight_of_label: Rows,
    *,
    gamma: Annotated[float, "How much less a well-classified row counts; 0 is the cross-entropy."] = 2.0,
) -> Rows:
    """Focal loss: the cross-entropy, turned down where the model already gives the label most of the mass.

    ``cost_of_label`` (n,) is -log q at the label, ``weight_of_label`` (n,) its class weight (the paper's alpha). One
    number a row, in nats. 1 - q comes from the cost, so a nearly certain label keeps every digit.

    Edges: q_y = 0 makes the row +inf, q_y = 1 gives 0; gamma below 0 is refused. With class weights the mean divides by
    the sum of the labels' weights (--mean rows: by the number of rows).

    >>> import numpy as np
    >>> focal(np.array([np.log(2.0)]), np.array([4.0])) / np.log(2.0)
    array([1.])
    """
    if not gamma >= 0.0:
        raise UsageError(f"--gamma {gamma:g}: expected a number from 0")
    missed = 0.0 - np.expm1(-cost_of_label)
    return _weighted(weight_of_label, missed**gamma * cost_of_label)


@measure(
    "poly-1",
    title="Poly-1 loss",
    family="losses",
    operands=(PREDICTIONS, HARD),
    formula="-w_y (log q_y - epsilon (1 - q_y))",
    cite="Leng, Z. et al. (2022), PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions, ICLR",
    bounds=(0.0, _INF),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    share="target_share",
    promise=16,
)
def poly_1(
    cost_of_label: Rows,
    weight_of_label: Rows,
    *,
    epsilon: Annotated[float, "How much the first term of the polynomial is changed, from -1."] = 1.0,
) -> Rows:
    """Poly-1 loss: the cross-entropy with the first coefficient of its series in 1 - q changed.

    ``cost_of_label`` (n,) is -log q at the label, ``weight_of_label`` (n,) its class weight. One number a row, in nats.
    Below 0 epsilon takes away, and what is left is summed from terms of one sign, down to epsilon = -1.

    Edges: q_y = 0 makes the row +inf, q_y = 1 gives 0; epsilon below -1 is refused (the loss would be negative).

    >>> import numpy as np
    >>> poly_1(np.array([np.log(2.0)]), np.array([1.0]), epsilon=2.0) - np.log(2.0)
    array([1.])
    """
    if not epsilon >= -1.0:
        raise UsageError(f"--epsilon {epsilon:g}: expected a number from -1")
    if epsilon >= 0.0:
        return _weighted(weight_of_label, cost_of_label - epsilon * np.expm1(-cost_of_label))
    left = -epsilon * g(-cost_of_label)
    return _weighted(weight_of_label, left + (1.0 + epsilon) * cost_of_label if epsilon > -1.0 else left)
