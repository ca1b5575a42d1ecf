"""What happens where a model says that something is impossible: nothing by default, else one of the rules by which
other tools keep their numbers finite. A rule is asked for by name, never applied in silence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from divtool.errors import UsageError
from divtool.numerics.errorfree import Doubles
from divtool.numerics.kernels import pair_of_tables
from divtool.numerics.pairs import Pair

_FORMS = "inf, clip:EPS, smooth:EPS, cap:NATS, drop or error"
_AMOUNTS = {"clip": "clip:1e-7", "smooth": "smooth:1e-5", "cap": "cap:100"}


@dataclass(frozen=True)
class Zeros:
    """``rule`` is one of:

    - inf: the truth, an infinite row;
    - clip: the model's probabilities are held within ``amount`` and ``top``, and not made to sum to 1 again
      (``both``: those of the reference too);
    - smooth: ``amount`` is added to every probability of both sides, and rows are divided by their sum;
    - cap: no class costs more than ``amount`` nats;
    - drop: infinite rows are left out of the mean, and counted;
    - error: the first infinite row is refused.
    """

    rule: str = "inf"
    amount: float = 0.0
    top: float = 1.0
    both: bool = False

    @property
    def changes_rows(self) -> bool:
        """Whether numbers change before a measure sees them."""
        return self.rule in _AMOUNTS

    @property
    def as_stored(self) -> bool:
        """Whether what is left of a row need not sum to 1, so that a formula is taken word for word."""
        return self.rule in ("clip", "cap")

    def of_costs(self, cost: Doubles, classes: int) -> Doubles:
        """-log of the model's probabilities under the rule; digits stay where the rule changes nothing."""
        if self.rule == "clip":
            return np.clip(cost, -math.log(self.top), -math.log(self.amount))
        if self.rule == "smooth":
            return np.asarray(math.log1p(classes * self.amount) - np.log(np.exp(-cost) + self.amount))
        return np.minimum(cost, self.amount) if self.rule == "cap" else cost

    def of_probabilities(self, q: Doubles) -> Doubles:
        """The model's probabilities under the rule."""
        if self.rule == "clip":
            return np.clip(q, self.amount, self.top)
        if self.rule == "smooth":
            return np.asarray((q + self.amount) / (1.0 + q.shape[1] * self.amount))
        return np.maximum(q, math.exp(-self.amount)) if self.rule == "cap" else q

    def of_pair(self, pair: Pair) -> Pair:
        """Both sides under the rule."""
        if self.rule == "smooth":
            return pair_of_tables(pair.p + self.amount, pair.q + self.amount)
        if not self.as_stored:
            return pair
        q = self.of_probabilities(pair.q)
        p = self.of_probabilities(pair.p) if self.both else pair.p
        moved = (q != pair.q) | (p != pair.p)
        with np.errstate(all="ignore"):
            return Pair(p, q, np.where(moved, np.log(q) - np.log(p), pair.t))


def parse_zeros(text: str) -> Zeros:
    """The rule that ``--zeros`` names.

    >>> parse_zeros("clip:1e-7")
    Zeros(rule='clip', amount=1e-07, top=0.9999999, both=False)
    """
    rule, colon, amount = text.strip().partition(":")
    if rule in ("inf", "drop", "error") and not colon:
        return Zeros(rule)
    if rule not in _AMOUNTS:
        raise UsageError(f'--zeros "{text}": expected {_FORMS}')
    try:
        number = float(amount)
    except ValueError:
        number = math.nan
    most = 745.0 if rule == "cap" else 0.5
    if not 0.0 < number <= most:
        raise UsageError(
            f'--zeros "{text}": expected a number above 0, at most {most:g}, such as --zeros {_AMOUNTS[rule]}'
        )
    return Zeros(rule, number, 1.0 - number if rule == "clip" else 1.0)
