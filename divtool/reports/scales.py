"""Axes: where a number lies between two others, plainly or by its logarithm, and at which round numbers to mark it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Numbers that differ by more than this factor are told apart by their logarithms alone.
_WIDE = 50.0
_FEWEST_DECADES = 3
_SUPERSCRIPTS = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


@dataclass(frozen=True)
class Scale:
    """From ``low`` to ``high``; ``logarithmic``: equal factors are equally long."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a number lies: 0 at the low end, 1 at the high end, beyond them where it is beyond.

        >>> Scale(1, 100, logarithmic=True).place(10), Scale(0, 4).place(1)
        (0.5, 0.25)
        """
        if self.logarithmic:
            if value <= 0:
                return 0.0 if value == 0 else math.nan
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        # Halves: the whole way may be no double.
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)

    def held(self, value: float) -> float:
        """The place, at an end where it is beyond.

        >>> Scale(0, 4).held(9), Scale(0, 4).held(float("-inf"))
        (1.0, 0.0)
        """
        if math.isinf(value):
            return 1.0 if value > 0 else 0.0
        return min(1.0, max(0.0, self.place(value)))


def scale_of(values: Iterable[float], *, logarithmic: bool | None = None, origin: bool = False) -> Scale | None:
    """A scale that holds the finite numbers; None where there are none. It is logarithmic if it is asked to be, or if
    all are above 0 and the greatest is more than fifty times the least. ``origin``: a plain one begins at 0.

    >>> scale_of([1, 2, 4]), scale_of([0.001, 1.0]).logarithmic, scale_of([float("inf")])
    (Scale(low=1, high=4, logarithmic=False), True, None)
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    positive = [value for value in finite if value > 0]
    if logarithmic is None:
        logarithmic = len(positive) == len(finite) and not origin and max(finite) > _WIDE * min(finite)
    if logarithmic and positive:
        low, high = min(positive), max(positive)
        apart = math.log(high) > math.log(low)
        return Scale(low, high, True) if apart else Scale(max(low / 2, 5e-324), min(low * 2, 1.7e308), True)
    low, high = min([0.0, *finite] if origin else finite), max([0.0, *finite] if origin else finite)
    if high / 2 > low / 2:
        return Scale(low, high)
    around = abs(low) / 2 or 0.5
    return Scale(low - around, low + around)


def widened(scale: Scale, share: float) -> Scale:
    """The scale with some room at both ends.

    >>> widened(Scale(0.0, 10.0), 0.1)
    Scale(low=-1.0, high=11.0, logarithmic=False)
    """
    if scale.logarithmic:
        more = math.exp((math.log(scale.high) - math.log(scale.low)) * share)
        return Scale(max(scale.low / more, 5e-324), min(scale.high * more, 1.7e308), True)
    room = (scale.high / 2 - scale.low / 2) * 2 * share
    return Scale(scale.low - room, scale.high + room) if math.isfinite(room) else scale


def ticks(scale: Scale, most: int = 6) -> list[float]:
    """Round numbers on the scale, at most so many, in rising order.

    >>> ticks(Scale(0.0, 1.0)), ticks(Scale(0.5, 2000, logarithmic=True))
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1.0, 10.0, 100.0, 1000.0])
    """
    return _powers(scale, most) if scale.logarithmic else _steps(scale, most)


def _steps(scale: Scale, most: int) -> list[float]:
    span = scale.high - scale.low
    if not math.isfinite(span) or span / most <= 0:
        return [scale.low, scale.high]
    power = math.floor(math.log10(span / most))
    for factor in (1, 2, 5, 10, 20):
        step = factor * 10.0**power
        if step > 0 and span / step <= most - 0.5:
            break
    else:
        return [scale.low, scale.high]
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    # A decimal text read back is the nearest double of the round number; a product is not.
    return [float(f"{i * factor}e{power}") for i in range(first, last + 1)]


def _powers(scale: Scale, most: int) -> list[float]:
    low, high = math.log10(scale.low), math.log10(scale.high)
    if high - low < 1:
        return _steps(scale, most)
    mantissas = (1, 2, 5) if high - low < _FEWEST_DECADES and most > _FEWEST_DECADES else (1,)
    found = [
        float(f"{mantissa}e{power}")
        for power in range(math.floor(low), math.floor(high) + 1)
        for mantissa in mantissas
        if scale.low * (1 - 1e-9) <= float(f"{mantissa}e{power}") <= scale.high * (1 + 1e-9)
    ]
    every = -(-len(found) // most)
    return found[::every] if every else found


def tick_label(value: float) -> str:
    """A round number on an axis.

    >>> tick_label(0.25), tick_label(1e-5), tick_label(-2e7)
    ('0.25', '10\u207b\u2075', '-2\u00d710\u2077')
    """
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    mantissa, _, power = f"{value:.5e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    shown = "" if mantissa == "1" else "-" if mantissa == "-1" else f"{mantissa}\u00d7"
    return f"{shown}10{str(int(power)).translate(_SUPERSCRIPTS)}"
