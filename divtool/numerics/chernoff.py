"""The Chernoff information: -log of the least S_a over the orders a within 0 and 1, found row by row.

log S_a is convex in a, so its minimum is the root of a slope that grows; Newton's steps are taken within a bracket
that halves where they would leave it. The value's error is the square of the root's, which therefore need not be exact.
Source: Chernoff, H., A Measure of Asymptotic Efficiency for Tests of a Hypothesis Based on the Sum of Observations,
Ann. Math. Stat. 23(4) (1952).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.numerics.alpha import Order, log_affinity_rows, log_terms, missed_rows
from divtool.numerics.divergence import g
from divtool.numerics.errorfree import Doubles
from divtool.numerics.geometry import squared_hellinger_rows
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_CLOSE_ENOUGH = 2.0**-24
_MOST_STEPS = 120
_EDGE = 2.0**-40


class _Rows(NamedTuple):
    """Rows in the form that the slope is computed from."""

    p: Doubles
    q: Doubles
    t: Doubles
    s: Doubles
    delta: Doubles
    curve: Doubles
    loose: Doubles
    overlapping: npt.NDArray[np.bool_]

    def at(self, rows: Any) -> _Rows:
        return _Rows(*(part[rows] for part in self))


def chernoff_information_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles) -> Doubles:
    """max over a in [0, 1] of -log sum_k p_k^a q_k^(1-a), of each row (n,), in nats; +inf where no class is shared.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> np.exp(chernoff_information_rows(p, q, np.array([[np.log(2), -np.inf]]), p - q))
    array([2.])
    """
    # One way round for both orders of the sides, so that they give the same bits: the first difference is positive.
    first = np.take_along_axis(delta, (delta != 0.0).argmax(axis=1)[:, None], axis=1)
    back = first < 0.0
    p, q = np.where(back, q, p), np.where(back, p, q)
    t, delta = np.where(back, -t, t), np.where(back, -delta, delta)
    a = _best_order(p, q, t, delta)[:, None]
    with np.errstate(**_QUIET):
        within = np.clip(a, _EDGE, 1.0 - _EDGE)
        inside = 0.0 - log_affinity_rows(p, q, t, delta, Order(within, within - 1.0))
        at_0 = np.where(a[:, 0] <= 0.0, missed_rows(q, t), -np.inf)
        at_1 = np.where(a[:, 0] >= 1.0, missed_rows(p, -t), -np.inf)
        return np.asarray(np.maximum(np.maximum(inside, at_0), at_1))


def _best_order(p: Doubles, q: Doubles, t: Doubles, delta: Doubles) -> Doubles:
    """The order of the least S_a of each row (n,); 0 or 1 where it is a limit, 1/2 where all are alike."""
    with np.errstate(**_QUIET):
        shared = np.isfinite(t)
        s = np.where(shared, 0.0 - t, 0.0)
        loose = row_sum(np.where(shared, 0.0, delta))
        curve = np.where(np.abs(s) <= 1.0, g(s), 0.0)
        overlapping = squared_hellinger_rows(p, q, delta) < 0.5
        rows = _Rows(p, q, t, s, np.where(shared, delta, 0.0), curve, loose, overlapping)
        low, high, a = np.zeros(len(p)), np.ones(len(p)), np.full(len(p), 0.5)
        if not shared.all():
            a = np.where(_slope(rows, low)[0] >= 0.0, 0.0, np.where(_slope(rows, high)[0] <= 0.0, 1.0, a))
        active = np.flatnonzero((a == 0.5) & ~np.isnan(loose) & (s != 0.0).any(axis=1))
        for _ in range(_MOST_STEPS):
            if not active.size:
                break
            active = _stepped(rows, low, high, a, active)
        return a


def _stepped(rows: _Rows, low: Doubles, high: Doubles, a: Doubles, active: npt.NDArray[np.intp]) -> Any:
    """Move ``a``, ``low`` and ``high`` of the active rows in place; the rows that still move."""
    now = a[active]
    slope, bend = _slope(rows.at(active), now)
    low[active] = np.where(slope < 0.0, now, low[active])
    high[active] = np.where(slope > 0.0, now, high[active])
    wanted = now - slope / bend
    inner = (wanted > low[active]) & (wanted < high[active])
    after = np.where(slope == 0.0, now, np.where(inner, wanted, (low[active] + high[active]) / 2.0))
    a[active] = after
    moving = np.where(inner, np.abs(after - now) > _CLOSE_ENOUGH, high[active] - low[active] > _CLOSE_ENOUGH**2)
    return active[moving & (slope != 0.0)]


def _slope(rows: _Rows, a: Doubles) -> tuple[Doubles, Doubles]:
    """The first and second derivative, of S_a where the rows overlap, else of log S_a (n,).

    In near rows the terms of first order cancel: they are taken out of each class, as s expm1(a s) - (e^s - 1 - s).
    """
    logs = log_terms(rows.p, rows.q, rows.t, Order(a[:, None], a[:, None] - 1.0))
    near = np.abs(rows.s) <= 1.0
    mass = np.exp(logs)
    first = np.where(near, rows.q * (rows.s * np.expm1(a[:, None] * rows.s) - rows.curve), mass * rows.s - rows.delta)
    slope, bend = row_sum(first) - rows.loose, row_sum(mass * rows.s * rows.s)
    if rows.overlapping.all():
        return slope, bend
    top = logs.max(axis=1, keepdims=True)
    share = np.exp(logs - np.where(np.isinf(top), 0.0, top))
    total = row_sum(share)
    mean = row_sum(share * rows.s) / total
    spread = row_sum(share * (rows.s - mean[:, None]) ** 2) / total
    return np.where(rows.overlapping, slope, mean), np.where(rows.overlapping, bend, spread)
