"""Entropy of CSV tables of 1 GB, of 100 and of 10,000 columns, from file to printed number: divtool against pyarrow's
``open_csv`` and pandas in pieces.

Run ``make bench``. pandas is no dependency: ``PEER_PYTHON=/path/to/python`` names a Python that has it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from _pairs import compare, divtool, python_with

SIZE = 1_000_000_000
WIDTHS = (100, 10_000)
PIECE = 4_000_000

ARROW = """
import sys, numpy as np, pyarrow.csv as csv
total, rows = 0.0, 0
for batch in csv.open_csv(sys.argv[1]):
    p = np.asarray(batch.to_tensor(row_major=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        total -= np.where(p > 0, p * np.log(p), 0.0).sum()
    rows += len(p)
print(total / rows)
"""

PANDAS = """
import sys, numpy as np, pandas as pd
total, rows = 0.0, 0
for frame in pd.read_csv(sys.argv[1], chunksize=int(sys.argv[2])):
    p = frame.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        total -= np.where(p > 0, p * np.log(p), 0.0).sum()
    rows += len(p)
print(total / rows)
"""


def make_table(path: Path, width: int) -> None:
    """Rows of probabilities with 17 digits each, written piece by piece."""
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(width)]
    rows = max(20, PIECE // (18 * width))
    with open(path, "wb") as file:
        file.write((",".join(names) + "\n").encode())
        while file.tell() < SIZE:
            p = rng.random((rows, width))
            p /= p.sum(axis=1, keepdims=True)
            columns = [pa.array(np.ascontiguousarray(p[:, i])) for i in range(width)]
            batch = pa.RecordBatch.from_arrays(columns, names=names)
            arrow_csv.write_csv(batch, file, arrow_csv.WriteOptions(include_header=False))


def main() -> None:
    """Make each table, then run each pair."""
    for width in WIDTHS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{width}.csv"
            make_table(path, width)
            print(f"\n{width:,} columns")
            peers = {}
            rows = str(max(150, PIECE // (18 * width)))
            for name, module, script in (("open_csv", "pyarrow", ARROW), ("pandas", "pandas", PANDAS)):
                python = python_with(module)
                if python:
                    peers[name] = [python, "-c", script, str(path), rows]
            compare(divtool("entropy", str(path), "-q"), peers, rounds=3)


if __name__ == "__main__":
    main()
