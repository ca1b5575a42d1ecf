"""The ranking as a picture: each candidate with its interval, and beside it what it is above the best."""

from __future__ import annotations

import math
from collections.abc import Sequence

from divtool.reports.pagestyle import SERIES
from divtool.reports.ranked import Entry, Ranking, alike, bounds, percent, signed
from divtool.reports.scales import Scale, scale_of, widened
from divtool.reports.svg import WIDTH, bottom_axis, dot, interval, line, picture, text

_ROW, _TOP, _FOOT = 26.0, 26.0, 40.0
_NAME = 26.0
_VALUES = (236.0, 494.0)
_APART = (604.0, 844.0)
_VALUE_END = 578.0


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
    body += _differences(ranking, bottom)
    values = alike([each.main.value for each in ranking.entries], min(digits, 5))
    for place, (each, pair, value) in enumerate(zip(ranking.entries, reach, values, strict=True)):
        body += _entry(each, pair, value, widened(scale, 0.03), place)
    return picture(bottom + _FOOT, "Ranking of the candidates", _described(ranking), body)


def _entry(each: Entry, pair: tuple[float, float] | None, value: str, scale: Scale, place: int) -> list[str]:
    y = _y(place)
    weight = " b" if each.best else ""
    body = [
        text(_NAME - 8, y + 4, str(each.rank or ""), "t e"),
        text(_NAME, y + 4, _fitting(each.name), weight.strip()),
    ]
    body.append(text(_VALUE_END, y + 4, value, "e" + weight))
    if pair is not None:
        first, last = (_VALUES[0] + scale.held(end) * (_VALUES[1] - _VALUES[0]) for end in pair)
        body.append(interval(first, last, y, f"w {series(place)}"))
    x = _VALUES[0] + scale.held(each.main.value) * (_VALUES[1] - _VALUES[0])
    if math.isinf(each.main.value):
        body.append(text(x, y + 4, "\u2192" if each.main.value > 0 else "\u2190", "m"))
    elif not math.isnan(each.main.value):
        body.append(dot(x, y, series(place) + (" hollow" if each.tied and not each.best else "")))
    return body


def _y(place: int) -> float:
    return _TOP + _ROW * (place + 0.5)


def _fitting(name: str, most: int = 30) -> str:
    return name if len(name) <= most else "..." + name[3 - most :]


def _differences(ranking: Ranking, bottom: float) -> list[str]:
    """The differences to the best with their intervals, about a line at 0."""
    known = [(place, each.difference) for place, each in enumerate(ranking.entries) if each.difference is not None]
    ends = [end for _, each in known for end in (each.low, each.high, each.value) if end is not None]
    scale = scale_of([0.0, *ends], logarithmic=False)
    if not known or scale is None:
        return []
    scale = widened(scale, 0.04)
    said = f"above {_fitting(ranking.best.name, 34)}, paired, {percent(ranking.level)}"
    body = bottom_axis(scale, *_APART, _TOP, bottom, said)
    zero = _APART[0] + scale.place(0.0) * (_APART[1] - _APART[0])
    body.append(line(zero, _TOP - 4, zero, bottom, "a"))
    texts = signed([each.value for _, each in known], 4)
    for (place, each), shown in zip(known, texts, strict=True):
        low, high = each.low, each.high
        entry = ranking.entries[place]
        if low is not None and high is not None:
            first, last = (_APART[0] + scale.held(end) * (_APART[1] - _APART[0]) for end in (low, high))
            body.append(interval(first, last, _y(place), f"w {series(place)}"))
        x = _APART[0] + scale.held(each.value) * (_APART[1] - _APART[0])
        body.append(dot(x, _y(place), series(place) + (" hollow" if entry.tied else "")))
        body.append(text(WIDTH, _y(place) + 4, "tied" if entry.tied else shown, "e"))
    body.append(text(WIDTH, _y(0) + 4, "tied" if ranking.best.tied else "best", "e b"))
    return body


def _described(ranking: Ranking) -> str:
    texts: Sequence[str] = [f"{each.rank}. {each.name}: {each.main.value:.7g}" for each in ranking.entries]
    return "; ".join(texts)
