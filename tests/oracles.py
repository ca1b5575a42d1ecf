"""Textbook formulas in mpmath, by name: what the tests believe.

Each takes plain sequences of floats, exact as they stand, and works with the digits that mpmath is set to; `digits_for`
says how many the rows at hand need.  Nothing here is clever: no maximum is left out, nothing is rearranged.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mpmath import mp, mpf

Row = Sequence[float]


def digits_for(*rows: Row, temperature: float = 1.0) -> int:
    """Digits enough for logits: 100 + their largest distance (900 at 800; beyond 1600 everything underflows)."""
    finite = [[float(v) for v in row if math.isfinite(v)] or [0.0] for row in rows]
    return 100 + int(min(max(max(row) - min(row) for row in finite) / temperature, 1600))


def softmax(x: Row, temperature: float = 1.0) -> list[mpf]:
    """exp(x / T) over its sum; +inf entries share the mass, -inf entries have none."""
    x = [float(v) for v in x]
    if math.inf in x:
        return [mpf(v == math.inf) / x.count(math.inf) for v in x]
    top = mpf(max(x))
    kinds = {v: mp.exp((mpf(v) - top) / mpf(temperature)) if v > -math.inf else mpf(0) for v in set(x)}
    total = mp.fsum(kinds[v] * n for v, n in Counter(x).items())
    return [kinds[v] / total for v in x]


def proportions(p: Row) -> list[mpf]:
    """p / sum p."""
    total = mp.fsum(mpf(float(v)) for v in p)
    return [mpf(float(v)) / total for v in p]


def _minus_log(p: mpf) -> mpf:
    return -mp.log(p) if p else mp.inf


def ce(p: Sequence[Any], q: Sequence[mpf]) -> mpf:
    """Cross-entropy -sum p log q, in nats; 0 * inf = 0."""
    return mp.fsum(mpf(a) * _minus_log(b) for a, b in zip(p, q, strict=True) if a)


def entropy(p: Sequence[mpf]) -> mpf:
    """Shannon entropy -sum p log p, in nats."""
    return ce(p, p)


def kl(p: Sequence[mpf], q: Sequence[mpf]) -> mpf:
    """Kullback-Leibler divergence sum p log(p/q), in nats."""
    return mp.fsum(a * (mp.log(a) + _minus_log(b)) for a, b in zip(p, q, strict=True) if a)


def log_sum_exp(x: Row, temperature: float = 1.0) -> mpf:
    """log sum exp(x / T)."""
    x = [float(v) for v in x]
    if math.inf in x:
        return mp.inf
    top = mpf(max(x)) / mpf(temperature)
    terms = (n * mp.exp(mpf(v) / mpf(temperature) - top) for v, n in Counter(x).items() if v > -math.inf)
    return top + mp.log(mp.fsum(terms))


def log_softmax(x: Row, temperature: float = 1.0) -> list[mpf]:
    """The logarithm of softmax(x / T)."""
    return [-_minus_log(p) for p in softmax(x, temperature)]


ORACLES: dict[str, Callable[..., Any]] = {
    "ce": ce,
    "entropy": entropy,
    "kl": kl,
    "log_sum_exp": log_sum_exp,
    "proportions": proportions,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
