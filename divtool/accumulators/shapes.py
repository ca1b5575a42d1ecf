"""How values are spread, for charts: a histogram with round edges, and the curve of the quantiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np
import numpy.typing as npt

from divtool.accumulators.quantiles import within
from divtool.numerics.exactsum import Doubles

Integers = npt.NDArray[np.int64]

MOST_BINS = 50
# A logarithmic axis where the positive values, from their 1 % to their 99.9 % quantile, span so many decades, and the
# large ones are so many times the median.
_DECADES, _TAIL = 3.0, 10.0
_CURVE = (0.0, 0.005, *(i / 100 for i in range(1, 100)), 0.995, 0.999, 0.9999, 1.0)
_FEW = 100


@dataclass(frozen=True)
class ShapeFigures:
    """How many finite values lie between two ``edges`` each (one more than there are ``counts``; a value on an edge
    counts above it, on the last one below it; ``logarithmic``: the edges grow by a factor), how many ``below`` and
    ``above`` all of them, and the quantiles (share, value) of the finite values. Nothing of all where there is none."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    curve: tuple[tuple[float, float], ...]
    logarithmic: bool = False
    below: int = 0
    above: int = 0


def shape_of(values: Doubles, ends: Integers) -> ShapeFigures:
    """The shape of values in rising order, infinities among them, with the running numbers of how often they occur.

    Edges are round: multiples of 1, 2 or 5 times a power of ten, or powers of ten whose exponents are; 50 bins at the
    most. The few values that lie half as far again beyond the middle 99.8 % are counted outside.

    >>> shape_of(np.array([0.0, 1.0, 2.0]), np.array([1, 3, 4])).curve
    ((0.0, 0.0), (0.3333333333333333, 1.0), (0.6666666666666666, 1.0), (1.0, 2.0))
    """
    finite = np.isfinite(values)
    counts = np.diff(ends, prepend=0)[finite]
    values, ends = values[finite], np.cumsum(counts)
    if not values.size:
        return ShapeFigures((), (), ())
    logarithmic = _is_logarithmic(values, ends)
    edges = _logarithmic_edges(values, ends) if logarithmic else _linear_edges(values, ends)
    places = np.searchsorted(values, edges)
    places[-1] = np.searchsorted(values, edges[-1], side="right")
    running = np.concatenate([[0], ends])[places]
    return ShapeFigures(
        edges=edges, counts=tuple(np.diff(running).tolist()), curve=tuple(_curve(values, ends)),
        logarithmic=logarithmic, below=int(running[0]), above=int(ends[-1] - running[-1]),
    )  # fmt: skip


def _is_logarithmic(values: Doubles, ends: Integers) -> bool:
    if values[0] < 0.0 or values[-1] == 0.0:
        return False
    positive = _positive(values, ends)
    low, high = within(*positive, 0.01), within(*positive, 0.999)
    # Divided the other way round, which cannot overflow.
    return low / high < 10.0**-_DECADES and within(values, ends, 0.5) / high < 1.0 / _TAIL


def _positive(values: Doubles, ends: Integers) -> tuple[Doubles, Integers]:
    first = int(np.searchsorted(values, 0.0, side="right"))
    return values[first:], ends[first:] - (ends[first - 1] if first else 0)


def _middle(values: Doubles, ends: Integers) -> tuple[float, float]:
    return within(values, ends, 0.001), within(values, ends, 0.999)


def _reach(low: float, high: float, least: float, greatest: float) -> tuple[float, float]:
    """From the least to the greatest, but for what lies half as far again beyond the middle."""
    if low == high:
        return least, greatest
    half = high / 2.0 - low / 2.0
    return max(least, low - half), min(greatest, high + half)


def _linear_edges(values: Doubles, ends: Integers) -> tuple[float, ...]:
    least, greatest = _reach(*_middle(values, ends), float(values[0]), float(values[-1]))
    if least == greatest:
        # One bin, some tenth of the value wide.
        return _multiples(*_step(abs(least) / 10.0 or 1.0), least, least)
    # Steps of less than some units of the last place would fall together.
    size = max(greatest / MOST_BINS - least / MOST_BINS, 4.0 * math.ulp(max(abs(least), abs(greatest))))
    return _multiples(*_step(size), least, greatest)


def _logarithmic_edges(values: Doubles, ends: Integers) -> tuple[float, ...]:
    values, ends = _positive(values, ends)
    low, high, least, greatest = (math.log10(each) for each in (*_middle(values, ends), values[0], values[-1]))
    least, greatest = _reach(low, high, least, greatest)
    exponents = _multiples(*_step((greatest - least) / MOST_BINS), least, greatest)
    with localcontext() as context:
        # As decimals, for the powers of a C library differ from machine to machine.
        context.prec = 25
        edges = [float(Decimal(10) ** Decimal(repr(each))) for each in exponents]
    # The smallest and largest doubles are no powers of ten.
    return tuple(sorted({min(max(each, 5e-324), math.nextafter(math.inf, 0.0)) for each in edges}))


def _step(size: float) -> tuple[int, int]:
    """The least of 1, 2 or 5 times a power of ten that is at least this size: (digit, power)."""
    size = max(size, 5e-324)
    power = math.floor(math.log10(size)) - 1
    while True:
        for digit in (1, 2, 5):
            if _multiple(digit, power) >= size:
                return digit, power
        power += 1


def _multiple(times: int, power: int) -> float:
    """times * 10**power, rounded once."""
    try:
        return float(times * 10**power) if power >= 0 else times / 10**-power
    except OverflowError:
        return math.copysign(math.inf, times)


def _multiples(digit: int, power: int, least: float, greatest: float) -> tuple[float, ...]:
    """Multiples of the step digit * 10**power, two or more, from ``least`` or just below up to ``greatest`` or just
    above."""
    step = _multiple(digit, power)
    # The quotients are rounded, so one more at either end.
    first, last = math.floor(least / step) - 1, math.ceil(greatest / step) + 1
    edges = [_multiple(times * digit, power) for times in range(first, last + 1)]
    start = max(place for place, each in enumerate(edges[:-1]) if each <= least)
    stop = min(
        (place for place, each in enumerate(edges) if each >= greatest and place > start), default=len(edges) - 1
    )
    largest = math.nextafter(math.inf, 0.0)
    return tuple(dict.fromkeys(min(max(each, -largest), largest) for each in edges[start : stop + 1]))


def _curve(values: Doubles, ends: Integers) -> Iterator[tuple[float, float]]:
    """The quantiles at fixed shares, without those that so few values cannot tell; of few values they themselves."""
    n = int(ends[-1])
    shares = _CURVE if n > _FEW else [i / max(n - 1, 1) for i in range(max(n, 2))]
    for share in shares:
        if n <= _FEW or share in (0.0, 1.0) or min(share, 1.0 - share) * n >= 1.0:
            yield share, within(values, ends, share)
