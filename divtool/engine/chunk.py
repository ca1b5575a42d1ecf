"""A chunk: the same rows of every input, in any form that a measure asks for, each made at most once.

The forms are the words of :mod:`divtool.measures.vocabulary`; this is where formats meet measures. Here are the forms
of distributions; those of a model and the truth are in :mod:`divtool.engine.truth`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from divtool.engine.once import once
from divtool.engine.truth import TruthForms
from divtool.formats.source import Stored
from divtool.meaning.labels import Codes
from divtool.meaning.zeros import Zeros
from divtool.measures.vocabulary import Labels, Matrix, Rows
from divtool.numerics import kernels
from divtool.numerics.logspace import (
    Spread,
    complement,
    log_sum_exp,
    softmax,
    spread_of_logits,
    spread_of_table,
    spread_tempered,
    surprisal,
    uniform_ratio,
)
from divtool.numerics.pairs import Pair

# A candidate has so many views at the most: as the model, exchanged with the reference, alone.
_VIEWS = 4


@dataclass(frozen=True)
class Settings:
    """What changes the numbers: frozen into the plan, the same for every chunk.

    ``others_only``: smoothed mass goes to the other classes; ``answers``: each column is a yes-or-no question of its
    own, ``alone``: there is but one, so that its labels are 0 and 1; ``classes``: how many there are where no side
    of the chunk shows it; ``unnormalized``: rows of probabilities are taken as they are.
    """

    temperature: float = 1.0
    smoothing: float = 0.0
    weights: tuple[float, ...] | None = None
    others_only: bool = False
    answers: bool = False
    alone: bool = False
    classes: int = 0
    label_weight_only: bool = False
    rows_count_one: bool = False
    zeros: Zeros = field(default_factory=Zeros)
    unnormalized: bool = False


@dataclass(frozen=True)
class Part:
    """One side of a chunk: rows as they are stored, and what they are (a kind of :mod:`divtool.meaning.kinds`)."""

    matrix: Stored
    kind: str

    @property
    def is_table(self) -> bool:
        """Whether the rows are probabilities up to a factor, not their logarithms."""
        return self.kind in ("probs", "counts", "positives")

    @property
    def doubles(self) -> Matrix:
        """The cells as float64."""
        return self.matrix.astype(np.float64, copy=False)


class Chunk(TruthForms):
    """Rows of every side: the roles p, q, target, ... as far as they are given; ``codes`` are hard labels."""

    def __init__(self, sides: dict[str, Part], codes: Codes | None, settings: Settings) -> None:
        self.sides, self.codes, self.settings = sides, codes, settings
        self._renamed: dict[tuple[tuple[str, str], ...], Chunk] = {}

    def form(self, name: str) -> Any:
        """The form of that name."""
        return getattr(self, name)

    def apply(self, function: Callable[..., Any], needs: tuple[str, ...], keywords: dict[str, Any]) -> Any:
        """A measure's function, handed what it names."""
        # What overflows or is undefined is a result, or is refused by its row; NumPy need not speak of it.
        with np.errstate(all="ignore"):
            return function(*(self.form(name) for name in needs), **keywords)

    def renamed(self, roles: Mapping[str, str]) -> Chunk:
        """The same rows with the sides in other roles, ``roles`` mapping the new role to the present one."""
        wanted = {new: old for new, old in roles.items() if old in self.sides}
        if wanted == {role: role for role in self.sides}:
            return self
        key = tuple(sorted(wanted.items()))
        if key not in self._renamed:
            if len(self._renamed) == _VIEWS:
                # Candidates come one after the other: what was made for earlier ones is not asked for again.
                self._renamed.clear()
            sides = {new: self.sides[old] for new, old in wanted.items()}
            self._renamed[key] = Chunk(sides, self.codes, self.settings)
        return self._renamed[key]

    @once
    def temperature(self) -> float:
        """What the logits are divided by."""
        return self.settings.temperature

    # One distribution

    @once
    def _spread_p(self) -> Spread:
        return self._spread("p")

    def _spread(self, role: str) -> Spread:
        side, temperature = self.sides[role], self.settings.temperature
        if not side.is_table:
            return spread_of_logits(side.matrix, temperature)
        spread = spread_of_table(side.matrix)
        return spread if temperature == 1.0 else spread_tempered(spread, temperature)

    def _softmax(self, role: str) -> Matrix:
        side = self.sides[role]
        if side.is_table:
            return softmax(self._spread(role))
        return kernels.softmax(side.matrix, self.settings.temperature)

    @once
    def gap_p(self) -> Matrix:
        """log(max p / p)."""
        return self._spread_p.gap

    @once
    def surprisal_p(self) -> Matrix:
        """-log p."""
        return surprisal(self._spread_p)

    @once
    def complement_p(self) -> Matrix:
        """1 - p."""
        return complement(self._spread_p)

    @once
    def uniform_p(self) -> Matrix:
        """log(1 / (C p))."""
        return uniform_ratio(self._spread_p)

    @once
    def log_sum_p(self) -> Rows:
        """Log of the sum of exponentials."""
        return log_sum_exp(self.sides["p"].matrix, self.settings.temperature)

    @once
    def entropy_of_p(self) -> Rows:
        """The entropy, from the stored rows at once."""
        return self._entropy(self.sides["p"])

    def _entropy(self, side: Part) -> Rows:
        if side.is_table:
            return kernels.entropy_of_table(side.matrix)
        return kernels.entropy_of_logits(side.matrix, self.settings.temperature)

    # Two distributions: the raw pair goes into one kernel, for nothing can be had from two sides finished alone

    @once
    def _pair(self) -> Pair:
        return self.settings.zeros.of_pair(pair_of(self.sides["p"], self.sides["q"], self.settings.temperature))

    @once
    def p(self) -> Matrix:
        """Probabilities of the reference."""
        return self._pair.p if "q" in self.sides else self._softmax("p")

    @once
    def q(self) -> Matrix:
        """Probabilities of the model."""
        return self._pair.q if "p" in self.sides else self._softmax("q")

    @once
    def t(self) -> Matrix:
        """log(q/p)."""
        return self._pair.t

    @once
    def delta(self) -> Matrix:
        """p - q."""
        if self.settings.zeros.as_stored:
            return self._pair.p - self._pair.q
        if "_pair" in vars(self) or self.settings.zeros.changes_rows:
            return kernels.delta_of(*self._pair)
        # The same bits, without the forms that nobody has asked for.
        return self._of_pair(kernels.delta_of_logits, kernels.delta_of_tables)

    @once
    def delta_of_label(self) -> Rows:
        """p - q at the label; rows to ignore have some number."""
        return np.asarray(np.take_along_axis(self.delta, self._codes_in_range[:, None], axis=1)[:, 0])

    @once
    def kl_of_pair(self) -> Rows:
        """The divergence, from the stored rows at once."""
        return self._of_pair(kernels.kl_of_logits, kernels.kl_of_tables)

    @once
    def js_of_pair(self) -> Rows:
        """The Jensen-Shannon divergence, from the stored rows at once."""
        return self._of_pair(kernels.js_of_logits, kernels.js_of_tables)

    def _of_pair(self, of_logits: Callable[..., Matrix], of_tables: Callable[..., Matrix]) -> Matrix:
        p, q = self.sides["p"], self.sides["q"]
        if p.is_table and q.is_table:
            return of_tables(p.matrix, q.matrix)
        return of_logits(logarithms(p), logarithms(q), self.settings.temperature)

    # Several distributions

    @once
    def _members(self) -> list[Pair]:
        first, *others = self._member_sides
        return [pair_of(first, other, self.settings.temperature) for other in others]

    @once
    def members(self) -> Matrix:
        """Probabilities of each member."""
        pairs = self._members
        return np.stack([pairs[0].p, *(pair.q for pair in pairs)])

    @once
    def members_t(self) -> Matrix:
        """Log of each member's probability over the first's."""
        pairs = self._members
        return np.stack([np.zeros_like(pairs[0].t), *(pair.t for pair in pairs)])

    @once
    def _member_sides(self) -> list[Part]:
        return [self.sides[role] for role in sorted(self.sides, key=_place) if role.startswith("member")]

    @once
    def entropies(self) -> Matrix:
        """The entropy of each member, from its stored rows at once."""
        return np.stack([self._entropy(each) for each in self._member_sides])

    @once
    def choices(self) -> Labels:
        """The most probable class of each member."""
        return np.stack([_choice(each) for each in self._member_sides])

    # The order of the classes, as the stored rows have it

    @once
    def choice_p(self) -> Labels:
        """The reference's most probable class."""
        return _choice(self.sides["p"])

    @once
    def choice_q(self) -> Labels:
        """The model's most probable class."""
        return _choice(self.sides["q"])

    @once
    def ranked_p(self) -> Stored:
        """The reference's cells."""
        return self.sides["p"].matrix

    @once
    def ranked_q(self) -> Stored:
        """The model's cells."""
        return self.sides["q"].matrix

    # Numbers as they are

    @once
    def stored_p(self) -> Matrix:
        """The reference's cells."""
        return self.sides["p"].doubles

    @once
    def stored_q(self) -> Matrix:
        """The model's cells."""
        return self.sides["q"].doubles

    @once
    def sign(self) -> Matrix:
        """+1 or -1."""
        return self.sides["sign"].doubles

    @once
    def variance(self) -> Matrix:
        """The predicted variance."""
        return self.sides["variance"].doubles


def pair_of(p: Part, q: Part, temperature: float) -> Pair:
    """The pair forms of two sides of any kind."""
    if p.is_table and q.is_table:
        return kernels.pair_of_tables(p.matrix, q.matrix)
    # A table beside logits is taken to logarithms: the other way round small probabilities would underflow.
    return kernels.pair_of_logits(logarithms(p), logarithms(q), temperature)


def logarithms(side: Part) -> Stored:
    """Logits of the rows: as stored, or the logarithms of a table."""
    if not side.is_table:
        return side.matrix
    with np.errstate(divide="ignore"):
        return np.log(side.doubles)


def _choice(side: Part) -> Labels:
    # Loaded when it is needed: few runs ask for it.
    from divtool.numerics.choices import first_choice

    return first_choice(side.matrix, 0.0 if side.is_table else -np.inf)


def _place(role: str) -> int:
    return int(role.removeprefix("member") or 0) if role.startswith("member") else -1
