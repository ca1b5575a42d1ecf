"""Textbook formulas of what counts say, in mpmath with the digits that it is set to: what the tests believe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product

from mpmath import digamma, log, mp, mpf

Counts = Sequence[int]


def _sum(counts: Counts, term: Callable[[int], mpf]) -> mpf:
    return mp.fsum(term(n) * m for n, m in Counter(n for n in counts if n).items())


def shannon(shares: Sequence[mpf]) -> mpf:
    """-sum p log p."""
    return -mp.fsum(p * log(p) for p in shares if p)


def plug_in(counts: Counts, support: int) -> mpf:
    return shannon([mpf(n) / sum(counts) for n in counts])


def miller_madow(counts: Counts, support: int) -> mpf:
    return plug_in(counts, support) + (sum(n > 0 for n in counts) - 1) / (2 * mpf(sum(counts)))


def zhang(counts: Counts, support: int) -> mpf:
    total = mpf(sum(counts))
    return digamma(total) - _sum(counts, lambda n: n / total * digamma(n))


def grassberger_1988(counts: Counts, support: int) -> mpf:
    total = mpf(sum(counts))
    return _sum(counts, lambda n: n / total * (log(total) - digamma(n) - mpf((-1) ** n) / (n + 1)))


def _g(n: int) -> mpf:
    return digamma(n) + mpf((-1) ** n) / 2 * (digamma(mpf(n + 1) / 2) - digamma(mpf(n) / 2))


def grassberger(counts: Counts, support: int) -> mpf:
    total = mpf(sum(counts))
    return digamma(total) - _sum(counts, lambda n: n / total * _g(n))


def grassberger_ln(counts: Counts, support: int) -> mpf:
    total = mpf(sum(counts))
    return log(total) - _sum(counts, lambda n: n / total * _g(n))


def chao_shen(counts: Counts, support: int) -> mpf:
    total, once = sum(counts), sum(n == 1 for n in counts)
    coverage = 1 - mpf(once - (once == total)) / total
    shares = [coverage * n / total for n in counts if n]
    return -mp.fsum(c * log(c) / (1 - (1 - c) ** total) for c in shares)


def chao_wang_jost(counts: Counts, support: int) -> mpf:
    total, once, twice = sum(counts), sum(n == 1 for n in counts), sum(n == 2 for n in counts)
    a = mpf(1)
    if twice:
        a = mpf(2 * twice) / ((total - 1) * once + 2 * twice)
    elif once:
        a = mpf(2) / ((total - 1) * (once - 1) + 2)
    unseen = mpf(0)
    if once and a != 1:
        head = mp.fsum((1 - a) ** r / r for r in range(1, total))
        unseen = mpf(once) / total * (1 - a) ** (1 - total) * (-log(a) - head)
    return zhang(counts, support) + unseen


def bonachela(counts: Counts, support: int) -> mpf:
    total = sum(counts)
    padded = [*[n for n in counts if n], *[0] * (support - sum(n > 0 for n in counts))]
    return mp.fsum((n + 1) * mp.fsum(1 / mpf(j) for j in range(n + 2, total + 3)) for n in padded) / (total + 2)


def dirichlet(counts: Counts, support: int, a: float) -> mpf:
    padded = [*[n for n in counts if n], *[0] * (support - sum(n > 0 for n in counts))]
    return shannon([(n + mpf(a)) / (sum(counts) + support * mpf(a)) for n in padded])


def wolpert_wolf(counts: Counts, support: int, a: float) -> mpf:
    total = sum(counts) + support * mpf(a)
    padded = [*[n for n in counts if n], *[0] * (support - sum(n > 0 for n in counts))]
    return digamma(total + 1) - mp.fsum((n + mpf(a)) / total * digamma(n + mpf(a) + 1) for n in padded)


def shrink(counts: Counts, support: int) -> mpf:
    total = mpf(sum(counts))
    shares = [*[n / total for n in counts if n], *[mpf(0)] * (support - sum(n > 0 for n in counts))]
    spread = (total - 1) * mp.fsum((mpf(1) / support - p) ** 2 for p in shares)
    weight = min(mpf(1), (1 - mp.fsum(p * p for p in shares)) / spread) if spread > mpf(10) ** -30 else mpf(1)
    return shannon([weight / support + (1 - weight) * p for p in shares])


def nsb(counts: Counts, support: int) -> mpf:
    """By brute force: a fine trapezoidal rule in log b over all that matters."""
    seen = [n for n in counts if n]
    total, top = sum(seen), mpf("-inf")
    points: list[tuple[mpf, mpf]] = []
    for step in range(-60 * 5, 45 * 5):
        b = mp.exp(mpf(step) / 5)
        weight = mp.loggamma(support * b) - mp.loggamma(total + support * b) + mpf(step) / 5
        weight += mp.fsum(mp.loggamma(n + b) - mp.loggamma(b) for n in seen)
        weight += log(support * mp.psi(1, support * b + 1) - mp.psi(1, b + 1))
        points.append((b, weight))
        top = max(top, weight)
    heavy = [(b, mp.exp(weight - top)) for b, weight in points if weight > top - 50]
    means = [_posterior(seen, total, support, b) * mass for b, mass in heavy]
    return mp.fsum(means) / mp.fsum(mass for _, mass in heavy)


def _posterior(seen: Counts, total: int, support: int, b: mpf) -> mpf:
    whole = total + support * b
    unseen = (support - len(seen)) * b / whole * digamma(b + 1)
    return digamma(whole + 1) - mp.fsum((n + b) / whole * digamma(n + b + 1) for n in seen) - unseen


def expected_information(rows: Counts, columns: Counts) -> mpf:
    """E[MI] over the tables with these margins, cell by cell."""
    n, total = sum(rows), mpf(0)
    for (a, of_a), (b, of_b) in product(Counter(rows).items(), Counter(columns).items()):
        least = max(0, a + b - n)
        p = mp.binomial(b, least) * mp.binomial(n - b, a - least) / mp.binomial(n, a)
        for m in range(least, min(a, b) + 1):
            if m:
                total += of_a * of_b * p * m / n * log(mpf(n) * m / (mpf(a) * b))
            p = p * (a - m) * (b - m) / (mpf(m + 1) * (n - a - b + m + 1))
    return total


def tables(rows: Counts, columns: Counts) -> Iterator[tuple[int, ...]]:
    """All tables with these margins, as their cells."""
    if len(rows) == 1:
        yield tuple(columns)
        return
    for row in product(*(range(min(rows[0], c) + 1) for c in columns)):
        if sum(row) == rows[0]:
            rest = [c - n for c, n in zip(columns, row, strict=True)]
            yield from (row + others for others in tables(rows[1:], rest))
