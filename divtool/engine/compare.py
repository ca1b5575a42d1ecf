"""``compare``: a reference and candidates, by several measures at once; the first of them ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from divtool.engine.asked import check_options, named_measures
from divtool.engine.candidates import shared_last, takes_candidates
from divtool.engine.request import Request, declared, request_of
from divtool.errors import UsageError
from divtool.measures.declare import Declaration
from divtool.options import GROUPS, Measuring, fields_of, pick

# What distributions are compared by if nothing is named.
USUAL = ("kl", "js", "tv", "same-top-1")


def compare_request(operands: Sequence[Any], options: Mapping[str, Any]) -> Request:
    """The request of a comparison: the first operand is the reference (distributions, or labels where the first measure
    is a loss), the others are scored. Raises :class:`UsageError` for measures that do not compare."""
    # One number is wanted: the others are measured for a threshold alone.
    alone = options.get("quiet") and not (options.get("fail_if") or options.get("save_state"))
    given = options.get("measure") or (USUAL[:1] if alone else USUAL)
    words = [word for text in ([given] if isinstance(given, str) else given) for word in text.split(",")]
    first, keywords = leading_measure(words[0])
    others = tuple(words[1:]) if options.get("measure") else _fitting(words[1:], first, options)
    if len(operands) < 2:
        raise UsageError(
            "compare takes a reference and one candidate or more", hint="usage: divtool compare REF CAND..."
        )
    files = list(operands)
    if shared_last(first):
        files = [*files[1:], files[0]]
    own = {**applying(first, options), **keywords, "measure": others}
    return replace(request_of(first, files, own), command="compare")


def _fitting(usual: Sequence[str], first: Declaration, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The usual measures that obey the options: what nobody asked for should not stand in the way."""
    measuring = pick(Measuring, applying(first, options))
    found = []
    for word in usual:
        try:
            check_options(named_measures(first, word), measuring)
        except UsageError:
            continue
        found.append(word)
    return tuple(found)


def leading_measure(word: str) -> tuple[Declaration, dict[str, Any]]:
    """The measure that ranks, with its own options."""
    asked = named_measures(declared("kl"), word, any_files=True)[0]
    if not takes_candidates(asked.declared):
        raise UsageError(
            f"-m {word}: candidates are ranked by a measure of two files; {asked.declared.name} is none",
            hint="put one before it: kl, js, tv, ... for distributions, ce, brier, ... against labels",
        )
    return asked.declared, asked.keywords


def applying(first: Declaration, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without those that do not apply to the measure and were not asked for either."""
    known = {each.name for group in GROUPS for each in fields_of(group, first.having)}
    defaults = {each.name: each.default for group in GROUPS for each in fields_of(group)}
    return {
        name: value for name, value in options.items()
        if name in known or name not in defaults or _given(value, defaults[name])
    }  # fmt: skip


def _given(value: Any, default: Any) -> bool:
    return value is not None and value != default and not (isinstance(value, list) and tuple(value) == default)
