"""Every option that many commands share, declared once: its name, type, default, help and flags.

The command line splices these groups into the signatures of its commands; the library takes the same names as keyword
arguments. Types are plain, defaults are those of the fields.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from divtool.errors import UsageError
from divtool.registry import suggestion

DEFAULT_CHUNK = 8 << 20
MAPPING_FORMS = "name=weight,... or a file"


# What a verb must have for an option to apply to it: the truth among its operands, two sides to guess, a number a row,
# a number that is a logarithm, logits among what its operands may hold, rows that sum to 1, a kind to be guessed,
# infinities to speak of, a direction, a weighted mean, a number that other tools compute otherwise, class weights,
# labels that may be smoothed, over classes rather than between yes and no, both weights and smoothing; more than one
# file, whose rows may be joined; several files that may be scored, and compared with each other;
# members of an ensemble, labels that may stand in the file of the predictions.
TRUTH, PAIR, NUMBER, LOGARITHM, LOGITS, ROWS_OF_ONE = "truth", "pair", "number", "logarithm", "logits", "rows of one"
GUESSED, ZEROS, DIRECTED, WEIGHTED, LIKE = "guessed", "zeros", "directed", "weighted", "like"
JOINED, ENSEMBLE, INSIDE = "joined", "ensemble", "labels inside"
COMPARED = "compared"
CLASS_WEIGHTED, SMOOTHED, SPREAD, BOTH = "class-weighted", "smoothed", "spread over classes", "smoothed and weighted"


def option(
    default: Any, help: str, *flags: str, metavar: str = "", choices: Iterable[str] = (), applies: str = "",
    least: float | None = None, most: float | None = None,
) -> Any:  # fmt: skip
    """A field of an option group. ``flags`` replace the flag made from the field's name; ``applies`` says to which
    verbs it belongs (to all if empty), so that none offers an option that it would not obey."""
    meta = {"help": help, "flags": flags, "metavar": metavar, "choices": tuple(choices), "applies": applies,
            "least": least, "most": most}  # fmt: skip
    return field(default=default, metadata=meta)


# What a table may hold, as it is typed and as it is said.
KINDS = {
    "logits": "logits", "log-probs": "log-probabilities", "probs": "probabilities", "counts": "counts",
    "chances": "a probability in each cell", "values": "numbers", "positives": "numbers that are not negative",
    "signs": "signs",
}  # fmt: skip
GIVEN = ("logits", "log-probs", "probs", "counts")


@dataclass(frozen=True)
class Reading:
    """What the files hold and which of their columns count."""

    given: str | None = option(
        None, "What the numbers are, instead of what divtool takes them for.", choices=GIVEN, applies=GUESSED
    )
    given_p: str | None = option(None, "The same for the reference alone.", choices=GIVEN, applies=PAIR)
    given_q: str | None = option(None, "The same for the model alone.", choices=GIVEN, applies=PAIR)
    columns: str | None = option(
        None, "The columns that count, separated by commas: names, positions, p0-p9, /pattern/; '!name' leaves it out.",
        metavar="LIST",
    )  # fmt: skip
    id: str | None = option(
        None, "The column that names the rows, to match files by (a,b if it has two names; none: by position).",
        metavar="COL",
    )  # fmt: skip
    label_col: str | None = option(
        None, "The column of the predictions file that holds the labels (or those with an outcome for each class).",
        metavar="COL",
        applies=INSIDE,
    )  # fmt: skip
    header: bool = option(False, "The first line of the text file holds the names of the columns.")
    no_header: bool = option(False, "The text file has no header line.")
    delimiter: str | None = option(
        None, "What separates the cells of a text file (default: found out).", metavar="CHAR"
    )
    input_format: str | None = option(
        None, "The format of the files, instead of what their first bytes say.", metavar="NAME",
        choices=("csv", "tsv", "jsonl", "npy", "npz", "parquet", "arrow", "safetensors", "llama"),
    )  # fmt: skip
    concat: bool = option(False, "A glob is one table in natural order, not several operands.")
    normalize: bool = option(
        False, "Divide probability rows that do not sum to 1 by their sum, and count them.", applies=ROWS_OF_ONE
    )
    allow_unnormalized: bool = option(
        False, "Take probability rows as they are, whatever they sum to.", applies=ROWS_OF_ONE
    )
    missing: str = option(
        "error", "Rows with an empty cell: refused, or left out of all files and counted.", choices=("error", "drop")
    )
    join: str = option(
        "exact", "Ids that only one file has: refused, or left out and counted.", choices=("exact", "inner"),
        applies=JOINED,
    )  # fmt: skip
    rows: str | None = option(
        None, "Only these rows of the first file, counted from 0, B itself left out (and theirs in the others).",
        metavar="A:B",
    )  # fmt: skip
    vocab: int | None = option(
        None, "Only the first N classes, before the softmax (vocabularies are padded); says what mass is dropped.",
        metavar="N", least=2, most=1 << 31, applies=ROWS_OF_ONE,
    )  # fmt: skip
    class_axis: int | None = option(
        None, "The axis of the classes in an array of more than two dimensions (0 is the first, -1 the last).",
        metavar="AXIS",
    )  # fmt: skip

    member_axis: int | None = option(
        None, "The axis along which one array of three dimensions or more holds the members (0 is the first).",
        metavar="AXIS", applies=ENSEMBLE,
    )  # fmt: skip

    @property
    def drops_missing(self) -> bool:
        """Whether rows with an empty cell are left out instead of refused."""
        return self.missing == "drop"


@dataclass(frozen=True)
class Measuring:
    """What is computed."""

    base: str = option(
        "e", "Base of the logarithm: e (nats), 2 (bits), 10 (dits) or any other.", metavar="e|2|10|X", applies=LOGARITHM
    )
    temperature: float = option(
        1.0, "Divide the logits by this before anything else.", "-T", "--temperature", applies=LOGITS
    )
    measure: tuple[str, ...] = option(
        (), "Also compute these in the same pass: names or families, NAME:OPTION=VALUE sets an option (repeatable).",
        "-m", "--measure", metavar="NAME,...", applies=NUMBER,
    )  # fmt: skip
    reverse: bool = option(False, "Exchange the two sides.", applies=DIRECTED)
    reduction: str | None = option(
        None, "One number for all rows: mean (the default) or sum; none: a number a row; batchmean: see --like torch.",
        choices=("mean", "sum", "none", "batchmean"), applies=NUMBER,
    )  # fmt: skip
    ignore_index: tuple[int, ...] = option(
        (-100,),
        "Rows with this label are left out and counted (repeatable).",
        metavar="VALUE",
        applies=TRUTH,
    )
    class_weight: str | Mapping[str, float] | None = option(
        None,
        f"A weight for every class: {MAPPING_FORMS}.",
        metavar="W",
        applies=CLASS_WEIGHTED,
    )
    label_smoothing: float = option(
        0.0, "Share of each label's mass that is spread evenly over all classes.", least=0, most=1, applies=SMOOTHED
    )
    smoothing_mode: str = option(
        "k", "Spread it over all k classes, or over the k-1 others.", choices=("k", "k-1"), applies=SPREAD
    )
    weight_target_only: bool = option(
        False, "Weigh a smoothed row by its label's class weight alone, not each class by its own.", applies=BOTH
    )
    sample_weight: str | Sequence[float] | None = option(
        None, "The column that weighs each row (of the labels file or the first file that has it).", metavar="COL",
        applies=NUMBER,
    )  # fmt: skip
    mean: str = option(
        "weighted", "Divide weighted losses by the sum of their weights, or by the number of rows.",
        choices=("weighted", "rows"), applies=WEIGHTED,
    )  # fmt: skip
    zeros: str = option(
        "inf", "Where the model says 0: inf, clip:EPS, smooth:EPS, cap:NATS, drop (leave such rows out), error.",
        metavar="RULE", applies=ZEROS,
    )  # fmt: skip
    empty: str = option("error", "What a mean over nothing is.", choices=("error", "nan", "zero"), applies=NUMBER)
    like: str | None = option(
        None, "Give the digits of another tool where it computes otherwise.",
        choices=("torch", "keras", "sklearn", "scipy", "kaggle"), applies=LIKE,
    )  # fmt: skip


@dataclass(frozen=True)
class Comparing:
    """What rows have in common, and how certain a difference is."""

    by: tuple[str, ...] = option(
        (), "The measures over groups of rows: by a column, or by label, prediction or confidence (repeatable).",
        metavar="COL", applies=NUMBER,
    )  # fmt: skip
    cluster: str | None = option(
        None, "The column that says which rows belong together: standard errors and tests take those as one.",
        metavar="COL", applies=NUMBER,
    )  # fmt: skip
    level: float = option(
        0.95, "The level of confidence of intervals.", metavar="SHARE", least=0.5, most=0.999999, applies=COMPARED
    )
    resamples: int = option(
        2000, "Draw so many resamples for the bootstrap and the permutation test (0: none).", metavar="N", least=0,
        most=10**6, applies=COMPARED,
    )  # fmt: skip
    seed: int = option(0, "Seed of what is drawn.", metavar="N", least=0, most=2**63, applies=COMPARED)


@dataclass(frozen=True)
class Running:
    """How it is computed; nothing here changes a bit of the result."""

    threads: int = option(0, "Threads (0: one per processor).", "-j", "--threads", least=0, most=1024)
    chunk_size: str | int = option(
        DEFAULT_CHUNK, "Bytes in flight over all inputs and threads, such as 8MiB.", metavar="BYTES"
    )
    progress: bool | None = option(None, "A progress bar on stderr (default: on a terminal).")
    explain: bool = option(False, "Say what would be computed, from what and in which parts; compute nothing.")


REPORTS = ("table", "json", "jsonl", "csv", "tsv", "md", "parquet", "html")


@dataclass(frozen=True)
class Writing:
    """What is printed or written."""

    format: str | None = option(
        None, "Form of the result (default: table on a terminal, TSV in a pipe).", "-f", "--format", choices=REPORTS
    )
    output: str | None = option(None, "Write the result to this file instead (form by suffix).", "-o", "--output")
    per_row: str | None = option(
        None,
        "Also write one line per row to this file (csv, tsv, jsonl, parquet, arrow, npy, npz, safetensors).",
        applies=NUMBER,
    )
    worst: int = option(1, "Name so many of the rows that are worst.", metavar="N", least=1, most=1000, applies=NUMBER)
    fail_if: tuple[str, ...] = option(
        (), "Exit with status 1 if this is so: [MEASURE.]STAT OP NUMBER, as in mean>0.05 or top1<0.95 (repeatable).",
        metavar="CONDITION", applies=NUMBER,
    )  # fmt: skip
    save_state: str | None = option(
        None, "Also keep what the run came to in this file (JSON), for divtool merge.", metavar="FILE", applies=NUMBER
    )
    quiet: bool = option(False, "Print the bare number and nothing else.", "-q", "--quiet", applies=NUMBER)
    digits: int = option(
        7, "Significant digits in tables (machine formats always hold every bit).", least=1, most=17, applies=NUMBER
    )


GROUPS: tuple[type, ...] = (Reading, Measuring, Comparing, Running, Writing)

Group = TypeVar("Group")


def fields_of(group: type, having: frozenset[str] | None = None) -> tuple[Field[Any], ...]:
    """The declared options of a group; with ``having``, those that apply to a verb that has these things."""
    return tuple(each for each in fields(group) if having is None or each.metadata["applies"] in ("", *having))


def pick(group: type[Group], arguments: Mapping[str, Any]) -> Group:
    """An option group from keyword arguments that may hold more than its own; choices are checked."""
    chosen = {each.name: arguments[each.name] for each in fields_of(group) if each.name in arguments}
    for each in fields_of(group):
        if chosen.get(each.name) is None:
            # None is what a program says for the default.
            chosen.pop(each.name, None)
            continue
        value, choices = _typed(each, chosen[each.name]), each.metadata["choices"]
        chosen[each.name] = value
        if choices and value not in choices:
            hint = suggestion(str(value), list(choices))
            raise UsageError(
                f'{flag_of(each)} "{value}": expected one of {", ".join(choices)}',
                hint=hint if hint.startswith("did") else "",
            )
        _check_range(each, value)
    return group(**chosen)


# Options that take more than text from a program.
_RICHER = ("class_weight", "chunk_size", "progress", "sample_weight")


def _typed(each: Field[Any], value: Any) -> Any:
    """The value in the type of its field: a program may say base=2, ignore_index=3 or temperature="2"."""
    kind: Any = type(each.default)
    try:
        if kind is tuple and not each.default:
            return _texts(value)
        if kind is tuple:
            return (int(value),) if isinstance(value, int | str) else tuple(int(entry) for entry in value)
        if each.name in ("class_axis", "member_axis", "vocab"):
            return int(value)
        if kind is float or each.metadata["least"] is not None:
            return kind(value)
    except (TypeError, ValueError):
        raise UsageError(f"{flag_of(each)} {value!r}: expected a number") from None
    if kind is bool or each.name in _RICHER:
        return value
    if isinstance(value, bool):
        raise UsageError(f"{flag_of(each)} {value!r}: expected text")
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _texts(value: Any) -> tuple[str, ...]:
    """One text or several: a program may say bins=10, or bins={"age": 10}."""
    if isinstance(value, Mapping):
        return tuple(f"{name}={entry}" for name, entry in value.items())
    return (str(value),) if isinstance(value, str | int | float) else tuple(str(entry) for entry in value)


def _check_range(each: Field[Any], value: Any) -> None:
    least, most = each.metadata["least"], each.metadata["most"]
    if least is not None and value is not None and not least <= value <= most:
        raise UsageError(f"{flag_of(each)} {value}: expected a number from {least:g} to {most:.10g}")


def flag_of(each: Field[Any]) -> str:
    """The longest flag of an option, as a user types it."""
    flags: tuple[str, ...] = each.metadata["flags"]
    return max(flags, key=len) if flags else "--" + each.name.replace("_", "-")


_SIZES = {"": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "kb": 1000, "m": 1 << 20, "mib": 1 << 20, "mb": 10**6,
          "g": 1 << 30, "gib": 1 << 30, "gb": 10**9}  # fmt: skip


def parse_bytes(text: str | int) -> int:
    """A number of bytes from ``8MiB``, ``500kB`` or a bare number.

    >>> parse_bytes("8MiB"), parse_bytes("1500"), parse_bytes(7)
    (8388608, 1500, 7)
    """
    plain = str(text).strip().lower()
    number = plain.rstrip("abcdefghijklmnopqrstuvwxyz ")
    size = _SIZES.get(plain[len(number) :].strip())
    try:
        value = float(number) * (size or 0)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 1 << 50:
        raise UsageError(f'--chunk-size "{text}" is not a size in bytes; expected a number such as 8MiB or 500kB')
    return int(value)


def parse_rows(text: str, name: str = "--rows") -> tuple[int, int]:
    """The first row and the one behind the last from ``A:B``; ``name`` is the option in messages.

    >>> parse_rows("10:20"), parse_rows("5:")
    ((10, 20), (5, 9223372036854775807))
    """
    first, colon, stop = text.strip().partition(":")
    if colon and (first + stop).isascii() and (first + stop).isdigit():
        bounds = int(first or 0), min(int(stop), sys.maxsize) if stop else sys.maxsize
        if bounds[0] < bounds[1]:
            return bounds
    raise UsageError(f'{name} "{text}": expected two row numbers, such as 0:1000 or 500: (counted from 0)')
