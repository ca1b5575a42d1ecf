"""A chunk: the same rows of every input, in any form that a measure asks for, each made at most once.

The forms are the words of :mod:`divtool.measures.vocabulary`; this is where formats meet measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.engine.once import once
from divtool.formats.source import Stored
from divtool.meaning.labels import Codes
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics import kernels
from divtool.numerics.logspace import (
    Spread,
    log_sum_exp,
    softmax,
    spread_of_logits,
    spread_of_table,
    surprisal,
)
from divtool.numerics.pairs import Pair, pair_of_logits, pair_of_tables
from divtool.numerics.rowsum import row_sum


@dataclass(frozen=True)
class Settings:
    """What changes the numbers: frozen into the plan, the same for every chunk."""

    temperature: float = 1.0
    smoothing: float = 0.0
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Part:
    """One side of a chunk: rows as they are stored, and what they are (logits, log-probs or probs)."""

    matrix: Stored
    kind: str

    @property
    def is_table(self) -> bool:
        """Whether the rows are probabilities, not their logarithms."""
        return self.kind == "probs"


class Chunk:
    """Rows of every side: the roles p, q and target as far as they are given; ``codes`` are hard labels."""

    def __init__(self, sides: dict[str, Part], codes: Codes | None, settings: Settings) -> None:
        self.sides, self.codes, self.settings = sides, codes, settings

    def form(self, name: str) -> Any:
        """The form of that name."""
        return getattr(self, name)

    def apply(self, function: Callable[..., Any], needs: tuple[str, ...], keywords: dict[str, Any]) -> Any:
        """A measure's function, handed what it names."""
        # What overflows or is undefined is a result, or is refused by its row; NumPy need not speak of it.
        with np.errstate(all="ignore"):
            return function(*(self.form(name) for name in needs), **keywords)

    # One distribution

    @once
    def _spread_p(self) -> Spread:
        return self._spread("p")

    def _spread(self, role: str) -> Spread:
        side = self.sides[role]
        if side.is_table:
            return spread_of_table(side.matrix)
        return spread_of_logits(side.matrix, self.settings.temperature)

    @once
    def surprisal_p(self) -> Matrix:
        """-log p."""
        return surprisal(self._spread_p)

    @once
    def log_sum_p(self) -> Rows:
        """Log of the sum of exponentials."""
        return log_sum_exp(self.sides["p"].matrix, self.settings.temperature)

    # Two distributions: the raw pair goes into one kernel, for nothing can be had from two sides finished alone

    @once
    def _pair(self) -> Pair:
        p, q = self.sides["p"], self.sides["q"]
        if p.is_table and q.is_table:
            return pair_of_tables(p.matrix, q.matrix)
        # A table beside logits is taken to logarithms: the other way round small probabilities would underflow.
        return pair_of_logits(_logarithms(p), _logarithms(q), self.settings.temperature)

    @once
    def p(self) -> Matrix:
        """Probabilities of the reference."""
        return self._pair.p if "q" in self.sides else softmax(self._spread_p)

    @once
    def q(self) -> Matrix:
        """Probabilities of the model."""
        return self._pair.q if "p" in self.sides else softmax(self._spread("q"))

    @once
    def t(self) -> Matrix:
        """log(q/p)."""
        return self._pair.t

    # A model and the truth

    @once
    def cost(self) -> Matrix:
        """-log q as a loss sees it."""
        side = self.sides["q"]
        if side.kind == "logits" or (side.kind == "log-probs" and self.settings.temperature != 1.0):
            return surprisal(self._spread("q"))
        return _stored_cost(side)

    @once
    def cost_of_label(self) -> Rows:
        """The cost at the label; rows to ignore have some number."""
        side, codes = self.sides["q"], self._codes_in_range
        if side.kind == "logits" or (side.kind == "log-probs" and self.settings.temperature != 1.0):
            return kernels.surprisal_label(side.matrix, codes, self.settings.temperature)
        return _stored_cost(Part(np.take_along_axis(side.matrix, codes[:, None], axis=1), side.kind))[:, 0]

    @once
    def _codes_in_range(self) -> Codes:
        assert self.codes is not None
        return np.maximum(self.codes, 0)

    @once
    def weight_of_label(self) -> Rows:
        """The class weight of the label."""
        if self.settings.weights is None:
            return np.ones(self._codes_in_range.shape[0])
        return np.asarray(self.settings.weights)[self._codes_in_range]

    @once
    def target(self) -> Matrix:
        """The mass on each class."""
        mass, smoothing = self._unsmoothed, self.settings.smoothing
        if smoothing:
            mass = mass * (1.0 - smoothing) + smoothing / mass.shape[1]
        return mass if self.settings.weights is None else mass * np.asarray(self.settings.weights)

    @once
    def _unsmoothed(self) -> Matrix:
        if "target" in self.sides:
            return self.sides["target"].matrix.astype(np.float64, copy=False)
        codes = self._codes_in_range
        mass = np.zeros((codes.shape[0], self.sides["q"].matrix.shape[1]))
        mass[np.arange(codes.shape[0]), codes] = 1.0
        return mass

    @once
    def target_share(self) -> Rows | None:
        """The row's share of the denominator; None where every row counts one."""
        if self.settings.weights is None:
            return None
        if self.codes is not None:
            return self.weight_of_label
        return row_sum(self._unsmoothed * np.asarray(self.settings.weights))

    @once
    def kept(self) -> npt.NDArray[np.bool_] | None:
        """The rows whose label is not ignored; None where all are kept."""
        if self.codes is None or not (self.codes < 0).any():
            return None
        return np.greater_equal(self.codes, 0)


def _logarithms(side: Part) -> Stored:
    if not side.is_table:
        return side.matrix
    with np.errstate(divide="ignore"):
        return np.log(side.matrix.astype(np.float64, copy=False))


def _stored_cost(side: Part) -> Matrix:
    # A stored probability may be above 1 by its rounding; no cost is below 0.
    return np.maximum(0.0 - _logarithms(side), 0.0)
