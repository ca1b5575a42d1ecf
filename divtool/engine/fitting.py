"""Which commands fit the files at hand: each is tried as far as a run can be checked before a row is scored."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import permutations
from typing import Any, TypeAlias

from divtool.errors import DivtoolError
from divtool.result import Inspection

Candidate: TypeAlias = tuple[str, tuple[str, ...], Mapping[str, Any]]

# Pairs among more files than these would fill more than a screen.
_MOST_PAIRED = 6
# Options that say what classes are; labels have none.
_OF_CLASSES = ("given", "columns", "normalize")
_TABLES = ("logits", "log-probs", "probs", "counts")


def fitting_commands(
    seen: Sequence[Inspection], options: Mapping[str, Any], fits: Callable[[Candidate], None]
) -> list[tuple[str, ...]]:
    """The commands for each of the files: those that ``fits`` lets pass, then those that need a further file.

    Of several files, commands that take two of them stand with the first.
    """
    commands = [list(_tried(_alone(each, options), fits)) for each in seen]
    pairs = permutations([each for each in seen[:_MOST_PAIRED] if not each.doubts], 2)
    both = list(_tried(((candidate,) for a, b in pairs for candidate in _of_two(a, b, options)), fits))
    for each, own in zip(seen, commands, strict=True):
        if each is seen[0]:
            own += both
        if len(seen) == 1:
            scored = any(command.startswith("divtool ce ") for command in own)
            own += [command for command in _with_another(each, options) if not (scored and " LABELS" in command)]
    return [tuple(own) for own in commands]


def _tried(groups: Iterator[Sequence[Candidate]], fits: Callable[[Candidate], None]) -> Iterator[str]:
    """Of each group of ways to ask the same, the first that fits."""
    for group in groups:
        for candidate in group:
            with suppress(DivtoolError):
                fits(candidate)
                yield command_line(candidate)
                break


def _alone(seen: Inspection, options: Mapping[str, Any]) -> Iterator[Sequence[Candidate]]:
    """What can be asked of one file, each question in the ways it may be typed."""
    if seen.kind not in _TABLES:
        return
    path = (seen.path,)
    columns: list[dict[str, Any]] = [{}]
    if seen.labels is not None:
        columns.append({"label_col": "0" if seen.labels.column is None else seen.labels.column})
    if seen.outcomes:
        columns.append({"label_col": ",".join(seen.outcomes)})
    options = {**options, **_accepting(seen)}
    yield [("ce", path, {**options, **each}) for each in columns]
    yield [("entropy", path, options)]
    if seen.kind == "logits":
        yield [("softmax", path, options)]


def _accepting(seen: Inspection) -> dict[str, Any]:
    """The options without which a row of the file would be refused."""
    hints = " ".join(hint for _, hint in seen.doubts)
    wanted: dict[str, Any] = {"normalize": True} if "--normalize" in hints else {}
    return wanted | ({"missing": "drop"} if "--missing drop" in hints else {})


def _of_two(a: Inspection, b: Inspection, options: Mapping[str, Any]) -> Iterator[Candidate]:
    if None not in (a.rows, b.rows) and a.rows != b.rows:
        return
    if a.kind in _TABLES and b.kind is None and b.labels is not None:
        yield "ce", (a.path, b.path), options
    if a.kind in _TABLES and b.kind in _TABLES and a.path < b.path:
        yield "kl", (a.path, b.path), options
    if a.path < b.path and all(each.kind is None and each.labels is not None for each in (a, b)):
        yield "joint", (a.path, b.path), {name: value for name, value in options.items() if name not in _OF_CLASSES}


def _with_another(seen: Inspection, options: Mapping[str, Any]) -> list[str]:
    """Commands that take a file which is not at hand."""
    if seen.kind in _TABLES:
        said: list[Candidate] = [] if seen.labels is not None else [("ce", (seen.path, "LABELS"), options)]
        return [command_line(each) for each in (*said, ("kl", (seen.path, "OTHER"), options))]
    if seen.labels is not None:
        return [command_line(("ce", ("PREDICTIONS", seen.path), {}))]
    hints = " ".join(hint for _, hint in seen.doubts)
    said = [("bce", (seen.path, "LABELS"), options)] if "divtool bce" in hints else []
    said += [("entropy", (seen.path,), {**options, "given": "counts"})] if "--given counts" in hints else []
    return [command_line(each) for each in said]


def command_line(candidate: Candidate) -> str:
    """As it can be typed in a shell.

    >>> command_line(("ce", ("my preds.csv",), {"label_col": "y", "no_header": True}))
    "divtool ce 'my preds.csv' --label-col y --no-header"
    """
    verb, paths, options = candidate
    words = ["divtool", verb, *paths]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is not None and value is not False:
            words += [flag] if value is True else [flag, str(value)]
    return shlex.join(words)
