"""Files of outputs for tests that score several of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ROWS, CLASSES = 300, 4

WAYS: tuple[dict[str, Any], ...] = ({}, {"chunk_size": 2000, "threads": 3}, {"chunk_size": 97, "threads": 1})


def logits(seed: int, spread: float = 2.0) -> Array:
    return np.random.default_rng(seed).normal(size=(ROWS, CLASSES)) * spread


def saved(**arrays: Array) -> list[str]:
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    return [f"{name}.npy" for name in arrays]


def some_files() -> list[str]:
    base = logits(0)
    files = {f"c{i}": base + 0.1 * (i + 1) * logits(i + 1) for i in range(3)}
    return saved(ref=base, **files, y=np.random.default_rng(9).integers(0, CLASSES, ROWS))
