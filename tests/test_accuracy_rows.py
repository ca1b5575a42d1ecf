"""Measures of one distribution, losses, numbers and transforms against the accuracy table, in units of u = 2^-53.

`accuracy/rows.json` holds inputs bit by bit and true values with 25 digits (`accuracy/make_rows.py` says how they were
made).  A number passes within what its declaration promises, or within half an ulp of the smallest numbers there are;
where a promise is an absolute one, the table says how many u.  Each row stands between two others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accuracy.recipes import row

from divtool.engine.chunk import Chunk, Part, Settings
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration

load_families()
U = Fraction(1, 2**53)
HALF_SUBNORMAL = Fraction(1, 2**1075) * (1 + U)
TABLE = json.loads(Path(__file__).with_name("accuracy").joinpath("rows.json").read_text())
OF_A_CELL = {"softmax": 8, "normalize": 8, "one-hot": 0, "smooth-labels": 4, "sigmoid": 8, "log-sigmoid": 8}
A_TRANSFORM = 32
FILES = (
    "entropies", "entropy_orders", "confidence", "losses", "scores", "binary", "vectors", "distillation",
    "transforms", "gradients",
)  # fmt: skip
ROLES = {"x": "", "a": "p", "b": "q", "p": "p", "q": "q", "variance": "variance", "sign": "sign"}


def block(described: Any, dtype: str) -> np.ndarray:
    """A read-only block: the described row between two rows of ones."""
    values = row(described)
    rows = np.ones((3, len(values)), dtype)
    rows[1] = values
    assert rows[1].tolist() == values, "the table's row is not exact in its own type"
    rows.flags.writeable = False
    return rows


def chunk_of(case: dict[str, Any], declared: Declaration) -> Chunk:
    """The sides of a case in the roles of a measure."""
    sides = {}
    for name, role in ROLES.items():
        if name in case:
            matrix = block(case[name], case.get("dtype", "float64"))
            sides[role or declared.operands[0].role] = Part(matrix, case.get("kind", "values"))
    if "truth" in case:
        sides["target"] = Part(block(case["truth"], "float64"), "probs")
    settings = Settings(
        temperature=case.get("temperature", 1.0),
        weights=tuple(row(case["weights"])) if "weights" in case else None,
        smoothing=case.get("smoothing", 0.0),
        classes=case.get("classes", 0),
    )
    return Chunk(sides, np.array([0, case["y"], 0]) if "y" in case else None, settings)


def options_of(declared: Declaration, texts: dict[str, str]) -> dict[str, Any]:
    kinds = {each.name: each.type for each in declared.keywords}
    return {k: v == "True" if kinds[k] is bool else kinds[k](v) for k, v in texts.items()}


def units(got: float, wanted: str, slack: float, promise: float) -> float:
    """How much of what is allowed an error takes up: above 1 is a failure."""
    if wanted.endswith("inf") or not math.isfinite(got):
        return 0.0 if got == float(wanted) else math.inf
    true = Fraction(wanted)
    allowed = max(Fraction(promise) * U * abs(true), Fraction(slack) * U, HALF_SUBNORMAL)
    return float(abs(Fraction(float(got)) - true) / allowed)


def promise_of(declared: Declaration) -> float:
    return OF_A_CELL.get(declared.name, A_TRANSFORM) if declared.is_transform else declared.promise


def errors(case: dict[str, Any]) -> Iterator[tuple[str, float, Any, Any]]:
    """Every want of a case, with the share of its promise that the error takes up."""
    for verb, texts, wanted, *slack in case["wants"]:
        declared = MEASURES.get(verb)
        chunk = chunk_of(case, declared)
        got = np.atleast_1d(chunk.apply(declared.function, declared.needs, options_of(declared, texts))[1])
        wanted = wanted if isinstance(wanted, list) else [wanted]
        assert len(got) == len(wanted), verb
        promise = promise_of(declared)
        used = max(units(float(g), w, *(slack or [0]), promise) for g, w in zip(got, wanted, strict=True))
        yield f"{verb} {texts or ''}", used, got.tolist(), wanted


@pytest.mark.parametrize(
    "case", [case for cases in TABLE.values() for case in cases], ids=lambda case: case["name"].replace("[", "(")
)
def test_every_number_within_its_promise(case: dict[str, Any]) -> None:
    broken = [
        (name, f"{used:.3g} of what is promised", got, want) for name, used, got, want in errors(case) if used > 1
    ]
    assert not broken


def test_the_table_knows_every_measure_of_these_files() -> None:
    tried = {want[0] for cases in TABLE.values() for case in cases for want in case["wants"]}
    mine = {each.name for each in MEASURES if each.function.__module__.rpartition(".")[2] in FILES}
    assert mine - tried == set()
