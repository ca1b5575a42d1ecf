"""Textbook formulas for agreement of two models and for ensembles, in mpmath where there is anything to round.

By the verb's name with underscores: `AGREEMENT[name](p, q)` of two rows, `ENSEMBLES[name](members)` of a list of rows.
Nothing here is clever: classes are sorted, pairs of members are counted one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from mpmath import mp, mpf

Row = Sequence[Any]


def _first(p: Row, k: int) -> list[int]:
    """The k most probable classes, of equal ones the first."""
    return sorted(range(len(p)), key=lambda c: (-p[c], c))[:k]


def same_top_1(p: Row, q: Row) -> mpf:
    return mpf(_first(p, 1) == _first(q, 1))


def same_top_k(p: Row, q: Row, k: int = 5) -> mpf:
    shared = set(_first(p, k)) & set(_first(q, k))
    return mpf(len(shared)) / len(_first(p, k))


def delta_p(p: Row, q: Row, truth: Row) -> mpf:
    return mp.fsum(t * (b - a) for a, b, t in zip(p, q, truth, strict=True))


AGREEMENT: dict[str, Callable[..., mpf]] = {
    "same_top_1": same_top_1, "same_top_k": same_top_k, "delta_p": delta_p,
}  # fmt: skip


def _shares(weights: str, members: int) -> list[mpf]:
    given = [mpf(float(each)) for each in weights.split(",")] if weights else [mpf(1)] * members
    return [each / mp.fsum(given) for each in given]


def _entropy(p: Row) -> mpf:
    return mp.fsum(-v * mp.log(v) for v in p if v)


def predictive_entropy(members: Sequence[Row], weights: str = "") -> mpf:
    shares = _shares(weights, len(members))
    return _entropy([mp.fsum(w * v for w, v in zip(shares, cell, strict=True)) for cell in zip(*members, strict=True)])


def expected_entropy(members: Sequence[Row], weights: str = "") -> mpf:
    return mp.fsum(w * _entropy(row) for w, row in zip(_shares(weights, len(members)), members, strict=True))


def _votes(members: Sequence[Row]) -> list[int]:
    return [_first(row, 1)[0] for row in members]


def disagreement(members: Sequence[Row]) -> mpf:
    pairs = list(combinations(_votes(members), 2))
    return mpf(sum(a != b for a, b in pairs)) / len(pairs)


def variation_ratio(members: Sequence[Row]) -> mpf:
    return 1 - mpf(Counter(_votes(members)).most_common(1)[0][1]) / len(members)


def vote_entropy(members: Sequence[Row]) -> mpf:
    return _entropy([mpf(n) / len(members) for n in Counter(_votes(members)).values()])


ENSEMBLES: dict[str, Callable[..., mpf]] = {
    each.__name__: each for each in (predictive_entropy, expected_entropy, disagreement, variation_ratio, vote_entropy)
}
