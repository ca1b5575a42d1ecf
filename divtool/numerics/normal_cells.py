"""The normal distribution rounded to whole numbers: the mass of each cell, Phi(b) - Phi(a), without a subtraction.

The density is integrated over the cell by Gauss's rule in eight parts, from the end that is nearest to the mean and
only as far as there is mass; so cells far out in a tail keep every digit, and moments inside a cell come with the mass.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from divtool.numerics.errorfree import Doubles

_LOG_ROOT_TWO_PI = 0.9189385332046728
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_PARTS = 8
# Beyond these the rest of a cell is below 2^-56 of it.
_FALL, _WIDEST = 40.0, 9.0
_FLAT = 4.0
_AT_ONCE = 4096


class Cells(NamedTuple):
    """Of each cell (m,) the logarithm of its mass, and the moments of the distribution inside it that a search needs:
    the means of z, y and z y, the variances of z and z y, and their covariance."""

    log_mass: Doubles
    z: Doubles
    y: Doubles
    zy: Doubles
    z_z: Doubles
    zy_zy: Doubles
    z_zy: Doubles
    y_y: Doubles


def normal_logs(k: Doubles, mean: float, deviation: float) -> Doubles:
    """log of Phi((k + 1/2 - mean)/deviation) - Phi((k - 1/2 - mean)/deviation), for whole numbers k.

    >>> import numpy as np
    >>> np.exp(normal_logs(np.array([0.0]), 0.0, 1.0)).round(12).tolist()
    [0.382924922548]
    """
    if deviation == 0.0:
        return np.where(k == mean, 0.0, -np.inf)
    pieces = [k[i : i + _AT_ONCE] for i in range(0, len(k), _AT_ONCE)]
    return np.concatenate([_masses((piece - mean) / deviation, 1.0 / deviation)[0] for piece in pieces] or [k])


def cells(k: Doubles, alpha: float, beta: float) -> Cells:
    """The same with z = beta y - alpha in place of (y - mean)/deviation, and the moments."""
    found = [_moments(k[i : i + _AT_ONCE], alpha, beta) for i in range(0, len(k), _AT_ONCE)]
    return Cells(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _masses(middle: Doubles, width: float) -> tuple[Doubles, Doubles, Doubles]:
    """Of the cells of a width about some middles (m,): the log of the mass, the nodes (m, 16 or 128) and their
    shares."""
    near = np.abs(middle) - width / 2.0
    start = np.maximum(near, -_WIDEST)
    fall = _FALL / np.maximum(near, _FALL / _WIDEST)
    length = np.where(near >= 0.0, np.minimum(width, fall), np.minimum(near + width, _WIDEST) - start)
    # Where the density falls by less than e^4 within a cell, one part is as good as eight.
    parts = 1 if width * (float(np.abs(middle).max(initial=0.0)) + width) <= _FLAT else _PARTS
    steps = ((_NODES + 1.0) / 2.0 + np.arange(parts)[:, None]).reshape(-1) / parts
    weights = np.tile(_WEIGHTS / (2.0 * parts), parts)
    along = length[:, None] * steps
    z = start[:, None] + along
    # From the end of the cell that is nearest to the mean, where the density is greatest.
    nearest = np.maximum(near, 0.0)[:, None]
    beyond = np.where(near[:, None] >= 0.0, along, z)
    density = np.exp(-0.5 * beyond * (z + nearest)) * weights
    total = density.sum(axis=1)
    log_mass = (np.log(length * total) - _LOG_ROOT_TWO_PI) - 0.5 * nearest[:, 0] ** 2
    return np.minimum(log_mass, 0.0), np.where(middle < 0.0, -1.0, 1.0)[:, None] * z, density / total[:, None]


def _moments(k: Doubles, alpha: float, beta: float) -> Cells:
    log_mass, z, share = _masses(beta * k - alpha, beta)
    y = (z + alpha) / beta
    zy = z * y

    def mean(values: Doubles) -> Doubles:
        return np.asarray((share * values).sum(axis=1))

    mean_z, mean_zy = mean(z), mean(zy)
    from_z, from_zy = z - mean_z[:, None], zy - mean_zy[:, None]
    return Cells(
        log_mass, mean_z, mean(y), mean_zy, mean(from_z * from_z), mean(from_zy * from_zy), mean(from_z * from_zy),
        mean(y * y),
    )  # fmt: skip
