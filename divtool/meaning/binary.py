"""One column for two classes: the probability of class 1, or its logit. Class 0 has the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from divtool.errors import InputError
from divtool.formats.source import Header, Stored
from divtool.meaning.kinds import Kind

# What the rows are once both classes stand in them.
SPREAD = {"probs": "log-probs", "logits": "logits"}


def decide_single(sample: Stored, header: Header, column: int, *, given: str | None) -> Kind:
    """What a single column says of class 1. Raises :class:`InputError` where it can be neither."""
    x = sample[:, 0].astype(np.float64)
    x = x[~np.isnan(x)]
    inside = bool(((x >= 0.0) & (x <= 1.0)).all())
    name = f'"{header.name(column)}"' if header.names is not None else f"column {column}"
    if given == "logits":
        return Kind("logits", f"{name} as given: the logit of class 1 against class 0")
    if given not in (None, "probs"):
        raise InputError(
            f"{name} is the only column; one column can be the probability or the logit of class 1", path=header.path,
            hint="--given probs or --given logits; or name more class columns: --columns a,b,c",
        )  # fmt: skip
    if not inside or (given is None and bool((x == np.round(x)).all())):
        said = "holds whole numbers only" if inside else f"has values from {x.min():.4g} to {x.max():.4g}"
        raise InputError(
            f"{name} is the only column that can be a class, and {said}: no probability of class 1", path=header.path,
            hint="if it is the logit of class 1: --given logits; or name the class columns: --columns a,b,c",
        )  # fmt: skip
    return Kind("probs", f"{name} is the probability of class 1, class 0 has the rest", 0.0)


def both_classes(kind: Kind, matrix: Stored) -> Stored:
    """Rows of two classes (n, 2) from the single column (n, 1): logits 0 and x, or the logarithms of 1 - p and p, each
    exact where the other is near 0.

    >>> both_classes(Kind("logits", ""), np.array([[2.0]])).tolist()
    [[0.0, 2.0]]
    """
    x = matrix[:, 0].astype(np.float64)
    if kind.name == "logits":
        return np.stack([np.zeros_like(x), x], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([np.log1p(-x), np.log(x)], axis=1)


def as_cells(kind: Kind) -> Kind:
    """The kind by which the single column is checked: each cell for itself."""
    return replace(kind, name="chances") if kind.name == "probs" else replace(kind, name="values")
