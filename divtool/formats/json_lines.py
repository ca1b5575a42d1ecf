"""One line of JSON as Python's own values, and what is refused about it: everything that two readers might take for two
things."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

orjson: Any = None
with suppress(ImportError):
    orjson = import_module("orjson")

# What orjson reads otherwise than the standard library: integers of more than 64 bits, and -0.
_ELSEWISE = re.compile(rb"(?<![\d.])\d{19}|-0(?![\d.])")


class MalformedError(ValueError):
    """The line is not to be read; the text says why."""


class CutShortError(MalformedError):
    """The line ends before its JSON does."""


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twin = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise MalformedError(f'holds the key "{twin}" twice')
    return found


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise MalformedError(f'"{text}" is too large for a double')
    return value


_usual = json.JSONDecoder(object_pairs_hook=_no_twins)
_finite_only = json.JSONDecoder(parse_float=_finite)


def parse_line(line: bytes) -> Any:
    """The value of a line.

    Raises :class:`MalformedError` for what is no JSON, holds a key twice, or is nested too deep.
    """
    return _guarded(_usual.decode, line)


def check_finite(line: bytes) -> None:
    """Refuse a number beyond all doubles, which is read as infinity though it does not say so.

    Raises :class:`MalformedError`.
    """
    _guarded(_finite_only.decode, line)


def quickly(line: bytes, keys: int, counted: Callable[[Any], int]) -> Any:
    """The same as :func:`parse_line` by a faster parser, where there is one and it cannot differ. ``keys`` are those
    that an object should have with all its parts, ``counted`` tells how many a value has."""
    if orjson is not None and line.count(b'":') == keys and not _ELSEWISE.search(line):
        try:
            value = orjson.loads(line)
        except ValueError:
            return parse_line(line)
        # As many keys as there are signs of them: none of them stands there twice.
        if counted(value) == keys:
            return value
    return parse_line(line)


def _guarded(decode: Callable[[str], Any], line: bytes) -> Any:
    try:
        return decode(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedError("the text is no UTF-8") from None
    except json.JSONDecodeError as error:
        kind = CutShortError if error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg else MalformedError
        raise kind(f"is no JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise MalformedError("is nested too deep") from None
    except MalformedError:
        raise
    except ValueError:
        # Python refuses to read integers of thousands of digits, which takes time in the square of them.
        raise MalformedError("holds an integer of thousands of digits") from None
