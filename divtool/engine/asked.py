"""Which measures a run computes: the verb's own, both ways where that makes a difference, and those of ``-m``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from divtool.errors import UsageError
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration, Keyword, Shortcut
from divtool.measures.vocabulary import OF_ORDER
from divtool.options import KINDS, Measuring, fields_of, flag_of
from divtool.registry import suggestion

_FIRST_CHOICES = re.compile(r"top-?([1-9][0-9]{0,3})")
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


@dataclass(frozen=True)
class Asked:
    """A measure as this run computes it: the function chosen for its inputs, and the values of its own options.

    ``roles`` gives for each of its roles that of the input which plays it; ``reversed`` says that the sides are
    exchanged. ``plain`` asks for the formula word for word, for rows that need not sum to 1. ``of_family``: it came
    with its family, and is left out where it does not fit; ``automatic``: nobody asked for it; ``beside``: it is
    no more than a figure beside the others, and has no rows. ``candidate`` is the
    place of the file that it scores, where there are several.
    """

    declared: Declaration
    keywords: dict[str, Any] = field(default_factory=dict)
    shortcut: Shortcut | None = None
    roles: tuple[tuple[str, str], ...] = ()
    reversed: bool = False
    plain: Shortcut | None = None
    of_family: bool = False
    automatic: bool = False
    beside: bool = False
    candidate: int | None = None

    @property
    def function(self) -> Any:
        """What is called on each chunk."""
        return self._chosen.function

    @property
    def needs(self) -> tuple[str, ...]:
        """What it is handed."""
        return self._chosen.needs

    @property
    def _chosen(self) -> Declaration | Shortcut:
        return self.plain or self.shortcut or self.declared

    @property
    def label(self) -> str:
        """Its name among the measures of a run, with the options that are not its defaults."""
        own = [f"{key}={_text(value)}" for key, value in self.keywords.items() if not same(value, self.default_of(key))]
        name = self.declared.name + (f"({','.join(own)})" if own else "")
        return name + ("_reversed" if self.reversed else "")

    def default_of(self, key: str) -> Any:
        """The default of one of its own options."""
        return next(each.default for each in self.declared.keywords if each.name == key)

    @property
    def parameters(self) -> dict[str, Any]:
        """All of its own options, for the record."""
        return {each.name: self.keywords.get(each.name, each.default) for each in self.declared.keywords}

    @property
    def direction(self) -> str | None:
        """The direction as it was computed."""
        said = self.declared.direction
        if said is None or not self.reversed:
            return said
        head, _, inner = said.partition("(")
        swapped = {"p": "q", "q": "p"}
        return head + "(" + " ".join(swapped.get(word, word) for word in inner.removesuffix(")").split(" ")) + ")"


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if same(float(short), value) else repr(value)


def same(a: Any, b: Any) -> bool:
    """Whether two values of an option are the same; NaN is itself."""
    return bool(a == b or (a != a and b != b))


def asked_for(
    verb: Declaration, keywords: dict[str, Any], more: Sequence[str], *, reverse: bool, both: bool, agree: bool = False
) -> list[Asked]:
    """The measures of a run, the verb's own first; no file is opened for it. ``both`` directions are wanted,
    and, of two distributions, whether their first choices ``agree``."""
    found = [Asked(verb, _own(verb, keywords))]
    found += [each for text in more for piece in text.split(",") for each in named_measures(verb, piece)]
    every: list[Asked] = []
    for each in found:
        mapping = _roles(verb, each.declared, reverse)
        every.append(_with(each, mapping, reverse and each.declared.direction is not None))
        if both and each.declared.direction is not None:
            other = _with(each, _roles(verb, each.declared, not reverse), not reverse)
            every.append(replace(other, automatic=True))
    if agree and verb.roles == ("p", "q") and _family(verb.operands[0].kinds) == "distributions":
        every.append(_with(Asked(_agreement(), automatic=True, beside=True), _roles(verb, _agreement(), False), False))
    labels = [each.label for each in every]
    return [each for i, each in enumerate(every) if each.label not in labels[:i]]


def _agreement() -> Declaration:
    import_module("divtool.measures.agreement")
    return MEASURES.get("same-top-1")


# They change how a number is shown, or speak of the run: no measure computes another number for them.
_HARMLESS = ("base", "measure", "empty", "reduction", "sample_weight", "reverse", "ignore_index")


def check_options(asked: Sequence[Asked], measuring: Measuring) -> None:
    """Refuse options that a measure of ``-m`` would not obey, or would obey without being asked."""
    if measuring.like is not None and measuring.measure:
        raise UsageError("--like speaks of one measure; leave out -m, or --like")
    chosen = [
        each for each in fields_of(Measuring)
        if each.name not in _HARMLESS and getattr(measuring, each.name) != each.default
    ]  # fmt: skip
    for declared in {one.declared.name: one.declared for one in asked if not one.beside}.values():
        for each in chosen:
            if each.name == "temperature" and OF_ORDER.issuperset(declared.needs):
                # No order of classes changes with it: it is obeyed.
                continue
            if each.metadata["applies"] not in ("", *declared.having):
                raise UsageError(f"{flag_of(each)} does not go with -m {declared.name}", hint="run it by itself")


def _with(asked: Asked, roles: tuple[tuple[str, str], ...], exchanged: bool) -> Asked:
    return replace(asked, roles=roles, reversed=exchanged)


def _roles(verb: Declaration, declared: Declaration, reverse: bool) -> tuple[tuple[str, str], ...]:
    """Which input plays which role: each its own; a measure of one distribution takes the model where it is alone."""
    roles = {role: role for role in declared.roles}
    if declared.roles == ("p",) and "p" not in verb.roles:
        roles = {"p": "q"}
    if reverse and {"p", "q"} <= set(declared.roles):
        roles = {**roles, "p": "q", "q": "p"}
    if any(each.many for each in declared.operands):
        # Every input is a member: all of them, as they are.
        return ()
    return tuple(sorted(roles.items()))


def _own(declared: Declaration, keywords: dict[str, Any]) -> dict[str, Any]:
    given = {each.name: keywords.get(each.name) for each in declared.keywords}
    return {
        each.name: _typed(declared, each, given[each.name])
        for each in declared.keywords
        if given[each.name] is not None
    }


def named_measures(verb: Declaration, text: str, *, any_files: bool = False) -> list[Asked]:
    """The measures that one word of ``-m`` names: ``NAME``, ``NAME:OPTION=VALUE``, or a family. They must take the
    files of the verb, unless ``any_files`` will do."""
    name, *settings = text.strip().split(":")
    load_families()
    if name not in MEASURES and (first := _FIRST_CHOICES.fullmatch(name.lower())):
        # What everybody calls the agreement of the first k choices.
        name = "same-top-1" if first[1] == "1" else "same-top-k"
        settings = [*settings, f"k={first[1]}"] if name == "same-top-k" else settings
    if name in MEASURES:
        declared = MEASURES.get(name)
        if not any_files:
            _check_fits(verb, declared)
        return [Asked(declared, _settings(declared, settings))]
    family = [each for each in MEASURES if name and not settings and _slug(each.family).startswith(_slug(name))]
    fitting = [each for each in family if _fits(verb, each)]
    if family and not fitting:
        raise UsageError(
            f"-m {name}: no measure of this family takes the files of {verb.name}",
            hint="these fit: " + ", ".join(_names_fitting(verb)),
        )
    if not fitting:
        known = [each.name for each in MEASURES if name.lower() in (each.name, *each.also)]
        hint = f'did you mean "{known[0]}"?' if known else suggestion(name, _names_fitting(verb))
        raise UsageError(f'-m "{name}": there is no such measure', hint=hint)
    return [Asked(each, of_family=True) for each in fitting]


def _slug(family: str) -> str:
    return family.lower().replace("'s", "").replace(" ", "-")


def _settings(declared: Declaration, settings: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {each.name: each for each in declared.keywords}
    for piece in settings:
        key, equals, value = piece.partition("=")
        key = key.strip().replace("-", "_")
        if key not in known or not equals:
            raise UsageError(
                f'-m {declared.name}: "{piece}" is none of its options',
                hint=f"write {declared.name}:NAME=VALUE with {', '.join(known)} for NAME" if known else "it has none",
            )
        found[key] = _typed(declared, known[key], value)
    return found


def _typed(declared: Declaration, keyword: Keyword, value: Any) -> Any:
    """A value in the type of its option."""
    flag = "--" + keyword.name.replace("_", "-")
    if keyword.type is bool:
        word = str(value).strip().lower()
        if word in _TRUE + _FALSE:
            return word in _TRUE
        raise UsageError(f"{declared.name} {flag} {value}: expected true or false")
    if keyword.type is str:
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    try:
        number = keyword.type(value)
    except (TypeError, ValueError):
        number = float("nan")
    if number != number and value == value:
        raise UsageError(f"{declared.name} {flag} {value}: expected a {_kind_of(keyword.type)}")
    return number


def _kind_of(type_: Any) -> str:
    return "whole number" if type_ is int else "number"


def _fits(verb: Declaration, declared: Declaration) -> bool:
    """Whether the inputs of a verb are those of a measure."""
    if declared.is_transform:
        return False
    theirs = {each.role: each for each in verb.operands}
    alone = declared.roles == ("p",) and "p" not in theirs
    return all(
        (role := "q" if alone else each.role) in theirs and bool(_family(each.kinds) == _family(theirs[role].kinds))
        for each in declared.operands
    )


def _family(kinds: frozenset[str]) -> str:
    """What a row of such kinds is: a distribution, answers, numbers; the truth fits the truth."""
    for kind in ("labels", "chances", "values", "positives", "signs"):
        if kind in kinds:
            return kind
    return "distributions"


def _said(declared: Declaration) -> str:
    """The operands of a verb and what they hold."""
    return " and ".join(
        f"{each.metavar} ({KINDS.get(_family(each.kinds), _family(each.kinds))})" for each in declared.operands
    )


def _names_fitting(verb: Declaration) -> list[str]:
    return [each.name for each in MEASURES if _fits(verb, each)]


def _check_fits(verb: Declaration, declared: Declaration) -> None:
    if not _fits(verb, declared):
        raise UsageError(
            f"-m {declared.name}: it takes {_said(declared)}; {verb.name} has {_said(verb)}",
            hint="these fit: " + ", ".join(_names_fitting(verb)),
        )
