"""``--like TOOL``: another tool's digits, as settings of divtool's own that differ from its defaults.

What each tool does was observed by running it (torch 2.13, Keras 3.15, scikit-learn 1.9, SciPy 1.17, Kaggle's metrics):

- torch: a mean over nothing is NaN; soft targets with class weights are divided by the number of rows; ``kl_div`` by
  the number of rows (batchmean) or, as ``--reduction mean``, by that of all cells; BCE on probabilities costs 100 at
  the most.
- keras: rows of probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7]; for KL both sides are clipped
  to [1e-7, 1]; weighted losses are divided by the number of rows; a mean over nothing is 0.
- sklearn: probabilities are clipped by the spacing of the stored type at 1.
- scipy: rows are divided by their sum; Jensen-Shannon is the distance, the root of the divergence.
- kaggle: log loss divides rows by their sum and clips to [1e-15, 1 - 1e-15]; KL clips the model's side alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from divtool.engine.candidates import base_of
from divtool.engine.inputs import Input
from divtool.errors import UsageError
from divtool.meaning.zeros import Zeros, parse_zeros
from divtool.measures.declare import MEASURES, Declaration
from divtool.measures.likes import LIKES
from divtool.options import Measuring, Reading

_KERAS, _KAGGLE = 1e-7, 1e-15
_TORCH_CAP = 100.0


def understood(declared: Declaration, reading: Reading, measuring: Measuring) -> tuple[Declaration, Reading, Measuring]:
    """Verb and options as the tool asked for would mean them, as far as no file need be known for it."""
    tool, name = measuring.like, declared.name
    if measuring.reduction == "batchmean" and tool != "torch":
        raise UsageError(
            "--reduction batchmean is a word of torch's for the mean over rows", hint="write --reduction mean"
        )
    if tool is None:
        return declared, reading, measuring
    if tool not in LIKES.get(name, {}):
        raise UsageError(
            f"{name} --like {tool}: {tool} has no number of its own for this",
            hint=f"{name} knows --like {' or '.join(LIKES[name])}" if name in LIKES else "leave --like out",
        )
    if tool == "torch":
        return declared, reading, replace(measuring, empty="nan", reduction=_torch_reduction(name, measuring))
    if tool == "keras":
        measuring = replace(measuring, empty="zero", mean="rows")
    if name == "js":
        declared = MEASURES.get("js-distance")
    return declared, replace(reading, normalize=tool != "sklearn" and name != "bce"), measuring


def own_options(declared: Declaration, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with those of the measure itself that the tool asked for implies."""
    sums = options.get("like") == "torch" and options.get("reduction") == "sum"
    # torch's binary cross-entropy sums over all cells.
    return {**options, "over": "sum"} if sums and declared.name == "bce" else dict(options)


def _torch_reduction(name: str, measuring: Measuring) -> str | None:
    if measuring.reduction == "batchmean" and name != "kl":
        raise UsageError("--reduction batchmean belongs to torch's kl_div: expected mean, sum or none")
    if name != "kl":
        return measuring.reduction
    return {"mean": "numel", "batchmean": "mean", None: "mean"}.get(measuring.reduction, measuring.reduction)


def zeros_of(declared: Declaration, measuring: Measuring, inputs: Sequence[Input]) -> Zeros:
    """The rule for impossible classes: the one asked for, else the tool's."""
    asked, tool, name = parse_zeros(measuring.zeros), measuring.like, declared.name
    if tool is None:
        return asked
    model = next((each for each in inputs if each.role == "q"), inputs[0])
    table = model.kind is not None and model.kind.name in ("probs", "chances", "counts")
    if asked != Zeros() or not (table or name == "kl"):
        return asked
    if tool == "torch" and name == "bce":
        return Zeros("cap", _TORCH_CAP)
    if tool == "keras":
        return Zeros("clip", _KERAS, 1.0, both=True) if name == "kl" else Zeros("clip", _KERAS, 1.0 - _KERAS)
    if tool == "kaggle":
        return Zeros("clip", _KAGGLE, 1.0 - _KAGGLE)
    if tool == "sklearn":
        spacing = _spacing(model.header.dtype)
        candidates = [each for each in inputs if base_of(each.role) == "q"]
        odd = next((each for each in candidates if _spacing(each.header.dtype) != spacing), None)
        if odd is not None:
            raise UsageError(
                f"--like sklearn clips by the type of the numbers: {model.title} holds {model.header.dtype},"
                f" {odd.title} {odd.header.dtype}", hint="score them one by one",
            )  # fmt: skip
        return Zeros("clip", spacing, 1.0 - spacing)
    return asked


def _spacing(dtype: str) -> float:
    return float(np.finfo(dtype).eps) if dtype in ("float16", "float32") else float(np.finfo(np.float64).eps)


def counts_rows(declared: Declaration, measuring: Measuring, soft: bool) -> bool:
    """Whether a weighted mean is divided by the number of rows."""
    return measuring.mean == "rows" or (measuring.like == "torch" and soft and declared.name != "bce")
