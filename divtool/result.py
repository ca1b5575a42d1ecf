"""What a run gives back: named numbers and what they mean. It knows nothing of printing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA = "divtool/1"


@dataclass(frozen=True)
class InputReport:
    """One input as it was understood. ``roles`` are what it plays: p, q, target or labels.

    Of an array with more than two dimensions, ``arranged`` says how its cells became rows; one entry of its first axis
    has so many ``positions``.
    """

    path: str
    format: str
    dtype: str
    rows: int
    columns: int
    roles: tuple[str, ...]
    classes: int | None = None
    class_names: tuple[str, ...] | None = None
    kind: str | None = None
    evidence: str | None = None
    labels: str | None = None
    label_column: str | None = None
    id_column: str | None = None
    excluded: tuple[tuple[str, str], ...] = ()
    arranged: str = ""
    origin: str = ""
    shape: tuple[int, ...] | None = None
    class_axis: int | None = None
    positions: int | None = None


@dataclass(frozen=True)
class WorstRow:
    """A row worth a look."""

    row: int
    value: float


@dataclass(frozen=True)
class MeasureResult:
    """One measure over all rows. ``value`` and every figure in ``unit``; ``None`` where there is no such figure.

    ``rows`` = ``n`` + ``ignored`` + ``dropped`` + ``missing``; infinite and NaN rows are inside ``n``. ``parameters``
    are the measure's own options, ``of`` is the one file that it speaks of where a run has several, ``label`` tells it
    from the others of the run (``renyi(order=3)``, ``kl_reversed``).
    """

    measure: str
    title: str
    direction: str | None
    value: float
    unit: str
    reduction: str
    denominator: tuple[str, float]
    n: int
    rows: int
    ignored: int
    infinite: int
    nan: int
    finite_mean: float
    std_error: float | None
    minimum: float
    maximum: float
    quantiles: Mapping[str, float]
    quantile_bound: float
    worst: tuple[WorstRow, ...]
    first_infinite: tuple[int, ...] = ()
    first_nan: tuple[int, ...] = ()
    better: str | None = None
    dropped: int = 0
    missing: int = 0
    label: str = ""
    of: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def of_what(self) -> str:
        """How many rows, or what else, the number is over."""
        what, value = self.denominator
        return f"{value:,.0f} cells" if what == "cells" else f"{self.n:,}"

    @property
    def name(self) -> str:
        """What tells it from the others of the run."""
        return self.label or self.measure


@dataclass(frozen=True)
class Result:
    """A whole run. ``row_values`` holds one number a row (or, of a transform, one row) where they were asked for."""

    version: str
    command: str
    kernels: str
    inputs: tuple[InputReport, ...]
    matched: tuple[str, ...]
    results: tuple[MeasureResult, ...]
    warnings: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    rows: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    row_values: Any = field(default=None, repr=False, compare=False)

    @property
    def value(self) -> float:
        """The number of the first measure."""
        if not self.results:
            raise AttributeError(f"{self.command} gives no single number; its rows are in row_values")
        return self.results[0].value

    def __repr__(self) -> str:
        rows = "" if self.row_values is None else f"; row_values of shape {self.row_values.shape}"
        return f"<divtool {self.command}: {str(self).replace(chr(10), '; ')}{rows}>"

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        lines = [f"{each.name} {each.value!r} {each.unit}, {each.reduction} of {each.of_what}" for each in self.results]
        return "\n".join(lines) or f"{self.command}: {self.rows:,} rows"

    def __getitem__(self, measure: str) -> MeasureResult:
        for each in self.results:
            if measure in (each.name, each.measure):
                return each
        raise KeyError(f"{measure!r}; there are {', '.join(each.name for each in self.results)}")


@dataclass(frozen=True)
class Explanation:
    """What a run would be: the inputs and how they are matched, what would be computed, in which parts."""

    version: str
    command: str
    inputs: tuple[InputReport, ...]
    matched: tuple[str, ...]
    computed: tuple[str, ...]
    cut: Mapping[str, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """What the numbers of a table are like, over ``rows`` rows (``whole``: all there are)."""

    rows: int
    whole: bool
    least: float
    greatest: float
    least_sum: float
    greatest_sum: float
    zeros: int
    ones: int
    ties: int
    nan: int
    infinite: int
    missing: int
    sentinels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelFigures:
    """The labels of a file: how many different ones, and the most frequent with their counts."""

    column: str | None
    distinct: int
    counts: tuple[tuple[str, int], ...]
    missing: int = 0


# What stands for the format of a file that could not be opened.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Inspection:
    """A file as divtool sees it. ``decided`` are sentences about its columns, ``outcomes`` the columns that say class
    by class what came to be, ``doubts`` what keeps it from being read, ``commands`` what can be typed next."""

    path: str
    format: str
    size: int
    rows: int | None = None
    columns: int = 0
    dtype: str = ""
    shape: tuple[int, ...] | None = None
    members: tuple[tuple[str, tuple[int, ...], str], ...] = ()
    kind: str | None = None
    evidence: str | None = None
    classes: int | None = None
    class_names: tuple[str, ...] | None = None
    decided: tuple[str, ...] = ()
    figures: Figures | None = None
    labels: LabelFigures | None = None
    outcomes: tuple[str, ...] = ()
    origin: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()

    def __repr__(self) -> str:
        said = ", ".join(filter(None, (self.format, self.kind, "labels" if self.labels and not self.kind else "")))
        return (
            f"<divtool inspection of {self.path}: {said}{'; ' if self.doubts else ''}"
            + "; ".join(message for message, _ in self.doubts)
            + ">"
        )
