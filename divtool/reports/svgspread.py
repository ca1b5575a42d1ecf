"""How the rows are spread, as pictures: histograms one below the other over one axis, and curves of quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from divtool.reports.scales import Scale, scale_of, widened
from divtool.reports.svg import WIDTH, bottom_axis, dot, line, path, picture, side_axis, text
from divtool.result import Shape

_ROW, _TOP = 44.0, 14.0
_LEFT, _RIGHT = 216.0, WIDTH - 12
_CURVES = (64.0, 742.0, 12.0, 300.0)
_SHARES = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
_APART = 14.0
# Medians that differ by more than this factor are told apart by their logarithms.
_FAR = 10.0
_LEAST_SHARE = 0.04

# From, to, and the share of the rows between them.
Bin = tuple[float, float, float]


@dataclass(frozen=True)
class Spread:
    """The rows of a measure, how they are called and coloured; ``dashed`` for the other direction."""

    name: str
    shape: Shape
    mean: float
    style: str
    dashed: bool = False

    @property
    def median(self) -> float | None:
        """The middle row, where the curve has it."""
        return next((value for share, value in self.shape.curve if share == 0.5), None)


def value_scale(spreads: Sequence[Spread]) -> Scale | None:
    """One axis for all: logarithmic if one of them is, or if their medians lie far apart, and none has rows below 0."""
    shapes = [each.shape for each in spreads if len(each.shape.edges) > 1]
    if _by_logarithm([each for each in spreads if len(each.shape.edges) > 1]):
        ends = [edge for each in shapes if each.logarithmic for edge in each.edges]
        ends += [value for each in shapes if not each.logarithmic for _, value in _points(each) if value > 0]
        return scale_of([*ends, *(each.edges[-1] for each in shapes)], logarithmic=True)
    return scale_of([edge for each in shapes for edge in each.edges], logarithmic=False)


def _by_logarithm(spreads: Sequence[Spread]) -> bool:
    if any(each.shape.edges and each.shape.edges[0] < 0 for each in spreads):
        return False
    medians = [each.median for each in spreads if each.median is not None and each.median > 0]
    far = len(medians) > 1 and max(medians) > _FAR * min(medians)
    return far or any(each.shape.logarithmic for each in spreads)


def histograms(spreads: Sequence[Spread], unit: str) -> str:
    """A histogram for each, the areas in proportion to shares of its rows; empty where there is nothing to draw."""
    drawn = [each for each in spreads if len(each.shape.edges) > 1 and any(each.shape.counts)]
    scale = value_scale(drawn)
    if scale is None:
        return ""
    scale = widened(scale, 0.01)
    bins = [_bins(each.shape, scale) for each in drawn]
    heights = [_heights(each, scale) for each in bins]
    most = max((max(each, default=0.0) for each in heights), default=0.0) or 1.0
    bottom = _TOP + _ROW * len(drawn)
    body = bottom_axis(scale, _LEFT, _RIGHT, _TOP, bottom, unit + (", log scale" if scale.logarithmic else ""))
    for place, (each, within, tall) in enumerate(zip(drawn, bins, heights, strict=True)):
        base = _TOP + _ROW * (place + 1)
        body += [text(_LEFT - 12, base - 8, each.name, "e", 32), line(_LEFT, base, _RIGHT, base, "g")]
        body.append(path(_outline(within, tall, scale, base, most), f"fill {each.style}", closed=True))
        if each.median is not None:
            x = _x(scale, each.median)
            body.append(line(x, base - _ROW + 8, x, base, f"w {each.style}"))
        if math.isfinite(each.mean):
            body.append(dot(_x(scale, each.mean), base, each.style, 3.5))
    said = "; ".join(f"{each.name}: {sum(each.shape.counts):,} rows" for each in drawn)
    return picture(bottom + 36, "Histograms of the rows", said, body)


def _x(scale: Scale, value: float) -> float:
    return _LEFT + scale.held(value) * (_RIGHT - _LEFT)


def _bins(shape: Shape, scale: Scale) -> list[Bin]:
    """The histogram as (from, to, share of the rows). Bins of equal widths say nothing of small numbers on a
    logarithmic axis: there the rows between quantiles are drawn instead."""
    if scale.logarithmic and not shape.logarithmic:
        marks = _thinned([(share, value) for share, value in shape.curve if value > 0 and math.isfinite(value)])
        return [(low, high, after - before) for (before, low), (after, high) in pairwise(marks) if high > low]
    total = sum(shape.counts) + shape.below + shape.above
    return [(low, high, count / total) for (low, high), count in zip(pairwise(shape.edges), shape.counts, strict=True)]


def _thinned(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The quantiles without those that are too close to the one before for their difference to be more than chance."""
    kept: list[tuple[float, float]] = []
    for share, value in curve:
        if not kept or share - kept[-1][0] >= _LEAST_SHARE or share in (0.01, 0.99):
            kept.append((share, value))
    return [*kept, curve[-1]] if curve and kept[-1] != curve[-1] else kept


def _heights(bins: Sequence[Bin], scale: Scale) -> list[float]:
    """The share of the rows in each bin over its length on the axis."""
    return [share / max(scale.held(high) - scale.held(low), 1e-3) for low, high, share in bins]


def _outline(
    bins: Sequence[Bin], heights: Sequence[float], scale: Scale, base: float, most: float
) -> list[tuple[float, float]]:
    points = [(_x(scale, bins[0][0] if bins else scale.low), base)]
    for (low, high, _), height in zip(bins, heights, strict=True):
        y = base - height / most * (_ROW - 6)
        points += [(_x(scale, low), y), (_x(scale, high), y)]
    return [*points, (points[-1][0], base)]


def quantile_curves(spreads: Sequence[Spread], unit: str) -> str:
    """The value that each share of the rows does not exceed, the shares drawn so that both tails can be read."""
    left, right, top, bottom = _CURVES
    points = [_points(each.shape) for each in spreads]
    found = [value for each in points for _, value in each]
    if not found or max(map(len, points)) < 2:
        return ""
    logarithmic = _by_logarithm(spreads) and min(found) >= 0
    scale = scale_of([value for value in found if value > 0] if logarithmic else found, logarithmic=logarithmic)
    if scale is None:
        return ""
    known_shares = [share for each in points for share, _ in each]
    shares = Scale(_logit(min(known_shares)), _logit(max(known_shares)))
    body = [*side_axis(scale, left, right, top, bottom), *_share_axis(shares, left, right, top, bottom)]
    ends: list[tuple[float, Spread]] = []
    # The first, which is the best, is drawn last and lies on the others.
    for each, known in reversed([*zip(spreads, points, strict=True)]):
        kept = [(share, value) for share, value in known if value > 0 or not logarithmic]
        if len(kept) > 1:
            places = [
                (left + shares.held(_logit(share)) * (right - left), bottom - scale.held(value) * (bottom - top))
                for share, value in kept
            ]
            body.append(path(places, f"l {each.style}{' d' if each.dashed else ''}"))
            ends.insert(0, (places[-1][1], each))
    said = unit + (", log scale" if scale.logarithmic else "")
    body += [*_names(ends, right, top, bottom), text(left, top - 2, said, "t")]
    return picture(bottom + 36, "Quantiles of the rows", "; ".join(map(_described, spreads)), body)


def _described(each: Spread) -> str:
    return f"{each.name}: " + ", ".join(f"{share:.4%} {value:.4g}" for share, value in each.shape.curve[::4])


def _points(shape: Shape) -> list[tuple[float, float]]:
    """The curve without its ends, which lie infinitely far out, and without infinite rows."""
    return [(share, value) for share, value in shape.curve if 0 < share < 1 and math.isfinite(value)]


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _share_axis(shares: Scale, left: float, right: float, top: float, bottom: float) -> list[str]:
    body = []
    for share in _SHARES:
        if shares.low - 1e-9 <= _logit(share) <= shares.high + 1e-9:
            x = left + shares.held(_logit(share)) * (right - left)
            body += [line(x, top, x, bottom, "g"), text(x, bottom + 14, f"{share * 100:.6g} %", "t m")]
    return [*body, text((left + right) / 2, bottom + 30, "share of the rows that are no higher", "t m")]


def _names(ends: Sequence[tuple[float, Spread]], right: float, top: float, bottom: float) -> list[str]:
    """The names at the ends of their curves, moved apart where they would lie on each other."""
    named = sorted((each for each in ends if each[1].style != "c6"), key=lambda each: each[0])
    places: list[float] = []
    for y, _ in named:
        places.append(max(y, places[-1] + _APART) if places else max(y, top + 4))
    over = places[-1] - bottom if places else 0
    if over > 0:
        places = [place - over for place in places]
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i] + over, places[i + 1] - _APART)
    body = []
    for (y, each), place in zip(named, places, strict=True):
        body += [line(right + 2, y, right + 10, place, f"w {each.style}"), text(right + 14, place + 4, each.name,
                                                                               each.style, 30)]  # fmt: skip
    return body
