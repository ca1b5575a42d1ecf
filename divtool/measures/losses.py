"""Losses of a model's distribution against the truth."""

from __future__ import annotations

from divtool.measures.declare import LABELS, PREDICTIONS, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.logspace import weighted_cost


def cross_entropy_of_label(cost_of_label: Rows, weight_of_label: Rows) -> Rows:
    """Cross-entropy where all mass is on one class: the cost at the label, times the label's class weight."""
    # 0 * inf = 0: a class of weight 0 does not count, however impossible the model finds it.
    return weight_of_label * cost_of_label if (weight_of_label > 0.0).all() else _times(weight_of_label, cost_of_label)


def _times(weight: Rows, cost: Rows) -> Rows:
    return weighted_cost(weight[:, None], cost[:, None])


@measure(
    "ce",
    title="Cross-entropy",
    family="losses",
    operands=(PREDICTIONS, LABELS),
    formula="CE = -sum_k w_k p_k log q_k   (p: the label as one-hot, or soft; w: class weights)",
    cite="Good, I. J. (1952), Rational Decisions, J. R. Stat. Soc. B 14; reductions as in torch.nn.CrossEntropyLoss",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "class-permutation", "shift-invariant"},
    share="target_share",
    shortcut=cross_entropy_of_label,
    common=True,
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
