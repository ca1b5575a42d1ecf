"""Every measure gives the same bytes of results for any chunk size, number of threads and format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import divtool
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.reports.plain import document

load_families()
ROWS, CLASSES = 700, 6
SCORED = [each for each in MEASURES if not each.is_transform]


def matrix(operand: Any, seed: int) -> np.ndarray:
    """Numbers that an operand takes, with near-equal rows, ties and zeros among them."""
    numbers = np.random.default_rng(seed)
    x = numbers.normal(scale=3.0, size=(ROWS, CLASSES))
    x[::5] = np.round(x[::5])
    x[::7] = np.random.default_rng(1).normal(size=CLASSES) + 1e-9 * seed
    if operand.role == "sign":
        return np.where(numbers.random((ROWS, 1)) < 0.5, 1, -1)
    if "logits" in operand.kinds:
        return x + 0.125
    if "log-probs" in operand.kinds:
        return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return np.abs(x) + 0.25 if "positives" in operand.kinds else x


def files_of(declared: Declaration, folder: Path, form: str) -> list[str]:
    """The operands of a measure in files of one format."""
    operands = declared.operands * (3 if declared.operands[-1].many else 1)
    paths = []
    for place, operand in enumerate(operands):
        labels = np.random.default_rng(9).integers(0, CLASSES, (ROWS, 1))
        values = labels if operand.role == "target" else matrix(operand, place)
        path = folder / f"{declared.name}{place}.{form}"
        names = [f"c{i}" for i in range(CLASSES)] if values.shape[1] == CLASSES else ["label"]
        frame = pd.DataFrame(values, columns=names)
        if form == "npy":
            np.save(path, values[:, 0] if operand.role == "target" else values)
        elif form == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, index=False, row_group_size=97)
        paths.append(str(path))
    return paths


def results_of(declared: Declaration, files: list[str], **options: Any) -> str:
    given = (
        {"given": "logits"} if any(len(each.kinds) > 1 for each in declared.operands if each.role != "target") else {}
    )
    found = document(divtool.compute(declared.name, *files, **given, **options))["results"]
    for each in found:
        each.pop("of")
    return json.dumps(found)


@pytest.mark.parametrize("declared", SCORED, ids=lambda each: each.name)
def test_nothing_changes_a_bit(declared: Declaration, tmp_path: Path) -> None:
    plain = results_of(declared, files_of(declared, tmp_path, "npy"))
    assert json.loads(plain)[0]["n"] == ROWS
    for form, options in (
        ("npy", {"chunk_size": 1, "threads": 1}), ("npy", {"chunk_size": 3000, "threads": 8}),
        ("csv", {"chunk_size": 5000, "threads": 2}), ("parquet", {"chunk_size": 700, "threads": 2}),
    ):  # fmt: skip
        assert results_of(declared, files_of(declared, tmp_path, form), **options) == plain, (form, options)
