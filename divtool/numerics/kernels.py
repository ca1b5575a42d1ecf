"""The compiled row kernels where they are built, their NumPy twins elsewhere.

Both keep the same promises and the same edge rules; their last bits may differ, so ``FLAVOUR`` belongs to a result.
The environment variable ``DIVTOOL_KERNELS=numpy`` asks for the twins.

Rows are (n, C) of any real type: float16, float32, float64 and bfloat16 (an array of ``BFLOAT16``) are read as they
are stored, others are widened first; the two sides of a pair may differ in type. A row with NaN is NaN. The compiled
kernels run without the GIL.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Literal

import numpy as np
import numpy.typing as npt

from divtool.numerics import counting, divergence, jensen, logspace, pairs
from divtool.numerics.counting import Codes, Integers
from divtool.numerics.errorfree import Doubles
from divtool.numerics.logspace import Labels, Numbers
from divtool.numerics.pairs import Pair


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

# NumPy has no bfloat16: a field of that name tells it from other numbers of two bytes
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])

# The types the kernels read as they are stored, and the temperatures at which their quotients are ordinary numbers.
_CODES = {np.dtype(np.float16): 2, np.dtype(np.float32): 4, np.dtype(np.float64): 8}
_BFLOAT16_CODE = 18
_COLDEST, _HOTTEST = 1e-100, 1e100


def widened(x: Numbers) -> Numbers:
    """``x`` as NumPy can compute with it: bfloat16 as float32, exactly; everything else as it is.

    >>> import numpy as np
    >>> widened(np.array([0x3FC0, 0xFF80], np.uint16).view(BFLOAT16))
    array([ 1.5, -inf], dtype=float32)
    """
    if x.dtype != BFLOAT16:
        return x
    return (x.view(np.uint16).astype(np.uint32, order="C") << 16).view(np.float32)


def _stored(x: Numbers) -> tuple[npt.NDArray[np.generic], int]:
    """``x`` in C order, as it is stored if a kernel reads that and as float64 if not, and the code of its type."""
    if x.dtype == BFLOAT16:
        return np.require(x.view(np.uint16), np.uint16, ["C", "A"]), _BFLOAT16_CODE
    native = x.dtype.newbyteorder("=")
    stored = native if native in _CODES else np.dtype(np.float64)
    return np.require(x, stored, ["C", "A"]), _CODES[stored]


def _rows_of(name: str, sides: tuple[Numbers, ...], temperature: float = 1.0, matrices: int = 0) -> Doubles | None:
    """What the kernel of that name makes of the rows: a number for each, a row (n, C), or several (matrices, n, C).

    None if its twin has to do it.
    """
    n, c = sides[0].shape
    if _ROWS is None or not c or not _COLDEST <= temperature <= _HOTTEST:
        return None
    out = np.empty((n,) if not matrices else (n, c) if matrices == 1 else (matrices, n, c))
    stored = [part for side in sides for part in _stored(side)]
    getattr(_ROWS, name)(*stored, n, c, temperature, out)
    return out


def surprisal_label(x: Numbers, y: Labels, temperature: float = 1.0) -> Doubles:
    """-log softmax(x / temperature) at the label, in nats (n,), within 16 u.

    ``y`` (n,) labels in 0..C-1, as the caller has checked. +inf where the label's logit is -inf; +inf logits share the
    mass; NaN for a row that is all -inf.

    >>> import numpy as np
    >>> surprisal_label(np.array([[2.0, 1.0, 0.0]], dtype=np.float32), np.array([0]))
    array([0.40760596])
    """
    if _ROWS is None or not x.shape[1] or not _COLDEST <= temperature <= _HOTTEST:
        return logspace.surprisal_label(widened(x), y, temperature)
    stored, code = _stored(x)
    out = np.empty(len(x))
    _ROWS.surprisal_label(stored, code, *x.shape, np.require(y, np.int64, ["C", "A"]), temperature, out)
    return out


def entropy_of_logits(x: Numbers, temperature: float = 1.0) -> Doubles:
    """Shannon entropy of softmax(x / temperature), in nats (n,), within 16 u.

    -inf logits count nothing, +inf logits share the mass; NaN for a row that is all -inf.

    >>> import numpy as np
    >>> entropy_of_logits(np.array([[0.0, 0.0], [800.0, 0.0]]))
    array([0.69314718, 0.        ])
    """
    found = _rows_of("entropy_of_logits", (x,), temperature)
    return logspace.entropy(logspace.spread_of_logits(widened(x), temperature)) if found is None else found


def entropy_of_table(p: Numbers) -> Doubles:
    """Shannon entropy of p / sum(p), in nats (n,), within 16 u; NaN for a row without mass.

    >>> import numpy as np
    >>> entropy_of_table(np.array([[1, 1, 0], [0, 5, 0]]))
    array([0.69314718, 0.        ])
    """
    found = _rows_of("entropy_of_table", (p,))
    return logspace.entropy(logspace.spread_of_table(widened(p))) if found is None else found


def softmax(x: Numbers, temperature: float = 1.0) -> Doubles:
    """softmax(x / temperature) (n, C), within 8 u; NaN throughout for a row that is all -inf.

    >>> import numpy as np
    >>> softmax(np.array([[0.0, 0.0, -np.inf]]))
    array([[0.5, 0.5, 0. ]])
    """
    found = _rows_of("softmax", (x,), temperature, matrices=1)
    return logspace.softmax(logspace.spread_of_logits(widened(x), temperature)) if found is None else found


def log_softmax(x: Numbers, temperature: float = 1.0) -> Doubles:
    """log softmax(x / temperature) (n, C), in nats, within 16 u; -inf for an impossible class.

    >>> import numpy as np
    >>> log_softmax(np.array([[2.0, 1.0, 0.0]]))
    array([[-0.40760596, -1.40760596, -2.40760596]])
    """
    found = _rows_of("log_softmax", (x,), temperature, matrices=1)
    return logspace.log_softmax(logspace.spread_of_logits(widened(x), temperature)) if found is None else found


def kl_of_logits(a: Numbers, b: Numbers, temperature: float = 1.0) -> Doubles:
    """KL(softmax(a / temperature) || softmax(b / temperature)), in nats (n,), within 32 u.

    Exactly 0 on identical rows and on rows that differ by an exact shift, never negative; +inf where b alone is -inf.

    >>> import numpy as np
    >>> kl_of_logits(np.array([[2.0, 1.0, 0.0]]), np.array([[0.0, 3.0, -1.0]]))
    array([1.58933348])
    """
    found = _rows_of("kl_of_logits", (a, b), temperature)
    return divergence.kl(pairs.pair_of_logits(widened(a), widened(b), temperature)) if found is None else found


def kl_of_tables(p: Numbers, q: Numbers) -> Doubles:
    """KL(p / sum(p) || q / sum(q)), in nats (n,), within 32 u; exactly 0 on rows in proportion, never negative.

    >>> import numpy as np
    >>> kl_of_tables(np.array([[1, 3]]), np.array([[3, 1]]))
    array([0.54930614])
    """
    found = _rows_of("kl_of_tables", (p, q))
    return divergence.kl(pairs.pair_of_tables(widened(p), widened(q))) if found is None else found


def js_of_logits(a: Numbers, b: Numbers, temperature: float = 1.0) -> Doubles:
    """Jensen-Shannon divergence of softmax(a / temperature) and softmax(b / temperature), in nats (n,), within 32 u.

    Exactly 0 on identical rows, at most log 2, and the same bits when the sides are exchanged.

    >>> import numpy as np
    >>> js_of_logits(np.array([[2.0, 1.0, 0.0]]), np.array([[0.0, 3.0, -1.0]]))
    array([0.28222714])
    """
    found = _rows_of("js_of_logits", (a, b), temperature)
    if found is not None:
        return found
    return jensen.jensen_shannon_rows(*pairs.pair_of_logits(widened(a), widened(b), temperature))


def js_of_tables(p: Numbers, q: Numbers) -> Doubles:
    """Jensen-Shannon divergence of p / sum(p) and q / sum(q), in nats (n,), within 32 u; at most log 2, symmetric.

    >>> import numpy as np
    >>> js_of_tables(np.array([[1, 0]]), np.array([[0, 1]]))
    array([0.69314718])
    """
    found = _rows_of("js_of_tables", (p, q))
    return jensen.jensen_shannon_rows(*pairs.pair_of_tables(widened(p), widened(q))) if found is None else found


def pair_of_logits(a: Numbers, b: Numbers, temperature: float = 1.0) -> Pair:
    """The pair forms of softmax(a / temperature) and softmax(b / temperature): p, q and t = log(q/p), each (n, C).

    p and q within 8 u, t within 8 u of the largest change of the row; exactly 0 on identical rows and on rows that
    differ by an exact shift. Exchanging the sides exchanges p and q and changes the sign of t and no other bit. t is 0
    where both are impossible, +inf where only p is, -inf where only q is, and finite where p or q merely underflowed.

    >>> import numpy as np
    >>> pair_of_logits(np.array([[0.0, -np.inf]]), np.array([[0.0, 0.0]]))
    Pair(p=array([[1., 0.]]), q=array([[0.5, 0.5]]), t=array([[-0.69314718,         inf]]))
    """
    found = _rows_of("pair_of_logits", (a, b), temperature, matrices=3)
    return pairs.pair_of_logits(widened(a), widened(b), temperature) if found is None else Pair(*found)


def pair_of_tables(p: Numbers, q: Numbers) -> Pair:
    """The pair forms of p / sum(p) and q / sum(q), which are not negative and of any size: each (n, C), as from logits.

    p, q and t within 8 u; t is exactly 0 on rows in proportion by a power of two.

    >>> import numpy as np
    >>> pair_of_tables(np.array([[1, 0, 1]]), np.array([[0, 1, 1]])).t
    array([[-inf,  inf,   0.]])
    """
    found = _rows_of("pair_of_tables", (p, q), matrices=3)
    return pairs.pair_of_tables(widened(p), widened(q)) if found is None else Pair(*found)


def delta_of(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """p - q of each class (n, C) with every digit, from the pair forms; exchanging the sides changes the sign alone.

    >>> import numpy as np
    >>> delta_of(*pair_of_tables(np.array([[0.25, 0.75]]), np.array([[0.25 + 2.0**-40, 0.75 - 2.0**-40]]))) * 2**40
    array([[-1.,  1.]])
    """
    if _ROWS is None:
        return pairs.delta_of(p, q, t)
    out = np.empty(p.shape)
    _ROWS.delta_of_pair(*(np.require(form, np.float64, ["C", "A"]) for form in (p, q, t)), out)
    return out


def delta_of_logits(a: Numbers, b: Numbers, temperature: float = 1.0) -> Doubles:
    """``delta_of`` the pair forms of two blocks of logits, bit for bit, where p, q and t are not wanted.

    >>> import numpy as np
    >>> delta_of_logits(np.array([[0.0, -np.inf]]), np.array([[0.0, 0.0]]))
    array([[ 0.5, -0.5]])
    """
    found = _rows_of("delta_of_logits", (a, b), temperature, matrices=1)
    return delta_of(*pair_of_logits(a, b, temperature)) if found is None else found


def delta_of_tables(p: Numbers, q: Numbers) -> Doubles:
    """``delta_of`` the pair forms of two tables, bit for bit, where p, q and t are not wanted.

    >>> import numpy as np
    >>> delta_of_tables(np.array([[1, 0]]), np.array([[1, 1]]))
    array([[ 0.5, -0.5]])
    """
    found = _rows_of("delta_of_tables", (p, q), matrices=1)
    return delta_of(*pair_of_tables(p, q)) if found is None else found


def count_tables(
    codes: Codes, columns: Integers, strides: Integers, offsets: Integers, out: Integers,
    weights: Integers | None = None,
) -> None:  # fmt: skip
    """Add to ``out`` how often each combination of codes occurs in the rows.

    ``codes`` (columns, n) are unsigned integers of 1, 2 or 4 bytes. Table t lies at ``out[offsets[t]:offsets[t + 1]]``;
    a row's place in it is the sum over j of ``codes[columns[t, j]] * strides[t, j]``, where a stride of 0 counts for
    nothing, so that tables of fewer variables can stand among those of more. ``weights`` (n,) int64, not negative,
    below ``counting.MOST_WEIGHT`` in all: each row stands for so many cases. Raises :class:`ValueError` for a code that
    its table has no place for.

    >>> import numpy as np
    >>> out = np.zeros(6, np.int64)
    >>> codes = np.array([[0, 1, 1, 1], [0, 2, 2, 1]], np.uint8)
    >>> count_tables(codes, np.array([[0, 1]]), np.array([[3, 1]]), np.array([0, 6]), out)
    >>> out.reshape(2, 3)
    array([[1, 0, 0],
           [0, 1, 2]])
    """
    if _ROWS is None:
        counting.count_tables(codes, columns, strides, offsets, out, weights)
        return
    tables = (np.require(each, np.int64, ["C", "A"]) for each in (columns, strides, offsets))
    stored = np.require(codes, None, ["C", "A"])
    cases = np.empty(0, np.int64) if weights is None else np.require(weights, np.int64, ["C", "A"])
    _ROWS.count_tables(stored, stored.itemsize, stored.shape[1], *tables, cases, out)
