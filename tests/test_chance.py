"""What chance gives: the expected mutual information against mpmath and by enumeration, and the permutation null."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from mpmath import mp
from oracles_counts import expected_information as textbook
from oracles_counts import tables

from divtool.errors import ResourceError, UsageError
from divtool.numerics.chance import excess_information, expected_information, fixed_by_margins
from divtool.numerics.resampling import at_least, permutation_p, permuted_information

U = 2.0**-53
MARGINS = [
    ([2, 2], [3, 1]),
    ([258, 294, 148], [433, 228, 39]),
    ([4991, 9], [621, 2434, 1478, 467]),
    ([10, 690], [7, 693]),
    ([1, 1, 12, 4, 2], [14, 6]),
    ([1] * 30, [1] * 30),
    ([1] * 28 + [2], [3] * 10),
    ([30], [7, 23]),
    ([6000, 4000], [5000, 4999, 1]),
]


def partitions(total: int, most: int) -> Iterator[list[int]]:
    """All ways to write a number as a sum of falling parts."""
    if total == 0:
        yield []
    for part in range(min(total, most), 0, -1):
        yield from ([part, *rest] for rest in partitions(total - part, part))


class TestExpected:
    @pytest.mark.parametrize(("rows", "columns"), MARGINS)
    def test_against_mpmath(self, rows: list[int], columns: list[int]) -> None:
        got = expected_information(np.array(rows), np.array(columns), sum(rows))
        assert got == expected_information(np.array(columns[::-1]), np.array(rows[::-1], object), sum(rows))
        with mp.workdps(60):
            true = textbook(rows, columns)
            assert abs(got - true) <= 32 * U * abs(true) + mp.mpf(10) ** -50

    def test_every_so_many_th_count_is_enough(self) -> None:
        """Wide distributions are sampled: the sum is the same as over all counts."""
        rows, columns = [12_000, 8_000], [6_000, 14_000]
        with mp.workdps(40):
            true = textbook(rows, columns)
            assert abs(expected_information(np.array(rows), np.array(columns), 20_000) / true - 1) < 32 * U

    @pytest.mark.parametrize("power", [9, 13, 15])
    def test_very_many_cases(self, power: int) -> None:
        """About (R - 1)(C - 1)/2N, the more the better."""
        rows, columns = np.array([5, 3, 2]) * 10 ** (power - 1), np.array([1, 9]) * 10 ** (power - 1)
        assert expected_information(rows, columns, 10**power) == pytest.approx(1.0 / 10**power, rel=10.0 ** (3 - power))

    def test_one_constant(self) -> None:
        assert expected_information(np.array([9]), np.array([4, 5]), 9) == 0.0

    def test_too_many_cases_are_refused(self) -> None:
        half = 1 << 60
        with pytest.raises(ResourceError, match="cases"):
            expected_information(np.array([half, half], object), np.array([half, half], object), 2 * half)

    def test_too_many_pairs_are_refused(self) -> None:
        sums = np.arange(1, 3001)
        with pytest.raises(ResourceError, match="distinct"):
            expected_information(sums, sums, int(sums.sum()))

    def test_blocks_change_no_bit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sums = np.arange(1, 40)
        whole = expected_information(sums, sums, int(sums.sum()))
        monkeypatch.setattr("divtool.numerics.chance._BLOCK", 100)
        assert expected_information(sums, sums, int(sums.sum())) == whole


class TestExcess:
    @pytest.mark.parametrize("total", range(1, 8))
    def test_zero_exactly_where_the_margins_fix_it(self, total: int) -> None:
        """All margins of so many cases: the rule is what enumeration of their tables finds, in whole numbers."""
        every = list(partitions(total, total))
        for rows in every:
            for columns in every:
                kinds = {math.prod(n**n for n in table) for table in tables(rows, columns)}
                fixed = fixed_by_margins(np.array(rows), np.array(columns))
                assert fixed == (len(kinds) == 1), (rows, columns)
                if fixed:
                    assert excess_information(0.123, np.array(rows), np.array(columns), total) == 0.0

    def test_expectation_by_enumeration(self) -> None:
        """MI - E[MI] averages to 0 over the tables, each weighed by how many labelings it stands for."""
        rows, columns = [4, 3, 2], [5, 4]
        weights, values = [], []
        for table in tables(rows, columns):
            weights.append(1 / math.prod(map(math.factorial, table)))
            ratio = [(n, n * 9 / (rows[i // 2] * columns[i % 2])) for i, n in enumerate(table) if n]
            values.append(math.fsum(n / 9 * math.log(r) for n, r in ratio))
        excess = [excess_information(value, np.array(rows), np.array(columns), 9) for value in values]
        assert math.fsum(w * e for w, e in zip(weights, excess, strict=True)) / sum(weights) == pytest.approx(
            0, abs=1e-16
        )


class TestPermutations:
    def test_the_seed_decides(self) -> None:
        rows, columns = np.array([20, 30]), np.array([10, 15, 25])
        first = permuted_information(rows, columns, 50, 200, 3)
        assert first.shape == (200,)
        np.testing.assert_array_equal(first, permuted_information(rows, columns, 50, 200, np.random.default_rng(3)))
        assert (first != permuted_information(rows, columns, 50, 200, 4)).any()

    @pytest.mark.parametrize(("rows", "columns"), [([20, 2], [18, 4]), ([40, 20], [45, 15]), ([3, 2, 2], [4, 3])])
    def test_the_right_distribution(self, rows: list[int], columns: list[int]) -> None:
        """Against all tables with these margins; both ways of drawing are among the cases."""
        chances: Counter[float] = Counter()
        for table in tables(rows, columns):
            cells = np.array(table).reshape(len(rows), len(columns))
            expected = np.outer(rows, columns) / sum(rows)
            ratio = np.where(cells, cells / expected, 1.0)
            weight = math.exp(-math.fsum(math.lgamma(n + 1) for n in table))
            chances[round(float((cells * np.log(ratio)).sum()) / sum(rows), 9)] += weight
        drawn = Counter(permuted_information(np.array(rows), np.array(columns), sum(rows), 6000, 1).round(9).tolist())
        assert set(drawn) <= set(chances)
        for value, chance in chances.items():
            share = chance / sum(chances.values())
            assert drawn[value] / 6000 == pytest.approx(share, abs=5 * math.sqrt(share / 6000) + 1e-3)

    def test_mean_is_the_expectation(self) -> None:
        rows, columns = np.array([300, 500, 200]), np.array([400, 350, 250])
        null = permuted_information(rows, columns, 1000, 3000, 11)
        error = null.std() / math.sqrt(3000)
        assert abs(null.mean() - expected_information(rows, columns, 1000)) < 4 * error

    def test_margins_that_fix_it(self) -> None:
        null = permuted_information(np.array([2, 2]), np.array([3, 1]), 4, 50, 0)
        assert at_least(null, 0.2157615543388357) == 50
        assert permutation_p(null, 0.2157615543388357) == 1.0
        assert permuted_information(np.array([4]), np.array([3, 1]), 4, 5, 0).tolist() == [0.0] * 5

    def test_never_zero(self) -> None:
        assert permutation_p(np.zeros(99), 1.0) == 0.01

    def test_refused(self) -> None:
        with pytest.raises(UsageError):
            permuted_information(np.array([2, 2]), np.array([3, 1]), 4, 0, 0)
        half = 5 * 10**8
        with pytest.raises(ResourceError, match="cases"):
            permuted_information(np.array([half, half]), np.array([half, half]), 2 * half, 10, 0)
