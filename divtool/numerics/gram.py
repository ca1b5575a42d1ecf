"""Sums of products of columns without any rounding: a column is cut into digits, whose products a matrix product adds.

A double is a short sum of digits, whole numbers below 2**20 times a power of 2**20. Products of digits are below 2**40,
so 2**13 of them add up below 2**53: every partial sum of the matrix product is a whole number that a double holds, and
the result is the same in whichever order a library adds, on any number of threads (Ozaki, Ogita, Oishi and Rump, 2012,
Error-free transformations of matrix multiplication, Numerical Algorithms 59).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.numerics.exactsum import Doubles, ExactProductSum

# Whole numbers of any size, as Python's own integers in an array of objects.
Wholes = npt.NDArray[Any]
# A column by the places of its digits: column = sum of digits[place] * 2**(WIDTH * place).
Digits = dict[int, Doubles]

WIDTH = 20
# 2**13 rows at once, see above.
_ROWS = 1 << 13
# Columns whose numbers lie further apart than this have so many digits that product by product is faster.
_MOST_DIGITS = 14
# What ExactProductSum counts in is 2**-_UNIT.
_UNIT = ExactProductSum.scale.denominator.bit_length() - 1


def digits_of(column: Doubles) -> Digits:
    """The digits of finite numbers (n,), each with the sign of its number; places that are empty are left out.

    >>> {place: digit.tolist() for place, digit in digits_of(np.array([3.0, -0.5])).items()}
    {0: [3.0, -0.0], -1: [0.0, -524288.0]}
    """
    return dict(_digits(column))


def _digits(column: Doubles) -> Iterator[tuple[int, Doubles]]:
    rest = np.asarray(column, np.float64)
    while (largest := float(np.max(np.abs(rest), initial=0.0))) > 0.0:
        place = (int(np.frexp(largest)[1]) - 1) // WIDTH
        digit = np.asarray(np.trunc(np.ldexp(rest, -WIDTH * place)), np.float64)
        yield place, digit
        # Both are multiples of the last bit of rest, and the difference is the smaller one: exact.
        rest = np.asarray(rest - np.ldexp(digit, WIDTH * place), np.float64)


def add_digit_sums(digits: Digits, column: Doubles, groups: npt.NDArray[np.int64], count: int, sign: float) -> None:
    """Add to ``digits`` the sums of the numbers of each group, or subtract them (``sign`` -1): exact for groups
    (numbers from 0 to ``count`` - 1) of fewer than 2**31 rows. The digits are then to be :func:`carried`."""
    for place, digit in _digits(column):
        sums = np.asarray(sign * np.bincount(groups, digit, minlength=count), np.float64)
        digits[place] = digits[place] + sums if place in digits else sums


def carried(digits: Digits) -> Digits:
    """The same numbers with digits of a size up to 2**19, but for the first, which may be twice that; so the first that
    is not 0 is more than the rest together. Whole numbers below 2**53 may stand in ``digits``."""
    if not digits:
        return {}
    place, top = min(digits), max(digits)
    carry = np.zeros_like(digits[place])
    found: Digits = {}
    while place <= top or bool((np.abs(carry) >= 1 << WIDTH).any()):
        total = carry + digits[place] if place in digits else carry
        carry = np.rint(np.ldexp(total, -WIDTH))
        found[place] = total - np.ldexp(carry, WIDTH)
        place += 1
    found[place] = carry
    return found


def doubles_of(digits: Digits, count: int) -> Doubles:
    """The numbers (count,) that :func:`carried` digits stand for, within a few units of the last place: 0 and the sign
    are exact; infinite beyond the doubles."""
    total = np.zeros(count)
    with np.errstate(over="ignore"):
        for place in sorted(digits):
            total = total + np.ldexp(digits[place], WIDTH * place)
    return total


def products_of_digits(columns: Sequence[Digits], rows: int) -> Wholes:
    """The sums of products of every two columns (m, m), in units of ``ExactProductSum.scale``.

    Digits are of a size below 2**20, or equal to it.
    """
    sums = np.zeros((len(columns), len(columns)), object)
    named = [(number, place, each) for number, digits in enumerate(columns) for place, each in digits.items()]
    if not named:
        return sums
    numbers, places = ([each[i] for each in named] for i in (0, 1))
    for start in range(0, rows, _ROWS):
        block = np.stack([each[start : start + _ROWS] for _, _, each in named])
        products = (block @ block.T).astype(np.int64).tolist()
        for number, place, row in zip(numbers, places, products, strict=True):
            for other, more, product in zip(numbers, places, row, strict=True):
                if product and other >= number:
                    sums[number, other] += product << (WIDTH * (place + more) + _UNIT)
    return _mirrored(sums)


def exact_products(columns: Sequence[Doubles]) -> Wholes:
    """The sums of products of every two of m columns (n,) of finite numbers: (m, m), in units of
    ``ExactProductSum.scale``.

    >>> sums = exact_products([np.array([1.0, 2.0]), np.array([0.5, -1.0])])
    >>> [[float(each * ExactProductSum.scale) for each in row] for row in sums]
    [[5.0, -1.5], [-1.5, 1.25]]
    """
    rows = len(columns[0]) if columns else 0
    sums = np.zeros((len(columns), len(columns)), object)
    for start in range(0, rows, _ROWS):
        block = [np.ascontiguousarray(each[start : start + _ROWS]) for each in columns]
        digits = None if any(map(_spread, block)) else [digits_of(each) for each in block]
        sums += _product_by_product(block) if digits is None else products_of_digits(digits, len(block[0]))
    return sums


def _spread(column: Doubles) -> bool:
    """Whether the numbers lie so far apart that they have very many digits."""
    exponents = np.frexp(column[column != 0.0])[1]
    return bool(exponents.size) and int(exponents.max()) - int(exponents.min()) > WIDTH * _MOST_DIGITS


def _product_by_product(columns: Sequence[Doubles]) -> Wholes:
    sums = np.zeros((len(columns), len(columns)), object)
    for i, one in enumerate(columns):
        for j in range(i, len(columns)):
            total = ExactProductSum()
            total.update_products(one, columns[j])
            sums[i, j] = total.units
    return _mirrored(sums)


def _mirrored(upper: Wholes) -> Wholes:
    return np.asarray(np.triu(upper) + np.triu(upper, 1).T)
