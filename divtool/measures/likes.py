"""Which measures other tools compute otherwise, so that ``--like`` can give their digits, and what they do."""

from __future__ import annotations

_NOTHING = "a mean over nothing is NaN"

LIKES: dict[str, dict[str, str]] = {
    "ce": {
        "torch": f"soft targets with class weights are divided by the number of rows; {_NOTHING}",
        "keras": "rows are divided by their sum and clipped to [1e-7, 1 - 1e-7]; weighted rows are divided by the"
        " number of rows; a mean over nothing is 0",
        "sklearn": "probabilities are clipped by the spacing of the stored type at 1",
        "kaggle": "rows are divided by their sum and clipped to [1e-15, 1 - 1e-15]",
    },
    "nll": {"torch": f"soft targets with class weights are divided by the number of rows; {_NOTHING}"},
    "bce": {
        "torch": f"probabilities cost 100 nats at the most; the sum is over all cells; {_NOTHING}",
        "keras": "probabilities are clipped to [1e-7, 1 - 1e-7]; a mean over nothing is 0",
        "sklearn": "probabilities are clipped by the spacing of the stored type at 1",
    },
    "kl": {
        "torch": f"--reduction batchmean (the default) divides by the rows, mean by all cells; {_NOTHING}",
        "keras": "both sides are clipped to [1e-7, 1]; a mean over nothing is 0",
        "scipy": "rows are divided by their sum",
        "kaggle": "the model's side is clipped to [1e-15, 1 - 1e-15]",
    },
    "js": {"scipy": "rows are divided by their sum; the number is the distance, the root of the divergence"},
    "entropy": {"scipy": "rows are divided by their sum"},
}
