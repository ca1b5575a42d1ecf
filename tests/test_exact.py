"""Every row function against the accuracy table, in units of u = 2^-53.

`accuracy/table.json` holds inputs bit by bit and true values with 40 digits (`accuracy/make_table.py` says how they
were made).  A result passes if it is within its promise of the true value, or within half an ulp of the smallest
numbers there are.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accuracy.recipes import row

U = Fraction(1, 2**53)
HALF_SUBNORMAL = Fraction(1, 2**1075) * (1 + U)
TABLE = json.loads(Path(__file__).with_name("accuracy").joinpath("table.json").read_text())
ROWS_AROUND = 2  # the row under test stands among others, which must not touch it


def cases(function: str) -> Any:
    """Parametrize over the cases of one function."""
    return pytest.mark.parametrize("case", TABLE[function], ids=[case["name"] for case in TABLE[function]])


def block(described: Any, dtype: str = "float64") -> np.ndarray:
    """A read-only block: the described row between two flat ones."""
    values = row(described)
    rows = np.ones((1 + ROWS_AROUND, len(values)), dtype)
    rows[1] = values
    assert rows[1].tolist() == values, "the table's row is not exact in its own type"
    rows.flags.writeable = False
    return rows


def close(got: float, want: str, promise: int) -> None:
    """Assert |got - want| <= promise u |want|, or half a subnormal ulp; infinities and zeros are exact."""
    if want == "inf":
        assert got == math.inf
        return
    true = Fraction(want)
    assert math.isfinite(got), f"{got} for {want}"
    error = abs(Fraction(float(got)) - true)
    assert error <= max(promise * U * abs(true), HALF_SUBNORMAL), (
        f"{float(error / abs(true or 1) / U):.3g} u off: {got!r} for {want}"
    )


def labels(case: dict[str, Any]) -> np.ndarray:
    y = np.array([0, case["y"], 0], np.int64)
    y.flags.writeable = False
    return y


@cases("surprisal_label")
def test_surprisal_of_a_label_numpy(case: dict[str, Any]) -> None:
    from divtool.numerics.logspace import surprisal_label

    close(surprisal_label(block(case["x"], case["dtype"]), labels(case), case["temperature"])[1], case["want"], 16)


@cases("surprisal_label")
def test_surprisal_of_a_label_compiled(case: dict[str, Any]) -> None:
    from divtool.numerics import kernels

    if kernels.FLAVOUR != "c":
        pytest.skip("the compiled kernels are not here")
    close(
        kernels.surprisal_label(block(case["x"], case["dtype"]), labels(case), case["temperature"])[1], case["want"], 16
    )


@cases("surprisal_target")
def test_surprisal_of_a_target(case: dict[str, Any]) -> None:
    from divtool.numerics.logspace import spread_of_logits, surprisal_target

    close(surprisal_target(spread_of_logits(block(case["x"])), block(case["target"]))[1], case["want"], 16)


@cases("softmax")
def test_softmax(case: dict[str, Any]) -> None:
    from divtool.numerics.logspace import softmax, spread_of_logits

    p = softmax(spread_of_logits(block(case["x"], case["dtype"]), case["temperature"]))[1]
    for got, want in zip(p, case["want"], strict=True):
        close(got, want, 8)


@cases("log_sum_exp")
def test_log_sum_exp(case: dict[str, Any]) -> None:
    from divtool.numerics.logspace import log_sum_exp

    got, top = (
        log_sum_exp(block(case["x"], case["dtype"]), case["temperature"])[1],
        max(row(case["x"])) / case["temperature"],
    )
    if case["want"] == "inf":
        assert got == math.inf
    else:
        # of many classes the sum is large, and half an ulp of it may be more
        allowed = max(4 * U * Fraction(1 + abs(top)), Fraction(math.ulp(got)))
        assert abs(Fraction(float(got)) - Fraction(case["want"])) <= allowed


@cases("entropy_logits")
def test_entropy_of_logits(case: dict[str, Any]) -> None:
    from divtool.numerics.logspace import entropy, spread_of_logits

    close(entropy(spread_of_logits(block(case["x"], case["dtype"]), case["temperature"]))[1], case["want"], 16)


@cases("entropy_table")
def test_entropy_of_a_probability_table(case: dict[str, Any]) -> None:
    from divtool.numerics.logspace import entropy, spread_of_table

    close(entropy(spread_of_table(block(case["p"], case["dtype"])))[1], case["want"], 16)


@cases("kl_logits")
def test_kl_of_logits(case: dict[str, Any]) -> None:
    from divtool.numerics.divergence import kl
    from divtool.numerics.pairs import pair_of_logits

    a, b = block(case["a"], case["dtype"]), block(case["b"], case["dtype"])
    close(kl(pair_of_logits(a, b, case["temperature"]))[1], case["want"], 32)


@cases("kl_tables")
def test_kl_of_probability_tables(case: dict[str, Any]) -> None:
    from divtool.numerics.divergence import kl
    from divtool.numerics.pairs import pair_of_tables

    p, q = block(case["p"], case["dtype"]), block(case["q"], case["dtype"])
    close(kl(pair_of_tables(p, q))[1], case["want"], 32)
