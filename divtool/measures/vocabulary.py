"""The names that a measure's positional parameters may have: what a chunk can hand it, and in which shape.

This is the only place where these names are declared; a measure that asks for another name is refused at import.
``n`` is the number of rows in the chunk, ``C`` the number of classes. ``p`` is the reference (target, teacher, truth),
``q`` the model, always. Logarithms are natural.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.float64]
Matrix: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Word:
    """A name, its shape, what it means, and what must be known to make it."""

    name: str
    shape: str
    meaning: str
    needs: frozenset[str]


_P, _Q, _PAIR = frozenset({"p"}), frozenset({"q"}), frozenset({"p", "q"})
_TRUTH, _LABEL = frozenset({"q", "target"}), frozenset({"q", "label"})

_WORDS = (
    Word("p", "(n, C)", "probabilities of the reference, each row summing to 1", _P),
    Word("q", "(n, C)", "probabilities of the model, each row summing to 1", _Q),
    # one distribution
    Word("gap_p", "(n, C)", "log(max p / p): 0 at the largest class, +inf at an impossible one", _P),
    Word("surprisal_p", "(n, C)", "-log p, of rows that sum to 1", _P),
    Word("complement_p", "(n, C)", "1 - p, which keeps its digits where p is nearly 1", _P),
    Word("uniform_p", "(n, C)", "log(1 / (C p)), which keeps its digits where the row is nearly uniform", _P),
    Word("log_sum_p", "(n,)", "log of the sum of exponentials of the reference's logits", _P),
    Word("temperature", "()", "what the logits are divided by, as a number", frozenset()),
    # two distributions
    Word("t", "(n, C)", "log(q/p), made from the raw pair so that near-equal rows keep every digit", _PAIR),
    Word("delta", "(n, C)", "p - q, made from the raw pair so that near-equal rows keep every digit", _PAIR),
    Word("delta_of_label", "(n,)", "p - q at the row's label, made from the raw pair", _PAIR | {"label"}),
    # a whole measure at once, where a compiled kernel reads the stored rows
    Word("entropy_of_p", "(n,)", "the Shannon entropy of p", _P),
    Word("kl_of_pair", "(n,)", "KL(p || q)", _PAIR),
    Word("js_of_pair", "(n,)", "the Jensen-Shannon divergence of p and q", _PAIR),
    # several distributions
    Word("members", "(k, n, C)", "probabilities of each member, each row summing to 1", frozenset({"member"})),
    Word("members_t", "(k, n, C)", "log of each member's probability over the first's", frozenset({"member"})),
    Word("entropies", "(k, n)", "the Shannon entropy of each member", frozenset({"member"})),
    Word("choices", "(k, n)", "the most probable class of each member, -1 in a row that has none",
         frozenset({"member"})),
    # the order of the classes, which a softmax does not change
    Word("choice_p", "(n,)", "the reference's most probable class, of equal ones the first; -1 in a row that has none",
         _P),
    Word("choice_q", "(n,)", "the model's most probable class, of equal ones the first; -1 in a row that has none", _Q),
    Word("ranked_p", "(n, C)", "the reference's cells in their own type, of which the order counts", _P),
    Word("ranked_q", "(n, C)", "the model's cells in their own type, of which the order counts", _Q),
    # a model and the truth
    Word("cost", "(n, C)", "-log q as a loss sees it: of the softmax for logits, of the stored cell for a table", _Q),
    Word("cost_of_label", "(n,)", "the cost at the row's label", _LABEL),
    Word("prediction", "(n, C)", "q as a loss sees it: the softmax for logits, the stored cell for a table", _Q),
    Word("truth", "(n, C)", "mass on each class: the smoothed one-hot label or the soft target", _TRUTH),
    Word("error", "(n, C)", "prediction - truth, which keeps its digits where the label is nearly certain", _TRUTH),
    Word("target", "(n, C)", "the truth times class weights", _TRUTH),
    Word("weight_of_label", "(n,)", "the class weight of the row's label", _LABEL),
    Word("target_share", "(n,)", "the row's share of the denominator: the class weight of its label, or of its mass",
         _TRUTH),
    Word("rank_of_label", "(n,)", "how many classes stand before the label (of equal ones, those of lower index)",
         _LABEL),
    # a model that answers one yes-or-no question a column, and the truth
    Word("chance", "(n, C)", "the probability of yes: the sigmoid of a logit, or the stored cell", _Q),
    Word("cost_of_yes", "(n, C)", "-log of the probability of yes", _Q),
    Word("cost_of_no", "(n, C)", "-log of the probability of no", _Q),
    Word("chance_error", "(n, C)", "chance - truth, which keeps its digits near certainty", _TRUTH),
    Word("weights", "(C,)", "the weight of each class, 1 where none are given", frozenset()),
    # numbers as they are
    Word("stored_p", "(n, C)", "the reference's cells as they are stored", _P),
    Word("stored_q", "(n, C)", "the model's cells as they are stored", _Q),
    Word("sign", "(n, 1)", "+1 or -1: alike or not", frozenset({"sign"})),
    Word("variance", "(n, C)", "the predicted variance of each cell", frozenset({"variance"})),
)  # fmt: skip

# They are the same at any temperature.
OF_ORDER = frozenset({"rank_of_label", "choice_p", "choice_q", "ranked_p", "ranked_q", "choices"})

WORDS: dict[str, Word] = {word.name: word for word in _WORDS}
