"""Rows of a following input as records of one length, and the temporary file in which they get the leader's order.

A record comes when its id is matched, in no order. It goes to a bucket of consecutive target rows, which has a fixed
place in the file; when all have come, each bucket is sorted where it stands. Any rows can then be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.engine.grouping import Names
from divtool.engine.inputs import Slab
from divtool.engine.partitions import read_at, write_at

BUCKET_BYTES = 4 << 20

Records = npt.NDArray[Any]


@dataclass(frozen=True)
class Layout:
    """What is kept of a row: ``width`` numbers of ``dtype`` (None: no matrix), a class number if there are ``codes``,
    the mass ``beyond`` a vocabulary if there is one, its group if rows have ``names`` of groups, its own row, its row
    among the leader's, and its marks."""

    width: int
    dtype: np.dtype[Any] | None
    codes: bool
    beyond: bool = False
    names: Names | None = None

    @cached_property
    def record(self) -> np.dtype[Any]:
        """The type of a record."""
        fields: list[Any] = [("row", np.int64), ("own", np.int64)]
        fields += [(name, np.bool_) for name in ("missing", "normalized", "rounded")]
        if self.codes:
            fields.append(("code", np.int64))
        if self.names is not None:
            fields.append(("group", np.int64))
        if self.beyond:
            fields.append(("beyond", np.float64))
        if self.dtype is not None:
            fields.append(("matrix", self.dtype, (self.width,)))
        return np.dtype(fields)

    @classmethod
    def of(cls, slab: Slab) -> Layout:
        """The layout for an input of which this is a slab."""
        if slab.matrix is None:
            return cls(0, None, slab.codes is not None, names=None if slab.groups is None else Names())
        # Whole numbers may come as doubles where a cell of their block is empty.
        dtype = slab.matrix.dtype if slab.matrix.dtype.kind == "f" else np.dtype(np.float64)
        return cls(slab.matrix.shape[1], dtype, slab.codes is not None, slab.beyond is not None)

    def records(self, slab: Slab) -> Records:
        """The rows of a slab; their places among the leader's rows are not known yet."""
        records = np.zeros(slab.rows, self.record)
        records["own"] = np.arange(slab.first, slab.first + slab.rows)
        if slab.missing is not None:
            records["missing"] = slab.missing
        if slab.normalized is not None and slab.rounded is not None:
            records["normalized"], records["rounded"] = slab.normalized, slab.rounded
        if slab.codes is not None:
            records["code"] = slab.codes
        if slab.groups is not None and self.names is not None:
            records["group"] = self.names.codes(slab.groups)
        if slab.beyond is not None:
            records["beyond"] = slab.beyond
        if slab.matrix is not None:
            # Narrower numbers would be other numbers: better no result than that.
            np.copyto(records["matrix"], slab.matrix, casting="safe")
        return records

    def none(self, first: int, stop: int) -> Records:
        """Rows first:stop as long as nothing has come for them: missing."""
        records = np.zeros(stop - first, self.record)
        records["row"], records["own"], records["missing"] = np.arange(first, stop), -1, True
        if self.dtype is not None:
            records["matrix"] = np.nan
        return records

    def slab(self, first: int, records: Records) -> Slab:
        """Records in order as a slab without ids: these are known to agree."""
        return Slab(
            first,
            len(records),
            np.ascontiguousarray(records["matrix"]) if self.dtype is not None else None,
            np.ascontiguousarray(records["code"]) if self.codes else None,
            None,
            records["normalized"],
            records["rounded"],
            records["missing"] if records["missing"].any() else None,
            records["beyond"] if self.beyond else None,
            None if self.names is None else self.names.groups(np.ascontiguousarray(records["group"])),
        )


@dataclass(frozen=True)
class RecordFile:
    """A file with a record for each of ``rows`` rows, in order."""

    path: str
    layout: Layout
    rows: int

    def read(self, first: int, stop: int) -> Records:
        """The records of rows first:stop."""
        records = np.empty(stop - first, self.layout.record)
        with open(self.path, "rb", buffering=0) as file:
            read_at(file, records, first * records.itemsize)
        return records


class Buckets:
    """A record file in the making. Several threads may use it at once."""

    def __init__(self, target: RecordFile) -> None:
        self._target = target
        self._size = max(1, BUCKET_BYTES // target.layout.record.itemsize)
        self._filled = np.zeros(-(-target.rows // self._size), np.int64)
        self._lock = Lock()
        self._file = open(target.path, "w+b", buffering=0)  # noqa: SIM115

    def __enter__(self) -> Buckets:
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._filled.size

    @property
    def record(self) -> np.dtype[Any]:
        """The type of a record."""
        return self._target.layout.record

    def scatter(self, records: Records) -> None:
        """Take records, each of which knows its row."""
        if len(records) == 0:
            return
        ordered = records[np.argsort(records["row"], kind="stable")]
        buckets = ordered["row"] // self._size
        cuts = [0, *(np.flatnonzero(np.diff(buckets)) + 1).tolist(), len(ordered)]
        numbers = buckets[cuts[:-1]]
        with self._lock:
            places = numbers * self._size + self._filled[numbers]
            self._filled[numbers] += np.diff(cuts)
        for place, (start, stop) in zip(places.tolist(), pairwise(cuts), strict=True):
            write_at(self._file, ordered[start:stop], place * ordered.itemsize)

    def settle(self, bucket: int) -> None:
        """Put the records of a bucket, once all have come, where they belong."""
        first = bucket * self._size
        ordered = self._target.layout.none(first, min(first + self._size, self._target.rows))
        come = np.empty(int(self._filled[bucket]), ordered.dtype)
        read_at(self._file, come, first * ordered.itemsize)
        ordered[come["row"] - first] = come
        write_at(self._file, ordered, first * ordered.itemsize)
