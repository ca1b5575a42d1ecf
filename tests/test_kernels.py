"""The row kernels in both flavours: the truth, the laws and the edges."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from accuracy.recipes import row
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from oracles import digits_for, entropy, log_softmax, proportions, softmax
from test_exact import block, cases, close

from divtool.numerics import kernels
from divtool.numerics.kernels import BFLOAT16, widened
from divtool.numerics.pairs import Pair

U = 2.0**-53
INF, NAN = np.inf, np.nan
WIDTHS = (1, 2, 3, 10, 31, 32, 33, 63, 64, 65, 100, 256, 257, 1000)
TYPES = [np.float16, BFLOAT16, np.float32, np.float64]
ONE = {
    "entropy_of_logits": kernels.entropy_of_logits,
    "softmax": kernels.softmax,
    "log_softmax": kernels.log_softmax,
}
PAIR = {"kl_of_logits": kernels.kl_of_logits, "js_of_logits": kernels.js_of_logits}
TABLE = {"entropy_of_table": kernels.entropy_of_table}
TABLES = {"kl_of_tables": kernels.kl_of_tables, "js_of_tables": kernels.js_of_tables}
compiled_only = pytest.mark.skipif(kernels.FLAVOUR != "c", reason="the compiled kernels are not here")


@pytest.fixture(params=["numpy", pytest.param("c", marks=compiled_only)], autouse=True)
def flavour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "numpy":
        monkeypatch.setattr(kernels, "_ROWS", None)
    return str(request.param)


def brain(x: Any) -> np.ndarray:
    """Rounded towards 0 to bfloat16."""
    return np.ascontiguousarray((np.asarray(x, np.float32).view(np.uint32) >> 16).astype(np.uint16)).view(BFLOAT16)


def stored(x: Any, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        x = brain(x) if dtype is BFLOAT16 else np.asarray(x, dtype)
    x.flags.writeable = False
    return x


def rows_of(c: int, scale: float, n: int = 70, near: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Two blocks of logits, some of them masked in one or in both."""
    rng = np.random.default_rng(c)
    a = rng.standard_normal((n, c)) * scale
    b = a + rng.standard_normal((n, c)) * scale * near
    a[rng.random((n, c)) < 0.02] = -INF
    b[np.isinf(a) & (rng.random((n, c)) < 0.5)] = -INF
    a[:, 0] = b[:, 0] = 0.5
    return stored(a, np.float64), stored(b, np.float64)


def table(x: np.ndarray) -> np.ndarray:
    wide = widened(x).astype(np.float64)
    return np.where(wide > -600.0, np.exp(np.minimum(wide, 200.0)), 0.0)


def every(a: np.ndarray, b: np.ndarray, temperature: float = 1.0, tables: bool = True) -> dict[str, np.ndarray]:
    """Each kernel on one pair of blocks."""
    found = {name: of(a, temperature) for name, of in ONE.items()}
    found |= {name: of(a, b, temperature) for name, of in PAIR.items()}
    found |= forms("of_logits", kernels.pair_of_logits(a, b, temperature))
    if tables:
        p, q = table(a), table(b)
        found |= {name: of(p) for name, of in TABLE.items()} | {name: of(p, q) for name, of in TABLES.items()}
        found |= forms("of_tables", kernels.pair_of_tables(p, q))
    return found


def forms(suffix: str, pair: Pair) -> dict[str, np.ndarray]:
    """The forms of a pair by name, with delta."""
    return {f"{name}_{suffix}": x for name, x in {**pair._asdict(), "delta": kernels.delta_of(*pair)}.items()}


def far_apart(found: dict[str, np.ndarray], name: str) -> Any:
    """By how much an entry of that name may be off for each unit: a change is exact beside the largest of its row."""
    kind, _, suffix = name.partition("_")
    if kind not in ("t", "delta"):
        return 0.0
    both = found[f"p_{suffix}"] + found[f"q_{suffix}"]
    with np.errstate(invalid="ignore"):
        largest = np.nan_to_num(np.abs(found[f"delta_{suffix}"]) / both).max(axis=1, keepdims=True, initial=0.0)
    return largest * both if kind == "delta" else largest


def alike(name: str, x: np.ndarray, y: np.ndarray, units: float, more: Any) -> None:
    """Within so many units; the twins have few digits among the subnormal numbers."""
    same_infinity = np.isinf(x) & (x == y)
    with np.errstate(invalid="ignore"):
        off = np.where(same_infinity, 0.0, np.abs(x - y)) > units * U * (np.abs(y) + more) + 1e-320
    assert not off.any(), name


def same(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    """The same bits, but for NaN, which only has to be in the same places."""
    for name, x in before.items():
        y = after[name]
        np.testing.assert_array_equal(np.isnan(x), np.isnan(y), err_msg=name)
        good = ~np.isnan(x)
        np.testing.assert_array_equal(x[good].view(np.int64), y[good].view(np.int64), err_msg=name)


class TestTruth:
    """The accuracy table; the Jensen-Shannon divergence of its pairs is worked out here."""

    @cases("entropy_logits")
    def test_entropy_of_logits(self, case: dict[str, Any]) -> None:
        x = block(case["x"], case["dtype"])
        close(kernels.entropy_of_logits(x, case["temperature"])[1], case["want"], 16)

    @cases("entropy_table")
    def test_entropy_of_a_table(self, case: dict[str, Any]) -> None:
        close(kernels.entropy_of_table(block(case["p"], case["dtype"]))[1], case["want"], 16)

    @cases("softmax")
    def test_softmax_and_its_logarithm(self, case: dict[str, Any]) -> None:
        x, t = block(case["x"], case["dtype"]), case["temperature"]
        for got, want in zip(kernels.softmax(x, t)[1], case["want"], strict=True):
            close(got, want, 8)
        with mp.workdps(digits_for(row(case["x"]), temperature=t)):
            wants = [mp.nstr(v, 40) for v in log_softmax(row(case["x"]), t)]
        for got, want in zip(kernels.log_softmax(x, t)[1], wants, strict=True):
            assert got == -INF if want == "-inf" else close(-got, want.removeprefix("-"), 16) is None

    @cases("kl_logits")
    def test_kl_of_logits(self, case: dict[str, Any]) -> None:
        a, b = (block(case[side], case["dtype"]) for side in "ab")
        close(kernels.kl_of_logits(a, b, case["temperature"])[1], case["want"], 32)

    @cases("kl_tables")
    def test_kl_of_tables(self, case: dict[str, Any]) -> None:
        p, q = (block(case[side], case["dtype"]) for side in "pq")
        close(kernels.kl_of_tables(p, q)[1], case["want"], 32)

    def check_js(self, got: float, p: Any, q: Any) -> None:
        mixture = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        want = entropy(mixture) - (entropy(p) + entropy(q)) / 2
        close(got, mp.nstr(want if want > mp.mpf(10) ** -330 else mp.mpf(0), 40), 32)

    @cases("kl_logits")
    def test_js_of_logits(self, case: dict[str, Any]) -> None:
        if "c32000" in case["name"]:
            pytest.skip("its truth takes a minute")
        a, b, t = row(case["a"]), row(case["b"]), case["temperature"]
        got = kernels.js_of_logits(*(block(case[side], case["dtype"]) for side in "ab"), t)[1]
        with mp.workdps(digits_for(a, b, temperature=t) + 50):
            self.check_js(got, softmax(a, t), softmax(b, t))

    @cases("kl_tables")
    def test_js_of_tables(self, case: dict[str, Any]) -> None:
        p, q = row(case["p"]), row(case["q"])
        got = kernels.js_of_tables(*(block(case[side], case["dtype"]) for side in "pq"))[1]
        with mp.workdps(900 if min(v for v in p + q if v) < 1e-30 else 120):
            self.check_js(got, proportions(p), proportions(q))


class TestTwins:
    @compiled_only
    @pytest.mark.parametrize("c", WIDTHS)
    @pytest.mark.parametrize("temperature", [1.0, 0.25, 3.0])
    def test_agree(self, monkeypatch: pytest.MonkeyPatch, flavour: str, c: int, temperature: float) -> None:
        if flavour == "numpy":
            pytest.skip("compared from the other side")
        for scale, near in ((1e-6, 1.0), (1.0, 1.0), (1.0, 1e-7), (40.0, 1e-3), (300.0, 1.0)):
            a, b = rows_of(c, scale, near=near)
            kernel = every(a, b, temperature)
            with monkeypatch.context() as patch:
                patch.setattr(kernels, "_ROWS", None)
                twin = every(a, b, temperature)
            for name, values in kernel.items():
                alike(name, values, twin[name], 64, far_apart(twin, name))


class TestStorage:
    @pytest.mark.parametrize("c", [1, 2, 31, 64, 300])
    @pytest.mark.parametrize("left", TYPES, ids=str)
    def test_types_widen_exactly_and_mix(self, left: Any, c: int) -> None:
        a, b = rows_of(c, 20.0)
        for right in TYPES:
            x, y = stored(a, left), stored(b, right)
            wide = [widened(side).astype(np.float64) for side in (x, y)]
            same(every(*wide), every(x, y))

    @pytest.mark.parametrize("dtype", [np.int32, np.dtype(">f4"), np.longdouble], ids=str)
    def test_other_types_are_widened(self, dtype: Any) -> None:
        a, b = (np.round(np.where(np.isinf(side), 0.0, side)) for side in rows_of(5, 20.0))
        same(every(a, b), every(a.astype(dtype), b.astype(dtype)))

    def test_label_of_bfloat16(self) -> None:
        for c in (2, 31, 32, 300):
            x, y = stored(rows_of(c, 20.0)[0], BFLOAT16), np.zeros(70, np.int64)
            wide = kernels.surprisal_label(widened(x).astype(np.float64), y)
            np.testing.assert_array_equal(kernels.surprisal_label(x, y), wide)

    @pytest.mark.parametrize("c", WIDTHS)
    def test_layout_and_neighbours_change_no_bit(self, c: int) -> None:
        a, b = (side.copy() for side in rows_of(c, 3.0))
        a[3, 0], a[40, -1], b[5, 0], b[50] = INF, 1e305, 1e305, -INF
        whole = every(a, b)
        same(whole, every(np.asfortranarray(a), np.repeat(b, 2, axis=1)[:, ::2]))
        shifted = np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(np.float64).reshape(a.shape)
        same(whole, every(shifted, b))
        parts = [every(a[i:j], b[i:j]) for i, j in pairwise((0, 1, 33, 70))]
        same(whole, {name: np.concatenate([part[name] for part in parts]) for name in whole})

    def test_no_rows(self) -> None:
        nothing = np.empty((0, 3))
        numbers = ("entropy_of_logits", *PAIR, *TABLE, *TABLES)
        for name, x in every(nothing, nothing).items():
            assert x.shape == ((0,) if name in numbers else (0, 3)), name


blocks = st.tuples(st.sampled_from(WIDTHS), st.sampled_from([1e-3, 1.0, 60.0]), st.sampled_from([1.0, 1e-6, 1e-12]))


class TestLaws:
    @given(blocks, st.sampled_from([-4096.0, 1.0, 512.0]), st.sampled_from([1.0, 0.7]))
    def test_an_exact_shift_changes_no_bit(self, of: Any, shift: float, temperature: float) -> None:
        c, scale, _ = of
        a, b = (np.round(side * 1024) / 1024 for side in rows_of(c, scale, n=7))
        before = every(a, b, temperature, tables=False)
        same(before, every(a + shift, b - 2 * shift, temperature, tables=False))
        assert (kernels.kl_of_logits(a, a + shift, temperature) == 0).all()
        assert (kernels.js_of_logits(a, a + shift, temperature) == 0).all()

    @given(blocks)
    def test_signs_zeros_and_symmetry(self, of: Any) -> None:
        c, scale, near = of
        a, b = rows_of(c, scale, n=40, near=near)
        p, q = table(a), table(b)
        for x, y, suffix in ((a, b, "of_logits"), (p, q, "of_tables")):
            kl, js = getattr(kernels, f"kl_{suffix}"), getattr(kernels, f"js_{suffix}")
            for found in (kl(x, y), kl(y, x), js(x, y), kl(x, x), js(x, x)):
                assert (found >= 0).all()
                assert not np.signbit(found).any()
            assert (js(x, y) <= math.log(2)).all()
            same({"js": js(x, y)}, {"js": js(y, x)})
            assert not kl(x, x).any()
            assert not js(x, x).any()
        for law in (kl, js):
            assert not law(p, 0.25 * p).any(), "rows in proportion"

    @given(blocks, st.randoms(use_true_random=False))
    def test_permuting_classes_changes_a_few_units(self, of: Any, random: Any) -> None:
        c, scale, near = of
        a, b = rows_of(c, scale, n=5, near=near)
        order = list(range(c))
        random.shuffle(order)
        before, after = every(a, b), every(a[:, order], b[:, order])
        for name in before:
            moved = before[name][:, order] if before[name].ndim == 2 else before[name]
            alike(name, moved, after[name], 16, far_apart(after, name))


class TestEdges:
    @pytest.mark.parametrize("c", [3, 40, 64, 257])
    @pytest.mark.parametrize("dtype", TYPES, ids=str)
    @pytest.mark.parametrize("temperature", [1.0, 2.0])
    def test_of_one_row(self, dtype: Any, c: int, temperature: float) -> None:
        x = np.zeros((7, c))
        x[0, 1] = NAN
        x[1] = -INF
        x[2, 1] = INF
        x[3, 1:3] = INF
        x[4, 1:] = -INF
        x[5, 1], x[5, 2] = NAN, INF
        x = stored(x, dtype)
        p, log_p = kernels.softmax(x, temperature), kernels.log_softmax(x, temperature)
        h = kernels.entropy_of_logits(x, temperature)
        for bad in (0, 1, 5):
            assert np.isnan(h[bad])
            assert np.isnan([*p[bad], *log_p[bad]]).all()
        assert (h[2], h[4]) == (0.0, 0.0)
        assert h[[3, 6]] == pytest.approx([math.log(2), math.log(c)], rel=2e-15)
        assert p[2].tolist() == [0.0, 1.0, *[0.0] * (c - 2)]
        assert p[3, :3].tolist() == [0.0, 0.5, 0.5]
        assert log_p[2].tolist() == [-INF, 0.0, *[-INF] * (c - 2)]
        assert not np.signbit(log_p[2, 1])
        assert log_p[3, 1] == pytest.approx(-math.log(2), rel=2e-16)

    @pytest.mark.parametrize("c", [4, 70])
    def test_of_impossible_classes(self, c: int) -> None:
        rest = [0.5] * (c - 4)
        a, b = (np.array([[*head, *rest]]) for head in ([0, -INF, -INF, 0], [0, 0, -INF, -INF]))
        for x, y, kl, js in (
            (a, b, kernels.kl_of_logits, kernels.js_of_logits),
            (np.exp(a), np.exp(b), kernels.kl_of_tables, kernels.js_of_tables),
        ):
            assert kl(x, y).tolist() == [INF]
            share = 2 / (2 + len(rest) * (math.exp(0.5) if rest else 0))
            assert js(x, y)[0] == pytest.approx(share / 2 * math.log(2), rel=1e-15)
        apart = np.full((1, c), -INF), np.full((1, c), -INF)
        apart[0][0, 0] = apart[1][0, 1] = 3.0
        assert kernels.js_of_logits(*apart).tolist() == [math.log(2)]
        assert kernels.js_of_tables(*(np.exp(side) for side in apart)).tolist() == [math.log(2)]
        underflown = [0.0, -800.0, *[0.0] * (c - 2)], [0.0, -INF, *[0.0] * (c - 2)]
        assert kernels.kl_of_logits(*(np.array([side]) for side in underflown)).tolist() == [INF], "p is tiny, not 0"

    @pytest.mark.parametrize("c", [3, 70])
    def test_of_rows_that_are_nothing(self, c: int) -> None:
        for kl, bad in ((kernels.kl_of_logits, -INF), (kernels.kl_of_tables, 0.0)):
            js = {kernels.kl_of_logits: kernels.js_of_logits}.get(kl, kernels.js_of_tables)
            good, empty, wrong = np.ones((1, c)), np.full((1, c), bad), np.ones((1, c))
            wrong[0, 1] = NAN
            for of in (kl, js):
                for x, y in ((good, empty), (empty, good), (wrong, good), (good, wrong), (empty, empty)):
                    assert np.isnan(of(x, y)).all()
        assert np.isnan(kernels.entropy_of_table(np.array([[0.0] * c, [1.0] * (c - 1) + [NAN]]))).all()

    def test_of_huge_logits(self) -> None:
        x = np.array([[1e308, -1e308, 1e308], [1e17, 1e17, 1e17 - 16], [3.0, -1.7e308, 3.0]])
        wants = [math.log(2), math.log(2 + math.exp(-16)) + 16 * math.exp(-16) / (2 + math.exp(-16)), math.log(2)]
        assert kernels.entropy_of_logits(x).tolist() == pytest.approx(wants, rel=1e-15)
        assert kernels.softmax(x)[0].tolist() == [0.5, 0.0, 0.5]
        assert kernels.kl_of_logits(x, x).tolist() == [0.0] * 3
        least = np.finfo(np.float64).min
        for c in (2, 70):
            a, b = np.zeros((1, c)), np.zeros((1, c))
            b[0, 1] = least
            assert kernels.kl_of_logits(a, b)[0] == pytest.approx(-least / c, rel=1e-15)
            assert kernels.js_of_logits(a, b)[0] < math.log(2) / c
            assert kernels.kl_of_logits(b, a)[0] == pytest.approx(math.log(c / (c - 1)) if c > 1 else 0.0, rel=1e-14)

    @pytest.mark.parametrize("size", [2.0**-1000, 2.0**-350, 2.0**350, 2.0**960])
    def test_of_tables_of_any_size(self, size: float) -> None:
        p, q = np.random.default_rng(1).random((2, 40, 3))
        for x, y in ((p, q), (np.tile(p, 30), np.tile(q, 30))):
            same({"h": kernels.entropy_of_table(x)}, {"h": kernels.entropy_of_table(x * size)})
            for of in TABLES.values():
                np.testing.assert_allclose(of(x, y), of(x * size, y), rtol=16 * U)


@compiled_only
def test_what_does_not_fit_is_refused() -> None:
    from divtool.numerics import _rows

    x, out = np.zeros((2, 3)), np.zeros(2)
    one, two = (x, 8, 2, 3, 1.0, out), (x, 8, x, 8, 2, 3, 1.0, out)
    for of, good, wrongs in (
        (_rows.softmax, (*one[:-1], np.zeros((2, 3))), ((1, 4), (1, 3), (2, 3), (2, -1), (3, 2), (4, 0.0), (5, out))),
        (_rows.entropy_of_logits, one, ((1, 18), (4, NAN), (4, 1e101), (5, x))),
        (_rows.kl_of_tables, two, ((1, 4), (3, 2), (2, x[:1]), (4, 1), (5, 4), (7, x))),
        (_rows.pair_of_logits, (*two[:-1], np.zeros((3, 2, 3))), ((1, 4), (2, x[:1]), (6, 0.0), (7, x))),
        (_rows.delta_of_pair, (x, x, x, x.copy()), ((0, out), (2, out), (3, out))),
    ):
        of(*good)
        for place, wrong in wrongs:
            with pytest.raises(ValueError, match=r"\w"):
                of(*(wrong if i == place else value for i, value in enumerate(good)))
