"""Student's t distribution: quantiles and p-values, by the incomplete beta function."""

from __future__ import annotations

import math

from divtool.numerics.beta import incomplete_beta
from divtool.numerics.gammas import stirling_error

# From so many times the square root of the degrees on, the tail is a power of t.
_FAR = 1e100


def student_p(t: float, df: float) -> float:
    """P(|T| >= |t|), the two-sided p-value of t with ``df`` > 0 degrees of freedom, to some 1e-14 of itself; 0 where t
    is infinite, NaN where it is NaN (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1).

    >>> round(student_p(1.0, 1.0), 14)
    0.5
    """
    return 0.0 if math.isinf(t) else _outside(abs(t), df)


def t_quantile(level: float, df: float) -> float:
    """The t below which T lies with probability ``level``, between 0 and 1, with ``df`` > 0 degrees of freedom.

    >>> round(t_quantile(0.975, 10), 9)
    2.228138852
    """
    if not (0.0 < level < 1.0 and 0.0 < df < math.inf):
        return math.nan
    if level < 0.5:
        return -_positive_quantile(2.0 * level, 1.0 - 2.0 * level, df)
    return _positive_quantile(2.0 * (1.0 - level), 2.0 * level - 1.0, df)


def _positive_quantile(outside: float, inside: float, df: float) -> float:
    """The t >= 0 of which |T| lies ``outside``, and else ``inside``.

    Newton's method in log t on the logarithm of the smaller of the two: both are concave, so that it comes near from
    one side only, and cannot leave.
    """
    if inside == 0.0:
        return 0.0
    central = inside < outside
    t = 0.5 * inside / math.exp(_log_density(0.0, df)) if central else 1.0
    step = math.inf
    # Each step leaves the square of its own size, or so, to be done.
    while abs(step) > 1e-8:
        found, wanted = (_inside(t, df), inside) if central else (_outside(t, df), outside)
        slope = 2.0 * math.exp(math.log(t) + _log_density(t, df) - math.log(found))
        step = math.log(found / wanted) / (-slope if central else slope)
        t *= math.exp(min(step, 1.0))
    return t


def _outside(t: float, df: float) -> float:
    """P(|T| >= t)."""
    far = _FAR * math.sqrt(df)
    if t > far:
        return float(_outside(far, df) * (far / t) ** df)
    return incomplete_beta(df / 2.0, 0.5, *_parts(t, df))


def _inside(t: float, df: float) -> float:
    """P(|T| < t), of a t that is not far out."""
    x, y = _parts(t, df)
    return incomplete_beta(0.5, df / 2.0, y, x)


def _parts(t: float, df: float) -> tuple[float, float]:
    """df / (df + t^2) and t^2 / (df + t^2)."""
    ratio = (t / math.sqrt(df)) ** 2
    return 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)


def _log_density(t: float, df: float) -> float:
    """log of Gamma((df + 1)/2) / (Gamma(df/2) sqrt(pi df)) (1 + t^2/df)^-((df + 1)/2)."""
    half, ratio = df / 2.0, t / math.sqrt(df)
    log_gammas = half * math.log1p(0.5 / half) - 0.5 + float(stirling_error(half + 0.5)) - float(stirling_error(half))
    far = 2.0 * math.log(ratio) if ratio > _FAR else math.log1p(ratio * ratio)
    return log_gammas + 0.5 * math.log(half) - 0.5 * math.log(math.pi * df) - (half + 0.5) * far
