"""Whether rows to which something is applied are among those it was fitted on: then they say nothing of other rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from divtool.calibrated import TemperedScores
from divtool.formats.opening import file_and_key


def same_file(one: Any, other: Any) -> bool:
    """Whether two operands are the same table: the same file (and the same array in it), or the same object in memory.

    >>> same_file("missing.npy", "missing.npy"), same_file([1.0], [1.0])
    (True, False)
    """
    if not isinstance(one, str | os.PathLike) or not isinstance(other, str | os.PathLike):
        return one is other
    (path, key), (other_path, other_key) = (file_and_key(os.fspath(each)) for each in (one, other))
    return key == other_key and (path == other_path or _alike(path, other_path))


def _alike(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def seen_before(fitted: Any, applied: Any, scores: Sequence[TemperedScores]) -> tuple[str, ...]:
    """A warning where the rows of the second scores are, in part at least, those of the first."""
    fit, test = scores
    first, stop = max(fit.first_row, test.first_row), min(fit.stop_row, test.stop_row)
    # An archive may be named with the array that is looked for in it, and without.
    files = isinstance(fitted, str | os.PathLike) and isinstance(applied, str | os.PathLike)
    same = same_file(fitted, applied) or (files and same_file(fit.path, test.path))
    if not same or first >= stop:
        return ()
    whole = (first, stop) == (test.first_row, test.stop_row)
    which = f"all rows ({first}:{stop})" if whole else f"rows {first}:{stop}"
    return (
        f"{which} that the temperature is applied to are rows it was fitted on: what it does to them says little of"
        " others; --rows A:B is for the fit, --apply-rows B: for the rest",
    )
