"""Mutual information of all pairs of 100 categorical columns x 1,000,000 rows: divtool as a whole process that reads a
Parquet file, against a loop over scikit-learn's ``mutual_info_score`` on whole numbers that are in memory already.

The loop would take ten minutes a round, so each round times a sample of the pairs and scales it to all of them; the
peer's reading and start are not counted. The counting kernel and its NumPy twin are timed alone.

Run ``make bench``.
"""

from __future__ import annotations

import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _pairs import ROUNDS, divtool, row, run
from sklearn.metrics import mutual_info_score

from divtool.numerics import counting, kernels

ROWS, COLUMNS, GROUP = 1_000_000, 100, 125_000
SAMPLE = 10
PAIRS = list(combinations(range(COLUMNS), 2))


def entries() -> np.ndarray:
    """How many entries each column has: 5 most of them, 2 to 20 the others."""
    rng = np.random.default_rng(0)
    return np.where(rng.random(COLUMNS) < 0.7, 5, rng.integers(2, 21, COLUMNS))


def make_file(path: Path) -> str:
    """Columns that have something to do with each other, every other one of them text; written piece by piece: a
    child's peak memory counts that of the process that starts it."""
    rng, widths = np.random.default_rng(1), entries().tolist()
    names = [pa.array([f"name{i}" for i in range(width)]) for width in widths]
    fields = [(f"c{i}", pa.string() if i % 2 else pa.int64()) for i in range(COLUMNS)]
    with pq.ParquetWriter(path, pa.schema(fields)) as writer:
        for _ in range(0, ROWS, GROUP):
            common = rng.integers(0, 1 << 20, GROUP)
            codes = [pa.array(np.where(rng.random(GROUP) < 0.3, common % width, rng.integers(0, width, GROUP)))
                     for width in widths]  # fmt: skip
            columns = [names[i].take(own) if i % 2 else own for i, own in enumerate(codes)]
            writer.write_table(pa.table(columns, schema=pa.schema(fields)))
    return str(path)


def codes_of(path: str, *places: int) -> list[np.ndarray]:
    """Some columns as whole numbers."""
    table = pq.read_table(path, columns=[f"c{place}" for place in places])
    return [column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64) for column in table.columns]


def loop_seconds(path: str, turn: int) -> float:
    """Seconds of the loop over all pairs, by a sample of them."""
    seconds = 0.0
    for place in np.random.default_rng(turn).choice(len(PAIRS), SAMPLE, replace=False).tolist():
        a, b = codes_of(path, *PAIRS[place])
        begun = time.perf_counter()
        mutual_info_score(a, b)
        seconds += time.perf_counter() - begun
    return seconds * len(PAIRS) / SAMPLE


def kernel_seconds() -> None:
    """Nanoseconds a row and pair of the counting alone, in one thread."""
    rng, widths, pairs = np.random.default_rng(2), entries(), np.array(PAIRS)
    columns = np.stack([rng.integers(0, width, 1 << 16) for width in widths.tolist()])
    sizes = widths[pairs].prod(axis=1)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    strides = np.stack([widths[pairs[:, 1]], np.ones(len(pairs), np.int64)], axis=1)
    for name, count in (("C kernel", kernels.count_tables), ("NumPy twin", counting.count_tables)):
        for kind in (np.uint8, np.uint16, np.uint32):
            codes, found = columns.astype(kind), []
            for _ in range(ROUNDS):
                out = np.zeros(offsets[-1], np.int64)
                begun = time.perf_counter()
                count(codes, pairs, strides, offsets, out)
                found.append((time.perf_counter() - begun) / codes.shape[1] / len(pairs) * 1e9)
            row(f"{name}, {np.dtype(kind)} ns", found)


def main() -> None:
    """Make the file, then run each pair."""
    with tempfile.TemporaryDirectory() as folder:
        path = make_file(Path(folder) / "table.parquet")
        command = divtool("mi", path, "--matrix", "-f", "json", "-o", str(Path(folder) / "found.json"))
        run(command)
        print(
            f"{ROWS:,} rows, {COLUMNS} columns, {len(PAIRS):,} pairs; {ROUNDS} rounds, {SAMPLE} pairs of the loop each"
        )
        rounds = [(run(command), loop_seconds(path, turn)) for turn in range(ROUNDS)]
        row("divtool s", [ours.seconds for ours, _ in rounds])
        row("the loop s (scaled)", [loop for _, loop in rounds])
        row("times as fast", [loop / ours.seconds for ours, loop in rounds])
        print("counting alone, a row and pair")
        kernel_seconds()


if __name__ == "__main__":
    main()
