"""The numbers of a whole table looked at once: their range, their sums, and what is odd among them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from divtool.engine.inputs import Input
from divtool.engine.twins import MOST_ROWS, fingerprints, may_hold_twins
from divtool.formats.source import Extent, Selection, Source, Stored
from divtool.numerics.rowsum import row_sum
from divtool.result import Figures, LabelFigures

_READ = 4 << 20
# What people and programs write where they have no number.
_MOST_SINGLE = float(np.finfo(np.float32).max)
_SENTINELS = (-999.0, -9999.0, 999.0, 9999.0, -1e9, 1e9, -1e30, 1e30, 65504.0, -65504.0, _MOST_SINGLE, -_MOST_SINGLE)
# So many different labels are kept; more are no classes.
_MOST_LABELS = 1 << 16
_SHOWN = 8


class Scan:
    """Takes the rows of a table piece by piece."""

    def __init__(self) -> None:
        self.rows = self.zeros = self.ones = self.ties = self.nan = self.infinite = self.missing = 0
        self.range = self.sums = (np.inf, -np.inf)
        self.sentinels: Counter[str] = Counter()

    def take(self, matrix: Stored, missing: npt.NDArray[np.bool_] | None) -> None:
        """More rows."""
        self.rows += matrix.shape[0]
        if missing is not None:
            self.missing += int(missing.sum())
            matrix = matrix[~missing]
        x = matrix.astype(np.float64)
        if not x.size:
            return
        self.nan += int(np.isnan(x).sum())
        self.infinite += int(np.isinf(x).sum())
        self.zeros += int((x == 0.0).sum())
        self.ones += int((x == 1.0).sum())
        whole = x[~np.isnan(x).any(axis=1)]
        if whole.size:
            self.ties += int(((whole == whole.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
            with np.errstate(all="ignore"):
                self.sums = _wider(self.sums, row_sum(whole))
        self.range = _wider(self.range, x[np.isfinite(x)])
        for value in _SENTINELS:
            found = int((x == value).sum())
            if found:
                self.sentinels[f"{value:.7g}"] += found

    def figures(self, *, whole: bool) -> Figures:
        """What was seen."""
        return Figures(
            rows=self.rows, whole=whole, least=self.range[0], greatest=self.range[1], least_sum=self.sums[0],
            greatest_sum=self.sums[1], zeros=self.zeros, ones=self.ones, ties=self.ties, nan=self.nan,
            infinite=self.infinite, missing=self.missing, sentinels=dict(self.sentinels),
        )  # fmt: skip


def _wider(bounds: tuple[float, float], values: npt.NDArray[np.float64]) -> tuple[float, float]:
    if not values.size:
        return bounds
    return min(bounds[0], float(values.min())), max(bounds[1], float(values.max()))


def scan_table(given: Input, most_bytes: int) -> Figures:
    """The figures of the class columns, over so many bytes of the file."""
    scan = Scan()
    extent, whole = _first(given.source, most_bytes)
    for block in given.source.blocks(extent, Selection(given.columns.classes, missing=True), _READ):
        scan.take(block.matrix, block.missing)
    return scan.figures(whole=whole)


def has_twins(source: Source, column: int) -> bool:
    """Whether an id of the first rows stands twice."""
    hashes = []
    extent = source.locate(0, min(MOST_ROWS, source.estimate()))
    for block in source.blocks(extent, Selection((), (column,), missing=True), _READ):
        keys = block.keys[0] if block.missing is None else block.keys[0].where(~block.missing)
        hashes.append(fingerprints(keys))
    return may_hold_twins(hashes)


def scan_labels(source: Source, column: int, most_bytes: int) -> LabelFigures:
    """The different labels of a column and how often they occur."""
    counts: Counter[str] = Counter()
    missing = 0
    extent, _ = _first(source, most_bytes)
    for block in source.blocks(extent, Selection((), (column,), missing=True), _READ):
        keys = block.keys[0]
        if block.missing is not None:
            missing += int(block.missing.sum())
            keys = keys.where(~block.missing)
        codes, texts = keys.encode()
        for text, number in zip(texts, np.bincount(codes, minlength=len(texts)).tolist(), strict=True):
            counts[text] += number
        if len(counts) > _MOST_LABELS:
            break
    name = None if source.header.names is None else source.header.name(column)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return LabelFigures(name, len(counts), tuple(ranked[:_SHOWN]), missing)


def _first(source: Source, most_bytes: int) -> tuple[Extent, bool]:
    """The rows of the first bytes, and whether these are all."""
    size = source.header.size
    if size <= most_bytes:
        return source.locate(0, source.count()), True
    rows = max(1, source.estimate() * most_bytes // size)
    return source.locate(0, rows), False
