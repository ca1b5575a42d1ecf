"""Every measure of a pair against the accuracy table, in units of u = 2^-53.

`accuracy/pairs.json` holds inputs bit by bit and true values with 25 digits (`accuracy/make_pairs.py` says how they
were made).  A row passes if it is within what its measure's declaration promises, or within an ulp of the smallest
numbers there are.  Some declarations promise little because of classes that underflow, whose ratio is known only as
well as its logarithm: every other row must be within 32 u.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import oracles_pairs
import pytest
from accuracy.recipes import row

from divtool.engine.chunk import Chunk, Part, Settings
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration

load_families()
U = Fraction(1, 2**53)
SMALLEST = Fraction(1, 2**1074)
OURS = [
    "divergences",
    "jensen",
    "positives",
    "fdivergence",
    "orders",
    "distances",
    "hellinger",
    "chisquared",
    "ordered",
    "cha",
    "products",
    "vicis",
]
FAINT = ("underflow", "subnormal", "scale 200", "700")
COMMON = 32
TABLE = json.loads(Path(__file__).with_name("accuracy").joinpath("pairs.json").read_text())
ASKED = TABLE["measures"]


def block(described: Any) -> np.ndarray:
    """The described row between two flat ones, which must not touch it."""
    values = row(described)
    rows = np.ones((3, len(values)))
    rows[1] = values
    rows.flags.writeable = False
    return rows


def chunks_of(declared: Declaration) -> list[tuple[str, Chunk]]:
    """The inputs of the table that the measure takes, in the order of its true values."""
    if declared.roles == ("member",):
        return [(each["name"], members(each)) for each in TABLE["members"]]
    if "stored_p" in declared.needs:
        return [(each["name"], pair(each, "positives")) for each in TABLE["tables"]]
    return [
        (each["name"], pair(each, kind))
        for given, kind in (("logits", "logits"), ("tables", "probs"))
        for each in TABLE[given]
    ]


def pair(each: dict[str, Any], kind: str) -> Chunk:
    sides = {role: Part(block(each[role]), kind) for role in "pq"}
    return Chunk(sides, None, Settings(temperature=each.get("temperature", 1.0)))


def members(each: dict[str, Any]) -> Chunk:
    sides = {f"member{i}": Part(block(described), "logits") for i, described in enumerate(each["rows"])}
    return Chunk(sides, None, Settings())


def units_off(got: float, want: str) -> float:
    """The error in units of u; 0 within an ulp of the smallest numbers; infinities are exact."""
    if "inf" in want:
        return 0.0 if got == float(want) else math.inf
    true = Fraction(want)
    if not math.isfinite(got):
        return 0.0 if got == float(want) else math.inf
    error = abs(Fraction(float(got)) - true)
    if error <= SMALLEST:
        return 0.0
    return float(error / abs(true) / U) if true else math.inf


def name_of(asked: dict[str, Any]) -> str:
    return " ".join([asked["verb"], *(f"{name}={value}" for name, value in asked["keywords"].items())])


@pytest.mark.parametrize("asked", ASKED, ids=name_of)
def test_within_its_promise(asked: dict[str, Any]) -> None:
    declared = MEASURES.get(asked["verb"].replace("_", "-"))
    chunks = chunks_of(declared)
    assert len(chunks) == len(asked["want"])
    off = {}
    for (name, chunk), want in zip(chunks, asked["want"], strict=True):
        got = chunk.apply(declared.function, declared.needs, asked["keywords"])
        off[name] = units_off(float(got[1]), want)
        assert got[0] == got[2]
    excess = {name: units / promise_of(declared, name) for name, units in off.items()}
    worst = max(excess, key=lambda name: excess[name])
    assert excess[worst] <= 1.0, f"{worst}: {off[worst]:.3g} u"


def promise_of(declared: Declaration, name: str) -> int:
    """What the measure promises of that pair."""
    return declared.promise if any(word in name for word in FAINT) else min(declared.promise, COMMON)


def test_every_measure_of_a_pair_is_in_the_table() -> None:
    asked = {each["verb"] for each in ASKED}
    of_pairs = {each.name.replace("-", "_") for each in MEASURES if each.function.__module__.rpartition(".")[2] in OURS}
    assert asked == set(oracles_pairs.PAIRS) == of_pairs
