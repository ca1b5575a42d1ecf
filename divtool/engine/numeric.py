"""Which columns of a table are numbers and which are categories, where numbers need no intervals."""

from __future__ import annotations

from collections.abc import Sequence

from divtool.engine.binning import find_bins
from divtool.engine.counting import Variable
from divtool.engine.held import Held, few_as_categories, hold
from divtool.engine.mutual import GainRequest, Progress
from divtool.engine.plan import running_of
from divtool.errors import InputError, UsageError
from divtool.formats.source import FLOAT, INTEGER, Header, Source
from divtool.meaning.bins import BinRules, Rule, parse_bins
from divtool.meaning.columns import describe_excluded
from divtool.meaning.outcomes import Outcome, decide_outcomes
from divtool.options import parse_rows
from divtool.registry import suggestion

# Whole numbers, no more different ones than these, are categories unless something else is said.
MOST_CATEGORIES = 20
# What --bins COLUMN=... takes here beside rules: numbers as they are, a category for each.
NONE, EACH = "none", "each"


def rules_of(request: GainRequest) -> tuple[BinRules, dict[str, str]]:
    """The rules of single columns, and those said to be numbers or categories as they are."""
    said: dict[str, str] = {}
    rules = []
    for text in request.counting.bins:
        name, sign, word = (piece.strip() for piece in text.rpartition("="))
        if not sign or word.lower() not in (NONE, EACH):
            rules.append(text)
        elif name in said:
            raise UsageError(f'--bins "{text}": "{name}" has a rule')
        else:
            said[name] = word.lower()
    found = parse_bins(rules)
    twice = [name for name in said if name in found.own]
    if twice:
        raise UsageError(f'--bins gives two rules for "{twice[0]}": {said[twice[0]]} and {found.own[twice[0]]}')
    return found, said


def held_columns(
    source: Source, target: int | None, request: GainRequest, progress: Progress | None
) -> tuple[list[Held], list[str]]:
    """The columns in the order of the file, and what to tell of them."""
    header, (rules, said) = source.header, rules_of(request)
    own = {**rules.own, **{name: Rule(word) for name, word in said.items()}}
    decided = decide_outcomes(
        header, lambda column: None, chosen=request.reading.columns, bins=BinRules(Rule(NONE), own),
        wanted=[] if target is None else [target],
    )  # fmt: skip
    _check_chosen(header, decided.variables, own)
    threads, chunk = running_of(request.running)
    rows = None if request.reading.rows is None else parse_rows(request.reading.rows)
    cut = {each.column: rule for each in decided.variables if (rule := rules.own.get(each.name)) is not None}
    bins = find_bins(source, cut, threads=threads, chunk_bytes=chunk, rows=rows) if cut else {}
    variables = [Variable(each.column, each.name, bins.get(each.column)) for each in decided.variables]
    held = hold(
        source, [each for each in variables if _numeric(header, each, said)],
        [each for each in variables if not _numeric(header, each, said)], threads=threads, chunk_bytes=chunk,
        rows=rows, refuse_missing=request.counting.missing == "error",
        progress=None if progress is None else lambda done: progress(done, source.count()),
    )  # fmt: skip
    found = [
        each if each.numbers is None or said.get(each.variable.name) == NONE
        else few_as_categories(each, MOST_CATEGORIES)
        for each in held
    ]  # fmt: skip
    if all(each.numbers is None for each in found):
        raise InputError(
            "no column holds numbers, which the estimator ksg is for", path=header.path,
            hint=f"whole numbers are categories, unless they are many; --bins COLUMN={NONE} takes them as numbers",
        )  # fmt: skip
    notes = [note for each in bins.values() for note in each.notes]
    if decided.left_out:
        notes.append(f"left out: {describe_excluded(decided.left_out)}")
    return sorted(found, key=lambda each: variables.index(each.variable)), notes


def _check_chosen(header: Header, chosen: Sequence[Outcome], own: dict[str, Rule]) -> None:
    names = [each.name for each in chosen]
    stray = [name for name in own if name not in names]
    if stray:
        raise UsageError(f'--bins {stray[0]}={own[stray[0]]}: "{stray[0]}" is none of the variables',
                         hint=suggestion(stray[0], names))  # fmt: skip
    if len(names) < 2:
        raise InputError(f'only the column "{names[0]}" is left; mutual information takes two', path=header.path)


def _numeric(header: Header, each: Variable, said: dict[str, str]) -> bool:
    """Whether a column is read as numbers."""
    return header.types[each.column] in (FLOAT, INTEGER) and each.bins is None and said.get(each.name) != EACH
