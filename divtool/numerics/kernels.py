"""The compiled row kernels where they are built, their NumPy twins elsewhere.

Both keep the same promises and the same edge rules; their last bits may differ, so ``FLAVOUR`` belongs to a result.
The environment variable ``DIVTOOL_KERNELS=numpy`` asks for the twins.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Literal

import numpy as np

from divtool.numerics import logspace
from divtool.numerics.errorfree import Doubles
from divtool.numerics.logspace import Labels, Numbers


def _compiled() -> ModuleType | None:
    if os.environ.get("DIVTOOL_KERNELS") == "numpy":
        return None
    try:
        from divtool.numerics import _rows
    except ImportError:  # the extension is optional: a machine without a compiler has none
        return None
    return _rows


_ROWS = _compiled()

FLAVOUR: Literal["c", "numpy"] = "numpy" if _ROWS is None else "c"

# The types the kernel reads as they are stored (others are widened first), and the temperatures at which its quotients
# are ordinary numbers.
_STORED = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))
_COLDEST, _HOTTEST = 1e-100, 1e100


def surprisal_label(x: Numbers, y: Labels, temperature: float = 1.0) -> Doubles:
    """-log softmax(x / temperature) at the label, in nats (n,), within 16 u.

    ``x`` (n, C) logits of any real type, float16, float32 and float64 without a copy; ``y`` (n,) labels in 0..C-1, as
    the caller has checked. +inf where the label's logit is -inf; +inf logits share the mass; NaN for a row with NaN
    and for one that is all -inf. Runs without the GIL.

    >>> import numpy as np
    >>> surprisal_label(np.array([[2.0, 1.0, 0.0]], dtype=np.float32), np.array([0]))
    array([0.40760596])
    """
    if _ROWS is None or not x.shape[1] or not _COLDEST <= temperature <= _HOTTEST:
        return logspace.surprisal_label(x, y, temperature)
    stored = x.dtype.newbyteorder("=") if x.dtype.newbyteorder("=") in _STORED else np.dtype(np.float64)
    x = np.require(x, stored, ["C", "A"])
    y = np.require(y, np.int64, ["C", "A"])
    out = np.empty(len(x))
    _ROWS.surprisal_label(x, x.dtype.itemsize, *x.shape, y, temperature, out)
    return out
