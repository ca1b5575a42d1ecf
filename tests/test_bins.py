"""Numbers as intervals: the rules against NumPy, what is said of them, and the one pass that they need."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divtool.accumulators.quantiles import RELATIVE_BOUND
from divtool.accumulators.ranges import RangeFigures, Ranges
from divtool.engine.binning import find_bins
from divtool.errors import InputError, UsageError
from divtool.formats.memory import open_object
from divtool.formats.opening import open_source
from divtool.meaning.bins import Bins, Rule, bins_of, doane, equal_width, parse_bins, parse_rule

FINITE = st.floats(allow_nan=False, allow_infinity=False)
MODERATE = st.floats(min_value=-1e9, max_value=1e9)
RULES = ("width:5", "frequency:4", "doane", "edges:-1,0,2.5")


def figures(values: Any, ordered: int = 1000) -> RangeFigures:
    state = Ranges(skewness=True, ordered=ordered)
    state.update(np.array(values, np.float64))
    return state.present()


def cut(rule: str, values: Any) -> Bins:
    return bins_of(parse_rule(rule), "x", figures(values))


def close(edges: Any, expected: Any, span: float) -> bool:
    return len(edges) == len(expected) and bool(np.all(np.abs(np.array(edges) - expected) <= 1e-15 * span))


class TestGrammar:
    def test_a_rule_for_all_and_for_single_columns(self) -> None:
        rules = parse_bins(["frequency:3", "age=edges:0,18,65", "a=b=7", " height = doane "])
        assert str(rules.of("anything")) == "frequency:3"
        assert str(rules.of("age")) == "edges:0,18,65"
        assert rules.of("a=b") == Rule("width", 7)
        assert rules.of("height") == Rule("doane")
        assert parse_bins([]).of("age") is None
        assert parse_rule(" Width : 12 ") == Rule("width", 12)

    @pytest.mark.parametrize(
        "given", [["ten"], ["width:1"], ["0"], ["width:-3"], ["frequency"], ["frequency:x"], ["edges:"], ["edges:3,2"],
                  ["edges:1,1"], ["edges:1,inf"], ["edges:1,nan"], ["edges:a"], ["=10"], ["x="], [""], ["10", "12"],
                  ["x=10", "x=12"], ["width:99999999"], ["1e3"], ["doane:3"]],
        ids=str,
    )  # fmt: skip
    def test_what_is_no_rule(self, given: list[str]) -> None:
        with pytest.raises(UsageError, match="--bins") as caught:
            parse_bins(given)
        assert "frequency:4" in caught.value.hint

    def test_rules_read_back(self) -> None:
        for rule in RULES:
            assert str(parse_rule(rule)) == rule


class TestEqualWidth:
    @given(values=st.lists(MODERATE, min_size=2, max_size=40), number=st.integers(2, 20))
    def test_edges_are_those_of_numpy_up_to_rounding(self, values: list[float], number: int) -> None:
        low, high = min(values), max(values)
        if (high - low) / number <= 4 * math.ulp(max(abs(low), abs(high))):
            return
        expected = np.histogram_bin_edges(values, number)
        assert close(cut(f"width:{number}", values).edges, expected, 2 * max(abs(low), abs(high)))

    @given(low=FINITE, high=FINITE, number=st.integers(2, 9))
    def test_edges_are_correctly_rounded_also_where_the_range_is_no_double(
        self, low: float, high: float, number: int
    ) -> None:
        low, high = min(low, high), max(low, high)
        exact = [Fraction(low) + (Fraction(high) - Fraction(low)) * i / number for i in range(number + 1)]
        assert equal_width(low, high, number) == [float(each) for each in exact]

    def test_a_huge_range(self) -> None:
        bins = cut("width:4", [-1.7e308, 1.7e308])
        assert bins.edges == (-1.7e308, -8.5e307, 0.0, 8.5e307, 1.7e308)
        assert bins.codes(np.array([-1.7e308, -1.0, 0.0, 1.7e308])).tolist() == [0, 1, 2, 3]

    def test_neighbours_have_no_room_for_ten_edges(self) -> None:
        bins = cut("width:10", [1.0, np.nextafter(1.0, 2.0)])
        assert len(bins.entries) == 1
        assert "fell together" in bins.notes[0]
        assert bins.codes(np.array([1.0, np.nextafter(1.0, 2.0)])).tolist() == [0, 0]


class TestEqualFrequency:
    @given(values=st.lists(MODERATE, min_size=2, max_size=60), number=st.integers(2, 12))
    def test_edges_are_quantiles(self, values: list[float], number: int) -> None:
        bins = cut(f"frequency:{number}", values)
        expected = np.quantile(values, np.arange(number + 1) / number)
        largest = 4 * max(map(abs, values))
        assert all(np.abs(expected - edge).min() <= 1e-14 * largest for edge in bins.edges)
        assert all(np.abs(np.array(bins.edges) - edge).min() <= 1e-14 * largest for edge in expected)

    def test_equal_edges_fall_together_and_it_is_said(self) -> None:
        bins = cut("frequency:4", [0.0] * 8 + [1.0, 2.0])
        assert bins.edges == (0.0, 2.0)
        assert bins.notes == ('"x": 3 edges fell together with others, which leaves 1 interval',)

    def test_places_are_whole_numbers(self) -> None:
        assert cut("frequency:10", range(11)).edges == tuple(map(float, range(11)))


class TestDoane:
    @pytest.mark.parametrize("seed", range(6))
    def test_edges_are_those_of_numpy(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        values = rng.gamma(0.5 + seed, size=int(rng.integers(3, 4000)))
        expected = np.histogram_bin_edges(values, "doane")
        assert close(cut("doane", values).edges, expected, 4 * abs(values).max())

    def test_few_numbers_are_one_interval(self) -> None:
        assert (doane(0, 0.0), doane(1, 0.0), doane(2, 0.0)) == (1, 1, 1)
        assert cut("doane", [1.0, 2.0]).entries == ("[1, 2]",)

    @given(values=st.lists(MODERATE, min_size=1, max_size=30))
    def test_skewness_is_exact(self, values: list[float]) -> None:
        n, exact = len(values), list(map(Fraction, values))
        mean = sum(exact) / n
        m2, m3 = (sum((each - mean) ** power for each in exact) / n for power in (2, 3))
        got = figures(values).skewness
        assert got is not None
        if m2 == 0:
            assert got == 0.0
            return
        square = m3 * m3 / m2**3
        assert (got >= 0) == (m3 >= 0)
        assert abs(Fraction(got) ** 2 - square) <= square * Fraction(1, 1 << 51) + Fraction(1, 1 << 1070)


class TestIntervals:
    @given(values=st.lists(MODERATE, min_size=1, max_size=40), rule=st.sampled_from(RULES))
    def test_codes_are_those_of_digitize(self, values: list[float], rule: str) -> None:
        bins = cut(rule, values)
        x = np.array([*values, *bins.edges])
        codes = bins.codes(x)
        if rule.startswith("edges"):
            assert codes.tolist() == np.digitize(x, bins.edges).tolist()
            return
        expected = np.digitize(x, bins.edges) - 1
        assert codes.tolist() == np.where(x == bins.edges[-1], len(bins.entries) - 1, expected).tolist()
        assert codes.min() >= 0
        assert codes.max() < len(bins.entries)

    def test_counts_are_those_of_histogram(self) -> None:
        values = np.random.default_rng(4).integers(0, 50, 500) / 10.0
        bins = cut("edges:0,1,2,3,4,5", values)
        expected = np.histogram(values, [0, 1, 2, 3, 4, 5])[0]
        assert np.bincount(bins.codes(values), minlength=7)[1:6].tolist() == expected.tolist()

    def test_tenths_lie_where_they_are_written(self) -> None:
        """0.3 is in [0.3, 0.4), which linspace's 0.30000000000000004 would not have."""
        bins = cut("width:10", [0.0, 1.0])
        assert bins.codes(np.arange(11) / 10).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
        assert bins.entries[3] == "[0.3, 0.4)"
        assert bins.entries[-1] == "[0.9, 1]"

    def test_open_ends_hold_the_infinities(self) -> None:
        bins = bins_of(parse_rule("edges:18"), "age")
        assert bins.entries == ("below 18", "18 and above")
        assert bins.codes(np.array([-np.inf, 17, 18, np.inf, np.nan])).tolist() == [0, 0, 1, 1, -1]

    def test_one_number_is_one_interval(self) -> None:
        for rule in ("width:10", "frequency:3", "doane"):
            bins = cut(rule, [5.0, 5.0, 5.0])
            assert bins.entries == ("[5, 5]",)
            assert bins.codes(np.array([5.0, 6.0])).tolist() == [0, -1]
            assert "one number" in bins.notes[0]

    def test_no_number_has_no_interval(self) -> None:
        for rule in ("width:10", "frequency:3", "doane"):
            bins = cut(rule, [])
            assert (bins.entries, bins.codes(np.array([np.nan, 1.0])).tolist()) == ((), [-1, -1])

    def test_minus_zero_is_zero(self) -> None:
        assert cut("width:2", [-0.0, 2.0]).entries == ("[0, 1)", "[1, 2]")
        assert bins_of(parse_rule("edges:-0.0,2"), "x").entries[0] == "below 0"


class TestRanges:
    @given(values=st.lists(FINITE, max_size=30), cuts=st.lists(st.integers(0, 30), max_size=3),
           ordered=st.sampled_from([0, 5, 1000]))  # fmt: skip
    def test_parts_come_to_what_the_whole_comes_to(self, values: list[float], cuts: list[int], ordered: int) -> None:
        ends = sorted(cuts)
        merged = Ranges(skewness=True, ordered=ordered)
        for start, stop in zip([0, *ends], [*ends, len(values)], strict=True):
            part = Ranges(skewness=True, ordered=ordered)
            part.update(np.array(values[start:stop], np.float64))
            other = Ranges(skewness=True, ordered=ordered)
            other.merge(part)
            other.merge(merged)
            merged = pickle.loads(pickle.dumps(other))
        assert repr(merged.present()) == repr(figures(values, ordered))

    @given(values=st.lists(st.floats(min_value=1e-3, max_value=1e6), min_size=3, max_size=60))
    def test_many_different_numbers_are_right_to_the_stated_bound(self, values: list[float]) -> None:
        exact, rough = figures(values), figures(values, ordered=1)
        for part in range(8):
            slack = RELATIVE_BOUND * max(values) if len(set(values)) > 1 else 0.0
            assert abs(exact.quantile(part, 7) - rough.quantile(part, 7)) <= slack
        if len(set(values)) > 1:
            assert rough.bound == RELATIVE_BOUND
            assert "right to 0.02%" in bins_of(Rule("frequency", 2), "x", rough).notes[-1]

    def test_quantiles_must_be_asked_for(self) -> None:
        with pytest.raises(ValueError, match="not asked for"):
            Ranges().present().quantile(1, 2)


class TestSpared:
    """A rule for all columns leaves few whole numbers as they are, whatever the chunks and the order of the rows."""

    @pytest.mark.parametrize(("rule", "cut"), [
        ("width:3", {"many", "half"}), ("width:4", {"half"}), ("frequency:3", {"many", "half"}),
        ("edges:1", {"few", "many", "half"}), ("edges:1,2,3", {"half"}), ("doane", {"half"}),
    ])  # fmt: skip
    def test_few_whole_numbers(self, rule: str, cut: set[str], tmp_path: Path) -> None:
        rows = [(i % 3, i % 4, i % 2 + 0.5) for i in range(40)]
        for order in (rows, rows[::-1]):
            path = tmp_path / "x.csv"
            path.write_text("few,many,half\n" + "".join(f"{a},{b},{c}\n" for a, b, c in order))
            source, rules = open_source(str(path)), replace(parse_rule(rule), sparing=True)
            for chunk in (1, 1 << 20):
                found = find_bins(source, dict.fromkeys(range(3), rules), threads=2, chunk_bytes=chunk)
                assert {source.header.name(column) for column in found} == cut


class TestPass:
    """One pass over a file."""

    def rules(self) -> dict[int, Rule]:
        return {place: parse_rule(rule) for place, rule in enumerate(RULES)}

    def test_edges_do_not_depend_on_chunks_threads_or_format(self, tmp_path: Path) -> None:
        values = np.random.default_rng(5).normal(0.0, 3.0, (400, 4)).round(3)
        np.save(tmp_path / "x.npy", values)
        lines = [",".join(map(repr, row)) for row in values.tolist()]
        (tmp_path / "x.csv").write_text("\n".join(["a,b,c,d", *lines]) + "\n")
        found = set()
        for name, threads, size in product(("x.npy", "x.csv"), (1, 8), (1 << 10, 7000, 1 << 30)):
            source = open_source(str(tmp_path / name))
            bins = find_bins(source, self.rules(), threads=threads, chunk_bytes=size)
            found.add(repr([each.edges for each in bins.values()]))
        assert len(found) == 1
        expected = bins_of(parse_rule("frequency:4"), "b", figures(values[:, 1], 5000))
        assert repr(expected.edges) in found.pop()

    def test_rows_asked_for(self) -> None:
        source = open_object(np.arange(100.0)[:, None], "x")
        found = find_bins(source, {0: parse_rule("width:2")}, threads=1, chunk_bytes=1 << 20, rows=(10, 31))
        assert found[0].edges == (10.0, 20.0, 30.0)

    def test_empty_cells_and_nan_are_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n1.5,1\n,2\nnan,3\n4.5,\n")
        found = find_bins(
            open_source(str(tmp_path / "x.csv")), {0: parse_rule("width:3"), 1: parse_rule("width:2")}, threads=1,
            chunk_bytes=1 << 20,
        )  # fmt: skip
        assert (found[0].edges, found[1].edges) == ((1.5, 2.5, 3.5, 4.5), (1.0, 2.0, 3.0))

    def test_an_infinity_is_refused_with_its_row(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n" + "1.5,2.5\n" * 40 + "2.5,inf\ninf,1\n")
        with pytest.raises(InputError, match="infinity") as caught:
            find_bins(
                open_source(str(tmp_path / "x.csv")), {0: Rule("doane"), 1: Rule("doane")}, threads=2, chunk_bytes=64
            )
        assert (caught.value.row, caught.value.column, caught.value.line) == (40, "b", 42)

    def test_given_edges_need_no_pass(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a\n1.5\ninf\n")
        found = find_bins(
            open_source(str(tmp_path / "x.csv")), {0: parse_rule("edges:2")}, threads=1, chunk_bytes=1 << 20
        )
        assert found[0].entries == ("below 2", "2 and above")
