"""The rows that accumulators take: a measure's numbers for some rows of the input."""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt


class Scores(NamedTuple):
    """One number a row. ``rows`` are the absolute row numbers, ``shares`` the rows' shares of the mean's denominator
    (None: one each). All three have the same length; ignored and dropped rows are not in it."""

    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64] | None = None


class Accumulator(Protocol):
    """Anything that starts empty and can do these."""

    def update(self, scores: Scores) -> None:
        """Take more rows, which may be none."""

    def merge(self, other: Self) -> None:
        """Take what another part has kept; ``other`` is left as it was."""

    def present(self) -> object:
        """The finished figures; the state is left as it was."""
