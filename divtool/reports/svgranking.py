"""The ranking as a picture: each candidate with its interval, and beside it what it is above the best."""

from __future__ import annotations

import math
from collections.abc import Sequence

from divtool.reports.names import told_apart
from divtool.reports.pagestyle import SERIES
from divtool.reports.ranked import Entry, Ranking, alike, bounds, percent, signed
from divtool.reports.scales import Scale, scale_of, widened
from divtool.reports.svg import WIDTH, bottom_axis, dot, interval, line, picture, text

_ROW, _TOP, _FOOT = 26.0, 26.0, 40.0
_NAME = 26.0
_VALUES = (236.0, 494.0)
_APART = (604.0, 844.0)
_VALUE_END = 578.0
_LONGEST = 28


def series(place: int) -> str:
    """The colour class of the candidate at a place, counted from 0: the first few have one of their own."""
    return f"c{min(place, SERIES)}"


def ranking_picture(ranking: Ranking, digits: int) -> str:
    """The picture; empty where no candidate has a finite number."""
    reach = [bounds(each.main, ranking.level) for each in ranking.entries]
    ends = [end for pair in reach if pair for end in pair]
    scale = scale_of([*(each.main.value for each in ranking.entries), *ends])
    if scale is None:
        return ""
    bottom = _TOP + _ROW * len(ranking.entries)
    unit = ranking.best.main.unit
    said = ranking.label + (f" in {unit}" if unit != "1" else "") + (", log scale" if scale.logarithmic else "")
    body = bottom_axis(widened(scale, 0.03), *_VALUES, _TOP, bottom, said)
    names = told_apart([each.name for each in ranking.entries], _LONGEST)
    body += _differences(ranking, names[0], bottom)
    values = alike([each.main.value for each in ranking.entries], min(digits, 5))
    for place, (each, pair, value) in enumerate(zip(ranking.entries, reach, values, strict=True)):
        body += _entry(each, names[place], pair, value, widened(scale, 0.03), place)
    return picture(bottom + _FOOT, "Ranking of the candidates", _described(ranking), body)


def _entry(each: Entry, name: str, pair: tuple[float, float] | None, value: str, scale: Scale, place: int) -> list[str]:
    y = _y(place)
    weight = " b" if each.best else ""
    body = [
        text(_NAME - 8, y + 4, str(each.rank or ""), "t e"),
        text(_NAME, y + 4, name, weight.strip()),
    ]
    body.append(text(_VALUE_END, y + 4, value, "e" + weight))
    return body + _mark(scale, _VALUES, each.main.value, pair, place, hollow=each.tied and not each.best)


def _y(place: int) -> float:
    return _TOP + _ROW * (place + 0.5)


def _differences(ranking: Ranking, best: str, bottom: float) -> list[str]:
    """The differences to the best with their intervals, about a line at 0; of one that is no number the word alone."""
    known = [(place, each.difference) for place, each in enumerate(ranking.entries) if each.difference is not None]
    if not known:
        return []
    texts = signed([each.value for _, each in known], 4)
    body = [text(WIDTH, _y(0) + 4, ranking.best.standing, "e b")]
    for (place, _), shown in zip(known, texts, strict=True):
        body.append(text(WIDTH, _y(place) + 4, ranking.entries[place].standing or shown, "e"))
    ends = [end for _, each in known for end in (each.low, each.high, each.value) if end is not None]
    scale = scale_of([0.0, *ends], logarithmic=False)
    if scale is None or not any(map(math.isfinite, ends)):
        return body
    scale = widened(scale, 0.04)
    said = f"above {best}, paired, {percent(ranking.level)}"
    zero = _x(scale, _APART, 0.0)
    body += [*bottom_axis(scale, *_APART, _TOP, bottom, said), line(zero, _TOP - 4, zero, bottom, "a")]
    for place, each in known:
        reach = None if each.low is None or each.high is None else (each.low, each.high)
        body += _mark(scale, _APART, each.value, reach, place, hollow=ranking.entries[place].tied)
    return body


def _mark(
    scale: Scale, span: tuple[float, float], value: float, reach: tuple[float, float] | None, place: int, *,
    hollow: bool,
) -> list[str]:  # fmt: skip
    """A point with its interval; an arrow where it lies infinitely far out, nothing for NaN."""
    y, body = _y(place), []
    if reach is not None:
        body.append(interval(_x(scale, span, reach[0]), _x(scale, span, reach[1]), y, f"w {series(place)}"))
    if math.isinf(value):
        body.append(text(_x(scale, span, value), y + 4, "\u2192" if value > 0 else "\u2190", "m"))
    elif not math.isnan(value):
        body.append(dot(_x(scale, span, value), y, series(place) + (" hollow" if hollow else "")))
    return body


def _x(scale: Scale, span: tuple[float, float], value: float) -> float:
    return span[0] + scale.held(value) * (span[1] - span[0])


def _described(ranking: Ranking) -> str:
    texts: Sequence[str] = [f"{each.rank}. {each.name}: {each.main.value:.7g}" for each in ranking.entries]
    return "; ".join(texts)
