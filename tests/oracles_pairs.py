"""Textbook formulas of two distributions in mpmath, by name: what the tests believe of every measure of a pair.

Each takes exact distributions as lists of `mpf` (the positive numbers as they are for `generalized_kl` and
`itakura_saito`, a list of distributions for `js_members`) and works with the digits that mpmath is set to. Nothing here
is clever: 0 log 0 = 0, 0^0 = 0 in a sum over classes, what is divided by 0 is infinite, and nothing over nothing is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mpmath import mp, mpf

Row = Sequence[mpf]


def each(p: Row, q: Row) -> list[tuple[mpf, mpf]]:
    """The classes that at least one side has."""
    return [(a, b) for a, b in zip(p, q, strict=True) if a or b]


def total(terms: Iterable[Any]) -> mpf:
    return mp.fsum(terms)


def over(a: mpf, b: mpf) -> mpf:
    """a / b, where something over nothing is infinite and nothing over nothing nothing."""
    return a / b if b else (mp.inf if a else mpf(0))


def log_ratio(a: mpf, b: mpf) -> mpf:
    """a log(a / b)."""
    return (a * mp.log(a / b) if b else mp.inf) if a else mpf(0)


def mix(p: Row, q: Row, share: Any) -> list[mpf]:
    return [(1 - mpf(share)) * a + mpf(share) * b for a, b in zip(p, q, strict=True)]


# Divergences


def kl(p: Row, q: Row) -> mpf:
    return total(log_ratio(a, b) for a, b in each(p, q))


def reverse_kl(p: Row, q: Row) -> mpf:
    return kl(q, p)


def jeffreys(p: Row, q: Row) -> mpf:
    return kl(p, q) + kl(q, p)


def skew_kl(p: Row, q: Row, skew: float = 0.99) -> mpf:
    return kl(p, mix(p, q, skew))


def k_divergence(p: Row, q: Row) -> mpf:
    return kl(p, mix(p, q, 0.5))


def js(p: Row, q: Row, weight: float = 0.5) -> mpf:
    w, m = mpf(weight), mix(q, p, weight)
    return (w * kl(p, m) if w else 0) + ((1 - w) * kl(q, m) if w != 1 else 0)


def js_distance(p: Row, q: Row) -> mpf:
    return mp.sqrt(js(p, q))


def topsoe(p: Row, q: Row) -> mpf:
    return 2 * js(p, q)


def taneja(p: Row, q: Row) -> mpf:
    return total((a + b) / 2 * mp.log((a + b) / (2 * mp.sqrt(a * b))) if a and b else mp.inf for a, b in each(p, q))


def js_members(members: Sequence[Row], weights: str = "") -> mpf:
    w = [mpf(float(x)) for x in weights.split(",")] if weights else [mpf(1)] * len(members)
    w = [x / mp.fsum(w) for x in w]
    m = [total(x * v for x, v in zip(w, column, strict=True)) for column in zip(*members, strict=True)]
    return total(x * kl(row, m) for x, row in zip(w, members, strict=True) if x)


def generalized_kl(p: Row, q: Row) -> mpf:
    return total(log_ratio(a, b) - a + b for a, b in each(p, q))


def itakura_saito(p: Row, q: Row) -> mpf:
    return total(a / b - mp.log(a / b) - 1 if a and b else mp.inf for a, b in each(p, q))


# Orders


def affinity(p: Row, q: Row, a: mpf) -> mpf:
    """S_a = sum p^a q^(1-a): a class with p = 0 counts nothing for a >= 0, one with q = 0 nothing for a <= 1."""
    terms = []
    for x, y in each(p, q):
        if x and y:
            terms.append(x**a * y ** (1 - a))
        elif (not x and a < 0) or (not y and a > 1):
            return mp.inf
        elif (not x and a == 0) or (not y and a == 1):
            terms.append(mpf(0))
    return total(terms)


def alpha(p: Row, q: Row, a: mpf) -> mpf:
    """(S_a - 1) / (a (a - 1)) and its limits."""
    if a == 1:
        return kl(p, q)
    if a == 0:
        return kl(q, p)
    return (affinity(p, q, a) - 1) / (a * (a - 1))


def renyi(p: Row, q: Row, order: float = 2.0) -> mpf:
    a = mpf(order)
    if a == mp.inf:
        return mp.log(max(over(x, y) for x, y in each(p, q)))
    if a == 1:
        return kl(p, q)
    s = affinity(p, q, a)
    return mp.inf if (s == mp.inf or not s) and a >= 0 else mp.log(s) / (a - 1)


def tsallis(p: Row, q: Row, order: float = 2.0) -> mpf:
    a = mpf(order)
    return kl(p, q) if a == 1 else (affinity(p, q, a) - 1) / (a - 1)


def amari(p: Row, q: Row, alpha: float = 0.5) -> mpf:
    a = mpf(alpha)
    if a in (-1, 1):
        return kl(p, q) if a == -1 else kl(q, p)
    return 4 * (1 - affinity(p, q, (1 - a) / 2)) / (1 - a**2)


def minka(p: Row, q: Row, order: float = 2.0) -> mpf:
    return alpha(p, q, mpf(order))


def cressie_read(p: Row, q: Row, power: float = 2 / 3) -> mpf:
    return 2 * alpha(p, q, mpf(power) + 1)


def chernoff(p: Row, q: Row, order: float = 0.5) -> mpf:
    s = affinity(p, q, mpf(order))
    return -mp.log(s) if s else mp.inf


def chernoff_information(p: Row, q: Row) -> mpf:
    """-log of the least S_a, by halving the interval on the sign of its derivative; the ends are limits."""
    both = [(a, b) for a, b in each(p, q) if a and b]
    if not both:
        return mp.inf
    logs = [(mp.log(a / b), b) for a, b in both]
    low, high = mpf(0), mpf(1)

    def slope(a: mpf) -> mpf:
        return total(b * mp.exp(a * s) * s for s, b in logs)

    if slope(low) >= 0:
        high = low
    elif slope(high) <= 0:
        low = high
    for _ in range(110):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return -mp.log(total(b * mp.exp(low * s) for s, b in logs))


# Distances


def gaps(p: Row, q: Row) -> list[mpf]:
    return [abs(a - b) for a, b in zip(p, q, strict=True)]


def l1(p: Row, q: Row) -> mpf:
    return total(gaps(p, q))


def tv(p: Row, q: Row) -> mpf:
    return l1(p, q) / 2


def squared_l2(p: Row, q: Row) -> mpf:
    return total(d * d for d in gaps(p, q))


def l2(p: Row, q: Row) -> mpf:
    return mp.sqrt(squared_l2(p, q))


def linf(p: Row, q: Row) -> mpf:
    return max(gaps(p, q))


def minkowski(p: Row, q: Row, order: float = 3.0) -> mpf:
    return linf(p, q) if mpf(order) == mp.inf else total(d ** mpf(order) for d in gaps(p, q)) ** (1 / mpf(order))


def squared_chord(p: Row, q: Row) -> mpf:
    return total((mp.sqrt(a) - mp.sqrt(b)) ** 2 for a, b in each(p, q))


def squared_hellinger(p: Row, q: Row) -> mpf:
    return squared_chord(p, q) / 2


def hellinger(p: Row, q: Row) -> mpf:
    return mp.sqrt(squared_hellinger(p, q))


def matusita(p: Row, q: Row) -> mpf:
    return mp.sqrt(squared_chord(p, q))


def bhattacharyya_coefficient(p: Row, q: Row) -> mpf:
    return total(mp.sqrt(a * b) for a, b in each(p, q))


def bhattacharyya(p: Row, q: Row) -> mpf:
    return chernoff(p, q)


def inner_product(p: Row, q: Row) -> mpf:
    return total(a * b for a, b in each(p, q))


def cosine(p: Row, q: Row) -> mpf:
    return inner_product(p, q) / mp.sqrt(inner_product(p, p) * inner_product(q, q))


def cosine_distance(p: Row, q: Row) -> mpf:
    return 1 - cosine(p, q)


# Chi-square


def chi2_pearson(p: Row, q: Row) -> mpf:
    return total(over((a - b) ** 2, b) for a, b in each(p, q))


def chi2_neyman(p: Row, q: Row) -> mpf:
    return chi2_pearson(q, p)


def triangular(p: Row, q: Row) -> mpf:
    return total((a - b) ** 2 / (a + b) for a, b in each(p, q))


def le_cam(p: Row, q: Row) -> mpf:
    return triangular(p, q) / 2


def probabilistic_symmetric(p: Row, q: Row) -> mpf:
    return triangular(p, q) * 2


def chi2_additive(p: Row, q: Row) -> mpf:
    return total(over((a - b) ** 2 * (a + b), a * b) for a, b in each(p, q))


def squared_divergence(p: Row, q: Row) -> mpf:
    return 2 * total(((a - b) / (a + b)) ** 2 for a, b in each(p, q))


def clark(p: Row, q: Row) -> mpf:
    return mp.sqrt(squared_divergence(p, q) / 2)


def kumar_johnson(p: Row, q: Row) -> mpf:
    return total(over((a**2 - b**2) ** 2, 2 * (a * b) ** mpf("1.5")) for a, b in each(p, q))


def min_symmetric_chi2(p: Row, q: Row) -> mpf:
    return min(chi2_pearson(p, q), chi2_neyman(p, q))


def max_symmetric_chi2(p: Row, q: Row) -> mpf:
    return max(chi2_pearson(p, q), chi2_neyman(p, q))


# Ordered classes


def cumulative(p: Row) -> list[mpf]:
    return [total(p[: k + 1]) for k in range(len(p))]


def cdf_gaps(p: Row, q: Row) -> list[mpf]:
    """Of every class but the last, where both sums are 1."""
    return [a - b for a, b in zip(cumulative(p), cumulative(q), strict=True)][:-1]


def wasserstein(p: Row, q: Row, order: float = 1.0) -> mpf:
    """The mean over the levels u of the power of the way between the quantiles at u."""
    left, right = [*cumulative(p)[:-1], mpf(1)], [*cumulative(q)[:-1], mpf(1)]
    i = j = 0
    at, cost = mpf(0), mpf(0)
    while i < len(left) and j < len(right):
        end = min(left[i], right[j])
        cost += (end - at) * mpf(abs(i - j)) ** mpf(order)
        at = end
        i, j = i + (left[i] == end), j + (right[j] == end)
    return cost ** (1 / mpf(order))


def energy_distance(p: Row, q: Row) -> mpf:
    return mp.sqrt(2 * cramer(p, q))


def cramer(p: Row, q: Row) -> mpf:
    return total(g * g for g in cdf_gaps(p, q))


def ks(p: Row, q: Row) -> mpf:
    return max([abs(g) for g in cdf_gaps(p, q)], default=mpf(0))


def kuiper(p: Row, q: Row) -> mpf:
    gap = [mpf(0), *cdf_gaps(p, q)]
    return max(gap) + max(-g for g in gap)


# What is left of Cha's survey


def most(p: Row, q: Row) -> mpf:
    return total(max(a, b) for a, b in each(p, q))


def intersection(p: Row, q: Row) -> mpf:
    return total(min(a, b) for a, b in each(p, q))


def sorensen(p: Row, q: Row) -> mpf:
    return l1(p, q) / total(a + b for a, b in each(p, q))


def gower(p: Row, q: Row) -> mpf:
    return l1(p, q) / len(p)


def soergel(p: Row, q: Row) -> mpf:
    return l1(p, q) / most(p, q)


def kulczynski_d(p: Row, q: Row) -> mpf:
    return over(l1(p, q), intersection(p, q))


def kulczynski_s(p: Row, q: Row) -> mpf:
    return over(intersection(p, q), l1(p, q))


def canberra(p: Row, q: Row) -> mpf:
    return total(abs(a - b) / (a + b) for a, b in each(p, q))


def lorentzian(p: Row, q: Row) -> mpf:
    return total(mp.log(1 + abs(a - b)) for a, b in each(p, q))


def wave_hedges(p: Row, q: Row) -> mpf:
    return total(abs(a - b) / max(a, b) for a, b in each(p, q))


def motyka(p: Row, q: Row) -> mpf:
    return most(p, q) / total(a + b for a, b in each(p, q))


def ruzicka(p: Row, q: Row) -> mpf:
    return intersection(p, q) / most(p, q)


def harmonic_mean(p: Row, q: Row) -> mpf:
    return 2 * total(a * b / (a + b) for a, b in each(p, q))


def kumar_hassebrook(p: Row, q: Row) -> mpf:
    return inner_product(p, q) / _union(p, q)


def _union(p: Row, q: Row) -> mpf:
    return inner_product(p, p) + inner_product(q, q) - inner_product(p, q)


def jaccard(p: Row, q: Row) -> mpf:
    return squared_l2(p, q) / _union(p, q)


def dice(p: Row, q: Row) -> mpf:
    return squared_l2(p, q) / (inner_product(p, p) + inner_product(q, q))


def average_l1_linf(p: Row, q: Row) -> mpf:
    return (l1(p, q) + linf(p, q)) / 2


def vicis_wave_hedges(p: Row, q: Row) -> mpf:
    return total(over(abs(a - b), min(a, b)) for a, b in each(p, q))


def vicis_symmetric_chi2_1(p: Row, q: Row) -> mpf:
    return total(over((a - b) ** 2, min(a, b) ** 2) for a, b in each(p, q))


def vicis_symmetric_chi2_2(p: Row, q: Row) -> mpf:
    return total(over((a - b) ** 2, min(a, b)) for a, b in each(p, q))


def vicis_symmetric_chi2_3(p: Row, q: Row) -> mpf:
    return total((a - b) ** 2 / max(a, b) for a, b in each(p, q))


F_DIVERGENCES: dict[str, Callable[[Row, Row], mpf]] = {
    "kl": kl,
    "reverse-kl": reverse_kl,
    "jeffreys": jeffreys,
    "js": js,
    "taneja": taneja,
    "tv": tv,
    "squared-hellinger": squared_hellinger,
    "chi2-pearson": chi2_pearson,
    "chi2-neyman": chi2_neyman,
    "triangular": triangular,
    "le-cam": le_cam,
}


def f_divergence(p: Row, q: Row, f: str = "kl") -> mpf:
    return F_DIVERGENCES[f](p, q)


PAIRS: dict[str, Callable[..., mpf]] = {
    function.__name__: function
    for function in (
        kl, jeffreys, skew_kl, k_divergence, js, js_distance, topsoe, taneja, js_members, generalized_kl,
        itakura_saito, f_divergence, renyi, tsallis, amari, minka, cressie_read, chernoff, chernoff_information, tv, l1,
        l2, squared_l2, linf, minkowski, hellinger, squared_hellinger, bhattacharyya, bhattacharyya_coefficient,
        matusita, squared_chord, cosine, cosine_distance, chi2_pearson, chi2_neyman, triangular, le_cam,
        probabilistic_symmetric, chi2_additive, squared_divergence, clark, kumar_johnson, min_symmetric_chi2,
        max_symmetric_chi2, wasserstein, energy_distance, cramer, ks, kuiper, sorensen, gower, soergel, kulczynski_d,
        kulczynski_s, canberra, lorentzian, intersection, wave_hedges, motyka, ruzicka, inner_product, harmonic_mean,
        kumar_hassebrook, jaccard, dice, average_l1_linf, vicis_wave_hedges, vicis_symmetric_chi2_1,
        vicis_symmetric_chi2_2, vicis_symmetric_chi2_3,
    )
}  # fmt: skip
