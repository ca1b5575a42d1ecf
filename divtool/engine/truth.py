"""The forms of a chunk that speak of a model and the truth: what a class or label costs, and how much it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from divtool.engine.once import once
from divtool.meaning.labels import Codes
from divtool.measures.vocabulary import Matrix, Rows
from divtool.numerics import bernoulli, kernels
from divtool.numerics.logspace import error_of, softmax, spread_of_logits, spread_of_table, surprisal
from divtool.numerics.rowsum import row_sum

if TYPE_CHECKING:
    from divtool.engine.chunk import Part, Settings


class TruthForms:
    """Mixed into :class:`divtool.engine.chunk.Chunk`, whose sides, codes and settings it reads."""

    sides: dict[str, Part]
    codes: Codes | None
    settings: Settings

    @once
    def _through_softmax(self) -> bool:
        kind = self.sides["q"].kind
        return kind in ("logits", "counts") or (kind == "log-probs" and self.settings.temperature != 1.0)

    @once
    def cost(self) -> Matrix:
        """-log q as a loss sees it."""
        side = self.sides["q"]
        if self._through_softmax:
            temperature = self.settings.temperature
            spread = spread_of_table(side.matrix) if side.is_table else spread_of_logits(side.matrix, temperature)
            cost = surprisal(spread)
        else:
            cost = self._stored_cost(side.doubles)
        return self.settings.zeros.of_costs(cost, side.matrix.shape[1])

    def _stored_cost(self, cells: Matrix) -> Matrix:
        """-log of stored cells."""
        with np.errstate(divide="ignore"):
            logs = np.log(cells) if self.sides["q"].is_table else cells
        # A stored probability may be above 1 by its rounding; no cost is below 0, where rows sum to 1.
        return 0.0 - logs if self.settings.unnormalized else np.maximum(0.0 - logs, 0.0)

    @once
    def cost_of_label(self) -> Rows:
        """The cost at the label; rows to ignore have some number."""
        side, codes, zeros = self.sides["q"], self._codes_in_range, self.settings.zeros
        if side.kind == "counts":
            return np.asarray(np.take_along_axis(self.cost, codes[:, None], axis=1)[:, 0])
        if self._through_softmax:
            cost: Rows = kernels.surprisal_label(side.matrix, codes, self.settings.temperature)
        else:
            cells = np.take_along_axis(side.matrix, codes[:, None], axis=1).astype(np.float64, copy=False)
            cost = self._stored_cost(cells)[:, 0]
        return zeros.of_costs(cost, side.matrix.shape[1])

    @once
    def prediction(self) -> Matrix:
        """q as a loss sees it."""
        side = self.sides["q"]
        if side.kind == "logits" and not self.settings.zeros.changes_rows:
            return kernels.softmax(side.matrix, self.settings.temperature)
        if side.is_table and not self._through_softmax:
            return self.settings.zeros.of_probabilities(side.doubles)
        return np.exp(-self.cost)

    @once
    def _codes_in_range(self) -> Codes:
        assert self.codes is not None
        return np.maximum(self.codes, 0)

    @once
    def rank_of_label(self) -> Rows:
        """How many classes stand before the label."""
        matrix, codes = self.sides["q"].matrix, self._codes_in_range
        own = np.take_along_axis(matrix, codes[:, None], axis=1)
        before = (matrix == own) & (np.arange(matrix.shape[1]) < codes[:, None])
        return np.asarray(((matrix > own) | before).sum(axis=1), dtype=np.float64)

    @once
    def weights(self) -> Rows:
        """The weight of each class."""
        given = self.settings.weights
        return np.ones(self.sides["q"].matrix.shape[1]) if given is None else np.asarray(given)

    @once
    def weight_of_label(self) -> Rows:
        """The class weight of the label."""
        if self.settings.weights is None:
            return np.ones(self._codes_in_range.shape[0])
        return np.asarray(self.settings.weights)[self._codes_in_range]

    @once
    def target(self) -> Matrix:
        """The mass on each class, times its weight."""
        if self.settings.weights is None:
            return self.truth
        mass: Matrix = self.truth
        if self.settings.label_weight_only:
            return np.asarray(mass * row_sum(self._unsmoothed * self.weights)[:, None])
        return np.asarray(mass * self.weights)

    @once
    def truth(self) -> Matrix:
        """The mass on each class."""
        mass: Matrix = self._unsmoothed
        smoothing = self.settings.smoothing
        if not smoothing:
            return mass
        classes = mass.shape[1]
        if self.settings.answers:
            return mass * (1.0 - smoothing) + 0.5 * smoothing
        if self.settings.others_only:
            # Each class gives its share to the others alone: one with mass 1 keeps 1 - e, the others have e/(C-1) each.
            return np.asarray(mass * (1.0 - smoothing) + (1.0 - mass) * (smoothing / max(classes - 1, 1)))
        return np.asarray(mass * (1.0 - smoothing) + smoothing / classes)

    @once
    def _unsmoothed(self) -> Matrix:
        if "target" in self.sides:
            side = self.sides["target"]
            return softmax(spread_of_table(side.matrix)) if side.kind == "counts" else side.doubles
        codes = self._codes_in_range
        classes = self.settings.classes or self.sides["q"].matrix.shape[1]
        if classes == 1 and (self.settings.answers or self.settings.alone):
            return codes[:, None].astype(np.float64)
        mass = np.zeros((codes.shape[0], classes))
        mass[np.arange(codes.shape[0]), codes] = 1.0
        return mass

    @once
    def error(self) -> Matrix:
        """prediction - truth, which keeps its digits near certainty."""
        return error_of(self.prediction, self.truth, self.cost)

    @once
    def target_share(self) -> Rows | None:
        """The row's share of the denominator; None where every row counts one."""
        if self.settings.weights is None or self.settings.rows_count_one:
            return None
        if self.codes is not None:
            return self.weight_of_label
        return row_sum(self._unsmoothed * np.asarray(self.settings.weights))

    # Answers to yes-or-no questions

    @once
    def chance(self) -> Matrix:
        """The probability of yes."""
        side = self.sides["q"]
        return side.doubles if side.kind == "chances" else bernoulli.sigmoid(side.doubles, self.settings.temperature)

    @once
    def cost_of_yes(self) -> Matrix:
        """-log of the probability of yes."""
        side = self.sides["q"]
        cost = (
            bernoulli.cost_of_yes_from_chances(side.doubles)
            if side.kind == "chances"
            else bernoulli.cost_of_yes_from_logits(side.doubles, self.settings.temperature)
        )
        return self.settings.zeros.of_costs(cost, 2)

    @once
    def cost_of_no(self) -> Matrix:
        """-log of the probability of no."""
        side = self.sides["q"]
        cost = (
            bernoulli.cost_of_no_from_chances(side.doubles)
            if side.kind == "chances"
            else bernoulli.cost_of_no_from_logits(side.doubles, self.settings.temperature)
        )
        return self.settings.zeros.of_costs(cost, 2)

    @once
    def chance_error(self) -> Matrix:
        """chance - truth, which keeps its digits near certainty."""
        return bernoulli.chance_error(self.chance, self.truth, self.cost_of_yes)

    @once
    def kept(self) -> npt.NDArray[np.bool_] | None:
        """The rows whose label is not ignored; None where all are kept."""
        if self.codes is None or not (self.codes < 0).any():
            return None
        return np.greater_equal(self.codes, 0)
