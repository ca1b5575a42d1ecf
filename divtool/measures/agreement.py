"""How far two models agree: whether they choose the same classes, and what one gives the truth more than the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import LABELS, MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Labels, Matrix, Rows
from divtool.numerics.choices import among_largest, where_chosen

_KEPT = {"non-negative", "symmetric", "shift-invariant", "at-most-one"}
_USUAL_K = 5
# Both files could have labels of their own: one file of them says which count.
_HARD = replace(
    LABELS, kinds=frozenset({"labels"}), optional=False, example="examples/data/digits_labels.npy",
    help="The class of each row: class indices or class names (FILE:COLUMN names a column).",
)  # fmt: skip


def _same_choice(choice_p: Labels, choice_q: Labels) -> Rows:
    return where_chosen(np.where(choice_p == choice_q, 1.0, 0.0), choice_p, choice_q)


def _shared(ranked_p: Matrix, ranked_q: Matrix, k: int) -> Rows:
    classes = ranked_p.shape[1]
    if k < 1 or (k > classes and k != _USUAL_K):
        raise UsageError(
            f"--k {k}: expected a whole number from 1 to {classes:,}, as there are {classes:,} classes",
        )
    k = min(k, classes)
    shared = among_largest(ranked_p, k) & among_largest(ranked_q, k)
    return np.asarray(np.count_nonzero(shared, axis=1) / k)


def _shared_of_any_sum(
    ranked_p: Matrix, ranked_q: Matrix, choice_p: Labels, choice_q: Labels, *, k: int = _USUAL_K
) -> Rows:
    return where_chosen(_shared(ranked_p, ranked_q, k), choice_p, choice_q)


@measure(
    "same-top-1",
    title="Same first choice",
    family="agreement",
    operands=(REFERENCE, MODEL),
    formula="1 if argmax_k p_k = argmax_k q_k, else 0",
    cite="Stanton, S. et al. (2021), Does Knowledge Distillation Really Work?, NeurIPS (top-1 agreement)",
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_KEPT,
    promise=1,
    also=("top1", "top-1", "top-1-agreement", "same-top", "agreement", "fidelity"),
    loose=_same_choice,
    clipped=True,
)
def same_top_1(choice_p: Labels, choice_q: Labels) -> Rows:
    """Share of rows whose most probable class is the same on both sides.

    ``choice_p``, ``choice_q`` (n,) are the most probable classes, read off the stored rows: no softmax changes their
    order, nor does a temperature. One number a row, 0 or 1.

    Edges: of equally probable classes the one of lowest index is the choice, as with argmax, so a row whose tie the
    other side breaks may count as another choice; how many rows have ties is said by ``divtool inspect``.

    >>> import numpy as np
    >>> same_top_1(np.array([2, 0, 1]), np.array([2, 1, 1]))
    array([1., 0., 1.])
    """
    return _same_choice(choice_p, choice_q)


@measure(
    "same-top-k",
    title="Shared among the first k choices",
    family="agreement",
    operands=(REFERENCE, MODEL),
    formula="|top_k(p) & top_k(q)| / k   (k = --k)",
    cite="Fagin, R., Kumar, R. and Sivakumar, D. (2003), Comparing Top k Lists, SIAM J. Discrete Math. 17(1)",
    unit="1",
    bounds=(0.0, 1.0),
    better="higher",
    laws=_KEPT,
    promise=1,
    also=("topk", "top-k", "top-k-agreement", "top-k-overlap"),
    loose=_shared_of_any_sum,
    clipped=True,
)
def same_top_k(
    ranked_p: Matrix,
    ranked_q: Matrix,
    choice_p: Labels,
    choice_q: Labels,
    *,
    k: Annotated[int, "How many of the most probable classes of each side are compared."] = _USUAL_K,
) -> Rows:
    """Share of the reference's k most probable classes that are among the model's k, in any order.

    ``ranked_p``, ``ranked_q`` (n, C) are the rows as they are stored, of which only the order counts; ``choice_p``,
    ``choice_q`` (n,) their most probable classes. One number a row, from 0 to 1 in steps of 1/k.

    Edges: of equally probable classes those of lower index come first. Where there are not more classes than the usual
    5, all are compared and every row is 1; any other k beyond the number of classes is refused.

    >>> import numpy as np
    >>> p, q = np.array([[4, 3, 2, 1, 0]]), np.array([[4, 0, 3, 2, 1]])
    >>> same_top_k(p, q, np.array([0]), np.array([0]), k=2)
    array([0.5])
    """
    return _shared_of_any_sum(ranked_p, ranked_q, choice_p, choice_q, k=k)


@measure(
    "delta-p",
    title="Change of the label's probability",
    family="agreement",
    operands=(REFERENCE, MODEL, _HARD),
    formula="q_y - p_y, y = label",
    cite="llama.cpp, tools/perplexity: the delta-p statistics of --kl-divergence",
    unit="1",
    bounds=(-1.0, 1.0),
    better="higher",
    laws={"zero-on-identical", "shift-invariant", "at-most-one"},
    promise=64,
    also=("delta-prob", "probability-change"),
)
def delta_p(delta_of_label: Rows) -> Rows:
    """Change of the probability of the label, from the reference to the model.

    ``delta_of_label`` (n,) is p - q at the label. One number a row, from -1 to 1: above 0 where the model gives the
    truth more than the reference does. It keeps its digits where the two are nearly equal.

    Edges: exactly 0 on identical rows; rows whose label is ignored are left out and counted.

    >>> import numpy as np
    >>> delta_p(np.array([0.25, -0.5]))
    array([-0.25,  0.5 ])
    """
    return 0.0 - delta_of_label
