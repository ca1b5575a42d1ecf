"""Rows of one input put into the order of another by their ids, in bounded memory.

Both sides' ids are spilled to partitions by a hash, each partition is matched on its own, and the rows found are put
into buckets of consecutive target rows. A bucket has a fixed place in one temporary file and is sorted when it is
read, so that nothing but one partition and one bucket is ever in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from divtool.engine.inputs import Input, Readable, Slab
from divtool.engine.plan import Plan
from divtool.engine.twins import hashed
from divtool.errors import InputError
from divtool.formats.keys import integers_of
from divtool.formats.source import Extent, Stored
from divtool.meaning.kinds import Kind
from divtool.meaning.labels import Codes

PARTITION_ROWS = 1 << 19
BUCKET_BYTES = 4 << 20
_READ = 4 << 20


@dataclass(frozen=True)
class _Shape:
    """How one follower's row is laid out: its matrix row, its code, its flags."""

    width: int
    dtype: np.dtype[Any] | None
    codes: bool

    @property
    def record(self) -> np.dtype[Any]:
        fields: list[Any] = [("row", np.int64), ("own", np.int64), ("normalized", np.bool_), ("rounded", np.bool_)]
        if self.codes:
            fields.append(("code", np.int64))
        if self.dtype is not None:
            fields.append(("matrix", self.dtype, (self.width,)))
        return np.dtype(fields)


class Reordered:
    """An input whose rows stand in the order of the leading input; reads like any other."""

    def __init__(self, follower: Readable, leader: Input) -> None:
        self.follower = follower
        self._folder = tempfile.mkdtemp(prefix="divtool-join-")
        self._cleanup = weakref.finalize(self, shutil.rmtree, self._folder, True)
        self._shape = _shape_of(follower)
        self._rows = leader.count()
        self._bucket = max(1, BUCKET_BYTES // self._shape.record.itemsize)
        self._fill = np.zeros(-(-self._rows // self._bucket) or 1, dtype=np.int64)
        self.leader_title = leader.title
        partitions = max(1, -(-max(self._rows, follower.count()) // PARTITION_ROWS))
        _spill_leader(leader, self._folder, partitions)
        _spill_follower(follower, self._folder, partitions, self._shape)
        self._match(partitions)

    @property
    def title(self) -> str:
        """How the file is called."""
        return self.follower.title

    @property
    def as_read(self) -> Input:
        """The input as it stands in its file."""
        return self.follower.as_read

    @property
    def role(self) -> str | None:
        """The role of its matrix."""
        return self.follower.role

    @property
    def size(self) -> int:
        """The bytes of its file."""
        return self.follower.size

    @property
    def kind(self) -> Kind | None:
        """What its matrix holds."""
        return self.follower.kind

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Buckets."""
        for first in range(0, self._rows, self._bucket):
            yield Extent(first, min(first + self._bucket, self._rows))

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows."""
        return Extent(min(first, self._rows), min(stop, self._rows))

    def count(self) -> int:
        """The number of rows, the same as the leader's."""
        return self._rows

    def check_unchanged(self) -> None:
        """Refuse if the file behind is not what it was."""
        self.follower.check_unchanged()

    def refuse_row(self, matrix: Stored, at: int, first: int) -> None:
        """A bad row was looked for when the rows were spilled; what is left is named by the leader's row."""
        self.follower.refuse_row(matrix, at, first)

    def slabs(self, extent: Extent, block_bytes: int) -> Iterator[Slab]:
        """Rows in the leader's order; their ids are known to agree, so none are given."""
        for bucket in range(extent.first // self._bucket, -(-extent.stop // self._bucket)):
            records = self._read(bucket)
            base = bucket * self._bucket
            records = records[max(extent.first - base, 0) : extent.stop - base]
            matrix = np.ascontiguousarray(records["matrix"]) if self._shape.dtype is not None else None
            codes: Codes | None = np.ascontiguousarray(records["code"]) if self._shape.codes else None
            yield Slab(
                max(extent.first, base), len(records), matrix, codes, None, records["normalized"], records["rounded"]
            )

    def _read(self, bucket: int) -> npt.NDArray[Any]:
        record = self._shape.record
        with open(self._path, "rb") as file:
            file.seek(bucket * self._bucket * record.itemsize)
            raw = file.read(int(self._fill[bucket]) * record.itemsize)
        records = np.frombuffer(raw, record)
        return records[np.argsort(records["row"], kind="stable")]

    @property
    def _path(self) -> str:
        return os.path.join(self._folder, "buckets")

    def _match(self, partitions: int) -> None:
        problems: list[tuple[int, str, str]] = []
        with open(self._path, "wb") as buckets:
            for partition in range(partitions):
                leader, leader_rows = _read_ids(self._folder, "leader", partition)
                follower, records = _read_payload(self._folder, partition, self._shape)
                problems += _problems(leader, leader_rows, follower, records["own"], self)
                if not problems:
                    found = integers_of(pc.index_in(follower, value_set=leader))
                    records = records.copy()
                    records["row"] = leader_rows[found]
                    self._scatter(buckets.fileno(), records)
        if problems:
            row, path, message = min(problems)
            raise InputError(
                message, path=path, row=row, hint="both files must hold the same ids, each once",
            )  # fmt: skip

    def _scatter(self, file: int, records: npt.NDArray[Any]) -> None:
        order = np.argsort(records["row"], kind="stable")
        buckets = records["row"][order] // self._bucket
        cuts = [0, *(np.flatnonzero(np.diff(buckets)) + 1).tolist(), len(order)]
        for start, stop in pairwise(cuts):
            if start == stop:
                continue
            bucket = int(buckets[start])
            place = (bucket * self._bucket + int(self._fill[bucket])) * records.dtype.itemsize
            os.pwrite(file, records[order[start:stop]].tobytes(), place)
            self._fill[bucket] += stop - start


def _shape_of(follower: Readable) -> _Shape:
    for slab in follower.slabs(follower.locate(0, 1), 1):
        dtype = None if slab.matrix is None else slab.matrix.dtype
        width = 0 if slab.matrix is None else slab.matrix.shape[1]
        # A normalised block is wider than a stored one: take the widest type that a block can have.
        wide = np.dtype(np.float64) if dtype is not None and slab.normalized is not None else dtype
        return _Shape(width, wide, slab.codes is not None)
    raise InputError("holds no rows", path=follower.title)


def _whole(input_: Readable) -> Iterator[Slab]:
    for extent in input_.extents(_READ):
        yield from input_.slabs(extent, _READ)


def _spill_leader(leader: Input, folder: str, partitions: int) -> None:
    _spill_ids(((slab, None) for slab in _whole(leader.ids_only())), folder, "leader", partitions)


def _spill_follower(follower: Readable, folder: str, partitions: int, shape: _Shape) -> None:
    checked = ((slab, _records(slab, shape, follower)) for slab in _whole(follower))
    _spill_ids(checked, folder, "follower", partitions)


def _records(slab: Slab, shape: _Shape, follower: Readable) -> npt.NDArray[Any]:
    records = np.zeros(slab.rows, shape.record)
    records["own"] = np.arange(slab.first, slab.first + slab.rows)
    if slab.normalized is not None:
        records["normalized"], records["rounded"] = slab.normalized, slab.rounded
    if slab.codes is not None:
        records["code"] = slab.codes
    if slab.matrix is not None:
        for at in np.flatnonzero(np.isnan(slab.matrix).any(axis=1) | (slab.matrix == -np.inf).all(axis=1)).tolist():
            follower.refuse_row(slab.matrix, at, slab.first)
        records["matrix"] = slab.matrix
    return records


def _spill_ids(slabs: Iterator[tuple[Slab, Any]], folder: str, name: str, partitions: int) -> None:
    schema = pa.schema([("id", pa.string()), ("row", pa.int64())])
    sinks = [pa.OSFile(os.path.join(folder, f"{name}-{i}.arrow"), "wb") for i in range(partitions)]
    writers = [pa.ipc.new_stream(sink, schema) for sink in sinks]
    payloads = [open(os.path.join(folder, f"{name}-{i}.rows"), "wb") for i in range(partitions)]  # noqa: SIM115
    try:
        for slab, records in slabs:
            assert slab.ids is not None
            ids = slab.ids.arrow()
            rows = np.arange(slab.first, slab.first + slab.rows)
            place = (hashed(ids) >> np.uint64(17)) % np.uint64(partitions)
            for i in np.unique(place).tolist():
                chosen = np.flatnonzero(place == i)
                writers[int(i)].write_batch(
                    pa.RecordBatch.from_arrays([ids.take(_arrow(chosen)), _arrow(rows[chosen])], schema=schema)
                )
                if records is not None:
                    payloads[int(i)].write(records[chosen].tobytes())
    finally:
        for each in (*writers, *sinks, *payloads):
            each.close()


def _arrow(values: npt.NDArray[Any]) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(values, np.int64))
    return pa.Array.from_buffers(pa.int64(), values.size, [None, data])


def _read_ids(folder: str, name: str, partition: int) -> tuple[pa.Array, Codes]:
    with pa.OSFile(os.path.join(folder, f"{name}-{partition}.arrow"), "rb") as file:
        table = pa.ipc.open_stream(file).read_all()
    ids = table.column(0).combine_chunks()
    rows = table.column(1).combine_chunks()
    ids = ids.chunk(0) if isinstance(ids, pa.ChunkedArray) else ids
    rows = rows.chunk(0) if isinstance(rows, pa.ChunkedArray) else rows
    return ids, integers_of(rows) if len(rows) else np.empty(0, np.int64)


def _read_payload(folder: str, partition: int, shape: _Shape) -> tuple[pa.Array, npt.NDArray[Any]]:
    ids, _ = _read_ids(folder, "follower", partition)
    return ids, np.fromfile(os.path.join(folder, f"follower-{partition}.rows"), shape.record)


def _problems(
    leader: pa.Array, leader_rows: Codes, follower: pa.Array, follower_rows: Codes, pair: Reordered
) -> list[tuple[int, str, str]]:
    """The first row of this partition with an id that is double, missing or extra: (row, file, message)."""
    first, second = pair.leader_title, pair.title
    problems = []
    for ids, rows, path in ((leader, leader_rows, first), (follower, follower_rows, second)):
        twin = _first_twin(ids)
        if twin is not None:
            problems.append((int(rows[twin]), path, f'the id "{ids[twin].as_py()}" stands there a second time'))
    for ids, rows, path, others, other in (
        (leader, leader_rows, first, follower, second), (follower, follower_rows, second, leader, first),
    ):  # fmt: skip
        lost = pc.index_in(ids, value_set=others).is_null()
        if pc.any(lost).as_py():
            at = lost.index(True).as_py()
            problems.append((int(rows[at]), path, f'the id "{ids[at].as_py()}" is not in {other}'))
    return problems


def _first_twin(ids: pa.Array) -> int | None:
    coded = ids.dictionary_encode()
    if len(coded.dictionary) == len(ids):
        return None
    codes = integers_of(coded.indices)
    seen_first = np.zeros(codes.size, np.bool_)
    seen_first[np.unique(codes, return_index=True)[1]] = True
    return int(np.flatnonzero(~seen_first)[0])


def with_rows_in_order(plan: Plan) -> Plan:
    """The plan with every follower's rows put into the leader's order by their ids."""
    leader, *others = plan.inputs
    # A column of the leading file has no id of its own: it stands in order.
    ordered = tuple(other if other.as_read.columns.id is None else Reordered(other, leader.as_read) for other in others)
    names = ", ".join(dict.fromkeys(os.path.basename(each.title) for each in ordered if isinstance(each, Reordered)))
    said = f" ({names} put in order through temporary files)"
    notes = tuple(note + said if note.startswith("rows matched") else note for note in plan.notes)
    return replace(plan, inputs=(leader, *ordered), notes=notes)
