"""Textbook formulas in mpmath for one distribution, losses against the truth, plain numbers and transforms.

By the verb's name with underscores, in dictionaries by what they take: `ROWS[name](p)`, `LABELLED[name](q, truth)`,
`SCORED[name](z, y)` (logits of yes-or-no questions) and its probabilities' twin in `CHANCES`, `NUMBERS[name](...)`,
`TRANSFORMS[name](...)`.  Options are keywords, with the verb's defaults.  Nothing here is clever: no maximum is left
out, nothing is rearranged; a limit order has the formula of its limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from mpmath import mp, mpf

Row = Sequence[Any]


def _numbers(x: Row) -> list[mpf]:
    return [mpf(v) for v in x]


def _log(p: Any) -> mpf:
    return mp.log(p) if p else -mp.inf


def _times(a: Any, b: Any) -> mpf:
    """a b, where 0 * inf = 0."""
    return mpf(0) if a == 0 or b == 0 else mpf(a) * b


def _cross(p: Row, q: Row) -> mpf:
    return mp.fsum(_times(a, -_log(b)) for a, b in zip(p, q, strict=True))


# One distribution


def entropy(p: Row) -> mpf:
    return _cross(p, p)


def normalized_entropy(p: Row) -> mpf:
    return entropy(p) / mp.log(len(p)) if len(p) > 1 else mpf(0)


def redundancy(p: Row) -> mpf:
    return 1 - normalized_entropy(p) if len(p) > 1 else mpf(0)


def entropy_perplexity(p: Row) -> mpf:
    return mp.exp(entropy(p))


def _powers(p: Row, order: float) -> mpf:
    return mp.fsum(v ** mpf(order) for v in p if v)


def renyi_entropy(p: Row, order: float = 2.0) -> mpf:
    if order == 1:
        return entropy(p)
    return -mp.log(max(p)) if order == math.inf else mp.log(_powers(p, order)) / (1 - mpf(order))


def tsallis_entropy(p: Row, order: float = 2.0) -> mpf:
    if order == 1:
        return entropy(p)
    return mpf(0) if order == math.inf else (1 - _powers(p, order)) / (mpf(order) - 1)


def hill(p: Row, order: float = 2.0) -> mpf:
    return mp.exp(renyi_entropy(p, order))


def min_entropy(p: Row) -> mpf:
    return -mp.log(max(p))


def gini_simpson(p: Row) -> mpf:
    return 1 - mp.fsum(v * v for v in p)


def extropy(p: Row) -> mpf:
    return mp.fsum(_times(1 - v, -_log(1 - v)) for v in p)


def varentropy(p: Row) -> mpf:
    return mp.fsum(v * mp.log(v) ** 2 for v in p if v) - entropy(p) ** 2


def kl_to_uniform(p: Row) -> mpf:
    return mp.log(len(p)) - entropy(p)


def margin(p: Row) -> mpf:
    first, second = sorted([*p, mpf(0)], reverse=True)[:2]
    return first - second


def max_probability(p: Row) -> mpf:
    return max(p)


def least_confidence(p: Row) -> mpf:
    return 1 - max(p)


def cumulative_residual_entropy(p: Row) -> mpf:
    above = [mp.fsum(p[k:]) for k in range(1, len(p))]
    return mp.fsum(_times(s, -_log(s)) for s in above)


def energy_score(x: Row, temperature: float = 1.0) -> mpf:
    """Of logits, not of a distribution."""
    t = mpf(temperature)
    return -t * mp.log(mp.fsum(mp.exp(mpf(v) / t) for v in x))


ROWS: dict[str, Callable[..., mpf]] = {
    each.__name__: each
    for each in (
        entropy, normalized_entropy, redundancy, entropy_perplexity, renyi_entropy, tsallis_entropy, hill, min_entropy,
        gini_simpson, extropy, varentropy, kl_to_uniform, margin, max_probability, least_confidence,
        cumulative_residual_entropy, energy_score,
    )
}  # fmt: skip


# A model and the truth


def ce(q: Row, truth: Row) -> mpf:
    return _cross(truth, q)


def nll(x: Row, truth: Row) -> mpf:
    """Of log-probabilities."""
    return mp.fsum(_times(t, -mpf(v)) for t, v in zip(truth, x, strict=True))


def _at_label(q: Row, truth: Row) -> mpf:
    return next(a for a, t in zip(q, truth, strict=True) if t == 1)


def focal(q: Row, truth: Row, gamma: float = 2.0) -> mpf:
    p = _at_label(q, truth)
    return _times((1 - p) ** mpf(gamma), -_log(p))


def poly_1(q: Row, truth: Row, epsilon: float = 1.0) -> mpf:
    p = _at_label(q, truth)
    return -_log(p) + mpf(epsilon) * (1 - p)


def brier(q: Row, truth: Row, half: bool = False) -> mpf:
    return mp.fsum((a - mpf(t)) ** 2 for a, t in zip(q, truth, strict=True)) / (2 if half else 1)


def el2n(q: Row, truth: Row) -> mpf:
    return mp.sqrt(brier(q, truth))


def spherical(q: Row, truth: Row) -> mpf:
    return mp.fsum(mpf(t) * a for a, t in zip(q, truth, strict=True)) / mp.sqrt(mp.fsum(a * a for a in q))


def rps(q: Row, truth: Row, normalized: bool = False) -> mpf:
    total = mp.fsum(mp.fsum(a - mpf(t) for a, t in zip(q[:k], truth[:k], strict=True)) ** 2 for k in range(1, len(q)))
    return total / (len(q) - 1) if normalized and len(q) > 1 else total


def _rank(q: Row, truth: Row) -> int:
    label = list(truth).index(1)
    return sum(1 for k, a in enumerate(q) if a > q[label] or (a == q[label] and k < label))


def error_rate(q: Row, truth: Row) -> mpf:
    return mpf(_rank(q, truth) > 0)


def top_k_error(q: Row, truth: Row, k: int = 5) -> mpf:
    return mpf(_rank(q, truth) >= k)


LABELLED: dict[str, Callable[..., mpf]] = {
    # of each row a perplexity hands over the logarithm
    "perplexity": ce,
    **{each.__name__: each for each in (ce, nll, focal, poly_1, brier, el2n, spherical, rps, error_rate, top_k_error)},
}


# Yes-or-no questions


def sigmoid(z: Row, temperature: float = 1.0) -> list[mpf]:
    return [1 / (1 + mp.exp(-mpf(v) / mpf(temperature))) for v in z]


def _average(terms: Sequence[mpf], over: str) -> mpf:
    return mp.fsum(terms) / (len(terms) if over == "mean" else 1)


def _each(pos_weight: str, classes: int) -> list[mpf]:
    given = [mpf(float(v)) for v in pos_weight.split(",")] if pos_weight else [mpf(1)]
    return given * classes if len(given) == 1 else given


def bce_of_chances(p: Row, y: Row, pos_weight: str = "", over: str = "mean", weights: Row | None = None) -> mpf:
    p, positive, weights = _numbers(p), _each(pos_weight, len(p)), weights or [1] * len(p)
    terms = [
        _times(w, _times(mpf(t) * pos, -_log(a)) + _times(1 - mpf(t), -_log(1 - a)))
        for a, t, pos, w in zip(p, y, positive, weights, strict=True)
    ]
    return _average(terms, over)


def bce(z: Row, y: Row, **options: Any) -> mpf:
    return bce_of_chances(sigmoid(z), y, **options)


def quadratic_cost_of_chances(p: Row, y: Row) -> mpf:
    return mp.fsum((a - mpf(t)) ** 2 for a, t in zip(p, y, strict=True)) / 2


def quadratic_cost(z: Row, y: Row) -> mpf:
    return quadratic_cost_of_chances(sigmoid(z), y)


SCORED: dict[str, Callable[..., mpf]] = {"bce": bce, "quadratic_cost": quadratic_cost}
CHANCES: dict[str, Callable[..., mpf]] = {"bce": bce_of_chances, "quadratic_cost": quadratic_cost_of_chances}


# Numbers as they are


def cosine_similarity(a: Row, b: Row) -> mpf:
    a, b = _numbers(a), _numbers(b)
    dot = mp.fsum(x * y for x, y in zip(a, b, strict=True))
    return dot / mp.sqrt(mp.fsum(x * x for x in a) * mp.fsum(y * y for y in b))


def cosine_embedding(a: Row, b: Row, sign: Row, margin: float = 0.0) -> mpf:
    cosine = cosine_similarity(a, b)
    return 1 - cosine if sign[0] == 1 else max(mpf(0), cosine - mpf(margin))


def gaussian_nll(mean: Row, x: Row, variance: Row, full: bool = False, eps: float = 1e-6) -> mpf:
    rows = zip(mean, x, variance, strict=True)
    held = [(mpf(m), mpf(t), max(mpf(v), mpf(eps))) for m, t, v in rows]
    terms = [(mp.log(v) + (m - t) ** 2 / v + (mp.log(2 * mp.pi) if full else 0)) / 2 for m, t, v in held]
    return _average(terms, "mean")


def poisson_nll(rate: Row, count: Row, log_input: bool = True, full: str = "none", eps: float = 1e-8) -> mpf:
    terms = []
    for x, t in zip(_numbers(rate), _numbers(count), strict=True):
        term = mp.exp(x) - t * x if log_input else x - t * mp.log(x + mpf(eps))
        if full == "exact":
            term += mp.loggamma(t + 1)
        if full == "stirling" and t > 1:
            term += t * mp.log(t) - t + mp.log(2 * mp.pi * t) / 2
        terms.append(term)
    return _average(terms, "mean")


NUMBERS: dict[str, Callable[..., mpf]] = {
    each.__name__: each for each in (cosine_similarity, cosine_embedding, gaussian_nll, poisson_nll)
}


# A pair


def distillation(p: Row, q: Row, temperature: float = 1.0) -> mpf:
    """Of distributions at that temperature."""
    kl = mp.fsum(_times(a, _log(a) - _log(b)) for a, b in zip(p, q, strict=True))
    return mpf(temperature) ** 2 * kl


# Transforms


def log_sigmoid(z: Row, temperature: float = 1.0) -> list[mpf]:
    return [mp.log(v) for v in sigmoid(z, temperature)]


def temper(p: Row, temperature: float = 1.0) -> list[mpf]:
    """p^(1/T) made to sum to 1."""
    powers = [v ** (1 / mpf(temperature)) if v else mpf(0) for v in p]
    return [v / mp.fsum(powers) for v in powers]


def smooth_labels(truth: Row, smoothing: float = 0.0) -> list[mpf]:
    e = mpf(smoothing)
    return [mpf(t) * (1 - e) + e / len(truth) for t in truth]


def one_hot(truth: Row) -> list[mpf]:
    return _numbers(truth)


def normalize(x: Row) -> list[mpf]:
    return [mpf(v) / mp.fsum(_numbers(x)) for v in x]


def ce_gradient(q: Row, truth: Row, weights: Row | None = None, temperature: float = 1.0) -> list[mpf]:
    """Of q = softmax(x / T) and -sum_k w_k truth_k log q_k, with respect to x."""
    mass = [mpf(t) * mpf(w) for t, w in zip(truth, weights or [1] * len(q), strict=True)]
    return [(a * mp.fsum(mass) - t) / mpf(temperature) for a, t in zip(q, mass, strict=True)]


def bce_gradient(z: Row, y: Row, pos_weight: str = "", over: str = "mean", weights: Row | None = None) -> list[mpf]:
    scale = len(z) if over == "mean" else 1
    parts = zip(sigmoid(z), y, _each(pos_weight, len(z)), weights or [1] * len(z), strict=True)
    return [mpf(w) * ((1 - mpf(t)) * a - mpf(t) * pos * (1 - a)) / scale for a, t, pos, w in parts]


def quadratic_gradient(z: Row, y: Row, through: str = "sigmoid") -> list[mpf]:
    """Of 1/2 sum (a - y)^2 with respect to z, by the chain rule."""
    if through == "sigmoid":
        return [(a - mpf(t)) * a * (1 - a) for a, t in zip(sigmoid(z), y, strict=True)]
    total = mp.fsum(mp.exp(mpf(v)) for v in z)
    a = [mp.exp(mpf(v)) / total for v in z]
    error = [b - mpf(t) for b, t in zip(a, y, strict=True)]
    return [mp.fsum(error[j] * a[j] * ((j == k) - a[k]) for j in range(len(a))) for k in range(len(a))]


TRANSFORMS: dict[str, Callable[..., list[mpf]]] = {
    each.__name__: each
    for each in (
        sigmoid, log_sigmoid, temper, smooth_labels, one_hot, normalize, ce_gradient, bce_gradient, quadratic_gradient,
    )
}  # fmt: skip
