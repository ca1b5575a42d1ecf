"""Several files scored by one verb in one pass: each has a role of its own, and each measure is asked of each of them.

The operand that all share (the reference of a comparison, the labels of a loss) keeps its role. The first candidate is
q, as in a run of one; the others are q1, q2, ...
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from divtool.engine.asked import Asked
from divtool.measures.declare import Declaration, Operand

CANDIDATE = "q"
# Fewer files than this have nothing to be compared with.
FEWEST = 2


def base_of(role: str | None) -> str | None:
    """The role in the formula that a role of a run stands for.

    >>> base_of("q12"), base_of("p"), base_of("member0")
    ('q', 'p', 'member')
    """
    return None if role is None else role.rstrip("0123456789")


def takes_candidates(declared: Declaration) -> bool:
    """Whether several files may stand for the model: where one other file, or none, is all that there is besides."""
    return not declared.is_transform and set(declared.roles) in ({"p", "q"}, {"q", "target"})


def shared_last(declared: Declaration) -> bool:
    """Whether the shared file is the last operand: the labels of a loss."""
    return takes_candidates(declared) and declared.operands[-1].role != CANDIDATE


def operands_of(declared: Declaration, given: int) -> list[Operand]:
    """The operands of a verb that was given so many files; where one stands for many, each has a role of its own:
    member0, member1, ... or q, q1, q2, ..."""
    operands = list(declared.operands)
    if operands[-1].many:
        return [replace(operands[-1], role=f"{operands[-1].role}{i}") for i in range(max(given, FEWEST))]
    if not takes_candidates(declared) or given <= len(operands):
        return operands
    place = next(i for i, each in enumerate(operands) if each.role == CANDIDATE)
    more = [replace(operands[place], role=f"{CANDIDATE}{i}") for i in range(1, given - len(operands) + 1)]
    return [*operands[: place + 1], *more, *operands[place + 1 :]]


def for_each_candidate(asked: Sequence[Asked], roles: Sequence[str]) -> list[Asked]:
    """The measures of a run for each of its candidates, whose roles these are: all of the first, then of the next."""
    if len(roles) < FEWEST:
        return list(asked)
    found = []
    for place, role in enumerate(roles):
        for each in asked:
            if CANDIDATE in dict(each.roles).values():
                mapped = tuple((own, role if other == CANDIDATE else other) for own, other in each.roles)
                found.append(replace(each, roles=mapped, candidate=place))
            elif place == 0:
                found.append(each)
    return found


def for_every_pair(asked: Sequence[Asked], roles: Sequence[str]) -> list[Asked]:
    """The measures of a run between every two of its files, and of each with itself: of a symmetric measure once, else
    both ways. The places of their pairs are those of :func:`pairs_of`."""
    found = []
    for place, (i, j) in enumerate(pairs_of(len(roles))):
        for each in asked:
            if set(dict(each.roles).values()) != {"p", "q"} or (j < i and "symmetric" in each.declared.laws):
                continue
            own = {"p": roles[i], "q": roles[j]}
            mapped = tuple((role, own[other]) for role, other in each.roles)
            found.append(replace(each, roles=mapped, candidate=place))
    return found


def pairs_of(count: int) -> list[tuple[int, int]]:
    """The places of every two of so many files, each with itself among them."""
    return [(i, j) for i in range(count) for j in range(count)]


def names_of_pairs(names: Sequence[str]) -> tuple[str, ...]:
    """What the pairs are called.

    >>> names_of_pairs(("a", "b"))
    ('a || a', 'a || b', 'b || a', 'b || b')
    """
    return tuple(f"{names[i]} || {names[j]}" for i, j in pairs_of(len(names)))


def short_names(paths: Sequence[str]) -> tuple[str, ...]:
    """Names that tell files apart: as many of the last pieces of their paths as it takes, without the name of the array
    if it is the same in all of them.

    >>> short_names(["runs/1/logits.npy", "runs/2/logits.npy"]), short_names(["a/x.npy", "b/y.npy", "b/y.npy"])
    (('1/logits.npy', '2/logits.npy'), ('x.npy', 'y.npy', 'y.npy (2)'))
    """
    arrays = {path.rpartition(":")[2] for path in paths}
    if len(arrays) == 1 and all(":" in path for path in paths) and "/" not in next(iter(arrays)):
        paths = [path.rpartition(":")[0] for path in paths]
    pieces = [path.replace(os.sep, "/").rstrip("/").split("/") for path in paths]
    distinct = len(set(map(tuple, pieces)))
    names: list[str] = []
    for length in count(1):
        names = ["/".join(each[-length:]) for each in pieces]
        if len(set(names)) == distinct:
            break
    return tuple(name if name not in names[:i] else f"{name} ({names[: i + 1].count(name)})"
                 for i, name in enumerate(names))  # fmt: skip
