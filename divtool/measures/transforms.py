"""Transforms: a row of numbers for each row, written to a file."""

from __future__ import annotations

from dataclasses import replace

from divtool.measures.declare import DISTRIBUTION, transform
from divtool.measures.vocabulary import Matrix

LOGITS = replace(DISTRIBUTION, metavar="LOGITS", help="Logits, a row each.", kinds=frozenset({"logits", "log-probs"}))


@transform(
    "softmax",
    title="Softmax",
    operands=(LOGITS,),
    formula="p_k = exp(x_k / T) / sum_j exp(x_j / T)",
    cite="Bridle, J. S. (1990); Blanchard, Higham and Higham (2021), IMA J. Numer. Anal. 41(4)",
    common=True,
)
def softmax(p: Matrix) -> Matrix:
    """Probabilities from logits: each row sums to 1.

    Edges: -inf gives 0; +inf logits share the mass equally; a row of only -inf is an error. Probabilities as input
    are refused (a second softmax is a common mistake); --given logits forces it.

    >>> import numpy as np
    >>> softmax(np.array([[0.25, 0.75]]))
    array([[0.25, 0.75]])
    """
    return p


@transform(
    "log-softmax",
    title="Log-softmax",
    operands=(LOGITS,),
    formula="log p_k = x_k / T - log sum_j exp(x_j / T)",
    cite="Blanchard, Higham and Higham (2021), IMA J. Numer. Anal. 41(4)",
    common=True,
)
def log_softmax(surprisal_p: Matrix) -> Matrix:
    """Log-probabilities from logits, in nats.

    Near-certain classes keep every digit.

    Edges: -inf gives -inf; a class whose probability is 1 gives 0; a row of only -inf is an error.

    >>> import numpy as np
    >>> log_softmax(np.array([[0.5, 1.0]]))
    array([[-0.5, -1. ]])
    """
    return 0.0 - surprisal_p
