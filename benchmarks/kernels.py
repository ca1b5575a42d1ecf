"""The row kernels from memory on one thread: GB/s of input, and how many times as fast as their NumPy twins and peers.

Run ``make bench``. SciPy, and torch on one thread where this Python has it, work on the same float32 arrays; torch
computes in float32, SciPy as its function does, divtool in float64. Each figure is the median of pairs of runs that
take turns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import scipy.special
from scipy.spatial.distance import jensenshannon

from divtool.numerics import kernels

CELLS, ROUNDS = 1 << 19, 5
CLASSES = (10, 100, 1_000, 32_000)

Call = Callable[..., Any]

KERNELS: dict[str, tuple[Call, bool, bool]] = {  # function, two sides, tables
    "entropy of logits": (kernels.entropy_of_logits, False, False),
    "entropy of table": (kernels.entropy_of_table, False, True),
    "softmax": (kernels.softmax, False, False),
    "log-softmax": (kernels.log_softmax, False, False),
    "KL of logits": (kernels.kl_of_logits, True, False),
    "KL of tables": (kernels.kl_of_tables, True, True),
    "JS of logits": (kernels.js_of_logits, True, False),
    "JS of tables": (kernels.js_of_tables, True, True),
    "forms of logits": (kernels.pair_of_logits, True, False),
    "forms of tables": (kernels.pair_of_tables, True, True),
    "delta of logits": (kernels.delta_of_logits, True, False),
    "delta of tables": (kernels.delta_of_tables, True, True),
}


def scipy_calls() -> dict[str, Call]:
    """The same with SciPy, as its documentation does it."""
    softmax, special = scipy.special.softmax, scipy.special
    return {
        "entropy of logits": lambda x: special.entr(softmax(x, axis=1)).sum(axis=1),
        "entropy of table": lambda p: special.entr(p / p.sum(axis=1, keepdims=True)).sum(axis=1),
        "softmax": lambda x: softmax(x, axis=1),
        "log-softmax": lambda x: special.log_softmax(x, axis=1),
        "KL of logits": lambda a, b: special.rel_entr(softmax(a, axis=1), softmax(b, axis=1)).sum(axis=1),
        "KL of tables": lambda p, q: special.rel_entr(p, q).sum(axis=1),
        "JS of logits": lambda a, b: jensenshannon(softmax(a, axis=1), softmax(b, axis=1), axis=1) ** 2,
        "JS of tables": lambda p, q: jensenshannon(p, q, axis=1) ** 2,
    }


def torch_calls(torch: ModuleType) -> dict[str, Call]:
    """The same with torch, where it has a function for it."""
    log_softmax, kl_div = torch.nn.functional.log_softmax, torch.nn.functional.kl_div
    each = {"log_target": True, "reduction": "none"}

    def entropy(x: Any) -> Any:
        logs = log_softmax(x, 1)
        return -(logs.exp() * logs).sum(1)

    return {
        "entropy of logits": entropy,
        "softmax": lambda x: torch.softmax(x, 1),
        "log-softmax": lambda x: log_softmax(x, 1),
        "KL of logits": lambda a, b: kl_div(log_softmax(b, 1), log_softmax(a, 1), **each).sum(1),
        "KL of tables": lambda p, q: kl_div(q.log(), p, reduction="none").sum(1),
    }


def peers() -> dict[str, tuple[dict[str, Call], Call]]:
    """The functions of each peer, and what makes its array of one of NumPy."""
    found: dict[str, tuple[dict[str, Call], Call]] = {"scipy": (scipy_calls(), lambda x: x)}
    try:
        import torch
    except ImportError:
        return found
    torch.set_num_threads(1)
    found["torch"] = (torch_calls(torch), torch.from_numpy)
    return found


def twin(function: Call) -> Call:
    """The kernel's function without the compiled kernels."""

    def call(*sides: Any) -> Any:
        compiled, kernels._ROWS = kernels._ROWS, None
        try:
            return function(*sides)
        finally:
            kernels._ROWS = compiled

    return call


def seconds(call: Call, sides: list[Any]) -> float:
    """One run."""
    begun = time.perf_counter()
    call(*sides)
    return time.perf_counter() - begun


def ratio(ours: Call, sides: list[Any], theirs: Call, their_sides: list[Any]) -> tuple[float, float]:
    """Our median seconds, and the median of theirs over ours in pairs of runs."""
    ours(*sides), theirs(*their_sides)
    pairs = [(seconds(ours, sides), seconds(theirs, their_sides)) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in pairs), statistics.median(b / a for a, b in pairs)


def arrays(classes: int) -> list[np.ndarray]:
    """Two blocks of logits, near each other, and their softmax."""
    rng = np.random.default_rng(classes)
    a = 3 * rng.standard_normal((CELLS // classes, classes), dtype=np.float32)
    b = a + np.float32(0.1) * rng.standard_normal(a.shape, dtype=np.float32)
    return [a, b, *(kernels.softmax(x).astype(np.float32) for x in (a, b))]


def main() -> None:
    """A line for each kernel and number of classes."""
    others = peers()
    print(f"kernels: {kernels.FLAVOUR}; {CELLS:,} float32 cells a side, {ROUNDS} pairs of runs")
    print(f"{'':<20}{'classes':>8}{'GB/s':>8}" + "".join(f"{'x ' + name:>10}" for name in ("twin", *others)))
    for name, (function, two, tables) in KERNELS.items():
        for classes in CLASSES:
            sides = arrays(classes)[2 if tables else 0 :][: 2 if two else 1]
            took, times = ratio(function, sides, twin(function), sides)
            columns = [f"{times:10.1f}"]
            for calls, convert in others.values():
                peer = calls.get(name)  # none has the pair forms
                theirs = [convert(side) for side in sides]
                columns.append(f"{ratio(function, sides, peer, theirs)[1]:10.1f}" if peer else f"{'-':>10}")
            speed = sum(side.nbytes for side in sides) / took / 1e9
            print(f"{name:<20}{classes:>8}{speed:>8.2f}" + "".join(columns))


if __name__ == "__main__":
    main()
