"""Which columns are classes, which names the rows, which holds the label: pure decisions, with their reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from divtool.errors import InputError, UsageError
from divtool.formats.source import INTEGER, OTHER, TEXT, Header
from divtool.registry import suggestion

_ID = re.compile(r"(row|example|sample|item|record|image|case|object)?[_ -]?(id|ids|uid|uuid|guid|key|index|idx)|.+_id")
_LABEL = re.compile(
    r"(true|gold|target|actual)?[_ -]?(labels?|target|class|y|truth|ground[_ ]truth|gold|outcome)|y_true"
)
_ASIDE = re.compile(
    r"(sample_?)?weights?|split|fold|time|timestamp|date|datetime|epoch|step|loss|nll|ce|kl|score|conf|confidence|entropy"
    r"|margin|correct|pred|preds|prediction|predicted|predicted_label|y_pred|argmax"
)
_INDEX = re.compile(r"__index_level_\d+__|unnamed: 0|")


@dataclass(frozen=True)
class Columns:
    """Positions in the file: ``classes`` in the order of the file, ``excluded`` as (name, reason)."""

    classes: tuple[int, ...] | range
    id: int | None
    label: int | None
    excluded: tuple[tuple[str, str], ...] = ()


def id_like(name: str) -> bool:
    """Whether a column of this name usually names rows."""
    return _ID.fullmatch(name.strip().lower()) is not None


def label_like(name: str) -> bool:
    """Whether a column of this name usually holds the truth."""
    return _LABEL.fullmatch(name.strip().lower()) is not None


def find_column(header: Header, name: str, option: str) -> int:
    """The position of a column that an option names; :class:`InputError` with close names otherwise."""
    position = header.find(name)
    if position is None:
        known = [header.name(i) for i in range(min(header.width, 1000))]
        raise InputError(f'has no column "{name}" ({option})', path=header.path, hint=suggestion(name, known))
    return position


def find_id(header: Header, wanted: str | None) -> int | None:
    """The column that names the rows: the one asked for, else the only one with a name that says so."""
    if wanted is not None:
        position = find_column(header, wanted, "--id")
        if not _can_name(header, position):
            raise InputError(
                f"holds {header.dtype}; rows are named by whole numbers or text (--id)", path=header.path,
                column=header.name(position), hint="choose another column, or save the ids as integers",
            )  # fmt: skip
        return position
    if header.names is None:
        return None
    named = [i for i, name in enumerate(header.names) if id_like(name) and header.types[i] in (INTEGER, TEXT)]
    if len(named) > 1:
        # A column of ids says more than the index that a data frame was saved with.
        named = [i for i in named if header.names[i].strip().lower() != "index"]
    return named[0] if len(named) == 1 else None


def _can_name(header: Header, column: int) -> bool:
    """Whether entries can be compared exactly: text always, doubles only where an array has one type for all columns
    (they must then be whole numbers, which the reader sees to)."""
    return header.lines or header.names is None or header.types[column] in (INTEGER, TEXT)


def decide_matrix(
    header: Header, *, id: int | None, label: int | None, chosen: str | None, first_counts: bool,
    weight: int | None = None, least: int = 2,
) -> Columns:  # fmt: skip
    """The class columns of a table: those asked for, else every numeric column that is not something else by its name.

    ``first_counts`` says that the first column counts the rows 0, 1, 2, ... (a saved index); ``weight`` is the column
    that weighs the rows; ``least`` columns there must be.
    """
    if header.names is None and chosen is None and id is None and label is None and weight is None:
        return _positions(header, least)
    excluded: list[tuple[str, str]] = []
    classes: list[int] = []
    wanted = _grammar(header, chosen) if chosen is not None else None
    for column in range(header.width):
        taken = "weighs the rows" if column == weight else ""
        reason = taken or _reason(header, column, id=id, label=label, first_counts=first_counts, wanted=wanted)
        if reason:
            excluded.append((header.name(column), reason))
        else:
            classes.append(column)
    if wanted is not None and wanted[0]:
        classes = [column for column in wanted[0] if column in classes]
    return _checked(header, Columns(tuple(classes), id, label, tuple(excluded)), least)


def _positions(header: Header, least: int) -> Columns:
    if header.width and header.types[0] in (TEXT, OTHER):
        return _checked(header, Columns(tuple(i for i in range(header.width) if header.types[i] not in (TEXT, OTHER)),
                                        None, None, _texts(header)), least)  # fmt: skip
    return _checked(header, Columns(range(header.width), None, None), least)


def _texts(header: Header) -> tuple[tuple[str, str], ...]:
    return tuple((header.name(i), "text") for i in range(header.width) if header.types[i] in (TEXT, OTHER))


def _reason(
    header: Header, column: int, *, id: int | None, label: int | None, first_counts: bool,
    wanted: tuple[list[int], set[int]] | None,
) -> str:  # fmt: skip
    name = header.name(column).strip().lower()
    if column == id:
        return "names the rows"
    if column == label:
        return "label"
    if wanted is not None:
        chosen, dropped = wanted
        if column in dropped or (chosen and column not in chosen):
            return "not asked for"
        if column in chosen:
            if header.types[column] == OTHER or (header.types[column] == TEXT and not header.lines):
                raise InputError(
                    "holds no numbers; a class column must", path=header.path, column=header.name(column),
                    hint="choose others with --columns",
                )  # fmt: skip
            return ""
    if header.types[column] == OTHER:
        return "holds no plain numbers"
    if header.types[column] == TEXT:
        return "text"
    if header.names is not None and _INDEX.fullmatch(name):
        return "a saved index"
    if column == 0 and first_counts and header.types[0] == INTEGER and header.names is not None:
        return "counts the rows"
    # Fractions are neither ids nor labels, whatever they are called: x, y, z may be three classes.
    kept_by_name = header.types[column] == INTEGER and (id_like(name) or label_like(name))
    if header.names is not None and (kept_by_name or _ASIDE.fullmatch(name)):
        return "by its name no class"
    return ""


def _grammar(header: Header, chosen: str) -> tuple[list[int], set[int]]:
    """``a,b`` takes columns in that order, ``!c`` leaves one out."""
    taken: list[int] = []
    dropped: set[int] = set()
    for word in (piece.strip() for piece in chosen.split(",")):
        position = find_column(header, word.removeprefix("!"), "--columns")
        if word.startswith("!"):
            dropped.add(position)
        elif position in taken:
            raise UsageError(f'--columns names the column "{word}" twice')
        else:
            taken.append(position)
    return taken, dropped


def _checked(header: Header, columns: Columns, least: int) -> Columns:
    if len(columns.classes) >= least:
        return columns
    left_out = "; ".join(f'"{name}": {reason}' for name, reason in columns.excluded[:6])
    found = "no column" if not columns.classes else f'only the column "{header.name(columns.classes[0])}"'
    single = (
        "one probability of two? divtool bce scores it; else write both, 1 - p and p, or name the classes:"
        " --columns a,b,c"
        if len(columns.classes) == 1
        else ""
    )
    raise InputError(
        f"{found} can be {'a class' if least == 2 else 'taken'}; expected at least {'two' if least == 2 else 'one'}"
        + (f" (left out: {left_out})" if left_out else ""),
        path=header.path, hint=single or "name the class columns: --columns a,b,c",
    )  # fmt: skip


def find_weight(headers: Sequence[Header], truth: Sequence[bool], name: str) -> tuple[int, int]:
    """Which file holds the column that weighs the rows, and where: a file of the truth before the others."""
    order = sorted(range(len(headers)), key=lambda i: not truth[i])
    for i in order:
        column = headers[i].find(name)
        if column is not None and (headers[i].names is not None or truth[i]):
            if headers[i].types[column] in (TEXT, OTHER) and not headers[i].lines:
                raise InputError("holds no numbers (--sample-weight)", path=headers[i].path, column=name)
            return i, column
    known = [header.name(i) for header in headers for i in range(min(header.width, 1000)) if header.names is not None]
    raise InputError(f'no file has a column "{name}" (--sample-weight)', hint=suggestion(name, known))


def decide_label(header: Header, *, id: int | None, named: str | None, weight: int | None = None) -> int | None:
    """The label column of a labels file; None when the file holds soft rows instead."""
    if named is not None:
        return find_column(header, named, "the name after the file's")
    rest = [i for i in range(header.width) if i not in (id, weight) and not _is_index(header, i)]
    if len(rest) == 1:
        return rest[0]
    if header.names is None:
        return None
    named_so = [i for i in rest if label_like(header.names[i])]
    if len(named_so) == 1:
        return named_so[0]
    texts = [i for i in rest if header.types[i] == TEXT]
    if not texts and not named_so:
        return None
    if len(texts) == 1 and not named_so:
        return texts[0]
    candidates = ", ".join(f'"{header.name(i)}"' for i in (named_so or texts)[:6])
    raise InputError(
        f"several columns may hold the label: {candidates}", path=header.path,
        hint=f"name it after the file: {header.path}:COLUMN",
    )  # fmt: skip


def _is_index(header: Header, column: int) -> bool:
    return header.names is not None and _INDEX.fullmatch(header.names[column].strip().lower()) is not None


def describe_excluded(excluded: Sequence[tuple[str, str]]) -> str:
    """The columns left out and why, on one line."""
    shown = ", ".join(f'"{name}" ({reason})' for name, reason in excluded[:5])
    return shown + (f" and {len(excluded) - 5} more" if len(excluded) > 5 else "")
