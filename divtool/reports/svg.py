"""Pictures as SVG text: a handful of shapes, and an axis. Colours and strokes are classes of the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence

from divtool.reports.page import escaped
from divtool.reports.scales import Scale, tick_label, ticks

WIDTH = 952.0


def picture(height: float, title: str, description: str, body: Sequence[str], *, width: float = WIDTH) -> str:
    """A picture with a title and a description for those who do not see it; both are escaped here."""
    return (
        f'<svg viewBox="0 0 {short(width)} {short(height)}" role="img" xmlns="http://www.w3.org/2000/svg">\n'
        f"<title>{escaped(title)}</title>\n<desc>{escaped(description, 1000)}</desc>\n" + "\n".join(body) + "\n</svg>\n"
    )


def short(value: float) -> str:
    """A place on the page to a tenth of a unit.

    >>> short(12.0), short(3.14159)
    ('12', '3.1')
    """
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, said: str, style: str = "", width: int = 60) -> str:
    """Text from data or of our own, escaped."""
    return f'<text x="{short(x)}" y="{short(y)}"{_class(style)}>{escaped(said, width)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<path d="M{short(x1)} {short(y1)}L{short(x2)} {short(y2)}"{_class(style)}/>'


def path(points: Sequence[tuple[float, float]], style: str, *, closed: bool = False) -> str:
    """A line through points, or the area within them."""
    steps = "L".join(f"{short(x)} {short(y)}" for x, y in points)
    return f'<path d="M{steps}{"Z" if closed else ""}"{_class(style)}/>'


def dot(x: float, y: float, style: str, radius: float = 4.5) -> str:
    """A point."""
    return f'<circle cx="{short(x)}" cy="{short(y)}" r="{short(radius)}"{_class(style)}/>'


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    """A rectangle."""
    return f'<rect x="{short(x)}" y="{short(y)}" width="{short(width)}" height="{short(height)}"{_class(style)}/>'


def interval(x1: float, x2: float, y: float, style: str, end: float = 4.0) -> str:
    """A line between two bounds with a stroke across each end."""
    a, b, low, high = short(x1), short(x2), short(y - end), short(y + end)
    return f'<path d="M{a} {short(y)}H{b}M{a} {low}V{high}M{b} {low}V{high}"{_class(style)}/>'


def bottom_axis(scale: Scale, left: float, right: float, top: float, bottom: float, said: str) -> list[str]:
    """Light lines at round numbers from top to bottom, the numbers below them, and what they are."""
    marks = ticks(scale, max(3, int((right - left) / 46)))
    body = []
    for mark in marks:
        x = left + scale.place(mark) * (right - left)
        body += [line(x, top, x, bottom, "g"), text(x, bottom + 14, tick_label(mark), "t m")]
    return [*body, text((left + right) / 2, bottom + 30, said, "t m", 90)]


def side_axis(scale: Scale, left: float, right: float, top: float, bottom: float) -> list[str]:
    """Light lines at round numbers from left to right, with the numbers beside them."""
    body = []
    for mark in ticks(scale, max(3, int((bottom - top) / 40))):
        y = bottom - scale.place(mark) * (bottom - top)
        body += [line(left, y, right, y, "g"), text(left - 8, y + 4, tick_label(mark), "t e")]
    return body


def _class(style: str) -> str:
    return f' class="{style}"' if style else ""
