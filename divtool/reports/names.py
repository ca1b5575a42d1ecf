"""Names of candidates as a screen or a picture has room for them: what tells them apart is what stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from divtool.reports.safetext import safe

_GONE = "..."
# A shorter end, such as the suffix of a file, is no more in the way than the dots in its place.
_WORTH_IT = 8


def short_names(names: Sequence[str], width: int = 48) -> dict[str, str]:
    """What tells names apart: without the folder that all of them lie in, harmless, and no longer than a width.

    >>> short_names(["runs/a/x.npy", "runs/b/x.npy"])
    {'runs/a/x.npy': 'a/x.npy', 'runs/b/x.npy': 'b/x.npy'}
    """
    folders = [name.split("/")[:-1] for name in names] if len(names) > 1 else [[]]
    shared = list(takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False)))
    shown = told_apart(["/".join(name.split("/")[len(shared) :]) for name in names], width)
    return dict(zip(names, shown, strict=True))


def told_apart(names: Sequence[str], width: int) -> list[str]:
    """Harmless names no longer than a width. Where one is too long, all lose a long end that they have in common; else
    each its middle; else the common beginning and end: the first of these that leaves different names different. If
    none does, names that look the same are numbered.

    >>> told_apart(["wideresnet-16-4-cifar-10.npz", "lenet-5-cifar-10.npz"], 20)
    ['wideresnet-16-4...', 'lenet-5...']
    >>> told_apart(["the-run-of-may-a-of-all.npy", "the-run-of-may-b-of-all.npy"], 8)
    ['...a...', '...b...']
    """
    whole = [safe(name, 4096) for name in names]
    if max(map(len, whole), default=0) <= width:
        return whole
    start, end = _common(whole)
    without_end = [name[: len(name) - len(end)] + _GONE for name in whole] if end else whole
    between = [(_GONE if start else "") + name[len(start) :] for name in without_end]
    plain = len(end) > _WORTH_IT and max(map(len, without_end)) <= width
    tries = [without_end] if plain else [whole, without_end, between]
    cut = [[safe(name, width) for name in each] for each in tries]
    return next((each for each in cut if len(set(each)) == len(set(whole))), None) or _numbered(tries[-1], width)


def _numbered(names: Sequence[str], width: int) -> list[str]:
    """Names cut in the middle, with a number behind those that look the same."""
    cut = [safe(name, width - len(f" ({len(names)})")) for name in names]
    return [
        name if cut.count(name) == 1 else f"{name} ({cut[: place + 1].count(name)})" for place, name in enumerate(cut)
    ]


def _common(names: Sequence[str]) -> tuple[str, str]:
    """The whole words that all names begin and end with: no number or word is cut in two."""
    if len(set(names)) < 2:
        return "", ""
    start = _beginning(names)
    start = start[: len(start) - len(_last_word(start))]
    rest = [name[len(start) :] for name in names]
    end = _beginning([name[::-1] for name in rest])[::-1]
    found = re.search(r"[^0-9A-Za-z]", end)
    end = end[found.start() :] if found else ""
    # What stands in its place would be as long.
    return "" if len(start) <= len(_GONE) else start, "" if len(end) <= len(_GONE) else end


def _beginning(names: Sequence[str]) -> str:
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


def _last_word(text: str) -> str:
    found = re.search(r"[0-9A-Za-z]*\Z", text)
    return found[0] if found else ""
