"""Sums of doubles without any rounding, mergeable in any order.

The sum of finite doubles is an integer number of units of 2**-1126 (the last bit of the halves into which a subnormal
is split here), so the whole state is one Python integer: merging is adding integers, and the sum has the same bits
however the numbers were split, ordered or shared out. Squares and products are taken as error-free products of the
mantissas, hence are exact as well, also where x*x would underflow.
"""

from __future__ import annotations

import math
from fractions import Fraction
from math import isqrt

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

# frexp: x = m * 2**e with 0.5 <= |m| < 1, so x is an integer multiple of 2**(e - 53), and e >= -1073.
_LOWEST = -1073
# The low half of a product of two mantissas is a multiple of 2**-106, so its own exponent is -105 at the least.
_LOWEST_PRODUCT = 2 * _LOWEST - 105
# The low half of a square, times a mantissa, halved again.
_LOWEST_CUBE = 3 * _LOWEST - 210
_MANTISSA = 53
# np.bincount adds in doubles: 2**26 values below 2**27 stay below 2**53, so every partial sum is exact.
_AT_ONCE = 1 << 26
_LARGE = 2.0**27
# Below this many terms Python's own exact sum is the faster one; both give the same double.
_FEW = 1000


def _units(mantissa: Doubles, exponent: npt.NDArray[np.int64], floor: int) -> int:
    """The sum of mantissa * 2**exponent, in units of 2**(floor - 53); mantissas have 53 bits, exponents >= floor."""
    if mantissa.size == 0:
        return 0
    scaled = mantissa * 2.0**26
    high = np.trunc(scaled)
    low = (scaled - high) * _LARGE
    lowest = int(exponent.min())
    place = exponent - lowest
    total = 0
    highs, lows = np.bincount(place, high), np.bincount(place, low)
    for i in np.flatnonzero((highs != 0) | (lows != 0)).tolist():
        total += ((int(highs[i]) << 27) + int(lows[i])) << (lowest + i - floor)
    return total


def _pieces(size: int) -> list[slice]:
    return [slice(i, i + _AT_ONCE) for i in range(0, size, _AT_ONCE)]


class ExactSum:
    """The exact sum of finite doubles: starts empty, updates, merges, presents.

    >>> total = ExactSum()
    >>> total.update(np.array([1e300, 1.0, -1e300, 1e-300]))
    >>> other = ExactSum()
    >>> other.update(np.array([-1.0]))
    >>> total.merge(other)
    >>> total.present() == Fraction(1e-300)
    True
    """

    __slots__ = ("units",)
    scale = Fraction(1, 1 << (_MANTISSA - _LOWEST))

    def __init__(self, units: int = 0) -> None:
        self.units = units

    def update(self, values: Doubles) -> None:
        """Add every value; all must be finite."""
        for piece in _pieces(values.size):
            mantissa, exponent = np.frexp(values[piece])
            self.units += _units(mantissa, exponent.astype(np.int64), _LOWEST)

    def merge(self, other: ExactSum) -> None:
        """Add the sum of another part."""
        self.units += other.units

    def present(self) -> Fraction:
        """The sum as an exact rational number."""
        return self.units * self.scale

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.units == other.units

    __hash__ = None  # type: ignore[assignment]


class ExactProductSum(ExactSum):
    """The exact sum of products x*y of finite doubles.

    >>> total = ExactProductSum()
    >>> total.update_products(np.array([1e-200, 3.0]), np.array([1e-200, 0.1]))
    >>> total.present() == Fraction(1e-200) ** 2 + 3 * Fraction(0.1)
    True
    """

    __slots__ = ()
    scale = Fraction(1, 1 << (_MANTISSA - _LOWEST_PRODUCT))

    def update_products(self, x: Doubles, y: Doubles) -> None:
        """Add x[i] * y[i] for every i."""
        for piece in _pieces(x.size):
            mx, ex = np.frexp(x[piece])
            my, ey = np.frexp(y[piece])
            high, low = _product(mx, my)
            exponent = ex.astype(np.int64) + ey
            self._add(high, exponent)
            self._add(low, exponent)

    def _add(self, values: Doubles, shift: npt.NDArray[np.int64]) -> None:
        mantissa, exponent = np.frexp(values)
        self.units += _units(mantissa, exponent + shift, _LOWEST_PRODUCT)


class ExactCubeSum(ExactSum):
    """The exact sum of cubes x*x*x of finite doubles.

    >>> total = ExactCubeSum()
    >>> total.update(np.array([1e-200, 0.1]))
    >>> total.present() == Fraction(1e-200) ** 3 + Fraction(0.1) ** 3
    True
    """

    __slots__ = ()
    scale = Fraction(1, 1 << (_MANTISSA - _LOWEST_CUBE))

    def update(self, values: Doubles) -> None:
        """Add the cube of every value; all must be finite."""
        for piece in _pieces(values.size):
            mantissa, exponent = np.frexp(values[piece])
            for square in _product(mantissa, mantissa):
                own, shift = np.frexp(square)
                for cube in _product(own, mantissa):
                    last, more = np.frexp(cube)
                    self.units += _units(last, 3 * exponent.astype(np.int64) + shift + more, _LOWEST_CUBE)


def _product(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """a*b as an unevaluated sum, exactly (Dekker 1971); mantissas below 1 cannot overflow the splitting."""
    high = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
    return high, low


def _halves(a: Doubles) -> tuple[Doubles, Doubles]:
    spread = a * (_LARGE + 1.0)
    high = spread - (spread - a)
    return high, a - high


def exact_sum(terms: Doubles) -> float:
    """The sum of finite doubles, rounded once.

    >>> exact_sum(np.array([1e300, 1.0, -1e300]))
    1.0
    """
    if terms.size < _FEW:
        return math.fsum(terms.tolist())
    total = ExactSum()
    total.update(np.asarray(terms, np.float64))
    return rounded(total.present())


def rounded(value: Fraction) -> float:
    """The double nearest to an exact value (infinite beyond the doubles)."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def rounded_root(value: Fraction) -> float:
    """The square root of an exact value >= 0, to within an ulp, also where ``value`` itself is no double.

    >>> rounded_root(Fraction(1, 10**700)) == float("1e-350")
    True
    """
    if value <= 0:
        return 0.0
    # Scale by an even power of two so that 2**128 <= scaled < 2**131, take the integer root, scale back exactly.
    shift = 128 - (value.numerator.bit_length() - value.denominator.bit_length())
    shift += shift % 2
    scaled = value * Fraction(2) ** shift
    root = isqrt(int(scaled) << 64)
    return rounded(Fraction(root) / Fraction(2) ** (shift // 2 + 32))
