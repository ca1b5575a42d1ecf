"""The laws of the row functions: what may not change a bit, what may change a few, and the edges."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from oracles import digits_for, kl, softmax

from divtool.numerics import kernels, logspace
from divtool.numerics.divergence import g, kl_rows
from divtool.numerics.divergence import kl as kl_of
from divtool.numerics.errorfree import two_product, two_sum
from divtool.numerics.logspace import (
    entropy,
    log_softmax,
    log_sum_exp,
    spread_of_logits,
    spread_of_table,
    surprisal,
    surprisal_target,
)
from divtool.numerics.pairs import d_of, pair_of_logits, pair_of_tables
from divtool.numerics.rowsum import row_sum, row_sum_twofold

U = 2.0**-53
WIDTHS = (1, 2, 3, 8, 31, 32, 33, 63, 64, 65, 129, 256, 257, 1000)
SURPRISALS = [logspace.surprisal_label, kernels.surprisal_label]
FLAVOURS = pytest.mark.parametrize("of_label", SURPRISALS, ids=["numpy", "dispatched"])


def frozen(values: Any, dtype: Any = np.float64) -> np.ndarray:
    array = np.array(values, dtype)
    array.flags.writeable = False
    return array


def same(a: np.ndarray, b: np.ndarray) -> None:
    """The same bits, but for NaN, which only has to be in the same places."""
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    good = ~np.isnan(a)
    np.testing.assert_array_equal(a[good].view(np.int64), b[good].view(np.int64))


def rows_of(kind: str, n: int, c: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two blocks of logits on a grid of 2^-10, so that shifts by integers are exact, and labels."""
    rng = np.random.default_rng(seed)
    scale = {"mild": 3.0, "sharp": 60.0, "flat": 1e-2}[kind]
    a, b = (np.round(rng.standard_normal((n, c)) * scale * 1024) / 1024 for _ in range(2))
    a[rng.random((n, c)) < 0.03] = -np.inf
    a[:, 0] = np.where(np.isinf(a).all(axis=1), 0.0, a[:, 0])
    return frozen(a), frozen(b), frozen(rng.integers(0, c, n), np.int64)


def tables_of(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return frozen(np.exp(a)), frozen(np.exp(b))


def of_tables(p: np.ndarray, q: np.ndarray) -> dict[str, np.ndarray]:
    """Each row function that takes probability tables, on one block."""
    return {"entropy of table": entropy(spread_of_table(p)), "kl of tables": kl_of(pair_of_tables(p, q))}


def of_logits(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Each row function that takes logits, on one block."""
    spread = spread_of_logits(a)
    return {
        "label": logspace.surprisal_label(a, y),
        "kernel": kernels.surprisal_label(a, y),
        "kernel at T": kernels.surprisal_label(a, y, 1.7),
        "entropy": entropy(spread),
        "target": surprisal_target(spread, np.where(np.isinf(a), 0.0, 1.0)),
        "rest": spread.rest,
        "kl": kl_of(pair_of_logits(a, b)),
        "kl at T": kl_of(pair_of_logits(a, b, 0.3)),
    }


def every(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return of_logits(a, b, y) | of_tables(*tables_of(a, b))


blocks = st.builds(
    rows_of,
    st.sampled_from(["mild", "sharp", "flat"]),
    st.integers(1, 7),
    st.sampled_from(WIDTHS),
    st.integers(0, 10**6),
)
few = settings(max_examples=40, deadline=None)


@few
@given(blocks, st.sampled_from([-4096.0, -1.0, 1.0, 512.0]))
def test_an_exact_shift_changes_no_bit(block: Any, shift: float) -> None:
    a, b, y = block
    before, after = of_logits(a, b, y), of_logits(a + shift, b - 2 * shift, y)
    for name, values in before.items():
        same(values, after[name])


@few
@given(blocks, st.integers(1, 7))
def test_splitting_rows_changes_no_bit(block: Any, cut: int) -> None:
    a, b, y = block
    whole = every(a, b, y)
    parts = [every(a[rows], b[rows], y[rows]) for rows in (slice(0, cut), slice(cut, None)) if len(a[rows])]
    for name, values in whole.items():
        same(values, np.concatenate([part[name] for part in parts]))


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "fortran": np.asfortranarray,
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "big-endian": lambda x: x.astype(">f8"),
    "unaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("c", WIDTHS)
def test_the_layout_changes_no_bit(layout: Callable[[np.ndarray], np.ndarray], c: int) -> None:
    a, b, y = rows_of("mild", 70, c, c)
    p, q = tables_of(a, b)
    plain, other = every(a, b, y), of_logits(layout(a), layout(b), y) | of_tables(layout(p), layout(q))
    for name, values in plain.items():
        same(values, other[name])


@pytest.mark.parametrize("c", WIDTHS)
def test_row_sum_follows_the_plan_and_the_truth(c: int) -> None:
    x = frozen(np.random.default_rng(c).standard_exponential((5, c)))
    exact = [math.fsum(row) for row in x]
    np.testing.assert_allclose(row_sum(x), exact, rtol=4 * U)
    high, low = row_sum_twofold(x)
    assert high.tolist() == exact
    assert (abs(low) <= U * high).all()


def test_sums_and_products_keep_their_errors() -> None:
    from fractions import Fraction

    a, b = np.random.default_rng(0).standard_normal((2, 1000))
    for x, y, s, e, p, f in zip(a, b, *two_sum(a, b), *two_product(a, b), strict=True):
        assert Fraction(x) + Fraction(y) == Fraction(s) + Fraction(e)
        assert Fraction(x) * Fraction(y) == Fraction(p) + Fraction(f)


@few
@given(blocks, st.randoms(use_true_random=False))
def test_permuting_classes_changes_a_few_units(block: Any, random: Any) -> None:
    a, b, y = block
    order = list(range(a.shape[1]))
    random.shuffle(order)
    moved = frozen([order.index(label) for label in y], np.int64)
    before, after = every(a, b, y), every(a[:, order], b[:, order], moved)
    # a loss keeps to 4 u; sums of products, with a rounding in every term on both sides, to 8 u
    for name, units in {"label": 4, "kernel": 4, "entropy": 8, "kl": 8, "kl of tables": 8}.items():
        np.testing.assert_allclose(before[name], after[name], rtol=units * U, atol=1e-320, err_msg=name)


@few
@given(blocks, st.sampled_from([1.0, 1e-3, 1e-6, 1e-9, 1e-12]))
def test_kl_is_never_negative_and_zero_on_identical_rows(block: Any, eps: float) -> None:
    a, b, _ = block
    near = a + eps * b
    for pair, same_pair in (
        (pair_of_logits(a, near), pair_of_logits(a, a)),
        (pair_of_tables(np.exp(b), np.exp(b + eps)), pair_of_tables(np.exp(b), np.exp(b))),
    ):
        assert (kl_of(pair) >= 0).all()
        assert (kl_of(same_pair) == 0).all()
        assert (same_pair.t == 0).all()
        assert (d_of(same_pair) == 0).all()


@few
@given(blocks)
def test_kl_agrees_with_the_textbook(block: Any) -> None:
    a, b, _ = (x[:1] for x in block)
    with mp.workdps(digits_for(a[0], b[0])):
        want = float(kl(softmax(a[0].tolist()), softmax(b[0].tolist())))
    assert kl_of(pair_of_logits(a, b))[0] == pytest.approx(want, rel=33 * U, abs=1e-320)


@few
@given(blocks)
def test_cross_entropy_is_entropy_plus_kl(block: Any) -> None:
    a, b, _ = block
    spread = spread_of_logits(a)
    cross = surprisal_target(spread_of_logits(b), logspace.softmax(spread))
    np.testing.assert_allclose(cross, entropy(spread) + kl_of(pair_of_logits(a, b)), rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("c", [*WIDTHS, 5000])
@pytest.mark.parametrize("temperature", [1.0, 0.25, 3.0])
def test_the_kernel_agrees_with_its_twin(dtype: Any, c: int, temperature: float) -> None:
    rng = np.random.default_rng(c)
    for scale in (1e-6, 1.0, 40.0, 2000.0):
        x = frozen(rng.standard_normal((150, c)) * scale, dtype)
        y = frozen(rng.integers(0, c, 150), np.int64)
        kernel, twin = kernels.surprisal_label(x, y, temperature), logspace.surprisal_label(x, y, temperature)
        np.testing.assert_allclose(kernel, twin, rtol=8 * 2 * U, atol=5e-324)


@FLAVOURS
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize("c", [2, 31, 32, 300])
def test_stored_types_widen_exactly(of_label: Any, dtype: Any, c: int) -> None:
    rng = np.random.default_rng(c)
    x = frozen(rng.standard_normal((100, c)) * 30, dtype)
    y = frozen(rng.integers(0, c, 100), np.int64)
    same(of_label(x, y), of_label(x.astype(np.float64), y))


@FLAVOURS
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("c", [3, 31, 32, 40, 257])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_edges_of_a_label(of_label: Any, dtype: Any, c: int, temperature: float) -> None:
    inf = np.inf
    x = np.zeros((8, c), dtype)
    x[0, 1] = np.nan
    x[1] = -inf
    x[2, 1] = inf
    x[3, 1:3] = inf
    x[4, 0] = -inf
    x[5, 1:] = -inf
    x[6, 1], x[6, 2] = np.nan, inf
    x.flags.writeable = False
    at = {label: of_label(x, frozen([label] * 8, np.int64), temperature) for label in (0, 1, c - 1)}
    log, tie = math.log, math.log(2)
    last = {2: inf, 3: tie if c == 3 else inf, 5: inf}
    wants = {0: {2: inf, 3: inf, 4: inf, 5: 0.0}, 1: {2: 0.0, 3: tie, 4: log(c - 1), 5: inf}, c - 1: last}
    for label, want in wants.items():
        assert np.isnan(at[label][[0, 1, 6]]).all()
        assert at[label][7] == pytest.approx(log(c), rel=1e-15)
        for row, value in want.items():
            assert at[label][row] == pytest.approx(value, rel=1e-15), (label, row)


@FLAVOURS
def test_a_nan_of_any_payload_survives(of_label: Any) -> None:
    for bits in (0x7FF0000000000001, 0x7FF8000000000FFF, -1):
        for c in (2, 40):
            x = np.zeros((3, c))
            x.view(np.int64)[1, c - 1] = bits
            result = of_label(x, np.zeros(3, np.int64))
            assert np.isnan(result).tolist() == [False, True, False]


@FLAVOURS
def test_no_rows_and_huge_logits(of_label: Any) -> None:
    assert of_label(np.empty((0, 3)), np.empty(0, np.int64)).shape == (0,)
    x = frozen([[1e308, -1e308, 1e308], [1e17, 1e17, 1e17 - 16], [-1e300, -1e299, -1e300]])
    assert of_label(x, frozen([0, 2, 1], np.int64)).tolist() == pytest.approx([math.log(2), 16 + math.log(2), 0.0])
    assert of_label(x, frozen([1, 0, 0], np.int64)).tolist() == pytest.approx(
        [math.inf, math.log(2 + math.exp(-16)), 9e299]
    )


def test_edges_of_rows() -> None:
    inf, nan = np.inf, np.nan
    x = frozen([[nan, 0, inf], [-inf, -inf, -inf], [0, inf, inf], [0, -inf, -inf]])
    spread = spread_of_logits(x)
    same(entropy(spread), np.array([nan, nan, math.log(2), 0.0]))
    same(log_sum_exp(x), np.array([nan, nan, inf, 0.0]))
    same(logspace.softmax(spread)[2:], np.array([[0, 0.5, 0.5], [1, 0, 0]]))
    assert np.isnan(logspace.softmax(spread)[:2]).all()
    assert np.isnan(surprisal(spread)[:2]).all()
    same(log_softmax(spread), 0.0 - surprisal(spread))
    assert np.isnan(entropy(spread_of_table(frozen([[0, 0], [nan, 1], [1, nan]])))).all()
    others = frozen(np.zeros((4, 3)))
    assert np.isnan(kl_of(pair_of_logits(x, others))).tolist() == [True, True, False, False]
    assert np.isnan(kl_of(pair_of_logits(others, x))).tolist() == [True, True, False, False]
    assert np.isnan(kl_of(pair_of_tables(frozen([[0, 0], [nan, 1], [1, 2]]), frozen([[1, 2], [1, 2], [0, 0]])))).all()


def test_impossible_classes_of_a_pair() -> None:
    inf = np.inf
    logits = pair_of_logits(frozen([[0, -inf, -inf, 0]]), frozen([[0, 0, -inf, -inf]]))
    tables = pair_of_tables(frozen([[0.5, 0, 0, 0.5]]), frozen([[0.5, 0.5, 0, 0]]))
    for pair in (logits, tables):
        assert pair.t.tolist() == [[0, inf, 0, -inf]]
        assert d_of(pair).tolist() == [[0, -1, 0, inf]]
        assert kl_of(pair).tolist() == [inf]
    underflown = pair_of_logits(frozen([[0.0, -800.0]]), frozen([[0.0, -inf]]))
    assert kl_of(underflown).tolist() == [inf], "p is tiny, not 0"


def test_g_is_smooth_across_its_seams() -> None:
    t = frozen([0.0, -1e-200, 1e-9, 0.35, -0.35, 1.0, -1.0, np.nextafter(1, 2), -np.nextafter(1, 2), 700.0, -700.0])
    with mp.workdps(400):
        want = [float(mp.expm1(x) - mp.mpf(x)) for x in t.tolist()]
    np.testing.assert_allclose(g(t), want, rtol=6 * U, atol=5e-324)
    assert (g(t) >= 0).all()


GOLDEN_PAIRS = {  # H(p), KL(p || q), KL(q || p)
    "A": ([0.5, 0.3, 0.2], [0.2, 0.2, 0.6], 1.02965301406457, 0.360062440635905, 0.394816205204402),
    "B": ([0.5, 0.5, 0], [0.25, 0.25, 0.5], 0.693147180559945, 0.693147180559945, math.inf),
    "C": ([0.5, 0.5], [1, 0], 0.693147180559945, math.inf, 0.693147180559945),
    "D": ([1, 0], [0, 1], 0, math.inf, math.inf),
    "F": ([1, 0, 0], [0.7, 0.2, 0.1], 0, 0.356674943938732, math.inf),
    "G": (
        [0.25, 0.75],
        [0.25 + 2.0**-30, 0.75 - 2.0**-30],
        0.5623351446188083,
        2.3129646308062029e-18,
        2.3129646327209729e-18,
    ),
}


@pytest.mark.parametrize("case", GOLDEN_PAIRS.values(), ids=GOLDEN_PAIRS.keys())
def test_golden_pairs(case: Any) -> None:
    p, q, *wants = case
    p, q = frozen([p]), frozen([q])
    got = [entropy(spread_of_table(p)), kl_of(pair_of_tables(p, q)), kl_of(pair_of_tables(q, p))]
    # the table's figures have 15 digits
    assert [v.item() for v in got] == pytest.approx(wants, rel=2e-15 if wants[1] < 1e-9 else 5e-15)
    assert str(got[0].item()) != "-0.0"


X, Y, P = frozen([[2, 1, 0], [0, 3, -1]]), frozen([0, 2], np.int64), frozen([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])


def test_golden_losses() -> None:
    spread = spread_of_logits(X)
    smoothed = 0.9 * np.eye(3)[Y] + 0.1 / 3
    q = logspace.softmax(spread)
    first, second = X[:1], X[1:]
    t = np.log(q) - np.log(P)
    for got, want in (
        (log_softmax(spread)[0], [-0.4076059644443803, -1.4076059644443803, -2.4076059644443803]),
        (log_softmax(spread)[1], [-3.0658839037574292, -0.065883903757429168, -4.0658839037574292]),
        (logspace.surprisal_label(X, Y), [0.4076059644443803, 4.0658839037574292]),
        (kernels.surprisal_label(X, Y), [0.4076059644443803, 4.0658839037574292]),
        (surprisal_target(spread, P), [0.8076059644443803, 2.7658839037574292]),
        (surprisal_target(spread, smoothed), [0.5076059644443803, 3.8992172370907625]),
        (kl_of(pair_of_tables(P, q)), [0.0057874119010429959, 1.8679381789006494]),
        (kl_of(pair_of_tables(q, P)), [0.0060575340302448839, 0.96898296369410303]),
        (kl_rows(P, q, t), [0.0057874119010429959, 1.8679381789006494]),
        (entropy(spread_of_table(P)), [0.80181855254333731, 0.89794572485677978]),
        (entropy(spread), [0.83239558183993887, 0.2743130736734324]),
        (kl_of(pair_of_logits(first, second)), [1.5893334819234778]),
        (kl_of(pair_of_logits(second, first)), [1.1038280937384944]),
        (kl_of(pair_of_logits(first, second, 2.0)), [0.41853240853749136]),
    ):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_kernels_can_be_told_to_be_numpy() -> None:
    code = "from divtool.numerics import kernels; print(kernels.FLAVOUR)"
    environment = {**os.environ, "DIVTOOL_KERNELS": "numpy", "PYTHONPATH": str(Path(__file__).parents[1])}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "numpy\n"


@pytest.mark.skipif(kernels.FLAVOUR != "c", reason="the compiled kernels are not here")
def test_the_kernel_refuses_what_does_not_fit() -> None:
    from divtool.numerics import _rows

    x, y, out = np.zeros((2, 3)), np.zeros(2, np.int64), np.zeros(2)
    good = (x, 8, 2, 3, y, 1.0, out)
    for place, wrong in (
        (1, 4),
        (1, 3),
        (2, 3),
        (2, -1),
        (3, 2),
        (4, y[:1]),
        (4, y + 3),
        (4, y - 1),
        (5, 0.0),
        (5, np.nan),
    ):
        arguments = [wrong if i == place else value for i, value in enumerate(good)]
        with pytest.raises(ValueError, match=r"\w"):
            _rows.surprisal_label(*arguments)
    with pytest.raises((TypeError, BufferError)):
        _rows.surprisal_label(*good[:-1], frozen(out))
