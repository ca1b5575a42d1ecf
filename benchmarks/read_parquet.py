"""Entropy of Parquet files of 100 float32 columns, one ten times as long as the other: seconds against the plain way to
read them (pyarrow's batches, a softmax in NumPy), and the peak memory of both lengths.

Run ``make bench``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _pairs import compare, divtool

ROWS, CLASSES, GROUP = 200_000, 100, 50_000

BATCHES = """
import sys, numpy as np, pyarrow.parquet as pq
total, rows = 0.0, 0
for batch in pq.ParquetFile(sys.argv[1]).iter_batches(batch_size=4096):
    logits = np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns], axis=1).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    parts = np.exp(logits)
    mass = parts.sum(axis=1)
    total += (np.log(mass) - (parts * logits).sum(axis=1) / mass).sum()
    rows += batch.num_rows
print(total / rows)
"""


def make_file(path: Path, rows: int) -> str:
    """Logits in row groups, written piece by piece: a child's peak memory counts that of the process that starts it."""
    rng = np.random.default_rng(0)
    schema = pa.schema([(f"c{i}", pa.float32()) for i in range(CLASSES)])
    with pq.ParquetWriter(path, schema, use_dictionary=False, compression="zstd", write_page_checksum=True) as writer:
        for _ in range(0, rows, GROUP):
            columns = [pa.array(3 * rng.standard_normal(GROUP, dtype=np.float32)) for _ in range(CLASSES)]
            writer.write_table(pa.table(columns, schema=schema))
    return str(path)


def main() -> None:
    """Make the files, then run each pair."""
    with tempfile.TemporaryDirectory() as folder:
        for times in (1, 10):
            path = make_file(Path(folder) / f"logits{times}.parquet", times * ROWS)
            print(f"\n{times * ROWS:,} rows of {CLASSES} float32 columns")
            peers = {"batches": [sys.executable, "-c", BATCHES, path]}
            compare(divtool("entropy", path, "--given", "logits", "-q"), peers)


if __name__ == "__main__":
    main()
