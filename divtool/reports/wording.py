"""Words and numbers that every report for people says in the same way."""

from __future__ import annotations

import math
import os
from decimal import ROUND_CEILING, Decimal

from divtool.options import KINDS
from divtool.reports.safetext import safe
from divtool.result import InputReport, MeasureResult, Result


def number(value: float, digits: int) -> str:
    """A number for people: so many significant digits, without a tail of zeros.

    >>> number(0.000123456789, 5), number(float("inf"), 5), number(2.0, 5)
    ('0.00012346', 'inf', '2')
    """
    return f"{value:.{digits}g}"


def bound_said(bound: float) -> str:
    """How far quantiles may be off: to two digits, rounded up, since they are no closer than that.

    >>> bound_said(2.0**-12), bound_said(0.001)
    ('quantiles to within a relative 0.00025', 'quantiles to within a relative 0.001')
    """
    exact = Decimal(repr(bound))
    rounded = exact.quantize(Decimal((0, (1,), exact.adjusted() - 1)), ROUND_CEILING)
    return f"quantiles to within a relative {number(float(rounded), 2)}"


def shape_said(each: InputReport) -> str:
    """The format of an input, how it came out of its file, and its size."""
    what = f"{each.format} ({safe(each.origin, 60)})" if each.origin else each.format
    return f"{what}, {each.rows:,} x {each.classes:,}" if each.classes else f"{what}, {each.rows:,} rows"


def meaning_said(each: InputReport) -> str:
    """What the cells of an input are and why, its classes and labels, and what was left out of it."""
    said = []
    if each.kind is not None:
        said.append(f"{KINDS[each.kind]} ({each.evidence})")
    if each.class_names is not None:
        shown = ", ".join(safe(name, 24) for name in each.class_names[:6])
        said.append(f"classes {shown}" + (f", ... ({len(each.class_names)})" if len(each.class_names) > 6 else ""))
    if each.labels is not None:
        said.append(each.labels + (f' in "{safe(each.label_column, 40)}"' if each.label_column else ""))
    said += [each.arranged] if each.arranged else []
    odd = [
        (name, reason)
        for name, reason in each.excluded
        if reason not in ("names the rows", "label", "a label by its name")
    ]
    if odd:
        shown = ", ".join(f'"{safe(name, 24)}" ({reason})' for name, reason in odd[:4])
        said.append(f"left out {shown}" + (f" and {len(odd) - 4} more" if len(odd) > 4 else ""))
    return "; ".join(said)


def name_said(each: MeasureResult) -> str:
    """The measure with its options, and which way it was computed: the header says which file is p and which is q."""
    name = each.name.removesuffix("_reversed")
    if each.direction is not None:
        return name + (" (q || p)" if each.name != name else " (p || q)")
    return name + (f" of {safe(os.path.basename(each.of), 24)}" if each.of else "")


def directed(direction: str, result: Result) -> str:
    """``KL(p || q)`` with the files in place of the roles."""
    if "(" not in direction:
        return direction
    inner = direction[direction.index("(") + 1 : -1]
    for each in result.inputs:
        if each.roles and each.roles[0] in ("p", "q"):
            inner = " ".join(
                safe(os.path.basename(each.path), 40) if w == each.roles[0] else w for w in inner.split(" ")
            )
    return f"{direction[: direction.index('(')]}({inner})"


def towards_each(direction: str, result: Result) -> str:
    """``KL(p || q)`` with the file of the reference in the place of p, and the number of candidates in that of q."""
    if "(" not in direction:
        return direction
    name, _, inner = direction.partition("(")
    names = {"q": f"each of {len(result.candidates)}"}
    for each in result.inputs:
        if each.roles and each.roles[0] == "p":
            names["p"] = safe(os.path.basename(each.path), 40)
    return f"{name}({' '.join(names.get(word, word) for word in inner[:-1].split(' '))})"


def basis_said(each: MeasureResult, result: Result) -> str:
    """What a number is over, what is odd in it, and the options it was computed with."""
    name, value = each.denominator
    said = [
        f"{each.reduction} over {f'{value:,.0f} cells of ' if name == 'cells' else ''}{each.n:,} rows"
        + ("" if name != "sum of weights" else f", weights sum to {value:.7g}")
    ]
    said += [f"{each.ignored:,} ignored"] if each.ignored else []
    own = {name: value for name, value in each.parameters.items() if not isinstance(value, str | bool)}
    said += [f"{name.replace('_', ' ')} {value}" for name, value in own.items()]
    said += oddities(each)
    said += [
        f"{name.replace('_', ' ')} {value}"
        for name, value in result.settings.items()
        if name in ("temperature", "label_smoothing", "zeros", "like", "mean", "sample_weight", "rows", "vocab")
    ]
    return "; ".join(said)


def oddities(each: MeasureResult) -> list[str]:
    """Rows that are no ordinary numbers."""
    said = [f"{each.dropped:,} infinite dropped"] if each.dropped else []
    said += [f"{each.missing:,} left out"] if each.missing else []
    if each.infinite:
        rows = ", ".join(map(str, each.first_infinite))
        alone = "none is finite" if math.isnan(each.finite_mean) else f"finite rows alone {each.finite_mean:.7g}"
        said.append(f"{each.infinite:,} infinite (first rows {rows}), {alone}")
    if each.nan:
        said.append(f"{each.nan:,} NaN (first rows {', '.join(map(str, each.first_nan))})")
    return said
