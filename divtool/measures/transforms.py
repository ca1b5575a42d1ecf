"""Transforms: a row of numbers for each row, written to a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from divtool.measures.declare import DISTRIBUTION, LABELS, POSITIVES, transform
from divtool.measures.vocabulary import Matrix
from divtool.numerics.bernoulli import cost_of_yes_from_logits
from divtool.numerics.bernoulli import sigmoid as sigmoid_of

LOGITS = replace(DISTRIBUTION, metavar="LOGITS", help="Logits, a row each.", kinds=frozenset({"logits", "log-probs"}))
SCORES = replace(
    DISTRIBUTION, metavar="LOGITS", help="Logits, each for itself.", kinds=frozenset({"logits"}),
    example="examples/data/tumours.csv",
)  # fmt: skip
Classes = Annotated[str, "How many classes there are, or their names, separated by commas (default: all that occur)."]
TRUTH = replace(LABELS, optional=False, help="Class indices, class names or soft rows (FILE:COLUMN names a column).")
MASSES = replace(
    DISTRIBUTION, help="Rows of numbers that are not negative: counts, votes, masses.", kinds=POSITIVES,
    example="examples/data/votes.npy",
)  # fmt: skip


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


@transform(
    "sigmoid",
    title="Sigmoid",
    operands=(SCORES,),
    formula="s_k = 1 / (1 + exp(-x_k / T))",
    cite="Verhulst, P.-F. (1845), Recherches mathematiques sur la loi d'accroissement de la population",
    also=("logistic", "expit"),
    common=True,
)
def sigmoid(stored_p: Matrix, temperature: float) -> Matrix:
    """Probability of yes from each logit, for itself: columns are questions of their own.

    Small probabilities keep every digit; what one near 1 leaves over is the sigmoid of the logit with the other sign.

    Edges: -inf gives 0, +inf gives 1.

    >>> import numpy as np
    >>> sigmoid(np.array([[0.0, np.inf, -np.inf]]), 1.0)
    array([[0.5, 1. , 0. ]])
    """
    return sigmoid_of(stored_p, temperature)


@transform(
    "log-sigmoid",
    title="Log-sigmoid",
    operands=(SCORES,),
    formula="log s_k = -log(1 + exp(-x_k / T))",
    cite="Verhulst, P.-F. (1845); as in torch.nn.LogSigmoid",
)
def log_sigmoid(stored_p: Matrix, temperature: float) -> Matrix:
    """Logarithm of the probability of yes from each logit, in nats.

    Near-certain answers keep every digit, on both sides.

    Edges: -inf gives -inf, +inf gives 0.

    >>> import numpy as np
    >>> log_sigmoid(np.array([[-1000.0, np.inf]]), 1.0)
    array([[-1000.,     0.]])
    """
    return 0.0 - cost_of_yes_from_logits(stored_p, temperature)


@transform(
    "temper",
    title="Distribution at a temperature",
    operands=(replace(DISTRIBUTION, tempered=True),),
    formula="p_k^(1/T) / sum_j p_j^(1/T)   (T = --temperature)",
    cite="Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017), On Calibration of Modern Neural Networks, ICML",
    also=("temperature-scaling", "temperature"),
)
def temper(p: Matrix) -> Matrix:
    """Probabilities at another temperature: above 1 flatter, below 1 sharper, from probabilities as from logits.

    Edges: 0 stays 0; temperature 1 only makes rows sum to 1; a row without mass is an error.

    >>> import numpy as np
    >>> temper(np.array([[0.25, 0.75]]))
    array([[0.25, 0.75]])
    """
    return p


@transform(
    "normalize",
    title="Rows divided by their sum",
    operands=(MASSES,),
    formula="p_k = x_k / sum_j x_j",
    cite="The maximum-likelihood estimate from counts: Fisher, R. A. (1922), Phil. Trans. R. Soc. A 222",
    common=True,
    also=("normalise",),
)
def normalize(p: Matrix) -> Matrix:
    """Probabilities from counts, votes or any masses: each row divided by its sum.

    Edges: 0 stays 0; a row of zeros is an error; rows as large as 1e308 and as small as 5e-324 keep every digit.

    >>> import numpy as np
    >>> normalize(np.array([[0.25, 0.75]]))
    array([[0.25, 0.75]])
    """
    return p


@transform(
    "one-hot",
    title="One-hot rows of labels",
    operands=(TRUTH,),
    formula="p_k = 1 if k is the label, else 0",
    cite="Bridle, J. S. (1990), Probabilistic Interpretation of Feedforward Classification Network Outputs",
)
def one_hot(truth: Matrix, *, classes: Classes = "") -> Matrix:
    """A row of 0 and 1 for each label, with a column a class.

    Edges: names stand in natural order, numbers from 0 to the largest; soft rows are handed on as they are; an ignored
    label makes its row NaN.

    >>> import numpy as np
    >>> one_hot(np.array([[0.0, 1.0]]))
    array([[0., 1.]])
    """
    return np.array(truth)  # which has the classes that the engine was asked for


@transform(
    "smooth-labels",
    title="Smoothed labels",
    operands=(TRUTH,),
    formula="(1 - e) p_k + e / C   (e = --label-smoothing; --smoothing-mode k-1: e / (C - 1) to each other class)",
    cite="Szegedy, C. et al. (2016), Rethinking the Inception Architecture for Computer Vision, CVPR",
)
def smooth_labels(truth: Matrix, *, classes: Classes = "") -> Matrix:
    """Soft targets from labels: a share of each label's mass spread over all classes.

    Edges: without --label-smoothing the one-hot rows; soft rows are smoothed alike; an ignored label makes its row NaN.

    >>> import numpy as np
    >>> smooth_labels(np.array([[0.05, 0.95]]))
    array([[0.05, 0.95]])
    """
    return np.array(truth)
