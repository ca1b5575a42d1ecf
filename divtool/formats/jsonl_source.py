"""Reading JSON lines: slices of whole lines, each line parsed on its own, the values that are wanted made columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from divtool.errors import InputError
from divtool.formats.fields import Cells, refuse_twins
from divtool.formats.json_cells import lists_of, numbers_of, texts_of
from divtool.formats.json_lines import CutShortError, MalformedError, check_finite, parse_line, quickly
from divtool.formats.json_scores import ALL_SCORES, by_label, is_one_row, is_scored, nested_rows, refuse_whole_table
from divtool.formats.json_shape import Path, Shape, TooDeepError, at_path, decide_shape, is_nested, is_number
from divtool.formats.lines import LONGEST_RECORD, LineIndex
from divtool.formats.slices import LineSource
from divtool.formats.source import FLOAT, INTEGER, OTHER, Block, Header, Selection

_SAMPLED = 100
_READ = 1 << 22
_BOM = b"\xef\xbb\xbf"
_WAY_OUT = "make a line of each row: jq -c '.[]' FILE > NEW.jsonl"
_FLATTEN = (
    "if an object is a row: jq -c . FILE > NEW.jsonl; if pandas wrote all of them as one object:"
    ' df.to_json(FILE, orient="records", lines=True)'
)


class JsonlSource(LineSource):
    """A file of JSON lines. Numbers are read as doubles, ids and labels are text."""

    def __init__(self, path: str, shown: str) -> None:
        super().__init__(path, shown)
        with open(path, "rb") as file:
            start = len(_BOM) if file.read(3) == _BOM else 0
        self._index = LineIndex(path, shown, start, 1, quotes=False)
        # The labels of a file whose rows are lists of labels with their scores.
        self._labels: frozenset[str] | None = None
        rows = self._first_rows(start)
        try:
            self._shape: Shape = decide_shape(rows)
        except TooDeepError as error:
            raise InputError(str(error), path=shown) from None
        self._refuse_nested(rows)
        self._fields = self._shape.fields
        refuse_twins([field.name for field in self._fields.fields], shown)
        self.header = Header(
            shown, "jsonl", self._names(), self._fields.types, None, "text", decimals=True, lines=True,
            size=self._before[2], notes=self._notes(), vectors=self._fields.vectors,
            unordered=bool(self._labels),
        )  # fmt: skip

    def _names(self) -> tuple[str, ...] | None:
        names = self._fields.names
        try:
            "".join(names).encode("utf-8")
        except UnicodeEncodeError:
            raise InputError("a key holds half a character (a lone surrogate)", path=self._shown) from None
        return None if self._shape.listed else names

    def _notes(self) -> tuple[str, ...]:
        return tuple(
            f"{self._shown}: of each list in {spot.name} the number is taken (place {spot.place})"
            for spot in self._shape.spots if spot.place is not None
        )  # fmt: skip

    def _first_rows(self, start: int) -> list[Any]:
        with open(self.path, "rb") as file:
            file.seek(start)
            sample = file.read(_READ)
            while b"\n" not in sample and len(sample) <= LONGEST_RECORD and (more := file.read(len(sample) or 1)):
                sample += more
        if b"\n" not in sample and len(sample) > LONGEST_RECORD:
            raise InputError(
                f"a line is longer than {LONGEST_RECORD >> 20} MiB; expected a row a line", path=self._shown, line=1,
                hint=_way_out(sample),
            )  # fmt: skip
        lines = sample[: self._index.end - start].split(b"\n")
        if len(lines) > 1 and start + len(sample) < self._index.end:
            del lines[-1]
        rows = [self._first_row(line, row) for row, line in enumerate(lines[:_SAMPLED])]
        if is_scored(rows[0]) and (len(rows) > 1 or is_one_row(rows[0])):
            return self._by_label(rows)
        if len(rows) == 1 and self._index.count() == 1:
            refuse_whole_table(rows[0], self._shown)
        kind = self._kind_of(rows)
        for row, each in enumerate(rows):
            if type(each) is not kind:
                raise self._refuse(row, None, f"is {_word(each)}; the first row is {_word(rows[0])}")
        return rows

    def _by_label(self, rows: list[Any]) -> list[Any]:
        found = [self._scores(each, row) for row, each in enumerate(rows)]
        if len(self._labels or ()) < 2:
            raise self._refuse(0, None, "holds the score of one label; expected those of all labels", ALL_SCORES)
        return found

    def _scores(self, value: Any, row: int) -> dict[str, Any]:
        try:
            scores = by_label(value, self._labels)
        except MalformedError as error:
            raise self._refuse(row, None, str(error), ALL_SCORES) from None
        self._labels = self._labels or frozenset(scores)
        return scores

    def _refuse_nested(self, rows: list[Any]) -> None:
        """Refuse rows of rows, where nothing else could be the numbers that are asked for."""
        fields = self._shape.fields.fields
        nested = [
            spot for spot in self._shape.spots if spot.field.type == OTHER and is_nested(at_path(rows[0], spot.path))
        ]
        if nested and not any(field.type == FLOAT for field in fields):
            vectors = [field.name for field in fields if field.width is not None and field.type == INTEGER]
            raise nested_rows(self._shown, nested[0].name, vectors[0] if len(vectors) == 1 else None)

    def _first_row(self, line: bytes, row: int) -> Any:
        try:
            return parse_line(line)
        except CutShortError as error:
            if row == 0 and self._index.count() > 1:
                raise self._document(_way_out(line)) from None
            raise self._malformed(row, error) from None
        except MalformedError as error:
            raise self._malformed(row, error) from None

    def _document(self, hint: str) -> InputError:
        return InputError(
            "is one JSON document over several lines; expected an object or an array of numbers on each line",
            path=self._shown, hint=hint,
        )  # fmt: skip

    def _kind_of(self, rows: list[Any]) -> type:
        first = rows[0]
        if isinstance(first, list) and first and all(isinstance(each, list | dict) for each in first):
            raise InputError(
                "is one JSON array of rows; expected an object or an array of numbers on each line",
                path=self._shown, hint=ALL_SCORES if is_scored(first) else _WAY_OUT,
            )  # fmt: skip
        if not isinstance(first, list | dict) or not first:
            raise self._refuse(
                0, None, f"is {_word(first)}; expected an object, or an array of numbers, that is not empty"
            )
        return type(first)

    def _malformed(self, row: int, error: MalformedError) -> InputError:
        hint = "was the file cut?" if isinstance(error, CutShortError) and row + 1 == self._index.count() else ""
        return self._refuse(row, None, str(error), hint)

    def _refuse(self, row: int, field: str | None, message: str, hint: str = "") -> InputError:
        return self.place_of(row).refusal(message, column=field, hint=hint)

    def _parsed(self, data: bytes, first: int, rows: int, selection: Selection) -> Block:
        lines = data.removesuffix(b"\n").split(b"\n")
        found = [self._row(line, first + at) for at, line in enumerate(lines)]
        numbers = {self._fields.field_of(column) for column in selection.matrix}
        self._refuse_additional(found, first, numbers)
        arrays: dict[int, pa.Array] = {}
        above: dict[Path, Sequence[Any]] = {}
        for field in self._fields.needed(selection):
            path = self._shape.spots[field].path[:-1]
            if path not in above:
                above[path] = _objects(found, path) if path else found
            arrays[field] = self._column(
                field, above[path], first, number=field in numbers, missing=selection.missing or selection.cells
            )
        cells = Cells(self._fields, arrays, first, self.place_of, empty="the value is missing", rows=rows)
        block = cells.block(selection)
        if np.isinf(block.matrix).any():
            self._refuse_overflow(lines, np.flatnonzero(np.isinf(block.matrix).any(axis=1)).tolist(), first)
        return block

    def _row(self, line: bytes, row: int) -> Any:
        try:
            if self._labels is not None:
                return self._scores(quickly(line, 2 * len(self._labels), _keys_within), row)
            found = quickly(line, self._shape.key_count, self._shape.counted)
        except MalformedError as error:
            raise self._malformed(row, error) from None
        if not isinstance(found, list if self._shape.listed else dict):
            raise self._refuse(
                row, None, f"is {_word(found)}; the first row is {'an array' if self._shape.listed else 'an object'}"
            )
        if self._shape.listed and len(found) != len(self._shape.spots):
            raise self._refuse(
                row, None, f"holds {len(found)} values; expected {len(self._shape.spots)} as in the first row"
            )
        return found

    def _refuse_overflow(self, lines: Sequence[bytes], rows: Sequence[int], first: int) -> None:
        for row in rows:
            try:
                check_finite(lines[row])
            except MalformedError as error:
                raise self._refuse(first + row, None, str(error)) from None

    def _refuse_additional(self, rows: Sequence[Any], first: int, numbers: set[int]) -> None:
        """Numbers beside those that are read, under keys that the first rows do not have: another class, it seems."""
        if self._shape.listed:
            return
        for above in {self._shape.spots[field].path[:-1] for field in numbers}:
            known = self._shape.keys[above]
            for at, row in enumerate(rows):
                inner = at_path(row, above)
                if isinstance(inner, dict) and not inner.keys() <= known:
                    self._refuse_numbers_under(inner, known, above, first + at)

    def _refuse_numbers_under(self, inner: dict[str, Any], known: frozenset[str], above: Path, row: int) -> None:
        for key in inner.keys() - known:
            value = inner[key]
            if is_number(value) or (isinstance(value, list) and value and all(is_number(each) for each in value)):
                name = ".".join(str(each) for each in (*above, key))
                raise self._refuse(
                    row, name, "is a key that the first rows do not have",
                    "give every row the same keys; a value may be null",
                )  # fmt: skip

    def _column(self, field: int, objects: Sequence[Any], first: int, *, number: bool, missing: bool) -> pa.Array:
        spot = self._shape.spots[field]
        key: Any = spot.path[-1]
        cells = [each[key] for each in objects] if self._shape.listed else [each.get(key) for each in objects]

        def refuse(at: int, message: str) -> InputError:
            return self._refuse(first + at, spot.name, message)

        if spot.field.width is not None:
            return lists_of(cells, spot.place, refuse)
        if number:
            return numbers_of(cells, refuse)
        return texts_of(cells, refuse, empty_is_missing=missing)


def _way_out(beginning: bytes) -> str:
    return _WAY_OUT if beginning.lstrip()[:1] == b"[" else _FLATTEN


def _keys_within(row: Any) -> int:
    """How many keys the objects of a list have."""
    return sum(len(each) for each in row if isinstance(each, dict)) if isinstance(row, list) else 0


def _objects(rows: Sequence[Any], path: Path) -> list[dict[str, Any]]:
    """The objects that stand at a path, empty where there are none."""
    return [inner if isinstance(inner := at_path(row, path), dict) else {} for row in rows]


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return "an array" if value else "an empty array"
    return "a single value"
