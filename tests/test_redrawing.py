"""Student's t, the incomplete beta function, the sign test, the bootstrap and the permutation test: against mpmath,
scipy, and full enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import betainc, mp, mpf
from scipy import stats

from divtool.numerics import redrawing
from divtool.numerics.beta import incomplete_beta, log_incomplete_beta
from divtool.numerics.redrawing import bootstrap_bounds, permutation_p
from divtool.numerics.signs import sign_p
from divtool.numerics.student import student_p, t_quantile

U = 2.0**-53
SIZES = (0.5, 1.0, 1.5, 2.0, 7.25, 37.5, 200.0, 1000.0)


def true_beta(a: float, b: float, x: float) -> mpf:
    """The smaller of both parts is taken, which mpmath sums up without cancellation."""
    if x <= a / (a + b):
        return betainc(a, b, 0, x, regularized=True)
    return 1 - betainc(b, a, 0, 1 - mpf(x), regularized=True)


class TestIncompleteBeta:
    @pytest.mark.parametrize("a", SIZES)
    @pytest.mark.parametrize("b", SIZES)
    def test_is_within_its_promise(self, a: float, b: float) -> None:
        with mp.workdps(50):
            for x in (2.0**-60, 0.001, 0.25, a / (a + b), 0.5, 0.75, 1 - 2.0**-20):
                true = true_beta(a, b, x)
                if true < 1e-306:
                    continue
                scale = 1 + abs(mp.log(true))
                assert abs(incomplete_beta(a, b, x, 1.0 - x) / true - 1) <= (128 + 8 * (scale - 1)) * U, x
                if true < 0.5:
                    assert abs(log_incomplete_beta(a, b, x, 1.0 - x) - mp.log(true)) <= 128 * scale * U, x

    @pytest.mark.parametrize("n", [10**6, 10**9])
    def test_of_large_sizes_is_near_the_normal_distribution(self, n: int) -> None:
        half = n // 2
        k = half - int(1.5 * math.sqrt(n))
        z = (k + 0.5 - half) / (math.sqrt(n) / 2)
        assert incomplete_beta(n - k, k + 1.0, 0.5) == pytest.approx(stats.norm.cdf(z), rel=2.0 / math.sqrt(n))

    def test_ends(self) -> None:
        assert (incomplete_beta(2.0, 3.0, 0.0), incomplete_beta(2.0, 3.0, 1.0)) == (0.0, 1.0)
        assert (log_incomplete_beta(2.0, 3.0, 0.0), log_incomplete_beta(2.0, 3.0, 1.0)) == (-math.inf, 0.0)
        assert all(math.isnan(incomplete_beta(*each)) for each in ((0.0, 1.0, 0.5), (1.0, -1.0, 0.5), (1.0, 1.0, 1.5)))
        assert math.isnan(incomplete_beta(math.nan, 1.0, 0.5))


class TestStudent:
    @pytest.mark.parametrize("df", [1, 2, 3, 7, 30, 999, 268_434, 10**9])
    @pytest.mark.parametrize("level", [0.001, 0.4, 0.6, 0.75, 0.9, 0.975, 0.9995, 1 - 1e-9])
    def test_quantiles(self, df: int, level: float) -> None:
        got = t_quantile(level, df)
        # scipy's own inverse has fewer digits than its distribution function: one step of Newton's.
        tail = stats.t.cdf(got, df) - level if level < 0.9 else (1.0 - level) - stats.t.sf(got, df)
        assert abs(tail / stats.t.pdf(got, df) / got) <= 1e-12
        assert got == pytest.approx(stats.t.ppf(level, df), rel=1e-9)

    @pytest.mark.parametrize("df", [1, 2, 3, 30, 10**9])
    def test_quantiles_far_out_lead_back(self, df: int) -> None:
        assert student_p(t_quantile(1e-200, df), df) == pytest.approx(2e-200, rel=1e-12)

    @pytest.mark.parametrize("level", [0.51, 0.6, 0.75, 0.9, 0.975, 0.99999])
    def test_of_one_and_two_degrees_have_closed_forms(self, level: float) -> None:
        with mp.workdps(40):
            p = mpf(level)
            assert abs(t_quantile(level, 1) / mp.tan(mp.pi * (p - mpf(1) / 2)) - 1) <= 64 * U
            assert abs(t_quantile(level, 2) / ((2 * p - 1) / mp.sqrt(2 * p * (1 - p))) - 1) <= 64 * U

    @pytest.mark.parametrize("df", [1, 5, 100])
    def test_sides(self, df: int) -> None:
        assert t_quantile(0.5, df) == 0.0
        assert t_quantile(0.25, df) == -t_quantile(0.75, df)
        assert (student_p(0.0, df), student_p(math.inf, df)) == (1.0, 0.0)
        assert math.isnan(student_p(math.nan, df))

    @pytest.mark.parametrize("level", [0.0, 1.0, -1.0, math.nan])
    def test_no_level(self, level: float) -> None:
        assert math.isnan(t_quantile(level, 3))

    @pytest.mark.parametrize(("t", "df"), [(0.1, 1), (1.0, 3), (-2.5, 10), (12.0, 40), (30.0, 200), (1e160, 1)])
    def test_p_values(self, t: float, df: int) -> None:
        with mp.workdps(60):
            true = betainc(mpf(df) / 2, mpf(1) / 2, 0, df / (df + mpf(t) ** 2), regularized=True)
            assert abs(student_p(t, df) / true - 1) <= (128 + 8 * abs(mp.log(true))) * U


class TestSigns:
    @pytest.mark.parametrize(("above", "below"), [(1, 0), (3, 9), (12, 2), (50, 50), (60, 40), (700, 810), (0, 900)])
    def test_is_the_binomial_test(self, above: int, below: int) -> None:
        n, k = above + below, min(above, below)
        true = min(1, 2 * mpf(sum(math.comb(n, i) for i in range(k + 1))) / 2**n)
        assert abs(sign_p(above, below) / true - 1) <= (128 + 8 * abs(mp.log(true))) * U
        assert sign_p(above, below) == sign_p(below, above)
        assert sign_p(above, below) == pytest.approx(stats.binomtest(above, n).pvalue, rel=1e-11)

    def test_edges(self) -> None:
        assert (sign_p(0, 0), sign_p(5, 5), sign_p(5, 6)) == (1.0, 1.0, 1.0)
        assert sign_p(0, 10**6) == 0.0


def random_problems(units: int, problems: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(units)
    return rng.standard_normal((problems, units)) + 0.2, rng.uniform(0.5, 2.0, (problems, units))


class TestBootstrap:
    def test_all_resamples_of_few_units(self) -> None:
        numbers, shares = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
        drawn = [list(each) for each in itertools.product(range(3), repeat=3)]
        ratios = np.sort([numbers[each].sum() / shares[each].sum() for each in drawn])
        low, high = bootstrap_bounds(numbers[None], shares[None], 40_000, 0, 0.8)[0]
        # The ends of the middle 80 % of 27 equally likely resamples.
        assert ratios[1] <= low <= ratios[4]
        assert ratios[22] <= high <= ratios[25]

    def test_is_near_what_numpy_draws(self) -> None:
        numbers, shares = random_problems(200, 1)
        picked = np.random.default_rng(0).integers(0, 200, (4000, 200))
        ratios = numbers[0][picked].sum(axis=1) / shares[0][picked].sum(axis=1)
        got = bootstrap_bounds(numbers, shares, 4000, 1, 0.9)[0]
        assert np.abs(got - np.quantile(ratios, [0.05, 0.95])).max() < 0.15 * ratios.std()

    def test_is_that_of_its_own_draws(self) -> None:
        numbers, shares = random_problems(9)
        times = np.concatenate(list(redrawing._drawn(9, 500, 3)))
        assert times.sum(axis=1).tolist() == [9.0] * 500
        for i in range(2):
            ratios = (times * numbers[i]).sum(axis=1) / (times * shares[i]).sum(axis=1)
            got = bootstrap_bounds(numbers, shares, 500, 3, 0.9)[i]
            assert got == pytest.approx(np.quantile(ratios, [0.05, 0.95]), rel=1e-9)

    def test_draws_each_unit_equally_often(self) -> None:
        times = sum(each.sum(axis=0) for each in redrawing._drawn(7, 7000, 0))
        assert stats.chisquare(times).pvalue > 1e-3

    def test_draws_do_not_depend_on_how_many_are_made_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers, shares = random_problems(11)
        whole = bootstrap_bounds(numbers, shares, 50, 1, 0.9), permutation_p(numbers, 50, 1)
        monkeypatch.setattr(redrawing, "_AT_ONCE", 30)
        parts = bootstrap_bounds(numbers, shares, 50, 1, 0.9), permutation_p(numbers, 50, 1)
        assert [each.tolist() for each in whole] == [each.tolist() for each in parts]

    def test_the_same_seed_gives_the_same_bits(self) -> None:
        numbers, shares = random_problems(5)
        one, same, other = (bootstrap_bounds(numbers, shares, 99, seed, 0.9).tolist() for seed in (0, 0, 1))
        assert one == same != other

    @pytest.mark.parametrize("power", [-1070, -300, 300, 1000])
    def test_scales_with_the_numbers(self, power: int) -> None:
        numbers, shares = np.array([[1.0, 2.0, 8.0]]), np.ones((1, 3))
        plain = np.ldexp(bootstrap_bounds(numbers, shares, 99, 0, 0.9)[0], power)
        scaled = bootstrap_bounds(np.ldexp(numbers, power), shares, 99, 0, 0.9)[0]
        assert scaled.tolist() == pytest.approx(plain.tolist(), rel=1e-12, abs=1e-323)

    def test_resamples_without_a_share_are_left_out(self) -> None:
        numbers = np.array([[0.0, 3.0], [0.0, 0.0]])
        shares = np.array([[0.0, 1.0], [0.0, 0.0]])
        got = bootstrap_bounds(numbers, shares, 50, 0, 0.9)
        assert got[0].tolist() == [3.0, 3.0]
        assert np.isnan(got[1]).all()

    def test_what_is_not_finite_has_no_bounds(self) -> None:
        numbers = np.array([[1.0, math.inf], [1.0, 2.0]])
        got = bootstrap_bounds(numbers, np.ones((2, 2)), 20, 0, 0.9)
        assert np.isnan(got).tolist() == [[True, True], [False, False]]
        assert np.isnan(permutation_p(numbers, 20, 0)).tolist() == [True, False]


class TestPermutation:
    @given(numbers=st.lists(st.integers(-5, 5), min_size=2, max_size=8))
    def test_is_near_full_enumeration(self, numbers: list[int]) -> None:
        signs = np.array(list(itertools.product([1, -1], repeat=len(numbers))))
        exact = (np.abs(signs @ np.array(numbers)) >= abs(sum(numbers))).mean()
        got = permutation_p(np.array([numbers], np.float64), 4000, 0)[0]
        assert abs(got - exact) < 6 * math.sqrt(exact * (1 - exact) / 4000) + 1e-3

    def test_ties_of_decimals_are_ties(self) -> None:
        # 0.1 + 0.2 - 0.3 is not 0 in doubles, and the observed sum is 0 with other signs.
        assert permutation_p(np.array([[0.1, 0.2, -0.3]]), 500, 0)[0] == 1.0

    def test_what_never_changes_sign_is_no_chance(self) -> None:
        assert permutation_p(np.ones((1, 40)), 99, 0)[0] == 0.01

    def test_nothing_but_zeros(self) -> None:
        assert permutation_p(np.zeros((1, 3)), 99, 0)[0] == 1.0

    def test_flips_half_of_the_units(self) -> None:
        flipped = np.concatenate(list(redrawing._flipped(70, 3000, 5)))
        assert flipped.shape == (3000, 70)
        assert np.abs(flipped.mean(axis=0) - 0.5).max() < 0.05

    def test_of_many_units_is_near_the_t_test(self) -> None:
        numbers = np.random.default_rng(1).standard_normal((1, 3000)) + 0.03
        expected = stats.ttest_1samp(numbers[0], 0.0).pvalue
        assert abs(permutation_p(numbers, 2000, 0)[0] - expected) < 0.04
