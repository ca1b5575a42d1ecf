"""Reports of several candidates: the table at many widths, lines, JSON, Parquet, charts of signs."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from reports_fixture import alone, compared, measured, rows_of, undefined
from test_reports import RESULT

from divtool.reports import render
from divtool.reports.bars import blocks
from divtool.reports.charts import error_bar, sparkline
from divtool.reports.columnar import parquet_of
from divtool.reports.delimited import records_of
from divtool.reports.names import short_names
from divtool.reports.ranked import alike, bounds, ranking_of, signed
from divtool.reports.records import report
from divtool.reports.scales import Scale, scale_of, tick_label, ticks, widened
from divtool.reports.table import as_table
from divtool.result import Result, Shape


def table(result: Result, width: int, *, terminal: bool = False, ascii_only: bool = False) -> str:
    return as_table(result, digits=7, terminal=terminal, width=width, ascii_only=ascii_only)


class TestTable:
    @pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
    @pytest.mark.parametrize("count", [1, 2, 5, 20])
    def test_nothing_is_wider_than_the_screen_or_cut(self, width: int, count: int) -> None:
        result = compared(count, groups=3, gates=True)
        text = table(result, width)
        assert max(map(len, text.splitlines())) <= width
        ranking = ranking_of(result)
        assert ranking is not None
        lines = text.splitlines()
        first = next(i for i, line in enumerate(lines) if line.lstrip().startswith("#"))
        for place, entry in enumerate(ranking.entries):
            words = lines[first + 1 + place].split()
            assert words[:2] == [str(entry.rank), entry.name]
            assert float(words[2]) == pytest.approx(entry.main.value, rel=2e-4)

    def test_the_best_stands_first_and_ties_are_said(self) -> None:
        lines = table(compared(5), 120).splitlines()
        ranked = [line for line in lines if line[:2] in ("1 ", "2 ", "3 ")]
        assert [line.split()[1] for line in ranked] == ["fp16.npy", "bf16.npy", "int8.npy"]
        assert ["tied" in line for line in ranked] == [True, True, False]
        assert "runs/fp16.npy is closest to ref.npy: 2 tied" in lines
        assert "intervals are paired" in lines

    def test_other_measures_stand_beside_or_below(self) -> None:
        wide, narrow = (table(compared(5), width).splitlines() for width in (120, 80))
        assert next(line for line in wide if line.startswith("#")).endswith("js")
        assert not next(line for line in narrow if line.startswith("#")).endswith("js")
        assert any(line.split() == ["candidate", "kl_reversed", "js"] for line in narrow)

    def test_what_is_left_out_is_named(self) -> None:
        assert "not shown: interval" in table(compared(3), 70)

    def test_many_inputs_are_one_line(self) -> None:
        assert "20 files" in table(compared(20), 120)
        assert table(compared(2), 120).count("npy, 2,000 x 1,000") == 3

    def test_direction(self) -> None:
        assert "KL(ref.npy || each of 5), in nats; lower is better" in table(compared(5), 120)

    def test_groups_worst_rows_and_thresholds(self) -> None:
        text = table(compared(2, groups=3, gates=True), 120)
        assert "kl by language" in text
        assert text.count("language 1") == 1
        assert "worst rows of fp16.npy" in text
        assert "row-273" in text
        assert "fails if mean>0.01: kl mean is 0.004" in text

    def test_many_groups_are_counted(self) -> None:
        groups = tuple(replace(measured(rows_of(0, 50)), by="day", group=f"day {i}") for i in range(50))
        assert "and 10 more groups" in table(alone(groups=groups), 120)

    def test_colour_for_a_terminal_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        result = compared(3, gates=True)
        assert "\x1b" not in table(result, 120)
        assert "\x1b[1;31mFAILED" in table(result, 120, terminal=True)

    def test_signs_of_every_terminal(self) -> None:
        assert table(compared(5, groups=2), 120, ascii_only=True).isascii()
        assert not table(compared(5, groups=2), 120).isascii()

    def test_histogram_on_a_terminal_alone(self) -> None:
        assert "\u2588" in table(alone(), 120, terminal=True)
        assert "\u2588" not in table(alone(), 120)
        assert table(alone(), 120, terminal=True, ascii_only=True).isascii()

    def test_infinite_and_undefined_candidates(self) -> None:
        made = compared(3)
        odd = {made.candidates[0]: math.inf, made.candidates[1]: math.nan}
        results = tuple(
            replace(each, value=odd[each.candidate], std_error=None) if each.candidate in odd else each
            for each in made.results
        )
        text = table(replace(made, results=results, verdict=None), 120)
        assert " inf " in text
        assert " nan " in text

    def test_differences_that_are_no_numbers_have_no_interval(self) -> None:
        lines = table(undefined(), 160).splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("#"))
        words = [line.split() for line in lines[first + 1 : first + 6]]
        assert [each[1] for each in words] == ["fp16.npy", "bf16.npy", "int8.npy", "int8-mixed.npy", "int6.npy"]
        assert [each[2] for each in words[2:]] == ["inf", "inf", "nan"]
        assert "to" in words[1]
        assert all("to" not in each for each in words[2:])
        ends = ["+inf" in words[2], "nan" in words[3][3:], "nan" in words[4][3:]]
        assert ends == [True, True, True]

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_every_candidate_undefined(self, value: float) -> None:
        result = undefined([value] * 5)
        text = table(result, 120)
        assert max(map(len, text.splitlines())) <= 120
        first = next(line for line in text.splitlines() if line.startswith("1 "))
        assert ("best" in first) == (not math.isnan(value))

    def test_rows_of_which_none_is_finite(self) -> None:
        odd = replace(measured(rows_of(0)), value=math.inf, infinite=2000, first_infinite=(0,), finite_mean=math.nan)
        assert "2,000 infinite (first rows 0), none is finite" in table(alone(results=(odd,)), 120)

    @pytest.mark.parametrize(
        ("bound", "said"), [(2.0**-12, "0.00025"), (0.001, "0.001"), (0.0101, "0.011"), (9.95e-5, "0.0001")]
    )
    def test_bounds_of_quantiles_are_never_rounded_down(self, bound: float, said: str) -> None:
        rough = tuple(replace(each, quantile_bound=bound) for each in compared(2).results)
        for result in (alone(results=rough[:1]), replace(compared(2), results=rough)):
            assert f"quantiles to within a relative {said}\n" in table(result, 120)
            assert f"quantiles to within a relative {said}<" in str(render(result, "html"))
        assert "to within" not in table(compared(2), 120) + str(render(compared(2), "html"))

    def test_hostile_names(self) -> None:
        made = compared(2)
        name = "a\x1b[31m\n[bold]<script>"
        results = tuple(replace(each, candidate=name, worst=()) for each in made.results[:3])
        text = table(replace(made, candidates=(name,), results=results, verdict=None), 120)
        assert "\x1b" not in text
        assert r"a\x1b[31m\x0a[bold]<script>" in text


class TestLines:
    def test_plain_runs_have_the_columns_they_had(self) -> None:
        assert "candidate" not in render(RESULT, "tsv")

    def test_a_line_for_each_measure_and_candidate(self) -> None:
        result = compared(3)
        head, *lines = [line.split("\t") for line in str(render(result, "tsv")).splitlines()]
        assert head[:3] == ["candidate", "measure", "value"]
        assert head[-5:] == ["rank", "difference", "diff_low", "diff_high", "tied"]
        assert len(lines) == 9
        first = dict(zip(head, lines[0], strict=True))
        assert (first["candidate"], first["rank"], first["tied"]) == ("runs/int8.npy", "3", "False")
        assert result.verdict is not None
        assert float(first["difference"]) == result.verdict.differences[-1].value
        assert all(line[-5:] == [""] * 5 for line in lines if line[1] != "kl")
        best = next(line for line in lines if line[:2] == ["runs/fp16.npy", "kl"])
        assert best[-5:] == ["1", "", "", "", "True"]

    def test_groups(self) -> None:
        head, *lines = [line.split(",") for line in str(render(compared(2, groups=3), "csv")).splitlines()]
        assert head[:4] == ["by", "group", "candidate", "measure"]
        assert [line[:3] for line in lines[:1]] == [["", "", "runs/bf16.npy"]]
        assert ["language", "language 2", "runs/fp16.npy"] in [line[:3] for line in lines]
        assert len({len(line) for line in lines}) == 1

    def test_markdown_has_as_many_cells_in_every_line(self) -> None:
        lines = str(render(compared(2, groups=2), "md")).splitlines()
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


class TestJson:
    def test_everything_is_there(self) -> None:
        result = compared(3, groups=2, gates=True)
        whole = json.loads(render(result, "json"))
        assert list(whole["inputs"]) == ["p", "q", "q1", "q2"]
        assert whole["candidates"] == list(result.candidates)
        verdict = whole["verdict"]
        assert (verdict["measure"], verdict["better"], len(verdict["differences"])) == ("kl", "lower", 2)
        assert verdict["differences"][0]["than"] == verdict["order"][0]
        assert {(each["by"], each["group"]) for each in whole["groups"]} == {
            ("language", "language 0"), ("language", "language 1"),
        }  # fmt: skip
        assert whole["gates"][0]["failed"] in (True, False)
        assert list(whole["results"][0]["worst"][0]) == ["row", "id", "label", "value"]

    def test_inputs_of_one_role_are_all_kept(self) -> None:
        result = replace(RESULT, inputs=(RESULT.inputs[0], RESULT.inputs[0]))
        assert list(json.loads(render(result, "json"))["inputs"]) == ["q", "q1"]

    def test_lines_for_results_and_groups(self) -> None:
        lines = [json.loads(line) for line in str(render(compared(2, groups=2), "jsonl")).splitlines()]
        assert len(lines) == 6 + 4
        assert lines[-1]["group"] == "language 1"

    def test_infinite_differences_are_words(self) -> None:
        result = compared(2)
        assert result.verdict is not None
        apart = replace(result.verdict.differences[0], value=math.inf, low=None)
        result = replace(result, verdict=replace(result.verdict, differences=(apart,)))
        said = json.loads(render(result, "json"))["verdict"]["differences"][0]
        assert (said["value"], said["low"]) == ("Infinity", None)


class TestParquet:
    def test_the_lines_with_their_types(self) -> None:
        result = compared(3, groups=2)
        read = pq.read_table(io.BytesIO(bytes(render(result, "parquet"))))  # type: ignore[arg-type]
        types = {name: str(read.schema.field(name).type) for name in ("candidate", "value", "n", "tied", "rank")}
        assert types == {"candidate": "string", "value": "double", "n": "int64", "tied": "bool", "rank": "int64"}
        assert read.to_pylist() == [dict(each) for each in records_of(result)]

    def test_odd_cells(self) -> None:
        records = [
            {"a": 1, "b": None, "c": "x", "d": True, "e": [1], "f": math.nan},
            {"a": 2.5, "b": None, "c": None, "d": None, "e": None, "f": math.inf},
        ]
        first, second = pq.read_table(io.BytesIO(parquet_of(records))).to_pylist()
        assert (first["a"], first["b"], first["c"], first["d"], first["e"]) == (1.0, None, "x", True, "[1]")
        assert math.isnan(first["f"])
        assert second == {"a": 2.5, "b": None, "c": None, "d": None, "e": None, "f": math.inf}

    def test_no_records(self) -> None:
        assert pq.read_table(io.BytesIO(parquet_of([]))).num_columns == 0

    def test_records_of_other_results(self) -> None:
        records = [{"column": "a", "gain": 0.25, "rough": False}]
        read = pq.read_table(io.BytesIO(report(records, "parquet", title="")))  # type: ignore[arg-type]
        assert read.to_pylist() == records
        assert report(records, "csv", title="") == "column,gain,rough\na,0.25,False\n"


class TestRanking:
    def test_without_a_verdict_the_order_given(self) -> None:
        ranking = ranking_of(replace(compared(3), verdict=None))
        assert ranking is not None
        assert [each.candidate for each in ranking.entries] == ["runs/int8.npy", "runs/bf16.npy", "runs/fp16.npy"]
        assert [each.rank for each in ranking.entries] == [0, 0, 0]

    def test_none_without_candidates(self) -> None:
        assert ranking_of(RESULT) is None
        assert ranking_of(replace(compared(2), results=())) is None

    @pytest.mark.parametrize(
        ("names", "shown"),
        [
            (["a/b/x.npy", "a/c/x.npy"], ["b/x.npy", "c/x.npy"]),
            (["x.npy"], ["x.npy"]),
            (["/a/x", "/b/x"], ["a/x", "b/x"]),
            (["a/x.npz:k", "a/x.npz:l"], ["x.npz:k", "x.npz:l"]),
        ],
    )
    def test_short_names(self, names: list[str], shown: list[str]) -> None:
        assert list(short_names(names).values()) == shown

    def test_interval_of_a_mean(self) -> None:
        made = measured(rows_of(0))
        low, high = bounds(made, 0.95) or (0.0, 0.0)
        assert (high - low) / 2 == pytest.approx(1.959963984540054 * (made.std_error or 0), rel=1e-12)
        assert bounds(replace(made, std_error=None), 0.95) is None
        assert bounds(replace(made, std_error=math.nan), 0.95) is None

    @pytest.mark.parametrize(
        ("values", "digits", "shown"),
        [
            ([0.1, 0.25], 3, ["0.100", "0.250"]),
            ([1e-9, 1.0], 3, ["1e-09", "1"]),
            ([math.inf, 0.5, math.nan], 3, ["inf", "0.500", "nan"]),
            ([0.0, 0.0], 3, ["0", "0"]),
            ([123456.0, 2.0], 3, ["1.23e+05", "2"]),
            ([], 3, []),
            ([1e-300, 2e-300], 3, ["1e-300", "2e-300"]),
        ],
    )
    def test_numbers_of_a_column(self, values: list[float], digits: int, shown: list[str]) -> None:
        assert alike(values, digits) == shown

    def test_signs(self) -> None:
        assert signed([0.5, -0.5, math.inf], 2) == ["+0.50", "-0.50", "+inf"]


class TestCharts:
    def test_sparkline_shows_every_count(self) -> None:
        assert sparkline([0, 1, 10**6], ascii_only=False) == " \u2581\u2588"
        assert sparkline([], ascii_only=True) == ""

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0.0, 1e308, -1e308])
    def test_bars_are_as_wide_as_asked(self, value: float) -> None:
        for ascii_only in (True, False):
            assert len(error_bar(Scale(-1.0, 1.0), value, (-2.0, 2.0), 12, ascii_only=ascii_only)) == 12

    def test_blocks(self) -> None:
        assert blocks(1.125, ascii_only=False) == "\u2588\u258f"
        assert blocks(0.0, ascii_only=False) == ""

    def test_empty_histogram_of_one_value(self) -> None:
        shape = Shape((1.0, 1.0), (5,), ((0.5, 1.0),))
        made = replace(alone().results[0], shape=shape)
        assert table(alone(results=(made,)), 120, terminal=True)


class TestScales:
    @pytest.mark.parametrize("exponent", range(-300, 300, 37))
    @pytest.mark.parametrize("factor", [1.0001, 3.0, 40.0, 1e6])
    def test_ticks_lie_on_the_scale(self, exponent: int, factor: float) -> None:
        low = 10.0**exponent
        for logarithmic in (False, True):
            scale = Scale(low, low * factor, logarithmic)
            marks = ticks(scale)
            assert 1 <= len(marks) <= 7
            assert marks == sorted(marks)
            assert all(-1e-6 <= scale.place(mark) <= 1 + 1e-6 for mark in marks)

    @pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-3.0], [1e308, -1e308], [5e-324], [0.0, 1e-320]])
    def test_odd_values_have_a_scale(self, values: list[float]) -> None:
        scale = scale_of(values)
        assert scale is not None
        scale = widened(scale, 0.1)
        assert scale.low < scale.high
        assert all(0 <= scale.held(value) <= 1 for value in values)
        assert all(math.isfinite(mark) for mark in ticks(scale))

    def test_labels(self) -> None:
        labels = [tick_label(value) for value in (0.0, 0.30000000000000004, 1e-7, 2.5e8, -1e6)]
        assert labels == ["0", "0.3", "10\u207b\u2077", "2.5\u00d710\u2078", "-10\u2076"]

    def test_a_scale_of_numbers_far_apart_is_logarithmic(self) -> None:
        assert scale_of(np.geomspace(1, 100, 5).tolist()) == Scale(1.0, 100.0, True)
        assert scale_of([0.0, 100.0]) == Scale(0.0, 100.0)
