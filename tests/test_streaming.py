"""Files larger than the memory that the program is given, scored to the same bytes by any number of threads.

A file is one block of rows written many times over, so that it is quickly made, and so that its exact mean is that of
the block. How much memory the program takes for a short file is measured with as many threads; it gets a little more
than that, and the long file is larger than all of it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from program import Ended, peak_data, run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does it")

CLASSES = 16
BLOCK_ROWS = 4096
THREADS = (1, 2, 8)
MIB = 1 << 20
SHORT = 12 * MIB  # parts enough to keep eight threads busy
SPARE = 64 * MIB  # what any longer file may need beyond the short one


@dataclass(frozen=True)
class Block:
    """Logits and labels of some rows, the same in every format: float32 values, and as text their exact decimals."""

    logits: np.ndarray
    labels: np.ndarray


def block_of(rows: int = BLOCK_ROWS) -> Block:
    rng = np.random.default_rng(21)
    logits = rng.normal(0.0, 4.0, (rows, CLASSES)).astype(np.float32)
    return Block(logits, rng.integers(0, CLASSES, rows))


@dataclass(frozen=True)
class Written:
    """The files of a run, the number of their rows, and the size of the largest."""

    operands: tuple[str, ...]
    options: tuple[str, ...]
    rows: int

    @property
    def size(self) -> int:
        return max(map(os.path.getsize, self.operands))

    def command(self, *args: str) -> list[str]:
        return ["ce", *self.operands, *self.options, *args]

    def run(self, *args: str, limit: int | None = None, cwd: Path | None = None) -> Ended:
        return run(self.command(*args), data_limit=limit, cwd=cwd)


Store = Callable[[Block, Path, int, bool], Written]


def store_npy(block: Block, folder: Path, size: int, bad: bool) -> Written:
    times = -(-size // block.logits.nbytes)
    rows = times * len(block.logits)
    path, labels = folder / "logits.npy", folder / "labels.npy"
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, CLASSES)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(times):
            file.write(block.logits.tobytes())
        if bad:
            file.seek(-4, os.SEEK_END)
            file.write(np.float32(np.nan).tobytes())
    np.save(labels, np.tile(block.labels, times))
    return Written((str(path), str(labels)), (), rows)


def store_csv(block: Block, folder: Path, size: int, bad: bool) -> Written:
    text = io.StringIO()
    for row, label in zip(block.logits.astype(np.float64).tolist(), block.labels.tolist(), strict=True):
        text.write(",".join(map(repr, row)) + f",c{label}\n")
    lines = text.getvalue().encode()
    times = -(-size // len(lines))
    path = folder / "preds.csv"
    with open(path, "wb") as file:
        file.write(",".join([*(f"c{i}" for i in range(CLASSES)), "label"]).encode() + b"\n")
        for _ in range(times):
            file.write(lines)
        if bad:
            last = lines[lines.rindex(b"\n", 0, -1) + 1 :]
            file.seek(-len(last), os.SEEK_END)
            file.write(b"oops" + last[last.index(b",") :])
            file.truncate()
    return Written((str(path),), ("--label-col", "label"), times * len(block.logits))


def store_parquet(block: Block, folder: Path, size: int, bad: bool) -> Written:
    times = -(-size // block.logits.nbytes)
    together = min(times, 4)
    times = -(-times // together)
    logits, labels = np.tile(block.logits, (together, 1)), np.tile(block.labels, together)
    table, last = parquet_table(logits, labels), parquet_table(with_bad_end(logits) if bad else logits, labels)
    path = folder / "preds.parquet"
    with pq.ParquetWriter(path, table.schema, compression="none", use_dictionary=["label"]) as writer:
        for turn in range(times):
            writer.write_table(last if turn == times - 1 else table)
    return Written((str(path),), ("--label-col", "label"), times * len(logits))


def parquet_table(logits: np.ndarray, labels: np.ndarray) -> pa.Table:
    columns = {f"c{i}": pa.array(logits[:, i]) for i in range(CLASSES)}
    return pa.table({**columns, "label": pa.array([f"c{label}" for label in labels.tolist()]).dictionary_encode()})


def with_bad_end(logits: np.ndarray) -> np.ndarray:
    spoilt = logits.copy()
    spoilt[-1, -1] = np.nan
    return spoilt


STORES: dict[str, Store] = {
    "npy": store_npy,
    "csv": store_csv,
    "parquet": store_parquet,
}


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]


@dataclass(frozen=True)
class Limited:
    """A long file, the memory that it must be scored in, and the results by one thread; one whose last row is bad."""

    long: Written
    bad: Written
    limit: int
    results: str
    block: Ended


@pytest.fixture(scope="module")
def limited(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    folders = [tmp_path_factory.mktemp("streaming") for _ in range(4)]
    make = partial(store, block_of())
    limit = peak_data(make(folders[0], SHORT, False).command("-j", "8")) + SPARE
    long = make(folders[1], limit + limit // 20, False)
    bad = make(folders[2], limit + limit // 20, True)
    results = long.run("-f", "json", "-j", "1", limit=limit).results
    yield Limited(long, bad, limit, results, make(folders[3], 1, False).run("-f", "json"))
    for path in (*long.operands, *bad.operands):
        os.unlink(path)


class TestLongFiles:
    def test_come_to_what_their_block_comes_to(self, limited: Limited) -> None:
        assert limited.long.size > limited.limit
        (got,), (expected,) = json.loads(limited.results), limited.block.document["results"]
        assert (got["n"], expected["n"]) == (limited.long.rows, BLOCK_ROWS)
        # The exact mean of a block written many times over is that of the block, to the last bit.
        assert [got[name] for name in ("value", "min", "max")] == [expected[name] for name in ("value", "min", "max")]
        assert got["worst"][0] == expected["worst"][0]

    @pytest.mark.parametrize("threads", [2, 8])
    def test_threads_change_no_bit(self, limited: Limited, threads: int) -> None:
        ended = limited.long.run("-f", "json", "-j", str(threads), limit=limited.limit)
        assert ended.results == limited.results

    def test_chunks_of_another_size_change_no_bit(self, limited: Limited) -> None:
        ended = limited.long.run("-f", "json", "-j", "2", "--chunk-size", "1MiB", limit=limited.limit)
        assert ended.results == limited.results

    def test_a_bad_last_row_leaves_standard_output_empty(self, limited: Limited) -> None:
        ended = limited.bad.run("-f", "json", "-j", "8", limit=limited.limit)
        assert (ended.status, ended.stdout) == (3, "")
        assert f"row {limited.bad.rows - 1}" in ended.stderr
        assert limited.bad.operands[0] in ended.stderr
        assert "hint: " in ended.stderr


def test_a_bad_last_row_leaves_no_file(store: Store, tmp_path: Path) -> None:
    bad = store(block_of(), tmp_path, SHORT, True)
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.csv").write_text("old")
    ended = bad.run("-o", "report.json", "--per-row", "old.csv", "-j", "2", cwd=out)
    assert (ended.status, ended.stdout) == (3, "")
    assert f"row {bad.rows - 1}" in ended.stderr
    assert os.listdir(out) == ["old.csv"]
    assert (out / "old.csv").read_text() == "old"


def test_short_chunks_give_the_same_bytes(store: Store, tmp_path: Path) -> None:
    """One row, seven rows and all rows in a chunk; one, two and eight threads."""
    written = store(block_of(200), tmp_path, 1, False)
    row = 8 * CLASSES
    results = {
        written.run("-f", "json", "-j", str(threads), "--chunk-size", str(size)).results
        for size in (row, 7 * row, 1 << 40)
        for threads in THREADS
    }
    assert len(results) == 1


def test_every_format_gives_the_same_bytes(tmp_path: Path) -> None:
    results = set()
    for name, store in STORES.items():
        (tmp_path / name).mkdir()
        results.add(store(block_of(1000), tmp_path / name, 1, False).run("-f", "json").results)
    assert len(results) == 1
