"""What the numbers of a table are: decided once from the first rows with evidence, then held against every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.formats.source import Header, Stored
from divtool.meaning.alike import other_scale
from divtool.meaning.cells import CELLS, first_refused, looks_like_answers
from divtool.numerics.logspace import log_sum_exp
from divtool.numerics.rowsum import row_sum

Doubles = npt.NDArray[np.float64]

_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}
_FEWEST_DECIMALS, _MOST_DECIMALS = 3, 9
# However many classes, a row whose sum is further from 1 is no rounded row of probabilities.
_WIDEST = 0.05


@dataclass(frozen=True)
class Kind:
    """``name`` is logits, log-probs or probs; ``tolerance`` is how far a row sum may be from 1, as wide as the
    decimals of a rounded text table demand; beyond ``strict``, what the stored type explains, such rows are counted.
    ``normalize`` divides rows by their sums, ``unnormalized`` lets them be what they are; ``doubt`` is what speaks
    against a kind that was given."""

    name: str
    evidence: str
    tolerance: float = 0.0
    strict: float = 0.0
    normalize: bool = False
    doubt: str = ""
    unnormalized: bool = False


def kind_of_cells(sample: Stored, allowed: frozenset[str], given: str | None) -> Kind | None:
    """The kind where the row has no rule: where an operand takes nothing else, or counts are announced."""
    if given == "counts":
        return Kind("counts", "as given")
    if "positives" in allowed:
        return Kind("positives", "numbers as they are")
    if "chances" in allowed:
        names = {"probs": "chances", "logits": "logits"}
        if given is not None:
            return Kind(names.get(given, given), "as given")
        x = sample.astype(np.float64)
        if looks_like_answers(x[~np.isnan(x).any(axis=1)]):
            return Kind("chances", "all values within 0 and 1")
        return Kind("logits", "values outside 0 and 1")
    only = allowed & {"values", "signs"}
    return Kind(next(iter(only)), "numbers as they are") if only else None


def whole_numbers(sample: Stored) -> bool:
    """Whether a sample holds whole numbers, not below 0, that do not sum to 1 in each row."""
    x = sample.astype(np.float64)
    whole = bool(x.size) and bool(((x >= 0.0) & (x == np.round(x)) & np.isfinite(x)).all())
    return whole and bool((row_sum(x) != 1.0).any())


def decide_kind(
    sample: Stored, header: Header, *, given: str | None, normalize: bool, option: str = "--given",
    only_logits: bool = False, unnormalized: bool = False,
) -> Kind:  # fmt: skip
    """The kind of a table by its first rows. Ambiguity is an :class:`InputError` that names the option; where only
    logits are asked for, numbers that could be something else are logits; where rows may be ``unnormalized``, numbers
    that are not below 0 are probabilities."""
    x = sample.astype(np.float64)
    x = x[~np.isnan(x).any(axis=1)]
    if not x.size:
        return Kind(given or "logits", "no row without NaN among the first")
    if header.partial and given in (None, "log-probs"):
        with np.errstate(all="ignore"):
            mass = np.exp(log_sum_exp(x))
        return Kind(
            "log-probs", f"{header.partial}; first rows sum to {mass.min():.6g} to {mass.max():.6g}", np.inf, np.inf
        )
    strict = max(1e-6, *(8.0 * _EPS.get(name, 0.0) for name in header.dtype.split(" and ")))
    rounding = _rounding(x, header)
    tolerance = max(strict, min(rounding * x.shape[1], _WIDEST))
    # A sum of C rounded cells is off by C roundings at most, the logarithm of a sum of exponentials by one.
    log_tolerance = max(strict, rounding)
    like_probs, like_logs = _looks(x, tolerance, log_tolerance)
    if unnormalized and given in (None, "probs") and not like_logs and 2 * (x >= 0.0).all(axis=1).sum() > len(x):
        return Kind("probs", f"no value below 0, rows as they are ({_sums(x)})", tolerance, strict, unnormalized=True)
    if given is not None:
        doubt = "taken as logits, yet the rows sum to 1: is a softmax applied twice?" if like_probs else ""
        return Kind(given, "as given", log_tolerance if given == "log-probs" else tolerance, strict, normalize, doubt)
    # Most rows, as everywhere: the odd one is refused where it stands.
    mostly = 2 * int((x >= 0.0).all(axis=1).sum()) > len(x)
    if normalize and not like_logs and mostly:
        return Kind("probs", "no value below 0, rows divided by their sum", tolerance, strict, normalize)
    if like_probs:
        return Kind("probs", f"row sums {_around_one(x, tolerance)}", tolerance, strict, normalize)
    if like_logs:
        return Kind("log-probs", "no value above 0, exponentials sum to 1", log_tolerance, strict, normalize)
    evidence = _evidence_of_logits(x, header, "" if only_logits else option)
    return Kind("logits", evidence, tolerance, strict, normalize)


def _looks(x: Doubles, tolerance: float, log_tolerance: float) -> tuple[bool, bool]:
    """Whether most rows are probabilities, or log-probabilities. Most, not all: the odd row is then refused by name
    instead of turning its file into something else."""
    with np.errstate(all="ignore"):
        inside = ((x >= 0.0) & (x <= 1.0 + tolerance)).all(axis=1)
        probs = inside & (np.abs(row_sum(x) - 1.0) <= tolerance)
        below = (x <= log_tolerance).all(axis=1) & (x < 0.0).any(axis=1)
        logs = below & (np.abs(log_sum_exp(x)) <= 2.0 * log_tolerance)
    return bool(2 * probs.sum() > len(x)), bool(2 * logs.sum() > len(x))


def _evidence_of_logits(x: Doubles, header: Header, option: str) -> str:
    """What speaks for logits; where ``option`` could say otherwise, what speaks against them is refused."""
    finite = x[np.isfinite(x)]
    if not finite.size:
        return "no finite value in the first rows"
    low, high = float(finite.min()), float(finite.max())
    if option and low >= 0.0:
        _refuse_doubtful(x, finite, header, option)
    scale = other_scale(x) if option and x.shape[1] > 1 else ""
    if scale:
        raise InputError(
            scale, path=header.path, hint=f"make probabilities or natural logarithms of them; or, if they are logits:"
            f" {option} logits",
        )  # fmt: skip
    odd = x.size - finite.size
    return f"values from {low:.4g} to {high:.4g}" + (f", {odd:,} infinite among the first rows" if odd else "")


def _refuse_doubtful(x: Doubles, finite: Doubles, header: Header, option: str) -> None:
    low, high = float(finite.min()), float(finite.max())
    if high <= 1.0:
        sums = row_sum(x)
        raise InputError(
            f"all values are within 0 and 1, yet the rows sum to {_range_of(sums)}: neither"
            " probabilities nor plainly logits", path=header.path,
            hint=f"say what they are: {option} probs --normalize, or {option} logits; divtool bce, if each column is a"
            " question of its own",
        )  # fmt: skip
    if (finite == np.round(finite)).all():
        raise InputError(
            f"holds whole numbers from {low:.0f} to {high:.0f}: counts, votes or logits?", path=header.path,
            hint=f"say what they are: {option} counts, or {option} logits",
        )  # fmt: skip
    if (np.abs(row_sum(x) - 100.0) < 0.5).mean() > 0.5:
        raise InputError(
            "the rows sum to 100: percentages?", path=header.path,
            hint=f"divide them by their sum: {option} probs --normalize",
        )  # fmt: skip


def _range_of(sums: Doubles) -> str:
    low, high = f"{sums.min():.6g}", f"{sums.max():.6g}"
    return low if low == high else f"{low} to {high}"


def _sums(x: Doubles) -> str:
    sums = row_sum(x)
    return f"sums from {sums.min():.6g} to {sums.max():.6g}"


def _around_one(x: Doubles, tolerance: float) -> str:
    """How far from 1 the sums of those rows are that are within the tolerance."""
    away = np.abs(row_sum(x) - 1.0)
    worst = float(away[away <= tolerance].max(initial=0.0))
    return "1" if worst == 0.0 else f"1 +- {worst:.1g}"


def _rounding(x: Doubles, header: Header) -> float:
    """Half a unit of the last decimal that the numbers show, 0 where they show more than a rounded table would.

    A table that was rounded and then saved in binary is as round as its text; but there one or two decimals are no
    evidence: halves and quarters have no more.
    """
    finite = x[np.isfinite(x)]
    single = header.dtype == "float32"
    if not header.decimals and 2 * (np.round(x, _FEWEST_DECIMALS - 1) == x).all(axis=1).sum() > len(x):
        return 0.0
    if (finite == np.round(finite)).all():
        # Whole numbers were not rounded: counts are not taken for probabilities.
        return 0.0
    for decimals in range(1, _MOST_DECIMALS):
        rounded = np.round(finite, decimals)
        if ((rounded.astype(np.float32) if single else rounded) == finite).all():
            return 0.5 * 10.0**-decimals if header.decimals or decimals >= _FEWEST_DECIMALS else 0.0
    return 0.0


@dataclass(frozen=True)
class Fault:
    """A row that cannot be what its kind says: where it is in the block, and what is wrong."""

    row: int
    column: int | None
    message: str
    hint: str


def check_block(kind: Kind, matrix: Stored, dtype: str) -> tuple[Fault | None, Doubles | None]:
    """The first faulty row of a block, and the row sums of a probability table.

    Logits are not looked at here: a NaN or a row of only -inf shows in what is computed from it, and is then named by
    :func:`fault_of_row`.
    """
    if kind.name in CELLS:
        at = first_refused(kind.name, matrix)
        return None if at is None else _fault_of_cell(kind, matrix, *at), None
    if kind.name == "logits":
        if dtype == "float16" and np.isinf(matrix).any() and (matrix == np.inf).any():
            row = int(np.flatnonzero((matrix == np.inf).any(axis=1))[0])
            return fault_of_row(kind, matrix, row, dtype), None
        return None, None
    x = matrix.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        if kind.name == "log-probs":
            sums = np.exp(log_sum_exp(x))
            good = np.abs(sums - 1.0) <= 2.0 * kind.tolerance
            good &= x.max(axis=1) <= kind.tolerance
        else:
            sums = row_sum(x)
            good = (x.min(axis=1) >= 0.0) & (sums > 0.0) & (sums < np.inf)
            if not kind.normalize and not kind.unnormalized:
                good &= np.abs(sums - 1.0) <= kind.tolerance
    bad = np.flatnonzero(~good)
    return (fault_of_row(kind, matrix, int(bad[0]), dtype) if bad.size else None), sums


def fault_of_row(kind: Kind, matrix: Stored, row: int, dtype: str) -> Fault | None:
    """What is wrong with a row, None if nothing is."""
    x = matrix[row].astype(np.float64)
    if np.isnan(x).any():
        return Fault(row, int(np.flatnonzero(np.isnan(x))[0]), "the value is NaN; expected a number",
                     "remove the row, or find out why the model wrote it")  # fmt: skip
    if kind.name in CELLS:
        at = first_refused(kind.name, matrix[row : row + 1])
        if at is not None:
            return _fault_of_cell(kind, matrix, row, at[1])
        empty = kind.name in ("counts", "positives") and not x.any()
        return Fault(row, None, "the row sums to 0, so it is no distribution", "remove the row") if empty else None
    if kind.name == "logits":
        return _fault_of_logits(x, row, dtype)
    if kind.name == "log-probs":
        return _fault_of_logs(kind, x, row)
    return _fault_of_probs(kind, x, row)


def _fault_of_cell(kind: Kind, matrix: Stored, row: int, column: int) -> Fault:
    value = float(matrix[row, column])
    if np.isnan(value):
        return Fault(row, column, "the value is NaN; expected a number",
                     "remove the row, or find out why the model wrote it")  # fmt: skip
    return Fault(row, column, f"the value is {value:.6g}; expected {CELLS[kind.name].expected}", "")


def _fault_of_logits(x: Doubles, row: int, dtype: str) -> Fault | None:
    if dtype == "float16" and (x == np.inf).any():
        return Fault(row, int(np.argmax(x)), "the value is infinite: an overflow of float16 (above 65504)?",
                     "save the logits as float32")  # fmt: skip
    if (x == -np.inf).all():
        return Fault(row, None, "every logit is -inf, so no class has any mass", "was every class masked?")
    return None


def _fault_of_logs(kind: Kind, x: Doubles, row: int) -> Fault | None:
    high = int(np.argmax(x))
    if x[high] > kind.tolerance:
        return Fault(row, high, f"the log-probability {x[high]:.6g} is above 0", "if these are logits: --given logits")
    total = 0.0 if (x == -np.inf).all() else float(np.exp(log_sum_exp(x[None, :]))[0])
    if not abs(total - 1.0) <= 2.0 * kind.tolerance:
        return Fault(row, None, f"the probabilities sum to {total:.9g}; expected 1 +- {2.0 * kind.tolerance:.1g}",
                     "if these are logits: --given logits")  # fmt: skip
    return None


def _fault_of_probs(kind: Kind, x: Doubles, row: int) -> Fault | None:
    low, total = int(np.argmin(x)), float(row_sum(x[None, :])[0])
    if x[low] < 0.0:
        return Fault(row, low, f"the probability {x[low]:.6g} is below 0", "if these are logits: --given logits")
    if (kind.normalize or kind.unnormalized) and 0.0 < total < np.inf:
        return None
    if not kind.normalize and abs(total - 1.0) <= kind.tolerance:
        return None
    return Fault(row, None, f"the probabilities sum to {total:.9g}; expected 1 +- {kind.tolerance:.1g}",
                 "--normalize divides each row by its sum, --allow-unnormalized takes it as it is; --given logits if"
                 " these are logits")  # fmt: skip
