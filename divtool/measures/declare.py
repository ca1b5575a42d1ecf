"""How a measure or a transform is declared: a decorator that registers the function and hands it back unchanged.

A declaration says what a number means: title, family, unit, bounds, whether lower or higher is better, the operands
and their roles, the laws it keeps, and where its formula is from. From it follow the command, its help, a row in
``divtool list``, and the law tests. The names of the function's positional parameters say what it takes from a chunk.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from divtool.measures.laws import LAWS
from divtool.measures.vocabulary import WORDS
from divtool.options import LOGARITHM, NUMBER, PAIR, TRUTH
from divtool.registry import Registry

DISTRIBUTIONS = frozenset({"logits", "log-probs", "probs"})
TARGETS = frozenset({"labels", "probs"})

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operand:
    """One position on the command line: its role in the formula, and the kinds of content that it may hold."""

    role: str
    metavar: str
    help: str
    kinds: frozenset[str] = DISTRIBUTIONS
    optional: bool = False


PREDICTIONS = Operand("q", "PREDS", "The model's outputs: logits, log-probabilities or probabilities, a row each.")
LABELS = Operand(
    "target", "LABELS",
    "The truth: class indices, class names or soft rows (FILE:COLUMN names a column). Left out with --label-col.",
    TARGETS, True,
)  # fmt: skip
REFERENCE = Operand("p", "P", "The reference distributions (target, teacher, truth).")
MODEL = Operand("q", "Q", "The distributions compared with it.")
DISTRIBUTION = Operand("p", "X", "Logits, log-probabilities or probabilities, a row each.")


@dataclass(frozen=True)
class Keyword:
    """An option of one measure: a keyword-only parameter ``name: Annotated[type, "help"] = default``."""

    name: str
    type: Any
    default: Any
    help: str


@dataclass(frozen=True)
class Declaration:
    """What is known about a measure or a transform. ``name`` is also its verb."""

    name: str
    title: str
    family: str
    function: Callable[..., Any]
    operands: tuple[Operand, ...]
    needs: tuple[str, ...]
    formula: str
    cite: str
    unit: str = "nats"
    bounds: tuple[float, float] | None = None
    better: str | None = None
    laws: frozenset[str] = frozenset()
    share: str | None = None
    shortcut: Shortcut | None = None
    direction: str | None = None
    common: bool = False
    keywords: tuple[Keyword, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def is_transform(self) -> bool:
        """Whether it gives a row of numbers for each row, not one number."""
        return self.unit == "rows"

    @property
    def having(self) -> frozenset[str]:
        """What decides which options apply to it."""
        things = set() if self.is_transform else {NUMBER}
        things |= {LOGARITHM} if self.unit == "nats" else set()
        things |= {TRUTH} if "target" in self.roles else set()
        return frozenset(things | ({PAIR} if {"p", "q"} <= set(self.roles) else set()))

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its operands, in their order."""
        return tuple(operand.role for operand in self.operands)


@dataclass(frozen=True)
class Shortcut:
    """A cheaper function for the same number, where a chunk can hand over what it needs."""

    function: Callable[..., Any]
    needs: tuple[str, ...]


MEASURES: Registry[Declaration] = Registry("measure")


def measure(
    name: str,
    *,
    title: str,
    family: str,
    operands: tuple[Operand, ...],
    formula: str,
    cite: str,
    unit: str = "nats",
    bounds: tuple[float, float],
    better: str | None = None,
    laws: set[str] | frozenset[str] = frozenset(),
    share: str | None = None,
    shortcut: Callable[..., Any] | None = None,
    direction: str | None = None,
    common: bool = False,
) -> Callable[[Function], Function]:
    """Declare a function that gives one number a row.

    ``unit`` is "nats" for a logarithmic quantity (converted by --base), "1" for a pure number. ``share`` names the
    chunk's array of row shares in the mean's denominator; without it every row counts one. ``shortcut`` is a cheaper
    function for the same number, taken where a chunk offers all of its parameters.
    """

    def register(function: Function) -> Function:
        declared = Declaration(
            name=name, title=title, family=family, function=function, operands=operands, formula=formula, cite=cite,
            needs=needs_of(function), unit=unit, bounds=bounds, better=better, laws=frozenset(laws), share=share,
            shortcut=None if shortcut is None else Shortcut(shortcut, needs_of(shortcut)), direction=direction,
            common=common, keywords=keywords_of(function),
        )  # fmt: skip
        unknown = sorted(declared.laws - set(LAWS))
        if unknown:
            raise TypeError(f'{name} declares the law "{unknown[0]}", which is not in divtool.measures.laws')
        MEASURES.add(name, declared)
        return function

    return register


def transform(
    name: str, *, title: str, operands: tuple[Operand, ...], formula: str, cite: str, common: bool = False
) -> Callable[[Function], Function]:
    """Declare a function that gives a row of numbers for each row, written to a file."""

    def register(function: Function) -> Function:
        MEASURES.add(
            name,
            Declaration(
                name=name, title=title, family="transforms", function=function, operands=operands, formula=formula,
                cite=cite, needs=needs_of(function), unit="rows", common=common, keywords=keywords_of(function),
            ),
        )  # fmt: skip
        return function

    return register


def needs_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the positional parameters, all of which must be words of the vocabulary."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = tuple(each.name for each in inspect.signature(function).parameters.values() if each.kind in positional)
    for name in names:
        if name not in WORDS:
            raise TypeError(f'{function.__name__} asks for "{name}", which is no word of divtool.measures.vocabulary')
    return names


def keywords_of(function: Callable[..., Any]) -> tuple[Keyword, ...]:
    """The keyword-only parameters, each of which must say its type, help and default."""
    hints = get_type_hints(function, include_extras=True)
    return tuple(
        _keyword(function.__name__, each, hints.get(each.name))
        for each in inspect.signature(function).parameters.values()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    )


def _keyword(owner: str, parameter: inspect.Parameter, hint: Any) -> Keyword:
    if get_origin(hint) is not Annotated or parameter.default is inspect.Parameter.empty:
        raise TypeError(f'{owner}: "{parameter.name}" must read {parameter.name}: Annotated[type, "help"] = default')
    type_, help_ = get_args(hint)[:2]
    return Keyword(parameter.name, type_, parameter.default, help_)
