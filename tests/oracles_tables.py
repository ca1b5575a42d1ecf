"""Textbook formulas for the statistics of a joint table, in mpmath, from a list of rows of whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any

from mpmath import binomial, inf, log, mp, mpf, sqrt

Table = Sequence[Sequence[int]]

mp.dps = 60


def _margins(table: Table) -> tuple[list[int], list[int], int]:
    rows = [sum(row) for row in table]
    return rows, [sum(column) for column in zip(*table, strict=True)], sum(rows)


def _h(counts: Sequence[int]) -> mpf:
    total = mpf(sum(counts))
    return -sum((n / total * log(n / total) for n in counts if n), mpf(0))


def entropy_x(table: Table) -> mpf:
    return _h(_margins(table)[0])


def entropy_y(table: Table) -> mpf:
    return _h(_margins(table)[1])


def joint_entropy(table: Table) -> mpf:
    return _h([n for row in table for n in row])


def entropy_x_given_y(table: Table) -> mpf:
    return joint_entropy(table) - entropy_y(table)


def entropy_y_given_x(table: Table) -> mpf:
    return joint_entropy(table) - entropy_x(table)


def mutual_information(table: Table) -> mpf:
    rows, columns, total = _margins(table)
    pairs = [(n, r, c) for r, row in zip(rows, table, strict=True) for c, n in zip(columns, row, strict=True) if n]
    return sum((mpf(n) / total * log(mpf(n * total) / (r * c)) for n, r, c in pairs), mpf(0))


def variation_of_information(table: Table) -> mpf:
    return entropy_x_given_y(table) + entropy_y_given_x(table)


def lautum_information(table: Table) -> mpf:
    rows, columns, total = _margins(table)
    value = mpf(0)
    for r, row in zip(rows, table, strict=True):
        for c, n in zip(columns, row, strict=True):
            if r * c:
                value += inf if not n else mpf(r * c) / total**2 * log(mpf(r * c) / (n * total))
    return value


def _ratio(part: mpf, whole: mpf, nothing: int = 1) -> mpf:
    return mpf(nothing) if whole == 0 else part / whole


def _nmi(whole: Callable[[mpf, mpf, mpf], mpf]) -> Callable[[Table], mpf]:
    return lambda table: _ratio(
        mutual_information(table), whole(entropy_x(table), entropy_y(table), joint_entropy(table))
    )


def homogeneity(table: Table) -> mpf:
    return _ratio(mutual_information(table), entropy_x(table))


def completeness(table: Table) -> mpf:
    return _ratio(mutual_information(table), entropy_y(table))


def v_measure(table: Table) -> mpf:
    h, c = homogeneity(table), completeness(table)
    return _ratio(2 * h * c, h + c, 0)


def gain_ratio(table: Table) -> mpf:
    return _ratio(mutual_information(table), entropy_x(table), 0)


def expected_information(table: Table) -> mpf:
    """E I over all tables with these margins (Vinh, Epps and Bailey 2010)."""
    rows, columns, total = _margins(table)
    value = mpf(0)
    for a, b in product(rows, columns):
        for n in range(max(1, a + b - total), min(a, b) + 1):
            chance = binomial(a, n) * binomial(total - a, b - n) / binomial(total, b)
            value += chance * mpf(n) / total * log(mpf(n * total) / (a * b))
    return value


def ami(table: Table) -> mpf:
    if abs(variation_of_information(table)) < mpf(10) ** -50:
        return mpf(1)
    by_chance = expected_information(table)
    excess = mutual_information(table) - by_chance
    if abs(excess) < mpf(10) ** -50:
        return mpf(0)
    return excess / ((entropy_x(table) + entropy_y(table)) / 2 - by_chance)


def g_test(table: Table) -> mpf:
    return 2 * _margins(table)[2] * mutual_information(table)


def chi2_test(table: Table) -> mpf:
    rows, columns, total = _margins(table)
    value = mpf(0)
    for r, row in zip(rows, table, strict=True):
        for c, n in zip(columns, row, strict=True):
            if r * c:
                value += (n - mpf(r * c) / total) ** 2 / (mpf(r * c) / total)
    return value


def cramers_v(table: Table) -> mpf:
    rows, columns, total = _margins(table)
    least = min(sum(map(bool, rows)), sum(map(bool, columns))) - 1
    return mpf(0) if least == 0 else sqrt(chi2_test(table) / (total * least))


def accuracy(table: Table) -> mpf:
    return mpf(sum(table[k][k] for k in range(len(table)))) / _margins(table)[2]


def balanced_accuracy(table: Table) -> mpf:
    rows = _margins(table)[0]
    recalls = [mpf(table[k][k]) / r for k, r in enumerate(rows) if r]
    return sum(recalls) / len(recalls)


def _f1(table: Table) -> list[tuple[mpf, int]]:
    rows, columns, _ = _margins(table)
    pairs = enumerate(zip(rows, columns, strict=True))
    return [(mpf(2 * table[k][k]) / (r + c), r) for k, (r, c) in pairs if r + c]


def f1_macro(table: Table) -> mpf:
    scores = _f1(table)
    return sum(score for score, _ in scores) / len(scores)


def f1_weighted(table: Table) -> mpf:
    return sum(score * weight for score, weight in _f1(table)) / _margins(table)[2]


def cohens_kappa(table: Table) -> mpf:
    rows, columns, total = _margins(table)
    chance = mpf(sum(r * c for r, c in zip(rows, columns, strict=True))) / total**2
    return mpf(1) if chance == 1 else (accuracy(table) - chance) / (1 - chance)


def matthews(table: Table) -> mpf:
    rows, columns, total = _margins(table)
    of_x, of_y = (total**2 - sum(n * n for n in counts) for counts in (rows, columns))
    if of_x * of_y == 0:
        return mpf(0)
    both = total * sum(table[k][k] for k in range(len(table)))
    return (both - sum(r * c for r, c in zip(rows, columns, strict=True))) / sqrt(mpf(of_x * of_y))


def entropies_of_subsets(counts: Any) -> dict[tuple[int, ...], mpf]:
    """H of each subset of the axes of an array of counts."""
    axes = range(counts.ndim)
    subsets = [each for size in range(1, counts.ndim + 1) for each in combinations(axes, size)]
    return {
        each: _h(counts.sum(axis=tuple(axis for axis in axes if axis not in each)).reshape(-1).tolist())
        for each in subsets
    }


def _zero(table: Table) -> mpf:
    """Of two variables, what is shared once and what is shared twice are the same."""
    return mpf(0)


ORACLES: dict[str, Callable[[Table], mpf]] = {
    "entropy-x": entropy_x,
    "entropy-y": entropy_y,
    "joint-entropy": joint_entropy,
    "entropy-x-given-y": entropy_x_given_y,
    "entropy-y-given-x": entropy_y_given_x,
    "mutual-information": mutual_information,
    "variation-of-information": variation_of_information,
    "lautum-information": lautum_information,
    "nmi-min": _nmi(lambda x, y, joint: min(x, y)),
    "nmi-geometric": _nmi(lambda x, y, joint: sqrt(x * y)),
    "nmi-arithmetic": _nmi(lambda x, y, joint: (x + y) / 2),
    "nmi-max": _nmi(lambda x, y, joint: max(x, y)),
    "nmi-joint": _nmi(lambda x, y, joint: joint),
    "homogeneity": homogeneity,
    "completeness": completeness,
    "v-measure": lambda table: mpf(1) if entropy_x(table) == entropy_y(table) == 0 else v_measure(table),
    "gain-ratio": gain_ratio,
    "ami": ami,
    "g-test": g_test,
    "chi2-test": chi2_test,
    "cramers-v": cramers_v,
    "accuracy": accuracy,
    "balanced-accuracy": balanced_accuracy,
    "f1-macro": f1_macro,
    "f1-weighted": f1_weighted,
    "cohens-kappa": cohens_kappa,
    "matthews": matthews,
    "total-correlation": mutual_information,
    "dual-total-correlation": mutual_information,
    "co-information": mutual_information,
    "interaction-information": mutual_information,
    "o-information": _zero,
}
