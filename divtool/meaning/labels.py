"""From what a label file says to a class number: by name or by index, decided once and held against every row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.formats.keys import IntegerKeys, Keys
from divtool.formats.source import Place
from divtool.meaning.classes import stripped
from divtool.registry import natural, suggestion

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_UNKNOWN = np.iinfo(np.int64).min
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_AS_FLOATS = "labels saved as floats? Save them as whole numbers: labels.astype(int)"
_DECIMAL = re.compile(r"[+-]?\d+\.\d*([eE][+-]?\d+)?", re.ASCII)
_MOST_EXACT = 2.0**53
_FLOAT = re.compile(r"[+-]?\d+\.\d*", re.ASCII)


@dataclass(frozen=True)
class LabelRule:
    """``how`` is "name", "index", "sign" (-1 and 1) or "truth" (False and True); ``codes`` maps the text of a label to
    its class in the common order."""

    how: str
    classes: int
    codes: dict[str, int] = field(repr=False)
    ignore: tuple[int, ...]
    path: str
    column: str | None
    one_based: bool = False
    note: str = ""

    def decode(
        self, keys: Keys, first_row: int, place_of: Callable[[int], Place] | None = None, missing: Mask | None = None
    ) -> Codes:
        """The class of each row; -1 - k where the label is the k-th of those to ignore; 0 where it is ``missing``."""
        texts, table = _distinct(keys)
        codes = np.array([self._code(text) for text in table], dtype=np.int64)
        decoded = codes[texts]
        if missing is not None:
            decoded[missing] = 0
        # Only labels that occur: the table may list numbers that do not.
        unknown = np.flatnonzero(decoded == _UNKNOWN)
        if unknown.size:
            row = int(unknown[0])
            raise self._refusal(table[int(texts[row])], first_row + row, place_of)
        return decoded

    def _code(self, text: str) -> int:
        if text not in self.codes:
            # A whole number is one however it was saved; pandas and NumPy make floats of labels easily.
            text = _plain(text)
        if _WHOLE.fullmatch(text) and int(text) in self.ignore:
            return -1 - self.ignore.index(int(text))
        return self.codes.get(text, _UNKNOWN)

    def _refusal(self, text: str, row: int, place_of: Callable[[int], Place] | None) -> InputError:
        if not text:
            message, hint = (
                "the label is missing",
                "--missing drop leaves such rows out; or mark it with an --ignore-index",
            )
        elif self.how == "name":
            message = f'the label "{text}" is none of the {self.classes} classes'
            hint = suggestion(text, sorted(self.codes, key=natural)) if not _FLOAT.fullmatch(text) else _AS_FLOATS
        elif self.how == "sign":
            message, hint = f'the label "{text}" is neither -1 nor 1, as the first labels are', ""
        elif not _WHOLE.fullmatch(text):
            message = f'the label "{text}" is no class index; expected 0 to {self.classes - 1}'
            hint = _AS_FLOATS if _FLOAT.fullmatch(text) else "without class names, labels must be whole numbers"
        else:
            message = f"the label {text} is out of range; expected 0 to {self.classes - 1}"
            hint = "the labels look 1-based: subtract 1"
            if int(text) not in range(self.classes + 1) or not self.one_based:
                others = [f"--ignore-index {value}" for value in self.ignore if self.ignore != (-100,)]
                hint = "to leave such rows out: " + " ".join([*others, f"--ignore-index {text}"])
        hint = self.note or hint
        place = Place(self.path, row) if place_of is None else place_of(row)
        return place.refusal(message, column=self.column, hint=hint)


_NO, _YES = ("false", "False", "FALSE"), ("true", "True", "TRUE")


def _plain(text: str) -> str:
    """A label that was saved as a float, as the whole number that it is."""
    if not _DECIMAL.fullmatch(text) or not float(text).is_integer() or abs(float(text)) >= _MOST_EXACT:
        return text
    return str(int(float(text)))


def _distinct(keys: Keys) -> tuple[Codes, list[str]]:
    if isinstance(keys, IntegerKeys) and keys.values.size:
        low, high = int(keys.values.min()), int(keys.values.max())
        if high - low <= keys.values.size:
            # A table of all numbers between the least and the greatest is cheaper than sorting to find the distinct.
            return keys.values - low, [str(low + i) for i in range(high - low + 1)]
    return keys.encode()


def decide_labels(
    sample: Keys, *, names: tuple[str, ...] | None, order: tuple[int, ...] | range, file_names: tuple[str, ...] | None,
    ignore: tuple[int, ...], path: str, column: str | None,
) -> LabelRule:  # fmt: skip
    """How labels find their class. ``names`` are the class names in the common order, ``order`` the positions in the
    predictions file that this order lists, ``file_names`` what the file itself calls its columns.

    Labels that are all names of classes are names; whole numbers are positions in the predictions file, counted from
    0, unless the classes themselves are named by these numbers. Anything else is left to be refused by its row.
    """
    seen = {_plain(text) for text in sample.encode()[1]} - {str(value) for value in ignore}
    by_name = _name_codes(names, file_names, order)
    numeric = bool(seen) and all(_WHOLE.fullmatch(text) for text in seen)
    if by_name is not None and (seen <= set(by_name) or not numeric):
        return LabelRule("name", len(order), by_name, ignore, path, column)
    if len(order) == 2 and seen <= {"-1", "1", "+1"} and "-1" in seen:
        return LabelRule("sign", 2, {"-1": order[0], "1": order[1], "+1": order[1]}, ignore, path, column)
    if len(order) == 2 and by_name is None and {text.lower() for text in seen} <= {"true", "false"} and seen:
        words = {word: order[truth] for truth, names_ in enumerate((_NO, _YES)) for word in names_}
        return LabelRule("truth", 2, words, ignore, path, column)
    codes = {str(position): place for place, position in enumerate(order)}
    numbers = [int(text) for text in seen if _WHOLE.fullmatch(text)]
    one_based = bool(numbers) and min(numbers) >= 1 and max(numbers) == len(order)
    return LabelRule("index", len(order), codes, ignore, path, column, one_based)


def _name_codes(
    names: tuple[str, ...] | None, file_names: tuple[str, ...] | None, order: tuple[int, ...] | range
) -> dict[str, int] | None:
    if names is None or file_names is None:
        return None
    in_order = [file_names[position] for position in order]
    codes = {name: place for place, name in enumerate(stripped(tuple(in_order)))}
    codes.update((name, place) for place, name in enumerate(in_order))
    codes.update((name, place) for place, name in enumerate(names))
    return codes
