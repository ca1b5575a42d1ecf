"""What reports show where there is little room: names, columns left out, groups, worst rows, thresholds."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from reports_fixture import alone, compared, measured, rows_of, source

from divtool.reports import render
from divtool.reports.grouped import groups_of
from divtool.reports.htmlparts import value_said
from divtool.reports.matrix import render_matrix
from divtool.reports.names import told_apart
from divtool.reports.ranked import asked_for, ranking_of
from divtool.reports.table import as_table
from divtool.result import Matrix, MatrixResult, MeasureResult, Result, Shape


def table(result: Result, width: int, *, terminal: bool = False) -> str:
    return as_table(result, digits=7, terminal=terminal, width=width, ascii_only=True)


def html(result: Result) -> str:
    return str(render(result, "html"))


def group(name: str, value: float, candidate: str | None = None, label: str = "kl", n: int = 100) -> MeasureResult:
    made = measured(rows_of(0, n), label, candidate=candidate, by="site", group=name)
    return replace(made, value=value)


def uneven() -> Result:
    """Two candidates, of which only the other one has rows in the group "b", and as many in no other group."""
    made = compared(2)
    best, other = (made.verdict or pytest.fail("no verdict")).order
    groups = (
        group("a", 0.5, best), group("a", 0.25, other, n=90), group("b", 0.125, other, n=7), group("c", 2.0, best),
        group("c", 3.0, other),
    )  # fmt: skip
    return replace(made, groups=groups)


class TestNames:
    @pytest.mark.parametrize(
        ("names", "width", "shown"),
        [
            (["a.npy", "b.npy"], 5, ["a.npy", "b.npy"]),
            (["wide-cifar-10.npz", "lenet-cifar-10.npz"], 12, ["wide...", "lenet..."]),
            # No number is cut in two.
            (["step-0100.npz", "step-0200.npz"], 12, ["step-0100...", "step-0200..."]),
            # What tells these apart is in the middle.
            (["one-run-of-may-1-with-a-tail.npz", "one-run-of-may-2-with-a-tail.npz"], 10, ["...1...", "...2..."]),
            # Nothing in common: the middle goes.
            (["abcdefghij", "klmnopqrst"], 7, ["ab...ij", "kl...st"]),
            (["abcdefghij"], 7, ["ab...ij"]),
            ([], 7, []),
        ],
    )
    def test_what_tells_apart_stays(self, names: list[str], width: int, shown: list[str]) -> None:
        assert told_apart(names, width) == shown

    @pytest.mark.parametrize("width", [8, 12, 20, 30])
    def test_different_names_stay_different(self, width: int) -> None:
        names = [f"runs-of-the-{kind}-model-{i:03d}-final-{j}.npz" for kind in "ab" for i in (1, 10) for j in (1, 2)]
        shown = told_apart(names, width)
        assert max(map(len, shown)) <= width
        assert len(set(shown)) == len(names)

    def test_pictures_keep_beginnings(self) -> None:
        made = compared(3)
        called = {name: f"{name[5:-4]}-of-a-model-that-has-a-long-name.npz" for name in made.candidates}
        verdict = made.verdict
        assert verdict is not None
        apart = tuple(replace(e, candidate=called[e.candidate], than=called[e.than]) for e in verdict.differences)
        renamed = replace(
            made, candidates=tuple(called.values()),
            results=tuple(replace(each, candidate=called[each.candidate or ""]) for each in made.results),
            verdict=replace(verdict, order=tuple(map(called.__getitem__, verdict.order)), differences=apart, tied=()),
        )  # fmt: skip
        drawn = html(renamed).partition("</svg>")[0]
        assert all(f">{name}...</text>" in drawn for name in ("fp16", "bf16", "int8"))


class TestWhatIsLeftOut:
    @pytest.mark.parametrize("width", [60, 80, 100, 120])
    def test_every_column_is_shown_or_named(self, width: int) -> None:
        lines = table(compared(3, groups=3), width).splitlines()
        ranked = next(i for i, line in enumerate(lines) if line.startswith("#"))
        named = next((line for line in lines[ranked : ranked + 6] if line.startswith("not shown")), "")
        drawn = any("|-" in line or "-o" in line for line in lines[ranked : ranked + 4])
        assert drawn != ("chart" in named)
        grouped = next(i for i, line in enumerate(lines) if line.startswith("kl by language"))
        tail = "\n".join(lines[grouped:])
        named = next((line for line in lines[grouped:] if line.startswith("not shown")), "")
        for column in ("median", "p95", "max", "+-"):
            assert (column in lines[grouped + 1].split()) != (column in re.split("[ ,]+", named))
        assert ("##" in tail) != ("bars" in named)

    def test_columns_of_the_only_file(self) -> None:
        text = table(alone(), 60)
        assert text.count("not shown: ") == 2
        assert "not shown" not in table(alone(), 120)

    def test_rows_that_are_no_numbers_are_named_too(self) -> None:
        odd = replace(alone().results[1], infinite=3, first_infinite=(1, 2, 3))
        text = " ".join(table(alone(results=(alone().results[0], odd)), 60).split())
        assert "row of the max, infinite and NaN rows" in text

    def test_labels_of_a_matrix_line_up(self) -> None:
        names = tuple(f"m{i}" for i in range(11))
        values = tuple(tuple(abs(i - j) / 7 for j in range(11)) for i in range(11))
        errors: tuple[tuple[None, ...], ...] = ((None,) * 11,) * 11
        made = Matrix("js", "js", "JS", "nats", "lower", True, None, values, errors, ((0,) * 11,) * 11, 5)
        result = MatrixResult("0.1.0", (source("m0", "1"),), (), names, (made,), 5)
        lines = str(render_matrix(result, "table")).splitlines()
        labels = [line[:8] for line in lines if re.match(r" *\[1?[019]\] m", line)]
        assert labels == [" [1] m0 ", " [9] m8 ", "[10] m9 ", "[11] m10"]
        page = str(render_matrix(result, "html"))
        assert '<table class="sticky small">' in page
        assert '<main class="broad">' in page
        assert f'title="{1 / 7!r}"' in page


class TestSparkline:
    def drawn(self, **more: object) -> str:
        made = replace(alone().results[0], **more)  # type: ignore[arg-type]
        return next(each for each in table(alone(results=(made,)), 120, terminal=True).splitlines() if "#" in each)

    def test_ends_are_words(self) -> None:
        line = re.sub(r"\x1b\[[0-9;]*m", "", self.drawn())
        assert re.fullmatch(r"min [ .:=+*%#-]+ max, log scale", line)

    def test_rows_beyond_the_ends(self) -> None:
        shape = Shape((1.0, 2.0, 3.0), (1, 2), ((0.5, 2.0),), below=1234, above=5)
        line = re.sub(r"\x1b\[[0-9;]*m", "", self.drawn(shape=shape))
        assert line == "1,234 rows lower =# 5 rows higher"

    def test_infinite_rows(self) -> None:
        assert "greatest finite" in self.drawn(maximum=math.inf)
        assert "least finite" in self.drawn(minimum=-math.inf)


class TestGroups:
    def test_a_group_that_the_best_has_not(self) -> None:
        text = html(uneven())
        drawn = text[text.index("<caption>kl by site") :].partition("</table>")[0]
        rows = re.findall(r"<tr>.*?</tr>", drawn, re.DOTALL)[1:]
        assert [re.search("<td[^>]*>([^<]*)", row)[1] for row in rows] == ["a", "b", "c (worst)"]  # type: ignore[index]
        assert ("0.125" in rows[1], "(n 7)" in rows[1], "<svg" in rows[1]) == (True, True, False)
        assert "(n 90)" in rows[0]
        assert "(n " not in rows[2]
        assert all("\u00b1" in row for row in rows)
        assert "Worst (red): fp16.npy in c; bf16.npy in c." in text

    def test_the_worst_of_each(self) -> None:
        made = uneven()
        groups = tuple(replace(each, value=9.0) if each.group == "b" else each for each in made.groups)
        text = html(replace(made, groups=groups))
        assert "Worst (red): fp16.npy in c; bf16.npy in b." in text
        assert re.search('<td class="n bad strong" title="9.0 [^"]*, n 7">9.0', text)

    def test_the_table_lists_candidates_in_the_order_of_the_ranking(self) -> None:
        made = compared(3, groups=2)
        lines = table(replace(made, groups=made.groups[::-1]), 120).splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("kl by language"))
        names = [re.findall(r"\S+\.npy", line)[0] for line in lines[first + 2 : first + 8]]
        assert names == ["fp16.npy", "bf16.npy", "int8.npy"] * 2

    def test_other_measures_are_columns(self) -> None:
        groups = [group(name, 0.25, label=label) for name in "xy" for label in ("kl", "brier", "top")]
        groups[4] = replace(groups[4], value=0.0625)
        result = alone(groups=tuple(groups))
        head = next(line for line in table(result, 120).splitlines() if line.startswith("group"))
        assert head.split()[:6] == ["group", "n", "kl", "+-", "brier", "top"]
        assert '<th scope="col" class="n">brier</th><th scope="col" class="n">top</th>' in html(result)
        assert 'title="0.0625">0.0625' in html(result)

    def test_other_measures_that_do_not_fit_are_named(self) -> None:
        labels = [f"measure-{i}" for i in range(9)]
        groups = tuple(group("x", 0.25, label=label) for label in ("kl", *labels))
        said = " ".join(table(alone(groups=groups), 80).split())
        head = next(line for line in table(alone(groups=groups), 80).splitlines() if line.startswith("group")).split()
        missing = [label for label in labels if label not in head]
        assert missing
        assert all(label in said[said.index("not shown: p95") :] for label in missing)
        assert "3 more measures of groups are in -f tsv" in html(alone(groups=groups))

    def test_of_several_candidates_a_table_for_each_measure(self) -> None:
        made = uneven()
        more = tuple(replace(each, label="js", measure="js") for each in made.groups)
        text = html(replace(made, groups=made.groups + more))
        assert text.index("<caption>kl by site") < text.index("<caption>js by site")

    def test_without_the_measure_of_the_run(self) -> None:
        (groups,) = groups_of(alone(groups=(group("x", 1.0, label="js"),)), None)
        assert groups.labels == ("js",)
        assert groups.worst(None, "js") is None


class TestWorstRows:
    def several(self) -> Result:
        named = [measured(rows_of(i), label) for i, label in enumerate(("kl", "js", "tv"))]
        turned = replace(measured(rows_of(4)), label="kl_reversed", direction="KL(q || p)", automatic=True)
        beside = replace(measured(rows_of(5), "same-top-1", better="higher"), automatic=True)
        return alone(results=(named[0], turned, *named[1:], beside), settings={"measure": ("js,tv",)})

    def test_of_each_measure_that_was_asked_for(self) -> None:
        result = self.several()
        assert [each.name for each in asked_for(result)] == ["kl", "js", "tv"]
        assert re.findall("worst rows of (.*)", table(result, 120)) == ["kl", "js", "tv"]
        assert re.findall("<caption>worst rows: (.*)</caption>", html(result)) == ["kl", "js", "tv"]

    def test_one_measure_needs_no_name(self) -> None:
        result = alone(results=alone().results[:1])
        assert "\nworst rows\n" in table(result, 120)

    def test_candidates_have_those_of_the_ranking(self) -> None:
        assert re.findall("worst rows of (.*)", table(compared(2), 120)) == ["fp16.npy", "bf16.npy"]


class TestWords:
    def test_thresholds_cannot_be_read_the_other_way(self) -> None:
        made = compared(5, gates=True)
        lines = [line for line in table(made, 120).splitlines() if line.startswith("fails if mean>0.01: kl mean is ")]
        assert [line.rpartition(", ")[2] for line in lines] == ["FAILED" if e.failed else "passed" for e in made.gates]
        text = html(made)
        assert text.index('<th scope="col">fails if</th>') < text.index('<th scope="col">outcome</th>')
        assert text.count(">FAILED</td>") == 3

    def test_settings_are_words(self) -> None:
        text = html(alone(settings={"measure": ("brier,error-rate", "tv"), "by": ("label",), "reverse": True}))
        assert "measure: <code>brier, error-rate, tv</code>" in text
        assert "by: <code>label</code>" in text
        assert "reverse: <code>yes</code>" in text
        assert [value_said(each) for each in (0.5, None, [1, 2], {"a": False})] == ["0.5", "none", "1, 2", "a no"]

    def test_no_row_of_the_maximum_where_higher_is_better(self) -> None:
        made = measured(rows_of(0), "same-top-1", better="higher")
        result = alone(results=(alone().results[0], made))
        row = re.search(r"<tr><td>same-top-1</td>.*?</tr>", html(result))
        assert row is not None
        assert row[0].endswith('<td class="n"></td></tr>')
        assert "in row" not in next(line for line in table(result, 120).splitlines() if line.startswith("same-top-1"))

    def test_the_ranking_and_its_tests(self) -> None:
        made = compared(3)
        text = html(made)
        ranking = ranking_of(made)
        assert ranking is not None
        apart = ranking.entries[2].difference
        assert apart is not None
        assert f'title="{apart.low!r} to {apart.high!r}"' in text
        tests = text[text.index("<caption>In how many rows") :].partition("</table>")[0]
        assert tests.count("<tr>") == 3
        assert f'<td class="n">{apart.above:,}</td><td class="n">{apart.below:,}</td>' in tests
