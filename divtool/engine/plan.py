"""The frozen, checked description of one run. Opening, deciding and refusing happen here, before a row is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from divtool.engine.asked import Asked
from divtool.engine.chunk import Settings
from divtool.engine.inputs import ASIDE, Readable
from divtool.engine.local import available_threads
from divtool.options import Running, parse_bytes

_LEAST_PART, _MOST_PART, _PART_WITH_ROWS, _PARTS = 1 << 20, 32 << 20, 4 << 20, 64
_MOST_ROWS = 1 << 18
_CACHED = 1 << 19
# Forms that are read off the stored rows, without an array of doubles.
_AS_STORED = frozenset({"choice_p", "choice_q"})
# So many numbers of rows are kept for exact quantiles, over all measures of a run; each may keep so many by itself.
_KEPT, MOST_EXACT = 1 << 22, 1 << 21

Column = TypeVar("Column")

# What rows may have in common besides a column.
LABEL, PREDICTION, CONFIDENCE = "label", "prediction", "confidence"


@dataclass(frozen=True)
class By:
    """A way to group rows: ``how`` is "column" (its entries), or one of the words above, for the reference in ``role``
    (None: for each model itself)."""

    name: str
    how: str
    role: str | None = None


@dataclass(frozen=True)
class Plan:
    """Everything a worker needs to know. ``inputs[0]`` leads: its extents cut the run into parts.

    ``by_id`` says that rows were matched by an id, so that ids must agree in every chunk, or, if ``inner``, that rows
    whose id is not in every file are left out. ``rows`` are those of the leading input that count. ``candidates`` are
    the names of the files where several are scored, ``by`` the ways in which rows are grouped, ``cluster`` the column
    that says which rows belong together; ``paired`` lists the places of measures that are compared row by row, and of
    each measure so many ``worst`` rows are kept; ``drops_missing``: rows with an empty cell are left out.
    """

    asked: tuple[Asked, ...]
    inputs: tuple[Readable, ...]
    settings: Settings
    names: tuple[str, ...] | None
    classes: int
    by_id: bool
    keep_rows: bool
    labels: bool
    ignore: tuple[int, ...]
    threads: int
    chunk_bytes: int
    notes: tuple[str, ...] = ()
    rows: tuple[int, int] | None = None
    inner: bool = False
    normalizer: str = "--normalize"
    candidates: tuple[str, ...] = ()
    by: tuple[By, ...] = ()
    cluster: str | None = None
    paired: tuple[tuple[int, ...], ...] = ()
    worst: int = 1
    drops_missing: bool = False

    def in_rows(self, columns: Sequence[Column]) -> list[Column]:
        """Of things that there are for each measure, those that output by row has."""
        return [each for asked, each in zip(self.asked, columns, strict=True) if not asked.beside]

    @property
    def exact_rows(self) -> int:
        """The rows up to which quantiles are exact; it depends on the measures alone, never on the data's cut."""
        return min(MOST_EXACT, _KEPT // max(1, len(self.asked)))

    @property
    def without_ids(self) -> tuple[str, ...]:
        """The files that have no ids where others have: their rows go by position."""
        files = [each for each in self.inputs if each.role not in ASIDE]
        return tuple(each.title for each in files if self.by_id and each.as_read.columns.id is None)

    @property
    def gives_matrix(self) -> bool:
        """Whether this is the run of a transform."""
        return bool(self.asked) and self.asked[0].declared.is_transform

    @property
    def block_bytes(self) -> int:
        """Bytes that one matrix of one thread may have in hand (labels weigh nothing beside it)."""
        matrices = sum(each.role is not None and each.role not in ASIDE for each in self.inputs)
        return max(1, self.chunk_bytes // (self.threads * max(1, matrices)))

    @property
    def chunk_bytes_at_once(self) -> int:
        """Bytes of a chunk's doubles: small enough for a core's cache where NumPy makes array after array of them,
        a whole block where one kernel reads the stored rows."""
        fused = all(
            (asked.shortcut is not None and asked.plain is None) or _AS_STORED.issuperset(asked.needs)
            for asked in self.asked
        )
        return 2 * self.block_bytes if fused else min(self.block_bytes, _CACHED)

    def part_bytes(self, size: int, rows: int) -> int:
        """The size of a part of the leading input: cut from the data alone, never from the number of workers.

        ``size`` and ``rows`` are those of its file, about. A part has no more rows than its state, which keeps a double
        or two for each, should hold.
        """
        if self.gives_matrix:
            return max(_PART_WITH_ROWS, self.block_bytes)
        by_rows = _MOST_ROWS * size // rows if rows else _MOST_PART
        return max(min(max(_LEAST_PART, size // _PARTS), _MOST_PART, max(by_rows, _LEAST_PART)), self.block_bytes)


def running_of(running: Running) -> tuple[int, int]:
    """Threads and bytes in flight."""
    return running.threads or available_threads(), parse_bytes(running.chunk_size)
