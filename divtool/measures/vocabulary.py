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


_WORDS = (
    Word("p", "(n, C)", "probabilities of the reference, each row summing to 1", frozenset({"p"})),
    Word("q", "(n, C)", "probabilities of the model, each row summing to 1", frozenset({"q"})),
    Word("t", "(n, C)", "log(q/p), made from the raw pair so that near-equal rows keep every digit",
         frozenset({"p", "q"})),
    Word("surprisal_p", "(n, C)", "-log p, of rows that sum to 1", frozenset({"p"})),
    Word("log_sum_p", "(n,)", "log of the sum of exponentials of the reference's logits", frozenset({"p"})),
    Word("cost", "(n, C)", "-log q as a loss sees it: of the softmax for logits, of the stored cell for a table",
         frozenset({"q"})),
    Word("cost_of_label", "(n,)", "the cost at the row's label", frozenset({"q", "label"})),
    Word("target", "(n, C)", "mass on each class: the smoothed one-hot label or the soft target, times class weights",
         frozenset({"q", "target"})),
    Word("weight_of_label", "(n,)", "the class weight of the row's label", frozenset({"q", "label"})),
    Word("target_share", "(n,)", "the row's share of the denominator: the class weight of its label, or of its mass",
         frozenset({"q", "target"})),
)  # fmt: skip

WORDS: dict[str, Word] = {word.name: word for word in _WORDS}
