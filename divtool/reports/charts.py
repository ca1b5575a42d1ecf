"""Charts a line high for terminals: a number with its interval, a small histogram. Without Unicode, of plain signs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from divtool.reports.scales import Scale

_BLOCKS, _PLAIN_BLOCKS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", ".:-=+*%#"


def error_bar(scale: Scale, value: float, bounds: tuple[float, float] | None, width: int, *, ascii_only: bool) -> str:
    """A dot at the number, and a line between its bounds where there are any. What lies beyond the scale stands at its
    end as an arrow; NaN is empty.

    >>> error_bar(Scale(0.0, 10.0), 5.0, (3.0, 8.0), 21, ascii_only=True)
    '      |---o-----|    '
    >>> error_bar(Scale(0.0, 10.0), float("inf"), None, 5, ascii_only=True)
    '    >'
    """
    left, line, right, dot, over, under = "|-|o><" if ascii_only else "\u251c\u2500\u2524\u25cf\u25b8\u25c2"
    cells = [" "] * width
    if math.isnan(value):
        return "".join(cells)
    if bounds is not None:
        first, last = (_cell(scale, end, width) for end in bounds)
        cells[first : last + 1] = line * (last + 1 - first)
        cells[first], cells[last] = left, right
    cells[_cell(scale, value, width)] = dot if math.isfinite(value) else over if value > 0 else under
    return "".join(cells)


def _cell(scale: Scale, value: float, width: int) -> int:
    return min(width - 1, int(scale.held(value) * (width - 1) + 0.5))


def sparkline(counts: Sequence[int], *, ascii_only: bool) -> str:
    """A sign for each count, as high as its share of the greatest; a count that is not 0 is never invisible.

    >>> sparkline([0, 1, 50, 100], ascii_only=True)
    ' .=#'
    """
    signs = _PLAIN_BLOCKS if ascii_only else _BLOCKS
    most = max(counts, default=0)
    return "".join(signs[-(-count * len(signs) // most) - 1] if count else " " for count in counts)
