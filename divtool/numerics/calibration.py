"""Calibration errors and the decomposition of the Brier score, from what is in each bin of confidence.

Everything is a quotient of whole numbers until it is rounded once, but for the debiased expected error, whose normal
correction is taken in doubles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.numerics.binsums import UNIT, BinSums
from divtool.numerics.exactsum import Doubles, rounded, rounded_root

_ONE = 1 << UNIT
# A bin of one row says nothing of the spread within it.
_LEAST = 2


def width_edges(bins: int) -> Doubles:
    """The edges of ``bins`` bins of equal width: the doubles nearest to k / bins.

    They are quotients, not running sums, so that 0.3 lies on the edge 3/10 as it is written and read.

    >>> width_edges(10)[3].item()
    0.3
    """
    return np.arange(bins + 1) / bins


def bins_of(confidence: Doubles, edges: Doubles) -> npt.NDArray[np.int64]:
    """The bin of each confidence: bin i is (edges[i], edges[i + 1]]. 0 is in the first bin; what is above the last edge
    (a probability of 1.0000001 by its rounding) is in the last.

    >>> bins_of(np.array([0.0, 0.1, 0.3, 0.31, 1.0]), width_edges(10)).tolist()
    [0, 0, 2, 3, 9]
    """
    return np.searchsorted(edges[1:-1], confidence, side="left").astype(np.int64, copy=False)


def mass_edges(ordered: Doubles, bins: int) -> Doubles:
    """The edges of bins that hold about as many rows each, for confidences in rising order (n,), n > 0.

    The inner edges are the order statistics x_(ceil(k n / bins)), each the last of its bin; equal confidences are in
    one bin, so where there are ties the sizes differ and bins may be fewer. The outer edges are 0 and 1.

    >>> mass_edges(np.array([0.2, 0.4, 0.4, 0.9]), 2).tolist()
    [0.0, 0.4, 1.0]
    """
    places = [-(-k * ordered.size // bins) - 1 for k in range(1, bins)]
    inner = np.unique(ordered[places]) if places else ordered[:0]
    return np.concatenate([[0.0], inner[inner < ordered[-1]], [1.0]])


class CurveErrors(NamedTuple):
    """How far one reliability curve is off: sum of n_b/N |gap_b|, the largest |gap_b|, and sum of n_b/N gap_b^2, where
    gap_b is mean confidence less accuracy; then the first and the last without the bias of finite bins."""

    expected: Fraction
    greatest: Fraction
    squared: Fraction
    expected_debiased: float
    squared_debiased: Fraction


def curve_errors(curve: Sequence[BinSums]) -> CurveErrors:
    """The errors of one curve, which has at least one row; empty bins count nothing.

    Sources: Naeini, Cooper and Hauskrecht (2015) for the expected and the greatest error; Kumar, Liang and Ma (2019),
    section 5, for the unbiased squared error (acc (1 - acc) / (n_b - 1) is taken off each bin) and the expected one
    under normal noise, whose mean they draw and which is E|g + s z| = s sqrt(2/pi) exp(-g^2/2s^2) + g erf(g/(s sqrt 2))
    in closed form. A bin of one row is left as it is there, and counts 0 in the squared error, as with them.

    >>> two = [BinSums(2, 1, _ONE, 0, 0), BinSums(2, 2, _ONE * 3 // 2, 0, 0)]
    >>> errors = curve_errors(two)
    >>> float(errors.expected), float(errors.greatest), float(errors.squared)
    (0.125, 0.25, 0.03125)
    """
    filled = [each for each in curve if each.rows]
    rows = sum(each.rows for each in filled)
    off = [abs(gap(each)) for each in filled]
    expected = sum((each.rows * own for each, own in zip(filled, off, strict=True)), Fraction(0)) / rows
    squared = sum((each.rows * own * own for each, own in zip(filled, off, strict=True)), Fraction(0)) / rows
    bias = math.fsum(_bias(each, float(own)) * each.rows for each, own in zip(filled, off, strict=True)) / rows
    return CurveErrors(
        expected, max(off), squared, float(expected) - bias,
        sum((_unbiased_square(each) * each.rows for each in filled), Fraction(0)) / rows,
    )  # fmt: skip


def gap(each: BinSums) -> Fraction:
    """Mean confidence less accuracy: above 0 the model is too sure."""
    return Fraction(each.confidence - each.hits * _ONE, each.rows * _ONE)


def _unbiased_square(each: BinSums) -> Fraction:
    if each.rows < _LEAST:
        return Fraction(0)
    return gap(each) ** 2 - Fraction(each.hits * (each.rows - each.hits), each.rows**2 * (each.rows - 1))


def _bias(each: BinSums, off: float) -> float:
    """How much larger the distance is on average than its truth, where the accuracy has normal noise."""
    spread = math.sqrt(each.hits * (each.rows - each.hits) / each.rows**3)
    if each.rows < _LEAST or spread == 0.0:
        return 0.0
    z = off / spread
    # E|g + s z| - g, both terms above 0: nothing cancels.
    return spread * math.sqrt(2.0 / math.pi) * math.exp(-0.5 * z * z) - off * math.erfc(z / math.sqrt(2.0))


class ClasswiseErrors(NamedTuple):
    """The errors of one curve a class, as doubles: the mean of the expected errors, the greatest, and the root of the
    mean squared error; then debiased."""

    expected: float
    greatest: float
    root_squared: float
    expected_debiased: float
    root_squared_debiased: float


def joined_errors(curves: Sequence[CurveErrors]) -> ClasswiseErrors:
    """The errors of several curves as one: the mean over the curves, each of which counts the same (static calibration
    error of Nixon et al. 2019; Kull et al. 2019); the greatest is that of all. Of a single curve they are its own."""
    count = len(curves)
    squared = sum((each.squared for each in curves), Fraction(0)) / count
    unbiased = sum((each.squared_debiased for each in curves), Fraction(0)) / count
    return ClasswiseErrors(
        rounded(sum((each.expected for each in curves), Fraction(0)) / count),
        rounded(max(each.greatest for each in curves)), rounded_root(squared),
        math.fsum(each.expected_debiased for each in curves) / count, rounded_root(max(unbiased, Fraction(0))),
    )  # fmt: skip


class BrierParts(NamedTuple):
    """score = reliability - resolution + uncertainty + variance - covariance, exactly."""

    score: Fraction
    reliability: Fraction
    resolution: Fraction
    uncertainty: Fraction
    variance: Fraction
    covariance: Fraction


def brier_parts(curve: Sequence[BinSums]) -> BrierParts:
    """The Brier score of confidences against hits, mean (c - o)^2, and its parts over the bins.

    Murphy (1973) for the first three; what is lost by bins that hold different confidences is the variance of the
    confidences within bins less twice their covariance with the hits: Stephenson, Coelho and Jolliffe (2008), Two Extra
    Components in the Brier Score Decomposition. The sums must hold squares and confidences of hits; one row at least.

    >>> parts = brier_parts([BinSums(2, 1, _ONE, _ONE * 3 // 4, _ONE * 5 // 8)])
    >>> [float(each) for each in parts]
    [0.0625, 0.0, 0.0, 0.25, 0.0625, 0.25]
    >>> parts.score == parts.reliability - parts.resolution + parts.uncertainty + parts.variance - parts.covariance
    True
    """
    filled = [each for each in curve if each.rows]
    rows, hits = sum(each.rows for each in filled), sum(each.hits for each in filled)
    rate, zero = Fraction(hits, rows), Fraction(0)
    squares, of_hits = (Fraction(sum(each[i] for each in filled), _ONE) for i in (4, 3))
    return BrierParts(
        (squares - 2 * of_hits + hits) / rows,
        sum((gap(each) ** 2 * each.rows for each in filled), zero) / rows,
        sum(((Fraction(each.hits, each.rows) - rate) ** 2 * each.rows for each in filled), zero) / rows,
        rate * (1 - rate),
        (squares - sum((Fraction(each.confidence**2, each.rows * _ONE**2) for each in filled), zero)) / rows,
        2 * (of_hits - sum((Fraction(each.confidence * each.hits, each.rows * _ONE) for each in filled), zero)) / rows,
    )  # fmt: skip


def error_of_gap(each: BinSums) -> float | None:
    """The standard error of the gap, sqrt(s^2 / n) with s^2 the sample variance of confidence - hit in the bin; None
    for fewer than two rows."""
    if each.rows < _LEAST:
        return None
    squares = Fraction(each.squares - 2 * each.of_hits, _ONE) + each.hits
    return rounded_root((squares - each.rows * gap(each) ** 2) / (each.rows - 1) / each.rows)


def mean_confidence(each: BinSums) -> Fraction:
    """The mean confidence of a bin that has rows."""
    return Fraction(each.confidence, each.rows * _ONE)


def error_of_mean_confidence(each: BinSums) -> float | None:
    """The standard error of the mean confidence; None for fewer than two rows."""
    if each.rows < _LEAST:
        return None
    spread = Fraction(each.squares, _ONE) - each.rows * mean_confidence(each) ** 2
    return rounded_root(spread / (each.rows - 1) / each.rows)
