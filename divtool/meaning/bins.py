"""Numbers as intervals: the stated rules for where these end, and what they are called."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from divtool.accumulators.ranges import RangeFigures
from divtool.errors import UsageError
from divtool.numerics.exactsum import rounded

WIDTH, FREQUENCY, DOANE, EDGES = "width", "frequency", "doane", "edges"
_COUNTED = re.compile(r"(?:(width|frequency)\s*:\s*)?(\d{1,9})")
_MOST = 1 << 16
# More intervals than this Doane's formula does not give.
_FEW = 128
_HINT = "--bins 10 (of equal width), frequency:4, doane, edges:0,18,65; for one column: --bins 'age=frequency:4'"


@dataclass(frozen=True)
class Rule:
    """How a column of numbers is cut: into ``number`` intervals (width, frequency), as many as Doane's formula says
    (doane), or at ``edges``. ``sparing``: whole numbers, no more different ones than there would be intervals, stay
    outcomes as they are."""

    kind: str
    number: int = 0
    edges: tuple[float, ...] = ()
    sparing: bool = False

    def __str__(self) -> str:
        if self.kind == EDGES:
            return f"{EDGES}:{','.join(map(shortest, self.edges))}"
        return f"{self.kind}:{self.number}" if self.number else self.kind

    @property
    def needs_pass(self) -> bool:
        """Whether the column must be looked at first."""
        return self.kind != EDGES or self.sparing

    @property
    def most_different(self) -> int:
        """So many different numbers are told apart, to see whether they are few."""
        return max(self.number, len(self.edges) + 1, _FEW) if self.sparing else 0

    def spares(self, figures: RangeFigures) -> bool:
        """Whether a column of such figures stays as it is."""
        if not self.sparing or figures.different is None or not figures.whole:
            return False
        by_doane = doane(figures.n, figures.skewness or 0.0) if self.kind == DOANE else 0
        return figures.different <= max(self.number, len(self.edges) + 1 if self.edges else 0, by_doane)


@dataclass(frozen=True)
class BinRules:
    """The rules asked for: one for every column of numbers, and those of single columns by their names."""

    every: Rule | None = None
    own: Mapping[str, Rule] = field(default_factory=dict)

    def of(self, name: str) -> Rule | None:
        """The rule for a column."""
        return self.own.get(name, self.every)


def parse_bins(given: Sequence[str]) -> BinRules:
    """The values of ``--bins``: ``RULE`` or ``COLUMN=RULE``. Raises :class:`UsageError` for what is none.

    >>> rules = parse_bins(["10", "age=edges:18,65"])
    >>> str(rules.of("height")), str(rules.of("age"))
    ('width:10', 'edges:18,65')
    """
    every: Rule | None = None
    own: dict[str, Rule] = {}
    for text in given:
        name, sign, rest = text.rpartition("=")
        rule = parse_rule(rest, text)
        if not sign and every is not None:
            raise UsageError(f"--bins gives two rules for all columns: {every} and {rule}", hint=_HINT)
        if not sign:
            every = rule
            continue
        name = name.strip()
        if not name or name in own:
            raise UsageError(f'--bins "{text}": ' + (f'"{name}" has a rule' if name else "names no column"), hint=_HINT)
        own[name] = rule
    return BinRules(every, own)


def parse_rule(text: str, whole: str | None = None) -> Rule:
    """One rule. Raises :class:`UsageError`, which shows the ``whole`` value of the option.

    >>> parse_rule("frequency:4")
    Rule(kind='frequency', number=4, edges=(), sparing=False)
    """
    shown, plain = text if whole is None else whole, text.strip().lower()
    counted = _COUNTED.fullmatch(plain)
    if counted:
        number = int(counted[2])
        if not 2 <= number <= _MOST:
            raise UsageError(f'--bins "{shown}": expected 2 to {_MOST:,} intervals', hint=_HINT)
        return Rule(counted[1] or WIDTH, number)
    if plain == DOANE:
        return Rule(DOANE)
    kind, colon, rest = plain.partition(":")
    if kind.strip() != EDGES or not colon:
        expected = "width:K, frequency:K, doane or edges:A,B,..."
        raise UsageError(f'--bins "{shown}" is no rule; expected {expected}', hint=_HINT)
    return Rule(EDGES, edges=_edges(rest, shown))


def _edges(text: str, shown: str) -> tuple[float, ...]:
    try:
        # -0.0 is 0.0.
        edges = tuple(float(each) + 0.0 for each in text.split(","))
    except ValueError:
        raise UsageError(f'--bins "{shown}": expected numbers, separated by commas', hint=_HINT) from None
    if not all(map(math.isfinite, edges)) or any(a >= b for a, b in pairwise(edges)):
        raise UsageError(f'--bins "{shown}": edges must rise, and be finite', hint=_HINT)
    return edges


@dataclass(frozen=True)
class Bins:
    """Intervals between rising ``edges``: each begins with its lower edge and ends before its upper one; the last one
    holds its upper edge as well. Where the rule gives the edges, what lies before the first and from the last on are
    intervals too. ``notes`` are worth telling: edges that fell together.

    >>> bins = Bins((18.0, 65.0), Rule("edges", edges=(18.0, 65.0)))
    >>> bins.entries, bins.codes(np.array([17.9, 18.0, 65.0, np.nan])).tolist()
    (('below 18', '[18, 65)', '65 and above'), [0, 1, 2, -1])
    """

    edges: tuple[float, ...]
    rule: Rule
    notes: tuple[str, ...] = ()

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The names of the intervals, in rising order."""
        shown = [shortest(edge) for edge in self.edges]
        between = [f"[{low}, {high})" for low, high in pairwise(shown)]
        if self.rule.kind == EDGES:
            return (f"below {shown[0]}", *between, f"{shown[-1]} and above")
        return (*between[:-1], f"[{shown[-2]}, {shown[-1]}]") if between else ()

    def codes(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
        """The interval of each number (n,); -1 for NaN and for what lies in none."""
        x = values.astype(np.float64)
        edges = np.array(self.edges)
        codes = np.searchsorted(edges, x, side="right")
        if self.rule.kind == EDGES:
            return np.where(np.isnan(x), -1, codes)
        if not len(edges):
            return np.full(len(x), -1)
        codes = np.where(x == edges[-1], len(edges) - 1, codes) - 1
        return np.where((x >= edges[0]) & (x <= edges[-1]), codes, -1)


def bins_of(rule: Rule, name: str, figures: RangeFigures | None = None) -> Bins:
    """The intervals of a column, by its figures where the rule needs them; ``name`` is for the notes.

    Edges of equal width are the doubles nearest to the true ones. A column of one number alone is one interval; one
    without numbers has none.
    """
    if rule.kind == EDGES:
        return Bins(rule.edges, rule)
    if figures is None:
        raise ValueError(f"{rule} needs the figures of the column")
    if not figures.n:
        return Bins((), rule)
    if figures.least == figures.greatest:
        return Bins((figures.least,) * 2, rule, (f'"{name}" holds one number alone: one interval',))
    if rule.kind == FREQUENCY:
        edges = [figures.quantile(part, rule.number) for part in range(rule.number + 1)]
    else:
        number = rule.number or doane(figures.n, figures.skewness or 0.0)
        edges = equal_width(figures.least, figures.greatest, number)
    kept = tuple(sorted(set(edges)))
    return Bins(kept, rule, _notes(name, len(edges) - len(kept), len(kept) - 1, figures.bound))


def _notes(name: str, fallen: int, left: int, bound: float) -> tuple[str, ...]:
    notes = []
    if fallen:
        edges, intervals = f"{fallen} edge{_s(fallen)}", f"{left} interval{_s(left)}"
        notes.append(f'"{name}": {edges} fell together with others, which leaves {intervals}')
    if bound:
        notes.append(f'"{name}" has too many different numbers to be held: its edges are right to {bound:.2%}')
    return tuple(notes)


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def equal_width(least: float, greatest: float, number: int) -> list[float]:
    """The number + 1 edges of so many intervals of equal width.

    >>> equal_width(0.0, 1.0, 10)[3]
    0.3
    """
    low, high = Fraction(least), Fraction(greatest)
    between = (rounded(low + (high - low) * part / number) for part in range(1, number))
    return [least, *between, greatest]


def doane(n: int, skewness: float) -> int:
    """Doane's number of intervals of equal width, ceil(1 + log2 n + log2(1 + |g1| / sigma)), where g1 is the skewness
    and sigma = sqrt(6 (n - 2) / ((n + 1) (n + 3))); 1 for fewer than 3 numbers (Doane 1976; numpy's ``doane``).

    >>> doane(100, 0.0)
    8
    """
    if n <= 2:
        return 1
    sigma = math.sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3.0)))
    return math.ceil(1.0 + math.log2(n) + math.log2(1.0 + abs(skewness) / sigma))


def shortest(value: float) -> str:
    """A number with the fewest digits that read back to it.

    >>> shortest(18.0), shortest(0.1), shortest(1e300)
    ('18', '0.1', '1e+300')
    """
    return repr(value).removesuffix(".0")
