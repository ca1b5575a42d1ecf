"""Nats, bits, dits: the unit of a logarithmic quantity follows from the base of its logarithm.

Everything is computed in nats; a number is converted once, when it is presented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from divtool.errors import UsageError


@dataclass(frozen=True)
class Unit:
    """What a printed number counts, and by what a number in nats is divided to get there."""

    name: str
    nats: float

    def of_nats(self, value: float) -> float:
        """``value`` nats in this unit, with one rounding (and that of the unit's own logarithm)."""
        return value if self.nats == 1.0 else value / self.nats

    @property
    def square(self) -> Unit:
        """The unit of the square of a number in this unit."""
        return Unit(f"{self.name}^2", self.nats * self.nats)

    @property
    def root(self) -> Unit:
        """The unit of the square root of a number in this unit."""
        return Unit(f"sqrt({self.name})", math.sqrt(self.nats))


NATS = Unit("nats", 1.0)
PURE = Unit("1", 1.0)
_NAMED = {"e": NATS, "2": Unit("bits", math.log(2.0)), "10": Unit("dits", math.log(10.0))}


def unit_of_base(base: str) -> Unit:
    """The unit for ``e``, ``2``, ``10`` or any other base above 0 except 1.

    >>> unit_of_base("2").of_nats(math.log(8)), unit_of_base("3").name
    (3.0, 'log-3 units')
    """
    text = base.strip()
    if text in _NAMED:
        return _NAMED[text]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (0.0 < number < math.inf) or number == 1.0:
        raise UsageError(
            f'--base {base}: "{base}" is not the base of a logarithm; expected e, 2, 10 or a number > 0 other than 1'
        )
    plain = f"{number:.15g}"
    return _NAMED[plain] if plain in _NAMED else Unit(f"log-{plain} units", math.log(number))
