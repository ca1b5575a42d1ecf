"""Entropy of CSV tables of 1 GB, of 100 and of 10,000 columns, from file to printed number: divtool against pyarrow's
``open_csv``, pandas in pieces, and the bare parsing of the same slices by two threads, which is the bound.

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


SLICES = """
import os, sys, pyarrow as pa, pyarrow.csv as csv
from concurrent.futures import ThreadPoolExecutor
path, rows = sys.argv[1], int(sys.argv[2])
with open(path, "rb") as file:
    names = file.readline().decode().strip().split(",")
    cuts, size = [file.tell()], max(1 << 22, rows * len(file.readline()))
    end = os.path.getsize(path)
    while cuts[-1] < end:
        file.seek(min(cuts[-1] + size, end))
        file.readline()
        cuts.append(file.tell())
convert = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()))
def parsed(span):
    with open(path, "rb", buffering=0) as file:
        data = os.pread(file.fileno(), span[1] - span[0], span[0])
    read = csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 64)
    return csv.read_csv(pa.BufferReader(data), read_options=read, convert_options=convert).num_rows
with ThreadPoolExecutor(2) as pool:
    print(sum(pool.map(parsed, zip(cuts, cuts[1:]))))
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
            for name, module, script in (
                ("bare slices", "pyarrow", SLICES), ("open_csv", "pyarrow", ARROW), ("pandas", "pandas", PANDAS),
            ):  # fmt: skip
                python = python_with(module)
                if python:
                    peers[name] = [python, "-c", script, str(path), rows]
            compare(divtool("entropy", str(path), "-q"), peers, rounds=3)


if __name__ == "__main__":
    main()
