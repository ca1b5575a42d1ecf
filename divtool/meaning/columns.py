"""Which columns are classes, which names the rows, which holds the label: pure decisions, with their reasons."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from divtool.errors import InputError
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Header
from divtool.meaning.grammar import chosen_columns, find_column
from divtool.meaning.ids import id_like
from divtool.meaning.members import table_like
from divtool.registry import suggestion

_LABEL = re.compile(
    r"(true|gold|target|actual)?[_ -]?(labels?|target|class|y|truth|ground[_ ]truth|gold|outcome|actual)|y_true"
    r"|(class|category|label|target|cls)[_ -]?(id|idx|index)"
)
_ASIDE = re.compile(
    r"(sample_?)?weights?|split|fold|time|timestamp|date|datetime|epoch|step|year|season|month|loss|nll|ce|kl|score|conf|confidence|entropy"
    r"|margin|correct|preds?|predictions?|predicted|predicted_label|y_pred|argmax|uncertainty|energy|lse|logsumexp"
    r"|(max|top|target|true)_?(prob|logit|logprob)s?|(prob|logit|logprob)s?_?max|temperature|lr|learning_rate|latency(_ms)?"
    r"|duration|length|len|ppl|perplexity|distance|price|age"
)
# Words of a column that says how likely something is, and of one that says whether it came to be.
_CHANCE = re.compile(r"(.*[^a-z])?(prob(?!lem)|proba|logit|logprob|softmax|vote)[a-z]*([^a-z].*)?")
_CODED = re.compile(r".+[_ -]?(id|idx|index)")
_ABOUT = ("image", "filename", "file", "path", "url", "name", "user", "source", "set", "text", "sentence", "comment",
          "lang")  # fmt: skip
_SCORE = re.compile(r"scores?|conf|confidence|pred|prediction|y_pred|y_score")
_OUTCOME = re.compile(r".+[_ .-](outcome|label|target|truth|true|actual)")
_INDEX = re.compile(r"__index_level_\d+__|unnamed: 0|")


_ODD = "holds no plain numbers"


@dataclass(frozen=True)
class Columns:
    """Positions in the file: ``classes`` in the order of the file, ``excluded`` as (name, reason)."""

    classes: tuple[int, ...] | range
    id: int | None
    label: int | None
    excluded: tuple[tuple[str, str], ...] = ()


def aside_like(name: str) -> bool:
    """Whether a column of this name usually says something else of a row than a class or the truth."""
    return _ASIDE.fullmatch(name.strip().lower()) is not None


def label_like(name: str) -> bool:
    """Whether a column of this name usually holds the truth."""
    return _LABEL.fullmatch(name.strip().lower()) is not None


def chance_like(name: str) -> bool:
    """Whether a column of this name usually says how likely something is.

    >>> [chance_like(name) for name in ("prob1", "y_pred_proba_cat", "seizure_vote", "problem", "prob1_outcome")]
    [True, True, True, False, False]
    """
    plain = name.strip().lower()
    return _CHANCE.fullmatch(plain) is not None and _OUTCOME.fullmatch(plain) is None


def decide_matrix(
    header: Header, *, id: int | None, label: int | None, chosen: str | None, first_counts: bool,
    taken: Mapping[int, str] = MappingProxyType({}), least: int = 2, of_two: bool = False,
    beside: Sequence[Header] = (),
) -> Columns:  # fmt: skip
    """The class columns of a table: those asked for, else those of the one field that holds rows of numbers, else
    every numeric column that is not something else by its name.

    ``first_counts`` says that the first column counts the rows 0, 1, 2, ... (a saved index); ``taken`` are columns that
    serve something else, and what; ``least`` columns there must be, or, if ``of_two``, one that speaks of two classes;
    ``beside`` are the other files of the run, whose columns ``chosen`` may leave out too.
    """
    used = {**taken, **({} if label is None else {label: "label"}), **({} if id is None else {id: "names the rows"})}
    if chosen is not None:
        named, dropped = chosen_columns(header, chosen, "--columns", beside)
        taken_too = [column for column in named if column in used and column not in dropped]
        if taken_too:
            raise InputError(
                f"--columns asks for it as a class, but it is something else: {used[taken_too[0]]}",
                path=header.path,
                column=header.name(taken_too[0]),
                hint="leave it out of --columns",
            )
        if named:
            kept = [column for column in named if column not in dropped and column not in used]
            return _checked(header, _asked_for(header, kept, used, id, label), least, of_two=of_two)
        used = dict.fromkeys(dropped, "not asked for") | used
    if header.vectors:
        return _checked(header, _of_vector(header, used, id, label), least, of_two=of_two)
    if header.names is None and not used:
        return _checked(header, _positions(header), least, of_two=of_two)
    excluded: list[tuple[str, str]] = []
    classes: list[int] = []
    for column in range(header.width):
        reason = used.get(column) or _reason(header, column, first_counts=first_counts)
        if reason:
            excluded.append((header.name(column), reason))
        else:
            classes.append(column)
    columns = _named_for_it(header, Columns(tuple(classes), id, label, tuple(excluded)))
    # Where a column is left out for its type alone, the one that remains need not be all there is.
    of_two = of_two and all(reason != _ODD for _, reason in excluded)
    return _checked(header, _a_score(header, columns) if of_two or least == 1 else columns, least, of_two=of_two)


def _positions(header: Header) -> Columns:
    if not header.width or header.types[0] not in (TEXT, OTHER):
        return Columns(range(header.width), None, None)
    texts = tuple((header.name(i), "text") for i in range(header.width) if header.types[i] in (TEXT, OTHER))
    return Columns(tuple(i for i in range(header.width) if header.types[i] not in (TEXT, OTHER)), None, None, texts)


def _reason(header: Header, column: int, *, first_counts: bool) -> str:
    """Why a column is no class, empty if it may be one."""
    name = header.name(column).strip().lower()
    if header.types[column] == OTHER:
        return _ODD
    if header.types[column] == TEXT:
        return "a label by its name" if header.names is not None and label_like(name) else "text"
    if header.names is not None and _INDEX.fullmatch(name):
        return "a saved index"
    if column == 0 and first_counts and header.types[0] == INTEGER and header.names is not None:
        return "counts the rows"
    # Fractions are neither ids nor labels, whatever they are called: x, y, z may be three classes.
    kept_by_name = header.types[column] == INTEGER and (id_like(header.name(column)) or label_like(name))
    if header.names is not None and (kept_by_name or _ASIDE.fullmatch(name) or _OUTCOME.fullmatch(name)):
        return "by its name no class"
    return ""


def _named_for_it(header: Header, columns: Columns) -> Columns:
    """Where some columns are called probabilities or logits and others are not, those are the classes."""
    named = tuple(column for column in columns.classes if header.names is not None and chance_like(header.name(column)))
    if len(named) < 2 or len(named) == len(columns.classes):
        return columns
    why = f'not called like "{header.name(named[0])}"'
    rest = tuple((header.name(column), why) for column in columns.classes if column not in named)
    return replace(columns, classes=named, excluded=columns.excluded + rest)


def _a_score(header: Header, columns: Columns) -> Columns:
    """The one column called a score, where there is no other: it speaks of two classes."""
    scores = [i for i, name in enumerate(header.names or ()) if _SCORE.fullmatch(name.strip().lower())]
    if columns.classes or len(scores) != 1 or header.types[scores[0]] != FLOAT:
        return columns
    rest = tuple(pair for pair in columns.excluded if pair[0] != header.name(scores[0]))
    return replace(columns, classes=(scores[0],), excluded=rest)


def _asked_for(
    header: Header, classes: Sequence[int], used: Mapping[int, str], id: int | None, label: int | None
) -> Columns:  # fmt: skip
    for column in classes:
        if header.types[column] == OTHER or (header.types[column] == TEXT and not header.lines):
            raise InputError(
                "holds no numbers; a class column must", path=header.path, column=header.name(column),
                hint="choose others with --columns",
            )  # fmt: skip
    whole = next((each for each in header.vectors if list(classes) == list(each.columns)), None)
    return Columns(
        tuple(classes) if whole is None else whole.columns,
        id,
        label,
        _not_among(header, classes, used, "not asked for"),
    )


def _of_vector(header: Header, used: Mapping[int, str], id: int | None, label: int | None) -> Columns:
    """The classes of a table in which whole rows of numbers stand in one cell."""
    fitting = [each for each in header.vectors if each.first not in used]
    if len(fitting) > 1:
        # Ids of tokens or classes are whole numbers; they stand beside what is said of them.
        fitting = [each for each in fitting if header.types[each.first] != INTEGER] or fitting
    if len(fitting) > 1:
        fitting = [each for each in fitting if table_like(each.name)] or fitting
    if len(fitting) != 1:
        names = ", ".join(f'"{each.name}"' for each in fitting)
        raise InputError(
            f"several columns hold rows of numbers: {names}" if fitting else "no column is left that holds classes",
            path=header.path, hint=f"choose one: --columns {fitting[0].name}" if fitting else "see --columns",
        )  # fmt: skip
    columns = fitting[0].columns
    return Columns(columns, id, label, _not_among(header, columns, used, f'beside the rows of "{fitting[0].name}"'))


def _not_among(
    header: Header, classes: Sequence[int], used: Mapping[int, str], why: str
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """What else there is, each field once, and why it is no class."""
    inside = {column: each for each in header.vectors for column in each.columns}
    chosen, said = set(classes), []
    for column in range(header.width):
        vector = inside.get(column)
        if column in chosen or (vector is not None and column != vector.first):
            continue
        said.append((header.name(column) if vector is None else vector.name, used.get(column, why)))
    return tuple(said)


def _checked(header: Header, columns: Columns, wanted: int, *, of_two: bool) -> Columns:
    if len(columns.classes) >= (1 if of_two else wanted):
        return columns
    left_out = "; ".join(f'"{name}": {reason}' for name, reason in columns.excluded[:6])
    found = "no column" if not columns.classes else f'only the column "{header.name(columns.classes[0])}"'
    raise InputError(
        f"{found} can be {'a class' if wanted == 2 else 'taken'}; expected at least {'two' if wanted == 2 else 'one'}"
        + (f" (left out: {left_out})" if left_out else ""),
        path=header.path, hint="name the class columns: --columns a,b,c",
    )  # fmt: skip


def labels_in(header: Header) -> list[int]:
    """The columns of a table of predictions that may hold its labels: by their names, or, in a text without names, the
    one of whole numbers beside others."""
    if header.names is not None:
        return [i for i, name in enumerate(header.names) if label_like(name)]
    whole = [i for i in range(header.width) if header.lines and header.types[i] == INTEGER]
    return whole if len(whole) == 1 and header.width > 1 and FLOAT in header.types else []


def outcomes_of(header: Header) -> list[int]:
    """The columns that say for each class whether it came to be, by their names: at least two."""
    found = [i for i, name in enumerate(header.names or ()) if _OUTCOME.fullmatch(name.strip().lower())]
    return found if len(found) > 1 else []


def find_weight(headers: Sequence[Header], truth: Sequence[bool], name: str) -> tuple[int, int]:
    """Which file holds the column that weighs the rows, and where: a file of the truth before the others."""
    found = find_anywhere(headers, truth, name)
    if found is None:
        raise no_such_column(headers, name, "--sample-weight")
    header, column = headers[found[0]], found[1]
    if header.types[column] in (TEXT, OTHER) and not header.lines:
        raise InputError("holds no numbers (--sample-weight)", path=header.path, column=name)
    return found


def find_anywhere(headers: Sequence[Header], truth: Sequence[bool], name: str) -> tuple[int, int] | None:
    """The first file that has a column of this name, and where: a file of the truth before the others."""
    for i in sorted(range(len(headers)), key=lambda i: not truth[i]):
        column = headers[i].find(name)
        if column is not None and (headers[i].names is not None or truth[i]):
            return i, column
    return None


def no_such_column(headers: Sequence[Header], name: str, flag: str) -> InputError:
    """The error for a column that no file has."""
    named = [header for header in headers if header.names is not None]
    known = list(dict.fromkeys(header.name(i) for header in named for i in range(min(header.width, 1000))))
    return InputError(f'no file has a column "{name}" ({flag})', hint=suggestion(name, known))


def decide_label(
    header: Header, *, id: int | None, named: str | None, aside: Collection[int] = ()
) -> int | None:  # fmt: skip
    """The label column of a labels file; None when the file holds soft rows instead. ``aside`` are columns that are
    used for something else."""
    if named is not None:
        return find_column(header, named, "the name after the file's")
    rest = [i for i in range(header.width) if i != id and i not in aside and not _is_index(header, i)]
    if len(rest) == 1:
        return rest[0]
    if header.names is None:
        return None
    named_so = [i for i in rest if label_like(header.names[i])]
    # A label says more than the id of one.
    named_so = [i for i in named_so if not _CODED.fullmatch(header.names[i].strip().lower())] or named_so
    if len(named_so) == 1:
        return named_so[0]
    texts = [i for i in rest if header.types[i] == TEXT and not _beside(header.names[i])]
    if not texts and not named_so:
        return None
    if len(texts) == 1 and not named_so:
        return texts[0]
    candidates = ", ".join(f'"{header.name(i)}"' for i in (named_so or texts)[:6])
    raise InputError(
        f"several columns may hold the label: {candidates}", path=header.path,
        hint=f"name it after the file: {header.path}:COLUMN",
    )  # fmt: skip


def _beside(name: str) -> bool:
    """Whether a column of this name says something about a row that is no class: a fold, a file, a time."""
    plain = name.strip().lower()
    return id_like(plain) or _ASIDE.fullmatch(plain) is not None or plain in _ABOUT


def _is_index(header: Header, column: int) -> bool:
    return header.names is not None and _INDEX.fullmatch(header.names[column].strip().lower()) is not None


def describe_excluded(excluded: Sequence[tuple[str, str]]) -> str:
    """The columns left out and why, on one line."""
    shown = ", ".join(f'"{name}" ({reason})' for name, reason in excluded[:5])
    return shown + (f" and {len(excluded) - 5} more" if len(excluded) > 5 else "")
