"""From a table to an observed distribution: opened, understood, read to the end with every fault named by its row."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded, JointCounts
from divtool.engine.operands import ways_of
from divtool.engine.sampling import sample_of
from divtool.errors import InputError, UsageError
from divtool.formats.keys import IntegerKeys, Keys
from divtool.formats.opening import file_and_key, open_file
from divtool.formats.source import INTEGER, Container, Selection, Source, Stored
from divtool.meaning.grammar import chosen_columns, find_column
from divtool.meaning.kinds import decide_kind
from divtool.meaning.members import choose_member
from divtool.meaning.observed import (
    COUNTS,
    PAIRS,
    PROBS,
    ROW,
    SAMPLES,
    Layout,
    are_whole,
    could_be_outcomes,
    decide_layout,
    number_columns,
    what_weights_are,
)
from divtool.numerics.observed import MOST_OUTCOME, Observed, observe, whole_multiples
from divtool.options import Reading
from divtool.result import InputReport

BLOCK_BYTES = 1 << 20
# So many outcomes with weights are held at once; samples are counted as they stream by.
_MOST_ROWS = 1 << 22
# What is read as this double may have been the next whole number.
_INEXACT = float(1 << 53)
_DIGITS = re.compile(r"\s*\+?(\d{1,300})\s*", re.ASCII)
_DENSE = 4
_MOST_SUM = 1e300
# A model that leaves more than a half unsaid is more likely a mistake.
_LEAST_LISTED = 0.5
# So many other columns are looked at for outcomes.
_MOST_BESIDE = 8


@dataclass(frozen=True)
class Seen:
    """What was observed, and what was read to know it. ``whole`` is the weight of a probability of 1, where those
    that are listed make up less."""

    observed: Observed
    report: InputReport
    notes: tuple[str, ...] = ()
    whole: int | None = None


@dataclass
class Rows:
    """Outcomes and weights as they were read, with the row of each; ``left_out`` had an empty cell."""

    outcomes: list[int] = field(default_factory=list)
    weights: list[float | int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    left_out: int = 0


def read_observed(
    thing: Any, reading: Reading, *, name: str = "observed", given: str | None = None, columns: str | None = None,
    normalize: bool = False, partial: bool = False, block_bytes: int = BLOCK_BYTES,
) -> Seen:  # fmt: skip
    """Read a distribution over whole numbers from a file, an array, a DataFrame or a mapping of outcomes to weights.

    ``partial``: probabilities may leave out less than a half, which lies outside of what is listed.
    Raises :class:`InputError` for what is none.
    """
    if isinstance(thing, Mapping):
        thing = _table_of(thing, name)
        columns = columns or "outcome,weight"
    source, column = _opened(thing, reading, name)
    if source.header.shape is not None and len(source.header.shape) > 2:
        shape = " x ".join(map(str, source.header.shape))
        raise InputError(f"is an array of {shape}; expected one or two dimensions", path=source.header.path)
    chosen = _chosen(source, column, columns)
    order = chosen or number_columns(source.header)
    sample = sample_of(source, Selection(tuple(order), missing=reading.drops_missing))
    head = sample.matrix if sample.missing is None else sample.matrix[~sample.missing]
    layout = decide_layout(
        source.header, head.astype(np.float64), order, given=given, chosen=bool(chosen),
        whole=_is_all(source, sample), beside=lambda: _beside(source, chosen, reading),
    )  # fmt: skip
    return _Read(source, layout, reading.drops_missing, normalize, block_bytes, partial=partial).seen()


def _table_of(mapping: Mapping[Any, Any], name: str) -> Any:
    """A mapping of outcomes to weights as an Arrow table."""
    import pyarrow as pa

    try:
        arrays = [np.asarray(list(each)) for each in (mapping.keys(), mapping.values())]
    except (TypeError, ValueError, OverflowError):
        arrays = [np.asarray(None)]
    if not mapping or any(each.dtype.kind not in "iuf" or each.ndim != 1 for each in arrays):
        raise UsageError(f"{name}: expected whole numbers, each with a number as its weight")
    return pa.table({"outcome": pa.array(arrays[0]), "weight": pa.array(arrays[1])})


def _opened(thing: Any, reading: Reading, name: str) -> tuple[Source, str | None]:
    """The table, and the column that is named behind the file's name."""
    if not isinstance(thing, str | os.PathLike):
        from divtool.formats.memory import open_object

        return open_object(thing, name), None
    path, key = file_and_key(os.fspath(thing))
    found = open_file(path, ways_of(reading))
    if isinstance(found, Container):
        return found.open(choose_member(found, key, "p")), None
    return found, key


def _chosen(source: Source, column: str | None, columns: str | None) -> list[int]:
    """The columns that the user named, in that order."""
    if column is not None and columns is not None:
        raise UsageError(f"the column is named twice: {source.header.path}:{column} and --columns {columns}")
    if column is not None:
        return [find_column(source.header, column, "FILE:COLUMN")]
    if columns is None:
        return []
    taken, dropped = chosen_columns(source.header, columns, "--columns")
    return [i for i in taken or number_columns(source.header) if i not in dropped]


def _beside(source: Source, chosen: list[int], reading: Reading) -> list[tuple[int, bool]]:
    """The other columns of whole numbers, where only one was chosen, and whether they could hold its outcomes."""
    if len(chosen) != 1:
        return []
    others = [i for i in number_columns(source.header) if i != chosen[0]][:_MOST_BESIDE]
    if not others:
        return []
    try:
        sample = sample_of(source, Selection(tuple(others), missing=reading.drops_missing))
    except InputError:
        # What nobody asked for is no reason to refuse; outcomes have no gaps.
        return []
    head = (sample.matrix if sample.missing is None else sample.matrix[~sample.missing]).astype(np.float64)
    columns = [(each, head[:, place]) for place, each in enumerate(others)]
    return [(each, could_be_outcomes(values)) for each, values in columns if are_whole(values)]


def _is_all(source: Source, sample: Any) -> bool:
    return len(sample) == (source.header.rows if source.header.rows is not None else source.count())


class _Read:
    """A table that is being read."""

    def __init__(
        self, source: Source, layout: Layout, drop: bool, normalize: bool, block_bytes: int, *, partial: bool = False
    ) -> None:
        self.source, self.layout, self.normalize = source, layout, normalize
        self.drop, self.block_bytes, self.partial = drop, block_bytes, partial
        self.rows = self.left_out = 0
        self.whole: int | None = None

    def seen(self) -> Seen:
        """Read it to the end."""
        notes: tuple[str, ...] = ()
        if self.layout.what == SAMPLES:
            observed, what = self._counted(), SAMPLES
        else:
            rows = self._row() if self.layout.form == ROW else self._lines()
            self._read_digits(rows)
            self._check_twins(rows)
            what = self._what(rows)
            observed, notes = self._weighed(rows, what)
        self.source.check_unchanged()
        if self.left_out:
            notes = (*notes, f"left out for an empty cell: {self.left_out:,} row{'' if self.left_out == 1 else 's'}")
        return Seen(observed, self._report(what), notes, self.whole)

    def _what(self, rows: Rows) -> str:
        name = self.source.header.name(self.layout.columns[-1]) if self.source.header.names is not None else ""
        numbers = np.array([float(weight) for weight in rows.weights])
        return what_weights_are(numbers, name if self.layout.form == PAIRS else "", self.layout.what)

    def _blocks(self) -> Iterator[tuple[Stored, npt.NDArray[np.int64], tuple[Keys, ...]]]:
        """The numbers of each block without missing rows, the rows they stand in, and the columns of weights once more
        where binary files hold whole numbers: as doubles these would end at 2^53."""
        weights = () if self.layout.what == SAMPLES else self.layout.columns
        weights = weights if self.layout.form == ROW else weights[-1:]
        exact = not self.source.header.lines and self._hold_integers(weights)
        selection = Selection(self.layout.columns, weights if exact else (), self.drop)
        for extent in self.source.extents(self.block_bytes):
            for block in self.source.blocks(extent, selection, self.block_bytes):
                matrix, places = block.matrix, np.arange(block.first, block.first + len(block))
                self.rows += len(block)
                whole = block.keys
                if block.missing is not None:
                    kept = ~block.missing
                    matrix, places, whole = matrix[kept], places[kept], tuple(each.where(kept) for each in whole)
                    self.left_out += int(block.missing.sum())
                yield matrix, places, whole

    def _counted(self) -> Observed:
        counts = JointCounts(("outcome",), [(0,)])
        for matrix, places, _ in self._blocks():
            outcomes = self._whole(matrix[:, 0], places, "sample")
            distinct, numbers = _tally(outcomes)
            if distinct.size:
                counts.update([Coded(np.arange(distinct.size), [str(each) for each in distinct.tolist()])], numbers)
        if not counts.cases:
            raise InputError("holds no samples", path=self.source.header.path)
        table = counts.table((0,))
        found = [int(name or 0) for name in table.entries[0]]
        filled = [found[place] for place in table.cells[:, 0].tolist()]
        return observe(filled, [int(count) for count in table.counts], cases=counts.cases)

    def _lines(self) -> Rows:
        """Outcomes and weights, or weights alone of 0, 1, 2, ..., a line each."""
        rows = Rows()
        for matrix, places, whole in self._blocks():
            if len(rows.weights) + len(matrix) > _MOST_ROWS:
                raise InputError(
                    f"holds more than {_MOST_ROWS:,} outcomes with weights", path=self.source.header.path,
                    hint="raw samples are counted: --given samples",
                )  # fmt: skip
            if self.layout.form == PAIRS:
                rows.outcomes += self._whole(matrix[:, 0], places, "outcome").tolist()
            else:
                # A line that is left out leaves its outcome without weight: the others keep theirs.
                rows.outcomes += places.tolist()
            weights = self._weights(matrix[:, -1], places)
            rows.weights += whole[0].values.tolist() if whole and isinstance(whole[0], IntegerKeys) else weights
            rows.places += places.tolist()
        return rows

    def _row(self) -> Rows:
        for matrix, places, whole in self._blocks():
            if len(matrix):
                here = np.repeat(places, len(self.layout.columns))
                weights = self._weights(matrix[0], here)
                if whole and all(isinstance(each, IntegerKeys) for each in whole):
                    weights = [int(each.text(0)) for each in whole]
                return Rows(list(self.layout.outcomes), weights, here.tolist())
        raise InputError("holds no row without an empty cell", path=self.source.header.path)

    def _hold_integers(self, columns: tuple[int, ...]) -> bool:
        return bool(columns) and all(self.source.header.types[each] == INTEGER for each in columns)

    def _read_digits(self, rows: Rows) -> None:
        """The weights that are too large for doubles once more, where they are text that is nothing but digits."""
        single = self.layout.form == ROW
        columns = self.layout.columns if single else self.layout.columns[-1:]
        far = [at for at, weight in enumerate(rows.weights) if isinstance(weight, float) and weight >= _INEXACT]
        if not far or not self.source.header.lines or not self._hold_integers(columns):
            return
        places = np.array([rows.places[at] for at in far])
        for extent in self.source.extents(self.block_bytes):
            for block in self.source.blocks(extent, Selection((), columns, self.drop), self.block_bytes):
                inside = (places >= block.first) & (places < block.first + len(block))
                for at in np.array(far)[inside].tolist():
                    digits = _DIGITS.fullmatch(block.keys[at if single else 0].text(rows.places[at] - block.first))
                    rows.weights[at] = int(digits[1]) if digits else rows.weights[at]

    def _whole(self, values: Stored, places: npt.NDArray[np.int64], what: str) -> npt.NDArray[np.int64]:
        """Numbers as whole numbers; the first that is none is refused by its row."""
        if values.dtype.kind in "iu":
            odd = values.astype(np.float64)
            bad = np.abs(odd) > MOST_OUTCOME
        else:
            odd = values.astype(np.float64)
            with np.errstate(invalid="ignore"):
                bad = ~((odd == np.floor(odd)) & (np.abs(odd) <= MOST_OUTCOME))
        if bad.any():
            at = int(np.argmax(bad))
            value = odd[at]
            far = bool(np.isfinite(value)) and value == np.floor(value)
            said = "is out of range; expected -2^52 to 2^52" if far else "is no whole number"
            hint = "" if far else "continuous numbers are no outcomes to count: round them, or put them into bins"
            self._refuse(int(places[at]), self.layout.columns[0], f"the {what} {value:.17g} {said}", hint)
        return values.astype(np.int64)

    def _weights(self, values: Stored, places: npt.NDArray[np.int64]) -> list[float | int]:
        """Weights that are finite and not negative; whole numbers stay what they are."""
        column = self.layout.columns[-1]
        numbers = values.astype(np.float64)
        with np.errstate(invalid="ignore"):
            bad = ~((numbers >= 0.0) & (numbers < np.inf))
        if bad.any():
            at = int(np.argmax(bad))
            column = self.layout.columns[at] if self.layout.form == ROW else column
            said = "is NaN" if np.isnan(numbers[at]) else f"is {numbers[at]:.6g}"
            self._refuse(int(places[at]), column, f"the weight {said}; expected a number of at least 0")
        return values.tolist() if values.dtype.kind in "iu" else numbers.tolist()  # type: ignore[no-any-return]

    def _check_twins(self, rows: Rows) -> None:
        outcomes = np.array(rows.outcomes, np.int64)
        order = np.argsort(outcomes, kind="stable")
        again = order[1:][outcomes[order][1:] == outcomes[order][:-1]]
        if again.size:
            at = int(again.min())
            message, last = f"the outcome {outcomes[at]} stands twice", self.source.header.name(self.layout.columns[-1])
            hint = f"add up its weights; or, to count the values of a column: --columns {last} --given samples"
            self._refuse(rows.places[at], self.layout.columns[0], message, hint)

    def _weighed(self, rows: Rows, what: str) -> tuple[Observed, tuple[str, ...]]:
        if what == COUNTS:
            return self._with_counts(rows), ()
        weights = np.array([float(weight) for weight in rows.weights])
        # Large weights may sum to more than a double holds, and are then no probabilities in any case.
        total = float(min(sum(map(Fraction, rows.weights)), Fraction(_MOST_SUM)))
        kind = decide_kind(
            np.minimum(weights, _MOST_SUM / len(weights))[None, :], self.source.header, given=PROBS, normalize=False
        )
        if total <= 0.0:
            raise InputError("the probabilities sum to 0", path=self.source.header.path)
        notes: tuple[str, ...] = ()
        said = f"{self.source.header.path}: the probabilities sum to"
        if abs(total - 1.0) > kind.tolerance:
            if not self.normalize and self.partial and _LEAST_LISTED <= total < 1.0:
                return self._part(rows, total)
            if not self.normalize:
                raise self._no_sum(total, kind.tolerance, weights)
            notes = (f"{said} {total:.9g}, and were divided by it",)
        elif abs(total - 1.0) > kind.strict:
            notes = (f"{said} {total:.9g}, as rounded ones may, and were divided by it",)
        return observe(rows.outcomes, whole_multiples(rows.weights)), notes

    def _part(self, rows: Rows, total: float) -> tuple[Observed, tuple[str, ...]]:
        """A model that does not list all of its mass."""
        *multiples, self.whole = whole_multiples([*rows.weights, 1.0])
        note = f"{self.source.header.path}: the probabilities sum to {total:.9g}; the rest was taken to lie outside of"
        return observe(rows.outcomes, multiples), (f"{note} what it lists (--normalize divides them instead)",)

    def _no_sum(self, total: float, tolerance: float, weights: npt.NDArray[np.float64]) -> InputError:
        whole = bool((weights == np.floor(weights)).all())
        least = f", or at least {_LEAST_LISTED}: a model need not list all its mass"
        least = least if self.partial and total < 1.0 else ""
        return InputError(
            f"the probabilities sum to {total:.9g}; expected 1 +- {tolerance:.1g}{least}", path=self.source.header.path,
            hint="if these are counts: --given counts" if whole else "--normalize divides them by their sum",
        )  # fmt: skip

    def _with_counts(self, rows: Rows) -> Observed:
        counts = []
        for at, weight in enumerate(rows.weights):
            if isinstance(weight, float) and (weight != int(weight) or weight >= _INEXACT):
                column = self.layout.columns[at] if self.layout.form == ROW else self.layout.columns[-1]
                said, hint = "may have lost digits as a double (from 2^53 on)", "save the counts as integers"
                if weight < _INEXACT:
                    said, hint = "is no whole number", "if these are probabilities: --given probs"
                self._refuse(rows.places[at], column, f"the count {weight:.17g} {said}", hint)
            counts.append(int(weight))
        return observe(rows.outcomes, counts, cases=sum(counts))

    def _refuse(self, row: int, column: int, message: str, hint: str = "") -> NoReturn:
        name = None if self.source.header.names is None else self.source.header.name(column)
        raise self.source.place_of(row).refusal(message, column=name, hint=hint)

    def _report(self, what: str) -> InputReport:
        header = self.source.header
        return InputReport(
            header.path, header.format, header.dtype, self.rows, len(self.layout.columns), ("p",), kind=what,
            evidence=self.layout.evidence, origin=header.origin,
        )  # fmt: skip


def _tally(outcomes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The different outcomes in rising order, and how often each occurs."""
    if outcomes.size and int(outcomes.max()) - int(outcomes.min()) < _DENSE * outcomes.size:
        # A table of all numbers between is cheaper than sorting.
        low = int(outcomes.min())
        table = np.bincount(outcomes - low)
        filled = np.flatnonzero(table)
        return filled + low, table[filled]
    return np.unique(outcomes, return_counts=True)
