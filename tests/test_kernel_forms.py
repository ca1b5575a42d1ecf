"""The pair forms of the row kernels, in both flavours: p, q, t = log(q/p) and p - q of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from accuracy.recipes import row
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from oracles import digits_for, proportions, softmax
from test_exact import block, cases, close
from test_kernels import INF, NAN, U, blocks, flavour, rows_of, same, table  # noqa: F401 (a fixture of every test)

from divtool.numerics import kernels
from divtool.numerics.divergence import kl
from divtool.numerics.pairs import Pair
from divtool.numerics.rowsum import row_sum


class TestTruth:
    @cases("kl_logits")
    def test_forms_of_logits(self, case: dict[str, Any]) -> None:
        if "c32000" in case["name"]:
            pytest.skip("its truth takes a minute")
        a, b, t = row(case["a"]), row(case["b"]), case["temperature"]
        pair = kernels.pair_of_logits(*(block(case[side], case["dtype"]) for side in "ab"), t)
        with mp.workdps(digits_for(a, b, temperature=t) + 50):
            self.check_forms(pair, softmax(a, t), softmax(b, t), case["want"])

    @cases("kl_tables")
    def test_forms_of_tables(self, case: dict[str, Any]) -> None:
        p, q = row(case["p"]), row(case["q"])
        pair = kernels.pair_of_tables(*(block(case[side], case["dtype"]) for side in "pq"))
        with mp.workdps(900 if min(v for v in p + q if v) < 1e-30 else 120):
            self.check_forms(pair, proportions(p), proportions(q), case["want"])

    def check_forms(self, pair: Pair, p: Any, q: Any, divergence: str) -> None:
        close(kl(pair)[1], divergence, 32)
        for got, want in zip((*pair.p[1], *pair.q[1]), (*p, *q), strict=True):
            if want > 1e-300:  # the twins have few digits among the subnormal numbers
                close(got, mp.nstr(want, 40), 8)
        variation = mp.fsum(abs(a - b) for a, b in zip(p, q, strict=True))
        got = row_sum(np.abs(kernels.delta_of(*pair)))[1]
        close(got, mp.nstr(variation if variation > mp.mpf(10) ** -330 else mp.mpf(0), 40), 16)


class TestLaws:
    @given(blocks, st.sampled_from([1.0, 0.7]))
    def test_exchanging_the_sides_changes_signs_only(self, of: Any, temperature: float) -> None:
        c, scale, near = of
        a, b = rows_of(c, scale, n=40, near=near)
        p, q = table(a), table(b)
        for there, back in (
            (kernels.pair_of_logits(a, b, temperature), kernels.pair_of_logits(b, a, temperature)),
            (kernels.pair_of_tables(p, q), kernels.pair_of_tables(q, p)),
            (kernels.pair_of_tables(3e200 * p, q), kernels.pair_of_tables(q, 3e200 * p)),
        ):
            same({"p": there.p, "q": there.q, "t": there.t + 0.0}, {"p": back.q, "q": back.p, "t": 0.0 - back.t})
            delta = {"delta": kernels.delta_of(*there)}
            same(delta, {"delta": 0.0 - kernels.delta_of(*back)})
            assert not np.signbit(there.t[there.t == 0.0]).any()
        for pair, delta_alone in (
            (kernels.pair_of_logits(a, b, temperature), kernels.delta_of_logits(a, b, temperature)),
            (kernels.pair_of_tables(p, q), kernels.delta_of_tables(p, q)),
        ):
            same({"delta": kernels.delta_of(*pair)}, {"delta": delta_alone})
        assert not kernels.pair_of_logits(a, a + 0.0).t.any()
        assert not kernels.pair_of_tables(p, 0.25 * p).t.any()


class TestEdges:
    @pytest.mark.parametrize("c", [4, 70])
    def test_forms_of_impossible_classes(self, c: int) -> None:
        rest = [0.5] * (c - 4)
        a, b = (np.array([[*head, *rest]]) for head in ([0, -INF, -INF, 0], [0, 0, -INF, -INF]))
        for pair in (kernels.pair_of_logits(a, b), kernels.pair_of_tables(np.exp(a), np.exp(b))):
            assert pair.t[0, 1:4].tolist() == [INF, 0.0, -INF]
            assert pair.p[0, 1:3].tolist() == pair.q[0, 2:4].tolist() == [0.0, 0.0]
            assert kernels.delta_of(*pair)[0, 1:4].tolist() == [-pair.q[0, 1], 0.0, pair.p[0, 3]]
        far = [0.0, -2000.0, *[0.0] * (c - 2)], [0.0, -800.0, *[0.0] * (c - 2)]
        pair = kernels.pair_of_logits(*(np.array([side]) for side in far))
        assert pair.t[0].tolist() == [0.0, 1200.0, *[0.0] * (c - 2)]
        least = np.finfo(np.float64).min
        huge = kernels.pair_of_logits(np.array([[0.0] * c]), np.array([[0.0, least, *[0.0] * (c - 2)]]))
        assert huge.t[0, 1] == least
        infinite = kernels.pair_of_logits(np.array([[INF, INF, *[3.0] * (c - 2)]]), np.array([[0.0] * c]))
        assert infinite.p[0, :3].tolist() == [0.5, 0.5, 0.0]
        assert infinite.t[0, 2] == INF

    @pytest.mark.parametrize("c", [3, 70])
    def test_forms_of_rows_that_are_nothing(self, c: int) -> None:
        for of, bad in ((kernels.pair_of_logits, -INF), (kernels.pair_of_tables, 0.0)):
            good, empty, wrong = np.ones((1, c)), np.full((1, c), bad), np.ones((1, c))
            wrong[0, 1] = NAN
            for x, y in ((good, empty), (empty, good), (wrong, good), (good, wrong), (empty, empty)):
                pair = of(x, y)
                assert np.isnan([*pair.p[0], *pair.q[0]]).any()
                assert np.isnan(kernels.delta_of(*pair)).any()

    @pytest.mark.parametrize("c", [3, 70])
    def test_forms_of_tables_with_cells_of_any_size(self, c: int) -> None:
        """Rows whose cells fit into no common scale: nothing that is there becomes impossible."""
        least, huge, cells = 5e-324, 1e308, [0.0] * (c - 2)
        for p, q in (
            ([huge, 1e-300], [huge, 3e-300]),
            ([huge, huge], [huge, least]),
            ([7e86, 7e86], [7e86, least]),
            ([least, least], [least, huge]),
            ([2.0**400, 1e-300], [2.0**400, least]),
            ([1.0, 1e-9], [1e-310, least]),
        ):
            x, y = (np.array([[*side, *cells]]) for side in (p, q))
            with mp.workdps(700):
                exact = [[mp.mpf(v) / (mp.mpf(side[0]) + mp.mpf(side[1])) for v in side] for side in (p, q)]
                t = [mp.log(b / a) for a, b in zip(*exact, strict=True)]
                divergence = mp.fsum(a * mp.log(a / b) for a, b in zip(*exact, strict=True))
            pair = kernels.pair_of_tables(x, y)
            for got, want in zip(pair.t[0], t, strict=False):
                assert abs(got - want) <= 8 * U * abs(want) + mp.mpf(2) ** -1074
            for got in (kernels.kl_of_tables(x, y)[0], kl(pair)[0]):
                assert abs(got - divergence) <= 32 * U * divergence + mp.mpf(2) ** -1074
        apart = kernels.pair_of_tables(np.array([[huge, 0.0, *cells]]), np.array([[huge, least, *cells]]))
        assert apart.t[0, 1] == INF

    @pytest.mark.parametrize("c", [3, 70])
    def test_forms_of_tables_that_are_nearly_in_proportion(self, c: int) -> None:
        """The sums are then known less well than what the cells differ by."""
        for p, q in (
            ([0.5, 0.5, 1e-30], [0.5, 0.5, 3e-30]),
            ([1.0, 1e-22, 3e-23], [100.0, 1e-20, 3e-21 + 1e-36]),
            ([0.7, 1e-12, 1e-13], [2.1, 3e-12, 3e-13]),
        ):
            x, y = (np.array([[*side, *[0.0] * (c - 3)]]) for side in (p, q))
            with mp.workdps(120):
                true = mp.fsum(abs(a - b) for a, b in zip(proportions(p), proportions(q), strict=True))
            assert abs(row_sum(np.abs(kernels.delta_of_tables(x, y)))[0] - true) <= 16 * U * true
