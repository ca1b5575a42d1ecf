"""Rows of the accuracy table, from their description to floats.

A short row is a list of `float.hex` strings.  A long one is a recipe, so that the table stays small; every step of a
recipe is exact or one IEEE operation, so it gives the same bits on every machine:

- ``{"flat": v, "c": C}``: C times v;
- ``{"steps": [a, b, m, s], "c": C}``: x_j = ((a j + b) mod m - m // 2) 2^-s, exact;
- ``{"near": row, "eps": h, "seed": k}``: x_j + eps n_j, one product and one sum; n_j is a sum of four
  hashes, close to N(0, 1).
"""

from __future__ import annotations

from typing import Any


def noise(j: int, seed: int) -> float:
    """Roughly N(0, 1) and exact: four 16-bit hashes, centred, over a power of two near their standard deviation."""
    state, total = (j * 2654435761 + seed * 40503 + 12345) % 2**32, 0
    for _ in range(4):
        state = (state * 1664525 + 1013904223) % 2**32
        total += state >> 16
    return (total - 2 * 65535) * 2.0**-15


def row(described: Any) -> list[float]:
    """The floats of a described row.

    >>> row({"steps": [3, 1, 8, 1], "c": 4})
    [-1.5, 0.0, 1.5, -1.0]
    """
    if isinstance(described, list):
        return [float.fromhex(x) for x in described]
    if "flat" in described:
        return [float.fromhex(described["flat"])] * described["c"]
    if "steps" in described:
        a, b, m, s = described["steps"]
        return [((a * j + b) % m - m // 2) * 2.0**-s for j in range(described["c"])]
    eps, seed = float.fromhex(described["eps"]), described["seed"]
    return [x + eps * noise(j, seed) for j, x in enumerate(row(described["near"]))]
