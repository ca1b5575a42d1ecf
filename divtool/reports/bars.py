"""A chart of observed against fitted shares in plain lines: bars of blocks, or of signs that every terminal has."""

from __future__ import annotations

from collections.abc import Sequence

from divtool.findings import Bar

_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
_FULL = "\u2588"
_MARK = "\u2502"


def drawn_bars(bars: Sequence[Bar], model: str, width: int, *, ascii_only: bool) -> list[str]:
    """A line for each bar, the observed share as a bar and the fitted one as a mark.

    >>> bars = [Bar(0, 0, 0.25, 0.5), Bar(1, 1, 0.75, 0.5)]
    >>> for line in drawn_bars(bars, "Uniform", 40, ascii_only=True):
    ...     print(line)
    observed #, Uniform |
    0  0.25  0.5  ########        |
    1  0.75  0.5  ################|########
    """
    block, mark = ("#", "|") if ascii_only else (_FULL, _MARK)
    labels = [_label(each) for each in bars]
    shares = [(f"{each.observed:.3g}", f"{each.fitted:.3g}") for each in bars]
    sizes = [max(map(len, column)) for column in zip(*shares, strict=True)]
    head = max(map(len, labels))
    room = max(8, width - head - sum(sizes) - 7)
    most = max(max(each.observed, each.fitted) for each in bars) or 1.0
    held = max(each.last - each.first + 1 for each in bars)
    lines = [f"observed {block}, {model} {mark}" + (f", {held:,} outcomes to a bar" if held > 1 else "")]
    for label, (observed, fitted), each in zip(labels, shares, bars, strict=True):
        drawn = marked_bar(each.observed / most * room, each.fitted / most * room, mark, room, ascii_only=ascii_only)
        lines.append(f"{label:>{head}}  {observed:>{sizes[0]}}  {fitted:>{sizes[1]}}  {drawn}".rstrip())
    return lines


def _label(bar: Bar) -> str:
    return str(bar.first) if bar.first == bar.last else f"{bar.first} to {bar.last}"


def marked_bar(observed: float, fitted: float, mark: str, room: int, *, ascii_only: bool) -> str:
    """Blocks up to the observed share, and the mark in the cell where the fitted one ends."""
    cells = blocks(observed, ascii_only=ascii_only).ljust(room)
    place = min(int(fitted), room - 1)
    return (cells[:place] + mark + cells[place + 1 :]).rstrip()


def blocks(length: float, *, ascii_only: bool) -> str:
    """A bar so many cells long, to an eighth of a cell, or of whole signs that every terminal has.

    >>> blocks(2.5, ascii_only=False), blocks(2.6, ascii_only=True)
    ('\u2588\u2588\u258c', '###')
    """
    if ascii_only:
        return "#" * round(length)
    full = int(length)
    return _FULL * full + _EIGHTHS[int((length - full) * 8)].strip()
