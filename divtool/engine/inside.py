"""Files that hold predictions beside their labels: scored side by side, none is the labels of the others."""

from __future__ import annotations

import os
from dataclasses import replace

from divtool.engine.candidates import FEWEST, takes_candidates
from divtool.engine.naming import first_difference
from divtool.engine.operands import named_files, ways_of
from divtool.engine.request import Request
from divtool.errors import InputError
from divtool.formats.opening import file_and_key, open_file
from divtool.formats.source import Container, Source
from divtool.meaning.members import choose_member, labels_beside


def with_labels_inside(request: Request) -> Request:
    """The request of a loss over files each of which holds both, with the labels that they share as the last operand.

    Raises :class:`InputError` where their labels differ: rows are then not the same, and cannot be compared.
    """
    verb = request.asked
    if not takes_candidates(verb) or verb.operands[-1].role != "target" or request.reading.label_col is not None:
        return request
    files = named_files(request.operands, request.reading)
    if len(files) < FEWEST or not all(isinstance(each, str | os.PathLike) for each in files):
        return request
    inside = [_labels_of(os.fspath(each), request) for each in files]
    if any(each is None for each in inside):
        return request
    first, *others = [each for each in inside if each is not None]
    for path, source in others:
        _refuse_other_labels(first[1], source, path)
    return replace(request, operands=[*files, first[0]])


def _labels_of(path: str, request: Request) -> tuple[str, Source] | None:
    """The labels beside the predictions of a file, by a name that opens them; None where it does not hold both."""
    plain, key = file_and_key(path)
    if not os.path.isfile(plain):
        return None
    found = open_file(plain, ways_of(request.reading))
    if not isinstance(found, Container):
        return None
    labels = labels_beside(found)
    if labels is None or key == labels:
        return None
    try:
        choose_member(found, key, "q")
    except InputError:
        return None
    return f"{plain}:{labels}", found.open(labels)


def _refuse_other_labels(own: Source, other: Source, path: str) -> None:
    way = f"score them one by one; or name the labels that count, as the last file: {own.header.path}"
    if own.count() != other.count():
        raise InputError(
            f"holds {other.count():,} labels, {own.header.path} holds {own.count():,}; expected those of the same rows",
            path=path, hint=way,
        )  # fmt: skip
    found = first_difference((own, 0), (other, 0))
    if found is not None:
        row, mine, theirs = found
        raise other.place_of(row).refusal(
            f"the label is {theirs}, in {own.header.path} it is {mine}; expected those of the same rows", hint=way
        )
