"""What is handed to a measure in tests: a sample of logits and labels, in the kinds that its operands take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from divtool.engine.chunk import Chunk, Part, Settings
from divtool.measures.declare import Declaration, Operand
from divtool.measures.laws import Sample
from divtool.numerics.logspace import log_softmax, spread_of_logits


def side_of(operand: Operand, sample: Sample) -> dict[str, Part]:
    """The sides that an operand becomes; the truth, which is labels, becomes none."""
    if operand.role == "target":
        return {}
    if operand.many:
        # Two members of two classes, three of more: what is true of three need not be true of two.
        members = (sample.p, sample.q, np.roll(sample.p, 1, axis=0))[: min(sample.p.shape[1], 3)]
        return {f"member{i}": Part(x, "logits") for i, x in enumerate(members)}
    if operand.role == "sign":
        return {"sign": Part(np.where(np.arange(len(sample.p)) % 2 == 0, 1.0, -1.0)[:, None], "signs")}
    if operand.role == "variance":
        return {"variance": Part(np.full(sample.p.shape, 0.5) + np.arange(len(sample.p))[:, None] % 3, "positives")}
    x = sample.q if operand.role == "q" else sample.p
    if "logits" in operand.kinds:
        return {operand.role: Part(x, "logits")}
    if "log-probs" in operand.kinds:
        return {operand.role: Part(log_softmax(spread_of_logits(x)), "log-probs")}
    finite = np.where(np.isinf(x), 0.0, x)
    if "values" in operand.kinds:
        return {operand.role: Part(finite, "values")}
    return {operand.role: Part(np.exp(np.clip(finite, -500.0, 500.0)), "positives")}


def chunk_of(declared: Declaration, sample: Sample, settings: Settings = Settings()) -> Chunk:  # noqa: B008
    """A chunk as the engine makes it for a measure."""
    sides: dict[str, Part] = {}
    for operand in declared.operands:
        sides |= side_of(operand, sample)
    answers = any("chances" in operand.kinds for operand in declared.operands)
    settings = replace(settings, answers=answers, classes=sample.p.shape[1])
    return Chunk(sides, sample.labels if "target" in declared.roles else None, settings)


def score_of(declared: Declaration, **keywords: Any) -> Callable[[Sample], np.ndarray]:
    """The measure as the laws see it: a sample to a number a row."""

    def score(sample: Sample) -> np.ndarray:
        rows = chunk_of(declared, sample).apply(declared.function, declared.needs, keywords)
        with np.errstate(over="ignore"):
            return np.exp(rows) if declared.mean == "geometric" else rows

    return score
