"""The options of ``divtool fit``, declared once for the command line and the library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from divtool.errors import UsageError
from divtool.meaning.observed import GIVEN
from divtool.measures.models import MODELS, Family, Wanted
from divtool.options import option
from divtool.registry import suggestion

_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_SUPPORT = re.compile(r"([+-]?\d+):([+-]?\d+)", re.ASCII)
# More digits are beyond every limit, and Python refuses to read very many; powers of ten of such a size take forever.
_MOST_DIGITS = 300
_HUGE_POWER = re.compile(r"[eE][+-]?[0_]*[1-9][\d_]{3,}$", re.ASCII)
# What a parameter may be fixed to: beyond, its family gives no outcome that a table may list a mass that is a double.
_RANGES = {
    "p": (0.0, 1.0, "a probability, 0 to 1"),
    "lambda": (0.0, 2.0**53, "a number of at least 0 and up to 2^53"),
    "r": (1e-280, 1e30, "a number above 0, from 1e-280 to 1e30"),
    "exponent": (-(2.0**53), 2.0**53, "a number from -2^53 to 2^53"),
    "mean": (-(2.0**53), 2.0**53, "a number from -2^53 to 2^53"),
    "deviation": (2.0**-20, 2.0**53, "a number above 0, from 2^-20 to 2^53"),
}  # fmt: skip
# What other programs call the families.
_ELSEWHERE = {
    "nb": "negative-binomial", "nbinom": "negative-binomial", "negbin": "negative-binomial", "pois": "poisson",
    "geom": "geometric", "unif": "uniform", "binom": "binomial", "gauss": "normal", "gaussian": "normal",
    "norm": "normal", "power-law": "zipf", "powerlaw": "zipf",
}  # fmt: skip
# The options of reading that make a difference to what is observed.
READING = ("header", "no_header", "delimiter", "input_format", "missing", "concat")


@dataclass(frozen=True)
class Fitting:
    """Which distributions are fitted, and what is known beforehand."""

    family: tuple[str, ...] = option(
        (), "The families to fit (default: all): uniform, binomial, poisson, geometric, negative-binomial, zipf,"
        " normal, step (repeatable, or a,b).", metavar="NAME,...",
    )  # fmt: skip
    model: tuple[str, ...] = option(
        (), "A file with a distribution of your own to compare as well, in any form that OBSERVED may have"
        " (repeatable).", metavar="FILE",
    )  # fmt: skip
    trials: str | None = option(
        None, "The n of the binomial (default: the greatest outcome of the support).", metavar="N"
    )
    cut: str | None = option(
        None, "The first outcome of a step's upper level (default: the one that loses least).", metavar="K"
    )
    fix: tuple[str, ...] = option(
        (), "A parameter that is not to be found but given: NAME=VALUE, or FAMILY.NAME=VALUE (repeatable).",
        metavar="NAME=VALUE",
    )  # fmt: skip
    support: str | None = option(
        None, "The least and the greatest possible outcome (default: the least and the greatest that the table lists).",
        metavar="A:B",
    )  # fmt: skip
    given: str | None = option(
        None, "What the numbers are, instead of what divtool takes them for: probs or counts of outcomes, or samples.",
        choices=GIVEN,
    )  # fmt: skip
    columns: str | None = option(
        None, "The columns to read: OUTCOME,WEIGHT, or one, or those of a row (names, positions, p0-p9, /pattern/).",
        metavar="LIST",
    )  # fmt: skip
    normalize: bool = option(False, "Divide probabilities that do not sum to 1 by their sum.")
    base: str = option(
        "e", "Base of the logarithm of the loss: e (nats), 2 (bits), 10 (dits) or any other.", metavar="e|2|10|X"
    )


@dataclass(frozen=True)
class Choice:
    """A family of the run, and what is not to be searched for in it."""

    family: Family
    wanted: Wanted


def whole_number(text: str, flag: str, least: int) -> int:
    """The whole number that an option says.

    >>> whole_number("12", "--trials", 1)
    12
    """
    whole = _WHOLE.fullmatch(text.strip()) is not None
    if not whole or len(text) > _MOST_DIGITS or not least <= int(text) <= 1 << 52:
        limit = f"of at least {least}" if least > -(1 << 52) else "from -2^52"
        raise UsageError(f'{flag} "{text[:_MOST_DIGITS]}": expected a whole number {limit} and up to 2^52')
    return int(text)


def support_of(text: str) -> tuple[int, int]:
    """The least and the greatest outcome from ``A:B``.

    >>> support_of("0:10")
    (0, 10)
    """
    found = _SUPPORT.fullmatch(text.strip()) if len(text) <= _MOST_DIGITS else None
    if found is None or not -(1 << 52) <= int(found[1]) <= int(found[2]) <= 1 << 52:
        said = "expected the least and the greatest outcome, such as 0:10, of -2^52 to 2^52"
        raise UsageError(f'--support "{text[:_MOST_DIGITS]}": {said}')
    return int(found[1]), int(found[2])


def choices_of(asked: Fitting) -> list[Choice]:
    """The families to fit. Raises :class:`UsageError` for an option that none of them would obey."""
    named = [name.strip() for text in asked.family for name in text.split(",")]
    families = [_family(name) for name in named]
    if not named:
        # Files of one's own are then compared with all families.
        families = list(MODELS)
    names = [each.name for each in families]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise UsageError(f'--family names "{name}" twice')
    trials = None if asked.trials is None else whole_number(asked.trials, "--trials", 1)
    cut = None if asked.cut is None else whole_number(asked.cut, "--cut", -(1 << 52))
    for flag, value, owner in (("--trials", trials, "binomial"), ("--cut", cut, "step")):
        if value is not None and owner not in names:
            raise UsageError(f"{flag} is for the family {owner}, which is not among those to fit")
    fixed = _fixed(asked.fix, families)
    return [Choice(each, Wanted(trials, cut, fixed[each.name])) for each in families]


def _family(name: str) -> Family:
    """A family by its name, or an error that knows what other programs call it."""
    spelt = name.lower().replace("_", "-").replace(" ", "-")
    if spelt in _ELSEWHERE:
        raise UsageError(f'there is no family "{name}"', hint=f'it is called "{_ELSEWHERE[spelt]}" here')
    return MODELS.get(spelt)


def _fixed(texts: tuple[str, ...], families: list[Family]) -> Mapping[str, Mapping[str, Fraction]]:
    """The parameters that are given, for each family."""
    fixed: dict[str, dict[str, Fraction]] = {each.name: {} for each in families}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise UsageError(f'--fix "{text}": expected NAME=VALUE, such as p=0.5, or binomial.p=0.5')
        owner, _, parameter = name.rpartition(".")
        meant = [each for each in families if parameter in each.fixable and owner in ("", each.name)]
        if not meant:
            known = [f"{each.name}.{one}" for each in families for one in each.fixable]
            raise UsageError(
                f'--fix "{text}": no family to fit has a parameter "{name}" that can be fixed',
                hint=suggestion(name, known) + _instead(parameter),
            )
        for each in meant:
            if parameter in fixed[each.name]:
                raise UsageError(f'--fix: the parameter "{parameter}" of {each.name} is given twice')
            fixed[each.name][parameter] = _value(parameter, value, text)
    return fixed


def _instead(parameter: str) -> str:
    return {"n": "; the n of the binomial: --trials N", "cut": "; the cut of a step: --cut K"}.get(parameter, "")


def _value(parameter: str, value: str, text: str) -> Fraction:
    """The number that a parameter is fixed to, exactly."""
    try:
        if _HUGE_POWER.search(value) or len(value) > _MOST_DIGITS:
            raise ValueError(value)
        number = Fraction(value)
        near = float(number)
    except (ValueError, ZeroDivisionError, OverflowError):
        shown = value[:_MOST_DIGITS]
        raise UsageError(f'--fix "{parameter}={shown}": "{shown}" is not a number that can be used') from None
    low, high, expected = _RANGES[parameter]
    # 2 to the -1075 and less is 0 as a double, and would rule out what it does not.
    if not low <= near <= high or (near == 0.0) != (number == 0) or (near == 1.0) != (number == 1):
        raise UsageError(f'--fix "{text}": expected {expected}, as a double holds it')
    return number
