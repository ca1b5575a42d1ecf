"""Ids and their rows in temporary files: each id goes by its hash to one of many partitions, equal ids to the same.

A partition is read back in blocks of bounded size. It has one block where the number of partitions was well guessed
and the hash spreads the ids; nothing but time is lost where it was not, or does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from divtool.engine.twins import hashed, offsets_of

Rows = npt.NDArray[np.int64]

BLOCK_BYTES = 4 << 20
MOST_PARTITIONS = 1 << 10
_KEY = np.dtype([("row", np.int64), ("length", np.int64)])


def partitions_for(id_bytes: int, rows: int) -> int:
    """How many partitions hold so many ids in blocks that are about half full."""
    whole = id_bytes + rows * _KEY.itemsize
    return max(1, min(MOST_PARTITIONS, -(-2 * whole // BLOCK_BYTES)))


class Partitions:
    """The ids of one input, and what goes with each. Several threads may append at once: order does not matter."""

    def __init__(self, folder: str, name: str, count: int) -> None:
        self.folder, self.name, self.count = folder, name, count
        self._locks = [Lock() for _ in range(count)]

    def append(self, ids: pa.Array, rows: Rows, payload: npt.NDArray[Any] | None = None) -> None:
        """Take ids (n,) as Arrow strings with their rows (n,), and a record for each (n,) if there is a payload."""
        place = (hashed(ids) >> np.uint64(33)) * np.uint64(self.count) >> np.uint64(31)
        order = np.argsort(place, kind="stable")
        ids = ids.take(arrow_integers(order))
        offsets = offsets_of(ids)
        keys = np.empty(len(ids), _KEY)
        keys["row"], keys["length"] = rows[order], np.diff(offsets)
        text = memoryview(ids.buffers()[2] or b"")
        cuts = np.searchsorted(place[order], np.arange(self.count + 1, dtype=np.uint64))
        for partition in np.flatnonzero(np.diff(cuts)).tolist():
            start, stop = cuts[partition : partition + 2].tolist()
            with self._locks[partition]:
                self._append(partition, "text", text[offsets[start] : offsets[stop]])
                self._append(partition, "keys", keys[start:stop].tobytes())
                if payload is not None:
                    self._append(partition, "payload", payload[order[start:stop]].tobytes())

    def blocks(self, partition: int) -> Iterator[tuple[pa.Array, Rows]]:
        """The ids of a partition and their rows, always in the same order."""
        if not os.path.exists(self._path(partition, "keys")):
            return
        with open(self._path(partition, "keys"), "rb") as keys, open(self._path(partition, "text"), "rb") as text:
            while raw := keys.read(BLOCK_BYTES // _KEY.itemsize * _KEY.itemsize or _KEY.itemsize):
                read = np.frombuffer(raw, _KEY)
                ends = np.cumsum(read["length"] + _KEY.itemsize)
                start = 0
                while start < read.size:
                    most = BLOCK_BYTES + (int(ends[start - 1]) if start else 0)
                    stop = max(start + 1, int(np.searchsorted(ends, most, "right")))
                    yield _strings(read["length"][start:stop], text), read["row"][start:stop].copy()
                    start = stop

    def payload(self, partition: int, first: int, records: npt.NDArray[Any]) -> None:
        """Fill ``records`` (n,) with those of the partition's ids first:first + n."""
        with open(self._path(partition, "payload"), "rb") as file:
            read_at(file, records, first * records.itemsize)

    def forget(self, partition: int) -> None:
        """Remove a partition's files."""
        for what in ("keys", "text", "payload"):
            with suppress(FileNotFoundError):
                os.unlink(self._path(partition, what))

    def _append(self, partition: int, what: str, data: bytes | memoryview) -> None:
        # Opened each time: there may be more partitions than a process may have files open.
        with open(self._path(partition, what), "ab") as file:
            file.write(data)

    def _path(self, partition: int, what: str) -> str:
        return os.path.join(self.folder, f"{self.name}-{partition}.{what}")


def _strings(lengths: Rows, text: IO[bytes]) -> pa.Array:
    """The next strings of a file of their bytes."""
    offsets = np.zeros(lengths.size + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    data = text.read(int(offsets[-1]))
    if len(data) < offsets[-1]:
        raise OSError("a temporary file ends early")
    return pa.Array.from_buffers(pa.string(), lengths.size, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def arrow_integers(values: npt.NDArray[Any]) -> pa.Array:
    """Whole numbers as Arrow holds them (``pa.array`` would import pandas)."""
    data = pa.py_buffer(np.ascontiguousarray(values, np.int64))
    return pa.Array.from_buffers(pa.int64(), values.size, [None, data])


def read_at(file: IO[bytes], into: npt.NDArray[Any], offset: int) -> None:
    """Fill an array with the bytes of a temporary file from ``offset`` on."""
    whole, done = into.view(np.uint8).data, 0
    while done < len(whole):
        count = os.preadv(file.fileno(), [whole[done:]], offset + done)
        if count == 0:
            raise OSError("a temporary file ends early")
        done += count


def write_at(file: IO[bytes], data: npt.NDArray[Any], offset: int) -> None:
    """Write an array to a temporary file at ``offset``; a full disk may take only a part at once."""
    whole, done = np.ascontiguousarray(data).view(np.uint8).data, 0
    while done < len(whole):
        done += os.pwrite(file.fileno(), whole[done:], offset + done)
