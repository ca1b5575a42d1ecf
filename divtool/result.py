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
    """A row worth a look. ``id`` and ``label`` are those of the row where it has them and they were asked for."""

    row: int
    value: float
    id: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Shape:
    """How the rows of a measure are spread, for charts: how many lie between two ``edges`` each (one more than there
    are ``counts``; ``logarithmic``: the edges grow by a factor), and the quantile (share, value) at many shares.
    Infinite rows are in neither; ``below`` and ``above`` count the finite rows outside of the edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    curve: tuple[tuple[float, float], ...]
    logarithmic: bool = False
    below: int = 0
    above: int = 0


@dataclass(frozen=True)
class MeasureResult:
    """One measure over all rows. ``value`` and every figure in ``unit``; ``None`` where there is no such figure.

    ``rows`` = ``n`` + ``ignored`` + ``dropped`` + ``missing``; infinite and NaN rows are inside ``n``. ``parameters``
    are the measure's own options, ``of`` is the one file that it speaks of where a run has several, ``label`` tells it
    from the others of the run (``renyi(order=3)``, ``kl_reversed``). ``candidate`` is the name of the file it scores
    where there are several; ``by`` and ``group`` say what its rows have in common where these are not all. ``units``
    are what the standard error takes as independent: rows, or clusters of them. ``worst`` are the highest rows, or the
    lowest where higher is better; ``top_row`` is that of the maximum. ``automatic``: nobody
    asked for it.
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
    candidate: str | None = None
    by: str | None = None
    group: str | None = None
    units: str = "rows"
    top_row: int | None = None
    automatic: bool = False
    shape: Shape | None = field(default=None, repr=False)

    @property
    def max_row(self) -> int | None:
        """The row of the maximum; None where higher is better, so that it is nothing to look at."""
        if self.better == "higher":
            return None
        return self.worst[0].row if self.top_row is None and self.worst else self.top_row

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
class Difference:
    """What a candidate's mean is above that ``than`` another has, over the same rows.

    ``low`` and ``high`` bound it at the ``level`` by Student's t with ``units`` - 1 degrees of freedom (rows, or
    clusters of them); ``boot_low`` and ``boot_high`` by a bootstrap, None where none was drawn. ``above``, ``below``
    and ``equal`` count the units where the candidate is higher, lower, the same; ``p_sign`` is that of the sign test,
    ``p_permutation`` that of random exchanges. ``tied``: 0 is inside the bounds. ``left_out`` rows are infinite for one
    of the two, and not in any of this.
    """

    candidate: str
    than: str
    value: float
    std_error: float | None
    low: float | None
    high: float | None
    n: int
    units: int
    above: int
    below: int
    equal: int
    tied: bool
    p_sign: float | None = None
    p_permutation: float | None = None
    boot_low: float | None = None
    boot_high: float | None = None
    left_out: int = 0


@dataclass(frozen=True)
class Verdict:
    """Which candidate is best by ``measure`` (its label), and whether the others are worse beyond chance.

    ``order`` names the candidates, the best first; ``tied`` those that are not known to be worse than the best (the
    best itself among them); ``differences`` are those of each other candidate and the best, in that order. They are
    empty where the candidates were not scored over the same rows. ``said`` is the verdict in a sentence.
    """

    measure: str
    unit: str
    better: str
    order: tuple[str, ...]
    tied: tuple[str, ...]
    said: str
    differences: tuple[Difference, ...] = ()
    level: float = 0.95
    clusters: str | None = None
    resamples: int = 0
    seed: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateResult:
    """A threshold that the run was held to: ``text`` as it was given; the run fails where it is true of ``actual``, or
    where that is NaN. Of several candidates there is one for each."""

    text: str
    measure: str
    statistic: str
    actual: float
    failed: bool
    candidate: str | None = None


@dataclass(frozen=True)
class Result:
    """A whole run. ``row_values`` holds one number a row (or, of a transform, one row) where they were asked for.

    Where several files were scored, ``candidates`` are their names in the order given, each of which has its own
    ``results``, and ``verdict`` says which is best. ``groups`` are the measures over the rows that have something in
    common (``by``); ``gates`` the thresholds that were asked for.
    """

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
    candidates: tuple[str, ...] = ()
    verdict: Verdict | None = None
    groups: tuple[MeasureResult, ...] = ()
    gates: tuple[GateResult, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a threshold was not kept."""
        return any(each.failed for each in self.gates)

    @property
    def value(self) -> float:
        """The number of the first measure. Raises AttributeError where there is none, or one for each of several
        files."""
        if self.candidates:
            raise AttributeError(f"{len(self.candidates)} files were scored; see results, and verdict for the best")
        if not self.results:
            raise AttributeError(f"{self.command} gives no single number; its rows are in row_values")
        return self.results[0].value

    def __repr__(self) -> str:
        rows = "" if self.row_values is None else f"; row_values of shape {self.row_values.shape}"
        return f"<divtool {self.command}: {str(self).replace(chr(10), '; ')}{rows}>"

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        lines = [
            f"{f'{each.candidate}: ' if each.candidate else ''}{each.name} {each.value!r} {each.unit},"
            f" {each.reduction} of {each.of_what}" for each in self.results
        ]  # fmt: skip
        return "\n".join(lines) or f"{self.command}: {self.rows:,} rows"

    def __getitem__(self, key: str | tuple[str, str]) -> MeasureResult:
        """A measure by its name; where several files were scored, a measure and the name of a file."""
        measure, candidate = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        found = [each for each in self.results if measure in (each.name, each.measure)]
        own = [each for each in found if candidate in (None, each.candidate)]
        if not own or (candidate is None and own[0].candidate is not None):
            names = dict.fromkeys(each.name for each in self.results)
            among = f", each of {', '.join(self.candidates)}: [measure, file]" if self.candidates else ""
            raise KeyError(f"{key!r}; there are {', '.join(names)}{among}")
        return own[0]


@dataclass(frozen=True)
class Matrix:
    """One measure of every two of several files: ``values[i][j]`` is that of file i as the reference and file j as the
    model (of a ``symmetric`` measure the same as ``values[j][i]``), each with its standard error and how many rows are
    ``infinite``."""

    measure: str
    label: str
    title: str
    unit: str
    better: str | None
    symmetric: bool
    direction: str | None
    values: tuple[tuple[float, ...], ...]
    std_errors: tuple[tuple[float | None, ...], ...]
    infinite: tuple[tuple[int, ...], ...]
    n: int

    @property
    def closest(self) -> tuple[int, int] | None:
        """The places of the two different files that are most alike; None where no number says so."""
        sign = -1.0 if self.better == "higher" else 1.0
        found = [
            (sign * value, i, j) for i, row in enumerate(self.values) for j, value in enumerate(row)
            if i != j and value == value
        ]  # fmt: skip
        return None if not found else min(found)[1:]


@dataclass(frozen=True)
class MatrixResult:
    """Several files compared with each other: a matrix for each measure, its rows and columns in the order of
    ``names``."""

    version: str
    inputs: tuple[InputReport, ...]
    matched: tuple[str, ...]
    names: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    rows: int
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    def __getitem__(self, measure: str) -> Matrix:
        for each in self.matrices:
            if measure in (each.label, each.measure):
                return each
        raise KeyError(f"{measure!r}; there are {', '.join(each.label for each in self.matrices)}")

    def __repr__(self) -> str:
        measures = ", ".join(each.label for each in self.matrices)
        return f"<divtool matrix of {len(self.names)} files: {measures}>"


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
