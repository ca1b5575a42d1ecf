"""How a mean would vary if the rows had come out otherwise: a seeded bootstrap, and random exchanges of signs.

Both look at U units, rows or groups of them, each with a number d and a share s of the denominator. The same data and
seed give the same bits on every machine: random bits are those of PCG64, whose raw stream is fixed, and every sum is
exact. For that numbers are rounded to whole multiples of a power of two, some 2**-37 of the greatest of 2**14 units;
no draw is off by more than U of these, which is nothing beside what draws differ by.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from divtool.numerics.errorfree import Doubles

# So many draws are made at a time.
_AT_ONCE = 1 << 18
# Sums of U rounded numbers stay below 2**52.
_BITS = 52


def bootstrap_bounds(numbers: Doubles, shares: Doubles, resamples: int, seed: int, level: float) -> Doubles:
    """The percentile bounds (m, 2) of sum d / sum s when U units are drawn with replacement, ``resamples`` times (Efron
    and Tibshirani, 1993, An Introduction to the Bootstrap, chapter 13); by linear interpolation.

    ``numbers`` and ``shares`` (m, U) are m problems over the same units: all see the same draws, and none changes
    another. Resamples whose shares come to 0 are left out; NaN where none is left, or where a number is not finite.
    A unit is drawn with a probability within U * 2**-32 of 1/U, relatively.

    >>> bootstrap_bounds(np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3)), 1000, 0, 0.9).tolist()
    [[1.3333333333333333, 2.6666666666666665]]
    """
    whole, scales = _whole(numbers)
    # Mostly all problems have the same shares.
    kinds, which = np.unique(shares, axis=0, return_inverse=True)
    parts, part_scales = _whole(kinds)
    units = numbers.shape[1]
    totals = np.concatenate([times @ np.concatenate([whole, parts]).T for times in _drawn(units, resamples, seed)])
    tops, bottoms = totals[:, : len(whole)], totals[:, len(whole) :][:, which.ravel()]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        ratios = np.ldexp(tops / bottoms, (scales - part_scales[which.ravel()])[None, :])
    finite = _finite(numbers) & _finite(shares)
    return np.array([_bounds(ratios[:, i], level) if finite[i] else (np.nan, np.nan) for i in range(len(numbers))])


def _bounds(ratios: Doubles, level: float) -> tuple[float, float]:
    ordered = np.sort(ratios[np.isfinite(ratios)])
    return _at(ordered, (1.0 - level) / 2.0), _at(ordered, (1.0 + level) / 2.0)


def _at(ordered: Doubles, share: float) -> float:
    if not ordered.size:
        return float("nan")
    place = share * (ordered.size - 1)
    low = int(place)
    first, second = float(ordered[low]), float(ordered[min(low + 1, ordered.size - 1)])
    return first + (place - low) * (second - first)


def _drawn(units: int, resamples: int, seed: int) -> Iterator[Doubles]:
    """How often each unit is drawn (n, U), for some resamples at a time."""
    stream = np.random.PCG64((seed, 0))
    step = max(_AT_ONCE // units, 1)
    for done in range(0, resamples, step):
        size = min(step, resamples - done)
        raw = stream.random_raw(size * ((units + 1) // 2)).reshape(size, -1)
        halves = np.concatenate([raw >> np.uint64(32), raw & np.uint64(0xFFFFFFFF)], axis=1)[:, :units]
        picked = (halves * np.uint64(units)) >> np.uint64(32)
        picked += (np.arange(size, dtype=np.uint64) * np.uint64(units))[:, None]
        counts = np.bincount(picked.ravel().view(np.int64), minlength=size * units)
        yield counts.reshape(size, units).astype(np.float64)


def permutation_p(numbers: Doubles, resamples: int, seed: int) -> Doubles:
    """The two-sided p-values (m,) of sum d, for m problems of U units (m, U), were each unit's sign a fair coin's: what
    exchanging the two that are compared would do.

    (1 + how many of the ``resamples`` are at least as far from 0) / (1 + resamples), never 0 (Phipson and Smyth, 2010,
    Permutation p-values should never be zero, Statistical Applications in Genetics and Molecular Biology 9). Sums
    within the rounding of each other, U units of 2**-37 (or so) of the greatest number, count as equally far. NaN where
    a number is not finite.

    >>> permutation_p(np.array([[0.0, 0.0], [1.0, 1.0]]), 3, 0).tolist()
    [1.0, 0.75]
    """
    whole, _ = _whole(numbers)
    units = numbers.shape[1]
    totals = np.add.reduce(whole, axis=1)
    far = np.zeros(len(numbers), np.int64)
    for flipped in _flipped(units, resamples, seed):
        far += np.count_nonzero(np.abs(totals - 2.0 * (flipped @ whole.T)) >= np.abs(totals) - units, axis=0)
    return np.where(_finite(numbers), (1 + far) / (1 + resamples), np.nan)


def _flipped(units: int, resamples: int, seed: int) -> Iterator[Doubles]:
    """Which units change their signs (n, U): 1 or 0, for some resamples at a time."""
    stream = np.random.PCG64((seed, 1))
    step = max(_AT_ONCE // units, 1)
    for done in range(0, resamples, step):
        size = min(step, resamples - done)
        raw = stream.random_raw(size * ((units + 63) // 64)).astype("<u8").view(np.uint8)
        yield np.unpackbits(raw.reshape(size, -1), axis=1, count=units).astype(np.float64)


def _finite(numbers: Doubles) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(numbers).all(axis=1))


def _whole(numbers: Doubles) -> tuple[Doubles, npt.NDArray[np.int32]]:
    """Each row (U,) as whole numbers whose sums are exact in any order, and the powers of two that they were divided
    by; 0 for rows that are not finite."""
    good = np.where(_finite(numbers)[:, None], numbers, 0.0)
    bits = _BITS - int(numbers.shape[1]).bit_length()
    scales = np.frexp(np.abs(good).max(axis=1, initial=0.0))[1] - np.int32(bits)
    return np.rint(np.ldexp(good, -scales[:, None])), scales
