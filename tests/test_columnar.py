"""Parquet files of results: the same columns have the same types, however little a run has to say."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reports_fixture import alone, compared, measured, rows_of

import divtool
from divtool.reports import render
from divtool.reports.calibration import render_calibration, render_temperature
from divtool.reports.columnar import COUNTS, FLAGS, NUMBERS, parquet_of
from divtool.reports.fitted import render_fit
from divtool.reports.gains import render_gains
from divtool.reports.joint import render_joint
from divtool.reports.matrix import render_matrix

TEXTS = {
    "measure", "unit", "reduction", "direction", "candidate", "by", "group", "worst_rows", "estimator", "family",
    "column", "rule", "x", "y", "parameters", "fixed", "notes", "outcome", "use", "path", "reference", "model",
}  # fmt: skip
RNG = np.random.default_rng(12)
P, Q = RNG.dirichlet(np.ones(3), 40), RNG.dirichlet(np.ones(3), 40)
LABELS = (P.argmax(axis=1) + (RNG.random(40) < 0.4)) % 3
COLUMNS = pa.table({"a": ["u", "v", "u", "v", "u", "w"], "b": [0, 1, 0, 1, 1, 1], "c": ["k", "k", "l", "l", "k", "l"]})
CASES = [[5, 2], [1, 6]]


def schema(written: str | bytes) -> dict[str, str]:
    """The types of the columns of a Parquet file."""
    assert isinstance(written, bytes)
    return {field.name: str(field.type) for field in pq.read_table(io.BytesIO(written)).schema}


def one_row() -> Any:
    row = replace(measured(rows_of(0, 2)), std_error=None, top_row=None, better="higher")
    return alone(results=(row,), rows=1)


def of_nothing_known() -> Any:
    """Candidates of a measure of which nobody knows which is better, in groups."""
    made = compared(2, groups=2)
    bare = [replace(each, std_error=None, direction=None) for each in (*made.results, *made.groups)]
    size = len(made.results)
    return replace(made, verdict=None, results=tuple(bare[:size]), groups=tuple(bare[size:]))


WRITTEN: dict[str, Any] = {
    "one file": lambda: render(alone(), "parquet"),
    "one row": lambda: render(one_row(), "parquet"),
    "candidates": lambda: render(compared(3, groups=2), "parquet"),
    "no verdict": lambda: render(of_nothing_known(), "parquet"),
    "joint counts": lambda: render_joint(divtool.joint(np.array(CASES)), "parquet"),
    "joint probabilities": lambda: render_joint(divtool.joint(np.array(CASES) / 14), "parquet"),
    "mi": lambda: render_gains(divtool.mi(COLUMNS, "b", permutations=20), "parquet"),
    "mi with chi-square": lambda: render_gains(divtool.mi(COLUMNS, "b"), "parquet"),
    "mi matrix": lambda: render_gains(divtool.mi(COLUMNS, matrix=True), "parquet"),
    "fit of counts": lambda: render_fit(divtool.fit({0: 10, 1: 5, 2: 3}), "parquet"),
    "fit of probabilities": lambda: render_fit(divtool.fit({0: 0.5, 1: 0.25, 2: 0.25}), "parquet"),
    "calibration": lambda: render_calibration(divtool.calibration(P, LABELS), "parquet"),
    "calibration of a row": lambda: render_calibration(divtool.calibration(P[:1], LABELS[:1]), "parquet"),
    "temperature": lambda: render_temperature(divtool.temperature(P, LABELS, apply=P[:1], apply_labels=LABELS[:1]),
                                              "parquet"),
    "matrix": lambda: render_matrix(divtool.matrix(P, Q), "parquet"),
    "matrix of a row": lambda: render_matrix(divtool.matrix(P[:1], Q[:1]), "parquet"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_the_names_say_the_types(name: str) -> None:
    for column, kind in schema(WRITTEN[name]()).items():
        wanted = {
            "int64": column in COUNTS, "bool": column in FLAGS, "string": column in TEXTS,
            "double": column in NUMBERS or (column.startswith("p") and column[1:2].isdigit()),
        }  # fmt: skip
        assert [each for each, is_so in wanted.items() if is_so] == [kind], column


def test_cells_that_are_there_decide_what_a_name_leaves_open() -> None:
    made = {"value": 1, "n": 2.5, "tied": None, "max_row": None, "other": 3, "rank": "first"}
    assert schema(parquet_of([made])) == {
        "value": "double", "n": "double", "tied": "bool", "max_row": "int64", "other": "int64", "rank": "string",
    }  # fmt: skip


def test_empty_cells_are_null_and_odd_numbers_stay() -> None:
    cells = [math.nan, math.inf, None, -0.0]
    (read,) = pq.read_table(io.BytesIO(parquet_of([{"std_error": cell} for cell in cells]))).columns
    assert (read.type, read.null_count) == (pa.float64(), 1)
    found = read.to_pylist()
    assert math.isnan(found[0])
    assert found[1:3] == [math.inf, None]
    assert math.copysign(1.0, found[3]) == -1.0
