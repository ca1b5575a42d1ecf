"""The HTML page: well-formed, self-contained, harmless whatever stands in the data, and small."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from reports_fixture import alone, compared, measured, rows_of, undefined
from test_reports import RESULT

from divtool.reports import render
from divtool.reports.page import Cell, escaped, figure, listed, page, paragraph, table_html
from divtool.reports.records import report
from divtool.reports.svgspread import Spread, histograms, quantile_curves, value_scale
from divtool.result import Result, Shape

RESULTS = {
    "plain": RESULT,
    "alone": alone(),
    "two": compared(2),
    "many": compared(20, groups=4, gates=True),
    "ungraded": replace(compared(3), verdict=None),
    "undefined": undefined(),
    "no results": replace(RESULT, results=()),
    "groups of one": alone(
        groups=tuple(replace(measured(rows_of(i, 50)), by="day", group=f"{i}") for i in range(70))
    ),
}  # fmt: skip
VOID = {"meta", "br", "hr", "img", "link"}


class Reader(HTMLParser):
    """Checks that tags are closed in order, and keeps names, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def html(result: Result) -> str:
    text = render(result, "html")
    assert isinstance(text, str)
    return text


def pictures(text: str) -> list[ElementTree.Element]:
    """The pictures, read by a strict reader of XML."""
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg .*?</svg>", text, re.DOTALL)]


@pytest.mark.parametrize("name", RESULTS)
class TestEveryPage:
    def test_is_well_formed(self, name: str) -> None:
        read = Reader(html(RESULTS[name]))
        assert [tag for tag, _ in read.tags].count("h1") == 1

    def test_needs_nothing_else(self, name: str) -> None:
        text = html(RESULTS[name])
        read = Reader(text)
        assert {tag for tag, _ in read.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
        names = {attribute for _, attributes in read.tags for attribute in attributes}
        assert not {attribute for attribute in names if attribute.startswith("on")}
        assert names.isdisjoint({"src", "href", "style", "xlink:href"})
        assert "url(" not in text
        assert "@import" not in text
        assert set(re.findall(r"https?://[^\"' <)]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert "default-src 'none'" in text

    def test_pictures_are_well_formed_and_have_words(self, name: str) -> None:
        for drawn in pictures(html(RESULTS[name])):
            space = "{http://www.w3.org/2000/svg}"
            assert drawn.get("role") == "img"
            assert drawn.findtext(f"{space}title")
            assert drawn.findtext(f"{space}desc")

    def test_no_place_is_undefined(self, name: str) -> None:
        for found in re.findall(r'(?: d| x| y| cx| cy| width| height| viewBox)="([^"]*)"', html(RESULTS[name])):
            assert not re.search("nan|inf", found)

    def test_is_small_and_the_same_every_time(self, name: str) -> None:
        text = html(RESULTS[name])
        assert len(text.encode()) < 200_000
        assert text == html(RESULTS[name])


class TestWhatIsSaid:
    def test_candidates_without_a_finite_mean_have_no_point(self) -> None:
        made = compared(3)
        odd = {made.candidates[0]: math.inf, made.candidates[1]: math.nan}
        results = tuple(
            replace(each, value=odd[each.candidate], std_error=None) if each.candidate in odd else each
            for each in made.results
        )
        drawn = pictures(html(replace(made, results=results, verdict=None)))[0]
        assert len([each for each in drawn.iter() if each.tag.endswith("circle")]) == 1
        assert "\u2192" in "".join(drawn.itertext())

    def test_differences_that_are_no_numbers_have_no_point_and_no_interval(self) -> None:
        text = html(undefined())
        drawn = pictures(text)[0]
        said = "".join(drawn.itertext())
        # Two means and one difference; arrows for two infinite means and for one infinite difference.
        assert len([each for each in drawn.iter() if each.tag.endswith("circle")]) == 3
        assert len(re.findall('class="w c', text.partition("</svg>")[0])) == 3
        assert said.count("\u2192") == 3
        assert "+inf" in said
        assert said.count("nan") >= 3
        rows = re.findall(r"<tr>.*?</tr>", text.partition("</svg>")[2].partition("</table>")[0], re.DOTALL)
        assert ["nan" in row or "inf" in row for row in rows[1:6]] == [False, False, True, True, True]

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_no_candidate_with_a_number(self, value: float) -> None:
        text = html(undefined([value] * 5))
        Reader(text)
        assert "Ranking of the candidates" not in text
        assert text.count(f'title="{value!r}"') >= 5

    def test_only_the_best_is_a_number(self) -> None:
        drawn = pictures(html(undefined([None, *[math.inf] * 4])))[0]
        said = "".join(drawn.itertext())
        assert ("above" in said, "best" in said, said.count("nan"), said.count("+inf")) == (False, True, 3, 1)

    def test_the_verdict_stands_on_top(self) -> None:
        text = html(compared(5))
        assert text.index("runs/fp16.npy is closest to ref.npy") < text.index("<h2>")

    def test_the_number_of_one_file_stands_on_top(self) -> None:
        text = html(alone())
        assert f'<p class="big" title="{alone().value!r}">0.01897692' in text
        assert "KL(ref.npy || int8.npy)" in text

    def test_every_candidate_is_drawn_and_listed(self) -> None:
        text = html(compared(20))
        ranking, spread, curves = pictures(text)[:3]
        names = [f"trial-{i}.npy" for i in range(10)]
        shown = ["".join(each.itertext()) for each in (ranking, spread, curves)]
        assert all(name in shown[0] and name in shown[1] for name in names)

    def test_numbers_have_all_their_digits_behind_them(self) -> None:
        result = compared(3)
        titles = {attributes.get("title") for _, attributes in Reader(html(result)).tags}
        assert {repr(each.value) for each in result.results} <= titles

    def test_the_worst_group_is_marked(self) -> None:
        assert "language 5 (worst)" in html(compared(3, groups=6))
        groups = tuple(replace(measured(rows_of(i)), by="x", group=f"g{i}", better="higher") for i in range(3))
        assert "g0 (worst)" in html(alone(groups=groups))

    def test_the_worst_group_is_there_wherever_it_stands(self) -> None:
        values = [1.0] * 80
        values[75], values[3] = 9.0, math.nan
        groups = tuple(
            replace(measured(rows_of(0, 50)), by="x", group=f"g{i}", value=value) for i, value in enumerate(values)
        )
        text = html(alone(groups=groups))
        assert "g75 (worst)" in text
        assert "and 19 more groups" in text

    def test_thresholds(self) -> None:
        text = html(compared(5, gates=True))
        assert "FAILED: 3 of 5 --fail-if conditions came true" in text
        made = compared(2, gates=True)
        kept = replace(made, gates=tuple(replace(each, failed=False) for each in made.gates))
        assert "passed: none of 2 --fail-if conditions came true" in html(kept)

    def test_infinite_rows_are_named(self) -> None:
        assert "2 infinite (first rows 17, 40)" in html(RESULT)

    def test_warnings(self) -> None:
        assert "a warning" in html(alone())

    def test_worst_rows_have_ids_and_labels(self) -> None:
        read = Reader(html(alone()))
        assert {"row-273", "cat"} <= set(read.text)


HOSTILE = '</title><script>alert("x")</script>&amp;\x1b[31m\u202e<img src=x onerror=1>'


class TestHostileText:
    def made(self) -> Result:
        """A run in which every text from data is hostile."""
        source = replace(compared(2).inputs[1], path=HOSTILE, evidence=HOSTILE, class_names=(HOSTILE,) * 3,
                         labels=HOSTILE, label_column=HOSTILE, arranged=HOSTILE, origin=HOSTILE,
                         excluded=((HOSTILE, HOSTILE),))  # fmt: skip
        made = compared(2, groups=2, gates=True)
        assert made.verdict is not None
        names = (HOSTILE + "1", HOSTILE + "2")
        called = dict(zip(made.candidates, names, strict=True))
        apart = tuple(replace(e, candidate=called[e.candidate], than=called[e.than]) for e in made.verdict.differences)
        verdict = replace(made.verdict, order=tuple(called[e] for e in made.verdict.order), said=HOSTILE,
                          tied=(), notes=(HOSTILE,), differences=apart, unit=HOSTILE)  # fmt: skip

        def renamed(each: object) -> object:
            worst = tuple(replace(row, id=HOSTILE, label=HOSTILE) for row in each.worst)  # type: ignore[attr-defined]
            return replace(each, candidate=called[each.candidate], worst=worst)  # type: ignore[attr-defined,type-var]

        groups = tuple(replace(renamed(e), by=HOSTILE, group=f"{HOSTILE}{e.group}") for e in made.groups)  # type: ignore
        gates = tuple(replace(e, text=HOSTILE, candidate=HOSTILE) for e in made.gates)
        return replace(
            made, inputs=(source,), candidates=names, verdict=verdict, results=tuple(map(renamed, made.results)),
            groups=groups, gates=gates, warnings=(HOSTILE,), matched=(HOSTILE,), settings={HOSTILE: HOSTILE},
        )  # fmt: skip

    def test_on_the_page(self) -> None:
        text = html(self.made())
        read = Reader(text)
        assert {tag for tag, _ in read.tags}.isdisjoint({"script", "img"})
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert any("</title><script>" in said for said in read.text)
        assert pictures(text)

    def test_on_a_page_of_records(self) -> None:
        made = report([{HOSTILE: HOSTILE, "n": 3}], "html", title=HOSTILE, notes=[HOSTILE])
        assert {tag for tag, _ in Reader(str(made)).tags}.isdisjoint({"script", "img"})

    def test_escaped(self) -> None:
        assert escaped('<a href="x">\'&\x00') == "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;\\x00"


class TestPieces:
    def test_nothing_is_drawn_of_nothing(self) -> None:
        assert (table_html(["a"], []), listed([]), paragraph(""), figure("", "x")) == ("", "", "", "")
        assert "<h2>Empty" not in page("x", [("Empty", "")])

    def test_cells(self) -> None:
        text = table_html(["a", "b"], [[Cell("<i>", "<t>", "strong"), Cell("<b>x</b>", trusted=True)]], [0])
        assert '<td class="n strong" title="&lt;t&gt;">&lt;i&gt;</td><td><b>x</b></td>' in text

    def test_a_page_of_records(self) -> None:
        records = [{"name": "a", "value": 0.1 + 0.2, "none": None, "odd": False, "count": 12345}]
        text = str(report(records, "html", title="Figures", notes=["a note"], inputs=RESULT.inputs))
        read = Reader(text)
        assert '<td class="n" title="0.30000000000000004">0.3</td>' in text
        assert {"12,345", "no", "a note", "preds.csv"} <= set(read.text)
        assert "none" not in read.text


class TestSpreads:
    def shape(self, edges: tuple[float, ...], counts: tuple[int, ...], *, logarithmic: bool = False) -> Shape:
        return Shape(edges, counts, ((0.0, edges[0]), (0.25, edges[0]), (0.5, edges[0]), (1.0, edges[-1])), logarithmic)

    def spread(self, shape: Shape) -> Spread:
        return Spread("x", shape, 1.0, "c0")

    @pytest.mark.parametrize(
        ("edges", "counts", "logarithmic"),
        [
            ((1.0, 1.0), (5,), False),
            ((0.0, 1.0, 2.0), (0, 0), False),
            ((0.0, 1.0, 10.0), (3, 1), True),
            ((-1e308, 0.0, 1e308), (1, 2), False),
            ((5e-324, 1e-300, 1.0), (1, 2), True),
            ((), (), False),
        ],
    )
    def test_odd_shapes(self, edges: tuple[float, ...], counts: tuple[int, ...], logarithmic: bool) -> None:
        shape = (
            Shape(edges, counts, (), logarithmic) if not edges else self.shape(edges, counts, logarithmic=logarithmic)
        )
        for drawn in (histograms([self.spread(shape)], "x"), quantile_curves([self.spread(shape)], "x")):
            assert not re.search("nan|inf", drawn)
            if drawn:
                ElementTree.fromstring(drawn)

    def test_areas_are_shares_of_rows(self) -> None:
        """Two histograms of the same rows, one in finer bins, are equally high."""
        coarse, fine = self.shape((0.0, 1.0, 2.0), (4, 4)), self.shape((0.0, 0.5, 1.0, 1.5, 2.0), (2, 2, 2, 2))
        drawn = ElementTree.fromstring(histograms([self.spread(coarse), self.spread(fine)], "x"))
        areas = [each.get("d") or "" for each in drawn.iter() if (each.get("class") or "").startswith("fill")]
        heights = [
            max(ys) - min(ys)
            for ys in ([float(pair.split()[1]) for pair in area[1:-1].split("L")] for area in areas)
        ]  # fmt: skip
        assert heights[0] == pytest.approx(heights[1], abs=0.11)

    def test_one_axis_for_all(self) -> None:
        near, far = self.shape((0.01, 1.0, 100.0), (1, 1), logarithmic=True), self.shape((-1.0, 0.0), (1,))
        assert value_scale([self.spread(near), self.spread(far)]) is not None
        both = value_scale([self.spread(near), self.spread(far)])
        assert both is not None
        assert (both.low, both.high, both.logarithmic) == (-1.0, 100.0, False)

    def test_infinite_rows_end_a_curve(self) -> None:
        shape = Shape((0.0, 1.0), (9,), ((0.1, 0.5), (0.5, 1.0), (0.99, math.inf)))
        (curve,) = [each for each in ElementTree.fromstring(quantile_curves([self.spread(shape)], "x")).iter()
                    if (each.get("class") or "").startswith("l ")]  # fmt: skip
        assert (curve.get("d") or "").count("L") == 1
