"""Several accumulators as one, with the verbs of a member."""

from __future__ import annotations

from dataclasses import dataclass

from divtool.accumulators.extremes import ExtremeFigures, Extremes
from divtool.accumulators.moments import MomentFigures, Moments
from divtool.accumulators.quantiles import BUDGET, QuantileFigures, Quantiles
from divtool.accumulators.scores import Scores


@dataclass(frozen=True)
class RowFigures:
    """All that is printed about one measure over many rows."""

    moments: MomentFigures
    quantiles: QuantileFigures
    extremes: ExtremeFigures


class RowStatistics:
    """What every row measure is summed up by: mean and error, quantiles, extremes."""

    def __init__(self, keep: int = 1, budget: int = BUDGET) -> None:
        self.moments, self.quantiles, self.extremes = Moments(), Quantiles(budget), Extremes(keep)

    def update(self, scores: Scores) -> None:
        """Take more rows."""
        self.moments.update(scores)
        self.quantiles.update(scores)
        self.extremes.update(scores)

    def merge(self, other: RowStatistics) -> None:
        """Take what another part has kept."""
        self.moments.merge(other.moments)
        self.quantiles.merge(other.quantiles)
        self.extremes.merge(other.extremes)

    def present(self) -> RowFigures:
        """The figures of each member."""
        extremes = self.extremes.present()
        return RowFigures(self.moments.present(), _within(self.quantiles.present(), extremes), extremes)


def _within(quantiles: QuantileFigures, extremes: ExtremeFigures) -> QuantileFigures:
    """The middles of bins may lie beyond the least and the greatest value, which are known exactly."""
    if not (quantiles.bound and extremes.smallest and extremes.largest):
        return quantiles
    low, high = extremes.smallest[0].value, extremes.largest[0].value
    return QuantileFigures({point: min(max(at, low), high) for point, at in quantiles.points.items()}, quantiles.bound)
