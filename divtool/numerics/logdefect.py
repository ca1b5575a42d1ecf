"""How far log(1 + d) falls short of its tangent, with all digits where the two nearly agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from divtool.numerics.errorfree import Doubles

# In r = d / (2 + d), log1p(d) = 2 (r + r^3/3 + r^5/5 + ...): terms beyond these are below 2^-55 for |r| <= 1/3.
_ODD = tuple(1.0 / k for k in range(37, 2, -2))
_NEAR = 1.0 / 3.0


def _in_series(d: Doubles) -> tuple[npt.NDArray[np.bool_], Doubles, Doubles]:
    """Where the series holds, r there (0 elsewhere), and r^3/3 + r^5/5 + ..."""
    r = d / (2.0 + d)
    near = np.abs(r) <= _NEAR
    r = np.where(near, r, 0.0)
    square = r * r
    tail = np.full_like(r, _ODD[0])
    for coefficient in _ODD[1:]:
        tail = tail * square + coefficient
    return near, r, tail * square * r


def log_defect(d: Doubles) -> Doubles:
    """d - log(1 + d) for d above -1, within 8 u; never negative.

    >>> import numpy as np
    >>> log_defect(np.array([0.0, 1e-9]))
    array([0.e+00, 5.e-19])
    """
    near, r, tail = _in_series(d)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(near, 2.0 * (r * (r / (1.0 - r)) - tail), d - np.log1p(d))


def entropy_defect(d: Doubles) -> Doubles:
    """(1 + d) log(1 + d) - d for d of at least -1, within 8 u; 1 at -1 and never negative.

    The term of a relative entropy for a count that is 1 + d times what is expected.

    >>> import numpy as np
    >>> entropy_defect(np.array([-1.0, 0.0, 1e-9]))
    array([1.e+00, 0.e+00, 5.e-19])
    """
    near, r, tail = _in_series(d)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(d <= -1.0, 1.0, (1.0 + d) * np.log1p(d) - d)
        return np.where(near, 2.0 * (r * r + (1.0 + r) * tail) / (1.0 - r), far)
