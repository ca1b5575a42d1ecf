"""Losses of plain numbers: vectors, predicted means with a variance, predicted rates of counts."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from divtool.errors import UsageError
from divtool.measures.declare import POSITIVES, VALUES, Operand, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.likelihood import gaussian_rows, poisson_rows
from divtool.numerics.vectors import Products, cosine_gap_rows, cosine_rows, products_of

_INF = float("inf")
_DATA = "examples/data/"
ONE = Operand("p", "A", "The vectors, a row each.", VALUES, example=_DATA + "vectors_a.npy")
OTHER = Operand("q", "B", "The vectors compared with them.", VALUES, example=_DATA + "vectors_b.npy")
SIGN = Operand(
    "sign", "SIGNS", "A number a row: 1 where the two should be alike, -1 where not.", frozenset({"signs"}),
    example=_DATA + "alike.npy",
)  # fmt: skip
MEANS = Operand("q", "MEANS", "The predicted means.", VALUES, example=_DATA + "diabetes_mean.npy")
TARGETS = Operand("p", "TARGETS", "The observed numbers.", VALUES, example=_DATA + "diabetes_observed.npy")
VARIANCE = Operand(
    "variance", "VARIANCES", "The predicted variance of each number, or one column for all of a row.", POSITIVES,
    example=_DATA + "diabetes_variance.npy",
)  # fmt: skip
RATES = Operand(
    "q", "RATES", "The logarithms of the predicted rates (with --no-log-input the rates).", VALUES,
    example=_DATA + "diabetes_lograte.npy",
)  # fmt: skip
COUNTS = Operand("p", "COUNTS", "The observed counts.", POSITIVES, example=_DATA + "diabetes_observed.npy")


@measure(
    "cosine-similarity",
    title="Cosine similarity",
    family="vectors",
    operands=(ONE, OTHER),
    formula="sum_k a_k b_k / (|a| |b|)",
    cite="Salton, G. and McGill, M. J. (1983), Introduction to Modern Information Retrieval; as in torch.nn"
    ".CosineSimilarity, without its epsilon",
    unit="1",
    bounds=(-1.0, 1.0),
    better="higher",
    laws={"symmetric", "class-permutation", "at-most-one"},
    promise=16,
    common=True,
)
def cosine_similarity(
    stored_p: Matrix,
    stored_q: Matrix,
    *,
    zero_vector: Annotated[float, "What a row with a vector of zeros gives."] = math.nan,
) -> Rows:
    """Cosine of the angle between two vectors of plain numbers.

    ``stored_p``, ``stored_q`` (n, C) are the vectors as they are. One number a row, from -1 to 1; exactly 1 of a vector
    and itself. Vectors of any length from 1e-300 to 1e300; nearly orthogonal ones are right to 4u at least.

    Edges: a vector of zeros has no direction: the row is NaN and counted, or what --zero-vector says.

    >>> import numpy as np
    >>> cosine_similarity(np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]]))
    array([0.96])
    """
    products = products_of(stored_p, stored_q)
    return np.where(_no_direction(products), zero_vector, cosine_rows(products))


def _no_direction(products: Products) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.equal(products.lengths[0], 0.0)


@measure(
    "cosine-embedding",
    title="Cosine embedding loss",
    family="vectors",
    operands=(ONE, OTHER, SIGN),
    formula="1 - cos(a, b) where the sign is 1; max(0, cos(a, b) - margin) where it is -1",
    cite="Reductions and margin as in torch.nn.CosineEmbeddingLoss, without its epsilon",
    unit="1",
    bounds=(0.0, 2.0),
    better="lower",
    laws={"non-negative", "symmetric", "class-permutation"},
    promise=32,
)
def cosine_embedding(
    stored_p: Matrix,
    stored_q: Matrix,
    sign: Matrix,
    *,
    margin: Annotated[float, "From which cosine on two that should differ cost anything, from -1 to 1."] = 0.0,
    zero_vector: Annotated[float, "The cosine of a row with a vector of zeros."] = math.nan,
) -> Rows:
    """Cosine embedding loss: pairs that should be alike cost their distance, others their likeness beyond a margin.

    ``stored_p``, ``stored_q`` (n, C) are the vectors, ``sign`` (n, 1) is 1 or -1. One number a row, from 0 to 2.
    1 - cosine is not that difference, so nearly parallel vectors keep their digits.

    Edges: exactly 0 of a vector and itself that should be alike; a vector of zeros makes the row NaN, counted, or has
    the cosine that --zero-vector says; a margin outside -1 to 1 is refused.

    >>> import numpy as np
    >>> cosine_embedding(np.array([[3.0, 4.0]] * 2), np.array([[4.0, 3.0]] * 2), np.array([[1.0], [-1.0]]), margin=0.5)
    array([0.04, 0.46])
    """
    if not -1.0 <= margin <= 1.0:
        raise UsageError(f"--margin {margin:g}: expected a number from -1 to 1")
    products = products_of(stored_p, stored_q)
    nothing = _no_direction(products)
    cosine = np.where(nothing, zero_vector, cosine_rows(products))
    apart = np.where(nothing, 1.0 - zero_vector, cosine_gap_rows(stored_p, stored_q))
    return np.where(sign[:, 0] > 0.0, apart, np.maximum(cosine - margin, 0.0))


@measure(
    "gaussian-nll",
    title="Gaussian negative log-likelihood",
    family="vectors",
    operands=(MEANS, TARGETS, VARIANCE),
    formula="mean over columns of 1/2 (log v + (x - m)^2 / v)   (v: the variance; --full: + 1/2 log 2 pi)",
    cite="Nix, D. A. and Weigend, A. S. (1994), Estimating the Mean and Variance of the Target Probability"
    " Distribution, ICNN; as in torch.nn.GaussianNLLLoss",
    bounds=(-_INF, _INF),
    better="lower",
    laws={"symmetric", "class-permutation"},
    promise=16,
)
def gaussian_nll(
    stored_q: Matrix,
    stored_p: Matrix,
    variance: Matrix,
    *,
    full: Annotated[bool, "Add the constant, 1/2 log 2 pi a column."] = False,
    eps: Annotated[float, "The smallest variance: what is below counts as it."] = 1e-6,
) -> Rows:
    """Negative log-likelihood of observed numbers under a normal distribution with predicted mean and variance.

    ``stored_q`` (n, C) are the means, ``stored_p`` (n, C) the observations, ``variance`` (n, C) or (n, 1). One number a
    row, in nats: the mean over its columns. Its parts may cancel, so the promise is absolute: a few u of their sizes.

    Edges: a variance below eps is taken as eps, as torch does; eps of 0 or less is refused.

    >>> import numpy as np
    >>> gaussian_nll(np.array([[1.0]]), np.array([[3.0]]), np.array([[1.0]]))
    array([2.])
    """
    if not eps > 0.0:
        raise UsageError(f"--eps {eps:g}: expected a number above 0")
    return gaussian_rows(stored_q, stored_p, np.maximum(variance, eps), full)


@measure(
    "poisson-nll",
    title="Poisson negative log-likelihood",
    family="vectors",
    operands=(RATES, COUNTS),
    formula="mean over columns of e^x - k x   (x: log of the rate, k: the count; --full exact: + log k!)",
    cite="Cameron, A. C. and Trivedi, P. K. (1998), Regression Analysis of Count Data; as in torch.nn.PoissonNLLLoss",
    bounds=(-_INF, _INF),
    better="lower",
    promise=16,
)
def poisson_nll(
    stored_q: Matrix,
    stored_p: Matrix,
    *,
    log_input: Annotated[bool, "RATES are logarithms of rates; without it the rates themselves."] = True,
    full: Annotated[str, "The term log k!: none, stirling (torch's approximation, for k > 1) or exact."] = "none",
    eps: Annotated[float, "What is added to a rate before its logarithm is taken."] = 1e-8,
) -> Rows:
    """Negative log-likelihood of counts under Poisson distributions with predicted rates.

    ``stored_q`` (n, C) are logarithms of rates, or rates; ``stored_p`` (n, C) the counts. One number a row, in nats:
    the mean over its columns. Its parts may cancel, so the promise is absolute: a few u of their sizes.

    Edges: a rate of 0 costs k log(1 / eps); one beyond the largest double makes the row +inf; an eps below 0 and a
    negative rate are refused.

    >>> import numpy as np
    >>> poisson_nll(np.array([[0.0, 0.0]]), np.array([[5.0, 0.0]]))
    array([1.])
    """
    if full not in ("none", "stirling", "exact"):
        raise UsageError(f'--full {full}: expected "none", "stirling" or "exact"')
    if not eps >= 0.0:
        raise UsageError(f"--eps {eps:g}: expected a number from 0")
    if not log_input and (stored_q < 0.0).any():
        raise UsageError("a rate is below 0", hint="are they logarithms? Leave out --no-log-input")
    return poisson_rows(stored_q, stored_p, log_input, full, eps)
