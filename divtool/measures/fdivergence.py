"""Any f-divergence by its name, through the function of the measure that has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from divtool.errors import UsageError
from divtool.measures.declare import MODEL, REFERENCE, measure
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics.divergence import kl_rows
from divtool.numerics.geometry import pearson_rows, squared_hellinger_rows, total_variation_rows
from divtool.numerics.jensen import arithmetic_geometric_rows, jeffreys_rows, jensen_shannon_rows
from divtool.numerics.ratios import triangular_rows

_BY_NAME: dict[str, Callable[[Any, Any, Any, Any], Rows]] = {
    "kl": lambda p, q, t, delta: kl_rows(p, q, t),
    "reverse-kl": lambda p, q, t, delta: kl_rows(q, p, -t),
    "jeffreys": lambda p, q, t, delta: jeffreys_rows(t, delta),
    "js": lambda p, q, t, delta: jensen_shannon_rows(p, q, t),
    "taneja": lambda p, q, t, delta: arithmetic_geometric_rows(p, q, t),
    "tv": lambda p, q, t, delta: total_variation_rows(delta),
    "squared-hellinger": lambda p, q, t, delta: squared_hellinger_rows(p, q, delta),
    "chi2-pearson": lambda p, q, t, delta: pearson_rows(p, q, t, delta),
    "chi2-neyman": lambda p, q, t, delta: pearson_rows(q, p, -t, -delta),
    "triangular": lambda p, q, t, delta: triangular_rows(t, delta),
    "le-cam": lambda p, q, t, delta: triangular_rows(t, delta) / 2.0,
}
NAMES = ", ".join(_BY_NAME)


@measure(
    "f-divergence",
    title="f-divergence",
    family="divergences",
    operands=(REFERENCE, MODEL),
    formula="D_f(p || q) = sum_k q_k f(p_k / q_k), f by name; kl: f(r) = r log r",
    cite="Csiszar, I. (1967), Information-Type Measures of Difference of Probability Distributions, "
    "Studia Sci. Math. Hung. 2",
    bounds=(0.0, float("inf")),
    better="lower",
    laws={"non-negative", "zero-on-identical", "class-permutation", "shift-invariant"},
    direction="D_f(p || q)",
    promise=32,
    unit="1",
)
def f_divergence(
    p: Matrix, q: Matrix, t: Matrix, delta: Matrix, *, f: Annotated[str, f"Which one: {NAMES}."] = "kl"
) -> Rows:
    """Divergence sum q f(p/q) for a convex f with f(1) = 0, chosen by its name.

    ``p``, ``q``, ``t`` = log(q/p), ``delta`` = p - q are the pair forms, (n, C) each. One number a row, that of the
    measure of the same name, with its promise; in nats where that is a logarithm.

    Edges: those of the measure of that name: exactly 0 on identical rows; a class with p > 0 = q counts p times the
    slope of f at infinity, one with q > 0 = p counts q f(0), which may be +inf.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    >>> f_divergence(p, q, np.array([[np.log(0.25), np.inf]]), p - q, f="squared-hellinger")
    array([0.5])
    """
    if f not in _BY_NAME:
        raise UsageError(f'--f "{f}": expected one of {NAMES}')
    return _BY_NAME[f](p, q, t, delta)
