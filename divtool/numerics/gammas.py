"""Derivatives of log gamma, and the difference of two of them, for numbers above 0.

Small arguments are moved up by the recurrence, large ones go through the asymptotic series in the Bernoulli numbers;
around its zero digamma is a Taylor series, so that it keeps its digits there. Source: Abramowitz and Stegun, Handbook
of Mathematical Functions (1964), 6.1.40, 6.3.5, 6.3.18, 6.4.6, 6.4.12.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.logdefect import log_defect
from divtool.numerics.loggamma import log_factorial

# From here on the series below are right to the last bit.
FAR = 12.0
# B_2, B_4, ..., B_16
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_HALF_LOG_TWO_PI = 0.9189385332046728
# The zero of digamma as a sum of two doubles, and the Taylor series there (its first coefficient is psi'(zero)).
_ZERO, _ZERO_LOW = 1.4616321449683622, 9.549995429965697e-17
_RADIUS = 0.3
_AROUND_ZERO = (
    0.9676722454476212,
    -0.4427631689835921,
    0.258499760955651,
    -0.16394270544240652,
    0.10782405069126237,
    -0.07219956125645471,
    0.04880428816414311,
    -0.03316112647484736,
    0.022597648232218104,
    -0.01542476590494896,
    0.010538791616612175,
    -0.007204534386356869,
    0.004926781395729853,
    -0.003369801655439328,
    0.002305126326734928,
    -0.0015769367714301972,
    0.0010788252019162967,
    -0.0007380709389960052,
    0.000504953265834602,
    -0.0003454680251063077,
    0.00023635601564027053,
    -0.00016170622091974803,
    0.0001106337276874741,
    -7.569179582195066e-05,
    5.178575795222081e-05,
)


def _series(coefficients: tuple[float, ...], x: Doubles) -> Doubles:
    """c_0 + c_1 x + c_2 x^2 + ..."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def _inverse_squares(x: Doubles) -> Doubles:
    inverse = 1.0 / x
    return np.asarray(inverse * inverse)


def _steps_up(x: Doubles) -> Doubles:
    """How many steps of 1 bring x to at least FAR."""
    return np.ceil(np.maximum(FAR - x, 0.0))


def _added(x: Doubles, steps: Doubles, term: Callable[[Doubles], Doubles]) -> Doubles:
    """The sum of term(x + k) over k < steps, the smallest terms first."""
    total = np.zeros(np.shape(x))
    few = steps > 0.0
    # of millions of counts only the small ones take this way
    if few.any():
        x, steps = x[few], steps[few]
        part = np.zeros_like(x)
        for k in range(int(FAR), -1, -1):
            part = part + np.where(k < steps, term(x + k), 0.0)
        total[few] = part
    return total


_DIGAMMA = tuple(b / (2 * k) for k, b in enumerate(BERNOULLI, 1))
_STIRLING = tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI, 1))


def digamma(x: Doubles | float) -> Doubles:
    """psi(x), the derivative of log gamma, for x above 0 (NaN elsewhere): within 32 u, also near its zero at 1.46...

    >>> round(-digamma(1.0).item(), 14)  # Euler's constant
    0.57721566490153
    """
    x = np.asarray(x, np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        x = np.where(x > 0.0, x, np.nan)
        steps = _steps_up(np.where(np.isnan(x), FAR, x))
        high = x + steps
        square = _inverse_squares(high)
        value = (np.log(high) - 0.5 / high - square * _series(_DIGAMMA, square)) - _added(x, steps, lambda y: 1.0 / y)
        h = (x - _ZERO) - _ZERO_LOW
        near = np.abs(h) <= _RADIUS
        h = np.where(near, h, 0.0)
        return np.where(near, h * _series(_AROUND_ZERO, h), value)


def digamma_difference(x: Doubles | float, gap: Doubles | float) -> Doubles:
    """psi(x + gap) - psi(x) for x above 0 and a gap of at least 0, within 32 u however small or large the gap.

    For whole numbers this is 1/x + 1/(x + 1) + ... + 1/(x + gap - 1). All parts are of one sign, or small beside it.

    >>> digamma_difference(1.0, 2.0).item()
    1.5
    """
    x, gap = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(gap, np.float64))
    steps = _steps_up(x)
    gaps = gap[steps > 0.0]
    near = _added(x, steps, lambda y: (gaps / (y + gaps)) / y)
    low = x + steps
    log = np.log1p(gap / low)
    square, ratio, lost = _inverse_squares(low), np.exp(-2.0 * log), -np.expm1(-2.0 * log)
    # lost is 1 - (low/high)^2k for k = 1, 2, ...
    part, power, series = lost, square, np.zeros_like(low)
    for coefficient in _DIGAMMA:
        series = series + coefficient * (power * part)
        part, power = part * ratio + lost, power * square
    return np.asarray(near + (series + 0.5 * (gap / (low + gap)) / low + log))


def log_less_digamma(x: Doubles | float) -> Doubles:
    """log x - psi(x) for x above 0, within 32 u also where it is small: about 1/(2x).

    >>> f"{log_less_digamma(1e6):.14g}"
    '5.0000008333333e-07'
    """
    x = np.asarray(x, np.float64)
    steps = _steps_up(x)
    high = x + steps
    square = _inverse_squares(high)
    far = 0.5 / high + square * _series(_DIGAMMA, square)
    return np.asarray(far + _added(x, steps, lambda y: log_defect(1.0 / y)))


def trigamma(x: Doubles | float) -> Doubles:
    """psi'(x), the second derivative of log gamma, for x above 0, within 32 u.

    >>> round(trigamma(1.0).item() - np.pi**2 / 6, 14)
    0.0
    """
    x = np.asarray(x, np.float64)
    steps = _steps_up(x)
    high = x + steps
    square = _inverse_squares(high)
    far = (square * _series(BERNOULLI, square) / high + 0.5 * square) + 1.0 / high
    return np.asarray(far + _added(x, steps, _inverse_squares))


def stirling_error(x: Doubles | float) -> Doubles:
    """log gamma(x) - [(x - 1/2) log x - x + 1/2 log 2 pi] for x above 0: about 1/(12 x); within 16 u from 12 on and
    within 32 u (1 + |log x|) below.

    >>> f"{stirling_error(1e6):.10g}"
    '8.333333333e-08'
    """
    x = np.asarray(x, np.float64)
    high = np.maximum(x, FAR)
    value = np.asarray(_series(_STIRLING, _inverse_squares(high)) / high)
    near = x < FAR
    if near.any():
        low = x[near]
        log = np.log(low)
        value[near] = (log_factorial(low) - log) - ((low - 0.5) * log - low + _HALF_LOG_TWO_PI)
    return value
