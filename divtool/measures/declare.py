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
from divtool.measures.likes import LIKES
from divtool.measures.vocabulary import OF_ORDER, WORDS
from divtool.options import (
    BOTH,
    CLASS_WEIGHTED,
    COMPARED,
    DIRECTED,
    ENSEMBLE,
    GUESSED,
    INSIDE,
    JOINED,
    LIKE,
    LOGARITHM,
    LOGITS,
    NUMBER,
    PAIR,
    ROWS_OF_ONE,
    SMOOTHED,
    SPREAD,
    TRUTH,
    WEIGHTED,
    ZEROS,
)
from divtool.registry import Registry

# What an operand may hold. Scores are one yes-or-no question a column: a logit, or a probability in [0, 1], each for
# itself. Values are numbers as they are. Positives are rows of numbers that are not negative, with any sum.
DISTRIBUTIONS = frozenset({"logits", "log-probs", "probs", "counts"})
TARGETS = frozenset({"labels", "probs"})
SCORES = frozenset({"logits", "chances"})
VALUES = frozenset({"values"})
POSITIVES = frozenset({"positives"})

# Words that class weights are in, and words that label smoothing is in.
_WEIGHING = frozenset({"target", "weight_of_label", "weights"})
_SMOOTHABLE = frozenset({"truth", "target", "error", "chance_error"})

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operand:
    """One position on the command line: its role in the formula, and the kinds of content that it may hold.

    ``many`` files may stand there; ``tempered``: a temperature is welcome on probabilities too. ``example`` is a file
    of the project's that fits.
    """

    role: str
    metavar: str
    help: str
    kinds: frozenset[str] = DISTRIBUTIONS
    optional: bool = False
    many: bool = False
    tempered: bool = False
    example: str = ""


PREDICTIONS = Operand(
    "q", "PREDS", "The model's outputs: logits, log-probabilities or probabilities, a row each.",
    example="examples/data/preds.csv",
)  # fmt: skip
LABELS = Operand(
    "target", "LABELS",
    "The truth: class indices, class names or soft rows (FILE:COLUMN names a column). Left out with --label-col.",
    TARGETS, True, example="examples/data/labels.csv",
)  # fmt: skip
REFERENCE = Operand(
    "p", "P", "The reference distributions (target, teacher, truth).", example="examples/data/digits_a.npy"
)
MODEL = Operand("q", "Q", "The distributions compared with it.", example="examples/data/digits_b.npy")
DISTRIBUTION = Operand(
    "p", "X", "Logits, log-probabilities, probabilities or counts, a row each.", example="examples/data/digits_a.npy"
)


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
    mean: str = "arithmetic"
    promise: int = 64
    plain: Shortcut | None = None
    loose: Shortcut | None = None
    also: tuple[str, ...] = ()
    ordered: bool = False
    clipped: bool = False
    note: str = ""

    @property
    def example(self) -> str:
        """A command line that runs on the project's example files."""
        files = " ".join(each.example for each in self.operands)
        return f"divtool {self.name} {files}" + (" -o rows.parquet" if self.is_transform else "")

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
        words = set(self.needs)
        kinds = frozenset[str]().union(*(each.kinds for each in self.operands if each.role != "target"))
        guessed = any(len(each.kinds) > 1 for each in self.operands if each.role != "target")
        has = {
            NUMBER: not self.is_transform,
            LOGARITHM: self.unit in ("nats", "sqrt(nats)", "nats^2") and self.mean != "geometric",
            TRUTH: "target" in self.roles,
            PAIR: {"p", "q"} <= set(self.roles) and guessed,
            # A temperature changes no order.
            LOGITS: "logits" in kinds and not words <= OF_ORDER,
            ROWS_OF_ONE: "probs" in kinds,
            GUESSED: guessed,
            DIRECTED: self.direction is not None and {"p", "q"} <= set(self.roles),
            ZEROS: "q" in self.roles and bool(kinds & {"probs", "chances"}) and self.is_unbounded,
            WEIGHTED: self.share == "target_share",
            CLASS_WEIGHTED: bool(words & _WEIGHING),
            SMOOTHED: bool(words & _SMOOTHABLE),
            SPREAD: bool(words & _SMOOTHABLE) and "chances" not in kinds,
            BOTH: "target" in words,
            JOINED: len(self.operands) > 1 or any(each.many for each in self.operands),
            COMPARED: not self.is_transform and set(self.roles) in ({"p", "q"}, {"q", "target"}),
            ENSEMBLE: any(each.many for each in self.operands),
            INSIDE: any(each.role == "target" and each.optional for each in self.operands),
            LIKE: self.name in LIKES,
        }
        return frozenset(thing for thing, there in has.items() if there)

    @property
    def is_unbounded(self) -> bool:
        """Whether a row of it may be infinite."""
        return self.bounds is not None and self.bounds[1] == float("inf")

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
    mean: str = "arithmetic",
    promise: int = 64,
    plain: Callable[..., Any] | None = None,
    loose: Callable[..., Any] | None = None,
    also: tuple[str, ...] = (),
    ordered: bool = False,
    clipped: bool = False,
    note: str = "",
) -> Callable[[Function], Function]:
    """Declare a function that gives one number a row.

    ``unit`` is "nats" for a logarithmic quantity (converted by --base), "sqrt(nats)" and "nats^2" for the root and the
    square of one, "1" for a pure number. ``share`` names the chunk's array of row shares in the mean's denominator;
    without it every row counts one. ``shortcut`` is a cheaper function for the same number, taken where a chunk offers
    all of its parameters.
    ``mean`` "geometric" says that the function gives the logarithm of the row's number, so that every figure is an
    exponential. ``promise`` bounds the relative error of a row in units of 2**-53.
    ``plain`` is the formula word for word, for rows that are taken as they are though they need not sum to 1
    (``--zeros clip``), ``loose`` what the measure is of rows of any sum (``--allow-unnormalized``). ``also`` are other
    names that people know it by. ``ordered``: the classes stand in an order, that of the first file's columns.
    ``clipped``: the formula holds word for word for clipped rows as it stands. ``note`` says of what the bounds hold.
    """

    def register(function: Function) -> Function:
        declared = Declaration(
            name=name, title=title, family=family, function=function, operands=operands, formula=formula, cite=cite,
            needs=needs_of(function), unit=unit, bounds=bounds, better=better, laws=frozenset(laws), share=share,
            shortcut=None if shortcut is None else Shortcut(shortcut, needs_of(shortcut)), direction=direction,
            common=common, keywords=keywords_of(function), mean=mean, promise=promise, also=also,
            ordered=ordered, clipped=clipped, note=note,
            plain=None if plain is None else Shortcut(plain, needs_of(plain)),
            loose=None if loose is None else Shortcut(loose, needs_of(loose)),
        )  # fmt: skip
        unknown = sorted(declared.laws - set(LAWS))
        if unknown:
            raise TypeError(f'{name} declares the law "{unknown[0]}", which is not in divtool.measures.laws')
        MEASURES.add(name, declared)
        return function

    return register


def transform(
    name: str,
    *,
    title: str,
    operands: tuple[Operand, ...],
    formula: str,
    cite: str,
    common: bool = False,
    also: tuple[str, ...] = (),
) -> Callable[[Function], Function]:
    """Declare a function that gives a row of numbers for each row, written to a file."""

    def register(function: Function) -> Function:
        MEASURES.add(
            name,
            Declaration(
                name=name, title=title, family="transforms", function=function, operands=operands, formula=formula,
                cite=cite, needs=needs_of(function), unit="rows", common=common, keywords=keywords_of(function),
                also=also,
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
