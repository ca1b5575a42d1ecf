"""The reliability diagram as a picture: how often the rows of a bin were right over how sure they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from divtool.calibrated import ReliabilityBin
from divtool.reports.scales import Scale, scale_of, tick_label, ticks, widened
from divtool.reports.svg import WIDTH, bottom_axis, box, dot, line, picture, side_axis, text

# The panels: from left to right, the square, and the numbers of rows below it.
_LEFT, _RIGHT = (50.0, 450.0), (540.0, WIDTH - 12)
_TOP, _BOTTOM = 28.0, 384.0
_ROWS_TOP, _ROWS_BOTTOM = 424.0, 492.0
_HEIGHT = 530.0
_UNIT = Scale(0.0, 1.0)
# Of the error of a gap, so many are drawn to either side of it.
ERRORS = 2.0
# More bins than these are finer than the picture; those with the most rows are drawn.
MOST_BINS = 100


@dataclass(frozen=True)
class Panel:
    """A reliability diagram: its name, its bins, and the class of its colour in the style sheet."""

    name: str
    bins: Sequence[ReliabilityBin]
    style: str = "c0"


def drawn_bins(bins: Sequence[ReliabilityBin]) -> list[ReliabilityBin]:
    """The bins that hold something; of very many those with the most rows, in their order.

    >>> [each.rows for each in drawn_bins([ReliabilityBin(0, 0.5, 0), ReliabilityBin(0.5, 1, 3, 0.75, 1.0, -0.25)])]
    [3]
    """
    held = [each for each in bins if each.rows]
    if len(held) > MOST_BINS:
        fullest = sorted(held, key=lambda each: -each.rows)[:MOST_BINS]
        held = sorted(fullest, key=lambda each: each.low)
    return held


def reliability_picture(bins: Sequence[ReliabilityBin], over: str, up: str) -> str:
    """The diagram beside the gaps of its bins with their errors; ``over`` and ``up`` say what its axes are."""
    held = drawn_bins(bins)
    body = [*_diagram(Panel("", held), _LEFT, over, up), *_counts(held, _LEFT, "c0", over)]
    body += [*_gaps(held, _RIGHT, f"{over} - {up}"), *_counts(held, _RIGHT, "c0", over)]
    return picture(_HEIGHT, "Reliability diagram", _described(held), body)


def reliability_pair(panels: tuple[Panel, Panel], over: str, up: str) -> str:
    """Two diagrams side by side, such as before and after."""
    body, said = [], []
    for panel, span in zip(panels, (_LEFT, _RIGHT), strict=True):
        held = drawn_bins(panel.bins)
        body += [*_diagram(Panel(panel.name, held, panel.style), span, over, up)]
        body += _counts(held, span, panel.style, over)
        said.append(f"{panel.name}: {_described(held)}")
    return picture(_HEIGHT, "Reliability diagrams", "; ".join(said), body)


def _diagram(panel: Panel, span: tuple[float, float], over: str, up: str) -> list[str]:
    left, right = span
    body = [*_ground(_UNIT, span), line(left, _BOTTOM, right, _TOP, "a d")]
    for each in panel.bins:
        top = _y(_UNIT, each.accuracy or 0.0)
        body.append(_bar(each, span, top, _BOTTOM, panel.style))
    for each in panel.bins:
        place, share = _x(left, right, each.confidence or 0.0), each.accuracy or 0.0
        body += [
            *_error(place, share, each.std_error, _UNIT, panel.style),
            dot(place, _y(_UNIT, share), panel.style, 3.5),
        ]
    return [*body, text(left, _TOP - 12, f"{panel.name}{', ' if panel.name else ''}{up} over {over}", "b", 80)]


def _gaps(bins: Sequence[ReliabilityBin], span: tuple[float, float], said: str) -> list[str]:
    """What is above 0 is too sure, what is below not sure enough."""
    left, right = span
    ends = [(each.gap or 0.0) + sign * ERRORS * (each.std_error or 0.0) for each in bins for sign in (-1, 1)]
    scale = widened(scale_of([0.0, *ends], logarithmic=False) or _UNIT, 0.04)
    body = [*_ground(scale, span), line(left, _y(scale, 0.0), right, _y(scale, 0.0), "a d")]
    for each in bins:
        place, gap = _x(left, right, each.confidence or 0.0), each.gap or 0.0
        body += [*_error(place, gap, each.std_error, scale, "c1"), dot(place, _y(scale, gap), "c1", 3.5)]
    body += [text(left + 6, _TOP + 12, "too sure", "t"), text(left + 6, _BOTTOM - 6, "not sure enough", "t")]
    return [*body, text(left, _TOP - 12, f"gap ({said})", "b", 80)]


def _ground(scale: Scale, span: tuple[float, float]) -> list[str]:
    """Light lines at round numbers of both axes, with the numbers of the upright one."""
    left, right = span
    body = side_axis(scale, left, right, _TOP, _BOTTOM)
    for mark in ticks(_UNIT, 6):
        x = _x(left, right, mark)
        body += [line(x, _TOP, x, _BOTTOM, "g"), text(x, _BOTTOM + 14, tick_label(mark), "t m")]
    return body


def _error(x: float, value: float, error: float | None, scale: Scale, style: str) -> list[str]:
    """A line over twice the standard error to either side; none where it is not known, or 0."""
    if not error:
        return []
    return [line(x, _y(scale, value - ERRORS * error), x, _y(scale, value + ERRORS * error), f"w {style}")]


def _counts(bins: Sequence[ReliabilityBin], span: tuple[float, float], style: str, over: str) -> list[str]:
    """How many rows are in the bins, by their logarithm: most are in the last one as a rule."""
    left, right = span
    scale = Scale(0.5, max(2.0, *(float(each.rows) for each in bins), 2.0), logarithmic=True)
    body = [
        *bottom_axis(_UNIT, left, right, _ROWS_TOP, _ROWS_BOTTOM, over),
        text(left, _ROWS_TOP - 6, "rows, log scale", "t"),
    ]
    for mark in _powers(scale.high):
        y = _ROWS_BOTTOM - scale.held(mark) * (_ROWS_BOTTOM - _ROWS_TOP)
        body += [line(left, y, right, y, "g"), text(left - 8, y + 4, f"{mark:,}", "t e")]
    for each in bins:
        tall = scale.held(each.rows) * (_ROWS_BOTTOM - _ROWS_TOP)
        body.append(_bar(each, span, _ROWS_BOTTOM - tall, _ROWS_BOTTOM, style))
    return body


def _bar(each: ReliabilityBin, span: tuple[float, float], top: float, bottom: float, style: str) -> str:
    """A bar over a bin, apart from those beside it."""
    left, right = _x(*span, each.low), _x(*span, each.high)
    return box(left + 1, top, max(right - left - 2, 0.8), bottom - top, f"fill {style}")


def _powers(most: float) -> list[int]:
    """Powers of ten up to a number, no more than four of them."""
    powers = range(len(str(int(most))))
    return [10**power for power in powers[:: max(1, -(-len(powers) // 4))]]


def _x(left: float, right: float, value: float) -> float:
    return left + _UNIT.held(value) * (right - left)


def _y(scale: Scale, value: float) -> float:
    return _BOTTOM - scale.held(value) * (_BOTTOM - _TOP)


def _described(bins: Sequence[ReliabilityBin]) -> str:
    return "; ".join(
        f"{each.rows:,} rows: confidence {each.confidence or 0.0:.3g}, accuracy {each.accuracy or 0.0:.3g}"
        for each in bins
    )
