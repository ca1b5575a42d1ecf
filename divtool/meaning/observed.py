"""What a table says of a distribution over whole numbers: outcomes with their weights in two columns, weights alone in
a column or in a row, or raw samples. Decided by names and content; what could be either is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.formats.source import FLOAT, INTEGER, TEXT, Header
from divtool.numerics.observed import MOST_OUTCOME

Beside = Callable[[], Sequence[tuple[int, bool]]]
Doubles = npt.NDArray[np.float64]

PAIRS, COLUMN, ROW = "outcomes and weights", "a column", "a row"
SAMPLES, COUNTS, PROBS = "samples", "counts", "probs"
GIVEN = (PROBS, COUNTS, SAMPLES)
_SURELY_COUNTS = {"count", "counts", "n", "votes", "cases"}
_COUNTS = {"count", "counts", "n", "freq", "freqs", "frequency", "frequencies", "votes", "cases"}
_PROBS = {"p", "prob", "probs", "probability", "probabilities", "share", "shares", "mass", "proportion", "relative"}
_SAMPLES = {"sample", "samples", "outcome", "outcomes", "draw", "draws"}
_WHOLE = re.compile(r"[+-]?\d{1,300}(\.0)?", re.ASCII)
_NUMBERED = re.compile(r"(\D+)(\d{1,300})", re.ASCII)
_MOST_NAMED = 4


@dataclass(frozen=True)
class Layout:
    """``columns`` are those that are read: of pairs the outcomes' and the weights', of a row one for each of
    ``outcomes``. ``what`` is samples, counts or probs, None where the numbers will say; ``evidence`` is for the reader.
    """

    form: str
    columns: tuple[int, ...]
    what: str | None
    evidence: str
    outcomes: tuple[int, ...] = ()


def decide_layout(
    header: Header, sample: Doubles, columns: Sequence[int], *, given: str | None, chosen: bool, whole: bool,
    beside: Beside = tuple,
) -> Layout:  # fmt: skip
    """How a table is to be read, by its header and the first rows (n, all columns of numbers) of it.

    ``columns`` are those of ``sample``, in the order typed where they were ``chosen``; ``whole``: these are all rows.
    ``beside`` finds the other columns of whole numbers where one was chosen alone, and whether each of their numbers
    stands once, as outcomes do.
    """
    names = [_word(header.name(i)) if header.names is not None else "" for i in columns]
    if len(columns) == 1:
        layout = _of_column(header, sample[:, 0], columns[0], names[0], given, beside)
        _check_texts(header, layout, chosen=chosen)
        return layout
    if given == SAMPLES:
        hint = f"name it: --columns {header.name(columns[-1])} --given samples"
        raise _odd(header, columns, "samples stand in one column", hint)
    single = whole and len(sample) == 1
    if len(columns) == 2 and (chosen or not single or _weights_by_name(names) is not None):
        return _of_pairs(header, sample, columns, names, given, chosen=chosen)
    if single:
        outcomes, evidence = _named_outcomes(header, columns)
        if max(map(abs, outcomes)) > MOST_OUTCOME:
            far = max(outcomes, key=abs)
            raise InputError(
                f"the outcome {far:.6g}, by its column's name, is out of range; expected -2^52 to 2^52",
                path=header.path,
            )
        return Layout(ROW, tuple(columns), given, evidence, outcomes)
    raise _odd(
        header, columns, "expected outcomes with their weights in two columns, one column, or one row",
        "name the columns of outcomes and of their counts or probabilities: --columns OUTCOME,COUNT",
    )  # fmt: skip


def are_whole(values: Doubles) -> bool:
    """Whether numbers (n,) are whole, each of them.

    >>> are_whole(np.array([3.0, 3.0])), are_whole(np.array([3.0, np.nan]))
    (True, False)
    """
    return bool((values == np.floor(values)).all())


def could_be_outcomes(values: Doubles) -> bool:
    """Whether numbers (n,) can be outcomes that have weights: whole numbers, each of them once.

    >>> could_be_outcomes(np.array([3.0, 0.0])), could_be_outcomes(np.array([3.0, 3.0]))
    (True, False)
    """
    return are_whole(values) and len(np.unique(values)) == len(values)


def number_columns(header: Header) -> list[int]:
    """The columns that hold numbers. Raises :class:`InputError` where there are none."""
    found = [i for i in range(header.width) if header.types[i] in (FLOAT, INTEGER)]
    if not found:
        raise InputError("has no column of numbers", path=header.path, hint="outcomes must be whole numbers")
    return found


def what_weights_are(weights: Doubles, name: str, given: str | None) -> str:
    """Whether weights are counts or probabilities: whole numbers are counts, unless their name says otherwise.

    >>> what_weights_are(np.array([3.0, 1.0]), "", None), what_weights_are(np.array([0.0, 1.0]), "p", None)
    ('counts', 'probs')
    """
    if given is not None or _word(name) in _SURELY_COUNTS:
        return given or COUNTS
    whole = bool((weights == np.floor(weights)).all())
    return (
        COUNTS
        if whole
        and not (_word(name) in _PROBS and float(weights.max(initial=0.0)) == 1.0 == float(np.count_nonzero(weights)))
        else PROBS
    )


def _word(name: str) -> str:
    return name.strip().lower()


def _of_column(
    header: Header, sample: Doubles, column: int, name: str, given: str | None,
    beside: Beside,
) -> Layout:  # fmt: skip
    if given is not None:
        evidence = "as given" if given == SAMPLES else "as given, of the outcomes 0, 1, 2, ..."
        return Layout(COLUMN, (column,), given, evidence)
    known = sample[np.isfinite(sample)]
    fractions = bool((known != np.floor(known)).any())
    if fractions or name in _COUNTS:
        what, said = (PROBS, "fractions") if fractions else (COUNTS, f'a column called "{name}"')
        others = beside()
        if others:
            return _with_beside(header, column, others, what)
        return Layout(COLUMN, (column,), what, f"{said}, of the outcomes 0, 1, 2, ...")
    if name in _SAMPLES:
        return Layout(COLUMN, (column,), SAMPLES, f'a column called "{name}"')
    raise InputError(
        f"{_one_column(header, column)} whole numbers: samples, or counts of the outcomes 0, 1, 2, ...?",
        path=header.path, hint=_what_one_is(header, column, beside()),
    )  # fmt: skip


def _with_beside(header: Header, column: int, beside: Sequence[tuple[int, bool]], what: str) -> Layout:
    """Weights that were chosen alone, with the outcomes that stand beside them."""
    able = [each for each, once in beside if once]
    weights = header.name(column)
    if len(able) == 1:
        evidence = f'outcomes in "{header.name(able[0])}", which stands beside the weights in "{weights}"'
        return Layout(PAIRS, (able[0], column), None, evidence)
    said = "several others could be their outcomes"
    hint = f"--given {what} takes them for those of 0, 1, 2, ..."
    if able:
        hint = f"name both, as in --columns {header.name(able[0])},{weights}; {hint}"
    else:
        said = f'numbers repeat in "{header.name(beside[0][0])}" beside it, as outcomes do not'
        hint = f"add up the weights of each; {hint}"
    raise InputError(f'column "{weights}" holds weights; {said}', path=header.path, hint=hint)


def _one_column(header: Header, column: int) -> str:
    return "holds one column of" if header.width == 1 else f'column "{header.name(column)}" holds'


def _what_one_is(header: Header, column: int, beside: Sequence[tuple[int, bool]]) -> str:
    able = [each for each, once in beside if once]
    if header.width > 1 and not able:
        return "no other column can hold its outcomes; to count its values: --given samples (else --given counts)"
    pairs = [f"--columns {header.name(each)},{header.name(column)}, or " for each in able[:1]]
    return "say what they are: " + "".join(pairs) + "--given samples, or --given counts"


def _check_texts(header: Header, layout: Layout, *, chosen: bool) -> None:
    """Text beside weights names their outcomes, which are then no whole numbers."""
    texts = [header.name(i) for i in range(header.width) if header.types[i] == TEXT]
    if texts and not chosen and layout.what != SAMPLES:
        only = header.name(layout.columns[0])
        raise InputError(
            f'"{texts[0]}" holds text; expected whole numbers as outcomes', path=header.path,
            hint=f"to take the outcomes for 0, 1, 2, ... in the order of the rows: {header.path}:{only}",
        )  # fmt: skip


def _weights_by_name(names: Sequence[str]) -> int | None:
    """Which of two columns is called as weights are, if one is."""
    said = [name in _COUNTS | _PROBS for name in names]
    return said.index(True) if sum(said) == 1 else None


def _of_pairs(
    header: Header, sample: Doubles, columns: Sequence[int], names: Sequence[str], given: str | None, *, chosen: bool
) -> Layout:
    """Two columns: which holds the outcomes is said by the order typed, by a name, or by the numbers."""
    shown = [f'"{header.name(i)}"' for i in columns]
    if chosen:
        return Layout(PAIRS, (columns[0], columns[1]), given, f"outcomes in {shown[0]}, weights in {shown[1]}")
    weights = _weights_by_name(names)
    if weights is None:
        whole = [bool((sample[:, i] == np.floor(sample[:, i])).all()) for i in range(2)]
        rising = [each and bool((sample[1:, i] > sample[:-1, i]).all()) for i, each in enumerate(whole)]
        said = whole if sum(whole) == 1 else rising
        if sum(said) != 1:
            raise _odd(header, columns, "which holds the outcomes?", _which_it_is(header, sample, columns))
        weights = said.index(False)
    place = 1 - weights
    return Layout(
        PAIRS, (columns[place], columns[weights]), given, f"outcomes in {shown[place]}, weights in {shown[weights]}"
    )


def _which_it_is(header: Header, sample: Doubles, columns: Sequence[int]) -> str:
    """What to type where neither a name nor the numbers say which of two columns holds outcomes."""
    first, second = (header.name(i) for i in columns)
    able = [could_be_outcomes(sample[:, i]) for i in range(2)]
    if not any(able):
        return f"numbers repeat in both, as samples do; to count those of one: --columns {second} --given samples"
    if all(able):
        return f"name it, then its counts or probabilities: --columns {first},{second} or --columns {second},{first}"
    return f"numbers of the other repeat: --columns {','.join((first, second) if able[0] else (second, first))}"


def _named_outcomes(header: Header, columns: Sequence[int]) -> tuple[tuple[int, ...], str]:
    """The outcomes of a row: the names of its columns where these are whole numbers, else places."""
    names = [] if header.names is None else [header.name(i).strip() for i in columns]
    if names and all(_WHOLE.fullmatch(name) for name in names):
        return tuple(int(name.partition(".")[0]) for name in names), "a row, its columns named by outcomes"
    numbered = [_NUMBERED.fullmatch(name) for name in names]
    if names and len({each[1] if each else name for each, name in zip(numbered, names, strict=True)}) == 1:
        return tuple(int(each[2]) for each in numbered if each), "a row, its columns numbered by outcomes"
    return tuple(range(len(columns))), "a row, of the outcomes 0, 1, 2, ..."


def _odd(header: Header, columns: Sequence[int], message: str, hint: str) -> InputError:
    shown = ", ".join(f'"{header.name(i)}"' for i in columns[:_MOST_NAMED])
    more = ", ..." if len(columns) > _MOST_NAMED else ""
    return InputError(f"has {len(columns)} columns of numbers ({shown}{more}); {message}", path=header.path, hint=hint)
