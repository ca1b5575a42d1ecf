"""JSON lines: an object or an array a line. Values that stand deeper have their keys joined with dots for a name."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from divtool.formats.keys import IntegerKeys, Keys
from divtool.formats.source import Stored

if TYPE_CHECKING:
    from divtool.formats.jsonl_source import JsonlSource
    from divtool.formats.source import Ways


def open_jsonl(path: str, shown: str, ways: Ways) -> JsonlSource:
    """Open a file of JSON lines; ``shown`` is how messages call it."""
    # Reports write JSON without reading any.
    from divtool.formats.jsonl_source import JsonlSource

    return JsonlSource(path, shown)


def plain(value: float) -> float | str:
    """A double as JSON can hold it: infinities and NaN are the strings that JavaScript calls them by."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class JsonlWriter:
    """Rows as objects; doubles as the shortest digits that read back to the same double."""

    def __init__(self, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool) -> None:
        self._stream, self._names = stream, [*key_names, *number_names]

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Append rows."""
        columns = [_entries(key) for key in keys] + [
            [plain(value) for value in column] for column in numbers.T.tolist()
        ]
        rows = (dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True))
        self._stream.writelines(json.dumps(row).encode() + b"\n" for row in rows)

    def close(self) -> None:
        """Nothing is left to write."""


def _entries(key: Keys) -> list[int] | list[str]:
    if isinstance(key, IntegerKeys):
        integers: list[int] = key.values.tolist()
        return integers
    texts: list[str] = key.arrow().to_pylist()
    return texts
