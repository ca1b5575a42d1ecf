"""Calibration and temperature for people: tables on narrow screens, and pages with reliability diagrams."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

import divtool
from divtool.calibrated import ReliabilityBin
from divtool.reports import calibration
from divtool.reports.calibration import render_calibration, render_temperature
from divtool.reports.calibrationpage import headline
from divtool.reports.svgreliability import MOST_BINS, Panel, drawn_bins, reliability_pair, reliability_picture
from divtool.reports.table import drawn

RNG = np.random.default_rng(8)
LOGITS = RNG.normal(size=(400, 4)) * 1.5
LABELS = np.array([RNG.choice(4, p=row) for row in softmax(LOGITS, axis=1)])
SURE = softmax(3.0 * LOGITS, axis=1)
RESULT = divtool.calibration(SURE, LABELS)
FITTED = divtool.temperature(SURE, LABELS, rows="0:200", apply=SURE, apply_rows="200:")


class Page(HTMLParser):
    """The texts of a page, and whether its elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def at_width(monkeypatch: Any, width: int, render: Any, result: Any) -> list[str]:
    """The table as a screen of that width shows it."""
    monkeypatch.setattr(calibration, "drawn", lambda pieces, terminal: drawn(pieces, terminal=False, width=width))
    text: str = render(result, "table")
    return text.splitlines()


def words(result: Any, render: Any) -> set[str]:
    """Every word of a table that has all the room there is."""
    text = render(result, "table")
    return set(re.split(r"\s+", text))


class TestNarrow:
    @pytest.mark.parametrize("width", [50, 60, 72, 80, 90, 100, 110])
    @pytest.mark.parametrize(("render", "result"), [(render_calibration, RESULT), (render_temperature, FITTED)])
    def test_nothing_is_cut_or_broken(self, monkeypatch: Any, width: int, render: Any, result: Any) -> None:
        whole = words(result, render)
        lines = at_width(monkeypatch, width, render, result)
        assert max(map(len, lines)) <= width
        # What is read stands in lines of its own, above the first empty one.
        shown = lines[lines.index("") :]
        numbers = {word for line in shown for word in line.split() if re.fullmatch(r"-?[0-9][0-9.,e-]*", word)}
        assert numbers <= whole
        assert not any("\u2026" in line for line in lines)

    def test_what_is_left_out_is_named(self, monkeypatch: Any) -> None:
        for width, missing in ((110, []), (80, ["RMSCE debiased", "+-"]), (60, ["ECE debiased", "chart"])):
            said = " ".join(at_width(monkeypatch, width, render_calibration, RESULT))
            assert all(name in said.partition("not shown")[2] for name in missing)
            assert ("not shown" in said) == bool(missing)
        assert "not shown: accuracy" in " ".join(at_width(monkeypatch, 65, render_temperature, FITTED))
        assert "not shown" not in " ".join(at_width(monkeypatch, 80, render_temperature, FITTED))

    @pytest.mark.parametrize("width", [76, 80, 100])
    def test_a_bin_is_a_line_with_its_bar(self, monkeypatch: Any, width: int) -> None:
        lines = at_width(monkeypatch, width, render_calibration, RESULT)
        held = [each for each in RESULT.reliability if each.rows]
        assert sum("\u2502" in line and "confidence" not in line for line in lines) == len(held)
        assert any("accuracy \u2588, confidence \u2502" in line for line in lines)

    def test_a_command_can_be_pasted_from_any_width(self, monkeypatch: Any) -> None:
        lines = at_width(monkeypatch, 40, render_temperature, FITTED)
        first = next(i for i, line in enumerate(lines) if "divtool temper" in line)
        assert lines[first].endswith("\\")
        assert lines[lines.index("", first) - 1].strip() == "-o tempered.npy"


class TestHeadline:
    def test_which_way_it_errs(self) -> None:
        sure, right = (float(x) for x in (SURE.max(axis=1).mean(), (SURE.argmax(axis=1) == LABELS).mean()))
        assert headline(RESULT) == f"Too sure of itself: mean confidence {sure:.1%}, accuracy {right:.1%}"
        assert headline(divtool.calibration(softmax(LOGITS / 4, axis=1), LABELS)).startswith(
            "Not sure enough of itself"
        )
        assert headline(divtool.calibration(softmax(LOGITS, axis=1), LABELS)).startswith("About as sure as it is right")

    def test_of_one_class_and_of_few_figures(self) -> None:
        assert headline(divtool.calibration(SURE, LABELS, measure="ece")).startswith("Mean confidence")
        assert "is said of class 1 on average" in headline(divtool.calibration(SURE, LABELS, of_class="1"))
        one = divtool.calibration(np.array([[1.0, 0.0]]), np.array([0]))
        assert headline(one) == "Mean confidence 100.0%, accuracy 100.0%"


class TestPage:
    def test_every_figure_bin_and_threshold(self) -> None:
        result = divtool.calibration(SURE, LABELS, fail_if=("ece>0.01",))
        text = render_calibration(result, "html")
        assert isinstance(text, str)
        page = Page(text)
        for each in result.results:
            assert f'title="{each.value!r}"' in text
        for one in result.reliability:
            assert one.gap is None or f'title="{one.gap!r}"' in text
        assert "Reliability" in page.texts
        assert {"ECE", "RMSCE debiased", "- covariance within bins"} <= set(page.texts)
        assert "ece>0.01" in page.texts
        assert "script" not in page.tags
        assert not re.search(r"(src|href)=", text)

    def test_the_diagram_holds_every_bin_with_rows(self) -> None:
        text = str(render_calibration(RESULT, "html"))
        held = sum(1 for each in RESULT.reliability if each.rows)
        # A point in the diagram and one among the gaps; a bar over each bin and two of the rows.
        assert text.count("<circle") == 2 * held
        assert text.count("<rect") == 3 * held

    def test_temperature_before_and_after(self) -> None:
        text = str(render_temperature(FITTED, "html"))
        page = Page(text)
        assert text.count("<svg") == 2
        assert page.texts.count("before (T = 1), accuracy over confidence") == 2
        # What was held out stands first.
        heads = [each for each in page.texts if each.startswith(("Applied to", "Fitted on"))]
        assert heads == ["Applied to preds, rows 200:400", "Fitted on preds, rows 0:200"]
        assert all(f'title="{each.ece_after!r}"' in text for each in FITTED.results)
        assert f"-T {FITTED.value!r}" in text

    def test_text_from_data_is_escaped(self, tmp_path: Path) -> None:
        path = tmp_path / "<b>p&\x1b.csv"
        path.write_text("<i>a,b,label\n0.75,0.25,b\n0.5,0.5,b\n0.5,0.5,<i>a\n", encoding="utf-8")
        text = str(render_calibration(divtool.calibration(str(path), label_col="label", of_class="<i>a"), "html"))
        Page(text)
        assert "<b>p" not in text
        assert "<i>" not in text
        assert "\x1b" not in text

    @pytest.mark.parametrize("rows", [1, 2])
    def test_very_few_rows(self, rows: int) -> None:
        Page(str(render_calibration(divtool.calibration(SURE[:rows], LABELS[:rows]), "html")))
        Page(str(render_calibration(divtool.calibration(np.eye(4)[:rows], np.arange(rows)), "html")))


class TestDiagram:
    def test_of_very_many_bins_the_fullest_in_order(self) -> None:
        bins = [ReliabilityBin(i / 1000, (i + 1) / 1000, i % 7, 0.5, 0.5, 0.0, 0.1) for i in range(1000)]
        kept = drawn_bins(bins)
        assert len(kept) == MOST_BINS
        assert {each.rows for each in kept} == {6}
        assert kept == sorted(kept, key=lambda each: each.low)

    def test_no_bin_and_numbers_at_the_ends(self) -> None:
        edge = [ReliabilityBin(0.0, 0.5, 10**9, 0.0, 1.0, -1.0, 0.0), ReliabilityBin(0.5, 1.0, 1, 1.0, 0.0, 1.0)]
        for bins in ([], edge):
            for text in (
                reliability_picture(bins, "x", "y"),
                reliability_pair((Panel("a", bins), Panel("b", bins)), "x", "y"),
            ):
                Page(text)
                assert "nan" not in text
                assert "inf" not in text
        places = [float(x) for x in re.findall(r'cy="([0-9.-]+)"', reliability_picture(edge, "x", "y"))]
        assert min(places) > 0

    def test_points_lie_where_they_should(self) -> None:
        body = reliability_picture([ReliabilityBin(0.5, 1.0, 4, 0.75, 0.5, 0.25, 0.125)], "x", "y")
        (x, y), _ = [(float(a), float(b)) for a, b in re.findall(r'cx="([0-9.]+)" cy="([0-9.]+)"', body)]
        # The square is 400 wide from 50 and 356 high from 28.
        assert (x, y) == (350.0, 206.0)
