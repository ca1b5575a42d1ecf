"""Parquet and Arrow files that are cut, damaged or made to harm: refused with their name, never a crash."""

from __future__ import annotations

import io
import pickle
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from test_formats import refusal, rows_of
from test_tables import HARD, HOLDERS, ROWS, in_arrow, in_parquet

from divtool.errors import DivtoolError, InputError
from divtool.formats.opening import open_source
from divtool.formats.source import FLOAT, OTHER, TEXT, Selection


def hostile_table() -> pa.Table:
    """A bit of everything whose damage could be followed out of the memory."""
    return pa.table({
        "id": [f"row {i}" for i in range(ROWS)], "a": pa.array(HARD), "v": [[0.5, 1.5]] * ROWS,
        "w": pa.array(["dog", "cat"] * (ROWS // 2)).dictionary_encode(), "n": pa.array([0.5, None] * (ROWS // 2)),
    })  # fmt: skip


def whole(kind: str) -> bytes:
    table, stream = hostile_table(), io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, stream, row_group_size=13, write_page_checksum=True)
        return stream.getvalue()
    options = ipc.IpcWriteOptions(compression="zstd" if "packed" in kind else None)
    with (ipc.new_stream if "stream" in kind else ipc.new_file)(stream, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=13)
    return stream.getvalue()


def read_all(path: Path) -> int:
    source = open_source(str(path))
    numbers = [i for i, word in enumerate(source.header.types) if word == FLOAT]
    texts = tuple(i for i, word in enumerate(source.header.types) if word == TEXT)
    return len(rows_of(source, Selection(numbers, texts, missing=True), extents=source.extents(500))[0])


KINDS = ("arrow", "packed-arrow", "stream", "packed-stream", "parquet")


class TestHostile:
    @pytest.mark.parametrize("kind", KINDS)
    def test_truncation_anywhere(self, kind: str, tmp_path: Path) -> None:
        data, path = whole(kind), tmp_path / "x"
        for kept in range(8, len(data) - 8, max(1, len(data) // 60)):
            path.write_bytes(data[:kept])
            assert refusal(read_all, path).path == str(path)

    @pytest.mark.parametrize("kind", KINDS)
    def test_damage_anywhere_ends_no_program(self, kind: str, tmp_path: Path) -> None:
        """Read to the end, or refused with the file's name; numbers of Arrow's own bear no checksum."""
        data, path, luck = whole(kind), tmp_path / "x", random.Random(8)
        for _ in range(150):
            damaged = bytearray(data)
            for _ in range(luck.choice([1, 2, 8])):
                damaged[luck.randrange(8, len(data))] ^= 1 << luck.randrange(8)
            path.write_bytes(damaged)
            try:
                read_all(path)
            except DivtoolError as error:
                assert str(path) in str(error)  # noqa: PT017

    @pytest.mark.parametrize("value", [-1, -(2**63), 2**31, 2**40, 2**62, 2**63 - 1])
    @pytest.mark.parametrize("kind", KINDS[:4])
    def test_absurd_lengths(self, kind: str, value: int, tmp_path: Path) -> None:
        data, path = whole(kind), tmp_path / "x"
        for place in range(8, len(data) - 16, max(8, len(data) // 800 * 8)):
            damaged = data[:place] + value.to_bytes(8, "little", signed=True) + data[place + 8 :]
            path.write_bytes(damaged)
            try:
                assert read_all(path) <= ROWS
            except InputError as error:
                assert str(path) in str(error)  # noqa: PT017

    def test_a_bomb(self, tmp_path: Path) -> None:
        """A batch of three gigabytes in a file of few kilobytes."""
        path, options = tmp_path / "x", ipc.IpcWriteOptions(compression="zstd")
        with ipc.new_file(path, pa.schema([("a", pa.float64())]), options=options) as writer:
            writer.write_batch(pa.record_batch([pa.array(np.zeros(1 << 12))], names=["a"]))
        data, magic = bytearray(path.read_bytes()), b"\x28\xb5\x2f\xfd"
        place = data.index(magic) - 8
        assert int.from_bytes(data[place : place + 8], "little") == 8 << 12
        data[place : place + 8] = (3 << 30).to_bytes(8, "little")
        path.write_bytes(data)
        assert "bomb" in refusal(read_all, path).message

    def test_absurd_widths(self, tmp_path: Path) -> None:
        column = pa.array([], pa.list_(pa.float32(), 2**31 - 1))
        assert list(in_arrow(pa.table({"v": column}), tmp_path).header.types) == [OTHER]

    def test_text_that_is_no_utf8(self, tmp_path: Path) -> None:
        raw = pa.array([b"\xe9t\xe9"])
        text = pa.Array.from_buffers(pa.string(), 1, raw.buffers())
        for hold in HOLDERS:
            error = refusal(lambda hold=hold: rows_of(hold(pa.table({"k": text}), tmp_path), Selection((), (0,))))
            assert "UTF" in error.message

    def test_an_old_feather_file(self, tmp_path: Path) -> None:
        (tmp_path / "x.feather").write_bytes(b"FEA1" + bytes(100))
        assert "version 1" in refusal(open_source, str(tmp_path / "x.feather")).message

    def test_sources_stay_small(self, tmp_path: Path) -> None:
        for hold in (in_parquet, in_arrow):
            assert len(pickle.dumps(hold(hostile_table(), tmp_path))) < 5000
