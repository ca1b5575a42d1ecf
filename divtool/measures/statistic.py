"""How a statistic of a joint table is declared: one number, or a tested one, from exact counts.

As with measures, the decorator registers the function and hands it back unchanged; its positional parameters say what
it takes: ``information`` (the entropies of both variables, plain or estimated) or ``table`` (the counts themselves).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from divtool.accumulators.joint_table import JointTable
from divtool.measures.declare import Keyword, keywords_of
from divtool.measures.information import Information
from divtool.registry import Registry

Function = TypeVar("Function", bound=Callable[..., Any])

# The order in which families are shown.
FAMILIES = ("joint outcomes", "agreement", "several variables")

# Factors of entropies, and the variables that each is the entropy of.
Subsets = list[tuple[int, tuple[int, ...]]]

# Laws that the tests check on every statistic, declared or not: see tests/test_statistics.py.
LAWS = {
    "non-negative": "never below 0",
    "at-most-one": "never above 1",
    "symmetric": "the same bits with X and Y exchanged",
    "zero-if-independent": "exactly 0 where X and Y are independent, unless both have one outcome only",
    "one-if-identical": "exactly 1 where X and Y are one variable",
    "scale-free": "the same bits if all counts are doubled",
    "names-do-not-matter": "the same bits if outcomes are renamed, those of both alike",
}


@dataclass(frozen=True)
class Significance:
    """A statistic with its null distribution: chi-square with so many degrees of freedom; ``log10_p_value`` goes on
    where the p-value itself is no double any more."""

    value: float
    degrees_of_freedom: int
    p_value: float
    log10_p_value: float


@dataclass(frozen=True)
class Statistic:
    """What is known about a statistic. ``takes`` are "table", "information" or both; ``counted``: it needs to know the
    number of cases, which probabilities do not tell; ``square``: X and Y must share their outcomes; ``subsets``: it
    is made for any number of variables, and a sum of entropies of subsets of them, with these factors."""

    name: str
    title: str
    family: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    formula: str
    cite: str
    unit: str
    bounds: tuple[float, float]
    better: str | None = None
    laws: frozenset[str] = frozenset()
    counted: bool = False
    square: bool = False
    subsets: Callable[[int], Subsets] | None = None
    also: tuple[str, ...] = ()
    keywords: tuple[Keyword, ...] = field(default=())

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def of(self, table: JointTable, information: Information, **options: Any) -> Any:
        """The statistic of a table, whose entropies are ``information``."""
        given = {"table": table, "information": information}
        return self.function(*(given[name] for name in self.takes), **options)

    @property
    def several(self) -> bool:
        """Whether it is made for any number of variables."""
        return self.subsets is not None

    def of_subsets(self, variables: int) -> Subsets:
        """The factors and subsets whose entropies it is the sum of."""
        return [] if self.subsets is None else self.subsets(variables)

    def of_any(self, table: JointTable, **options: Any) -> Any:
        """The statistic of a table of any number of variables."""
        return self.function(table, **options)


STATISTICS: Registry[Statistic] = Registry("statistic of a joint table")


def by_family() -> list[Statistic]:
    """All statistics, family by family in the order in which these are shown; others come behind."""
    order = {family: place for place, family in enumerate(FAMILIES)}
    return sorted(STATISTICS, key=lambda each: order.get(each.family, len(order)))


def statistic(
    name: str,
    *,
    title: str,
    family: str,
    formula: str,
    cite: str,
    unit: str = "nats",
    bounds: tuple[float, float],
    better: str | None = None,
    laws: set[str] | frozenset[str] = frozenset(),
    counted: bool = False,
    square: bool = False,
    subsets: Callable[[int], Subsets] | None = None,
    also: tuple[str, ...] = (),
) -> Callable[[Function], Function]:
    """Declare a function of a joint table. ``unit`` is "nats" for what --base converts, "1" for a pure number."""

    def register(function: Function) -> Function:
        unknown = sorted(set(laws) - set(LAWS))
        if unknown:
            raise TypeError(f'{name} declares the law "{unknown[0]}", which is not in divtool.measures.statistic')
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = inspect.signature(function).parameters.values()
        takes = tuple(each.name for each in parameters if each.kind in positional)
        STATISTICS.add(
            name,
            Statistic(
                name=name, title=title, family=family, function=function, takes=takes, formula=formula, cite=cite,
                unit=unit, bounds=bounds, better=better, laws=frozenset(laws), counted=counted, square=square,
                subsets=subsets, also=also, keywords=keywords_of(function),
            ),
        )  # fmt: skip
        return function

    return register
