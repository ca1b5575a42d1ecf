"""How columns are named on the command line: ``p0-p9,/^logit_/,!p3``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from divtool.errors import InputError, UsageError
from divtool.formats.source import Header
from divtool.registry import suggestion

_WORD = re.compile(r"\s*(!?/(?:[^/\\]|\\.)+/|[^,]*)\s*(?:,|$)")
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
# So many names are shown or compared where one is not found.
_MOST_SHOWN = 1000


def find_column(header: Header, name: str, option: str) -> int:
    """The position of a column that an option names; :class:`InputError` with close names otherwise."""
    position = header.find(name)
    if position is None:
        known = [header.name(i) for i in range(min(header.width, _MOST_SHOWN))]
        raise InputError(f'has no column "{name}" ({option})', path=header.path, hint=suggestion(name, known))
    return position


def chosen_columns(
    header: Header, chosen: str, option: str, beside: Sequence[Header] = ()
) -> tuple[list[int], set[int]]:  # fmt: skip
    """The columns that are named, in the order in which they are named, and those left out with ``!``.

    A word is a name (or a position where columns have none), the name of a field that holds rows of numbers, a range
    ``p0-p9``, or a pattern ``/^logit_/`` that is searched for in the names. What is left out need not be
    in this file if one of those ``beside`` it has it. Raises :class:`InputError` for what no column is called,
    :class:`UsageError` for a column that is named twice.
    """
    taken: list[int] = []
    dropped: set[int] = set()
    for word in _words(chosen, option):
        if word.startswith("!"):
            dropped.update(_left_out(header, word.removeprefix("!"), option, beside))
            continue
        found = _meant(header, word, option)
        twice = [column for column in found if column in taken]
        if twice and not word.startswith("/"):
            raise UsageError(f'{option} names the column "{header.name(twice[0])}" twice')
        taken += [column for column in found if column not in taken]
    return taken, dropped


def _words(chosen: str, option: str) -> list[str]:
    words, at = [], 0
    while at < len(chosen):
        found = _WORD.match(chosen, at)
        assert found is not None
        words.append(found[1].strip())
        at = max(found.end(), at + 1)
    if not words or not all(word.removeprefix("!") for word in words) or chosen.rstrip().endswith(","):
        raise UsageError(f'{option} "{chosen}": expected names, separated by commas: a,b or p0-p9 or /^p/ or !id')
    return words


def _left_out(header: Header, word: str, option: str, beside: Sequence[Header]) -> list[int]:
    """The columns of a word that leaves them out; none where it means columns of another file, none of which is here:
    of a range of which only a part is here nobody knows what was meant."""
    try:
        return _meant(header, word, option)
    except InputError:
        elsewhere = [name for other in beside for name in _names_meant(other, word, option)]
        if elsewhere and not any(header.find(name) is not None for name in elsewhere):
            return []
        raise


def _names_meant(header: Header, word: str, option: str) -> list[str]:
    try:
        return [header.name(column) for column in _meant(header, word, option)]
    except InputError:
        return []


def _meant(header: Header, word: str, option: str) -> list[int]:
    if header.find(word) is not None:
        return [find_column(header, word, option)]
    vector = next((each for each in header.vectors if each.name == word), None)
    if vector is not None:
        return list(vector.columns)
    if len(word) > 1 and word.startswith("/") and word.endswith("/"):
        return _matching(header, word[1:-1], option)
    found = _between(header, word, option)
    if not found and word.isascii() and word.isdigit() and int(word) < header.width:
        # No column is called so: it is a position.
        found = [int(word)]
    return found or [find_column(header, word, option)]


def _matching(header: Header, pattern: str, option: str) -> list[int]:
    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise UsageError(f"{option} /{pattern}/: {error}") from None
    found = [i for i in range(header.width) if search(header.name(i))]
    if not found:
        known = [header.name(i) for i in range(min(header.width, _MOST_SHOWN))]
        raise InputError(
            f"has no column whose name has /{pattern}/ in it ({option})", path=header.path,
            hint=suggestion(pattern, known),
        )  # fmt: skip
    return found


def _between(header: Header, word: str, option: str) -> list[int]:
    """The columns of a range: by their numbers where both ends are one word with a number, else as they stand."""
    for dash in (i for i, letter in enumerate(word) if letter == "-" and 0 < i < len(word) - 1):
        first, last = header.find(word[:dash].strip()), header.find(word[dash + 1 :].strip())
        low, high = _NUMBERED.fullmatch(word[:dash].strip()), _NUMBERED.fullmatch(word[dash + 1 :].strip())
        if first is not None and header.names is not None and low and high and low[1] == high[1]:
            return _numbered(header, low[1], low[2], high[2], option)
        if first is None or last is None:
            continue
        if first > last:
            raise UsageError(f'{option} "{word}": "{header.name(last)}" stands before "{header.name(first)}"')
        return list(range(first, last + 1))
    return []


def _numbered(header: Header, stem: str, low: str, high: str, option: str) -> list[int]:
    if int(low) > int(high):
        raise UsageError(f'{option} "{stem}{low}-{stem}{high}": {high} is less than {low}')
    padded = len(low) == len(high) and (low.startswith("0") or high.startswith("0"))
    numbers = (str(i).zfill(len(low)) if padded else str(i) for i in range(int(low), int(high) + 1))
    return [find_column(header, stem + number, option) for number in numbers]
