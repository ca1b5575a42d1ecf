"""Results of several candidates made by hand, for tests of reports: the figures of rows drawn from a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from divtool.result import (
    Difference,
    GateResult,
    InputReport,
    MeasureResult,
    Result,
    Shape,
    Verdict,
    WorstRow,
)

ROWS = 2000
SHARES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)


def rows_of(place: int, rows: int = ROWS) -> np.ndarray:
    """The numbers of the rows of a candidate: lognormal, from a seed, larger for a later place."""
    shared = np.random.default_rng(1).standard_normal(rows)
    own = np.random.default_rng(place + 2).standard_normal(rows)
    return np.exp(-6.0 + 0.45 * place + 1.1 * shared + 0.4 * own)


def shape_of(values: np.ndarray) -> Shape:
    """A histogram of 30 bins that grow by a factor, and the quantiles."""
    edges = np.geomspace(values.min(), values.max(), 31)
    counts, _ = np.histogram(values, edges)
    curve = tuple((share, float(np.quantile(values, share))) for share in SHARES)
    return Shape(tuple(edges.tolist()), tuple(counts.tolist()), curve, logarithmic=True)


def measured(values: np.ndarray, label: str = "kl", **more: object) -> MeasureResult:
    """The figures of some rows."""
    worst = np.argsort(-values)[:5]
    made = MeasureResult(
        measure=label, title={"kl": "Kullback-Leibler divergence"}.get(label, label),
        direction="KL(p || q)" if label == "kl" else None, value=float(values.mean()), unit="nats", reduction="mean",
        denominator=("rows", float(len(values))), n=len(values), rows=len(values), ignored=0, infinite=0, nan=0,
        finite_mean=float(values.mean()), std_error=float(values.std(ddof=1) / math.sqrt(len(values))),
        minimum=float(values.min()), maximum=float(values.max()),
        quantiles={f"p{p:g}": float(np.percentile(values, p)) for p in (50, 90, 95, 99, 99.9)}, quantile_bound=0.0,
        worst=tuple(WorstRow(int(row), float(values[row]), f"row-{row}", "cat") for row in worst), better="lower",
        label=label, shape=shape_of(values),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def difference(name: str, values: np.ndarray, best: str, than: np.ndarray) -> Difference:
    """What one candidate is above the best, from the paired rows."""
    apart = values - than
    value, error = float(apart.mean()), float(apart.std(ddof=1) / math.sqrt(len(apart)))
    low, high = value - 1.96 * error, value + 1.96 * error
    return Difference(
        candidate=name, than=best, value=value, std_error=error, low=low, high=high, n=len(apart), units=len(apart),
        above=int((apart > 0).sum()), below=int((apart < 0).sum()), equal=0, tied=low <= 0 <= high, p_sign=0.25,
        p_permutation=0.001,
    )  # fmt: skip


def source(path: str, role: str) -> InputReport:
    """An input that was read."""
    return InputReport(
        path=path, format="npy", dtype="float32", rows=ROWS, columns=1000, roles=(role,), classes=1000, kind="logits",
        evidence="has numbers below 0 and above 1",
    )  # fmt: skip


def compared(count: int = 5, *, groups: int = 0, gates: bool = False) -> Result:
    """A run of so many candidates, given the worst first, with three measures each."""
    names = [f"runs/{name}.npy" for name in _NAMES[:count]]
    rows = {name: rows_of(max(0, place - 1) if place < 2 else place) for place, name in enumerate(names)}
    order = sorted(names, key=lambda name: float(rows[name].mean()))
    best = order[0]
    apart = tuple(difference(name, rows[name], best, rows[best]) for name in order[1:])
    results = [
        measured(factor * rows[name] ** power, label, candidate=name)
        for name in reversed(names)
        for label, factor, power in (("kl", 1.0, 1.0), ("kl_reversed", 1.2, 1.1), ("js", 0.2, 0.9))
    ]
    tied = (best, *(each.candidate for each in apart if each.tied))
    said = f"{best} is closest to ref.npy: {len(tied)} tied" if len(tied) > 1 else f"{best} is closest to ref.npy"
    made = Result(
        version="0.1.0", command="compare", kernels="c", matched=("rows matched by position",), rows=ROWS,
        inputs=(source("ref.npy", "p"), *(source(name, f"q{i or ''}") for i, name in enumerate(reversed(names)))),
        results=tuple(results), candidates=tuple(reversed(names)),
        verdict=Verdict("kl", "nats", "lower", tuple(order), tied, said, apart, notes=("intervals are paired",)),
        groups=tuple(_groups(rows, groups)), gates=_gates(rows) if gates else (),
    )  # fmt: skip
    return made


def undefined(values: Sequence[float | None] = (None, None, math.inf, math.inf, math.nan)) -> Result:
    """A run of five candidates with such means, the best first (None: as they are), of whose differences none is known
    where a mean is no number."""
    made = compared(5)
    verdict = made.verdict
    assert verdict is not None
    wanted = dict(zip(verdict.order, values, strict=True))
    results = tuple(
        each if each.name != "kl" or (value := wanted[each.candidate or ""]) is None
        else replace(each, value=value, std_error=math.nan if math.isinf(value) else None)
        for each in made.results
    )  # fmt: skip
    odd = [name for name, value in wanted.items() if value is not None]
    away = {name: math.inf if place == 2 else math.nan for place, name in enumerate(verdict.order)}
    apart = tuple(
        each if each.candidate not in odd and each.than not in odd
        else replace(each, value=away[each.candidate], std_error=None, low=None, high=None, p_permutation=None)
        for each in verdict.differences
    )  # fmt: skip
    return replace(made, results=results, verdict=replace(verdict, differences=apart, tied=verdict.order[:1]))


_NAMES = ("fp16", "bf16", "int8", "int8-mixed", "int6", "int5", "int4", "int4-groupwise-asymmetric", "nf4", "int3",
          *(f"trial-{i}" for i in range(40)))  # fmt: skip


def _groups(rows: dict[str, np.ndarray], count: int) -> list[MeasureResult]:
    return [
        measured(values[i::count] * (1 + i), candidate=name, by="language", group=f"language {i}")
        for i in range(count)
        for name, values in rows.items()
    ]


def _gates(rows: dict[str, np.ndarray]) -> tuple[GateResult, ...]:
    return tuple(
        GateResult("mean>0.01", "kl", "mean", float(values.mean()), bool(values.mean() > 0.01), name)
        for name, values in rows.items()
    )


def alone(**more: object) -> Result:
    """A run of one file and its reference, both directions."""
    values = rows_of(3)
    both = (measured(values), measured(values**1.1, "kl_reversed", direction="KL(q || p)"))
    made = Result(
        version="0.1.0", command="kl", kernels="c", inputs=(source("ref.npy", "p"), source("int8.npy", "q")),
        matched=("rows matched by position",), results=both, rows=ROWS, warnings=("a warning",),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]
